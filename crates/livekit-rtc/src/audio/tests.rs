//! Sender, a network that misbehaves, and receiver, in virtual time.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::TrackOptions;

/// What the network does to packets.
#[derive(Debug, Clone, Copy)]
struct Network {
    loss: f64,
    /// Each packet is delayed by up to this much, at random and so out of order.
    jitter: Duration,
    duplicates: f64,
    /// From this time on, everything takes longer by that much.
    slower: Option<(Duration, Duration)>,
    /// Packets of this stretch of time come all at its end.
    stall: Option<(Duration, Duration)>,
    /// How much faster the sender's clock runs, as a factor.
    sender_speed: f64,
}

const PERFECT: Network = Network {
    loss: 0.0,
    jitter: Duration::ZERO,
    duplicates: 0.0,
    slower: None,
    stall: None,
    sender_speed: 1.0,
};

/// A frame that came out, and when.
struct Out {
    at: Duration,
    content: Content,
    frame: Frame,
}

struct Run {
    out: Vec<Out>,
    packets: usize,
    lost: usize,
}

/// Small, fast, and the same every time.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// A voice at `pitch`: a tone with overtones.
fn voice(pitch: f64, from_sample: usize) -> Frame {
    std::array::from_fn(|index| {
        let phase = TAU * pitch * (from_sample + index) as f64 / f64::from(SAMPLE_RATE);
        let sum: f64 = (1..6)
            .map(|n| (phase * f64::from(n)).sin() / f64::from(n))
            .sum();
        (sum * 5_000.0) as i16
    })
}

/// Sends what `speak` says at each 10 ms through the network and collects what comes out.
fn run(length: Duration, network: Network, speak: impl FnMut(usize) -> Option<Frame>) -> Run {
    let mut speak = speak;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut sender = Sender::new(&TrackOptions::speech("voice"), 7).unwrap();
    let mut sent = Vec::new();
    let (mut packets, mut lost) = (0, 0);
    let frames = length.as_millis() as usize / 10;
    for frame in 0..frames {
        let at = FRAME_DURATION.mul_f64((frame + 1) as f64 / network.sender_speed);
        let spoken = speak(frame);
        let Some(packet) = sender.push(spoken.as_ref()).unwrap() else {
            continue;
        };
        packets += 1;
        if random.unit() < network.loss {
            lost += 1;
            continue;
        }
        let copies = 1 + usize::from(random.unit() < network.duplicates);
        for _ in 0..copies {
            let arrival = network.arrival(at, random.unit());
            sent.push((
                arrival,
                packet.sequence,
                i64::from(packet.time),
                packet.payload.to_vec(),
            ));
        }
    }
    sent.sort_by_key(|(arrival, ..)| *arrival);
    Run {
        out: receive(length + ms(100), sent),
        packets,
        lost,
    }
}

impl Network {
    fn arrival(&self, sent: Duration, chance: f64) -> Duration {
        let mut arrival = sent + ms(20) + self.jitter.mul_f64(chance);
        if let Some((from, by)) = self.slower
            && sent >= from
        {
            arrival += by;
        }
        if let Some((from, until)) = self.stall
            && (from..until).contains(&arrival)
        {
            arrival = until;
        }
        arrival
    }
}

fn receive(length: Duration, sent: Vec<(Duration, u64, i64, Vec<u8>)>) -> Vec<Out> {
    let start = Instant::now();
    let mut receiver = Receiver::new().unwrap();
    let mut sent = sent.into_iter().peekable();
    let mut out = Vec::new();
    loop {
        let deadline = receiver.next_deadline().map(|deadline| deadline - start);
        let arrival = sent.peek().map(|(arrival, ..)| *arrival);
        let Some(at) = deadline
            .into_iter()
            .chain(arrival)
            .min()
            .filter(|at| *at <= length)
        else {
            return out;
        };
        let now = start + at;
        if arrival.is_some_and(|arrival| arrival <= at)
            && let Some((_, sequence, time, payload)) = sent.next()
        {
            receiver.push(now, sequence, time, payload.into());
        }
        while let Some(step) = receiver.poll(now) {
            out.push(Out {
                at,
                content: step.content,
                frame: step.frame,
            });
        }
        assert!(
            receiver
                .next_deadline()
                .is_none_or(|deadline| deadline > now),
            "a deadline that has passed must have been dealt with"
        );
    }
}

