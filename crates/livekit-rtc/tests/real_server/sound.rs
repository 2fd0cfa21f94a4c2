//! A voice that is a tone, and an ear that knows tones.

use std::collections::HashMap;
use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use livekit_rtc::{
    AudioHandler, Content, FRAME_SAMPLES, Frame, Identity, Playout, Received, SAMPLE_RATE,
};
use tokio::sync::watch;

/// Frames over which the ear listens: 200 ms.
const EAR_FRAMES: usize = 20;

/// Speaks a tone while switched on, and keeps the last sound of everybody.
pub struct Tone {
    hertz: f64,
    sample: u64,
    on: Arc<AtomicBool>,
    heard: Arc<watch::Sender<Heard>>,
}

/// The last 200 ms from everybody, and how much there was.
#[derive(Debug, Default, Clone)]
pub struct Heard(HashMap<Identity, Vec<(Frame, Content)>>, Counted);

/// Frames of 10 ms since they were counted anew, from everybody.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counted {
    pub frames: usize,
    /// Those without a voice in them.
    pub silent: usize,
}

/// Switches the tone, and tells what is heard.
#[derive(Debug, Clone)]
pub struct Ear {
    on: Arc<AtomicBool>,
    heard: Arc<watch::Sender<Heard>>,
}

impl Tone {
    pub fn new(hertz: f64) -> (Box<Self>, Ear) {
        let on = Arc::new(AtomicBool::new(true));
        let heard = Arc::new(watch::Sender::new(Heard::default()));
        let ear = Ear {
            on: on.clone(),
            heard: heard.clone(),
        };
        (
            Box::new(Self {
                hertz,
                sample: 0,
                on,
                heard,
            }),
            ear,
        )
    }
}

impl AudioHandler for Tone {
    fn received(&mut self, frame: Received<'_>) {
        self.heard.send_modify(|heard| {
            heard.1.frames += 1;
            heard.1.silent += usize::from(energy(&[*frame.samples]) < 1e6);
            let frames = heard.0.entry(frame.participant.clone()).or_default();
            if frames.len() == EAR_FRAMES {
                frames.remove(0);
            }
            frames.push((*frame.samples, frame.content));
        });
    }

    fn playout(&mut self, _: Instant, frame: &mut Frame) -> Playout {
        if !self.on.load(Ordering::Relaxed) {
            return Playout::Silence;
        }
        for sample in frame {
            let phase = TAU * self.hertz * self.sample as f64 / f64::from(SAMPLE_RATE);
            *sample = (phase.sin() * 8_000.0) as i16;
            self.sample += 1;
        }
        Playout::Frame
    }
}

impl Ear {
    pub fn speak(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    /// Waits until somebody's tone of this pitch is clearly heard.
    pub async fn hears(&self, who: &str, hertz: f64) {
        self.until(|heard| {
            let frames = heard.of(who);
            let total = energy(&frames);
            frames.len() == EAR_FRAMES && total > 1e6 && tone_share(&frames, hertz) > 0.8
        })
        .await;
    }

    /// The same, without what was heard before.
    pub async fn hears_anew(&self, who: &str, hertz: f64) {
        self.heard.send_modify(|heard| heard.0.clear());
        self.hears(who, hertz).await;
    }

    /// Counts anew what is heard from now on.
    pub fn count_anew(&self) {
        self.heard.send_modify(|heard| heard.1 = Counted::default());
    }

    pub fn counted(&self) -> Counted {
        self.heard.borrow().1
    }

    /// Waits until somebody is silent.
    pub async fn hears_silence(&self, who: &str) {
        self.until(|heard| {
            let frames = heard.of(who);
            frames.len() == EAR_FRAMES && energy(&frames) < 10.0
        })
        .await;
    }

    async fn until(&self, condition: impl FnMut(&Heard) -> bool) {
        let mut condition = condition;
        let mut heard = self.heard.subscribe();
        let wait = heard.wait_for(|heard| condition(heard));
        let result = tokio::time::timeout(super::room::LIMIT, wait).await;
        result
            .expect("it should have been heard in time")
            .expect("the handler lives");
    }
}

impl Heard {
    fn of(&self, who: &str) -> Vec<Frame> {
        let frames = self.0.get(&Identity::from(who));
        frames
            .into_iter()
            .flatten()
            .map(|(frame, _)| *frame)
            .collect()
    }
}

/// Mean square.
fn energy(frames: &[Frame]) -> f64 {
    let samples = frames
        .iter()
        .flatten()
        .map(|&sample| f64::from(sample).powi(2));
    samples.sum::<f64>() / (frames.len() * FRAME_SAMPLES).max(1) as f64
}

/// The share of the energy that a tone of this pitch has.
fn tone_share(frames: &[Frame], hertz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (index, &sample) in frames.iter().flatten().enumerate() {
        let phase = TAU * hertz * index as f64 / f64::from(SAMPLE_RATE);
        re += f64::from(sample) * phase.cos();
        im += f64::from(sample) * phase.sin();
    }
    let count = (frames.len() * FRAME_SAMPLES) as f64;
    2.0 * (re * re + im * im) / (count * count) / energy(frames)
}
