//! The room of a call: who is the caller, are they there, and can they hear.

use std::time::Duration;

use livekit_rtc::{
    ByteCollector, ByteMessage, DisconnectReason, Event, Events, Identity, Participant,
    ParticipantKind, RemoteParticipant, RemoteTrack, TextCollector, TextMessage, TrackSource,
};
use service_kit::UserId;
use tokio::time::Instant;

use super::hub::{Standing, What};
use super::network::playout_delay;
use super::stage::{Speaker, Stage};
use super::task::{Done, Task};
use crate::app::App;
use crate::domain::{EndReason, Input};
use crate::media::{self, preconnect};
use crate::peers::{Delegation, PeerError, Proof};
use crate::store::calls::{self, NewCall};

/// Says that a participant speaks in somebody else's name, and is nobody's caller.
const ON_BEHALF: &str = "lk.publish_on_behalf";

/// What the caller writes.
const CHAT: &str = "lk.chat";
/// The longest message, in bytes.
const MAX_MESSAGE: usize = 4_000;

/// How long it may take to find out whose call a job is, and the pause after an attempt that got no answer.
const ADOPTION_LIMIT: Duration = Duration::from_secs(10);
const ADOPTION_PAUSE: Duration = Duration::from_millis(500);

/// The assistant in its room.
pub(super) struct Room {
    pub(super) participant: Participant,
    events: Option<Events>,
    pub(super) stage: Stage,
    pub(super) caller: Option<Speaker>,
    /// The microphones that can be heard.
    microphones: Vec<RemoteTrack>,
    heard: bool,
    pub(super) told: bool,
    texts: TextCollector,
    recordings: ByteCollector,
    /// What somebody said before anybody listened, until it is known who the caller is.
    pub(super) recording: Option<ByteMessage>,
    /// Whether what the caller said before is yet to be heard.
    pub(super) waits_for_earlier: bool,
}

impl Room {
    /// The next event. After the last one there is none, for ever.
    pub(super) async fn next_event(&mut self) -> Option<Event> {
        let Some(events) = &mut self.events else {
            return std::future::pending().await;
        };
        let event = events.recv().await;
        if event.is_none() {
            self.events = None;
        }
        event
    }

    pub(super) fn is_caller_here(&self) -> bool {
        self.caller.is_some()
    }

    pub(super) fn is_caller(&self, identity: &Identity) -> bool {
        let caller = self.caller.as_ref();
        caller.is_some_and(|caller| caller.identity == *identity)
    }

    /// Leaves after the last words of the transcript; a caller who is still there is sent out.
    pub(super) async fn leave(self, app: &App, room: &str, reason: EndReason) {
        self.stage.leave().await;
        if let Some(caller) = &self.caller {
            app.rooms.remove(room, caller.identity.as_str()).await;
        }
        let why = match reason {
            EndReason::MediaError | EndReason::ProviderError => DisconnectReason::AgentError,
            _ => DisconnectReason::ClientInitiated,
        };
        if let Err(error) = self.participant.leave(why).await {
            tracing::debug!(%error, "The room was not left in order");
        }
    }

    fn caller_left(&mut self) {
        self.caller = None;
        self.told = false;
        self.waits_for_earlier = false;
    }
}

impl Task {
    pub(super) fn joined(&mut self, participant: Participant, events: Events) {
        self.room = Some(Room {
            stage: Stage::enter(&participant),
            participant,
            events: Some(events),
            caller: None,
            microphones: Vec::new(),
            heard: false,
            told: false,
            texts: TextCollector::new(MAX_MESSAGE),
            recordings: ByteCollector::new(preconnect::TOPIC, preconnect::MAX_BYTES),
            recording: None,
            waits_for_earlier: false,
        });
        self.input(Input::Joined);
    }

