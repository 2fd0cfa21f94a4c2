//! Text, data and attributes between participants.

use livekit_api::access_token::VideoGrants;
use livekit_rtc::{
    Attributes, CommandError, DataOptions, DataReceived, Event, Identity, JoinOptions,
    TextCollector, TextMessage, TextOptions, Transcription, TranscriptionSegment,
};
use test_kit::{LivekitServer, livekit_grants};

use crate::room::{Member, join, options, shard};

impl Member {
    async fn next_text(&mut self) -> TextMessage {
        let mut collector = TextCollector::new(1 << 20);
        self.wait_for("a whole text stream", |event| collector.take(&event))
            .await
    }

    async fn meets(&mut self, who: &str) {
        self.wait_for("the other's arrival", |event| match event {
            Event::ParticipantActive { identity } => (identity.as_str() == who).then_some(()),
            _ => None,
        })
        .await;
    }
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn an_agent_writes_in_a_users_name_and_ends_with_attributes() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut user = join(&shard, options(&server, server.token("r", "user")), 440.0).await?;
    let agent = join(
        &shard,
        options(&server, server.agent_token("r", "agent")),
        880.0,
    )
    .await?;
    user.meets("agent").await;

    let header = attributes(&[
        ("lk.segment_id", "SG_1"),
        ("lk.transcription_final", "false"),
    ]);
    let options = TextOptions {
        attributes: header,
        sender: Some("user".into()),
        ..TextOptions::default()
    };
    let mut writer = agent
        .participant
        .open_text_stream("lk.transcription", options)
        .await?;
    writer.write("What plan ").await?;
    writer.write("am I on?").await?;
    writer
        .close(attributes(&[("lk.transcription_final", "true")]))
        .await?;

    let received = user.next_text().await;
    assert_eq!(received.header.sender, Identity::from("user"));
    assert_eq!(received.header.topic, "lk.transcription");
    assert_eq!(
        received.header.attributes["lk.transcription_final"],
        "false"
    );
    assert_eq!(received.text, "What plan am I on?");
    assert!(received.complete);
    let end = attributes(&[
        ("lk.segment_id", "SG_1"),
        ("lk.transcription_final", "true"),
    ]);
    assert_eq!(received.attributes, end);
    Ok(())
}

#[tokio::test]
async fn an_ordinary_participant_cannot_write_in_anothers_name() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    ann.meets("bob").await;
    let forged = TextOptions {
        sender: Some("ann".into()),
        ..TextOptions::default()
    };
    bob.participant
        .send_text("lk.chat", "hello", forged)
        .await?;
    assert_eq!(ann.next_text().await.header.sender, Identity::from("bob"));
    Ok(())
}

#[tokio::test]
async fn long_text_comes_whole_both_ways() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let mut bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    ann.meets("bob").await;
    let text = "Zoë zahlt 12 € – 漢字. ".repeat(12_000);
    for _ in 0..2 {
        let id = ann
            .participant
            .send_text("lk.chat", &*text, TextOptions::default())
            .await?;
        let received = bob.next_text().await;
        assert_eq!(received.header.id, id);
        assert!(received.complete);
        assert!(
            received.text == text,
            "{} of {} bytes",
            received.text.len(),
            text.len()
        );
        std::mem::swap(&mut ann, &mut bob);
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_writer_leaves_an_incomplete_text() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    ann.meets("bob").await;
    let mut writer = bob
        .participant
        .open_text_stream("lk.chat", TextOptions::default())
        .await?;
    writer.write("I was about to").await?;
    drop(writer);
    let received = ann.next_text().await;
    assert_eq!(
        (&*received.text, received.complete),
        ("I was about to", false)
    );
    Ok(())
}

