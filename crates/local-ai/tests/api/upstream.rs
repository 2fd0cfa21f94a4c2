//! With a chat endpoint configured: it does the thinking, and its failure is said aloud.

use std::time::Duration;

use local_ai::chat::Chat;
use openai_realtime::{
    ClientEvent, FunctionCall, Item, ResponseCancel, ResponseStatus, ServerEvent,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::endpoint::{Endpoint, Play, Step, said, saying};
use super::support::{Client, Server, spoken};

fn chat(base_url: &str) -> Chat {
    Chat::new(base_url, "m", &SecretString::from("k"))
}

async fn server(endpoint: &Endpoint) -> Server {
    Server::with_chat(chat(&endpoint.base_url)).await
}

/// Says something and gives what is answered.
async fn ask(client: &mut Client) -> Vec<ServerEvent> {
    client.say("Hi").await;
    client.create(json!({})).await;
    client.until_done().await
}

#[tokio::test]
async fn the_endpoint_is_told_the_conversation_and_its_words_are_spoken() {
    let mut endpoint = Endpoint::start(|_, _| saying(&["From the ", "model."])).await;
    let server = server(&endpoint).await;
    let mut client = server.manual_session().await;
    client
        .update(
            json!({"instructions": "Be kind.", "tool_choice": {"type": "function", "name": "f"},
            "tools": [{"type": "function", "name": "f"}]}),
        )
        .await;
    client.say("Hi").await;
    let call = FunctionCall {
        name: "f".to_owned(),
        call_id: Some("c1".to_owned()),
        arguments: "{}".to_owned(),
        ..FunctionCall::default()
    };
    client.add(Item::FunctionCall(call)).await;
    client.add(Item::function_call_output("c1", "7")).await;
    client.create(json!({})).await;
    assert_eq!(spoken(&client.until_done().await).0, "From the model.");
    let request = endpoint.requests.recv().await.unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&request).unwrap());
}

#[tokio::test]
async fn the_first_sentence_is_spoken_while_the_second_is_being_thought_of() {
    let endpoint = Endpoint::start(|_, _| {
        let (first, second) = ("That is the first. ", "This is the second.");
        Play::Stream(vec![said(first), said("This "), Step::Wait, said(second)])
    })
    .await;
    let server = server(&endpoint).await;
    let mut client = server.manual_session().await;
    client.say("Hi").await;
    client.create(json!({})).await;
    let is_sound = |event: &ServerEvent| matches!(event, ServerEvent::OutputAudioDelta(_));
    let before = client.until(is_sound).await;
    assert_eq!(spoken(&before).0.trim(), "That is the first.");
    endpoint.go_on.notify_one();
    let after = client.until_done().await;
    assert_eq!(spoken(&after).0.trim(), "This This is the second.");
}

/// The calls in the output of the response that ends these events, as `name arguments`.
fn calls(events: &[ServerEvent]) -> Vec<String> {
    let Some(ServerEvent::ResponseDone(done)) = events.last() else {
        panic!("the response is not done")
    };
    let call = |item: &Item| match item {
        Item::FunctionCall(call) => Some(format!("{} {}", call.name, call.arguments)),
        _ => None,
    };
    done.response.output.iter().filter_map(call).collect()
}

