//! Following a call.

use std::sync::Arc;

use futures::StreamExt as _;
use proto::insta::agent::v1 as pb;
use service_kit::{CallId, Caller};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{Watching, convert, visible};
use crate::app::App;
use crate::call::hub::{Happened, Snapshot, Standing, What};
use crate::domain::AgentState;
use crate::error::AgentError;
use crate::record::{Call, State};
use crate::store::turns;

/// Events that wait for the network.
const CAPACITY: usize = 32;

/// Who watches, and the way to them.
struct Reader {
    sender: mpsc::Sender<Result<pb::WatchCallResponse, Status>>,
    caller: Caller,
}

pub(super) async fn watch(
    app: &Arc<App>,
    caller: &Caller,
    id: CallId,
) -> Result<Watching, AgentError> {
    let call = visible(app, caller, id).await?;
    let (sender, receiver) = mpsc::channel(CAPACITY);
    match app.calls.get(id) {
        Some(live) => {
            let (snapshot, events) = live.hub.watch();
            let reader = Reader {
                sender,
                caller: caller.clone(),
            };
            tokio::spawn(follow(reader, snapshot, events, app.clock.now()));
        }
        None => {
            let mut connection = app.db.get().await?;
            let turns = turns::of_call(&mut connection, id).await?;
            let events = replay(&call, turns, app.clock.now(), caller);
            tokio::spawn(async move {
                for event in events {
                    if sender.send(event).await.is_err() {
                        return;
                    }
                }
            });
        }
    }
    Ok(ReceiverStream::new(receiver).boxed())
}

/// Tells what was, then what happens, until the end.
async fn follow(
    reader: Reader,
    snapshot: Snapshot,
    mut events: broadcast::Receiver<Happened>,
    now: chrono::DateTime<chrono::Utc>,
) {
    let Snapshot {
        standing,
        turns,
        hand_over,
        ended,
    } = snapshot;
    let state = Happened {
        time: now,
        what: What::State(standing),
    };
    let said = turns.into_iter().enumerate().map(|(place, turn)| Happened {
        time: turn.start_time,
        what: What::Turn(place + 1, turn),
    });
    for happened in std::iter::once(state)
        .chain(said)
        .chain(hand_over)
        .chain(ended)
    {
        if tell(&reader, happened).await {
            return;
        }
    }
    loop {
        let happened = tokio::select! {
            happened = events.recv() => happened,
            () = reader.sender.closed() => return,
        };
        match happened {
            Ok(happened) => {
                if tell(&reader, happened).await {
                    return;
                }
            }
            Err(RecvError::Lagged(_)) => {
                // Whoever is too slow may not hear this either.
                let _ = reader
                    .sender
                    .try_send(Err(AgentError::ReaderTooSlow.into()));
                return;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Sends an event; says whether it was the last.
async fn tell(reader: &Reader, happened: Happened) -> bool {
    let is_last = matches!(happened.what, What::Ended { .. });
    let event = convert::event(happened, &reader.caller);
    reader.sender.send(Ok(event)).await.is_err() || is_last
}

/// A call that does not live here: where it stands, what was said, and its end.
fn replay(
    call: &Call,
    turns: Vec<crate::record::Turn>,
    now: chrono::DateTime<chrono::Utc>,
    caller: &Caller,
) -> Vec<Result<pb::WatchCallResponse, Status>> {
    let standing = Standing {
        active: call.state == State::Active,
        agent: AgentState::Idle,
    };
    let told = |happened| convert::event(happened, caller);
    let mut first = told(Happened {
        time: now,
        what: What::State(standing),
    });
    if let Some(pb::watch_call_response::Event::StateChanged(changed)) = &mut first.event {
        changed.call_state = convert::call_state(call.state).into();
        changed.agent_state = pb::AgentState::Unspecified.into();
    }
    let mut events = vec![Ok(first)];
    events.extend(turns.into_iter().enumerate().map(|(place, turn)| {
        Ok(told(Happened {
            time: turn.start_time,
            what: What::Turn(place + 1, turn),
        }))
    }));
    if let Some(wanted) = call.hand_over.clone() {
        let (time, what) = (wanted.time, What::HandOver(wanted));
        events.push(Ok(told(Happened { time, what })));
    }
    events.push(match call.state {
        State::Ended { reason, time } => {
            let duration = (time - call.create_time).to_std().unwrap_or_default();
            let what = What::Ended { reason, duration };
            Ok(told(Happened { time, what }))
        }
        State::Connecting | State::Active => Err(AgentError::HeldElsewhere.into()),
    });
    events
}
