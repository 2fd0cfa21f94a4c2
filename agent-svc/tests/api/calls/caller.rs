//! A caller in a LiveKit room, who asks by a recording and hears the assistant.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use livekit_rtc::{
    AudioHandler, Content, DisconnectReason, Event, Events, FRAME_SAMPLES, Frame, Identity,
    JoinOptions, Participant, Playout, Received, SAMPLE_RATE, Shard, ShardConfig, TextCollector,
    TrackOptions,
};
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::app::LIMIT;

/// Says "How do I reset my password?".
const QUESTION: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/speech/testdata/reset_password.wav"
);
const TRANSCRIPT: &str = "lk.transcription";
/// Mean square of what can be heard.
const AUDIBLE: f64 = 1e4;

pub struct Caller {
    /// The participant lives as long as its thread.
    _shard: Shard,
    participant: Participant,
    events: Events,
    texts: TextCollector,
    questions: mpsc::Sender<Arc<[Frame]>>,
    question: Arc<[Frame]>,
    /// Frames in which something was heard.
    heard: Arc<AtomicUsize>,
    /// Whether somebody listens to the microphone.
    is_heard: bool,
    /// What the assistant has said, as the room's transcript has it.
    said: Vec<String>,
    /// Who is an agent.
    agent: Option<Identity>,
    gone: Option<DisconnectReason>,
}

impl Caller {
    pub async fn join(url: String, token: impl Into<SecretString>) -> Self {
        let (questions, asked) = mpsc::channel(4);
        let heard = Arc::new(AtomicUsize::new(0));
        let handset = Handset {
            asked,
            asking: None,
            heard: heard.clone(),
        };
        let shard = Shard::spawn(ShardConfig::default()).expect("the system has threads");
        let options =
            JoinOptions::new(url, token.into()).publishing(TrackOptions::speech("microphone"));
        let joined = shard.join(options, Box::new(handset)).await;
        let (participant, events) = joined.expect("the room can be joined");
        Self {
            _shard: shard,
            participant,
            events,
            texts: TextCollector::new(4_000),
            questions,
            question: question(),
            heard,
            is_heard: false,
            said: Vec::new(),
            agent: None,
            gone: None,
        }
    }

    /// Asks, once somebody listens.
    pub async fn ask(&mut self) {
        self.until("somebody listens", |caller| caller.is_heard)
            .await;
        let asked = self.questions.send(self.question.clone()).await;
        asked.expect("the handset lives");
    }

    /// Waits until the assistant has said this, in words and in sound.
    pub async fn hears(&mut self, words: &str) {
        let before = self.heard.load(Ordering::Relaxed);
        self.until(words, |caller| {
            let is_audible = caller.heard.load(Ordering::Relaxed) > before;
            is_audible && caller.said.iter().any(|said| said == words)
        })
        .await;
        self.said.clear();
    }

    /// Whether an agent comes into the room, within a few seconds.
    pub async fn meets_agent(&mut self) -> bool {
        let patience = std::time::Duration::from_secs(5);
        let met = self.until("an agent", |caller| caller.agent.is_some());
        tokio::time::timeout(patience, met).await.is_ok()
    }

    /// Waits until the caller is out of the room.
    pub async fn is_sent_out(&mut self) -> DisconnectReason {
        self.until("the end", |caller| caller.gone.is_some()).await;
        self.gone.expect("it has come to that")
    }

    pub async fn hang_up(self) {
        let left = self.participant.leave(DisconnectReason::ClientInitiated);
        left.await.expect("the room can be left");
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let search = async {
            while !is_so(self) {
                // What is heard is no event.
                let tick = tokio::time::sleep(std::time::Duration::from_millis(20));
                tokio::select! {
                    event = self.events.recv(), if self.gone.is_none() => self.happened(event),
                    () = tick => {}
                }
            }
        };
        if tokio::time::timeout(LIMIT, search).await.is_err() {
            panic!("{what} does not come; the assistant said {:?}", self.said);
        }
    }

    fn happened(&mut self, event: Option<Event>) {
        let Some(event) = event else {
            self.gone.get_or_insert(DisconnectReason::UnknownReason);
            return;
        };
        if let Some(text) = self.texts.take(&event)
            && text.header.topic == TRANSCRIPT
            && text.header.sender != self.participant.local().identity
        {
            self.said.push(text.text.trim().to_owned());
        }
        match event {
            Event::ParticipantConnected(remote)
                if remote.kind == livekit_rtc::ParticipantKind::Agent =>
            {
                self.agent = Some(remote.identity);
            }
            Event::LocalTrackSubscribed { .. } => self.is_heard = true,
            Event::Reconnecting => self.is_heard = false,
            Event::Disconnected { reason } => self.gone = Some(reason),
            _ => {}
        }
    }
}

/// The frames of the question.
fn question() -> Arc<[Frame]> {
    let mut reader = hound::WavReader::open(QUESTION).expect("the recording is there");
    let rate = reader.spec().sample_rate;
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map(|sample| f32::from(sample.expect("the recording is whole")) / 32_768.0)
        .collect();
    let samples = speech::resample::resample(rate, SAMPLE_RATE, &samples).expect("a common rate");
    let mut pcm = Vec::new();
    speech::resample::extend_i16(&samples, &mut pcm);
    let frames = pcm.chunks_exact(FRAME_SAMPLES);
    frames
        .map(|chunk| Frame::try_from(chunk).expect("a chunk is a frame"))
        .collect()
}

struct Handset {
    asked: mpsc::Receiver<Arc<[Frame]>>,
    asking: Option<(Arc<[Frame]>, usize)>,
    heard: Arc<AtomicUsize>,
}

impl AudioHandler for Handset {
    fn received(&mut self, frame: Received<'_>) {
        let energy: f64 = frame.samples.iter().map(|s| f64::from(*s).powi(2)).sum();
        if frame.content != Content::Silent && energy / FRAME_SAMPLES as f64 > AUDIBLE {
            self.heard.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn playout(&mut self, _: Instant, frame: &mut Frame) -> Playout {
        let next = || self.asked.try_recv().ok().map(|frames| (frames, 0));
        let Some((frames, at)) = self.asking.take().or_else(next) else {
            return Playout::Silence;
        };
        *frame = frames[at];
        if at + 1 < frames.len() {
            self.asking = Some((frames, at + 1));
        }
        Playout::Frame
    }
}
