//! The engine over the real models: what nobody waits for any more, and what was said before.

use std::sync::{Arc, Mutex};

use local_ai::engine::{Detector, Embed, Embedding, Engine, Models};
use speech::recognition::Transcript;
use speech::{Cancel, Error};
use tokio::sync::Notify;

use super::spoken::MODELS;

/// The real models, watched.
#[derive(Default)]
struct Watched {
    /// Told when a synthesis begins.
    begun: Notify,
    /// How each synthesis and recognition ended.
    ended: Mutex<Vec<&'static str>>,
}

impl Watched {
    fn ended<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.ended.lock().unwrap().push(match outcome {
            Ok(_) => "done",
            Err(Error::Cancelled) => "cancelled",
            Err(_) => "failed",
        });
        outcome
    }
}

impl Embed for Watched {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, Error> {
        MODELS.embed(texts)
    }
}

impl Models for Watched {
    fn detector(&self) -> Box<dyn Detector> {
        MODELS.detector()
    }

    fn transcribe(
        &self,
        pcm: &[f32],
        before: &Transcript,
        cancel: &Cancel,
    ) -> Result<Transcript, Error> {
        self.begun.notify_one();
        self.ended(MODELS.transcribe(pcm, before, cancel))
    }

    fn end_of_turn(&self, pcm: &[f32]) -> Result<f32, Error> {
        MODELS.end_of_turn(pcm)
    }

    fn synthesize(
        &self,
        clause: &str,
        voice: &str,
        speed: f32,
        cancel: &Cancel,
    ) -> Result<Vec<i16>, Error> {
        self.begun.notify_one();
        self.ended(MODELS.synthesize(clause, voice, speed, cancel))
    }

    fn voices(&self) -> Vec<String> {
        MODELS.voices()
    }
}

fn watched() -> (Arc<Watched>, Engine) {
    let models = Arc::new(Watched::default());
    (models.clone(), Engine::new(models))
}

/// Waits until a call has begun, and then for as long as a model takes to be well into it.
async fn well_into(models: &Watched, engine: &Engine) {
    models.begun.notified().await;
    let texts = vec!["How do I reset my password?".to_owned(); 16];
    engine.embed(texts).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clause_that_nobody_waits_for_makes_room_for_the_next() {
    let (models, engine) = watched();
    let say = |text: &str| engine.synthesize(text.to_owned(), "af_heart".to_owned(), 0.5);
    let long = "To reset your password open the sign in page and choose the link below the form \
                because that sends you a mail which holds everything that you need.";
    tokio::select! {
        _ = say(long) => panic!("a long clause is done before a few texts are embedded"),
        () = well_into(&models, &engine) => {}
    }
    say("Sure.").await.unwrap();
    assert_eq!(*models.ended.lock().unwrap(), ["cancelled", "done"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recognition_that_nobody_waits_for_ends() {
    let (models, engine) = watched();
    let mut pcm = Vec::new();
    let speech = MODELS.synthesize("How do I reset it?", "af_heart", 1.0, &Cancel::default());
    speech::resample::extend_f32(&speech.unwrap(), &mut pcm);
    let pcm = speech::resample::resample(24_000, 16_000, &pcm).unwrap();
    let long = pcm.repeat(30 * 16_000 / pcm.len());
    let listen = |pcm: Vec<f32>| engine.transcribe(pcm, Transcript::default());
    tokio::select! {
        _ = listen(long) => panic!("half a minute is recognised before a few texts are embedded"),
        () = well_into(&models, &engine) => {}
    }
    assert!(listen(pcm).await.unwrap().text.contains("reset"));
    assert_eq!(*models.ended.lock().unwrap(), ["cancelled", "done"]);
}

#[tokio::test]
async fn a_clause_that_was_said_before_is_not_made_again() {
    let (models, engine) = watched();
    let say = |text: &str, speed| engine.synthesize(text.to_owned(), "af_heart".to_owned(), speed);
    let first = say("Sure. ", 1.0).await.unwrap();
    assert_eq!(say("Sure.", 1.0).await.unwrap(), first);
    assert_eq!(models.ended.lock().unwrap().len(), 1);
    assert_ne!(say("Sure.", 1.5).await.unwrap(), first);
    assert_eq!(models.ended.lock().unwrap().len(), 2);
}
