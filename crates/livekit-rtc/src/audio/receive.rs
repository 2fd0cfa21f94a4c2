//! Sound in: packets as the network brings them become 10 ms frames in order and without holes.
//!
//! There is no playout buffer. A packet is decoded the moment it is next in line, so a good
//! network costs no delay; only a hole makes its successors wait, for a bounded time. What is
//! missing then is recovered from the next packet's redundancy, extrapolated, or, when the
//! sender went quiet, silent. Since nothing is queued, delay cannot grow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opusic_c::ErrorCode;

use super::arrival::ArrivalClock;
use super::codec::{Decoder, MAX_PACKET_SAMPLES};
use super::{Content, FRAME_SAMPLES, Frame};

/// How long the first packet behind a hole waits for it to be filled, at most and at least.
const REORDER_WAIT: Duration = Duration::from_millis(60);
const MIN_REORDER_WAIT: Duration = Duration::from_millis(10);
/// How late the next packet may be, against the fastest of late, before time goes on without it.
const LATE_WAIT: Duration = Duration::from_millis(80);
/// The same when the last sound was quiet: then the sender has most likely stopped on purpose.
const QUIET_LATE_WAIT: Duration = Duration::from_millis(20);
/// Packets that wait behind a hole at most.
const REORDER_PACKETS: usize = 16;
/// Frames that are extrapolated in a row; after that it is silence.
const CONCEAL_FRAMES: u32 = 8;
/// A hole of more packets, or a step of more time, is a new beginning.
const MAX_HOLE_PACKETS: u64 = 100;
const MAX_STEP: i64 = 48_000;
/// When time is behind by more than this, it is not made up for.
const MAX_BEHIND: Duration = Duration::from_secs(1);
/// So many late packets in a row mean that the network has become slower.
const LATE_RUN: u32 = 5;
/// Peak below which sound counts as quiet: -48 dBFS.
const QUIET_PEAK: u16 = 128;
/// RTP ticks (at 48 kHz) of a frame and of a sample.
const FRAME_TICKS: i64 = 480;
const SAMPLE_TICKS: i64 = 2;

/// The receiving side of one track.
pub(crate) struct Receiver {
    decoder: Decoder,
    /// Packets that wait for their turn, by sequence number.
    waiting: Vec<Packet>,
    /// What is next in line, once there was a first packet.
    next: Option<Next>,
    clock: ArrivalClock,
    output: Output,
    /// How the last samples came about.
    content: Content,
    /// Whether the last sound was quiet or nothing.
    quiet: bool,
    concealed_run: u32,
    late_run: u32,
    /// Ticks of silence that were made up and then followed by what they stood for.
    surplus: i64,
}

#[derive(Debug, Clone, Copy)]
struct Next {
    sequence: u64,
    /// RTP time of the next sample, in ticks of 48 kHz without wrap-around.
    time: i64,
}

#[derive(Debug)]
struct Packet {
    sequence: u64,
    time: i64,
    ticks: i64,
    arrived: Instant,
    payload: Arc<[u8]>,
}

/// 10 ms, and how they came about.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) frame: Frame,
    pub(crate) content: Content,
}

impl Receiver {
    pub(crate) fn new() -> Result<Self, ErrorCode> {
        Ok(Self {
            decoder: Decoder::new()?,
            waiting: Vec::with_capacity(REORDER_PACKETS + 1),
            next: None,
            clock: ArrivalClock::default(),
            output: Output::default(),
            content: Content::Silent,
            quiet: true,
            concealed_run: 0,
            late_run: 0,
            surplus: 0,
        })
    }

    /// Takes a packet. Duplicates, late ones that were given up, and what is not Opus, are ignored.
    pub(crate) fn push(&mut self, now: Instant, sequence: u64, time: i64, payload: Arc<[u8]>) {
        let Ok(samples) = self.decoder.samples_in(&payload) else {
            return;
        };
        let next = self.next.get_or_insert(Next { sequence, time });
        if next.sequence.abs_diff(sequence) > MAX_HOLE_PACKETS {
            *next = Next { sequence, time };
            self.waiting.clear();
            self.clock.restart(now, time);
        } else if sequence < next.sequence {
            return;
        }
        self.clock.observe(now, time);
        let place = self
            .waiting
            .partition_point(|other| other.sequence < sequence);
        if self
            .waiting
            .get(place)
            .is_none_or(|other| other.sequence != sequence)
        {
            let ticks = samples as i64 * SAMPLE_TICKS;
            self.waiting.insert(
                place,
                Packet {
                    sequence,
                    time,
                    ticks,
                    arrived: now,
                    payload,
                },
            );
        }
    }

