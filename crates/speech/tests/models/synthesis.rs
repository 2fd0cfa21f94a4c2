use speech::Error;
use speech::synthesis::{SAMPLE_RATE, clauses};

use crate::{recognizer, synthesizer, word_error_rate};

fn say(text: &str, voice: &str) -> Vec<f32> {
    let voice = synthesizer().voice(voice).unwrap();
    clauses(text)
        .iter()
        .flat_map(|clause| synthesizer().synthesize(clause, &voice, 1.0).unwrap())
        .collect()
}

/// What the recogniser hears of a text that was spoken.
fn read_back(text: &str, voice: &str) -> String {
    let speech = say(text, voice);
    let pcm = speech::resample::resample(SAMPLE_RATE, 16_000, &speech).unwrap();
    recognizer().transcribe(&pcm).unwrap().text
}

#[test]
fn sentences_can_be_understood() {
    let sentences = [
        "You are on the Pro plan, which renews next month.",
        "To reset your password, open the settings page and choose security.",
        "I am sorry, I do not know that. Shall I ask a colleague?",
    ];
    for voice in ["af_heart", "am_michael", "bf_emma"] {
        let heard = sentences
            .map(|sentence| read_back(sentence, voice))
            .join(" ");
        let errors = word_error_rate(&sentences.join(" "), &heard);
        assert!(errors <= 0.1, "{voice}: {errors}: {heard}");
    }
}

#[test]
fn figures_and_addresses_can_be_understood() {
    for (text, words) in [
        ("Your plan costs $29.99 a month.", ["29", "99"].as_slice()),
        (
            "Please write to support@example.com.",
            &["support", "example"],
        ),
        ("You have used 45% of 10 GB.", &["45", "10"]),
        ("It renews on March 3, 2025.", &["march", "2025"]),
        ("Your code is 4 7 1 9.", &["4719"]),
        ("We are open from 9 a.m. to 5:30 p.m.", &["9", "530"]),
    ] {
        let heard = read_back(text, "af_heart").to_lowercase();
        let plain = figures(&heard);
        for word in words {
            assert!(plain.contains(word), "{text}\n{heard}\n{plain}");
        }
    }
}

/// The text with numbers in digits and without what may stand between them, because the recogniser
/// writes the same number in many ways.
fn figures(text: &str) -> String {
    let numbers = [
        ("forty-five", "45"),
        ("forty five", "45"),
        ("twenty-nine", "29"),
        ("twenty nine", "29"),
        ("ninety-nine", "99"),
        ("ninety nine", "99"),
        ("twenty twenty-five", "2025"),
        ("twenty twenty five", "2025"),
        ("five thirty", "530"),
        ("nineteen", "19"),
        ("ten", "10"),
        ("nine", "9"),
        ("four", "4"),
        ("seven", "7"),
        ("one", "1"),
    ];
    let text = numbers
        .iter()
        .fold(text.to_owned(), |text, (word, digits)| {
            text.replace(word, digits)
        });
    text.replace([' ', ',', '.', ':', '-', '$'], "")
}

#[test]
fn words_no_dictionary_knows_are_spoken() {
    let known = say("Connect it now.", "af_heart").len();
    let unknown = say("Connect Zendesk and Kubernetes now.", "af_heart").len();
    assert!(
        unknown > known + SAMPLE_RATE as usize / 2,
        "{unknown} after {known}"
    );
}

#[test]
fn speech_begins_at_once_and_joins_are_silent() {
    let voice = synthesizer().voice("af_heart").unwrap();
    let speech = synthesizer()
        .synthesize("You are on the Pro plan.", &voice, 1.0)
        .unwrap();
    let loud = speech
        .iter()
        .position(|sample| sample.abs() > 0.02)
        .unwrap();
    assert!(
        loud < SAMPLE_RATE as usize / 10,
        "silent for {loud} samples"
    );
    assert_eq!((speech[0], *speech.last().unwrap()), (0.0, 0.0));
    assert!(speech.iter().all(|sample| sample.abs() <= 1.0));
}

