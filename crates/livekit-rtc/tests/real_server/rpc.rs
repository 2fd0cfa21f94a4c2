//! Calls and bytes between us, and between LiveKit's own Python client and us.

use std::time::Duration;

use livekit_rtc::{
    ByteCollector, Event, JoinOptions, MAX_RPC_PAYLOAD, Participant, RpcError, RpcFailure,
    RpcRequest, Shard, TextOptions,
};
use serde_json::json;
use test_kit::LivekitServer;

use crate::python::Peer;
use crate::room::{Member, join, options, shard};

/// An agent with a method that gives a payload back.
async fn agent(shard: &Shard, server: &LivekitServer) -> anyhow::Result<Member> {
    let token = server.agent_token("r", "agent");
    let options = JoinOptions {
        rpc_methods: vec!["echo".to_owned()],
        ..options(server, token)
    };
    Ok(join(shard, options, 440.0).await?)
}

impl Member {
    /// Answers the next call, of the method that gives a payload back.
    async fn echo(&mut self) -> anyhow::Result<String> {
        let call = self
            .wait_for("a call", |event| match event {
                Event::RpcInvoked(call) => Some(call),
                _ => None,
            })
            .await;
        let answer = Ok(call.payload.clone());
        self.participant.respond_rpc(call.id, answer).await?;
        Ok(call.payload)
    }

    async fn meets_anybody(&mut self) {
        self.wait_for("somebody", |event| match event {
            Event::ParticipantActive { .. } => Some(()),
            _ => None,
        })
        .await;
    }
}

async fn call(
    participant: &Participant,
    to: &str,
    method: &str,
    payload: &str,
) -> Result<String, RpcError> {
    let request = RpcRequest {
        destination: to.into(),
        method: method.into(),
        payload: payload.into(),
        response_timeout: Duration::from_secs(10),
    };
    participant.perform_rpc(request).await
}

#[tokio::test]
async fn participants_call_each_other() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut agent = agent(&shard, &server).await?;
    let mut user = join(&shard, options(&server, server.token("r", "user")), 880.0).await?;
    user.meets_anybody().await;
    let long = "x".repeat(MAX_RPC_PAYLOAD);
    let (answer, asked) = tokio::join!(
        call(&user.participant, "agent", "echo", &long),
        agent.echo()
    );
    assert_eq!((answer, asked?), (Ok(long.clone()), long));
    let refused = call(&user.participant, "agent", "dance", "")
        .await
        .unwrap_err();
    assert!(refused.is(RpcFailure::UnsupportedMethod), "{refused}");
    let nobody = call(&user.participant, "nobody", "echo", "")
        .await
        .unwrap_err();
    assert!(nobody.is(RpcFailure::RecipientNotFound), "{nobody}");
    Ok(())
}

#[tokio::test]
async fn livekits_own_client_calls_and_is_called_and_sends_bytes() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut agent = agent(&shard, &server).await?;
    let mut peer = Peer::start(&server, "python")?;
    peer.tells(&json!({"joined": "python"})).await?;
    agent.meets_anybody().await;

    let answer = call(&agent.participant, "python", "reverse", "für 15 €").await;
    assert_eq!(answer.as_deref(), Ok("€ 51 rüf"));
    let failed = call(&agent.participant, "python", "fail", "")
        .await
        .unwrap_err();
    assert_eq!(
        (failed.code, &*failed.message, &*failed.data),
        (4711, "not today", "{}")
    );
    let refused = call(&agent.participant, "python", "dance", "")
        .await
        .unwrap_err();
    assert!(refused.is(RpcFailure::UnsupportedMethod), "{refused}");

    let speaker = agent.participant.clone();
    let order = async |order: serde_json::Value| {
        let text = order.to_string();
        speaker.send_text("do", text, TextOptions::default()).await
    };
    // It does what it is told at once and may tell of a later order first: one after another.
    order(json!({"call": "echo", "with": "Grüße"})).await?;
    assert_eq!(agent.echo().await?, "Grüße");
    peer.tells(&json!({"called": "echo", "answer": "Grüße"}))
        .await?;
    order(json!({"call": "dance", "with": ""})).await?;
    peer.tells(&json!({"called": "dance", "code": 1400}))
        .await?;
    order(json!({"bytes": 100_000})).await?;

    let mut collector = ByteCollector::new("numbers", 1 << 20);
    let numbers = agent
        .wait_for("the bytes", |event| collector.take(&event))
        .await;
    let header = &numbers.header;
    assert_eq!(
        (header.sender.as_str(), &*header.name),
        ("python", "numbers")
    );
    assert_eq!(header.mime_type, "application/x-numbers");
    assert_eq!(header.attributes["kind"], "bytes");
    assert!(numbers.complete);
    assert!(
        numbers
            .content
            .iter()
            .zip(0..)
            .all(|(byte, at)| u32::from(*byte) == at % 251)
    );
    assert_eq!(numbers.content.len(), 100_000);
    Ok(())
}

#[tokio::test]
async fn the_network_is_measured() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut agent = agent(&shard, &server).await?;
    let _user = join(&shard, options(&server, server.token("r", "user")), 880.0).await?;
    let told = agent
        .wait_for("figures of both ways", |event| match event {
            Event::Statistics(told) if told.sent.is_some() && !told.received.is_empty() => {
                Some(told)
            }
            _ => None,
        })
        .await;
    let round_trip = told.round_trip.expect("it was measured");
    assert!(round_trip < Duration::from_millis(500), "{round_trip:?}");
    for quality in [told.sent.unwrap_or_default(), told.received[0].quality] {
        assert!(
            quality.loss < 0.5 && quality.jitter < Duration::from_millis(200),
            "{quality:?}"
        );
    }
    assert_eq!(told.received[0].participant, "user".into());
    Ok(())
}
