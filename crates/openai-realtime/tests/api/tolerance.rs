//! Ordinary payloads that stricter models refuse, and what a wrong one is answered with.

use openai_realtime::{
    ClientMessage, ContentPart, DecodeError, Item, ItemStatus, Nullable, Part, ResponseStatus,
    ServerEvent, ServerMessage, Session, SessionType, Tool, TurnDetection,
};
use serde_json::{Value, json};

fn server(event: &Value) -> ServerEvent {
    ServerMessage::parse(&event.to_string())
        .unwrap_or_else(|error| panic!("{event}: {error}"))
        .event
}

#[test]
fn a_user_audio_item_with_transcript_null_and_no_audio_is_read() {
    let event = server(
        &json!({"type": "conversation.item.added", "event_id": "e", "item":
        {"type": "message", "id": "i", "role": "user", "status": "completed",
         "content": [{"type": "input_audio", "transcript": null}]}}),
    );
    let ServerEvent::ConversationItemAdded(added) = event else {
        panic!("{event:?}")
    };
    let Item::Message(message) = added.item else {
        panic!()
    };
    assert_eq!(
        message.content,
        [ContentPart::InputAudio {
            audio: None,
            transcript: Nullable::Null
        }]
    );
}

#[test]
fn items_without_status_or_transcript_are_read() {
    for item in [
        json!({"type": "function_call_output", "id": "i", "call_id": "c", "output": "{}"}),
        json!({"type": "message", "id": "i", "role": "assistant",
            "content": [{"type": "output_audio"}]}),
        json!({"type": "message", "id": "i", "role": "assistant"}),
        json!({"type": "function_call", "id": "i", "name": "f"}),
    ] {
        server(&json!({"type": "conversation.item.added", "event_id": "e", "item": item}));
    }
}

#[test]
fn sessions_with_partial_or_rare_audio_settings_are_read() {
    for audio in [
        json!({"input": {"noise_reduction": {"type": "far_field"}}}),
        json!({"output": {"voice": {"id": "voice_1"}}}),
        json!({"input": {"format": {"type": "audio/pcm"}}}),
        json!({"input": {"turn_detection": {"type": "server_vad"}}}),
        json!({"input": {"turn_detection": {"type": "semantic_vad", "new_field": 1}}}),
    ] {
        server(&json!({"type": "session.updated", "event_id": "e",
            "session": {"type": "realtime", "audio": audio, "unknown_field": [1, 2]}}));
    }
    let event = server(
        &json!({"type": "session.updated", "event_id": "e", "session":
        {"type": "realtime", "tools": [{"type": "function", "name": "f"},
            {"type": "mcp", "server_label": "s"}]}}),
    );
    let ServerEvent::SessionUpdated(updated) = event else {
        panic!("{event:?}")
    };
    let tools = updated.session.tools.unwrap();
    assert!(matches!(&tools[0], Tool::Function(f) if f.description.is_none()));
    assert_eq!(tools[1], Tool::Unknown);
}

#[test]
fn transcription_events_without_index_or_usage_are_read() {
    let event = server(&json!({"event_id": "e", "item_id": "i", "delta": "x",
        "type": "conversation.item.input_audio_transcription.delta"}));
    assert!(matches!(event, ServerEvent::TranscriptionDelta(delta) if delta.content_index == 0));
    let event = server(&json!({"event_id": "e", "item_id": "i", "transcript": "x",
        "type": "conversation.item.input_audio_transcription.completed"}));
    assert!(matches!(event, ServerEvent::TranscriptionCompleted(done) if done.usage.is_none()));
}

#[test]
fn a_failed_response_with_code_null_is_read_and_cached_tokens_are_kept() {
    let event = server(
        &json!({"type": "response.done", "event_id": "e", "response": {
        "id": "r", "status": "failed", "status_details": {"type": "failed",
            "error": {"type": "server_error", "code": null, "message": "m"}},
        "usage": {"input_tokens": 5, "input_token_details": {"cached_tokens": 4,
            "cached_tokens_details": {"audio_tokens": 4}}}}}),
    );
    let ServerEvent::ResponseDone(done) = event else {
        panic!("{event:?}")
    };
    assert_eq!(done.response.status, ResponseStatus::Failed);
    let usage = done.response.usage.unwrap();
    assert_eq!(
        usage.input_token_details.cached_tokens_details.audio_tokens,
        4
    );
}