#[tokio::test]
async fn data_goes_to_whom_it_is_meant_for() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    let mut eve = join(&shard, options(&server, server.token("r", "eve")), 660.0).await?;
    eve.meets("bob").await;
    let to_ann = DataOptions {
        destinations: vec!["ann".into()],
        ..DataOptions::default()
    };
    let secret = DataOptions {
        topic: Some("secret".into()),
        ..to_ann
    };
    bob.participant
        .publish_data(b"for ann".to_vec(), secret)
        .await?;
    bob.participant
        .publish_data(b"for all".to_vec(), DataOptions::default())
        .await?;
    let mut payloads = Vec::new();
    for member in [&mut ann, &mut eve] {
        let data: DataReceived = member
            .wait_for("data", |event| match event {
                Event::DataReceived(data) => Some(data),
                _ => None,
            })
            .await;
        assert_eq!(data.sender, Some("bob".into()));
        payloads.push((data.payload, data.topic));
    }
    let expected = [
        (b"for ann".to_vec(), Some("secret".to_owned())),
        (b"for all".to_vec(), None),
    ];
    assert_eq!(payloads, expected);
    Ok(())
}

#[tokio::test]
async fn data_beyond_the_limit_is_refused() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let ann = join(&shard, options(&server, server.token("r", "ann")), 440.0).await?;
    let outcome = ann
        .participant
        .publish_data(vec![0; 15_001], DataOptions::default())
        .await;
    assert_eq!(
        outcome,
        Err(CommandError::TooLarge {
            size: 15_001,
            limit: 15_000
        })
    );
    Ok(())
}

#[tokio::test]
async fn an_agents_legacy_transcription_arrives() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut user = join(&shard, options(&server, server.token("r", "user")), 440.0).await?;
    let agent = join(
        &shard,
        options(&server, server.agent_token("r", "agent")),
        880.0,
    )
    .await?;
    user.meets("agent").await;
    let transcription = Transcription {
        participant: "user".into(),
        track: user.participant.local().track.expect("the user publishes"),
        segments: vec![TranscriptionSegment {
            id: "SG_1".into(),
            text: "hello".into(),
            is_final: true,
            language: "en".into(),
        }],
    };
    agent
        .participant
        .publish_transcription(transcription.clone())
        .await?;
    let received = user
        .wait_for("the transcription", |event| match event {
            Event::Transcription(transcription) => Some(transcription),
            _ => None,
        })
        .await;
    assert_eq!(received, transcription);
    Ok(())
}

#[tokio::test]
async fn attributes_are_set_at_joining_changed_and_removed() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut user = join(&shard, options(&server, server.token("r", "user")), 440.0).await?;
    let joining = JoinOptions {
        attributes: attributes(&[("lk.agent.state", "initializing")]),
        ..options(&server, server.agent_token("r", "agent"))
    };
    let agent = join(&shard, joining, 880.0).await?;
    let mut seen = Attributes::new();
    let mut watch = async |state: &str| {
        user.wait_for("the agent's state", |event| {
            match event {
                Event::ParticipantConnected(other) => seen.extend(other.attributes),
                Event::AttributesChanged { changed, .. } => seen.extend(changed),
                _ => {}
            }
            (seen.get("lk.agent.state").map(String::as_str) == Some(state)).then_some(())
        })
        .await;
    };
    watch("initializing").await;
    for state in ["listening", "speaking", ""] {
        agent
            .participant
            .set_attributes(attributes(&[("lk.agent.state", state)]))
            .await?;
        watch(state).await;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_token_does_not_grant_is_refused_in_words() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let grants = VideoGrants {
        can_update_own_metadata: Some(false),
        can_publish_data: Some(false),
        ..livekit_grants("r")
    };
    let token = server.keys().mint("ann", "standard", grants);
    let shard = shard();
    let ann = join(&shard, options(&server, token), 440.0).await?;
    let outcome = ann
        .participant
        .set_attributes(attributes(&[("a", "1")]))
        .await;
    assert!(
        matches!(outcome, Err(CommandError::NotAllowed(_))),
        "{outcome:?}"
    );
    let outcome = ann
        .participant
        .send_text("lk.chat", "hi", TextOptions::default())
        .await;
    assert!(
        matches!(outcome, Err(CommandError::NotAllowed(_))),
        "{outcome:?}"
    );
    Ok(())
}
