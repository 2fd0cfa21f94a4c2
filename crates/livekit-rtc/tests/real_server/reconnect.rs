//! Losing the server, and having it back.

use std::time::Duration;

use livekit_rtc::{Attributes, CommandError, DisconnectReason, Event, JoinOptions, TextOptions};
use test_kit::LivekitServer;

use crate::room::{Member, join, options, shard};

#[tokio::test]
async fn a_killed_server_that_comes_back_is_joined_again() -> anyhow::Result<()> {
    let mut server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let mut bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    ann.ear.hears("bob", 880.0).await;
    let state: Attributes = [("lk.agent.state".into(), "listening".into())].into();
    ann.participant.set_attributes(state).await?;
    let before = ann.participant.local().track;
    let mut writer = ann
        .participant
        .open_text_stream("lk.chat", TextOptions::default())
        .await?;

    server.kill();
    for member in [&mut ann, &mut bob] {
        member
            .wait_for("the loss", |event| {
                (event == Event::Reconnecting).then_some(())
            })
            .await;
    }
    server.restart().await?;
    let after = reconnected(&mut ann).await;
    reconnected(&mut bob).await;

    assert!(
        after.is_some() && after != before,
        "{before:?} became {after:?}"
    );
    assert_eq!(after, ann.participant.local().track);
    assert_eq!(writer.write("half a").await, Err(CommandError::StreamLost));
    ann.ear.speak(false);
    ann.ear.hears_anew("bob", 880.0).await;
    ann.ear.speak(true);
    bob.ear.hears_anew("ann", 440.0).await;
    // Who looks at ann now sees the attributes she had.
    let mut eve = join(&shard, options(&server, server.token("r", "eve")), 660.0).await?;
    eve.wait_for("ann's attributes", |event| {
        let attributes = match event {
            Event::ParticipantConnected(other) => other.attributes,
            Event::AttributesChanged { changed, .. } => changed,
            _ => return None,
        };
        (attributes.get("lk.agent.state")? == "listening").then_some(())
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_stays_away_is_given_up() -> anyhow::Result<()> {
    let mut server = LivekitServer::start().await?;
    let options = JoinOptions {
        reconnect_timeout: Duration::from_millis(500),
        ..options(&server, server.token("r", "ann"))
    };
    let shard = shard();
    let mut ann = join(&shard, options, 440.0).await?;
    server.kill();
    let reason = ann
        .wait_for("the end", |event| match event {
            Event::Disconnected { reason } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, DisconnectReason::ConnectionLost);
    Ok(())
}

async fn reconnected(member: &mut Member) -> Option<livekit_rtc::TrackSid> {
    member
        .wait_for("the new connection", |event| match event {
            Event::Reconnected { track } => Some(track),
            _ => None,
        })
        .await
}
