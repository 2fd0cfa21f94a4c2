use std::f32::consts::TAU;

use speech::Cancel;
use speech::recognition::Transcript;

use crate::{recognizer, recording, word_error_rate};

fn heard(pcm: &[f32]) -> String {
    recognizer().transcribe(pcm).unwrap().text
}

#[test]
fn recordings_are_understood() {
    for (file, said) in [
        (
            "best_of_times.wav",
            "It was the best of times, it was the worst of times.",
        ),
        ("reset_password.wav", "How do I reset my password?"),
        (
            "update_card.wav",
            "My card was declined, how do I update my payment method?",
        ),
    ] {
        let transcript = recognizer().transcribe(&recording(file)).unwrap();
        let errors = word_error_rate(said, &transcript.text);
        assert!(errors <= 0.1, "{file}: {transcript:?}");
        assert!(transcript.confidence > 0.7, "{file}: {transcript:?}");
    }
}

#[test]
fn what_is_no_speech_has_no_words() {
    let tone = |hertz: f32, level: f32| -> Vec<f32> {
        (0..32_000)
            .map(|n| level * (TAU * hertz * n as f32 / 16_000.0).sin())
            .collect()
    };
    // A linear congruential generator is random enough to hiss.
    let mut state = 1u32;
    let hiss: Vec<f32> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0 - 0.5
    })
    .take(48_000)
    .collect();
    let chord: Vec<f32> = [261.6, 329.6, 392.0]
        .map(|hertz| tone(hertz, 0.1))
        .iter()
        .fold(vec![0.0; 32_000], |sum, tone| {
            sum.iter().zip(tone).map(|(a, b)| a + b).collect()
        });
    let sounds: [(&str, Vec<f32>); 7] = [
        ("silence", vec![0.0; 32_000]),
        ("nothing", Vec::new()),
        ("hiss", hiss.iter().map(|sample| sample * 0.2).collect()),
        (
            "faint hiss",
            hiss.iter().map(|sample| sample * 0.01).collect(),
        ),
        ("440 Hz", tone(440.0, 0.3)),
        ("hum", tone(120.0, 0.1)),
        ("chord", chord),
    ];
    for (name, pcm) in sounds {
        assert_eq!(
            recognizer().transcribe(&pcm).unwrap(),
            Transcript::default(),
            "{name}"
        );
    }
}

#[test]
fn a_scrap_is_not_guessed_at() {
    let pcm = recording("reset_password.wav");
    assert_eq!(heard(&pcm[8_000..8_000 + 4_700]), "");
}

#[test]
fn an_utterance_of_more_than_30_seconds_is_understood_to_its_end() {
    let (first, second) = (
        recording("reset_password.wav"),
        recording("update_card.wav"),
    );
    let mut pcm = Vec::new();
    let mut said = String::new();
    while pcm.len() < 40 * 16_000 {
        pcm.extend_from_slice(&first);
        pcm.resize(pcm.len() + 6_400, 0.0);
        pcm.extend_from_slice(&second);
        pcm.resize(pcm.len() + 6_400, 0.0);
        said += "How do I reset my password? \
                 My card was declined, how do I update my payment method? ";
    }
    let transcript = recognizer().transcribe(&pcm).unwrap();
    assert!(
        word_error_rate(&said, &transcript.text) < 0.15,
        "{transcript:?}"
    );
}

#[test]
fn a_growing_utterance_ends_up_as_if_transcribed_at_once() {
    let pcm = recording("update_card.wav");
    let mut grown = Transcript::default();
    for end in (8_000..pcm.len()).step_by(8_000).chain([pcm.len()]) {
        grown = recognizer().transcribe_grown(&pcm[..end], &grown).unwrap();
    }
    assert_eq!(grown.text, heard(&pcm));
}

/// More than half a minute in which the same is said again and again.
fn long_utterance() -> Vec<f32> {
    let mut pcm = Vec::new();
    while pcm.len() < 34 * 16_000 {
        pcm.extend(recording("update_card.wav"));
        pcm.resize(pcm.len() + 6_400, 0.0);
    }
    pcm
}

#[test]
fn a_long_growing_utterance_ends_up_as_if_transcribed_at_once() {
    let pcm = long_utterance();
    let mut grown = Transcript::default();
    for end in [25, 29, 31, 33].map(|seconds| seconds * 16_000) {
        grown = recognizer().transcribe_grown(&pcm[..end], &grown).unwrap();
    }
    grown = recognizer().transcribe_grown(&pcm, &grown).unwrap();
    assert_eq!(grown.text, heard(&pcm));
}

#[test]
fn what_has_been_heard_is_not_heard_again() {
    let pcm = long_utterance();
    let whole = recognizer().transcribe(&pcm).unwrap();
    // Under a thrown switch whatever needs the model fails.
    let cancel = Cancel::default();
    cancel.cancel();
    let again = recognizer().until(&cancel).transcribe_grown(&pcm, &whole);
    assert_eq!(again.unwrap(), whole);
    let mut other = pcm;
    other[1_000] += 0.1;
    let other = recognizer().until(&cancel).transcribe_grown(&other, &whole);
    assert!(
        other.is_err(),
        "another sound is taken for the same: {other:?}"
    );
}

#[test]
fn a_wrong_beginning_does_no_harm() {
    let wrong = recognizer()
        .transcribe(&recording("best_of_times.wav"))
        .unwrap();
    let pcm = recording("reset_password.wav");
    assert_eq!(
        recognizer().transcribe_grown(&pcm, &wrong).unwrap().text,
        heard(&pcm)
    );
}

#[test]
fn samples_that_are_no_numbers_do_no_harm() {
    let mut pcm = recording("reset_password.wav");
    pcm[100] = f32::NAN;
    pcm[200] = f32::NEG_INFINITY;
    assert!(word_error_rate("How do I reset my password?", &heard(&pcm)) < 0.1);
}

#[test]
fn callers_at_once_each_get_their_own_words() {
    let files = ["reset_password.wav", "update_card.wav", "best_of_times.wav"];
    let alone = files.map(|file| heard(&recording(file)));
    let together = std::thread::scope(|scope| {
        files
            .map(|file| scope.spawn(move || heard(&recording(file))))
            .map(|thread| thread.join().unwrap())
    });
    assert_eq!(together, alone);
}
