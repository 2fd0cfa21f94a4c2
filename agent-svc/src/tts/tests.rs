//! Both voices against servers that behave and misbehave.

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::post;
use futures::{StreamExt as _, stream};
use openai_realtime::{
    Delta, PartPosition, Response, ResponseEvent, ResponseStatus, ServerEvent, audio,
};
use tokio::net::TcpListener;

use super::read_aloud::same_words;
use super::*;
use crate::realtime::tests::Server;

async fn spoken(voice: &dyn Voice, text: &str) -> (Vec<i16>, Option<TtsError>) {
    let mut sound = Vec::new();
    let mut stream = voice.speak(text.to_owned());
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(samples) => sound.extend(samples),
            Err(error) => return (sound, Some(error)),
        }
    }
    (sound, None)
}

async fn api(router: Router) -> SpeechApi {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    service_kit::install_crypto();
    let http = reqwest::Client::new();
    SpeechApi::new(
        http,
        &base,
        "key".to_owned().into(),
        "tts".into(),
        "one".into(),
    )
}

#[tokio::test]
async fn raw_sound_is_streamed_whatever_the_pieces() {
    let bytes: [&'static [u8]; 3] = [&[1, 0, 2], &[0, 3], &[0]];
    let body =
        move || async move { Body::from_stream(stream::iter(bytes.map(Ok::<_, std::io::Error>))) };
    let voice = api(Router::new().route("/v1/audio/speech", post(body))).await;
    assert_eq!(spoken(&voice, "Hello.").await, (vec![1, 2, 3], None));
}

#[tokio::test]
async fn a_refusal_and_a_broken_body_are_told_apart() {
    let refuse = || async { StatusCode::TOO_MANY_REQUESTS };
    let voice = api(Router::new().route("/v1/audio/speech", post(refuse))).await;
    let refused = TtsError::Refused { status: 429 };
    assert_eq!(spoken(&voice, "Hello.").await, (vec![], Some(refused)));

    let broken = || async {
        let pieces = [Ok(&[1_u8, 0][..]), Err(std::io::Error::other("gone"))];
        Body::from_stream(stream::iter(pieces))
    };
    let voice = api(Router::new().route("/v1/audio/speech", post(broken))).await;
    let (_, error) = spoken(&voice, "Hello.").await;
    assert!(
        matches!(
            error,
            Some(TtsError::BrokenOff(_) | TtsError::Unreachable(_))
        ),
        "{error:?}"
    );
}

/// Reads a text with a model that says `says`.
async fn read_aloud(text: &str, says: &str) -> (Vec<i16>, Option<TtsError>) {
    let server = Server::start().await;
    let voice = ReadAloud::new(server.options(), "marin".into());
    let model = async {
        let mut served = server.accept().await;
        served.set_up().await;
        let create = serde_json::to_value(served.until("response.create").await).unwrap();
        assert_eq!(create["response"]["conversation"], "none");
        assert_eq!(create["response"]["input"][0]["content"][0]["text"], text);
        let position = PartPosition::default();
        let delta = says.to_owned();
        let words = Delta {
            position: position.clone(),
            delta,
        };
        served
            .send(ServerEvent::OutputAudioTranscriptDelta(words))
            .await;
        let delta = audio::encode(&[4, 5]);
        served
            .send(ServerEvent::OutputAudioDelta(Delta { position, delta }))
            .await;
        let response = Response {
            status: ResponseStatus::Completed,
            ..Response::default()
        };
        let response = Box::new(response);
        served
            .send(ServerEvent::ResponseDone(ResponseEvent { response }))
            .await;
        served
    };
    let (outcome, _served) = tokio::join!(spoken(&voice, text), model);
    outcome
}

#[tokio::test]
async fn what_is_read_aloud_is_compared_with_the_text() {
    let text = "Your ticket was closed today.";
    let good = read_aloud(text, "your ticket was closed today").await;
    assert_eq!(good, (vec![4, 5], None));
    let other = read_aloud(text, "Sure, I can help you with that ticket!").await;
    assert_eq!(other, (vec![4, 5], Some(TtsError::OtherWords)));
}

#[test]
fn a_few_words_may_be_written_otherwise() {
    assert!(same_words(
        "You owe $5 for this month, and it is due on May 3.",
        "you owe five dollars for this month and it is due on May third"
    ));
    assert!(same_words("Well-known, indeed!", "well known indeed"));
    assert!(!same_words(
        "How can I help you?",
        "I cannot help with that, sorry."
    ));
    assert!(!same_words("One two three four five six.", ""));
}
