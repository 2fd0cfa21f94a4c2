//! The key that signs: one for all instances, kept, and published in two ways.

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use proto::insta::auth::v1::{
    GetKeySetRequest, JsonWebKey, auth_service_client::AuthServiceClient,
};
use serde_json::Value;
use test_kit::{TestService, told};

use crate::app::{TestApp, start};

async fn keys(service: &TestService) -> Vec<JsonWebKey> {
    let mut client = AuthServiceClient::new(service.channel());
    let answer = client.get_key_set(GetKeySetRequest {}).await.unwrap();
    answer.into_inner().keys
}

#[tokio::test]
async fn the_key_set_is_published_in_two_ways() {
    let app = TestApp::start().await;
    let [key] = keys(&app.service).await.try_into().unwrap();
    let url = format!("{}.well-known/jwks.json", app.service.url);
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
    let set: Value = answer.json().await.unwrap();
    let [published] = set["keys"].as_array().unwrap().as_slice() else {
        panic!("one key: {set}");
    };
    let expected = serde_json::json!({
        "kid": key.kid, "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": key.x, "use": "sig",
    });
    assert_eq!(*published, expected);
    // What any JWT library makes of it.
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(set).unwrap();
    jsonwebtoken::DecodingKey::from_jwk(set.find(&key.kid).unwrap()).unwrap();
}

#[tokio::test]
async fn instances_that_start_at_once_sign_with_one_key_and_keep_it() {
    let app = TestApp::start().await;
    let instances =
        futures::future::join_all((0..4).map(|_| start(app.config.clone(), &app.clock))).await;
    let all = futures::future::join_all(instances.iter().map(keys)).await;
    let first = keys(&app.service).await;
    assert_eq!(first.len(), 1);
    for keys in all {
        assert_eq!(keys, first);
    }
    drop(instances);
    let restarted = start(app.config.clone(), &app.clock).await;
    assert_eq!(keys(&restarted).await, first);
}

#[tokio::test]
async fn a_key_that_has_retired_is_published_until_its_tokens_have_ended() {
    let app = TestApp::start().await;
    let [old] = keys(&app.service).await.try_into().unwrap();
    let token = app.session("ada").await;
    let now = app.now().to_rfc3339();
    let mut database = app.database().url("insta_auth").connect().await.unwrap();
    let retire = format!("UPDATE insta_auth.signing_keys SET retire_time = '{now}'");
    database.batch_execute(&retire).await.unwrap();

    let next = start(app.config.clone(), &app.clock).await;
    let [new, kept] = keys(&next).await.try_into().unwrap();
    assert_ne!(new, old);
    assert_eq!(kept, old);
    let verifier = service_kit::keys::TokenVerifier::remote(next.channel(), app.clock.clone());
    verifier.verify(&token).await.unwrap();

    app.clock.advance(TimeDelta::minutes(31));
    let later = start(app.config.clone(), &app.clock).await;
    assert_eq!(keys(&later).await, [new]);
}

#[tokio::test]
async fn without_a_database_there_is_no_key_and_the_service_is_not_ready() {
    let mut app = TestApp::start().await;
    let ready = format!("{}readyz", app.service.admin_url);
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 200);
    app.lose_database();
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 503);
    // Keys once read serve on.
    assert_eq!(keys(&app.service).await.len(), 1);

    let fresh = start(app.config.clone(), &app.clock).await;
    let mut client = AuthServiceClient::new(fresh.channel());
    let status = client.get_key_set(GetKeySetRequest {}).await.unwrap_err();
    insta::assert_snapshot!(told(&status), @"Unavailable [DATABASE_UNAVAILABLE] the database cannot be reached at the moment");
    let url = format!("{}.well-known/jwks.json", fresh.url);
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let alive = format!("{}healthz", fresh.admin_url);
    assert_eq!(reqwest::get(&alive).await.unwrap().status(), 200);
}