#[test]
fn no_step_at_a_join_is_larger_than_within_the_speech() {
    let text = "You are on the Pro plan, which renews on March 3, 2025. It costs $29.99 a month \
                and has room for 25 people. Would you like to change it?";
    for voice in ["af_heart", "am_michael", "bf_emma"] {
        let voice = synthesizer().voice(voice).unwrap();
        let clauses = clauses(text);
        assert!(clauses.len() > 3, "{clauses:?}");
        let (mut speech, mut joins) = (Vec::new(), Vec::new());
        for clause in clauses {
            speech.extend(synthesizer().synthesize(&clause, &voice, 1.0).unwrap());
            joins.push(speech.len());
        }
        joins.pop();
        let step = |at: usize| (speech[at] - speech[at - 1]).abs();
        let steepest = |range: std::ops::Range<usize>| range.map(step).fold(0.0, f32::max);
        // 5 ms to either side.
        let near = |&join: &usize| steepest(join - 120..join + 120);
        let at_joins = joins.iter().map(near).fold(0.0, f32::max);
        assert!(
            at_joins < 0.2 * steepest(1..speech.len()),
            "{at_joins} at {joins:?}"
        );
    }
}

#[test]
fn speed_changes_how_long_it_takes() {
    let voice = synthesizer().voice("af_heart").unwrap();
    let length = |speed| {
        synthesizer()
            .synthesize("You are on the Pro plan.", &voice, speed)
            .unwrap()
            .len() as f64
    };
    assert!(length(2.0) < 0.75 * length(1.0));
    assert!(length(0.5) > 1.3 * length(1.0));
    for speed in [0.0, 0.2, 4.1, f32::NAN, f32::INFINITY, -1.0] {
        let error = synthesizer()
            .synthesize("Hello.", &voice, speed)
            .unwrap_err();
        assert!(error.to_string().contains("between 0.25 and 4"), "{error}");
    }
}

#[test]
fn a_text_longer_than_the_model_takes_is_spoken_whole() {
    let voice = synthesizer().voice("af_heart").unwrap();
    let text = "The quick brown fox jumps over the lazy dog and runs away ".repeat(14);
    let speech = synthesizer().synthesize(&text, &voice, 2.0).unwrap();
    let one = synthesizer().synthesize(&text[..58], &voice, 2.0).unwrap();
    assert!(
        speech.len() > 9 * one.len(),
        "{} of {}",
        speech.len(),
        one.len()
    );
}

#[test]
fn nothing_to_say_is_silence_and_not_an_error() {
    let voice = synthesizer().voice("am_michael").unwrap();
    for text in [
        "",
        "  \n",
        "...",
        "\u{1f600}",
        "**",
        "?!",
        "\u{4f60}\u{597d}",
    ] {
        assert_eq!(
            synthesizer().synthesize(text, &voice, 1.0).unwrap(),
            [0.0; 0],
            "{text:?}"
        );
    }
}

#[test]
fn odd_text_is_survived() {
    let voice = synthesizer().voice("bf_emma").unwrap();
    for text in [
        "[link](/x/) (((",
        "''' \"\"\" ' ' '",
        "a'b''c 'quoted' it's''",
        "x".repeat(70).as_str(),
        "I I I. A? U.S.A., e.g.",
        "\u{0}\u{7f}\u{202e}abc",
        "9".repeat(30).as_str(),
    ] {
        let speech = synthesizer().synthesize(text, &voice, 4.0).unwrap();
        assert!(speech.iter().all(|sample| sample.is_finite()), "{text:?}");
    }
}

#[test]
fn an_unknown_voice_is_refused_with_those_there_are() {
    let error = synthesizer().voice("nobody").unwrap_err();
    assert!(matches!(error, Error::UnknownVoice { .. }));
    assert!(error.to_string().contains("af_heart"), "{error}");
    let names: Vec<&str> = synthesizer()
        .voices()
        .iter()
        .map(|voice| voice.name())
        .collect();
    assert!(
        names.is_sorted() && names.contains(&"af_heart"),
        "{names:?}"
    );
}
