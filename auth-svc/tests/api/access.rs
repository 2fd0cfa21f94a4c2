//! Every RPC that needs a token, called with tokens that will not do.

use chrono::TimeDelta;
use proto::insta::auth::v1::{
    CreateServiceClientRequest, IssueDelegatedTokenRequest, IssueLivekitTokenRequest,
    auth_service_client::AuthServiceClient,
};
use service_kit::Scope;
use test_kit::{Identity, told};
use tonic::{Request, Status, metadata::MetadataValue, transport::Channel};

use crate::app::TestApp;

fn request<T>(header: Option<&str>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(header) = header {
        let header = MetadataValue::try_from(header).unwrap();
        request.metadata_mut().insert("authorization", header);
    }
    request
}

/// What each protected RPC says to this header.
async fn refusals(mut client: AuthServiceClient<Channel>, header: Option<&str>) -> [Status; 3] {
    let create = request(header, CreateServiceClientRequest::default());
    let delegate = request(header, IssueDelegatedTokenRequest::default());
    let livekit = request(header, IssueLivekitTokenRequest::default());
    [
        client.create_service_client(create).await.unwrap_err(),
        client.issue_delegated_token(delegate).await.unwrap_err(),
        client.issue_livekit_token(livekit).await.unwrap_err(),
    ]
}

/// The token with another first letter in its signature; the last one may hold bits that do not count.
fn altered(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

#[tokio::test]
async fn tokens_that_will_not_do_are_refused_by_every_rpc() {
    let app = TestApp::start().await;
    let bearer = |token: &str| format!("Bearer {token}");
    let expired = app.service_token("old", Scope::CallsServe).await;
    let old_operator = app.service_token("old-operator", Scope::Operator).await;
    app.clock.advance(TimeDelta::minutes(6));
    let foreign = Identity::new(app.clock.clone());
    let all = [Scope::Operator, Scope::CallsServe];
    let good = app.service_token("reader", Scope::ProfileRead).await;
    let mut lines = Vec::new();
    for (name, header) in [
        ("none", None),
        ("empty", Some(String::new())),
        ("another scheme", Some(format!("Basic {good}"))),
        ("junk", Some(bearer("junk"))),
        ("expired", Some(bearer(&expired))),
        ("expired operator", Some(bearer(&old_operator))),
        (
            "foreign",
            Some(bearer(&foreign.token(&Identity::service(&all)))),
        ),
        ("altered", Some(bearer(&altered(&good)))),
        ("Firebase's", Some(bearer(&app.id_token("ada")))),
        ("a user's", Some(bearer(&app.session("ada").await))),
        ("another scope", Some(bearer(&good))),
    ] {
        let [first, second, third] = refusals(app.client(), header.as_deref())
            .await
            .map(|status| told(&status));
        assert_eq!((&first, &first), (&second, &third), "{name}");
        lines.push(format!("{name}: {first}"));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    none: Unauthenticated [TOKEN_MISSING] send `authorization: Bearer <token>`
    empty: Unauthenticated [TOKEN_INVALID] the authorization header must be `Bearer <token>`
    another scheme: Unauthenticated [TOKEN_INVALID] the authorization header must be `Bearer <token>`
    junk: Unauthenticated [TOKEN_INVALID] the token is not valid
    expired: Unauthenticated [TOKEN_EXPIRED] the token has expired
    expired operator: Unauthenticated [TOKEN_EXPIRED] the token has expired
    foreign: Unauthenticated [TOKEN_INVALID] the token names a key that is not known
    altered: Unauthenticated [TOKEN_INVALID] the token is not valid
    Firebase's: Unauthenticated [TOKEN_INVALID] the token is not valid
    a user's: PermissionDenied [NOT_ALLOWED] this token does not allow this call
    another scope: PermissionDenied [NOT_ALLOWED] this token does not allow this call
    ");
}

#[tokio::test]
async fn an_operator_does_not_serve_calls_and_who_serves_calls_is_no_operator() {
    let app = TestApp::start().await;
    app.make_operator("root").await;
    let operator = format!("Bearer {}", app.session("root").await);
    let agent = app.service_token("agent-svc", Scope::CallsServe).await;
    let agent = format!("Bearer {agent}");
    let mut lines = Vec::new();
    for (name, header) in [("operator", operator), ("agent", agent)] {
        let said = refusals(app.client(), Some(&header))
            .await
            .map(|status| told(&status));
        lines.push(format!("{name}: {}", said.join(" | ")));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    operator: InvalidArgument [client_id, scopes] client_id must be 3 to 40 lower-case letters, digits or dashes, beginning with a letter; scopes must hold at least one scope | PermissionDenied [NOT_ALLOWED] this token does not allow this call | PermissionDenied [NOT_ALLOWED] this token does not allow this call
    agent: PermissionDenied [NOT_ALLOWED] this token does not allow this call | InvalidArgument [call_id, proof] call_id must be a UUID, for example 018f4e9c-7e5b-7c3a-9d27-5d0c1a2b3c4d; proof must be one of session_token, renewal and livekit_participant | InvalidArgument [grant] grant must be one of participant, agent, worker and room_admin
    ");
}
