use std::f32::consts::TAU;
use std::time::Duration;

use speech::vad::{Segmenter, SegmenterConfig, SpeechEvent, Vad, VadStream, WINDOW};

use crate::{models, recording};

fn vad() -> Vad {
    models().vad().unwrap_or_else(|error| panic!("{error}"))
}

fn probabilities(vad: &mut Vad, pcm: &[f32]) -> Vec<f32> {
    let mut all = Vec::new();
    vad.stream()
        .push(vad, pcm, |probability| all.push(probability))
        .unwrap();
    all
}

fn max(probabilities: &[f32]) -> f32 {
    probabilities.iter().copied().fold(0.0, f32::max)
}

#[test]
fn silence_and_tones_are_no_speech() {
    let mut vad = vad();
    let silence = vec![0.0; 32_000];
    let tone = |hertz: f32| -> Vec<f32> {
        (0..32_000)
            .map(|n| 0.5 * (TAU * hertz * n as f32 / 16_000.0).sin())
            .collect()
    };
    assert!(max(&probabilities(&mut vad, &silence)) < 0.1);
    assert!(max(&probabilities(&mut vad, &tone(440.0))) < 0.1);
    assert!(max(&probabilities(&mut vad, &tone(120.0))) < 0.3);
}

#[test]
fn speech_is_found_where_it_is() {
    let mut vad = vad();
    let mut pcm = vec![0.0; 16_000];
    pcm.extend(recording("reset_password.wav"));
    let end = pcm.len() as u64;
    pcm.resize(pcm.len() + 16_000, 0.0);
    let mut segmenter = Segmenter::new(SegmenterConfig::default());
    let mut events = Vec::new();
    let mut stream = vad.stream();
    stream
        .push(&mut vad, &pcm, |probability| {
            events.extend(segmenter.push(probability));
        })
        .unwrap();
    let [
        SpeechEvent::Started { at: start },
        SpeechEvent::Ended { at: stop },
    ] = events[..]
    else {
        panic!("{events:?}");
    };
    assert!((15_000..20_000).contains(&start), "{start}");
    assert!(
        (end - 12_000..end + 3_000).contains(&stop),
        "{stop} of {end}"
    );
}

#[test]
fn a_person_is_heard_as_speech_most_of_the_time() {
    let heard = probabilities(&mut vad(), &recording("best_of_times.wav"));
    let speech = heard
        .iter()
        .filter(|&&probability| probability > 0.5)
        .count();
    assert!(speech * 10 > heard.len() * 5, "{speech} of {}", heard.len());
}

#[test]
fn streams_on_one_model_do_not_disturb_each_other() {
    let mut vad = vad();
    let (one, other) = (
        recording("reset_password.wav"),
        recording("update_card.wav"),
    );
    let alone = [
        probabilities(&mut vad, &one),
        probabilities(&mut vad, &other),
    ];
    let mut streams = [VadStream::default(), VadStream::default()];
    let mut mixed = [Vec::new(), Vec::new()];
    // 10 ms frames in turns, as a media thread does.
    let frames = one.len().max(other.len()).div_ceil(160);
    for frame in 0..frames {
        for (index, pcm) in [&one, &other].into_iter().enumerate() {
            let range = (frame * 160).min(pcm.len())..((frame + 1) * 160).min(pcm.len());
            let each = |probability| mixed[index].push(probability);
            streams[index].push(&mut vad, &pcm[range], each).unwrap();
        }
    }
    assert_eq!(mixed, alone);
}

#[test]
fn a_stream_recovers_from_samples_that_are_no_numbers() {
    let mut vad = vad();
    let mut stream = vad.stream();
    stream.push_window(&mut vad, &[f32::NAN; WINDOW]).unwrap();
    stream
        .push_window(&mut vad, &[f32::INFINITY; WINDOW])
        .unwrap();
    let mut heard = Vec::new();
    stream
        .push(&mut vad, &recording("reset_password.wav"), |p| {
            heard.push(p);
        })
        .unwrap();
    assert!(max(&heard) > 0.9);
}

#[test]
fn the_end_of_a_turn_can_be_waited_for() {
    let mut vad = vad();
    let mut pcm = recording("reset_password.wav");
    pcm.resize(pcm.len() + 16_000, 0.0);
    let min_silence = Duration::from_secs(5);
    let mut segmenter = Segmenter::new(SegmenterConfig {
        min_silence,
        ..Default::default()
    });
    for probability in probabilities(&mut vad, &pcm) {
        segmenter.push(probability);
    }
    assert!(segmenter.is_speaking());
    assert!(
        segmenter.silence() > Duration::from_millis(900),
        "{:?}",
        segmenter.silence()
    );
}
