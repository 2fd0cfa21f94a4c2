//! Responses: their events, their order, and that each has exactly one end.

use openai_realtime::{
    ClientEvent, Item, ItemStatus, NoFields, Part, ResponseCancel, ResponseStatus, ServerEvent,
    code, reason,
};
use serde_json::{Value, json};

use super::support::{Server, kinds, saying, spoken};

fn cancel(id: Option<&str>) -> ClientEvent {
    ClientEvent::ResponseCancel(ResponseCancel {
        response_id: id.map(str::to_owned),
    })
}

fn tools() -> Value {
    json!([
        {"type": "function", "name": "get_plan", "description": "Looks up the plan the caller is on right now.",
         "parameters": {"type": "object", "properties": {}}},
        {"type": "function", "name": "end_call", "description": "Ends the call.",
         "parameters": {"type": "object", "properties": {"reason": {"type": "string"}}}}
    ])
}

#[tokio::test]
async fn a_spoken_response_has_its_events_in_order() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    let text = "This is the first sentence of it. And here is the second one, which is longer.";
    let mut response = saying(text);
    response["metadata"] = json!({"client_event_id": "e1", "n": "2"});
    client.create(response).await;
    let events = client.until_done().await;
    let mut order = kinds(&events);
    order.retain(|kind| *kind != "response.output_audio.delta");
    order.dedup();
    assert_eq!(
        order,
        [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
    );
    let ServerEvent::ResponseCreated(created) = &events[0] else {
        panic!()
    };
    let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
        panic!()
    };
    assert_eq!(created.response.id, done.response.id);
    let metadata = json!({"client_event_id": "e1", "n": "2"});
    for response in [&created.response, &done.response] {
        assert_eq!(json!(response.metadata), metadata);
        assert!(response.conversation_id.is_some());
    }
    assert_eq!(created.response.status, ResponseStatus::InProgress);
    assert_eq!(done.response.status, ResponseStatus::Completed);
    assert_eq!(
        done.response.output[0].status(),
        Some(ItemStatus::Completed)
    );
    assert!(done.response.usage.is_some() && done.response.status_details.is_none());
    let (said, samples) = spoken(&events);
    assert_eq!(said.trim_end(), text);
    assert_eq!(
        samples.len(),
        said.len() * 480,
        "every clause was spoken once"
    );
    let ServerEvent::OutputItemAdded(added) = &events[1] else {
        panic!()
    };
    let Item::Message(message) = &added.item else {
        panic!()
    };
    assert!(message.content.is_empty() && message.status == Some(ItemStatus::InProgress));
    let part = events.iter().find_map(|event| match event {
        ServerEvent::ContentPartAdded(added) => Some(&added.part),
        _ => None,
    });
    assert!(matches!(part, Some(Part::Audio { .. })));
    let is_small = |event: &ServerEvent| match event {
        ServerEvent::OutputAudioDelta(delta) => delta.delta.len() <= 4_800 * 2 * 4 / 3,
        _ => true,
    };
    assert!(events.iter().all(is_small), "a delta is at most 200 ms");
}

#[tokio::test]
async fn a_text_response_has_no_audio() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    let mut response = saying("Just text.");
    response["output_modalities"] = json!(["text"]);
    client.create(response).await;
    let events = client.until_done().await;
    assert_eq!(
        kinds(&events)[3..7],
        [
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
        ]
    );
    let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
        panic!()
    };
    let Item::Message(message) = &done.response.output[0] else {
        panic!()
    };
    assert_eq!(message.words(), "Just text.");
}

#[tokio::test]
async fn a_question_becomes_a_call_and_its_output_an_answer() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client.update(json!({"tools": tools()})).await;
    client.say("What plan am I on right now?").await;
    client.create(json!({})).await;
    let events = client.until_done().await;
    assert_eq!(
        kinds(&events),
        [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
    );
    let ServerEvent::OutputItemDone(done) = &events[5] else {
        panic!()
    };
    let Item::FunctionCall(call) = &done.item else {
        panic!()
    };
    let call_id = call.call_id.clone().unwrap();
    assert_eq!(
        (call.name.as_str(), call.arguments.as_str()),
        ("get_plan", "{}")
    );
    assert_eq!(call.status, Some(ItemStatus::Completed));
    assert!(call_id.len() <= 32);
    let ServerEvent::FunctionCallArgumentsDone(arguments) = &events[4] else {
        panic!()
    };
    assert_eq!(
        (arguments.name.as_str(), &arguments.call_id),
        ("get_plan", &call_id)
    );

    client
        .add(Item::function_call_output(
            call_id,
            r#"{"plan_am_i_on_right_now":"gold"}"#,
        ))
        .await;
    client.create(json!({})).await;
    let (said, _) = spoken(&client.until_done().await);
    assert_eq!(said.trim(), "Your plan am i on right now is gold.");
}

#[tokio::test]
async fn a_goodbye_calls_the_tool_that_ends_the_call_and_is_said_after_it() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client.update(json!({"tools": tools()})).await;
    client.say("Okay, goodbye.").await;
    client.create(json!({})).await;
    let events = client.until_done().await;
    let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
        panic!()
    };
    let [Item::FunctionCall(call)] = &done.response.output[..] else {
        panic!("{:?}", done.response.output)
    };
    assert_eq!(call.name, "end_call");
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
    assert!(arguments["reason"].is_string());
    let output = Item::function_call_output(call.call_id.clone().unwrap(), r#"{"ok":true}"#);
    client.add(output).await;
    client.create(json!({})).await;
    let (said, _) = spoken(&client.until_done().await);
    assert_eq!(said.trim(), "Thank you for calling. Goodbye!");
}

