//! Joining and leaving, and everything that can be wrong about it.

use std::net::TcpListener;
use std::time::Duration;

use livekit_api::access_token::VideoGrants;
use livekit_rtc::{
    CommandError, DataOptions, DisconnectReason, Event, JoinError, JoinOptions, JoinStage, Shard,
    ShardConfig,
};
use test_kit::{LivekitServer, livekit_grants};
use tokio::time::timeout;

use crate::room::{LIMIT, join, options, shard};

#[tokio::test]
async fn a_token_signed_by_a_stranger_is_unauthorized() -> anyhow::Result<()> {
    let (server, stranger) = (LivekitServer::start().await?, LivekitServer::start().await?);
    let outcome = join(
        &shard(),
        options(&server, stranger.token("r", "ann")),
        440.0,
    )
    .await;
    assert!(
        matches!(outcome.as_ref().err(), Some(JoinError::Unauthorized(_))),
        "{:?}",
        outcome.err()
    );
    let nonsense = JoinOptions::new(server.url(), "not a token".to_owned().into());
    let outcome = join(&shard(), nonsense, 440.0).await;
    assert!(
        matches!(outcome.as_ref().err(), Some(JoinError::Unauthorized(_))),
        "{:?}",
        outcome.err()
    );
    Ok(())
}

#[tokio::test]
async fn a_token_that_may_not_publish_is_told_before_media_is_tried() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let grants = VideoGrants {
        can_publish: Some(false),
        ..livekit_grants("r")
    };
    let token = server.keys().mint("ann", "standard", grants);
    let outcome = join(&shard(), options(&server, token), 440.0).await;
    assert!(
        matches!(outcome.as_ref().err(), Some(JoinError::NotAllowed(_))),
        "{:?}",
        outcome.err()
    );
    Ok(())
}

#[tokio::test]
async fn a_closed_port_is_unreachable() -> anyhow::Result<()> {
    let mut server = LivekitServer::start().await?;
    let options = options(&server, server.token("r", "ann"));
    server.kill();
    let outcome = join(&shard(), options, 440.0).await;
    assert!(
        matches!(outcome.as_ref().err(), Some(JoinError::Unreachable(_))),
        "{:?}",
        outcome.err()
    );
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_nothing_times_out_and_says_where() -> anyhow::Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let options = JoinOptions {
        timeout: Duration::from_millis(300),
        ..JoinOptions::new(
            format!("ws://{}", silent.local_addr()?),
            "token".to_owned().into(),
        )
    };
    let limit = options.timeout;
    let outcome = join(&shard(), options, 440.0).await;
    let expected = JoinError::Timeout {
        limit,
        stage: JoinStage::Signalling,
    };
    assert_eq!(outcome.err(), Some(expected));
    Ok(())
}

#[tokio::test]
async fn the_second_of_the_same_identity_wins() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut first = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let _second = join(&shard, options(&server, server.token("r", "ann")), 880.0).await?;
    assert_eq!(end(&mut first).await, DisconnectReason::DuplicateIdentity);
    let outcome = first
        .participant
        .publish_data(vec![1], DataOptions::default())
        .await;
    assert_eq!(outcome, Err(CommandError::Disconnected));
    Ok(())
}

#[tokio::test]
async fn others_learn_why_somebody_left() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let mut bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    ann.ear.hears("bob", 880.0).await;
    bob.participant.leave(DisconnectReason::AgentError).await?;
    bob.participant.leave(DisconnectReason::AgentError).await?;
    assert_eq!(end(&mut bob).await, DisconnectReason::AgentError);
    assert_eq!(bob.events.recv().await, None);
    let (mut unsubscribed, mut left) = (false, None);
    ann.wait_for("bob's end", |event| {
        match event {
            Event::TrackUnsubscribed { participant, .. } => {
                unsubscribed |= participant.as_str() == "bob";
            }
            Event::ParticipantDisconnected { identity, reason } => left = Some((identity, reason)),
            _ => {}
        }
        (unsubscribed && left.is_some()).then_some(())
    })
    .await;
    let (identity, reason) = left.expect("that was waited for");
    assert_eq!(
        (identity.as_str(), reason),
        ("bob", DisconnectReason::AgentError)
    );
    Ok(())
}

#[tokio::test]
async fn dropping_the_handle_leaves_the_room() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    drop(bob);
    wait_for_end_of("bob", &mut ann).await;
    Ok(())
}

#[tokio::test]
async fn dropping_the_shard_leaves_its_rooms() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let (here, there) = (shard(), shard());
    let mut ann = join(&here, options(&server, server.token("r", "ann")), 440.0).await?;
    let mut bob = join(&there, options(&server, server.token("r", "bob")), 880.0).await?;
    drop(there);
    wait_for_end_of("bob", &mut ann).await;
    assert_eq!(end(&mut bob).await, DisconnectReason::ClientInitiated);
    Ok(())
}

#[tokio::test]
async fn giving_up_joining_frees_the_place() -> anyhow::Result<()> {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let config = ShardConfig {
        max_participants: 1,
        ..ShardConfig::default()
    };
    let shard = Shard::spawn(config)?;
    let url = format!("ws://{}", silent.local_addr()?);
    let attempt = |shard: Shard| {
        let options = JoinOptions::new(&*url, "token".to_owned().into());
        async move { join(&shard, options, 440.0).await.err() }
    };
    let first = tokio::spawn(attempt(shard.clone()));
    timeout(LIMIT, async {
        while shard.participants() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await?;
    assert_eq!(attempt(shard.clone()).await, Some(JoinError::ShardFull(1)));
    first.abort();
    timeout(LIMIT, async {
        while shard.participants() == 1 {
            tokio::task::yield_now().await;
        }
    })
    .await?;
    Ok(())
}

async fn end(member: &mut crate::room::Member) -> DisconnectReason {
    member
        .wait_for("the end", |event| match event {
            Event::Disconnected { reason } => Some(reason),
            _ => None,
        })
        .await
}

async fn wait_for_end_of(who: &str, member: &mut crate::room::Member) {
    member
        .wait_for("the other's end", |event| match event {
            Event::ParticipantDisconnected { identity, .. } => {
                (identity.as_str() == who).then_some(())
            }
            _ => None,
        })
        .await;
}
