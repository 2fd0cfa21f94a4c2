//! A call: one task that feeds the conversation what happens and carries out what it decides.

mod button;
mod conduct;
mod earlier;
pub(crate) mod hub;
mod network;
mod recorder;
mod room;
pub(crate) mod stage;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use livekit_rtc::{JoinOptions, TrackOptions};
use secrecy::SecretString;
use service_kit::{CallId, UserId};
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::app::App;
use crate::calls::{COMMAND_CAPACITY, Live, Place};
use crate::domain::EndReason;
use crate::peers::Delegation;

/// How long the row of a call is held without a renewal.
pub(crate) const LEASE: chrono::TimeDelta = chrono::TimeDelta::seconds(30);
/// How long a lost room connection is tried again.
const ROOM_RECONNECT: Duration = Duration::from_secs(30);

/// A call about to be held.
pub(crate) struct Start {
    pub(crate) id: CallId,
    pub(crate) room: String,
    /// The LiveKit server.
    pub(crate) url: String,
    /// What the assistant joins with.
    pub(crate) token: SecretString,
    pub(crate) caller: ExpectedCaller,
    pub(crate) place: Place,
    /// Told how it ended, before the assistant leaves the room.
    pub(crate) on_end: Option<oneshot::Sender<EndReason>>,
}

/// Whose call it is.
pub(crate) enum ExpectedCaller {
    /// Known from the start; the call's row is there.
    Known(UserId, Delegation),
    /// The first ordinary participant of the room; a job that came without a row.
    FirstParticipant,
}

/// Holds a call from here on.
pub(crate) fn start(app: &Arc<App>, start: Start) -> Live {
    let (commands, command_queue) = mpsc::channel(COMMAND_CAPACITY);
    let live = Live {
        commands,
        hub: Arc::new(hub::Hub::new()),
    };
    let Start {
        id,
        room,
        url,
        token,
        caller,
        place,
        on_end,
    } = start;
    let options = join_options(app, url, token);
    let task = task::Task::new(app.clone(), id, room, caller, live.hub.clone());
    let running = task.run(options, command_queue, on_end);
    app.calls.run(id, live.clone(), place, running);
    live
}

fn join_options(app: &App, url: String, token: SecretString) -> JoinOptions {
    let track = TrackOptions::speech("assistant_voice");
    let turn_detection = app.conversation.turn_detection;
    JoinOptions {
        attributes: stage::first_attributes(app.prompts.assistant(), turn_detection),
        rpc_methods: button::methods(turn_detection),
        reconnect_timeout: ROOM_RECONNECT,
        ..JoinOptions::new(url, token)
    }
    .publishing(track)
}
