//! What is heard and played, frame by frame.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use livekit_rtc::{Content, TrackSid};
use speech::Models;

use super::*;
use crate::domain::{Playout, Samples, SpeechId};

const FRAME: Duration = Duration::from_millis(10);

/// A mouth and what it reported.
struct Played {
    mouth: Mouth,
    reports: Reports,
    events: mpsc::Receiver<Event>,
}

impl Played {
    fn new() -> Self {
        let (queue, events) = mpsc::channel(EVENT_CAPACITY);
        let unsent = VecDeque::new();
        Self {
            mouth: Mouth::default(),
            reports: Reports { queue, unsent },
            events,
        }
    }

    /// Plays frames and gives the first and last sample of each, `None` for silence.
    fn frames(&mut self, count: usize) -> Vec<Option<(i16, i16)>> {
        let mut next = || {
            let mut frame = [0; livekit_rtc::FRAME_SAMPLES];
            let playout = self.mouth.speak(&mut frame, &mut self.reports);
            (playout == livekit_rtc::Playout::Frame).then_some((frame[0], frame[239]))
        };
        (0..count).map(|_| next()).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

const ONE: SpeechId = SpeechId(1);
const LOUD: Option<(i16, i16)> = Some((1000, 1000));

#[test]
fn pieces_of_any_size_are_played_without_a_gap_and_counted() {
    let mut played = Played::new();
    for size in [1, 0, 239, 100, 380] {
        played.mouth.play(ONE, vec![1000; size]);
    }
    played.mouth.finish(ONE);
    assert_eq!(played.frames(4), [LOUD, LOUD, LOUD, None]);
    let at = |samples| Samples(samples);
    assert_eq!(
        played.events(),
        [
            Event::Playout(Playout::Progress {
                speech: ONE,
                played: at(240)
            }),
            Event::Playout(Playout::Finished {
                speech: ONE,
                played: at(720)
            }),
        ]
    );
}

#[test]
fn an_underrun_is_silence_and_the_position_waits() {
    let mut played = Played::new();
    played.mouth.play(ONE, vec![1000; 300]);
    assert_eq!(played.frames(3), [LOUD, Some((1000, 0)), None]);
    played.mouth.play(ONE, vec![1000; 180]);
    played.mouth.finish(ONE);
    assert_eq!(played.frames(1), [Some((1000, 0))]);
    let last = played.events().pop();
    let finished = Playout::Finished {
        speech: ONE,
        played: Samples(480),
    };
    assert_eq!(last, Some(Event::Playout(finished)));
}

#[test]
fn a_pause_fades_and_no_sample_is_lost() {
    let mut played = Played::new();
    played.mouth.play(ONE, vec![1000; 240 * 4]);
    played.mouth.finish(ONE);
    played.frames(1);
    played.mouth.pause();
    assert_eq!(played.frames(3), [Some((1000, 4)), None, None]);
    let paused = Playout::Paused {
        speech: ONE,
        played: Samples(240),
    };
    assert_eq!(played.events().pop(), Some(Event::Playout(paused)));
    played.mouth.resume();
    assert_eq!(played.frames(4), [Some((0, 995)), LOUD, LOUD, None]);
    let finished = Playout::Finished {
        speech: ONE,
        played: Samples(960),
    };
    assert_eq!(played.events().pop(), Some(Event::Playout(finished)));
}

#[test]
fn after_a_stop_nothing_more_of_the_speech_is_heard() {
    let mut played = Played::new();
    played.mouth.play(ONE, vec![1000; 24_000]);
    played.frames(1);
    played.mouth.stop();
    assert_eq!(played.frames(3), [Some((1000, 4)), None, None]);
    played.mouth.play(SpeechId(2), vec![500; 240]);
    assert_eq!(played.frames(2), [Some((500, 500)), None]);
}

#[test]
fn a_stop_while_paused_frees_the_mouth_for_the_next_speech() {
    let mut played = Played::new();
    played.mouth.play(ONE, vec![1000; 2400]);
    played.mouth.pause();
    played.frames(2);
    played.mouth.stop();
    played.mouth.play(SpeechId(2), vec![500; 240]);
    assert_eq!(played.frames(1), [Some((500, 500))]);
}

pub(crate) fn models() -> Models {
    let dir = std::env::var_os("MODELS_DIR").map(PathBuf::from);
    let dir = dir.expect("MODELS_DIR names the models folder: run `cargo xtask test`");
    Models::open(&dir, 2).expect("the models folder is complete")
}

/// A spoken sentence at 24 kHz with silence before and after; with the length of its voice.
pub(crate) fn sentence(silence: usize) -> (Vec<i16>, usize) {
    spoken("What plan am I on at the moment?", silence)
}

/// The same for any text.
pub(crate) fn spoken(text: &str, silence: usize) -> (Vec<i16>, usize) {
    let synthesizer = models().synthesizer(1).expect("the synthesiser loads");
    let voice = synthesizer.voice("af_heart").expect("it is installed");
    let mut spoken = synthesizer
        .synthesize(text, &voice, 1.0)
        .expect("a sentence can be spoken");
    // How long the silence at the end is, is the voice's own affair.
    let is_voiced = |sample: &f32| sample.abs() > 0.01;
    spoken.truncate(
        spoken
            .iter()
            .rposition(is_voiced)
            .map_or(0, |last| last + 1),
    );
    let mut sound = vec![0; silence];
    speech::resample::extend_i16(&spoken, &mut sound);
    sound.resize(sound.len() + silence, 0);
    (sound, spoken.len())
}

/// What is reported of a sound; each start of speech is answered with `at_start`, each end with
/// `at_end`.
fn hear(
    upload: Upload,
    sound: &[i16],
    at_start: Option<fn() -> Command>,
    at_end: Option<fn() -> Command>,
) -> (Instant, Vec<Event>) {
    let (mut audio, mut handle) = handler(
        VadSource::new(models()).expect("the detector loads"),
        Duration::from_millis(250),
        upload,
    );
    let caller = Identity::from("caller");
    let track = TrackSid::from("TR_1");
    handle.send(Command::Listen(caller.clone())).unwrap();
    let start = Instant::now();
    let mut now = start;
    let mut events = Vec::new();
    for samples in sound.as_chunks::<240>().0 {
        now += FRAME;
        audio.received(Received {
            now,
            participant: &caller,
            track: &track,
            samples,
            content: Content::Decoded,
        });
        while let Ok(event) = handle.events.try_recv() {
            let answer = match event {
                Event::SpeechStarted { .. } => at_start,
                Event::SpeechEnded { .. } => at_end,
                _ => None,
            };
            if let Some(command) = answer {
                handle.send(command()).unwrap();
            }
            events.push(event);
        }
    }
    (start, events)
}

fn sent(events: &[Event]) -> usize {
    let samples = events.iter().map(|event| match event {
        Event::Audio(samples) => samples.len(),
        _ => 0,
    });
    samples.sum()
}

#[test]
fn speech_is_reported_and_sent_with_its_beginning_and_silence_is_not() {
    let (sound, voiced) = sentence(48_000);
    let (start, events) = hear(Upload::Speech, &sound, None, Some(|| Command::CloseInput));
    let started = events.iter().find_map(|event| match event {
        Event::SpeechStarted { voiced_from } => Some(voiced_from.duration_since(start)),
        _ => None,
    });
    let ended = events.iter().rev().find_map(|event| match event {
        Event::SpeechEnded { voiced_until } => Some(voiced_until.duration_since(start)),
        _ => None,
    });
    let near = |moment: Option<Duration>, ms: u64| {
        let moment = moment.expect("it was reported").as_millis() as u64;
        assert!(moment.abs_diff(ms) < 400, "{moment} is not near {ms}");
    };
    near(started, 2_000);
    near(ended, 2_000 + voiced as u64 / 24);
    let sent = sent(&events);
    // The speech with its pre-roll, and what follows until the input was closed.
    assert!(sent > voiced, "{sent} of {voiced} samples were sent");
    assert!(
        sent < voiced + 24 * 700,
        "silence was sent: {sent} for {voiced}"
    );
}

#[test]
fn where_the_provider_decides_all_sound_is_sent() {
    let (sound, _) = sentence(96_000);
    let (_, events) = hear(Upload::All, &sound, None, Some(|| Command::CloseInput));
    assert!(
        sound.len() - sent(&events) < 480,
        "{} of {}",
        sent(&events),
        sound.len()
    );
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::SpeechEnded { .. }))
    );
}

