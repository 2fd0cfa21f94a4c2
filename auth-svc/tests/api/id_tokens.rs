//! Which ID tokens are believed: everything that Firebase's own libraries refuse, and what they let through.

use auth_svc::Config;
use chrono::TimeDelta;
use serde_json::{Value, json};
use service_kit::{Scope, Tier};
use test_kit::{Identity, told};

use crate::{
    app::{API_KEY, API_SECRET, TestApp},
    google::{GoogleKey, part},
};

const CUSTOM_TOKEN_AUDIENCE: &str =
    "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit";

/// What is said of each token, a line each.
async fn verdicts(app: &TestApp, cases: Vec<(&str, String)>) -> String {
    let mut lines = Vec::new();
    for (name, token) in cases {
        let verdict = match app.create_session(&token).await {
            Ok(session) => format!("signed in as {}", session.user_id),
            Err(status) => told(&status),
        };
        lines.push(format!("{name}: {verdict}"));
    }
    lines.join("\n")
}

#[tokio::test]
async fn tokens_of_the_wrong_form_are_refused() {
    let app = TestApp::start().await;
    let good = app.id_token("ada");
    let mut segments = good.split('.');
    let [header, claims, signature] = [(); 3].map(|()| segments.next().unwrap());
    let cases = vec![
        ("empty", String::new()),
        ("one part", "token".into()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{good}.{signature}")),
        ("three parts of junk", "a.b.c".into()),
        ("bad base64", format!("{header}.{claims}!.{signature}")),
        ("padded base64", format!("{header}.{claims}=.{signature}")),
        (
            "not JSON",
            format!("{}.{}.{signature}", part("alg"), part("claims")),
        ),
        (
            "not an object",
            format!("{}.{}.{signature}", part("[]"), part("7")),
        ),
        ("trailing bytes", format!("{good}AAAA")),
        ("trailing space", format!("{good} ")),
        ("leading space", format!(" {good}")),
        ("trailing newline", format!("{good}\n")),
        ("longer than 8 KiB", format!("{good}{}", "A".repeat(8192))),
        ("no signature", format!("{header}.{claims}.")),
        (
            "broken signature",
            format!("{header}.{claims}.{}", part("signature")),
        ),
    ];
    insta::assert_snapshot!(verdicts(&app, cases).await, @r"
    empty: Unauthenticated [ID_TOKEN_INVALID] the ID token is missing
    one part: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    two parts: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    four parts: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    three parts of junk: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    bad base64: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    padded base64: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    not JSON: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    not an object: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    trailing bytes: Unauthenticated [ID_TOKEN_INVALID] the signature of the ID token is wrong
    trailing space: Unauthenticated [ID_TOKEN_INVALID] the signature of the ID token is wrong
    leading space: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    trailing newline: Unauthenticated [ID_TOKEN_INVALID] the signature of the ID token is wrong
    longer than 8 KiB: Unauthenticated [ID_TOKEN_INVALID] the ID token is longer than 8 KiB
    no signature: Unauthenticated [ID_TOKEN_INVALID] the signature of the ID token is wrong
    broken signature: Unauthenticated [ID_TOKEN_INVALID] the signature of the ID token is wrong
    ");
    assert_eq!(
        app.google.requests(),
        1,
        "only what could be good is worth a fetch"
    );

    let huge = app
        .create_session(&"A".repeat(2_000_000))
        .await
        .unwrap_err();
    assert_eq!(huge.code(), tonic::Code::OutOfRange);
}

#[tokio::test]
async fn tokens_with_a_wrong_header_are_refused() {
    let app = TestApp::start().await;
    let claims = app.claims("ada").to_string();
    let sign = |header: Value| app.google.key.sign(&header.to_string(), &claims);
    let with = |name: &str, value: Value| {
        let mut header = json!({"alg": "RS256", "kid": "google-1", "typ": "JWT"});
        header[name] = value;
        sign(header)
    };
    let hs256 = {
        // The public key as the secret of an HMAC: what a verifier that trusts `alg` falls for.
        let header = json!({"alg": "HS256", "kid": "google-1"}).to_string();
        let signed = format!("{}.{}", part(&header), part(&claims));
        let secret = app.google.key.jwk()["n"].as_str().unwrap().to_owned();
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let hs256 = jsonwebtoken::Algorithm::HS256;
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, hs256).unwrap();
        format!("{signed}.{signature}")
    };
    let unsigned = |alg: &str| {
        let header = json!({"alg": alg, "typ": "JWT"}).to_string();
        format!("{}.{}.", part(&header), part(&claims))
    };
    let cases = vec![
        ("HS256 with the public key", hs256),
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg NONE", unsigned("NONE")),
        ("alg rs256", with("alg", json!("rs256"))),
        ("alg RS512", with("alg", json!("RS512"))),
        ("alg an array", with("alg", json!(["RS256"]))),
        ("no alg", sign(json!({"kid": "google-1"}))),
        (
            "alg twice",
            app.google
                .key
                .sign(r#"{"alg":"none","alg":"RS256","kid":"google-1"}"#, &claims),
        ),
        ("no kid", sign(json!({"alg": "RS256"}))),
        ("kid a number", with("kid", json!(1))),
        ("kid empty", with("kid", json!(""))),
        ("kid a path", with("kid", json!("../../../etc/passwd"))),
        ("kid SQL", with("kid", json!("' OR 1=1 --"))),
        ("kid NUL", with("kid", json!("google-1\0"))),
        ("kid long", with("kid", json!("k".repeat(4000)))),
        ("crit", with("crit", json!(["exp"]))),
        ("crit null", with("crit", json!(null))),
        ("jku", with("jku", json!(app.google.url.as_str()))),
        ("jwk", with("jwk", app.google.key.jwk())),
        ("x5u", with("x5u", json!("https://example.com"))),
        ("x5c", with("x5c", json!([]))),
        (
            "signed by another key",
            GoogleKey::other("google-1").token(&app.claims("ada")),
        ),
        (
            "signed by an unknown key",
            GoogleKey::other("mine").token(&app.claims("ada")),
        ),
    ];
    insta::assert_snapshot!(verdicts(&app, cases).await, @r"
    HS256 with the public key: Unauthenticated [ID_TOKEN_INVALID] the ID token must be signed with RS256
    alg none: Unauthenticated [ID_TOKEN_INVALID] the ID token must be signed with RS256
    alg None: Unauthenticated [ID_TOKEN_INVALID] the ID token must be signed with RS256
    alg NONE: Unauthenticated [ID_TOKEN_INVALID] the ID token must be signed with RS256
    alg rs256: Unauthenticated [ID_TOKEN_INVALID] the ID token must be signed with RS256
    alg RS512: Unauthenticated [ID_TOKEN_INVALID] the ID token must be signed with RS256
    alg an array: Unauthenticated [ID_TOKEN_INVALID] the ID token must be signed with RS256
    no alg: Unauthenticated [ID_TOKEN_INVALID] the ID token must be signed with RS256
    alg twice: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    no kid: Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase
    kid a number: Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase
    kid empty: Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase
    kid a path: Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase
    kid SQL: Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase
    kid NUL: Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase
    kid long: Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase
    crit: Unauthenticated [ID_TOKEN_INVALID] the ID token has a header that ID tokens do not have
    crit null: Unauthenticated [ID_TOKEN_INVALID] the ID token has a header that ID tokens do not have
    jku: Unauthenticated [ID_TOKEN_INVALID] the ID token has a header that ID tokens do not have
    jwk: Unauthenticated [ID_TOKEN_INVALID] the ID token has a header that ID tokens do not have
    x5u: Unauthenticated [ID_TOKEN_INVALID] the ID token has a header that ID tokens do not have
    x5c: Unauthenticated [ID_TOKEN_INVALID] the ID token has a header that ID tokens do not have
    signed by another key: Unauthenticated [ID_TOKEN_INVALID] the signature of the ID token is wrong
    signed by an unknown key: Unauthenticated [ID_TOKEN_INVALID] the ID token names no key of Firebase
    ");
}

#[tokio::test]
async fn tokens_with_wrong_claims_are_refused() {
    let app = TestApp::start().await;
    let now = app.now().timestamp();
    let with = |name: &str, value: Value| {
        let mut claims = app.claims("ada");
        claims[name] = value;
        app.google.key.token(&claims)
    };
    let without = |name: &str| {
        let mut claims = app.claims("ada");
        claims.as_object_mut().unwrap().remove(name);
        app.google.key.token(&claims)
    };
    let project = |project: &str| {
        let mut claims = app.claims("ada");
        claims["aud"] = json!(project);
        claims["iss"] = json!(format!("https://securetoken.google.com/{project}"));
        app.google.key.token(&claims)
    };
    let huge = app.claims("ada").to_string();
    let huge = huge.replace(&format!("\"exp\":{}", now + 3600), "\"exp\":1e308");
    let doubled = app
        .claims("ada")
        .to_string()
        .replacen('{', r#"{"sub":"eve","#, 1);
    let header = r#"{"alg":"RS256","kid":"google-1"}"#;
    let cases = vec![
        ("another project", project("insta-staging")),
        ("aud missing", without("aud")),
        ("aud a number", with("aud", json!(7))),
        ("aud an array", with("aud", json!(["insta-test"]))),
        ("aud another", with("aud", json!("other"))),
        ("iss missing", without("iss")),
        (
            "iss an array",
            with("iss", json!(["https://securetoken.google.com/insta-test"])),
        ),
        (
            "iss another",
            with("iss", json!("https://accounts.google.com")),
        ),
        (
            "iss longer",
            with("iss", json!("https://securetoken.google.com/insta-test/")),
        ),
        ("custom token", with("aud", json!(CUSTOM_TOKEN_AUDIENCE))),
        (
            "legacy custom token",
            app.google
                .key
                .token(&json!({"v": 0, "d": {"uid": "ada"}, "iat": now})),
        ),
        (
            "session cookie",
            with(
                "iss",
                json!("https://session.firebase.google.com/insta-test"),
            ),
        ),
        ("sub missing", without("sub")),
        ("sub empty", with("sub", json!(""))),
        ("sub a number", with("sub", json!(7))),
        ("sub of 129", with("sub", json!("u".repeat(129)))),
        ("sub with a newline", with("sub", json!("ada\n"))),
        ("sub twice", app.google.key.sign(header, &doubled)),
        ("iat missing", without("iat")),
        ("iat in the future", with("iat", json!(now + 61))),
        ("auth_time missing", without("auth_time")),
        (
            "auth_time in the future",
            with("auth_time", json!(now + 61)),
        ),
        ("nbf in the future", with("nbf", json!(now + 61))),
        ("nbf a string", with("nbf", json!("now"))),
        ("exp missing", without("exp")),
        ("exp a string", with("exp", json!((now + 3600).to_string()))),
        ("exp negative", with("exp", json!(-1))),
        ("exp a float", with("exp", json!(now as f64 + 0.5))),
        ("exp 1e308", app.google.key.sign(header, &huge)),
        ("exp past all calendars", with("exp", json!(i64::MAX))),
        ("exp in two hours", with("exp", json!(now + 7200))),
        ("exp before the skew", with("exp", json!(now - 60))),
        ("exp and more is wrong", {
            let mut claims = app.claims("ada");
            claims["exp"] = json!(now - 60);
            claims["aud"] = json!("other");
            app.google.key.token(&claims)
        }),
    ];
    insta::assert_snapshot!(verdicts(&app, cases).await, @r"
    another project: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    aud missing: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    aud a number: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    aud an array: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    aud another: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    iss missing: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    iss an array: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    iss another: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    iss longer: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    custom token: Unauthenticated [ID_TOKEN_INVALID] this is a custom token: sign in with it, and send the ID token of the user
    legacy custom token: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    session cookie: Unauthenticated [ID_TOKEN_INVALID] this is a session cookie: send the ID token of the user
    sub missing: Unauthenticated [ID_TOKEN_INVALID] the ID token names no user id of 1 to 128 printable characters
    sub empty: Unauthenticated [ID_TOKEN_INVALID] the ID token names no user id of 1 to 128 printable characters
    sub a number: Unauthenticated [ID_TOKEN_INVALID] the ID token names no user id of 1 to 128 printable characters
    sub of 129: Unauthenticated [ID_TOKEN_INVALID] the ID token names no user id of 1 to 128 printable characters
    sub with a newline: Unauthenticated [ID_TOKEN_INVALID] the ID token names no user id of 1 to 128 printable characters
    sub twice: Unauthenticated [ID_TOKEN_INVALID] the ID token is not a JWT
    iat missing: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    iat in the future: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    auth_time missing: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    auth_time in the future: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    nbf in the future: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    nbf a string: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    exp missing: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    exp a string: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    exp negative: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    exp a float: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    exp 1e308: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    exp past all calendars: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    exp in two hours: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    exp before the skew: Unauthenticated [ID_TOKEN_EXPIRED] the ID token has expired; ask Firebase for a fresh one
    exp and more is wrong: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    ");
}

#[tokio::test]
async fn tokens_at_the_edge_of_what_is_good_are_believed() {
    let app = TestApp::start().await;
    let now = app.now().timestamp();
    let with = |changes: Value| {
        let mut claims = app.claims("ada");
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        app.google.key.token(&claims)
    };
    let longest = "u".repeat(128);
    let cases = vec![
        (
            "made in our future",
            with(json!({"iat": now + 60, "auth_time": now + 60})),
        ),
        (
            "just expired",
            with(json!({"iat": now - 3659, "auth_time": now - 3659, "exp": now - 59})),
        ),
        ("signed in long ago", with(json!({"auth_time": 1}))),
        ("the longest user id", with(json!({"sub": longest}))),
        ("nbf in the past", with(json!({"nbf": now}))),
        (
            "no name and no e-mail",
            with(json!({"name": null, "email": null})),
        ),
    ];
    let verdicts = verdicts(&app, cases).await;
    assert_eq!(
        verdicts.lines().count(),
        verdicts.matches("signed in as").count(),
        "{verdicts}"
    );
}

#[tokio::test]
async fn a_token_expires_with_its_hour() {
    let app = TestApp::start().await;
    let token = app.id_token("ada");
    app.clock.advance(TimeDelta::seconds(3659));
    app.create_session(&token).await.unwrap();
    app.clock.advance(TimeDelta::seconds(1));
    let status = app.create_session(&token).await.unwrap_err();
    insta::assert_snapshot!(told(&status), @"Unauthenticated [ID_TOKEN_EXPIRED] the ID token has expired; ask Firebase for a fresh one");
}

#[tokio::test]
async fn our_own_and_livekits_tokens_are_no_id_tokens() {
    let app = TestApp::start().await;
    let livekit = livekit_api::access_token::AccessToken::with_api_key(API_KEY, API_SECRET)
        .with_identity("ada")
        .to_jwt()
        .unwrap();
    let user = service_kit::Caller::User {
        user_id: "ada".parse().unwrap(),
        tier: Tier::Pro,
        operator: true,
    };
    let cases = vec![
        ("session", app.session("ada").await),
        (
            "service",
            app.service_token("crm", Scope::ProfileRead).await,
        ),
        (
            "someone's session",
            Identity::new(app.clock.clone()).token(&user),
        ),
        ("LiveKit's", livekit),
    ];
    insta::assert_snapshot!(verdicts(&app, cases).await, @r"
    session: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    service: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    someone's session: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    LiveKit's: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    ");
}

#[tokio::test]
async fn the_emulators_tokens_are_believed_where_the_emulator_is_configured() {
    let emulator = |config: &mut Config| {
        config.firebase.firebase_auth_emulator_host = Some("127.0.0.1:9099".into());
    };
    let app = TestApp::start_with(emulator).await;
    let now = app.now().timestamp();
    let header = r#"{"alg":"none","typ":"JWT"}"#;
    let claims = app.claims("ada");
    let unsigned =
        |header: &str, claims: &Value| format!("{}.{}.", part(header), part(&claims.to_string()));
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        unsigned(header, &claims)
    };
    let cases = vec![
        ("as the emulator makes it", unsigned(header, &claims)),
        ("signed by Google", app.id_token("ada")),
        ("none with a signature", unsigned(header, &claims) + "c2ln"),
        (
            "RS256 without a signature",
            unsigned(r#"{"alg":"RS256","kid":"google-1"}"#, &claims),
        ),
        (
            "crit",
            unsigned(r#"{"alg":"none","crit":["exp"]}"#, &claims),
        ),
        ("another project", with("aud", json!("other"))),
        ("custom token", with("aud", json!(CUSTOM_TOKEN_AUDIENCE))),
        ("no user", with("sub", json!(""))),
        ("expired", with("exp", json!(now - 60))),
        ("from the future", with("iat", json!(now + 61))),
    ];
    insta::assert_snapshot!(verdicts(&app, cases).await, @r"
    as the emulator makes it: signed in as ada
    signed by Google: Unauthenticated [ID_TOKEN_INVALID] the ID token must come from the Auth emulator, unsigned
    none with a signature: Unauthenticated [ID_TOKEN_INVALID] the ID token must come from the Auth emulator, unsigned
    RS256 without a signature: Unauthenticated [ID_TOKEN_INVALID] the ID token must come from the Auth emulator, unsigned
    crit: Unauthenticated [ID_TOKEN_INVALID] the ID token has a header that ID tokens do not have
    another project: Unauthenticated [ID_TOKEN_INVALID] the ID token is for another Firebase project
    custom token: Unauthenticated [ID_TOKEN_INVALID] this is a custom token: sign in with it, and send the ID token of the user
    no user: Unauthenticated [ID_TOKEN_INVALID] the ID token names no user id of 1 to 128 printable characters
    expired: Unauthenticated [ID_TOKEN_EXPIRED] the ID token has expired; ask Firebase for a fresh one
    from the future: Unauthenticated [ID_TOKEN_INVALID] the times of the ID token are missing, in the future or too far apart
    ");
    assert_eq!(app.google.requests(), 0, "the emulator has no keys");
}
