//! Every event of the protocol survives a round trip unchanged.

use openai_realtime::{ClientEvent, ClientMessage, Nullable, ServerEvent, ServerMessage, Session};
use serde_json::{Value, json};

/// Every client event, in full and at its smallest.
fn client_events() -> Vec<Value> {
    vec![
        json!({"type": "session.update", "event_id": "e1", "session": {
            "type": "realtime", "model": "m", "instructions": "Be brief.",
            "output_modalities": ["audio"], "max_output_tokens": "inf",
            "tools": [{"type": "function", "name": "f", "description": "d",
                       "parameters": {"type": "object", "properties": {}}}],
            "tool_choice": "auto", "parallel_tool_calls": true,
            "reasoning": {"effort": "low"}, "tracing": "auto", "truncation": "auto",
            "include": ["item.input_audio_transcription.logprobs"],
            "audio": {
                "input": {"format": {"type": "audio/pcm", "rate": 24000},
                          "transcription": {"model": "gpt-transcribe", "language": "en", "prompt": "Acme"},
                          "noise_reduction": {"type": "near_field"},
                          "turn_detection": {"type": "server_vad", "threshold": 0.5,
                              "prefix_padding_ms": 300, "silence_duration_ms": 500,
                              "idle_timeout_ms": 6000, "create_response": true,
                              "interrupt_response": false}},
                "output": {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.25}}}}),
        json!({"type": "session.update", "session": {"type": "realtime",
            "audio": {"input": {"turn_detection": null}}}}),
        json!({"type": "session.update", "session": {"type": "realtime", "max_output_tokens": 800,
            "tool_choice": {"type": "function", "name": "f"},
            "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"},
                                "noise_reduction": null, "transcription": null},
                      "output": {"voice": {"id": "voice_1"}}}}}),
        json!({"type": "input_audio_buffer.append", "audio": "AAA="}),
        json!({"type": "input_audio_buffer.commit", "event_id": "e2"}),
        json!({"type": "input_audio_buffer.clear"}),
        json!({"type": "conversation.item.create", "previous_item_id": "root", "item":
            {"type": "message", "id": "i1", "role": "user",
             "content": [{"type": "input_text", "text": "Hello"}]}}),
        json!({"type": "conversation.item.create", "item": {"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi"}]}}),
        json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user",
            "content": [{"type": "input_audio", "audio": "AAA=", "transcript": "x"},
                        {"type": "input_image", "image_url": "data:,", "detail": "low"}]}}),
        json!({"type": "conversation.item.create", "item":
            {"type": "function_call_output", "call_id": "c1", "output": "{}"}}),
        json!({"type": "conversation.item.create", "item": {"type": "function_call", "name": "f",
            "call_id": "c1", "arguments": "{}"}}),
        json!({"type": "conversation.item.retrieve", "item_id": "i1"}),
        json!({"type": "conversation.item.truncate", "item_id": "i1", "content_index": 0,
            "audio_end_ms": 1200}),
        json!({"type": "conversation.item.delete", "item_id": "i1"}),
        json!({"type": "response.create"}),
        json!({"type": "response.create", "event_id": "e3", "response": {
            "conversation": "none", "input": [{"type": "item_reference", "id": "i1"}],
            "instructions": "Say hello.", "metadata": {"client_event_id": "e3"},
            "output_modalities": ["text"], "max_output_tokens": 100,
            "audio": {"output": {"voice": "cedar", "format": {"type": "audio/pcm", "rate": 24000}}},
            "tools": [], "tool_choice": "none"}}),
        json!({"type": "response.create", "response": {"input": []}}),
        json!({"type": "response.cancel"}),
        json!({"type": "response.cancel", "response_id": "r1"}),
        json!({"type": "output_audio_buffer.clear"}),
    ]
}

fn position(event_type: &str, extra: Value) -> Value {
    let mut event = json!({"type": event_type, "event_id": "e", "response_id": "r1",
        "item_id": "i1", "output_index": 0, "content_index": 0});
    let (Value::Object(event_fields), Value::Object(extra)) = (&mut event, extra) else {
        unreachable!("both are objects")
    };
    event_fields.extend(extra);
    event
}