#[test]
fn once_the_provider_decides_no_more_silence_is_not_sent_either() {
    let (sound, voiced) = sentence(96_000);
    let speech_only: fn() -> Command = || Command::SendSpeechOnly;
    let close: fn() -> Command = || Command::CloseInput;
    let (_, events) = hear(Upload::All, &sound, Some(speech_only), Some(close));
    let sent = sent(&events);
    // All of the silence before it was told, none of that after.
    let before = 96_000 + voiced;
    assert!(
        sent > before && sent < before + 24 * 700,
        "{sent} for {voiced}"
    );
}

#[test]
fn where_a_button_decides_nothing_is_sent_without_it() {
    let (sound, voiced) = sentence(48_000);
    let (_, events) = hear(Upload::OnRequest, &sound, None, None);
    assert_eq!(sent(&events), 0);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::SpeechStarted { .. }))
    );

    let open: fn() -> Command = || Command::OpenInput;
    let close: fn() -> Command = || Command::CloseInput;
    let (_, events) = hear(Upload::OnRequest, &sound, Some(open), Some(close));
    let whole = sent(&events);
    assert!(
        whole > voiced / 2 && whole < voiced + 24 * 600,
        "{whole} for {voiced}"
    );
    // The button is held on in silence.
    let (_, events) = hear(Upload::OnRequest, &sound, Some(open), None);
    assert!(sent(&events) > voiced / 2 + 40_000, "{}", sent(&events));
}

