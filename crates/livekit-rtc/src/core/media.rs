//! The sound of one participant: tracks coming in, our track going out, on a 10 ms clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::Mid;
use tracing::warn;

use super::link::Link;
use super::roster::Roster;
use crate::audio::{Receiver, Sender};
use crate::{
    AudioHandler, Event, FRAME_DURATION, FRAME_SAMPLES, Playout, Received, RemoteTrack,
    TrackOptions,
};

/// Playout that is further behind than this (a stopped process) is skipped, not caught up.
const MAX_BEHIND: Duration = Duration::from_millis(200);

pub(super) struct Media {
    handler: Box<dyn AudioHandler>,
    sender: Option<Sender>,
    live: Vec<LiveTrack>,
    /// The clock that all participants of a shard share.
    epoch: Instant,
    next_tick: Option<Instant>,
    pub(super) muted: bool,
}

struct LiveTrack {
    mid: Mid,
    track: RemoteTrack,
    receiver: Receiver,
}

impl Media {
    pub(super) fn new(handler: Box<dyn AudioHandler>, epoch: Instant) -> Self {
        Self {
            handler,
            sender: None,
            live: Vec::new(),
            epoch,
            next_tick: None,
            muted: false,
        }
    }

    /// Starts playing out, or starts again on a new connection.
    pub(super) fn start(
        &mut self,
        now: Instant,
        track: &TrackOptions,
        seed: u64,
    ) -> Result<(), String> {
        match &mut self.sender {
            Some(sender) => sender.restart(),
            None => {
                let sender =
                    Sender::new(track, seed).map_err(|error| error.message().to_owned())?;
                self.sender = Some(sender);
            }
        }
        self.next_tick = Some(self.tick_after(now));
        Ok(())
    }

    /// Stops playing out and forgets the incoming tracks.
    pub(super) fn stop(&mut self, events: &mut Vec<Event>) {
        self.next_tick = None;
        for live in self.live.drain(..) {
            events.push(unsubscribed(live.track));
        }
    }

    /// Brings the incoming tracks in line with what the server sends and who is there.
    pub(super) fn sync(&mut self, link: &Link, roster: &Roster, events: &mut Vec<Event>) {
        let wanted: Vec<(Mid, &RemoteTrack)> = link
            .offered()
            .filter_map(|(mid, sid)| Some((mid, roster.track(sid)?)))
            .collect();
        self.live.retain(|live| {
            let stays = wanted
                .iter()
                .any(|(mid, track)| *mid == live.mid && track.sid == live.track.sid);
            if !stays {
                events.push(unsubscribed(live.track.clone()));
            }
            stays
        });
        for (mid, track) in wanted {
            if self.live.iter().any(|live| live.mid == mid) {
                continue;
            }
            match Receiver::new() {
                Ok(receiver) => {
                    events.push(Event::TrackSubscribed(track.clone()));
                    self.live.push(LiveTrack {
                        mid,
                        track: track.clone(),
                        receiver,
                    });
                }
                Err(error) => warn!(error = error.message(), "No decoder for a track"),
            }
        }
    }

    /// Takes a packet of an incoming track.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        mid: Mid,
        sequence: u64,
        time: i64,
        payload: Arc<[u8]>,
    ) {
        if let Some(live) = self.live.iter_mut().find(|live| live.mid == mid) {
            live.receiver.push(now, sequence, time, payload);
            live.deliver(now, &mut *self.handler);
        }
    }

    /// Whose sound comes by this way.
    pub(super) fn track(&self, mid: Mid) -> Option<&RemoteTrack> {
        let live = self.live.iter().find(|live| live.mid == mid)?;
        Some(&live.track)
    }

    /// Does what is due: time that passed without packets, and playout.
    pub(super) fn handle_timeout(&mut self, now: Instant, link: &mut Link) {
        for live in &mut self.live {
            live.deliver(now, &mut *self.handler);
        }
        while let Some(tick) = self.next_tick.filter(|tick| *tick <= now) {
            if now - tick > MAX_BEHIND {
                let next = self.tick_after(now);
                if let Some(sender) = &mut self.sender {
                    sender.skip((next - tick).div_duration_f32(FRAME_DURATION) as u32);
                }
                self.next_tick = Some(next);
                return;
            }
            self.next_tick = Some(tick + FRAME_DURATION);
            self.play(tick, now, link);
        }
    }

    fn play(&mut self, tick: Instant, now: Instant, link: &mut Link) {
        let Some(sender) = &mut self.sender else {
            return;
        };
        let mut frame = [0; FRAME_SAMPLES];
        let playout = self.handler.playout(tick, &mut frame);
        let heard = playout == Playout::Frame && !self.muted;
        match sender.push(heard.then_some(&frame)) {
            Ok(Some(packet)) => link.send(now, &packet),
            Ok(None) => {}
            Err(error) => warn!(error = error.message(), "A frame could not be encoded"),
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let tracks = self
            .live
            .iter()
            .filter_map(|live| live.receiver.next_deadline());
        tracks.chain(self.next_tick).min()
    }

    /// The next point of the shared clock.
    fn tick_after(&self, now: Instant) -> Instant {
        let frame = FRAME_DURATION.as_nanos() as u64;
        let elapsed = now.saturating_duration_since(self.epoch).as_nanos() as u64;
        self.epoch + Duration::from_nanos((elapsed / frame + 1) * frame)
    }
}

impl LiveTrack {
    fn deliver(&mut self, now: Instant, handler: &mut dyn AudioHandler) {
        while let Some(step) = self.receiver.poll(now) {
            handler.received(Received {
                now,
                participant: &self.track.participant,
                track: &self.track.sid,
                samples: &step.frame,
                content: step.content,
            });
        }
    }
}

fn unsubscribed(track: RemoteTrack) -> Event {
    Event::TrackUnsubscribed {
        participant: track.participant,
        track: track.sid,
    }
}
