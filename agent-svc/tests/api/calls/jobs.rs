//! Jobs that reach the worker without a call: somebody who holds LiveKit's secret made the room.

use std::time::Duration;

use livekit_protocol::{RoomAgentDispatch, RoomConfiguration};
use livekit_rtc::DisconnectReason;
use openai_realtime::ClientEvent;
use proto::insta::agent::v1 as pb;
use realtime_script::{Line, Seen, Server, What};
use test_kit::{LivekitServer, livekit_grants};

use super::caller::Caller;
use crate::app::{LIMIT, Setup, TestApp};
use crate::auth::Confirming;

const GREETING: &str = "Hello, this is Iris. How can I help you?";
const GOODBYE: &str = "Thank you for calling. Goodbye.";
const QUESTION: &str = "How do I reset my password?";

struct Job {
    app: TestApp,
    caller: Caller,
    provider: Server,
    _livekit: LivekitServer,
}

impl Job {
    /// Ada is in a room to which the assistant has come, and auth-svc behaves so.
    async fn begin(confirming: Confirming) -> Self {
        let line = Line {
            heard: QUESTION.into(),
            tool: Some("end_call".into()),
            answer: GOODBYE.into(),
            ..Line::default()
        };
        let provider = Server::start(vec![line]).await.unwrap();
        let livekit = LivekitServer::start().await.unwrap();
        let app = TestApp::build(Setup {
            provider: Some(provider.base_url()),
            livekit: Some((livekit.url(), livekit.keys())),
            settings: vec![super::VOICE],
            ..Setup::default()
        })
        .await;
        app.auth.confirm(confirming);
        // LiveKit offers a job once, and to nobody if the worker has not registered yet.
        for number in 1..10 {
            let room = format!("support-{number}");
            let token = livekit.keys().sign(|token| {
                token
                    .with_identity("ada")
                    .with_grants(livekit_grants(&room))
                    .with_room_config(RoomConfiguration {
                        agents: vec![RoomAgentDispatch {
                            agent_name: "insta-assistant".into(),
                            ..RoomAgentDispatch::default()
                        }],
                        ..RoomConfiguration::default()
                    })
            });
            let mut caller = Caller::join(livekit.url(), token).await;
            if caller.meets_agent().await {
                return Self {
                    app,
                    caller,
                    provider,
                    _livekit: livekit,
                };
            }
        }
        panic!("the worker takes no job");
    }

    /// Waits until the model was asked for an answer.
    async fn is_asked(&self) {
        let asked = async {
            while !self.provider.seen().iter().any(is_request) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, asked)
            .await
            .expect("an answer is asked for");
    }
}

/// Whether an answer was asked for.
fn is_request(seen: &Seen) -> bool {
    matches!(&seen.what, What::Event(event) if matches!(**event, ClientEvent::ResponseCreate(_)))
}

#[tokio::test]
async fn who_calls_is_found_out_while_they_are_talked_to_and_tools_wait_for_it() {
    let mut job = Job::begin(Confirming::Held).await;
    job.caller.hears(GREETING).await;
    job.caller.ask().await;
    job.is_asked().await;
    assert_eq!(job.app.calls_of("ada").await.len(), 0);

    job.app.auth.confirm(Confirming::AtOnce);
    job.caller.hears(GOODBYE).await;
    assert_eq!(
        job.caller.is_sent_out().await,
        DisconnectReason::ParticipantRemoved
    );
    let [begun] = &job.app.calls_of("ada").await[..] else {
        panic!("there should be one call");
    };
    let call = job.app.ended(&begun.call_id).await;
    assert_eq!(call.end_reason(), pb::EndReason::AgentHangup);
    let said: Vec<&str> = call.turns.iter().map(|turn| turn.text.as_str()).collect();
    assert_eq!(said, [GREETING, QUESTION, GOODBYE]);
    assert_eq!(call.turns[2].tool_calls[0].status(), pb::ToolStatus::Ok);
}

#[tokio::test]
async fn somebody_whom_nobody_knows_is_told_that_there_is_no_call() {
    let mut job = Job::begin(Confirming::Refused).await;
    let words = "I am sorry, I have a technical problem and must end this call. Please try again in a moment.";
    job.caller.hears(words).await;
    assert_eq!(
        job.caller.is_sent_out().await,
        DisconnectReason::ParticipantRemoved
    );
    assert_eq!(job.app.calls_of("ada").await.len(), 0);
}