/// A call whose caller says something live, one frame a tick, and has said something before.
struct Joining {
    audio: Box<dyn AudioHandler>,
    handle: MediaHandle,
    now: Instant,
    events: Vec<Event>,
}

impl Joining {
    fn new() -> Self {
        let source = VadSource::new(models()).expect("the detector loads");
        let (audio, handle) = handler(source, Duration::from_millis(250), Upload::Speech);
        handle.send(Command::Listen("caller".into())).unwrap();
        Self {
            audio,
            handle,
            now: Instant::now(),
            events: Vec::new(),
        }
    }

    fn ticks(&mut self, count: usize, mut live: impl FnMut(usize) -> Frame) {
        self.ticks_of(count, |tick| Some(live(tick)));
    }

    /// The same, where nothing may come.
    fn ticks_of(&mut self, count: usize, mut live: impl FnMut(usize) -> Option<Frame>) {
        for tick in 0..count {
            self.now += FRAME;
            if let Some(samples) = live(tick) {
                self.audio.received(Received {
                    now: self.now,
                    participant: &"caller".into(),
                    track: &TrackSid::from("TR_1"),
                    samples: &samples,
                    content: Content::Decoded,
                });
            }
            self.audio.playout(self.now, &mut [0; 240]);
            while let Ok(event) = self.handle.events.try_recv() {
                self.events.push(event);
            }
        }
    }

    /// What was reported but for sound.
    fn told(&mut self) -> Vec<&'static str> {
        let events = std::mem::take(&mut self.events);
        let told = events.iter().filter_map(|event| match event {
            Event::SpeechStarted { .. } => Some("starts"),
            Event::SpeechEnded { .. } => Some("ends"),
            Event::CaughtUp => Some("caught up"),
            _ => None,
        });
        told.collect()
    }
}

const SILENCE: Frame = [0; 240];

