//! Sound that is not heard at once: live sound waits until it is heard what was said before it.

use std::collections::VecDeque;

use livekit_rtc::{FRAME_SAMPLES, Frame};

/// How long live sound waits for what was said before, in ticks of 10 ms: 2 s.
const MAX_WAIT: u32 = 200;
/// Silence that is heard after what was said before: half a second, so that its end is noticed. A microphone
/// that is silent from the beginning sends hardly anything.
const PAUSE: usize = 50;
/// Live sound that may have been heard before it is known that there is more: half a second. What was
/// said before then comes a little out of order, which is better than not at all.
const MAX_HEARD: u32 = 50;
/// How many times faster than it was spoken sound is heard that has waited. All calls of the thread
/// wait for it meanwhile.
const CATCH_UP: usize = 8;
/// Sound that may wait: what was said before, and what is said until all of that is heard.
const MAX_FRAMES: usize = 2_000;

/// The queue before the ear.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    frames: VecDeque<Frame>,
    state: State,
    /// Live frames that were heard at once.
    heard: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing waits.
    #[default]
    Through,
    /// Live sound waits for what was said before.
    Waiting { ticks: u32 },
    /// What has waited is being heard.
    CatchingUp,
}

impl Backlog {
    /// Lets live sound wait, unless too much was heard already. Says whether something waits.
    pub(super) fn wait(&mut self) -> bool {
        if self.state == State::Through && self.heard < MAX_HEARD {
            self.state = State::Waiting { ticks: 0 };
        }
        self.state != State::Through
    }

    /// Takes what was said before live sound. Says whether it comes in time.
    pub(super) fn earlier(&mut self, sound: &[i16]) -> bool {
        let in_time = match self.state {
            State::Through => self.heard < MAX_HEARD,
            State::Waiting { .. } => true,
            State::CatchingUp => false,
        };
        if in_time {
            let pause = if sound.is_empty() { 0 } else { PAUSE };
            (0..pause).for_each(|_| self.frames.push_front([0; FRAME_SAMPLES]));
            for samples in sound.chunks(FRAME_SAMPLES).rev() {
                let mut frame = [0; FRAME_SAMPLES];
                frame[..samples.len()].copy_from_slice(samples);
                self.frames.push_front(frame);
            }
            self.state = State::CatchingUp;
        }
        in_time
    }

    /// Takes live sound, and gives it back if it is to be heard now.
    pub(super) fn live<'a>(&mut self, frame: &'a Frame) -> Option<&'a Frame> {
        if self.state == State::Through {
            self.heard = self.heard.saturating_add(1);
            return Some(frame);
        }
        if self.frames.len() < MAX_FRAMES {
            self.frames.push_back(*frame);
        }
        None
    }

    /// A tick has passed: gives what is to be heard now.
    pub(super) fn tick(&mut self) -> Vec<Frame> {
        if let State::Waiting { ticks } = &mut self.state {
            *ticks += 1;
            if *ticks < MAX_WAIT {
                return Vec::new();
            }
            self.state = State::CatchingUp;
        }
        let count = self.frames.len().min(CATCH_UP);
        self.frames.drain(..count).collect()
    }

    /// Frames that are still to be heard.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether all that has waited was heard by this tick.
    pub(super) fn has_caught_up(&mut self) -> bool {
        let is_over = self.state == State::CatchingUp && self.frames.is_empty();
        if is_over {
            self.state = State::Through;
            self.heard = MAX_HEARD;
        }
        is_over
    }
}
