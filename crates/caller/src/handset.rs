//! The caller's mouth and ear, on the media thread.

use std::{sync::Arc, time::Instant};

use livekit_rtc::{AudioHandler, Content, Frame, Playout, Received};
use tokio::sync::{mpsc, oneshot};

use crate::clip::{Clip, is_voiced};

/// Sounds that may wait to be noticed: ten seconds of them.
const QUEUE: usize = 1_000;

/// Something that was just said or heard.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sound {
    /// The first voiced frame of a clip was sent.
    Speaking(Instant),
    /// The last voiced frame of a clip was sent.
    Spoken(Instant),
    /// A voiced frame was heard.
    Heard(Instant),
}

/// The other end of a [`Handset`].
pub(crate) struct Line {
    /// Says a clip, after what is being said.
    pub(crate) say: mpsc::Sender<Arc<Clip>>,
    /// What was said and heard, as it happens.
    pub(crate) sounds: mpsc::Receiver<Sound>,
    /// All that was heard, once the call is over.
    pub(crate) heard: oneshot::Receiver<Vec<i16>>,
}

/// Speaks clips, listens, and keeps what it hears.
pub(crate) struct Handset {
    clips: mpsc::Receiver<Arc<Clip>>,
    current: Option<(Arc<Clip>, usize)>,
    sounds: mpsc::Sender<Sound>,
    heard: Vec<i16>,
    keep: Option<oneshot::Sender<Vec<i16>>>,
}

impl Handset {
    pub(crate) fn new() -> (Self, Line) {
        let (say, clips) = mpsc::channel(16);
        let (sounds, sounds_receiver) = mpsc::channel(QUEUE);
        let (keep, heard) = oneshot::channel();
        let handset = Self {
            clips,
            current: None,
            sounds,
            heard: Vec::new(),
            keep: Some(keep),
        };
        (
            handset,
            Line {
                say,
                sounds: sounds_receiver,
                heard,
            },
        )
    }

    fn note(&self, sound: Sound) {
        // A reader that is ten seconds behind has given up: the media thread must not wait for it.
        let _ = self.sounds.try_send(sound);
    }
}

impl AudioHandler for Handset {
    fn received(&mut self, frame: Received<'_>) {
        self.heard.extend_from_slice(frame.samples);
        if frame.content != Content::Silent && is_voiced(frame.samples) {
            self.note(Sound::Heard(frame.now));
        }
    }

    fn playout(&mut self, now: Instant, frame: &mut Frame) -> Playout {
        if self.current.is_none() {
            self.current = self.clips.try_recv().ok().map(|clip| (clip, 0));
        }
        let Some((clip, at)) = self.current.take() else {
            return Playout::Silence;
        };
        *frame = clip.frames[at];
        if at == clip.first_voiced {
            self.note(Sound::Speaking(now));
        }
        if at == clip.last_voiced {
            self.note(Sound::Spoken(now));
        }
        if at + 1 < clip.frames.len() {
            self.current = Some((clip, at + 1));
        }
        Playout::Frame
    }
}

impl Drop for Handset {
    fn drop(&mut self) {
        if let Some(keep) = self.keep.take() {
            // Nobody may want it any more.
            let _ = keep.send(std::mem::take(&mut self.heard));
        }
    }
}