    pub(super) fn room_event(&mut self, event: Option<Event>) {
        if let (Some(room), Some(event)) = (&mut self.room, &event)
            && let Some(message) = room.texts.take(event)
        {
            return self.caller_wrote(&message);
        }
        if let (Some(room), Some(event)) = (&mut self.room, &event)
            && let Some(recording) = room.recordings.take(event)
        {
            return self.earlier_came(recording);
        }
        match event {
            Some(Event::ParticipantConnected(remote)) => self.somebody_came(&remote),
            Some(Event::ParticipantDisconnected { identity, reason }) => {
                self.somebody_left(&identity, reason);
            }
            Some(Event::TrackSubscribed(track)) if track.source == TrackSource::Microphone => {
                self.can_be_heard(&track);
            }
            Some(Event::LocalTrackSubscribed { .. }) => {
                if let Some(room) = &mut self.room {
                    room.heard = true;
                }
                self.caller_ready();
            }
            Some(Event::RpcInvoked(call)) => self.button(call),
            Some(Event::Statistics(statistics)) => self.measured(&statistics),
            Some(Event::Reconnecting) => {
                let (reason, message) =
                    ("ROOM_RECONNECTING", "The room's connection is made again.");
                self.tell(What::Trouble { reason, message });
            }
            Some(Event::Disconnected { reason }) => {
                tracing::info!(call.id = %self.id, %reason, "The assistant is out of its room");
                let reason = match reason {
                    DisconnectReason::RoomDeleted | DisconnectReason::RoomClosed => {
                        EndReason::UserHangup
                    }
                    DisconnectReason::ParticipantRemoved => EndReason::Operator,
                    _ => EndReason::MediaError,
                };
                self.input(Input::End(reason));
            }
            Some(Event::Lagged { missed }) => {
                tracing::warn!(call.id = %self.id, missed, "Events of a room were missed");
            }
            _ => {}
        }
    }

    fn somebody_came(&mut self, remote: &RemoteParticipant) {
        let ordinary = matches!(
            remote.kind,
            ParticipantKind::Standard | ParticipantKind::Sip | ParticipantKind::Connector
        );
        if !ordinary || remote.attributes.contains_key(ON_BEHALF) {
            return;
        }
        match &self.expected {
            Some(expected) if *expected != remote.identity => return,
            Some(_) => {}
            None => {
                self.expected = Some(remote.identity.clone());
                self.adopt(&remote.identity);
            }
        }
        self.caller_came(remote.identity.clone());
    }

    /// The first ordinary participant of a job's room is its caller. Whose call it is then, LiveKit
    /// confirms; until it does they are talked to as a stranger.
    fn adopt(&self, identity: &Identity) {
        let (app, done, call) = (self.app.clone(), self.done.clone(), self.id);
        let proof = Proof::Participant {
            room: self.room_name.clone(),
            identity: identity.as_str().to_owned(),
        };
        tokio::spawn(async move {
            let deadline = Instant::now() + ADOPTION_LIMIT;
            let adopted = loop {
                let (auth, clock) = (app.auth.clone(), app.clock.clone());
                match Delegation::obtain(auth, clock, call, &proof).await {
                    Err(PeerError::Unavailable(_)) if Instant::now() < deadline => {
                        tokio::time::sleep(ADOPTION_PAUSE).await;
                    }
                    obtained => break obtained.map(|(delegation, user)| (user, delegation)),
                }
            };
            // The call may be over.
            let _ = done.send(Done::Adopted(adopted)).await;
        });
    }

    /// It is known whose call this is: it gets its row, and goes on as any other.
    pub(super) fn adopted(&mut self, user: UserId, delegation: Delegation) {
        let new = NewCall {
            id: self.id,
            user: user.clone(),
            room: self.room_name.clone(),
            instance: self.app.instance.clone(),
            lease_time: self.app.clock.now() + super::LEASE,
            create_time: self.began_at,
            prompt_version: self.app.prompts.version().to_owned(),
        };
        self.recorder.begin(new, self.app.calls.clone());
        self.caller = Some((user, delegation));
        self.get_to_know();
        for (request, turn) in std::mem::take(&mut self.waiting_tools) {
            self.call_tool(request, turn);
        }
    }