impl Run {
    fn share(&self, content: Content) -> f64 {
        let count = self.out.iter().filter(|out| out.content == content).count();
        count as f64 / self.out.len() as f64
    }

    /// The furthest that sound came out after the time it was spoken, counted in frames.
    fn worst_lag(&self) -> Duration {
        let lags = self.out.iter().enumerate().map(|(index, out)| {
            out.at
                .saturating_sub(FRAME_DURATION * u32::try_from(index).unwrap())
        });
        lags.max().unwrap()
    }

    fn lag_at_end(&self) -> Duration {
        let count = u32::try_from(self.out.len()).unwrap();
        self.out
            .last()
            .unwrap()
            .at
            .saturating_sub(FRAME_DURATION * (count - 1))
    }

    /// How much of the sound between two times is a voice at `pitch`.
    fn pitch_share(&self, pitch: f64, frames: std::ops::Range<usize>) -> f64 {
        let samples: Vec<f64> = self.out[frames]
            .iter()
            .flat_map(|out| out.frame)
            .map(f64::from)
            .collect();
        let energy: f64 = samples.iter().map(|sample| sample * sample).sum();
        let harmonics = (1..6).map(|n| {
            let (mut re, mut im) = (0.0, 0.0);
            for (index, sample) in samples.iter().enumerate() {
                let phase = TAU * pitch * f64::from(n) * index as f64 / f64::from(SAMPLE_RATE);
                re += sample * phase.cos();
                im += sample * phase.sin();
            }
            re * re + im * im
        });
        2.0 * harmonics.sum::<f64>() / samples.len() as f64 / energy
    }
}

/// Ten seconds of one voice.
fn ten_seconds(network: Network) -> Run {
    run(ms(10_000), network, |frame| {
        Some(voice(200.0, frame * FRAME_SAMPLES))
    })
}

#[test]
fn a_good_network_costs_no_delay_and_conceals_nothing() {
    let run = ten_seconds(PERFECT);
    assert!(
        run.share(Content::Concealed) < 0.01,
        "{}",
        run.share(Content::Concealed)
    );
    // 20 ms for the packet to be full and 20 ms of network.
    assert_eq!(run.worst_lag(), ms(40));
    assert!(run.pitch_share(200.0, 100..200) > 0.95);
}

#[test]
fn losses_are_concealed_and_never_add_delay() {
    for loss in [0.01, 0.03, 0.05, 0.10] {
        let run = ten_seconds(Network { loss, ..PERFECT });
        let lost = run.lost as f64 / run.packets as f64;
        let concealed = run.share(Content::Concealed);
        assert!(
            (concealed - lost).abs() < 0.02,
            "{concealed} concealed of {lost} lost"
        );
        assert!(
            run.worst_lag() <= ms(40 + 80),
            "{:?} at {loss}",
            run.worst_lag()
        );
        assert!(
            run.lag_at_end() <= ms(120),
            "{:?} at {loss}",
            run.lag_at_end()
        );
        let heard = run.pitch_share(200.0, 100..900);
        assert!(heard > 0.96 - 2.0 * loss, "{heard} of the voice at {loss}");
    }
}

