//! Google's keys: when they are fetched, how long they are kept, and what is said when they cannot be had.

use axum::http::StatusCode;
use chrono::TimeDelta;
use futures::future::join_all;
use test_kit::told;

use crate::{
    app::TestApp,
    google::{Answer, GoogleKey},
};

#[tokio::test]
async fn keys_are_fetched_when_first_needed_and_kept_as_long_as_google_says() {
    let app = TestApp::start().await;
    assert_eq!(app.google.requests(), 0);
    for (after, requests) in [(0, 1), (0, 1), (3599, 1), (1, 2), (3600, 3)] {
        app.clock.advance(TimeDelta::seconds(after));
        app.session("ada").await;
        assert_eq!(app.google.requests(), requests, "{after} s later");
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_of_its_age_is_kept_for_half_a_minute() {
    let app = TestApp::start().await;
    let mut answer = Answer::keys(&[&app.google.key], 0);
    for headers in [Vec::new(), vec![("cache-control", "no-store".to_owned())]] {
        answer.headers = headers;
        app.google.answer_with(answer.clone());
        let before = app.google.requests();
        for (after, requests) in [(3600, 1), (29, 1), (1, 2)] {
            app.clock.advance(TimeDelta::seconds(after));
            app.session("ada").await;
            assert_eq!(app.google.requests() - before, requests, "{after} s later");
        }
    }
}

#[tokio::test]
async fn a_key_that_google_has_added_is_found() {
    let app = TestApp::start().await;
    app.session("ada").await;
    let new = GoogleKey::other("google-2");
    app.google
        .answer_with(Answer::keys(&[&app.google.key, &new], 3600));
    app.clock.advance(TimeDelta::seconds(30));
    app.create_session(&new.token(&app.claims("ada")))
        .await
        .unwrap();
    app.session("ada").await;
    assert_eq!(app.google.requests(), 2);
}

#[tokio::test]
async fn a_key_that_google_has_removed_is_not_believed_any_more() {
    let app = TestApp::start().await;
    app.session("ada").await;
    app.google
        .answer_with(Answer::keys(&[&GoogleKey::other("google-2")], 3600));
    app.clock.advance(TimeDelta::seconds(3600));
    let status = app.create_session(&app.id_token("ada")).await.unwrap_err();
    insta::assert_snapshot!(told(&status), @"Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch_in_half_a_minute() {
    let app = TestApp::start().await;
    app.session("ada").await;
    let forged = GoogleKey::other("mine").token(&app.claims("ada"));
    for (after, requests) in [(0, 1), (29, 1), (1, 2), (0, 2), (30, 3)] {
        app.clock.advance(TimeDelta::seconds(after));
        let all = join_all((0..10).map(|_| app.create_session(&forged))).await;
        for one in all {
            assert_eq!(one.unwrap_err().code(), tonic::Code::Unauthenticated);
        }
        assert_eq!(app.google.requests(), requests, "{after} s later");
    }
}

#[tokio::test]
async fn keys_serve_on_for_an_hour_while_google_is_away() {
    let app = TestApp::start().await;
    app.session("ada").await;
    app.google
        .answer_with(Answer::text(StatusCode::SERVICE_UNAVAILABLE, ""));
    app.clock.advance(TimeDelta::seconds(3600));
    for _ in 0..3 {
        app.session("ada").await;
    }
    assert_eq!(
        app.google.requests(),
        2,
        "a server that is away is asked now and then"
    );
    app.clock.advance(TimeDelta::seconds(3599));
    app.session("ada").await;
    app.clock.advance(TimeDelta::seconds(1));
    let status = app.create_session(&app.id_token("ada")).await.unwrap_err();
    insta::assert_snapshot!(told(&status), @"Unavailable [IDENTITY_KEYS_UNAVAILABLE] Google's keys cannot be fetched at the moment");

    app.google
        .answer_with(Answer::keys(&[&app.google.key], 3600));
    app.clock.advance(TimeDelta::seconds(5));
    app.session("ada").await;
}

#[tokio::test]
async fn an_answer_without_keys_is_told_as_keys_that_cannot_be_had() {
    let app = TestApp::start().await;
    let good = Answer::keys(&[&app.google.key], 3600);
    let elsewhere = Answer {
        status: StatusCode::FOUND,
        headers: vec![("location", app.google.url.to_string())],
        body: String::new(),
    };
    let long = Answer::text(
        StatusCode::OK,
        format!("{}{}", good.body, " ".repeat(70_000)),
    );
    let ok = |body: &str| Answer::text(StatusCode::OK, body);
    for (name, answer) in [
        (
            "503",
            Answer::text(StatusCode::SERVICE_UNAVAILABLE, good.body.clone()),
        ),
        ("404", Answer::text(StatusCode::NOT_FOUND, "")),
        ("a redirect", elsewhere),
        ("an empty body", ok("")),
        ("HTML", ok("<html>sign in to the hotel's network</html>")),
        ("another JSON", ok(r#"{"error": {"code": 500}}"#)),
        ("no keys", ok(r#"{"keys": []}"#)),
        (
            "keys of another kind",
            ok(r#"{"keys": [{"kid": "google-1", "kty": "EC"}]}"#),
        ),
        ("a long answer", long),
    ] {
        app.google.answer_with(answer);
        app.clock.advance(TimeDelta::seconds(5));
        let before = app.google.requests();
        let status = app.create_session(&app.id_token("ada")).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unavailable, "{name}");
        let reason = service_kit::status::reason(&status);
        assert_eq!(
            reason.as_deref(),
            Some("IDENTITY_KEYS_UNAVAILABLE"),
            "{name}"
        );
        assert_eq!(app.google.requests() - before, 1, "{name}");
    }
    app.google.answer_with(good);
    app.clock.advance(TimeDelta::seconds(5));
    app.session("ada").await;
}
