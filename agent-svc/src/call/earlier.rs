//! What the caller said while they were connecting: their page sends it as a recording, and it is
//! heard before their microphone. Nothing is said to them until then.

use livekit_rtc::{ByteMessage, RemoteTrack};

use super::task::{Done, Task};
use crate::domain::TurnDetection;
use crate::media;
use crate::media::preconnect::{self, TRACK_ID};

impl Task {
    /// The caller's microphone can be heard, and perhaps a recording of what came before.
    pub(super) fn expect_earlier(&mut self, track: &RemoteTrack) {
        let is_heard = self.hears_earlier();
        let Some(room) = &mut self.room else {
            return;
        };
        if track.has_preconnect_buffer && is_heard && !room.told {
            room.waits_for_earlier = true;
            self.tell_media(media::Command::Wait);
        }
    }

    /// Nothing is heard that is said without the button, where there is one.
    fn hears_earlier(&self) -> bool {
        self.app.conversation.turn_detection != TurnDetection::Manual
    }

    /// A recording came.
    pub(super) fn earlier_came(&mut self, recording: ByteMessage) {
        if !self.hears_earlier() {
            return;
        }
        let Some(room) = &mut self.room else {
            return;
        };
        let Some(caller) = &room.caller else {
            // Perhaps the caller's, who is not known yet.
            room.recording.get_or_insert(recording);
            return;
        };
        let header = &recording.header;
        let track = header.attributes.get(TRACK_ID);
        let is_of_microphone = caller
            .track
            .as_ref()
            .is_none_or(|own| track.is_none_or(|track| track == own.as_str()));
        if header.sender != caller.identity || !is_of_microphone {
            return;
        }
        let (call, done) = (self.id, self.done.clone());
        tokio::task::spawn_blocking(move || {
            let sound = if recording.complete {
                let header = &recording.header;
                preconnect::decode(&header.mime_type, &header.attributes, recording.content)
            } else {
                Err(preconnect::Unusable::Incomplete)
            };
            let outcome = if sound.is_ok() { "heard" } else { "unusable" };
            metrics::counter!("insta_agent_preconnect_recordings", "outcome" => outcome)
                .increment(1);
            let sound = sound.unwrap_or_else(|error| {
                tracing::warn!(call.id = %call, %error, "What the caller said while connecting is not heard");
                Vec::new()
            });
            // The call may be over.
            let _ = done.blocking_send(Done::Earlier(sound));
        });
    }

    /// All that was said before was heard, or nothing came.
    pub(super) fn caught_up(&mut self) {
        if let Some(room) = &mut self.room {
            room.waits_for_earlier = false;
        }
        self.caller_ready();
    }
}
