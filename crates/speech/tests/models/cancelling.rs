use std::sync::mpsc;
use std::thread;

use speech::{Cancel, Error};

use crate::{models, recognizer, recording, synthesizer};

/// One run of the model that takes twenty times as long as "Sure.".
const LONG: &str = "To reset your password open the sign in page and choose the link below the form \
                    because that sends you a mail which holds everything that you need to go on.";

#[test]
fn a_synthesis_that_is_cancelled_ends_in_the_middle_of_the_model() {
    let synthesizer = models().synthesizer(2).unwrap();
    let voice = synthesizer.voice("af_heart").unwrap();
    let cancel = Cancel::default();
    let (begin, begun) = mpsc::channel();
    let outcome = thread::scope(|scope| {
        let long = scope.spawn(|| {
            begin.send(()).unwrap();
            synthesizer
                .until(&cancel)
                .synthesize(LONG, &voice, 0.5)
                .map(|speech| speech.len())
        });
        begun.recv().unwrap();
        // While the other worker makes this, the long one gets well into its run.
        synthesizer.synthesize("Sure.", &voice, 1.0).unwrap();
        cancel.cancel();
        long.join().unwrap()
    });
    assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
    // The worker that was stopped is as good as before.
    let again = || synthesizer.synthesize("Sure.", &voice, 1.0).unwrap();
    assert_eq!(again(), again());
}

#[test]
fn what_was_cancelled_before_does_not_begin() {
    let cancel = Cancel::default();
    cancel.cancel();
    let voice = synthesizer().voice("af_heart").unwrap();
    let spoken = synthesizer()
        .until(&cancel)
        .synthesize("Sure.", &voice, 1.0);
    assert!(matches!(spoken, Err(Error::Cancelled)));
    let pcm = recording("reset_password.wav");
    let heard = recognizer().until(&cancel).transcribe(&pcm);
    assert!(matches!(heard, Err(Error::Cancelled)), "{heard:?}");
    // Only calls that were given the switch end.
    assert!(!recognizer().transcribe(&pcm).unwrap().text.is_empty());
}

#[test]
fn cancelling_what_is_done_does_nothing() {
    let cancel = Cancel::default();
    let voice = synthesizer().voice("af_heart").unwrap();
    let spoken = synthesizer()
        .until(&cancel)
        .synthesize("Sure.", &voice, 1.0);
    cancel.cancel();
    cancel.cancel();
    assert!(spoken.is_ok());
}