/// Every server event that applies without MCP.
fn server_events() -> Vec<Value> {
    let session = json!({"type": "realtime", "id": "sess_1", "object": "realtime.session",
        "expires_at": 1_790_000_000, "audio": {"input": {"turn_detection": null}}});
    let usage = json!({"total_tokens": 10, "input_tokens": 7, "output_tokens": 3,
        "input_token_details": {"text_tokens": 1, "audio_tokens": 6, "image_tokens": 0,
            "cached_tokens": 4, "cached_tokens_details":
                {"text_tokens": 1, "audio_tokens": 3, "image_tokens": 0}},
        "output_token_details": {"text_tokens": 1, "audio_tokens": 2}});
    let assistant = json!({"type": "message", "id": "i2", "object": "realtime.item",
        "status": "completed", "role": "assistant",
        "content": [{"type": "output_audio", "transcript": "Hi"}]});
    let call = json!({"type": "function_call", "id": "i3", "object": "realtime.item",
        "status": "in_progress", "name": "f", "call_id": "c1", "arguments": ""});
    vec![
        json!({"type": "error", "event_id": "e", "error": {"type": "invalid_request_error",
            "code": "invalid_value", "message": "no", "param": "session.type", "event_id": "c"}}),
        json!({"type": "session.created", "event_id": "e", "session": session}),
        json!({"type": "session.updated", "event_id": "e", "session": session}),
        json!({"type": "conversation.item.added", "event_id": "e", "previous_item_id": null,
            "item": {"type": "message", "id": "i1", "object": "realtime.item",
                "status": "completed", "role": "user",
                "content": [{"type": "input_audio", "transcript": null}]}}),
        json!({"type": "conversation.item.done", "event_id": "e", "previous_item_id": "i1",
            "item": assistant}),
        json!({"type": "conversation.item.retrieved", "event_id": "e", "item":
            {"type": "message", "id": "i2", "role": "assistant",
             "content": [{"type": "output_audio", "audio": "AAA=", "transcript": "Hi"}]}}),
        json!({"type": "conversation.item.truncated", "event_id": "e", "item_id": "i2",
            "content_index": 0, "audio_end_ms": 100}),
        json!({"type": "conversation.item.deleted", "event_id": "e", "item_id": "i2"}),
        json!({"type": "conversation.item.input_audio_transcription.delta", "event_id": "e",
            "item_id": "i1", "content_index": 0, "delta": "What "}),
        json!({"type": "conversation.item.input_audio_transcription.completed", "event_id": "e",
            "item_id": "i1", "content_index": 0, "transcript": "What plan?",
            "usage": {"type": "duration", "seconds": 1.5}}),
        json!({"type": "conversation.item.input_audio_transcription.completed", "event_id": "e",
            "item_id": "i1", "content_index": 0, "transcript": "What plan?",
            "usage": {"type": "tokens", "input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}),
        json!({"type": "conversation.item.input_audio_transcription.failed", "event_id": "e",
            "item_id": "i1", "content_index": 0, "error": {"type": "server_error", "code": null,
                "message": "no", "param": null, "event_id": null}}),
        json!({"type": "conversation.item.input_audio_transcription.segment", "event_id": "e",
            "id": "s", "item_id": "i1", "content_index": 0, "start": 0.5, "end": 1.5,
            "speaker": "A", "text": "Hi"}),
        json!({"type": "input_audio_buffer.committed", "event_id": "e", "item_id": "i1",
            "previous_item_id": "i0"}),
        json!({"type": "input_audio_buffer.cleared", "event_id": "e"}),
        json!({"type": "input_audio_buffer.speech_started", "event_id": "e", "item_id": "i1",
            "audio_start_ms": 10}),
        json!({"type": "input_audio_buffer.speech_stopped", "event_id": "e", "item_id": "i1",
            "audio_end_ms": 900}),
        json!({"type": "input_audio_buffer.timeout_triggered", "event_id": "e", "item_id": "i1",
            "audio_start_ms": 10, "audio_end_ms": 900}),
        json!({"type": "input_audio_buffer.dtmf_event_received", "event_id": "e", "event": "9",
            "received_at": 1.5}),
        json!({"type": "output_audio_buffer.started", "event_id": "e", "response_id": "r1"}),
        json!({"type": "output_audio_buffer.stopped", "event_id": "e", "response_id": "r1"}),
        json!({"type": "output_audio_buffer.cleared", "event_id": "e", "response_id": "r1"}),
        json!({"type": "response.created", "event_id": "e", "response": {"id": "r1",
            "object": "realtime.response", "status": "in_progress", "status_details": null,
            "output": [], "conversation_id": "conv_1", "output_modalities": ["audio"],
            "max_output_tokens": "inf", "audio": {"output": {"voice": "marin",
                "format": {"type": "audio/pcm", "rate": 24000}}},
            "metadata": {"client_event_id": "e3"}, "usage": null}}),
        json!({"type": "response.done", "event_id": "e", "response": {"id": "r1",
            "object": "realtime.response", "status": "cancelled",
            "status_details": {"type": "cancelled", "reason": "turn_detected"},
            "output": [assistant, call], "conversation_id": null, "metadata": null,
            "usage": usage}}),
        json!({"type": "response.output_item.added", "event_id": "e", "response_id": "r1",
            "output_index": 0, "item": call}),
        json!({"type": "response.output_item.done", "event_id": "e", "response_id": "r1",
            "output_index": 0, "item": assistant}),
        position(
            "response.content_part.added",
            json!({"part": {"type": "audio"}}),
        ),
        position(
            "response.content_part.added",
            json!({"part": {"type": "text", "text": ""}}),
        ),
        position(
            "response.content_part.done",
            json!({"part": {"type": "audio", "transcript": "Hi"}}),
        ),
        position("response.output_text.delta", json!({"delta": "Hi"})),
        position("response.output_text.done", json!({"text": "Hi"})),
        position("response.output_audio.delta", json!({"delta": "AAA="})),
        position("response.output_audio.done", json!({})),
        position(
            "response.output_audio_transcript.delta",
            json!({"delta": "Hi"}),
        ),
        position(
            "response.output_audio_transcript.done",
            json!({"transcript": "Hi"}),
        ),
        json!({"type": "response.function_call_arguments.delta", "event_id": "e",
            "response_id": "r1", "item_id": "i3", "output_index": 0, "call_id": "c1", "delta": "{"}),
        json!({"type": "response.function_call_arguments.done", "event_id": "e",
            "response_id": "r1", "item_id": "i3", "output_index": 0, "call_id": "c1",
            "name": "f", "arguments": "{}"}),
        json!({"type": "rate_limits.updated", "event_id": "e", "rate_limits": [
            {"name": "tokens", "limit": 10, "remaining": 5, "reset_seconds": 1.5}]}),
    ]
}

#[test]
fn every_client_event_survives_a_round_trip() {
    for event in client_events() {
        let message = ClientMessage::parse(&event.to_string())
            .unwrap_or_else(|error| panic!("{event}: {error}"));
        assert_eq!(serde_json::to_value(&message).unwrap(), event);
        assert_eq!(message.event.event_type(), event["type"]);
    }
}

#[test]
fn every_server_event_survives_a_round_trip() {
    for event in server_events() {
        let message = ServerMessage::parse(&event.to_string())
            .unwrap_or_else(|error| panic!("{event}: {error}"));
        assert!(!matches!(message.event, ServerEvent::Unknown(_)), "{event}");
        assert_eq!(serde_json::to_value(&message).unwrap(), event);
        assert_eq!(message.event.event_type(), event["type"]);
    }
}

#[test]
fn unset_response_parameters_stay_off_the_wire() {
    let bare = ClientMessage::from(ClientEvent::ResponseCreate(Default::default()));
    assert_eq!(
        serde_json::to_value(bare).unwrap(),
        json!({"type": "response.create"})
    );
}

fn session(value: Value) -> Session {
    serde_json::from_value(value).unwrap()
}

#[test]
fn an_update_merges_audio_field_by_field_and_null_clears() {
    let mut current = session(json!({"type": "realtime", "instructions": "Old.",
        "tools": [{"type": "function", "name": "f"}],
        "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"model": "m", "language": "en"},
                "turn_detection": {"type": "server_vad", "silence_duration_ms": 900}},
            "output": {"voice": "marin", "speed": 1.0}}}));
    current.merge(session(json!({"type": "realtime", "tools": [],
        "audio": {"input": {"transcription": {"language": "de"},
                "turn_detection": {"type": "semantic_vad"}},
            "output": {"speed": 1.5}}})));
    assert_eq!(
        serde_json::to_value(&current).unwrap(),
        json!({"type": "realtime", "instructions": "Old.", "tools": [],
            "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": {"model": "m", "language": "de"},
                    "turn_detection": {"type": "semantic_vad"}},
                "output": {"voice": "marin", "speed": 1.5}}})
    );
    current.merge(session(json!({"type": "realtime", "instructions": "",
        "audio": {"input": {"turn_detection": null, "transcription": null}}})));
    assert_eq!(current.turn_detection(), None);
    assert_eq!(current.instructions.as_deref(), Some(""));
    let input = current.audio_input().unwrap();
    assert_eq!(input.turn_detection, Nullable::Null);
    assert_eq!(input.transcription, Nullable::Null);
}
