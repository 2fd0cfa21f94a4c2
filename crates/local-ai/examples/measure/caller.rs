//! A client of one session in real time: a microphone that never stops, and ears.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use openai_realtime::audio::{self, SAMPLE_RATE};
use openai_realtime::client::{Options, Receiver, Sender, connect};
use openai_realtime::{ClientEvent, InputAudioBufferAppend, ServerEvent, SessionUpdate};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::{Instant, Interval, interval, timeout};

use super::clip::Clip;

/// How often the microphone gives sound.
const FRAME: Duration = Duration::from_millis(20);
const FRAME_SAMPLES: usize = SAMPLE_RATE as usize / 50;
/// The longest wait for an event that must come.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Caller {
    sender: Sender,
    receiver: Receiver,
    frames: Interval,
    saying: Option<(Arc<Clip>, usize)>,
}

/// What happens to a caller.
pub enum Heard {
    Event(ServerEvent),
    /// The voice of the clip ended, then.
    SaidIt(Instant),
}

impl Caller {
    /// Opens a session with these settings.
    pub async fn open(address: &str, settings: &Value) -> anyhow::Result<Self> {
        let base_url = format!("http://{address}/v1");
        let mut options = Options::new(base_url, SecretString::from("none"));
        options.incoming_capacity = 4_096;
        let (sender, mut receiver) = connect(&options).await?.split();
        let mut next = async || {
            timeout(PATIENCE, receiver.recv())
                .await
                .context("the server says nothing")?
                .map_err(anyhow::Error::from)
        };
        let ServerEvent::SessionCreated(_) = next().await? else {
            bail!("the session did not begin with session.created");
        };
        let session = Box::new(serde_json::from_value(settings.clone())?);
        let update = ClientEvent::SessionUpdate(SessionUpdate { session });
        sender.send(update).await?;
        match next().await? {
            ServerEvent::SessionUpdated(_) => {}
            other => bail!("the settings were not taken: {other:?}"),
        }
        Ok(Self {
            sender,
            receiver,
            frames: interval(FRAME),
            saying: None,
        })
    }

    pub async fn send(&self, event: ClientEvent) -> anyhow::Result<()> {
        Ok(self.sender.send(event).await?)
    }

    /// Begins to say something, in place of what was being said.
    pub fn say(&mut self, clip: &Arc<Clip>) {
        if self.saying.is_none() {
            // What the microphone did not give while nobody listened here was not missed.
            self.frames.reset();
        }
        self.saying = Some((clip.clone(), 0));
    }

    /// The next thing that happens; the microphone goes on meanwhile.
    pub async fn next(&mut self) -> anyhow::Result<Heard> {
        loop {
            tokio::select! {
                event = self.receiver.recv() => return Ok(Heard::Event(event?)),
                tick = self.frames.tick() => if let Some(ended) = self.frame(tick).await? {
                    return Ok(Heard::SaidIt(ended));
                }
            }
        }
    }

    /// Whether a clip is being said.
    pub fn is_saying(&self) -> bool {
        self.saying.is_some()
    }

    /// Listens for so long and hands every event to `each`.
    pub async fn listen(
        &mut self,
        time: Duration,
        mut each: impl FnMut(ServerEvent),
    ) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        self.frames.reset();
        loop {
            match tokio::time::timeout_at(end, self.next()).await {
                Ok(Ok(Heard::Event(event))) => each(event),
                Ok(Ok(Heard::SaidIt(_))) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(()),
            }
        }
    }

    /// Sends the 20 ms that end at `tick`, and says if the voice ended in them.
    async fn frame(&mut self, tick: Instant) -> anyhow::Result<Option<Instant>> {
        let mut frame = [0i16; FRAME_SAMPLES];
        let mut ended = None;
        if let Some((clip, from)) = &mut self.saying {
            let piece = &clip.samples[*from..clip.samples.len().min(*from + FRAME_SAMPLES)];
            frame[..piece.len()].copy_from_slice(piece);
            let until = *from + FRAME_SAMPLES;
            if (*from..until).contains(&clip.voiced) {
                let early = (until - clip.voiced) as u32;
                ended = Some(tick - Duration::from_secs(1) * early / SAMPLE_RATE);
            }
            *from = until;
            if until > clip.voiced && until >= clip.samples.len() {
                self.saying = None;
            }
        }
        let audio = audio::encode(&frame);
        let append = ClientEvent::InputAudioBufferAppend(InputAudioBufferAppend { audio });
        self.sender.send(append).await?;
        Ok(ended)
    }
}