#[tokio::test]
async fn one_response_at_a_time_and_out_of_band_ones_beside_it() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client.create(saying("Please hold the line.")).await;
    let events = client
        .until(|event| matches!(event, ServerEvent::ContentPartAdded(_)))
        .await;
    let ServerEvent::ResponseCreated(first) = &events[0] else {
        panic!()
    };
    client.create(json!({})).await;
    let error = client.error().await;
    assert_eq!(
        error.code.as_deref(),
        Some(code::ALREADY_HAS_ACTIVE_RESPONSE)
    );

    let mut beside = saying("Beside.");
    beside["conversation"] = json!("none");
    beside["output_modalities"] = json!(["text"]);
    beside["metadata"] = json!({"topic": "beside"});
    client.create(beside).await;
    let events = client.until_done().await;
    assert!(
        !kinds(&events).contains(&"conversation.item.added"),
        "{:?}",
        kinds(&events)
    );
    let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
        panic!()
    };
    assert_eq!(done.response.conversation_id, None);
    assert_eq!(json!(done.response.metadata), json!({"topic": "beside"}));

    server.scripted.release();
    let events = client.until_done().await;
    let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
        panic!()
    };
    assert_eq!(done.response.id, first.response.id);
    assert_eq!(done.response.status, ResponseStatus::Completed);
}

#[tokio::test]
async fn too_many_out_of_band_responses_are_refused() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    let mut held = saying("hold");
    held["conversation"] = json!("none");
    for _ in 0..5 {
        client.create(held.clone()).await;
    }
    let events = client
        .until(|event| matches!(event, ServerEvent::Error(_)))
        .await;
    let is_begun = |event: &&ServerEvent| matches!(event, ServerEvent::ResponseCreated(_));
    assert_eq!(events.iter().filter(is_begun).count(), 4);
    let Some(ServerEvent::Error(refused)) = events.last() else {
        panic!()
    };
    let refused = &refused.error;
    assert_eq!(refused.code.as_deref(), Some(code::BAD_RESPONSE_CREATE));
}

#[tokio::test]
async fn a_cancelled_response_ends_once_and_nothing_of_it_follows() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    client.send(cancel(None)).await;
    let error = client.error().await;
    assert_eq!(
        error.code.as_deref(),
        Some(code::RESPONSE_CANCEL_NOT_ACTIVE)
    );
    assert!(error.message.starts_with("Cancellation failed"));

    client
        .create(saying(
            "This comes at once. But then please hold on for a while, will you?",
        ))
        .await;
    client
        .until(|event| matches!(event, ServerEvent::OutputAudioDelta(_)))
        .await;
    client.send(cancel(None)).await;
    let events = client.until_done().await;
    let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
        panic!()
    };
    assert_eq!(done.response.status, ResponseStatus::Cancelled);
    let details = done.response.status_details.as_ref().unwrap();
    assert_eq!(details.reason.as_deref(), Some(reason::CLIENT_CANCELLED));
    assert_eq!(
        done.response.output[0].status(),
        Some(ItemStatus::Incomplete)
    );
    for due in [
        "response.output_audio.done",
        "response.content_part.done",
        "response.output_item.done",
    ] {
        assert!(kinds(&events).contains(&due), "{due} is due on cancel too");
    }
    client.send(cancel(Some(&done.response.id))).await;
    assert_eq!(
        client.error().await.code.as_deref(),
        Some(code::RESPONSE_CANCEL_NOT_ACTIVE)
    );
    server.scripted.release();
    client.create(saying("Next.")).await;
    let events = client.until_done().await;
    assert_eq!(
        spoken(&events).0,
        "Next.",
        "nothing of the cancelled one came in between"
    );
}

#[tokio::test]
async fn a_model_that_fails_or_panics_fails_the_response_and_not_the_session() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    for text in ["This will fail.", "This will panic."] {
        client.create(saying(text)).await;
        let events = client.until_done().await;
        let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
            panic!()
        };
        assert_eq!(done.response.status, ResponseStatus::Failed, "{text}");
        let error = done
            .response
            .status_details
            .as_ref()
            .unwrap()
            .error
            .as_ref()
            .unwrap();
        assert_eq!(error.kind, "server_error");
    }
    client.create(saying("Still here.")).await;
    assert_eq!(spoken(&client.until_done().await).0, "Still here.");
}

#[tokio::test]
async fn wrong_parameters_are_refused_before_anything_begins() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    let many: Value = (0..17)
        .map(|n| (format!("k{n}"), json!("v")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    for (response, param) in [
        (json!({"metadata": many}), "response.metadata"),
        (
            json!({"output_modalities": []}),
            "response.output_modalities",
        ),
        (
            json!({"audio": {"output": {"voice": "nobody"}}}),
            "response.audio.output.voice",
        ),
        (
            json!({"input": [{"type": "item_reference", "id": "gone"}]}),
            "response.input[0].id",
        ),
    ] {
        client.create(response).await;
        assert_eq!(client.error().await.param.as_deref(), Some(param));
    }
    client
        .send(ClientEvent::InputAudioBufferClear(NoFields {}))
        .await;
    assert!(matches!(
        client.next().await,
        ServerEvent::InputAudioBufferCleared(_)
    ));
}

#[tokio::test]
async fn an_answer_can_be_made_from_given_input_and_references() {
    let server = Server::start().await;
    let mut client = server.manual_session().await;
    let said = client.say("Read me out.").await;
    client.say("Not me.").await;
    client
        .create(
            json!({"conversation": "none", "instructions": "Read the text aloud, word for word.",
            "input": [{"type": "item_reference", "id": said}]}),
        )
        .await;
    assert_eq!(spoken(&client.until_done().await).0, "Read me out.");
}
