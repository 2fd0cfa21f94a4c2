//! Joins a room and says back what it hears, half a second later.
//!
//! `cargo run -p livekit-rtc --example echo -- <url> <token>`

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::Context;
use livekit_rtc::{
    AudioHandler, Content, DisconnectReason, Event, Frame, Identity, JoinOptions, Playout,
    Received, Shard, ShardConfig, TrackOptions,
};

/// Frames between hearing and saying.
const DELAY_FRAMES: usize = 50;
/// Frames kept at most, when the sender's clock is faster than ours.
const MAX_FRAMES: usize = 60;

/// Echoes the first participant it hears.
#[derive(Default)]
struct Echo {
    who: Option<Identity>,
    frames: VecDeque<(Frame, Content)>,
    speaking: bool,
}

impl AudioHandler for Echo {
    fn received(&mut self, frame: Received<'_>) {
        if self.who.get_or_insert_with(|| frame.participant.clone()) == frame.participant {
            if self.frames.len() == MAX_FRAMES {
                self.frames.pop_front();
            }
            self.frames.push_back((*frame.samples, frame.content));
        }
    }

    fn playout(&mut self, _: Instant, frame: &mut Frame) -> Playout {
        self.speaking = match self.frames.len() {
            0 => false,
            count => self.speaking || count >= DELAY_FRAMES,
        };
        match self.speaking.then(|| self.frames.pop_front()).flatten() {
            None | Some((_, Content::Silent)) => Playout::Silence,
            Some((heard, _)) => {
                *frame = heard;
                Playout::Frame
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let mut arguments = std::env::args().skip(1);
    let url = arguments
        .next()
        .context("the first argument is the server's url")?;
    let token = arguments
        .next()
        .context("the second argument is an access token")?;

    let shard = Shard::spawn(ShardConfig::default())?;
    let options = JoinOptions::new(url, token.into()).publishing(TrackOptions::speech("echo"));
    let (participant, mut events) = shard.join(options, Box::new(Echo::default())).await?;
    eprintln!(
        "in room {} as {}",
        participant.local().room,
        participant.local().identity
    );
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Disconnected { reason }) => {
                    eprintln!("out of the room: {reason}");
                    return Ok(());
                }
                Some(event) => eprintln!("{event:?}"),
                None => return Ok(()),
            },
            _ = tokio::signal::ctrl_c() => {
                participant.leave(DisconnectReason::ClientInitiated).await?;
            }
        }
    }
}
