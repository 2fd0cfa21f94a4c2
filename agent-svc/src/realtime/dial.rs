//! Making a session: connect, set up, and when to try again.

use std::sync::Arc;
use std::time::Duration;

use openai_realtime::client::{self, Closed, ConnectError, Connection, SendError};
use openai_realtime::{
    AudioFormat, AudioInput, AudioOutput, ClientEvent, ClientMessage, InputTranscription, Modality,
    Nullable, Session, SessionAudio, SessionUpdate, ToolChoice, ToolChoiceMode,
};
use tokio::time::{Instant, timeout, timeout_at};

use super::RealtimeApi;
use super::translate::{Meaning, SETUP, meaning};
use crate::provider::{Failure, Setup, SharedSetup};

/// How long the provider may take to set a session up.
const SETUP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call waits for its first session: it is better to say so than to leave a caller in
/// silence for longer.
const FIRST_TIMEOUT: Duration = Duration::from_secs(6);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(2);
/// A session that stood for so long was a good one; a shorter one counts as another failed attempt,
/// so that a provider which ends every session at once is not dialled without a pause.
const STABLE: Duration = Duration::from_secs(10);

/// Why a session was not made, or ended.
#[derive(Debug, PartialEq)]
pub(super) enum Ended {
    /// The call is over.
    Unwanted,
    /// It may be made again.
    Lost(String),
    /// The provider ended it because it was as old as it may be.
    Expired,
    /// It must not be made again.
    Refused(Failure, String),
}

impl From<SendError> for Ended {
    fn from(error: SendError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<Closed> for Ended {
    fn from(closed: Closed) -> Self {
        if closed.is_session_limit() {
            Self::Expired
        } else if closed.is_retryable() {
            Self::Lost(closed.to_string())
        } else {
            Self::Refused(Failure::Refused, closed.to_string())
        }
    }
}

impl From<ConnectError> for Ended {
    fn from(error: ConnectError) -> Self {
        if error.is_retryable() {
            return Self::Lost(error.to_string());
        }
        let failure = match &error {
            ConnectError::Refused { error, .. } => Failure::of(error),
            _ => Failure::Refused,
        };
        Self::Refused(failure, describe(&error))
    }
}

/// What may be logged of a refusal: its message can quote the key.
fn describe(error: &ConnectError) -> String {
    match error {
        ConnectError::Refused { status, error } => {
            let code = error.code.as_deref().unwrap_or(&error.kind);
            format!("HTTP {status} {code}")
        }
        other => other.to_string(),
    }
}

/// Connects, and sets the session up as soon as it is known with what.
pub(super) async fn make(
    provider: Arc<RealtimeApi>,
    setup: SharedSetup,
    wait: Duration,
    deadline: Instant,
) -> Result<Connection, Ended> {
    tokio::time::sleep(wait).await;
    let mut connection = timeout_at(deadline, client::connect(&provider.client))
        .await
        .map_err(|_| Ended::Lost("no connection in time".to_owned()))??;
    let Some(setup) = setup.await else {
        return Err(Ended::Unwanted);
    };
    timeout(SETUP_TIMEOUT, set_up(&mut connection, &provider, &setup))
        .await
        .map_err(|_| Ended::Lost("the session was not set up in time".to_owned()))??;
    Ok(connection)
}

async fn set_up(
    connection: &mut Connection,
    provider: &RealtimeApi,
    setup: &Setup,
) -> Result<(), Ended> {
    let session = Box::new(session(provider, setup));
    let update = ClientMessage {
        event_id: Some(SETUP.to_owned()),
        event: ClientEvent::SessionUpdate(SessionUpdate { session }),
    };
    connection.send(update).await?;
    loop {
        match meaning(connection.recv().await?) {
            Meaning::SetUp => return Ok(()),
            Meaning::Fatal(failure, reason) => return Err(Ended::Refused(failure, reason)),
            Meaning::Expired => return Err(Ended::Expired),
            _ => {}
        }
    }
}

fn session(provider: &RealtimeApi, setup: &Setup) -> Session {
    let input = AudioInput {
        format: Some(AudioFormat::PCM_24K),
        transcription: Nullable::Value(InputTranscription {
            model: Some(provider.transcription_model.clone()),
            ..InputTranscription::default()
        }),
        turn_detection: Nullable::Null,
        ..AudioInput::default()
    };
    let output = AudioOutput {
        format: Some(AudioFormat::PCM_24K),
        voice: Some(provider.voice.as_str().into()),
        speed: None,
    };
    Session {
        instructions: Some(setup.instructions.clone()),
        output_modalities: Some(vec![Modality::Audio]),
        audio: Some(SessionAudio {
            input: Some(input),
            output: Some(output),
        }),
        tools: Some(setup.tools.clone()),
        tool_choice: Some(ToolChoice::Mode(ToolChoiceMode::Auto)),
        ..Session::default()
    }
}

/// The time without a good session, and how it is spent.
#[derive(Debug)]
pub(super) struct Outage {
    is_first: bool,
    deadline: Instant,
    wait: Duration,
}

impl Outage {
    /// The time before the first session.
    pub(super) fn first(patience: Duration) -> Self {
        Self {
            is_first: true,
            deadline: Instant::now() + FIRST_TIMEOUT.min(patience),
            wait: Duration::ZERO,
        }
    }

    /// A session of this age was lost. One that never was a good one prolongs the outage before it.
    pub(super) fn after(before: Option<Self>, age: Duration, patience: Duration) -> Self {
        match before {
            Some(before) if age < STABLE => before.next(),
            _ => Self {
                is_first: false,
                deadline: Instant::now() + patience,
                wait: Duration::ZERO,
            },
        }
    }

    /// Another attempt failed.
    pub(super) fn next(self) -> Self {
        Self {
            wait: (self.wait * 2).clamp(FIRST_BACKOFF, MAX_BACKOFF),
            ..self
        }
    }

    /// Whether it is the time before the first session.
    pub(super) fn is_first(&self) -> bool {
        self.is_first
    }

    /// Until when a session must be had.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long to wait before the next attempt; `None` when the time is over. The first attempt is
    /// made at once, later ones of many calls are spread.
    pub(super) fn wait(&self) -> Option<Duration> {
        let wait = self.wait.mul_f64(rand::random_range(0.5..=1.0));
        (Instant::now() + wait < self.deadline).then_some(wait)
    }
}
