//! Turns found by voice activity, and turns that the client commits.

use openai_realtime::{
    ContentPart, Item, Nullable, ResponseStatus, ServerEvent, TranscriptionUsage, reason,
};
use serde_json::json;

use super::scripted::{silence, speech};
use super::support::{Server, kinds, saying, spoken};

fn is_done(event: &ServerEvent) -> bool {
    matches!(event, ServerEvent::ResponseDone(_))
}

#[tokio::test]
async fn a_spoken_turn_goes_from_speech_to_an_answer_in_order() {
    let server = Server::start().await;
    for detection in [
        json!({"type": "server_vad"}),
        json!({"type": "semantic_vad", "eagerness": "auto"}),
    ] {
        let mut client = server.session().await;
        client
            .update(json!({"audio": {"input": {"turn_detection": detection}}}))
            .await;
        client.append(&silence(500)).await;
        client.append(&speech("Hello.")).await;
        client.append(&silence(800)).await;
        let events = client.until_done().await;
        assert_eq!(
            kinds(&events)[..6],
            [
                "input_audio_buffer.speech_started",
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "conversation.item.added",
                "conversation.item.done",
                "response.created",
            ]
        );
        let ServerEvent::SpeechStarted(started) = &events[0] else {
            panic!()
        };
        let ServerEvent::SpeechStopped(stopped) = &events[1] else {
            panic!()
        };
        let ServerEvent::InputAudioBufferCommitted(committed) = &events[2] else {
            panic!()
        };
        let ServerEvent::ConversationItemAdded(added) = &events[3] else {
            panic!()
        };
        let ids = [&started.item_id, &stopped.item_id, &committed.item_id];
        assert!(ids.iter().all(|id| added.item.id() == Some(id)));
        // The sound lasts from 500 to 1400 ms; windows are 32 ms, the prefix is 300 ms. All of it
        // is there before the end of the turn is judged.
        assert!(
            (150..=250).contains(&started.audio_start_ms),
            "{}",
            started.audio_start_ms
        );
        assert!(
            (1_800..=2_200).contains(&stopped.audio_end_ms),
            "{}",
            stopped.audio_end_ms
        );
        let Item::Message(message) = &added.item else {
            panic!()
        };
        let untranscribed = ContentPart::InputAudio {
            audio: None,
            transcript: Nullable::Null,
        };
        assert_eq!(message.content, [untranscribed]);
        let (said, _) = spoken(&events);
        assert_eq!(said.trim(), "Hello! How can I help you?");
    }
}

#[tokio::test]
async fn words_are_sent_while_they_are_spoken_when_transcription_is_on() {
    let server = Server::start().await;
    let mut client = server.session().await;
    client
        .update(
            json!({"audio": {"input": {"transcription": {"model": "any"},
            "turn_detection": {"type": "server_vad", "create_response": false}}}}),
        )
        .await;
    client.append(&speech("What plan am I on right now?")).await;
    client.append(&silence(800)).await;
    let events = client
        .until(|event| matches!(event, ServerEvent::TranscriptionCompleted(_)))
        .await;
    let ServerEvent::TranscriptionCompleted(completed) = events.last().unwrap() else {
        panic!()
    };
    assert_eq!(completed.transcript, "What plan am I on right now?");
    let Some(TranscriptionUsage::Duration { seconds }) = completed.usage else {
        panic!()
    };
    assert!((0.9..2.5).contains(&seconds), "{seconds}");
    let deltas: String = events
        .iter()
        .filter_map(|event| match event {
            ServerEvent::TranscriptionDelta(delta) => Some(delta.delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(deltas, completed.transcript, "{events:?}");
    assert!(
        !kinds(&events).contains(&"response.created"),
        "create_response is off"
    );
}

#[tokio::test]
async fn speech_interrupts_an_answer_unless_told_otherwise() {
    for interrupts in [true, false] {
        let server = Server::start().await;
        let mut client = server.session().await;
        client
            .update(json!({"audio": {"input": {"turn_detection":
                {"type": "server_vad", "interrupt_response": interrupts}}}}))
            .await;
        client
            .create(saying(
                "It comes at once. And now please hold on for quite a long while.",
            ))
            .await;
        client
            .until(|event| matches!(event, ServerEvent::OutputAudioDelta(_)))
            .await;
        client.append(&speech("Hello.")).await;
        if interrupts {
            let events = client.until(is_done).await;
            let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
                panic!()
            };
            assert_eq!(done.response.status, ResponseStatus::Cancelled);
            let details = done.response.status_details.as_ref().unwrap();
            assert_eq!(details.reason.as_deref(), Some(reason::TURN_DETECTED));
            continue;
        }
        client.append(&silence(800)).await;
        client
            .until(|event| matches!(event, ServerEvent::ConversationItemDone(_)))
            .await;
        server.scripted.release();
        let events = client.until(is_done).await;
        let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
            panic!()
        };
        assert_eq!(done.response.status, ResponseStatus::Completed);
        // The turn that ended in the meantime is answered next.
        assert!(matches!(
            client.next().await,
            ServerEvent::ResponseCreated(_)
        ));
        let (said, _) = spoken(&client.until(is_done).await);
        assert!(!said.is_empty());
    }
}

#[tokio::test]
async fn a_committed_turn_is_answered_once_its_words_are_known() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client.append(&speech("Goodbye.")).await;
    client.commit().await;
    client.create(json!({})).await;
    let events = client.until(is_done).await;
    assert_eq!(
        kinds(&events)[..4],
        [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
        ]
    );
    let (said, _) = spoken(&events);
    assert_eq!(said.trim(), "Thank you for calling. Goodbye!");
}

#[tokio::test]
async fn silence_is_committed_as_nothing_said() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client
        .update(json!({"audio": {"input": {"transcription": {"model": "any"}}}}))
        .await;
    client.append(&silence(500)).await;
    client.commit().await;
    client.create(json!({})).await;
    let events = client.until(is_done).await;
    let transcript = events.iter().find_map(|event| match event {
        ServerEvent::TranscriptionCompleted(completed) => Some(completed.transcript.as_str()),
        _ => None,
    });
    assert_eq!(transcript, Some(""));
    assert!(spoken(&events).0.contains("didn't catch that"));
}

#[tokio::test]
async fn changing_how_turns_are_found_mid_speech_does_no_harm() {
    let server = Server::start().await;
    let mut client = server.session().await;
    client.append(&speech("Hello.")).await;
    client
        .until(|event| matches!(event, ServerEvent::SpeechStarted(_)))
        .await;
    client
        .update(json!({"audio": {"input": {"turn_detection": null}}}))
        .await;
    client.append(&silence(800)).await;
    client.commit().await;
    client.create(json!({})).await;
    let events = client.until(is_done).await;
    assert_eq!(spoken(&events).0.trim(), "Hello! How can I help you?");
    client
        .update(json!({"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}))
        .await;
    client.append(&speech("Hello.")).await;
    client.append(&silence(800)).await;
    assert!(matches!(
        client.until(is_done).await[0],
        ServerEvent::SpeechStarted(_)
    ));
}
