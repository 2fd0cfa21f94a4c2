//! IssueLivekitToken: exactly what each token grants.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use livekit_api::access_token::TokenVerifier;
use proto::insta::auth::v1::{
    IssueLivekitTokenRequest,
    issue_livekit_token_request::{
        AgentGrant, Dispatch, Grant, ParticipantGrant, RoomAdminGrant, WorkerGrant,
    },
};
use serde_json::Value;
use service_kit::Scope;
use test_kit::told;
use tonic::Status;

use crate::app::{API_KEY, API_SECRET, TestApp, with_token};

async fn issue(app: &TestApp, grant: Option<Grant>) -> Result<Value, Status> {
    let token = app.service_token("agent-svc", Scope::CallsServe).await;
    let request = with_token(&token, IssueLivekitTokenRequest { grant });
    let answer = app
        .client()
        .issue_livekit_token(request)
        .await?
        .into_inner();
    let token = answer.livekit_token;
    let verifier = TokenVerifier::with_api_key(API_KEY, API_SECRET);
    verifier.verify(&token).expect("LiveKit itself believes it");
    let claims = token.split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
    let mut claims: Value = serde_json::from_slice(&claims).unwrap();
    let [nbf, exp] = ["nbf", "exp"].map(|name| claims[name].take().as_i64().unwrap());
    assert_eq!(exp - nbf, 600, "ten minutes");
    assert_eq!(answer.expire_time.unwrap().seconds, exp);
    let claims_left = claims.as_object_mut().unwrap();
    claims_left.retain(|_, value| !value.is_null());
    Ok(claims)
}

fn participant() -> ParticipantGrant {
    ParticipantGrant {
        room: "room-1".into(),
        identity: "ada".into(),
        name: "Ada".into(),
        dispatch: None,
    }
}

#[tokio::test]
async fn a_person_may_speak_and_listen_in_one_room() {
    let app = TestApp::start().await;
    let grant = Grant::Participant(participant());
    let claims = issue(&app, Some(grant)).await.unwrap();
    insta::assert_json_snapshot!(claims, @r#"
    {
      "iss": "test-key",
      "name": "Ada",
      "sub": "ada",
      "video": {
        "canPublish": true,
        "canPublishData": true,
        "canPublishSources": [
          "microphone"
        ],
        "canSubscribe": true,
        "canUpdateOwnMetadata": false,
        "room": "room-1",
        "roomJoin": true
      }
    }
    "#);
}

#[tokio::test]
async fn a_dispatch_travels_in_the_token() {
    let app = TestApp::start().await;
    let grant = Grant::Participant(ParticipantGrant {
        dispatch: Some(Dispatch {
            agent_name: "insta-assistant".into(),
            metadata: "call".into(),
        }),
        ..participant()
    });
    let claims = issue(&app, Some(grant)).await.unwrap();
    insta::assert_json_snapshot!(claims["roomConfig"], @r#"
    {
      "agents": [
        {
          "agentName": "insta-assistant",
          "metadata": "call"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn an_agent_joins_as_an_agent() {
    let app = TestApp::start().await;
    let grant = Grant::Agent(AgentGrant {
        room: "room-1".into(),
        identity: "agent-1".into(),
        name: "Assistant".into(),
    });
    let claims = issue(&app, Some(grant)).await.unwrap();
    insta::assert_json_snapshot!(claims, @r#"
    {
      "iss": "test-key",
      "kind": "agent",
      "name": "Assistant",
      "sub": "agent-1",
      "video": {
        "agent": true,
        "canPublish": true,
        "canPublishData": true,
        "canSubscribe": true,
        "canUpdateOwnMetadata": true,
        "room": "room-1",
        "roomJoin": true
      }
    }
    "#);
}

#[tokio::test]
async fn a_worker_may_register_and_nothing_else() {
    let app = TestApp::start().await;
    let claims = issue(&app, Some(Grant::Worker(WorkerGrant {})))
        .await
        .unwrap();
    insta::assert_json_snapshot!(claims, @r#"
    {
      "iss": "test-key",
      "video": {
        "agent": true
      }
    }
    "#);
}

#[tokio::test]
async fn an_admin_administers_one_room() {
    let app = TestApp::start().await;
    let room = "room-1".into();
    let grant = Grant::RoomAdmin(RoomAdminGrant { room });
    let claims = issue(&app, Some(grant)).await.unwrap();
    insta::assert_json_snapshot!(claims, @r#"
    {
      "iss": "test-key",
      "video": {
        "room": "room-1",
        "roomAdmin": true,
        "roomCreate": true
      }
    }
    "#);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_at_once() {
    let app = TestApp::start().await;
    let long = "x".repeat(5000);
    let mut said = Vec::new();
    for grant in [
        None,
        Some(Grant::Participant(ParticipantGrant::default())),
        Some(Grant::Participant(ParticipantGrant {
            room: long.clone(),
            identity: "a b".into(),
            name: long.clone(),
            dispatch: Some(Dispatch {
                agent_name: String::new(),
                metadata: long.clone(),
            }),
        })),
        Some(Grant::Agent(AgentGrant {
            name: long.clone(),
            ..AgentGrant::default()
        })),
        Some(Grant::RoomAdmin(RoomAdminGrant {
            room: "a\0b".into(),
        })),
    ] {
        said.push(told(&issue(&app, grant).await.unwrap_err()));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    InvalidArgument [grant] grant must be one of participant, agent, worker and room_admin
    InvalidArgument [participant.room, participant.identity] participant.room must have 1 to 128 characters, none of them a control character; participant.identity must be 1 to 128 printable ASCII characters without spaces
    InvalidArgument [participant.room, participant.identity, participant.name, participant.dispatch.agent_name, participant.dispatch.metadata] participant.room must have 1 to 128 characters, none of them a control character; participant.identity must be 1 to 128 printable ASCII characters without spaces; participant.name must have 0 to 128 characters, has 5000; participant.dispatch.agent_name must have 1 to 64 characters, has 0; participant.dispatch.metadata must have 0 to 4096 characters, has 5000
    InvalidArgument [agent.room, agent.identity, agent.name] agent.room must have 1 to 128 characters, none of them a control character; agent.identity must have 1 to 128 characters, has 0; agent.name must have 0 to 128 characters, has 5000
    InvalidArgument [room_admin.room] room_admin.room must have 1 to 128 characters, none of them a control character
    ");
}
