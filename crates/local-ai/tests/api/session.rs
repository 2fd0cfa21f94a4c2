//! Every client event that is not about responses: right, wrong, and twice.

use std::collections::HashSet;

use futures::{SinkExt as _, StreamExt as _};
use openai_realtime::client::{Closed, ConnectError, connect};
use openai_realtime::{
    ClientEvent, ContentPart, ConversationItemCreate, ConversationItemTruncate,
    InputAudioBufferAppend, Item, ItemId, ItemStatus, NoFields, Nullable, Role, ServerEvent, audio,
    code,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::support::{Client, Server, saying};

#[tokio::test]
async fn a_session_begins_complete_on_both_paths_and_without_a_key() {
    let server = Server::start().await;
    for path in ["/v1/realtime?model=mine", "/realtime"] {
        let url = format!("ws://{}{path}", server.address);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let frame = socket.next().await.unwrap().unwrap();
        let created: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
        assert_eq!(created["type"], "session.created");
        let session = &created["session"];
        assert_eq!(session["type"], "realtime");
        assert_eq!(session["object"], "realtime.session");
        assert!(session["id"].as_str().unwrap().starts_with("sess_"));
        let expected = if path.contains("mine") {
            "mine"
        } else {
            "local-realtime"
        };
        assert_eq!(session["model"], expected);
        for direction in ["input", "output"] {
            let format = &session["audio"][direction]["format"];
            assert_eq!(*format, json!({"type": "audio/pcm", "rate": 24000}));
        }
        assert_eq!(
            session["audio"]["input"]["turn_detection"],
            json!({"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300,
                "silence_duration_ms": 500, "create_response": true, "interrupt_response": true})
        );
    }
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// The next event, whose id must not have been used before.
async fn next(socket: &mut Socket, ids: &mut HashSet<String>) -> Value {
    loop {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else {
            continue;
        };
        let event: Value = serde_json::from_str(&text).unwrap();
        assert!(
            ids.insert(event["event_id"].as_str().unwrap().to_owned()),
            "{event}"
        );
        return event;
    }
}

#[tokio::test]
async fn every_bad_frame_is_one_error_with_its_event_id_and_the_session_goes_on() {
    let server = Server::start().await;
    let url = format!("ws://{}/v1/realtime", server.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut ids = HashSet::new();
    assert_eq!(next(&mut socket, &mut ids).await["type"], "session.created");
    for (frame, code, param, event_id) in [
        ("{", code::INVALID_JSON, Value::Null, Value::Null),
        ("[]", code::INVALID_JSON, Value::Null, Value::Null),
        (
            r#"{"event_id":"a"}"#,
            code::UNKNOWN_EVENT,
            json!("type"),
            json!("a"),
        ),
        (
            r#"{"type":"session.update","event_id":"t","session":{"type":"realtime","tools":[{"type":"mcp"}]}}"#,
            code::INVALID_VALUE,
            json!("session.tools[0].type"),
            json!("t"),
        ),
        (
            r#"{"type":"conversation.item.create","event_id":"i","item":{"type":"mcp_call"}}"#,
            code::INVALID_VALUE,
            json!("item.type"),
            json!("i"),
        ),
        (
            r#"{"type":"x","event_id":"b"}"#,
            code::UNKNOWN_EVENT,
            json!("type"),
            json!("b"),
        ),
        (
            r#"{"type":"session.update","event_id":"c"}"#,
            code::MISSING_PARAMETER,
            json!("session"),
            json!("c"),
        ),
        (
            r#"{"type":"input_audio_buffer.append","event_id":"d","audio":7}"#,
            code::INVALID_VALUE,
            json!("audio"),
            json!("d"),
        ),
        (
            r#"{"type":"output_audio_buffer.clear","event_id":"e"}"#,
            code::INVALID_VALUE,
            json!("type"),
            json!("e"),
        ),
    ] {
        socket.send(Message::text(frame)).await.unwrap();
        let event = next(&mut socket, &mut ids).await;
        assert_eq!(event["type"], "error", "{frame}");
        let error = &event["error"];
        assert_eq!(
            (
                &error["code"],
                &error["param"],
                &error["event_id"],
                &error["type"]
            ),
            (
                &json!(code),
                &param,
                &event_id,
                &json!("invalid_request_error")
            ),
            "{frame}"
        );
    }
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(
        next(&mut socket, &mut ids).await["error"]["code"],
        code::INVALID_JSON
    );
    socket
        .send(Message::text(r#"{"type":"input_audio_buffer.clear"}"#))
        .await
        .unwrap();
    assert_eq!(
        next(&mut socket, &mut ids).await["type"],
        "input_audio_buffer.cleared"
    );
}

#[tokio::test]
async fn the_beta_protocol_is_refused_by_name() {
    let server = Server::start().await;
    let mut request = format!("ws://{}/v1/realtime", server.address)
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("OpenAI-Beta", "realtime=v1".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let frame = socket.next().await.unwrap().unwrap();
    let error: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], code::BETA_API_SHAPE_DISABLED);
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(frame) => {
                assert_eq!(u16::from(frame.unwrap().code), 4000);
                return;
            }
            _ => continue,
        }
    }
}

#[tokio::test]
async fn an_update_merges_and_the_whole_session_comes_back() {
    let server = Server::start().await;
    let mut client = server.session().await;
    let updated = async |client: &mut Client, update: Value| -> Value {
        match client.update(update).await {
            ServerEvent::SessionUpdated(event) => serde_json::to_value(event.session).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let session = updated(
        &mut client,
        json!({"type": "realtime", "instructions": "Be brief.", "model": "another", "id": "mine",
            "tools": [{"type": "function", "name": "f"}],
            "audio": {"output": {"speed": 1.25, "voice": "cedar"},
                "input": {"transcription": {"model": "gpt-transcribe"},
                    "turn_detection": {"type": "semantic_vad", "eagerness": "high"}}}}),
    )
    .await;
    assert_eq!(session["instructions"], "Be brief.");
    assert_ne!(session["model"], "another", "the model is fixed");
    assert_ne!(session["id"], "mine");
    assert_eq!(session["audio"]["output"]["voice"], "cedar");
    assert_eq!(
        session["audio"]["input"]["turn_detection"],
        json!({"type": "semantic_vad", "eagerness": "high", "create_response": true,
            "interrupt_response": true})
    );
    let session = updated(
        &mut client,
        json!({"audio": {"input": {"turn_detection": null}}, "tools": []}),
    )
    .await;
    assert_eq!(session["audio"]["input"]["turn_detection"], Value::Null);
    assert_eq!(
        session["audio"]["input"]["transcription"],
        json!({"model": "gpt-transcribe"})
    );
    assert_eq!(session["tools"], json!([]));
    assert_eq!(session["instructions"], "Be brief.", "absent fields stay");
}

#[tokio::test]
async fn an_update_with_one_wrong_field_changes_nothing() {
    let server = Server::start().await;
    let mut client = server.session().await;
    for (update, param) in [
        (json!({"type": "transcription"}), "session.type"),
        (
            json!({"output_modalities": ["audio", "text"]}),
            "session.output_modalities",
        ),
        (
            json!({"audio": {"input": {"format": {"type": "audio/pcmu"}}}}),
            "session.audio.input.format.type",
        ),
        (
            json!({"audio": {"output": {"format": {"type": "audio/pcm", "rate": 8000}}}}),
            "session.audio.output.format.rate",
        ),
        (
            json!({"audio": {"output": {"voice": "nobody"}}}),
            "session.audio.output.voice",
        ),
        (
            json!({"audio": {"output": {"speed": 9.0}}}),
            "session.audio.output.speed",
        ),
        (
            json!({"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2.0}}}}),
            "session.audio.input.turn_detection.threshold",
        ),
        (
            json!({"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 99999}}}}),
            "session.audio.input.turn_detection.silence_duration_ms",
        ),
    ] {
        let mut update = update;
        update["instructions"] = json!("changed");
        let ServerEvent::Error(event) = client.update(update.clone()).await else {
            panic!("{update} was accepted")
        };
        assert_eq!(event.error.param.as_deref(), Some(param));
    }
    let ServerEvent::SessionUpdated(event) = client.update(json!({})).await else {
        panic!()
    };
    assert_eq!(event.session.instructions.as_deref(), Some(""));
}

#[tokio::test]
async fn the_voice_is_fixed_after_the_first_audio() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client.create(saying("Hi.")).await;
    client.until_done().await;
    let voice = |name: &str| json!({"audio": {"output": {"voice": name}}});
    let ServerEvent::Error(event) = client.update(voice("am_michael")).await else {
        panic!()
    };
    assert_eq!(event.error.code.as_deref(), Some(code::CANNOT_UPDATE));
    assert!(matches!(
        client.update(voice("af_heart")).await,
        ServerEvent::SessionUpdated(_)
    ));
}

#[tokio::test]
async fn items_are_created_retrieved_and_deleted_by_their_ids() {
    let server = Server::start().await;
    let mut client = server.session().await;
    let create = |id: &str, previous: Option<&str>| {
        ClientEvent::ConversationItemCreate(ConversationItemCreate {
            previous_item_id: previous.map(str::to_owned),
            item: Item::text(Role::User, id).with_id(id),
        })
    };
    for (id, previous, before) in [
        ("a", None, None),
        ("b", None, Some("a")),
        ("c", Some("a"), Some("a")),
        ("d", Some("root"), None),
    ] {
        client.send(create(id, previous)).await;
        let ServerEvent::ConversationItemAdded(added) = client.next().await else {
            panic!()
        };
        let ServerEvent::ConversationItemDone(done) = client.next().await else {
            panic!()
        };
        assert_eq!(added, done);
        assert_eq!(added.previous_item_id.as_deref(), before);
        assert_eq!(
            (added.item.id(), added.item.status()),
            (Some(id), Some(ItemStatus::Completed))
        );
    }
    client.send_as("e1", create("a", None)).await;
    let error = client.error().await;
    assert_eq!(error.code.as_deref(), Some(code::DUPLICATE_ITEM_ID));
    assert_eq!(error.event_id.as_deref(), Some("e1"));
    client.send(create("z", Some("nowhere"))).await;
    assert_eq!(
        client.error().await.code.as_deref(),
        Some(code::CREATE_INVALID_PREVIOUS_ITEM)
    );

    let by_id = |id: &str| ItemId {
        item_id: id.to_owned(),
    };
    client
        .send(ClientEvent::ConversationItemRetrieve(by_id("c")))
        .await;
    assert!(
        matches!(client.next().await, ServerEvent::ConversationItemRetrieved(event) if event.item.id() == Some("c"))
    );
    client
        .send(ClientEvent::ConversationItemDelete(by_id("c")))
        .await;
    assert_eq!(
        client.next().await,
        ServerEvent::ConversationItemDeleted(by_id("c"))
    );
    for (event, expected) in [
        (
            ClientEvent::ConversationItemDelete(by_id("c")),
            code::DELETE_INVALID_ITEM_ID,
        ),
        (
            ClientEvent::ConversationItemRetrieve(by_id("c")),
            code::RETRIEVE_INVALID_ITEM_ID,
        ),
    ] {
        client.send(event).await;
        assert_eq!(client.error().await.code.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn items_that_cannot_be_used_are_refused() {
    let server = Server::start().await;
    let mut client = server.session().await;
    for item in [
        json!({"type": "item_reference", "id": "x"}),
        json!({"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]}),
        json!({"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "%"}]}),
    ] {
        let item: Item = serde_json::from_value(item).unwrap();
        let create = ConversationItemCreate {
            previous_item_id: None,
            item,
        };
        client
            .send(ClientEvent::ConversationItemCreate(create))
            .await;
        assert_eq!(
            client.error().await.code.as_deref(),
            Some(code::INVALID_VALUE)
        );
    }
}

#[tokio::test]
async fn appended_audio_must_be_whole_samples_and_long_enough_to_commit() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    let append = |audio: &str| {
        ClientEvent::InputAudioBufferAppend(InputAudioBufferAppend {
            audio: audio.to_owned(),
        })
    };
    for wrong in ["%%%%", "AA=="] {
        client.send(append(wrong)).await;
        assert_eq!(client.error().await.param.as_deref(), Some("audio"));
    }
    let commit = ClientEvent::InputAudioBufferCommit(NoFields {});
    client.send(append("")).await;
    client.send(commit.clone()).await;
    assert_eq!(
        client.error().await.code.as_deref(),
        Some(code::COMMIT_EMPTY)
    );
    client.send(append(&audio::encode(&[0; 2_376]))).await;
    client.send(commit.clone()).await;
    assert_eq!(
        client.error().await.code.as_deref(),
        Some(code::COMMIT_EMPTY),
        "99 ms"
    );
    client.send(append(&audio::encode(&[0; 24]))).await;
    client.send(commit.clone()).await;
    let ServerEvent::InputAudioBufferCommitted(committed) = client.next().await else {
        panic!()
    };
    let ServerEvent::ConversationItemAdded(added) = client.next().await else {
        panic!()
    };
    assert_eq!(added.item.id(), Some(committed.item_id.as_str()));
    assert!(matches!(
        client.next().await,
        ServerEvent::ConversationItemDone(_)
    ));
    client.send(commit).await;
    assert_eq!(
        client.error().await.code.as_deref(),
        Some(code::COMMIT_EMPTY),
        "twice"
    );

    client.append(&[0; 4_800]).await;
    client
        .send(ClientEvent::InputAudioBufferClear(NoFields {}))
        .await;
    assert!(matches!(
        client.next().await,
        ServerEvent::InputAudioBufferCleared(_)
    ));
    client
        .send(ClientEvent::InputAudioBufferCommit(NoFields {}))
        .await;
    assert_eq!(
        client.error().await.code.as_deref(),
        Some(code::COMMIT_EMPTY),
        "cleared"
    );
}

#[tokio::test]
async fn an_answer_is_truncated_to_what_was_heard() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client.create(saying("One two three four.")).await;
    let events = client.until_done().await;
    let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
        panic!()
    };
    let item_id = done.response.output[0].id().unwrap().to_owned();
    let truncate = |audio_end_ms| {
        ClientEvent::ConversationItemTruncate(ConversationItemTruncate {
            item_id: item_id.clone(),
            content_index: 0,
            audio_end_ms,
        })
    };
    client.send(truncate(60_000)).await;
    assert_eq!(client.error().await.param.as_deref(), Some("audio_end_ms"));
    // 19 letters are 380 ms; after 200 ms half of them were heard.
    client.send(truncate(200)).await;
    let ServerEvent::ConversationItemTruncated(truncated) = client.next().await else {
        panic!()
    };
    assert_eq!(
        (truncated.item_id.as_str(), truncated.audio_end_ms),
        (item_id.as_str(), 200)
    );
    let retrieve = ItemId {
        item_id: item_id.clone(),
    };
    client
        .send(ClientEvent::ConversationItemRetrieve(retrieve))
        .await;
    let ServerEvent::ConversationItemRetrieved(found) = client.next().await else {
        panic!()
    };
    let Item::Message(message) = found.item else {
        panic!()
    };
    let [
        ContentPart::OutputAudio {
            audio: Some(sound),
            transcript,
        },
    ] = &message.content[..]
    else {
        panic!("{message:?}")
    };
    assert_eq!(*transcript, None, "the protocol deletes it");
    assert_eq!(audio::decode(sound).unwrap().len(), 4_800);

    let user = client.say("Hi").await;
    let of_user = ConversationItemTruncate {
        item_id: user,
        content_index: 0,
        audio_end_ms: 0,
    };
    client
        .send(ClientEvent::ConversationItemTruncate(of_user))
        .await;
    assert_eq!(
        client.error().await.code.as_deref(),
        Some(code::UNSUPPORTED_CONTENT_TYPE)
    );
}

#[tokio::test]
async fn what_was_said_can_be_retrieved_with_its_sound_and_words() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client
        .update(json!({"audio": {"input": {"transcription": {"model": "any"}}}}))
        .await;
    let sound = super::scripted::speech("Hello.");
    client.append(&sound).await;
    client.commit().await;
    let events = client
        .until(|event| matches!(event, ServerEvent::TranscriptionCompleted(_)))
        .await;
    let ServerEvent::TranscriptionCompleted(completed) = events.last().unwrap() else {
        panic!()
    };
    let item_id = completed.item_id.clone();
    client
        .send(ClientEvent::ConversationItemRetrieve(ItemId { item_id }))
        .await;
    let ServerEvent::ConversationItemRetrieved(found) = client.next().await else {
        panic!()
    };
    let Item::Message(message) = found.item else {
        panic!()
    };
    let [
        ContentPart::InputAudio {
            audio: Some(kept),
            transcript,
        },
    ] = &message.content[..]
    else {
        panic!()
    };
    assert_eq!(*transcript, Nullable::Value("Hello.".to_owned()));
    assert_eq!(audio::decode(kept).unwrap(), sound);
}

#[tokio::test]
async fn sessions_are_admitted_up_to_the_limit_and_places_come_back() {
    let server = Server::with_places(2).await;
    let first = server.session().await;
    let _second = server.session().await;
    let error = connect(&server.options()).await.unwrap_err();
    let ConnectError::Refused {
        status: 503,
        error: detail,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(detail.code.as_deref(), Some("server_overloaded"));
    assert!(error.is_retryable());
    drop(first);
    while connect(&server.options()).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn shutdown_tells_each_session_and_ends_in_time() {
    let mut server = Server::start().await;
    let mut client = server.session().await;
    client.create(saying("Please hold on.")).await;
    assert!(matches!(
        client.next().await,
        ServerEvent::ResponseCreated(_)
    ));
    server.stop();
    let closed = loop {
        if let Err(closed) = client.0.recv().await {
            break closed;
        }
    };
    assert!(
        matches!(closed, Closed::Remote { code: 1012, .. }),
        "{closed:?}"
    );
    assert!(closed.is_retryable());
    server.scripted.release();
    (&mut server.running).await.unwrap().unwrap();
}