#[test]
fn a_lost_packet_is_recovered_from_the_next_one() {
    // The voice changes within what is lost: extrapolation could not know that.
    let pitch = |frame: usize| if frame / 2 % 10 < 5 { 200.0 } else { 310.0 };
    let mut sender = Sender::new(&TrackOptions::speech("voice"), 7).unwrap();
    let mut sent = Vec::new();
    for frame in 0..200 {
        let spoken = voice(pitch(frame), frame * FRAME_SAMPLES);
        let at = FRAME_DURATION * u32::try_from(frame + 1).unwrap();
        if let Some(packet) = sender.push(Some(&spoken)).unwrap() {
            // The second packet at the new pitch: the first tells the encoder of the change.
            if frame / 2 % 10 != 6 {
                let time = i64::from(packet.time);
                sent.push((at, packet.sequence, time, packet.payload.to_vec()));
            }
        }
    }
    let run = Run {
        out: receive(ms(2_000), sent),
        packets: 0,
        lost: 0,
    };
    for start in (12..140).step_by(20) {
        let concealed = &run.out[start..start + 2];
        assert!(
            concealed
                .iter()
                .all(|out| out.content == Content::Concealed)
        );
        let share = run.pitch_share(310.0, start..start + 2);
        assert!(share > 0.6, "only {share} is at the new pitch");
    }
}

#[test]
fn jitter_and_reordering_alone_conceal_nothing() {
    for jitter in [10, 30, 60] {
        let run = ten_seconds(Network {
            jitter: ms(jitter),
            ..PERFECT
        });
        assert!(
            run.share(Content::Concealed) < 0.01,
            "{}",
            run.share(Content::Concealed)
        );
        assert!(run.worst_lag() <= ms(40 + jitter), "{:?}", run.worst_lag());
        assert!(run.pitch_share(200.0, 100..900) > 0.95);
    }
}

#[test]
fn duplicates_change_nothing() {
    let once = ten_seconds(PERFECT);
    let twice = ten_seconds(Network {
        duplicates: 1.0,
        ..PERFECT
    });
    assert_eq!(once.out.len(), twice.out.len());
    assert!(
        once.out
            .iter()
            .zip(&twice.out)
            .all(|(a, b)| a.frame == b.frame && a.at == b.at)
    );
}

#[test]
fn everything_at_once_stays_within_bounds() {
    let network = Network {
        loss: 0.05,
        jitter: ms(40),
        duplicates: 0.05,
        sender_speed: 1.0005,
        ..PERFECT
    };
    let run = ten_seconds(network);
    assert!(
        run.share(Content::Concealed) < 0.10,
        "{}",
        run.share(Content::Concealed)
    );
    assert!(run.worst_lag() <= ms(40 + 80 + 5), "{:?}", run.worst_lag());
    assert!(run.pitch_share(200.0, 100..900) > 0.8);
}

#[test]
fn a_network_that_becomes_slower_is_followed() {
    for by in [50, 100, 300] {
        let network = Network {
            slower: Some((ms(4_000), ms(by))),
            ..PERFECT
        };
        let run = ten_seconds(network);
        let later = run.out.iter().filter(|out| out.at > ms(5_000));
        let concealed = later.filter(|out| out.content != Content::Decoded).count();
        assert!(
            concealed <= 10,
            "{concealed} frames are not decoded a second after"
        );
    }
}

#[test]
fn a_stall_is_caught_up_with_at_once() {
    let network = Network {
        stall: Some((ms(4_000), ms(4_500))),
        ..PERFECT
    };
    let run = ten_seconds(network);
    assert!(run.worst_lag() <= ms(140), "{:?}", run.worst_lag());
    assert!(run.lag_at_end() <= ms(60), "{:?}", run.lag_at_end());
    let later = run.out.iter().filter(|out| out.at > ms(5_000));
    assert!(later.clone().count() > 400);
    assert!(
        later
            .clone()
            .take(400)
            .all(|out| out.content == Content::Decoded)
    );
}

