//! Sound between two participants.

use livekit_rtc::{Event, TrackSource};
use test_kit::LivekitServer;

use crate::room::{join, options, shard};

#[tokio::test]
async fn two_participants_hear_each_other() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    ann.ear.hears("bob", 880.0).await;
    bob.ear.hears("ann", 440.0).await;

    let track = ann
        .wait_for("the subscription to bob", |event| match event {
            Event::TrackSubscribed(track) => Some(track),
            _ => None,
        })
        .await;
    assert_eq!(
        (track.participant.as_str(), track.name.as_str()),
        ("bob", "voice")
    );
    assert_eq!(track.source, TrackSource::Microphone);
    assert_eq!(Some(track.sid), bob.participant.local().track);
    Ok(())
}

#[tokio::test]
async fn a_voice_that_pauses_is_silent_and_comes_back() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    for _ in 0..2 {
        ann.ear.speak(true);
        bob.ear.hears("ann", 440.0).await;
        ann.ear.speak(false);
        bob.ear.hears_silence("ann").await;
    }
    Ok(())
}

#[tokio::test]
async fn a_muted_voice_is_not_heard_and_others_are_told() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let mut bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    bob.ear.hears("ann", 440.0).await;
    for muted in [true, false] {
        ann.participant.set_muted(muted).await?;
        let told = bob
            .wait_for("word of muting", |event| match event {
                Event::TrackMuted {
                    participant, muted, ..
                } => Some((participant, muted)),
                _ => None,
            })
            .await;
        assert_eq!(told, ("ann".into(), muted));
        if muted {
            bob.ear.hears_silence("ann").await;
        } else {
            bob.ear.hears("ann", 440.0).await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_track_is_told_to_be_listened_to() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    ann.ear.speak(false);
    let _bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    let track = ann
        .wait_for("a listener", |event| match event {
            Event::LocalTrackSubscribed { track } => Some(track),
            _ => None,
        })
        .await;
    assert_eq!(Some(track), ann.participant.local().track);
    Ok(())
}
