use std::sync::LazyLock;

use serde_json::Value;
use speech::turn::TurnDetector;

use crate::{loaded, models, recording};

fn detector() -> &'static TurnDetector {
    static DETECTOR: LazyLock<Result<TurnDetector, String>> =
        LazyLock::new(|| models().turn_detector(1).map_err(|error| error.to_string()));
    models();
    loaded(&DETECTOR)
}

/// Sounds of which the model is sure, and what it says of features that numpy made: for others its
/// answer hangs on the last digits.
#[test]
fn probabilities_are_those_of_the_reference() {
    let expected: Vec<Value> =
        serde_json::from_str(include_str!("../../testdata/smart_turn.json")).unwrap();
    for case in expected {
        let files = case["sound"].as_array().unwrap().iter();
        let mut pcm: Vec<f32> = files
            .flat_map(|file| recording(file.as_str().unwrap()))
            .collect();
        pcm.truncate(case["samples"].as_u64().unwrap() as usize);
        let probability = f64::from(detector().end_of_turn(&pcm).unwrap());
        let expected = case["probability"].as_f64().unwrap();
        assert!(
            (probability - expected).abs() < 0.03,
            "{probability}: {case}"
        );
    }
}

#[test]
fn a_question_that_breaks_off_is_not_finished() {
    let whole = recording("update_card.wav");
    let of = |pcm: &[f32]| detector().end_of_turn(pcm).unwrap();
    assert!(of(&whole) > 0.9);
    assert!(of(&whole[..36_000]) < 0.1);
}

#[test]
fn any_sound_gets_a_probability() {
    for pcm in [
        vec![],
        vec![0.0; 10],
        vec![f32::NAN; 20_000],
        vec![0.5; 300_000],
    ] {
        let probability = detector().end_of_turn(&pcm).unwrap();
        assert!((0.0..=1.0).contains(&probability), "{probability}");
    }
}