#[test]
fn while_the_speaker_pauses_time_goes_on_in_silence() {
    let length = ms(8_000);
    let speaks = |frame: usize| !(200..600).contains(&frame);
    for jitter in [0, 40] {
        let run = run(
            length,
            Network {
                jitter: ms(jitter),
                ..PERFECT
            },
            |frame| speaks(frame).then(|| voice(200.0, frame * FRAME_SAMPLES)),
        );
        let silent = run.share(Content::Silent);
        assert!((0.45..0.5).contains(&silent), "{silent} is silent");
        let total = FRAME_DURATION * u32::try_from(run.out.len()).unwrap();
        assert!(
            total <= length + ms(100),
            "{total:?} of {length:?}: time was stretched"
        );
        // Nothing of the second part is cut off: all of its two seconds are there.
        let loud = |out: &&Out| out.frame.iter().any(|sample| sample.unsigned_abs() > 1_000);
        let second = run
            .out
            .iter()
            .filter(|out| out.at > ms(4_000))
            .filter(loud)
            .count();
        assert!(
            (198..=204).contains(&second),
            "{second} frames of the second part"
        );
    }
}

#[test]
fn a_drifting_clock_neither_starves_nor_floods() {
    for sender_speed in [0.999, 1.001] {
        let length = ms(120_000);
        let run = run(
            length,
            Network {
                sender_speed,
                jitter: ms(10),
                ..PERFECT
            },
            |frame| Some(voice(200.0, frame * FRAME_SAMPLES)),
        );
        assert!(
            run.share(Content::Decoded) > 0.99,
            "{}",
            run.share(Content::Decoded)
        );
    }
}

#[test]
fn a_process_that_was_stopped_does_not_make_up_for_it() {
    let start = Instant::now();
    let mut sender = Sender::new(&TrackOptions::speech("voice"), 7).unwrap();
    let mut receiver = Receiver::new().unwrap();
    sender.push(Some(&voice(200.0, 0))).unwrap();
    let packet = sender.push(Some(&voice(200.0, 240))).unwrap().unwrap();
    receiver.push(
        start,
        packet.sequence,
        packet.time.into(),
        packet.payload.into(),
    );
    let frames = |receiver: &mut Receiver, now| std::iter::from_fn(|| receiver.poll(now)).count();
    assert_eq!(frames(&mut receiver, start), 2);
    let later = start + Duration::from_secs(3_600);
    assert_eq!(frames(&mut receiver, later), 0);
    assert!(
        receiver
            .next_deadline()
            .is_some_and(|deadline| deadline > later)
    );
}

#[test]
fn nothing_is_encoded_while_nobody_speaks() {
    let mut sender = Sender::new(&TrackOptions::speech("voice"), 7).unwrap();
    let mut pushed = |count: usize, frame: Option<Frame>| -> Vec<(u32, bool)> {
        let mut packets = Vec::new();
        for _ in 0..count {
            let packet = sender.push(frame.as_ref()).unwrap();
            packets.extend(packet.map(|packet| (packet.time, packet.marker)));
        }
        packets
    };
    let primer = pushed(100, None);
    assert_eq!(primer.len(), 10, "silence that makes the track known");
    assert_eq!(primer.iter().filter(|(_, marker)| *marker).count(), 1);
    let spoken = pushed(10, Some(voice(200.0, 0)));
    assert_eq!(spoken.len(), 5);
    assert!(spoken[0].1 && spoken[1..].iter().all(|(_, marker)| !marker));
    assert_eq!(
        spoken[0].0 - primer[0].0,
        100 * 480,
        "media time goes on while nothing is sent"
    );
    let tail = pushed(1_000, None);
    assert_eq!(tail.len(), 5, "a short tail, and then nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes, the receiver neither panics nor goes on for ever.
    #[test]
    fn nonsense_is_survived(
        packets in prop::collection::vec(
            (0u64..200, 0u64..400, -100_000i64..200_000, prop::collection::vec(any::<u8>(), 0..80)),
            1..60,
        )
    ) {
        let start = Instant::now();
        let mut receiver = Receiver::new().unwrap();
        let mut now = start;
        for (wait, sequence, time, payload) in packets {
            now += ms(wait);
            receiver.push(now, sequence, time, Arc::from(payload));
            let frames = std::iter::from_fn(|| receiver.poll(now)).take(5_000).count();
            prop_assert!(frames < 5_000, "{frames} frames from one packet");
            prop_assert!(receiver.next_deadline().is_none_or(|deadline| deadline > now));
        }
    }
}