    fn caller_came(&mut self, identity: Identity) {
        let listen = media::Command::Listen(identity.clone());
        if self.media.send(listen).is_err() {
            return self.input(Input::End(EndReason::MediaError));
        }
        if let Some(room) = &mut self.room {
            let speaker = Speaker {
                identity,
                track: None,
            };
            room.stage.speaker(speaker.clone());
            let is_theirs = |track: &&RemoteTrack| track.participant == speaker.identity;
            let microphone = room.microphones.iter().find(is_theirs).cloned();
            room.caller = Some(speaker);
            let recording = room.recording.take();
            if let Some(track) = microphone {
                self.caller_speaks_on(&track);
            }
            if let Some(recording) = recording {
                self.earlier_came(recording);
            }
        }
        self.caller_ready();
    }

    /// Somebody has a microphone, perhaps the caller, perhaps a new one.
    fn can_be_heard(&mut self, track: &RemoteTrack) {
        let Some(room) = &mut self.room else {
            return;
        };
        room.microphones
            .retain(|other| other.participant != track.participant);
        let is_callers = room.is_caller(&track.participant);
        room.microphones.push(track.clone());
        if is_callers {
            self.caller_speaks_on(track);
        }
    }

    fn caller_speaks_on(&mut self, track: &RemoteTrack) {
        if let Some(room) = &mut self.room
            && let Some(speaker) = &mut room.caller
        {
            speaker.track = Some(track.sid.clone());
            room.stage.speaker(speaker.clone());
        }
        self.expect_earlier(track);
        self.input(Input::MicrophoneOpened);
    }

    /// Takes what the caller wrote. Others may write in the room as well, and streams of other
    /// topics come here too.
    fn caller_wrote(&mut self, message: &TextMessage) {
        let room = self.room.as_ref();
        let is_callers = room.is_some_and(|room| room.is_caller(&message.header.sender));
        let text = message.text.trim();
        if message.header.topic != CHAT || !is_callers || text.is_empty() {
            return;
        }
        if message.complete {
            self.input(Input::Message(text.to_owned()));
        } else {
            let (reason, message) = (
                "MESSAGE_TOO_LONG",
                "A written message did not arrive whole, or was too long, and was not taken.",
            );
            self.tell(What::Trouble { reason, message });
        }
    }

    /// The caller is there and somebody listens: the conversation may begin.
    pub(super) fn caller_ready(&mut self) {
        let Some(room) = &mut self.room else {
            return;
        };
        if room.waits_for_earlier {
            return;
        }
        if room.caller.is_none() || !room.heard || std::mem::replace(&mut room.told, true) {
            return;
        }
        self.recorder.active();
        let agent = self.hub.standing().agent;
        self.tell(What::State(Standing {
            active: true,
            agent,
        }));
        let delay = self.app.playout_delay;
        let delay = delay.unwrap_or_else(|| playout_delay(Duration::ZERO, Duration::ZERO));
        self.input(Input::PlayoutDelay(delay));
        self.input(Input::CallerJoined);
    }

    fn somebody_left(&mut self, identity: &Identity, reason: DisconnectReason) {
        let Some(room) = &mut self.room else {
            return;
        };
        room.microphones
            .retain(|track| track.participant != *identity);
        if !room.is_caller(identity) {
            return;
        }
        room.caller_left();
        let hung_up = matches!(
            reason,
            DisconnectReason::ClientInitiated
                | DisconnectReason::ParticipantRemoved
                | DisconnectReason::RoomDeleted
                | DisconnectReason::UserRejected
        );
        self.input(Input::CallerLeft { hung_up });
    }
}

/// Begins the row of a job's call. An older call of the user that lives here is ended.
pub(super) async fn begin_row(
    pool: &db::Pool,
    new: &NewCall,
    live: &crate::calls::Calls,
) -> Result<(), crate::store::StoreError> {
    let mut connection = pool.get().await?;
    if let Some(older) = calls::begin(&mut connection, new).await?
        && let Some(older) = live.get(older)
    {
        let end = crate::calls::Command::End(EndReason::UserRequest);
        let _ = older.commands.try_send(end);
    }
    Ok(())
}
