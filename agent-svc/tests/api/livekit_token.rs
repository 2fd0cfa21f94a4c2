//! `POST /livekit/token`.

use serde_json::{Value, json};
use test_kit::Identity;

use crate::app::TestApp;

async fn post(app: &TestApp, token: Option<String>, body: Value) -> (u16, Value) {
    let mut request = reqwest::Client::new()
        .post(format!("{}livekit/token", app.service.url))
        .json(&body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    (
        response.status().as_u16(),
        response.json().await.unwrap_or_default(),
    )
}

#[tokio::test]
async fn a_session_starts_a_call_and_what_the_body_wishes_is_not_heard() {
    let app = TestApp::start().await;
    let token = app.identity.token(&Identity::user("ada"));
    let wishes = json!({"room_name": "mine", "participant_identity": "eve", "room_config": {}});
    let (status, answer) = post(&app, Some(token), wishes).await;
    assert_eq!(status, 201, "{answer}");
    let room = answer["room_name"].as_str().unwrap();
    assert!(room.starts_with("call-"));
    assert_eq!(answer["participant_name"], "ada");
    assert_eq!(answer["participant_token"], format!("caller ada {room}"));
    assert!(answer["server_url"].as_str().unwrap().starts_with("ws://"));
}

#[tokio::test]
async fn without_a_session_there_is_no_call() {
    let app = TestApp::start().await;
    let service = app
        .identity
        .token(&Identity::service(&[service_kit::Scope::Operator]));
    for token in [None, Some("nonsense".to_owned()), Some(service)] {
        assert_eq!(post(&app, token, json!({})).await.0, 401);
    }
}

#[tokio::test]
async fn a_full_instance_says_so() {
    let app = TestApp::with_places(1).await;
    app.call_of("ada").await;
    let token = app.identity.token(&Identity::user("bob"));
    let (status, answer) = post(&app, Some(token), json!({})).await;
    assert_eq!(
        (status, &answer["error"]["reason"]),
        (429, &json!("NO_CAPACITY"))
    );
}
