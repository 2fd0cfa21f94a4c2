//! Starting a call: a place, the tokens, the row, and the assistant on its way.

use std::sync::Arc;

use http::HeaderValue;
use proto::insta::agent::v1 as pb;
use secrecy::{ExposeSecret, SecretString};
use service_kit::{CallId, Caller, UserId};
use tonic::metadata::{Ascii, MetadataValue};
use uuid::Uuid;

use super::convert;
use crate::app::App;
use crate::call::{self, ExpectedCaller, LEASE, Start};
use crate::calls::{Command, NoPlace};
use crate::domain::EndReason;
use crate::error::AgentError;
use crate::peers::{Delegation, LivekitGrant, Proof};
use crate::record::{Call, State};
use crate::store::calls::{self, NewCall};

impl From<NoPlace> for AgentError {
    fn from(reason: NoPlace) -> Self {
        match reason {
            NoPlace::Full => Self::NoCapacity,
            NoPlace::Draining => Self::ShuttingDown,
        }
    }
}

/// The token of an `authorization` header that the identity layer has accepted.
pub(super) fn bearer(value: Option<&MetadataValue<Ascii>>) -> SecretString {
    token_of(value.and_then(|value| value.to_str().ok()))
}

/// The same of an HTTP header.
pub(super) fn bearer_of(value: Option<&HeaderValue>) -> SecretString {
    token_of(value.and_then(|value| value.to_str().ok()))
}

fn token_of(value: Option<&str>) -> SecretString {
    let token = value
        .and_then(|value| value.split_once(' '))
        .map(|(_, token)| token);
    token.unwrap_or_default().to_owned().into()
}

/// Starts a call for a signed-in user whose session token this is.
pub(super) async fn start_call(
    app: &Arc<App>,
    caller: &Caller,
    session: SecretString,
) -> Result<pb::StartCallResponse, AgentError> {
    let Caller::User { user_id, .. } = caller else {
        // The access table lets nobody else through.
        return Err(AgentError::SessionRefused);
    };
    let place = app.calls.take_place()?;
    admit(app)?;
    let id = CallId::generate();
    let room = format!("call-{}", Uuid::new_v4().simple());
    let (tokens, delegation) = tokio::try_join!(
        Tokens::issue(app, &room, id, user_id),
        delegate(app, id, session)
    )?;
    let call = begin(app, id, user_id, &room).await?;
    call::start(
        app,
        Start {
            id,
            room,
            url: app.livekit.livekit_url.clone(),
            token: tokens.agent,
            caller: ExpectedCaller::Known(user_id.clone(), delegation),
            place,
            on_end: None,
        },
    );
    Ok(pb::StartCallResponse {
        call: Some(convert::call(&call, caller)),
        livekit_url: app.livekit.public_url().to_owned(),
        participant_token: tokens.caller.expose_secret().to_owned(),
    })
}

/// A call that could only apologise is not begun. One that came as a job is, because its caller waits
/// in the room already.
fn admit(app: &App) -> Result<(), AgentError> {
    app.admit().inspect_err(|_| {
        metrics::counter!("insta_agent_calls_refused", "reason" => "provider").increment(1);
    })?;
    Ok(())
}

/// The two ways into the room.
struct Tokens {
    caller: SecretString,
    agent: SecretString,
}

impl Tokens {
    async fn issue(app: &App, room: &str, id: CallId, user: &UserId) -> Result<Self, AgentError> {
        let caller = LivekitGrant::Caller {
            room: room.to_owned(),
            user: user.clone(),
        };
        let agent = LivekitGrant::Agent {
            room: room.to_owned(),
            identity: format!("agent-{id}"),
            name: app.prompts.assistant().to_owned(),
        };
        let (caller, agent) = tokio::try_join!(
            app.auth.livekit_token(caller),
            app.auth.livekit_token(agent)
        )?;
        Ok(Self { caller, agent })
    }
}

async fn delegate(app: &App, id: CallId, session: SecretString) -> Result<Delegation, AgentError> {
    let (auth, clock) = (app.auth.clone(), app.clock.clone());
    let (delegation, _) = Delegation::obtain(auth, clock, id, &Proof::Session(session)).await?;
    Ok(delegation)
}

/// Writes the row. A call that the user holds already is ended for it.
async fn begin(app: &App, id: CallId, user: &UserId, room: &str) -> Result<Call, AgentError> {
    let now = app.clock.now();
    let new = NewCall {
        id,
        user: user.clone(),
        room: room.to_owned(),
        instance: app.instance.clone(),
        lease_time: now + LEASE,
        create_time: now,
        prompt_version: app.prompts.version().to_owned(),
    };
    let mut connection = app.db.get().await?;
    if let Some(older) = calls::begin(&mut connection, &new).await?
        && let Some(older) = app.calls.get(older)
    {
        // A call that takes no command is about to end.
        let _ = older
            .commands
            .try_send(Command::End(EndReason::UserRequest));
    }
    Ok(Call {
        id,
        user: new.user,
        state: State::Connecting,
        room: new.room,
        create_time: now,
        summary: String::new(),
        hand_over: None,
        bill: None,
        prompt_version: new.prompt_version,
    })
}