    /// The next frame, if it can be known by now.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Step> {
        loop {
            if let Some(frame) = self.output.take_frame() {
                return Some(Step {
                    frame,
                    content: self.content,
                });
            }
            if !self.advance(now) {
                return None;
            }
        }
    }

    /// When [`Receiver::poll`] has more even if no packet comes.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let next = self.next?;
        match self.waiting.first() {
            Some(packet) => Some(self.given_up_at(next, packet)),
            None => self.late_at(next.time),
        }
    }

    /// Takes one step in media time, or says that it is too early for that.
    fn advance(&mut self, now: Instant) -> bool {
        let Some(next) = self.next else { return false };
        let Some(first) = self.waiting.first() else {
            let Some(late_at) = self.late_at(next.time).filter(|late_at| *late_at <= now) else {
                return false;
            };
            if now - late_at > MAX_BEHIND {
                // We were stopped ourselves: nobody wants the past.
                self.clock.restart(now, next.time);
                return false;
            }
            self.go_on(next);
            return true;
        };
        if first.sequence > next.sequence {
            let wait = now < self.given_up_at(next, first) && self.waiting.len() <= REORDER_PACKETS;
            if !wait {
                self.fill_hole(next);
            }
            return !wait;
        }
        let early = first.time - next.time;
        if early.abs() > MAX_STEP {
            self.clock.restart(now, first.time);
            self.next = Some(Next {
                time: first.time,
                ..next
            });
        } else if early > 0 {
            // No packet is missing, so the sender was silent for as long.
            self.emit_silence(next, early.min(FRAME_TICKS));
        } else {
            let packet = self.waiting.remove(0);
            self.take(now, next, &packet);
        }
        true
    }

    fn late_at(&self, time: i64) -> Option<Instant> {
        let wait = if self.quiet {
            QUIET_LATE_WAIT
        } else {
            LATE_WAIT
        };
        Some(self.clock.expected(time)? + wait)
    }

    /// When what is missing before `first` is given up: the sooner, the later it is already.
    fn given_up_at(&self, next: Next, first: &Packet) -> Instant {
        let patience = first.arrived + REORDER_WAIT;
        let late = self
            .clock
            .expected(next.time)
            .map(|expected| expected + LATE_WAIT);
        late.map_or(patience, |late| late.min(patience))
            .max(first.arrived + MIN_REORDER_WAIT)
    }

    /// Decodes the packet whose turn it is; time may be past it in part or in whole.
    fn take(&mut self, now: Instant, next: Next, packet: &Packet) {
        let overlap = next.time - packet.time;
        let end = packet.time + packet.ticks;
        self.late_run = if end <= next.time {
            self.late_run + 1
        } else {
            0
        };
        // Whatever becomes of its sound, the decoder must keep in step with the sender.
        let decoded = self.decoder.decode(&packet.payload);
        let quiet = decoded.as_ref().map_or(true, |samples| is_quiet(samples));
        let stretches = self.content == Content::Silent && !quiet;
        let (skip, time) = if overlap == 0 {
            // Silence is elastic: what was made up too much is saved here.
            let saved = if quiet {
                self.surplus.min(packet.ticks)
            } else {
                0
            };
            self.surplus -= saved;
            (saved, end)
        } else if stretches || self.late_run >= LATE_RUN {
            // Silence stood for this sound, or the network has become slower: this is the present.
            self.surplus += overlap;
            self.late_run = 0;
            self.clock.restart(now, packet.time);
            (0, end)
        } else {
            (overlap.min(packet.ticks), end.max(next.time))
        };
        let samples = (packet.ticks / SAMPLE_TICKS) as usize;
        self.output
            .append(decoded, samples, (skip / SAMPLE_TICKS) as usize);
        self.content = Content::Decoded;
        self.quiet = quiet;
        self.concealed_run = 0;
        self.next = Some(Next {
            sequence: packet.sequence + 1,
            time,
        });
    }

    /// Gives up what is missing before the first packet that is there, one step at a time.
    fn fill_hole(&mut self, next: Next) {
        let Some(first) = self.waiting.first() else {
            return;
        };
        let missing = first.time - next.time;
        if missing <= 0 || missing > MAX_STEP {
            self.next = Some(Next {
                sequence: first.sequence,
                ..next
            });
        } else if missing > first.ticks {
            self.go_on(next);
        } else {
            let samples = (missing / SAMPLE_TICKS) as usize;
            self.output
                .append(self.decoder.recover(&first.payload, samples), samples, 0);
            self.content = Content::Concealed;
            self.next = Some(Next {
                sequence: first.sequence,
                time: first.time,
            });
        }
    }

    /// Lets 10 ms pass without a packet.
    fn go_on(&mut self, next: Next) {
        if self.quiet || self.concealed_run >= CONCEAL_FRAMES {
            return self.emit_silence(next, FRAME_TICKS);
        }
        self.concealed_run += 1;
        self.output
            .append(self.decoder.conceal(FRAME_SAMPLES), FRAME_SAMPLES, 0);
        self.content = Content::Concealed;
        self.next = Some(Next {
            time: next.time + FRAME_TICKS,
            ..next
        });
    }

    fn emit_silence(&mut self, next: Next, ticks: i64) {
        self.output
            .append(Ok(&[]), (ticks / SAMPLE_TICKS) as usize, 0);
        self.content = Content::Silent;
        self.quiet = true;
        self.next = Some(Next {
            time: next.time + ticks,
            ..next
        });
    }
}

fn is_quiet(samples: &[u16]) -> bool {
    samples
        .iter()
        .all(|sample| sample.cast_signed().unsigned_abs() < QUIET_PEAK)
}

/// Samples on their way to becoming frames.
struct Output {
    samples: [i16; MAX_PACKET_SAMPLES + FRAME_SAMPLES],
    start: usize,
    end: usize,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            samples: [0; MAX_PACKET_SAMPLES + FRAME_SAMPLES],
            start: 0,
            end: 0,
        }
    }
}

impl Output {
    /// Appends `count` samples without the first `skip`; what the codec did not give is silent.
    ///
    /// Less than a frame is left over whenever this is called, so a packet always fits.
    fn append(&mut self, source: Result<&[u16], ErrorCode>, count: usize, skip: usize) {
        self.samples.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let source = source.unwrap_or_default();
        let room = self.samples.len() - self.end;
        for index in (skip..count).take(room) {
            let sample = source.get(index).copied().unwrap_or_default();
            self.samples[self.end] = sample.cast_signed();
            self.end += 1;
        }
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let frame = self.samples[self.start..self.end].first_chunk::<FRAME_SAMPLES>()?;
        self.start += FRAME_SAMPLES;
        Some(*frame)
    }
}