#[test]
fn unknown_events_items_parts_and_statuses_are_no_errors() {
    for event_type in [
        "conversation.created",
        "conversation.item.created",
        "mcp_list_tools.failed",
    ] {
        let event = server(&json!({"type": event_type, "event_id": "e", "anything": {"a": 1}}));
        assert_eq!(event, ServerEvent::Unknown(event_type.to_owned()));
    }
    let event = server(
        &json!({"type": "conversation.item.done", "event_id": "e", "item":
        {"type": "mcp_call", "id": "i"}}),
    );
    assert!(matches!(event, ServerEvent::ConversationItemDone(done) if done.item == Item::Unknown));
    let event = server(
        &json!({"type": "conversation.item.done", "item": {"type": "message",
        "role": "user", "status": "odd", "content": [{"type": "input_video", "x": 1}]}}),
    );
    let ServerEvent::ConversationItemDone(done) = event else {
        panic!("{event:?}")
    };
    assert_eq!(done.item.status(), Some(ItemStatus::Unknown));
    let event = server(
        &json!({"type": "response.content_part.added", "event_id": "e",
        "response_id": "r", "item_id": "i", "part": {"type": "video"}}),
    );
    assert!(matches!(event, ServerEvent::ContentPartAdded(added) if added.part == Part::Unknown));
}

#[test]
fn a_wrong_client_event_names_the_field_and_keeps_its_id() {
    let error = |frame: &str| ClientMessage::parse(frame).unwrap_err();
    assert!(matches!(error("{").error, DecodeError::Json(_)));
    assert!(matches!(error("[1]").error, DecodeError::Json(_)));
    assert_eq!(error(r#"{"event_id":"e"}"#).error, DecodeError::NoType);
    assert_eq!(
        error(r#"{"event_id":"e","type":7}"#).event_id.as_deref(),
        Some("e")
    );
    assert_eq!(
        error(r#"{"type":"response.make","event_id":"e"}"#).error,
        DecodeError::UnknownType("response.make".into())
    );
    for (frame, expected) in [
        (
            r#"{"type":"session.update","event_id":"e","session":{"audio":{"output":{"speed":"fast"}}}}"#,
            "session.audio.output.speed",
        ),
        (
            r#"{"type":"session.update","event_id":"e","session":{"audio":{"input":{"turn_detection":{"type":"psychic"}}}}}"#,
            "session.audio.input.turn_detection.type",
        ),
        (
            r#"{"type":"session.update","event_id":"e","session":{"type":"other"}}"#,
            "session.type",
        ),
        (
            r#"{"type":"session.update","event_id":"e","session":{"audio":{"input":{"turn_detection":{"type":"server_vad","threshold":"high"}}}}}"#,
            "session.audio.input.turn_detection.threshold",
        ),
        (
            r#"{"type":"conversation.item.create","event_id":"e","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":7}]}}"#,
            "item.content[1].text",
        ),
        (
            r#"{"type":"session.update","event_id":"e","session":{"tools":[{"type":"function","name":7}]}}"#,
            "session.tools[0].name",
        ),
    ] {
        let failed = error(frame);
        assert_eq!(failed.event_id.as_deref(), Some("e"));
        let DecodeError::Payload { param, message, .. } = failed.error else {
            panic!("{frame}")
        };
        assert_eq!(param, expected);
        assert!(message.contains(expected), "{message}");
    }
    for (frame, expected) in [
        (r#"{"type":"session.update"}"#, "session"),
        (
            r#"{"type":"conversation.item.create","item":{}}"#,
            "item.type",
        ),
        (
            r#"{"type":"conversation.item.create","item":{"type":"function_call"}}"#,
            "item.name",
        ),
        (
            r#"{"type":"response.create","response":{"input":[{"type":"message","role":"user","content":[{"type":"input_text"}]}]}}"#,
            "response.input[0].content[0].text",
        ),
    ] {
        let DecodeError::Missing { param, .. } = error(frame).error else {
            panic!("{frame}")
        };
        assert_eq!(param, expected);
    }
}

#[test]
fn a_session_without_its_type_is_told_apart_and_still_written_with_it() {
    let session: Session = serde_json::from_value(json!({})).unwrap();
    assert_eq!(session.kind, SessionType::Absent);
    assert_eq!(json!(session), json!({"type": "realtime"}));
    assert_eq!(Session::default().kind, SessionType::Realtime);
}

#[test]
fn turn_detection_is_on_by_default_within_an_object() {
    let vad: TurnDetection = serde_json::from_value(json!({"type": "server_vad"})).unwrap();
    assert!(vad.creates_response() && vad.interrupts_response());
    let vad: TurnDetection =
        serde_json::from_value(json!({"type": "semantic_vad", "create_response": false})).unwrap();
    assert!(!vad.creates_response() && vad.interrupts_response());
}