/// A piece of a call.
fn piece(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> Step {
    Step::Delta(
        json!({"tool_calls": [{"index": index, "id": id, "type": "function",
        "function": {"name": name, "arguments": arguments}}]}),
    )
}

#[tokio::test]
async fn calls_that_arrive_in_pieces_are_put_together() {
    let endpoint = Endpoint::start(|number, _| {
        Play::Stream(match number {
            // One call, in pieces.
            0 => vec![
                piece(0, Some("x"), Some("f"), ""),
                piece(0, None, None, "{\"a\":"),
                piece(0, None, None, "1}"),
            ],
            // Two calls with a gap in the index, in turns, after some words.
            1 => vec![
                said("One moment."),
                piece(0, Some("x"), Some("f"), "{\"a\":"),
                piece(3, Some("y"), Some("g"), "{\"b\":"),
                piece(0, None, None, "1}"),
                piece(3, None, None, "2}"),
            ],
            // Two calls that are not counted up, each with its name again and again.
            2 => vec![
                piece(0, Some("x"), Some("f"), "{\"a\":"),
                piece(0, Some("x"), Some("f"), "1}"),
                piece(0, Some("y"), Some("f"), "{\"a\":2}"),
            ],
            // No arguments, and a call without a name.
            _ => vec![
                piece(0, Some("x"), Some("f"), ""),
                piece(1, Some("y"), None, "{}"),
            ],
        })
    })
    .await;
    let server = server(&endpoint).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        let mut client = server.manual_session().await;
        let events = ask(&mut client).await;
        told.push(format!("{:?} {}", calls(&events), spoken(&events).0));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    ["f {\"a\":1}"] 
    ["f {\"a\":1}", "g {\"b\":2}"] One moment.
    ["f {\"a\":1}", "f {\"a\":2}"] 
    ["f {}"] 
    "#);
}

#[tokio::test]
async fn whatever_goes_wrong_is_one_spoken_sentence_and_the_session_lives_on() {
    let mut told = Vec::new();
    let scripts: [(&str, super::endpoint::Script); 11] = [
        ("a bad request", |_, _| Play::Refuse(400)),
        ("a wrong key", |_, _| Play::Refuse(401)),
        ("too many requests", |_, _| Play::Refuse(429)),
        ("a failure", |_, _| Play::Refuse(500)),
        ("a failure that passes", |number, _| match number {
            0 => Play::Refuse(503),
            _ => saying(&["Here I am."]),
        }),
        ("silence from the start", |_, _| {
            Play::Stream(vec![Step::Hang])
        }),
        ("silence later", |_, _| {
            Play::Stream(vec![said("First this."), Step::Hang])
        }),
        ("a broken stream", |_, _| {
            Play::Stream(vec![said("I was about"), Step::Break])
        }),
        ("what is no chunk", |_, _| {
            Play::Stream(vec![Step::Raw("{\"error\": \"overloaded\"}")])
        }),
        ("nothing", |_, _| Play::Stream(vec![])),
        ("a refusal", |_, _| {
            Play::Stream(vec![Step::Delta(json!({"refusal": "I won't say that."}))])
        }),
    ];
    for (name, script) in scripts {
        let mut endpoint = Endpoint::start(script).await;
        let chat = chat(&endpoint.base_url).with_patience(Duration::from_millis(300));
        let server = Server::with_chat(chat).await;
        let mut client = server.manual_session().await;
        let events = ask(&mut client).await;
        let mut requests = 0;
        while endpoint.requests.try_recv().is_ok() {
            requests += 1;
        }
        told.push(format!("{name} ({requests} asked): {}", spoken(&events).0));
        let again = ask(&mut client).await;
        let Some(ServerEvent::ResponseDone(done)) = again.last() else {
            panic!()
        };
        assert_eq!(done.response.status, ResponseStatus::Completed, "{name}");
    }
    let server = Server::with_chat(chat("http://127.0.0.1:9/v1")).await;
    let mut client = server.manual_session().await;
    told.push(format!(
        "nobody there: {}",
        spoken(&ask(&mut client).await).0
    ));
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_cancelled_response_ends_the_request() {
    let mut endpoint =
        Endpoint::start(|_, _| Play::Stream(vec![said("Well, now."), Step::Hang])).await;
    let server = server(&endpoint).await;
    let mut client = server.manual_session().await;
    client.say("Hi").await;
    client.create(json!({})).await;
    let is_sound = |event: &ServerEvent| matches!(event, ServerEvent::ResponseCreated(_));
    client.until(is_sound).await;
    endpoint.requests.recv().await.unwrap();
    let cancel = ResponseCancel { response_id: None };
    client.send(ClientEvent::ResponseCancel(cancel)).await;
    client.until_done().await;
    endpoint.ended.recv().await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_gone_ends_the_request() {
    let mut endpoint = Endpoint::start(|_, _| Play::Stream(vec![Step::Hang])).await;
    let server = server(&endpoint).await;
    let mut client = server.manual_session().await;
    client.say("Hi").await;
    client.create(json!({})).await;
    endpoint.requests.recv().await.unwrap();
    drop(client);
    endpoint.ended.recv().await.unwrap();
}

async fn complete(server: &Server, body: &Value) -> reqwest::Response {
    let url = server.url("/v1/chat/completions");
    let request = reqwest::Client::new().post(url).json(body);
    request.send().await.unwrap()
}

#[tokio::test]
async fn chat_requests_are_passed_on_under_the_configured_model() {
    let mut endpoint = Endpoint::start(|_, _| saying(&["From the ", "model."])).await;
    let server = server(&endpoint).await;
    let mut body = json!({"model": "other", "temperature": 0.5, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]});
    let answer: Value = complete(&server, &body).await.json().await.unwrap();
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["content"], "From the model.");
    let request = endpoint.requests.recv().await.unwrap();
    assert_eq!(
        (&request["model"], &request["temperature"]),
        (&json!("m"), &json!(0.5))
    );
    body["stream"] = json!(true);
    let streamed = complete(&server, &body).await.text().await.unwrap();
    let contents = streamed.lines().filter_map(|line| {
        let chunk: Value = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
        Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())
    });
    assert_eq!(contents.collect::<String>(), "From the model.");
    assert!(streamed.trim_end().ends_with("data: [DONE]"), "{streamed}");
}

#[tokio::test]
async fn errors_of_the_endpoint_are_passed_on_as_far_as_the_client_can_mend_them() {
    let mut told = Vec::new();
    let scripts: [super::endpoint::Script; 5] = [
        |_, _| Play::Refuse(400),
        |_, _| Play::Refuse(401),
        |_, _| Play::Refuse(429),
        |_, _| Play::Refuse(500),
        |_, _| Play::Stream(vec![said("Well,"), Step::Break]),
    ];
    for script in scripts {
        let endpoint = Endpoint::start(script).await;
        let server = server(&endpoint).await;
        let body =
            json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]});
        let answer = complete(&server, &body).await;
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap();
        let last = body.trim_end().lines().last().unwrap_or_default();
        told.push(format!("{status} {last}"));
    }
    let server = Server::with_chat(chat("http://127.0.0.1:9/v1")).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    let answer = complete(&server, &body).await;
    told.push(format!(
        "{} {}",
        answer.status().as_u16(),
        answer.text().await.unwrap()
    ));
    let body = json!({"model": "m", "messages": [{"role": "narrator", "content": "Hi"}]});
    let answer = complete(&server, &body).await;
    told.push(format!(
        "{} {}",
        answer.status().as_u16(),
        answer.text().await.unwrap()
    ));
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_chat_client_that_goes_away_ends_the_request() {
    let mut endpoint = Endpoint::start(|_, _| Play::Stream(vec![said("Well,"), Step::Hang])).await;
    let server = server(&endpoint).await;
    let body =
        json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]});
    let mut answer = complete(&server, &body).await;
    assert!(answer.chunk().await.unwrap().is_some());
    drop(answer);
    endpoint.ended.recv().await.unwrap();
}
