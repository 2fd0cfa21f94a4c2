//! What every service does beside its RPCs, tried on this one.

use proto::insta::profile::v1::{self as pb, profile_service_client::ProfileServiceClient};
use test_kit::{Identity, told};
use tonic::{Request, transport::Channel};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::app::TestApp;

#[tokio::test]
async fn a_database_that_is_gone_is_an_answer_and_not_a_hang() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let TestApp {
        client,
        identity,
        database,
        service: _service,
        ..
    } = app;
    drop(database);
    let mut client: ProfileServiceClient<_> = client;
    let request = identity.request(&Identity::user("ada"), pb::GetProfileRequest::default());
    let error = client.get_profile(request).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"Unavailable [DATABASE_UNAVAILABLE] profiles cannot be reached at the moment");
}

#[tokio::test]
async fn a_page_of_a_known_origin_may_call_and_read_the_answer() {
    let app = TestApp::start().await;
    let url = format!(
        "{}insta.profile.v1.ProfileService/GetProfile",
        app.service.url
    );
    let preflight = |origin: &'static str| {
        reqwest::Client::new()
            .request(reqwest::Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,x-grpc-web,content-type",
            )
            .send()
    };
    let known = preflight("http://localhost:5173").await.unwrap();
    assert_eq!(
        known.headers()["access-control-allow-origin"],
        "http://localhost:5173"
    );
    let unknown = preflight("http://evil.example").await.unwrap();
    assert!(
        !unknown
            .headers()
            .contains_key("access-control-allow-origin")
    );

    let answer = reqwest::Client::new()
        .post(&url)
        .header("origin", "http://localhost:5173")
        .header("content-type", "application/grpc-web+proto")
        .body(vec![0, 0, 0, 0, 0])
        .send()
        .await
        .unwrap();
    let exposed = answer.headers()["access-control-expose-headers"]
        .to_str()
        .unwrap();
    assert!(exposed.contains("grpc-status-details-bin") && exposed.contains("x-request-id"));
    assert_eq!(
        answer.headers()["grpc-status"],
        "16",
        "no token: UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn health_reflection_and_readiness_are_open() {
    let app = TestApp::start().await;
    let ready = reqwest::get(format!("{}readyz", app.service.admin_url))
        .await
        .unwrap();
    assert_eq!(ready.status(), 200);

    let mut health = tonic_health::pb::health_client::HealthClient::new(app.service.channel());
    let service = "insta.profile.v1.ProfileService".to_owned();
    let mut states = health
        .watch(tonic_health::pb::HealthCheckRequest { service })
        .await
        .unwrap()
        .into_inner();
    while states.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}

    let listed = list_services(app.service.channel()).await;
    for service in ["insta.profile.v1.ProfileService", "grpc.health.v1.Health"] {
        assert!(listed.iter().any(|name| name == service), "{listed:?}");
    }
}

async fn list_services(channel: Channel) -> Vec<String> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(futures::stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    match answers
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap()
    {
        MessageResponse::ListServicesResponse(list) => list
            .service
            .into_iter()
            .map(|service| service.name)
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_clients_own_protocol() {
    let app = TestApp::start().await;
    let url = format!("{}insta.none.v1.None/None", app.service.url);
    let client = reqwest::Client::new();
    let rpc = client
        .post(&url)
        .header("content-type", "application/grpc")
        .send()
        .await
        .unwrap();
    assert_eq!(rpc.headers()["grpc-status"], "12", "UNIMPLEMENTED");
    assert_eq!(client.get(&url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_stopped_service_ends_and_refuses_connections() {
    let app = TestApp::start().await;
    let mut client = app.client();
    app.service.stop().await.unwrap();
    let request = Request::new(pb::GetProfileRequest::default());
    assert_eq!(
        client.get_profile(request).await.unwrap_err().code(),
        tonic::Code::Unavailable
    );
}
