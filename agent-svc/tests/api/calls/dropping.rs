//! The caller's network drops: for five seconds, or for good.

use std::time::Duration;

use livekit_rtc::DisconnectReason;
use proto::insta::agent::v1 as pb;
use realtime_script::{Line, Server};
use test_kit::LivekitServer;

use super::caller::Caller;
use super::network::{Network, Passing};
use crate::app::{Setup, TestApp};

const GREETING: &str = "Hello, this is Iris. How can I help you?";
const QUESTION: &str = "How do I reset my password?";
const ANSWER: &str = "Choose forgot password.";
const AGAIN: &str = "As I said, choose forgot password.";

struct Call {
    app: TestApp,
    network: Network,
    caller: Caller,
    id: String,
    provider: Server,
    _livekit: LivekitServer,
}

impl Call {
    /// A call behind a network, in which one question was answered.
    async fn begin() -> Self {
        let line = |answer: &str| Line {
            heard: QUESTION.into(),
            answer: answer.into(),
            ..Line::default()
        };
        let provider = Server::start(vec![line(ANSWER), line(AGAIN)])
            .await
            .unwrap();
        let livekit = LivekitServer::start().await.unwrap();
        let network = Network::before(&livekit).await.unwrap();
        let app = TestApp::build(Setup {
            provider: Some(provider.base_url()),
            livekit: Some((livekit.url(), livekit.keys())),
            settings: vec![super::VOICE, "--caller-return-secs=1"],
            ..Setup::default()
        })
        .await;
        let started = app.start_call("ada").await;
        let mut caller = Caller::join(network.url(), started.participant_token).await;
        caller.hears(GREETING).await;
        caller.ask().await;
        caller.hears(ANSWER).await;
        Self {
            app,
            network,
            caller,
            id: started.call.unwrap().call_id,
            provider,
            _livekit: livekit,
        }
    }

    /// The network drops for five seconds; then the caller asks again.
    async fn drops(mut self, passing: Passing) {
        self.network.lets(passing);
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.network.lets(Passing::Everything);
        self.caller.ask().await;
        self.caller.hears(AGAIN).await;
        self.caller.hang_up().await;
        let call = self.app.ended(&self.id).await;
        assert_eq!(call.end_reason(), pb::EndReason::UserHangup);
        assert_eq!(said(&call), [GREETING, QUESTION, ANSWER, QUESTION, AGAIN]);
        // It is one conversation: the provider's session is the one that it began with.
        let sessions = self.provider.seen().into_iter().map(|seen| seen.session);
        assert_eq!(sessions.max(), Some(1));
        assert_eq!(self.app.calls_of("ada").await.len(), 1);
    }
}

fn said(call: &pb::Call) -> Vec<&str> {
    call.turns.iter().map(|turn| turn.text.as_str()).collect()
}

#[tokio::test]
async fn a_call_goes_on_after_five_seconds_in_which_nothing_came_through() {
    Call::begin().await.drops(Passing::Nothing).await;
}

#[tokio::test]
async fn a_call_goes_on_after_five_seconds_without_any_connection() {
    Call::begin().await.drops(Passing::Broken).await;
}

#[tokio::test]
async fn a_caller_who_is_gone_for_good_is_waited_for_and_may_begin_anew() {
    let call = Call::begin().await;
    call.network.lets(Passing::Nothing);
    let ended = call.app.ended(&call.id).await;
    assert_eq!(ended.end_reason(), pb::EndReason::ParticipantLost);
    assert_eq!(said(&ended), [GREETING, QUESTION, ANSWER]);

    // The caller's device has a network again.
    call.network.lets(Passing::Everything);
    let started = call.app.start_call("ada").await;
    let mut again = Caller::join(call.network.url(), started.participant_token).await;
    again.hears(GREETING).await;
    let id = started.call.unwrap().call_id;
    let request = pb::EndCallRequest {
        call_id: id.clone(),
    };
    call.app.end(call.app.user("ada", request)).await;
    assert_eq!(
        again.is_sent_out().await,
        DisconnectReason::ParticipantRemoved
    );
    call.app.ended(&id).await;

    let summed = call
        .app
        .once(&call.id, |call| !call.summary.is_empty())
        .await;
    insta::assert_snapshot!(summed.summary, @"The caller spoke with a script: Assistant: Hello, this is Iris. How can I help you? Caller: How do I reset my password? Assistant: Choose forgot password.");
}