#[test]
fn what_was_said_while_connecting_is_heard_before_live_sound() {
    let (sound, _) = sentence(7_200);
    let mut call = Joining::new();
    // A little may be heard before it is known that there is more.
    call.ticks(10, |_| SILENCE);
    call.handle.send(Command::Wait).unwrap();
    call.ticks(50, |_| SILENCE);
    assert_eq!(call.told(), [""; 0]);
    call.handle.send(Command::Earlier(sound.clone())).unwrap();
    let ticks = sound.len() / 240 / 6 + 20;
    call.ticks(ticks, |_| SILENCE);
    assert_eq!(call.told(), ["starts", "ends", "caught up"]);
    // Live sound is heard at once again, and nothing more from before.
    call.handle.send(Command::Earlier(sound.clone())).unwrap();
    let live: Vec<Frame> = sound.as_chunks::<240>().0.to_vec();
    call.ticks(live.len() + 40, |tick| {
        live.get(tick).copied().unwrap_or(SILENCE)
    });
    assert_eq!(call.told(), ["starts", "ends"]);
}

#[test]
fn what_was_said_while_connecting_is_over_though_the_microphone_sends_nothing() {
    let (sound, voiced) = sentence(0);
    let mut call = Joining::new();
    call.handle.send(Command::Wait).unwrap();
    call.handle
        .send(Command::Earlier(sound[..voiced].to_vec()))
        .unwrap();
    call.ticks_of(voiced / 240 / 6 + 20, |_| None);
    assert_eq!(call.told(), ["starts", "ends", "caught up"]);
}

#[test]
fn in_a_room_full_of_voices_only_who_is_louder_is_heard() {
    let (sound, _) = sentence(0);
    // Four people, each a third of a second behind another, who begin anew as soon as they have ended.
    let crowd = |at: usize| -> i32 {
        let others = (0..4).map(|other| i32::from(sound[(at + other * 8_000) % sound.len()]));
        others.sum::<i32>() / 8
    };
    let begins = 240 * 600;
    let at = |at: usize| {
        let caller = at.checked_sub(begins).and_then(|at| sound.get(at));
        (crowd(at) + i32::from(caller.copied().unwrap_or_default())) as i16
    };
    let mut call = Joining::new();
    let frame = |tick: usize| std::array::from_fn(|sample| at(tick * 240 + sample));
    call.ticks(600, frame);
    // Before the room is known, whoever is heard may be the caller.
    assert_eq!(call.told().last(), Some(&"ends"));
    call.ticks(sound.len() / 240 + 100, |tick| frame(600 + tick));
    assert_eq!(call.told(), ["starts", "ends"]);
}

#[test]
fn a_voice_that_is_heard_faster_than_it_spoke_lasts_as_long() {
    let (sound, voiced) = sentence(7_200);
    let mut call = Joining::new();
    call.handle.send(Command::Wait).unwrap();
    call.handle.send(Command::Earlier(sound.clone())).unwrap();
    call.ticks(sound.len() / 240 / 6 + 20, |_| SILENCE);
    let (mut from, mut until) = (None, None);
    for event in call.events {
        match event {
            Event::SpeechStarted { voiced_from } => from = from.or(Some(voiced_from)),
            Event::SpeechEnded { voiced_until } => until = Some(voiced_until),
            _ => {}
        }
    }
    let length = until.unwrap() - from.unwrap();
    let spoken = Duration::from_millis(voiced as u64 / 24);
    assert!(length > spoken * 3 / 4, "{length:?} of {spoken:?}");
}

#[test]
fn live_sound_does_not_wait_for_ever_and_none_of_it_is_lost() {
    let (sound, _) = sentence(0);
    let live: Vec<Frame> = sound.as_chunks::<240>().0.to_vec();
    let mut call = Joining::new();
    call.handle.send(Command::Wait).unwrap();
    call.ticks(199, |tick| live.get(tick).copied().unwrap_or(SILENCE));
    assert_eq!(call.told(), [""; 0]);
    call.ticks(60, |_| SILENCE);
    assert_eq!(call.told(), ["starts", "ends", "caught up"]);
    // Whoever waits later is told at once that there is nothing to wait for.
    call.handle.send(Command::Wait).unwrap();
    call.ticks(1, |_| SILENCE);
    assert_eq!(call.told(), ["caught up"]);
}
