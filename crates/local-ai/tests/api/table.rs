//! Each client event in each state that matters, and everything that the server then says.
//!
//! The tables are the cases; the snapshots are what comes of them.

use std::collections::HashMap;
use std::fmt::Write as _;

use openai_realtime::audio;
use serde_json::{Value, json};

use super::raw::RawClient;
use super::scripted::{silence, speech};
use super::support::{Server, saying};

/// What has happened before the client's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing. Turns are committed by the client in this and most states.
    Fresh,
    /// There is a user's item `hello`.
    UserItem,
    /// 200 ms of audio wait in the buffer.
    Audio,
    /// "One two three four." was said, in item `$said`.
    Answered,
    /// The first clause of response `$active` was said; the next one never comes.
    Responding,
    /// Server VAD found speech, which goes on.
    Speaking,
}

use State::{Answered, Audio, Fresh, Responding, Speaking, UserItem};

/// A state, what the case shows, and the payloads to send. Their `type` is the table's unless
/// they say otherwise.
type Case = (State, &'static str, &'static [&'static str]);

async fn table(event_type: &str, cases: &[Case]) -> String {
    let mut text = String::new();
    for (state, shows, payloads) in cases {
        let server = Server::start().await;
        let mut scene = Scene::set(&server, *state).await;
        writeln!(text, "{state:?}: {shows}").unwrap();
        for (index, payload) in payloads.iter().enumerate() {
            writeln!(text, "  > {payload}").unwrap();
            let frame = scene.frame(event_type, index, payload);
            scene.client.send(frame).await;
        }
        for line in scene.outcome().await {
            writeln!(text, "  < {line}").unwrap();
        }
        text.push('\n');
    }
    text
}

/// A session in some state.
struct Scene {
    client: RawClient,
    state: State,
    session: Value,
    names: HashMap<String, String>,
}

impl Scene {
    async fn set(server: &Server, state: State) -> Self {
        let (mut client, created) = RawClient::connect(server).await;
        let update = |session: Value| json!({"type": "session.update", "session": session});
        // What is said is not what this is about.
        let mut settings =
            json!({"type": "realtime", "instructions": "Say exactly: \"What can I do for you?\""});
        if state != Speaking {
            settings["audio"] = json!({"input": {"turn_detection": null}});
        }
        assert_eq!(created["session"]["object"], "realtime.session");
        client.send(update(settings).to_string()).await;
        let session = client.next().await["session"].clone();
        let append = |samples: &[i16]| json!({"type": "input_audio_buffer.append", "audio": audio::encode(samples)});
        let respond = |text: &str| json!({"type": "response.create", "response": saying(text)});
        let events = match state {
            Fresh => Vec::new(),
            UserItem => {
                let item = json!({"type": "message", "id": "hello", "role": "user",
                    "content": [{"type": "input_text", "text": "Hello."}]});
                let create = json!({"type": "conversation.item.create", "item": item});
                client.send(create.to_string()).await;
                client.settle().await
            }
            Audio => {
                client.send(append(&silence(200)).to_string()).await;
                client.settle().await
            }
            Answered => {
                client
                    .send(respond("One two three four.").to_string())
                    .await;
                client.until(|event| event["type"] == "response.done").await
            }
            Responding => {
                let text = "This comes at once. But then please hold on for a while, will you?";
                client.send(respond(text).to_string()).await;
                let is_audio = |event: &Value| event["type"] == "response.output_audio.delta";
                let mut events = client.until(is_audio).await;
                events.extend(client.settle().await);
                events
            }
            Speaking => {
                client.send(append(&silence(500)).to_string()).await;
                client.send(append(&speech("Hello.")).to_string()).await;
                client.settle().await
            }
        };
        let mut scene = Self {
            client,
            state,
            session,
            names: HashMap::new(),
        };
        for event in &events {
            let names = match event["type"].as_str().unwrap() {
                "response.created" => [("$active", &event["response"]["id"])],
                "response.output_item.added" => [("$said", &event["item"]["id"])],
                "input_audio_buffer.speech_started" => [("$speech", &event["item_id"])],
                _ => continue,
            };
            for (name, id) in names {
                let id = id.as_str().unwrap().to_owned();
                scene.names.insert(id, name.to_owned());
            }
        }
        scene
    }

    /// The frame of a payload, with what its words beginning with `$` stand for.
    fn frame(&self, event_type: &str, index: usize, payload: &str) -> String {
        let mut payload = payload.to_owned();
        for (id, name) in &self.names {
            payload = payload.replace(name.as_str(), id);
        }
        for (name, samples) in [
            ("$50ms", silence(50)),
            ("$200ms", silence(200)),
            ("$800ms", silence(800)),
            ("$hello", speech("Hello.")),
        ] {
            payload = payload.replace(name, &audio::encode(&samples));
        }
        let mut event: Value = serde_json::from_str(&payload).unwrap();
        let fields = event.as_object_mut().unwrap();
        fields.entry("type").or_insert_with(|| json!(event_type));
        fields.insert("event_id".to_owned(), json!(format!("e{}", index + 1)));
        event.to_string()
    }

    /// What the server says, until nothing more is to come.
    async fn outcome(&mut self) -> Vec<String> {
        let mut events = self.client.settle().await;
        let count = |events: &[Value], kind: &str| {
            events.iter().filter(|event| event["type"] == kind).count()
        };
        let before = usize::from(self.state == Responding);
        let unfinished = |events: &[Value]| {
            before + count(events, "response.created") - count(events, "response.done")
        };
        // The held response never ends by itself.
        let held = usize::from(
            self.state == Responding
                && !events.iter().any(|event| {
                    event["type"] == "response.done"
                        && self.name(&event["response"]["id"]) == "$active"
                }),
        );
        while unfinished(&events) > held {
            events.push(self.client.next().await);
        }
        let mut lines: Vec<(String, u64)> = Vec::new();
        for event in &events {
            let (line, sound) = self.line(event);
            match lines.last_mut() {
                Some((last, total)) if *last == line && sound > 0 => *total += sound,
                _ => lines.push((line, sound)),
            }
        }
        lines
            .into_iter()
            .map(|(line, sound)| match sound {
                0 => line,
                sound => format!("{line} ({sound} ms)"),
            })
            .collect()
    }

    /// A name for an id, the same each time.
    fn name(&mut self, id: &Value) -> String {
        let Some(id) = id.as_str() else {
            return "null".to_owned();
        };
        let Some((kind @ ("item" | "resp" | "call" | "conv"), _)) = id.split_once('_') else {
            return id.to_owned();
        };
        let next = 1 + self
            .names
            .values()
            .filter(|name| name.starts_with(kind))
            .count();
        self.names
            .entry(id.to_owned())
            .or_insert_with(|| format!("{kind}{next}"))
            .clone()
    }

    /// An event as a line, and how many milliseconds of sound it carries.
    fn line(&mut self, event: &Value) -> (String, u64) {
        let kind = event["type"].as_str().unwrap().to_owned();
        let mut line = kind.clone();
        match kind.as_str() {
            "error" => {
                let error = &event["error"];
                for field in ["code", "param", "event_id"] {
                    write!(line, " {}", error[field].as_str().unwrap_or("-")).unwrap();
                }
                let message = error["message"].as_str().unwrap().to_owned();
                write!(line, ": {}", self.rename(&message)).unwrap();
            }
            "session.updated" => {
                let (mut before, mut after) = (Vec::new(), Vec::new());
                leaves(&self.session, "", &mut before);
                leaves(&event["session"], "", &mut after);
                after.retain(|leaf| !before.contains(leaf));
                write!(line, " {}", after.join(" ")).unwrap();
                self.session = event["session"].clone();
            }
            "response.created" | "response.done" => {
                let response = self.response(&event["response"]);
                write!(line, " {response}").unwrap();
            }
            "response.output_audio.delta" => {
                let samples = audio::decode(event["delta"].as_str().unwrap()).unwrap();
                return (line, audio::duration_ms(samples.len()));
            }
            _ => {
                for (field, value) in event.as_object().unwrap() {
                    let shown = match field.as_str() {
                        "type" | "event_id" => continue,
                        "item" => self.item(value),
                        "item_id" | "previous_item_id" | "response_id" | "call_id" => {
                            self.name(value)
                        }
                        _ => value.to_string(),
                    };
                    write!(line, " {field}={shown}").unwrap();
                }
            }
        }
        (line, 0)
    }

    fn rename(&self, text: &str) -> String {
        self.names
            .iter()
            .fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }

    fn item(&mut self, item: &Value) -> String {
        assert_eq!(item["object"], "realtime.item");
        let mut shown = format!("{}(", self.name(&item["id"]));
        for field in ["type", "role", "status", "name", "arguments", "output"] {
            if let Some(text) = item[field].as_str() {
                write!(shown, "{text} ").unwrap();
            }
        }
        if item["call_id"].is_string() {
            write!(shown, "{} ", self.name(&item["call_id"])).unwrap();
        }
        for part in item["content"].as_array().into_iter().flatten() {
            let words = part.get("text").or(part.get("transcript"));
            let sound = match part["audio"].as_str() {
                Some(sound) => {
                    let samples = audio::decode(sound).unwrap();
                    format!(" {} ms", audio::duration_ms(samples.len()))
                }
                None => String::new(),
            };
            let words = words.map_or("no transcript".to_owned(), Value::to_string);
            write!(shown, "{} {words}{sound} ", part["type"].as_str().unwrap()).unwrap();
        }
        format!("{})", shown.trim_end())
    }

    fn response(&mut self, response: &Value) -> String {
        let mut shown = format!(
            "{} {}",
            self.name(&response["id"]),
            response["status"].as_str().unwrap()
        );
        if let Some(reason) = response["status_details"]["reason"].as_str() {
            write!(shown, " ({reason})").unwrap();
        }
        if response["conversation_id"].is_null() {
            shown.push_str(" out-of-band");
        }
        for field in ["output_modalities", "max_output_tokens", "metadata"] {
            let value = &response[field];
            if !value.is_null() && *value != json!(["audio"]) && value != "inf" {
                write!(shown, " {field}={value}").unwrap();
            }
        }
        for item in response["output"].as_array().into_iter().flatten() {
            write!(shown, " {}", self.item(item)).unwrap();
        }
        let usage = &response["usage"];
        if !usage.is_null() {
            let count = |details: &str, kind: &str| usage[details][kind].as_u64().unwrap();
            write!(
                shown,
                " tokens in {}+{} out {}+{}",
                count("input_token_details", "text_tokens"),
                count("input_token_details", "audio_tokens"),
                count("output_token_details", "text_tokens"),
                count("output_token_details", "audio_tokens"),
            )
            .unwrap();
        }
        shown
    }
}

/// Every value in an object, with its path.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (field, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(value, &format!("{path}{dot}{field}"), found);
            }
        }
        value => found.push(format!("{path}={value}")),
    }
}

#[tokio::test]
async fn session_update() {
    let cases: &[Case] = &[
        (
            Fresh,
            "only what is there changes",
            &[
                r#"{"session": {"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"speed": 1.25}}}}"#,
                r#"{"session": {"type": "realtime", "tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "f"}}}"#,
                r#"{"session": {"type": "realtime", "instructions": "", "tools": [], "tool_choice": "auto"}}"#,
            ],
        ),
        (
            Fresh,
            "turn detection is replaced as a whole, and null turns it off",
            &[
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.75, "idle_timeout_ms": 6000, "interrupt_response": false}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}"#,
            ],
        ),
        (
            Fresh,
            "other settings that null clears",
            &[
                r#"{"session": {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-transcribe", "language": "en", "keywords": ["Acme"]}, "noise_reduction": {"type": "far_field"}}}, "prompt": {"id": "p"}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"transcription": {"language": "de"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"transcription": null, "noise_reduction": null}}, "prompt": null}}"#,
            ],
        ),
        (
            Fresh,
            "what is only carried along",
            &[
                r#"{"session": {"type": "realtime", "parallel_tool_calls": false, "reasoning": {"effort": "low"}, "truncation": {"type": "retention_ratio", "retention_ratio": 0.5}, "include": ["item.input_audio_transcription.logprobs"], "something_new": 1}}"#,
            ],
        ),
        (
            Fresh,
            "the model and what the server sets stay",
            &[
                r#"{"session": {"type": "realtime", "model": "another", "id": "mine", "object": "mine", "expires_at": 1}}"#,
            ],
        ),
        (
            Fresh,
            "tracing is fixed once it is set",
            &[
                r#"{"session": {"type": "realtime", "tracing": null}}"#,
                r#"{"session": {"type": "realtime", "tracing": "auto"}}"#,
                r#"{"session": {"type": "realtime", "tracing": "auto"}}"#,
                r#"{"session": {"type": "realtime", "tracing": {"workflow_name": "w"}}}"#,
                r#"{"session": {"type": "realtime", "tracing": null}}"#,
            ],
        ),
        (
            Fresh,
            "the voice may change before it was heard",
            &[
                r#"{"session": {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"output": {"voice": {"id": "am_michael"}}}}}"#,
            ],
        ),
        (
            Answered,
            "and not after that",
            &[
                r#"{"session": {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"output": {"voice": "af_heart", "speed": 0.5}}}}"#,
            ],
        ),
        (
            Responding,
            "while a response runs, for the next one",
            &[r#"{"session": {"type": "realtime", "instructions": "Be brief."}}"#],
        ),
        (
            Speaking,
            "turning detection off while somebody speaks ends the speech and keeps the audio",
            &[
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}"#,
                r#"{"type": "input_audio_buffer.commit"}"#,
            ],
        ),
        (
            Fresh,
            "a wrong field changes nothing of the rest",
            &[
                r#"{"session": {"type": "realtime", "instructions": "changed", "audio": {"output": {"speed": 9.0}}}}"#,
                r#"{"session": {"type": "realtime"}}"#,
            ],
        ),
        (
            Fresh,
            "wrong values",
            &[
                r#"{}"#,
                r#"{"session": 7}"#,
                r#"{"session": {}}"#,
                r#"{"session": {"type": "transcription"}}"#,
                r#"{"session": {"type": "other"}}"#,
                r#"{"session": {"type": "realtime", "instructions": 7}}"#,
                r#"{"session": {"type": "realtime", "output_modalities": ["audio", "text"]}}"#,
                r#"{"session": {"type": "realtime", "output_modalities": []}}"#,
                r#"{"session": {"type": "realtime", "max_output_tokens": 0}}"#,
                r#"{"session": {"type": "realtime", "max_output_tokens": 4097}}"#,
                r#"{"session": {"type": "realtime", "max_output_tokens": "many"}}"#,
                r#"{"session": {"type": "realtime", "tools": [{"type": "function"}]}}"#,
                r#"{"session": {"type": "realtime", "tools": [{"type": "function", "name": "a b"}]}}"#,
                r#"{"session": {"type": "realtime", "tools": [{"type": "function", "name": "f", "parameters": []}]}}"#,
                r#"{"session": {"type": "realtime", "tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "s"}]}}"#,
                r#"{"session": {"type": "realtime", "tool_choice": "sometimes"}}"#,
                r#"{"session": {"type": "realtime", "tool_choice": {"type": "function", "name": "f"}}}"#,
                r#"{"session": {"type": "realtime", "tool_choice": {"type": "mcp", "server_label": "s"}}}"#,
                r#"{"session": {"type": "realtime", "truncation": {"type": "retention_ratio", "retention_ratio": 2}}}"#,
                r#"{"session": {"type": "realtime", "include": ["everything"]}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"format": {"type": "audio/opus"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"output": {"format": {"type": "audio/pcm", "rate": 8000}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"noise_reduction": {"type": "mid_field"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "psychic"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 1.5}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": "high"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "prefix_padding_ms": -1}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 99999}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 4999}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "very"}}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"output": {"voice": 7}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"output": {"speed": 0.2}}}}"#,
                r#"{"session": {"type": "realtime", "audio": {"output": {"speed": "fast"}}}}"#,
            ],
        ),
    ];
    insta::assert_snapshot!(table("session.update", cases).await);
}

#[tokio::test]
async fn input_audio_buffer_append() {
    let cases: &[Case] = &[
        (
            Fresh,
            "is not answered",
            &[r#"{"audio": "$200ms"}"#, r#"{"audio": ""}"#],
        ),
        (
            Fresh,
            "wrong values",
            &[
                r#"{}"#,
                r#"{"audio": 7}"#,
                r#"{"audio": "%%%%"}"#,
                r#"{"audio": "AA=="}"#,
                r#"{"audio": "AAAA"}"#,
            ],
        ),
        (
            Responding,
            "while a response runs",
            &[r#"{"audio": "$200ms"}"#],
        ),
        (
            Speaking,
            "silence that ends the turn",
            &[r#"{"audio": "$800ms"}"#],
        ),
        (
            Speaking,
            "the turn is left to the client to answer",
            &[
                r#"{"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": false}}}}}"#,
                r#"{"audio": "$hello"}"#,
                r#"{"audio": "$800ms"}"#,
            ],
        ),
        (
            Responding,
            "speech that interrupts",
            &[
                r#"{"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}"#,
                r#"{"audio": "$hello"}"#,
            ],
        ),
        (
            Responding,
            "speech that interrupts and is left to the client to answer",
            &[
                r#"{"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": false}}}}}"#,
                r#"{"audio": "$hello"}"#,
                r#"{"audio": "$800ms"}"#,
            ],
        ),
        (
            Responding,
            "speech that is only detected",
            &[
                r#"{"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": false, "interrupt_response": false}}}}}"#,
                r#"{"audio": "$hello"}"#,
                r#"{"audio": "$800ms"}"#,
            ],
        ),
        (
            Responding,
            "speech that does not interrupt is answered after the response",
            &[
                r#"{"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"], "audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": false}}}}}"#,
                r#"{"audio": "$hello"}"#,
                r#"{"audio": "$800ms"}"#,
                r#"{"type": "response.cancel"}"#,
            ],
        ),
    ];
    insta::assert_snapshot!(table("input_audio_buffer.append", cases).await);
}

#[tokio::test]
async fn input_audio_buffer_commit() {
    let cases: &[Case] = &[
        (
            Audio,
            "makes an item of the audio and starts no response",
            &["{}"],
        ),
        (Audio, "twice", &["{}", "{}"]),
        (Fresh, "without audio", &["{}"]),
        (
            Fresh,
            "with less than 100 ms",
            &[
                r#"{"type": "input_audio_buffer.append", "audio": "$50ms"}"#,
                "{}",
            ],
        ),
        (
            Responding,
            "while a response runs",
            &[
                r#"{"type": "input_audio_buffer.append", "audio": "$200ms"}"#,
                "{}",
            ],
        ),
        (Speaking, "while somebody speaks ends their speech", &["{}"]),
        (
            UserItem,
            "comes after what is there",
            &[
                r#"{"type": "input_audio_buffer.append", "audio": "$200ms"}"#,
                "{}",
            ],
        ),
    ];
    insta::assert_snapshot!(table("input_audio_buffer.commit", cases).await);
}

#[tokio::test]
async fn input_audio_buffer_clear() {
    let cases: &[Case] = &[
        (
            Audio,
            "drops the audio",
            &["{}", r#"{"type": "input_audio_buffer.commit"}"#],
        ),
        (Fresh, "of nothing, twice", &["{}", "{}"]),
        (Responding, "while a response runs", &["{}"]),
        (
            Speaking,
            "while somebody speaks ends their speech, and no item comes of it",
            &[
                "{}",
                r#"{"type": "input_audio_buffer.append", "audio": "$800ms"}"#,
            ],
        ),
    ];
    insta::assert_snapshot!(table("input_audio_buffer.clear", cases).await);
}

#[tokio::test]
async fn conversation_item_create() {
    let cases: &[Case] = &[
        (
            Fresh,
            "of each kind",
            &[
                r#"{"item": {"type": "message", "id": "u", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}}"#,
                r#"{"item": {"type": "message", "id": "s", "role": "system", "content": [{"type": "input_text", "text": "Be brief."}]}}"#,
                r#"{"item": {"type": "message", "id": "a", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]}}"#,
                r#"{"item": {"type": "message", "id": "h", "role": "user", "content": [{"type": "input_audio", "audio": "$hello"}]}}"#,
                r#"{"item": {"type": "function_call", "id": "c", "name": "f", "call_id": "c1", "arguments": "{}"}}"#,
                r#"{"item": {"type": "function_call", "name": "g", "arguments": "{}"}}"#,
                r#"{"item": {"type": "function_call_output", "id": "o", "call_id": "c1", "output": "{}"}}"#,
            ],
        ),
        (
            UserItem,
            "where the client says",
            &[
                r#"{"item": {"type": "message", "id": "end", "role": "user", "content": []}}"#,
                r#"{"previous_item_id": "root", "item": {"type": "message", "id": "front", "role": "user", "content": []}}"#,
                r#"{"previous_item_id": "hello", "item": {"type": "message", "id": "middle", "role": "user", "content": []}}"#,
                r#"{"previous_item_id": null, "item": {"type": "message", "role": "user", "content": []}}"#,
            ],
        ),
        (
            UserItem,
            "twice",
            &[r#"{"item": {"type": "message", "id": "hello", "role": "user", "content": []}}"#],
        ),
        (
            Fresh,
            "after an item that is not there",
            &[
                r#"{"previous_item_id": "nowhere", "item": {"type": "message", "id": "u", "role": "user", "content": []}}"#,
                r#"{"type": "conversation.item.delete", "item_id": "u"}"#,
            ],
        ),
        (
            Responding,
            "while a response runs",
            &[
                r#"{"item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}}"#,
            ],
        ),
        (
            Fresh,
            "wrong values",
            &[
                r#"{}"#,
                r#"{"item": {}}"#,
                r#"{"item": {"type": "message"}}"#,
                r#"{"item": {"type": "message", "role": "judge", "content": []}}"#,
                r#"{"item": {"type": "message", "id": "", "role": "user", "content": []}}"#,
                r#"{"item": {"type": "message", "id": "root", "role": "user", "content": []}}"#,
                r#"{"item": {"type": "message", "role": "user", "content": "Hello."}}"#,
                r#"{"item": {"type": "message", "role": "user", "content": [{"type": "input_text"}]}}"#,
                r#"{"item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": 7}]}}"#,
                r#"{"item": {"type": "message", "role": "user", "content": [{"type": "output_text", "text": "a"}]}}"#,
                r#"{"item": {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}]}}"#,
                r#"{"item": {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]}}"#,
                r#"{"item": {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "%"}]}}"#,
                r#"{"item": {"type": "function_call", "arguments": "{}"}}"#,
                r#"{"item": {"type": "function_call_output", "call_id": "a-call-id-of-more-than-32-characters", "output": "{}"}}"#,
                r#"{"item": {"type": "function_call_output", "call_id": "c1", "output": {}}}"#,
                r#"{"item": {"type": "item_reference", "id": "hello"}}"#,
                r#"{"item": {"type": "mcp_call", "id": "m"}}"#,
            ],
        ),
    ];
    insta::assert_snapshot!(table("conversation.item.create", cases).await);
}

#[tokio::test]
async fn conversation_item_retrieve() {
    let cases: &[Case] = &[
        (
            UserItem,
            "twice",
            &[r#"{"item_id": "hello"}"#, r#"{"item_id": "hello"}"#],
        ),
        (Answered, "with its sound", &[r#"{"item_id": "$said"}"#]),
        (
            Responding,
            "while it is being said",
            &[r#"{"item_id": "$said"}"#],
        ),
        (Fresh, "what is not there", &[r#"{"item_id": "nowhere"}"#]),
        (Fresh, "wrong values", &[r#"{}"#, r#"{"item_id": 7}"#]),
    ];
    insta::assert_snapshot!(table("conversation.item.retrieve", cases).await);
}

#[tokio::test]
async fn conversation_item_truncate() {
    let cases: &[Case] = &[
        (
            Answered,
            "deletes the transcript and the sound that was not heard",
            &[
                r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": 200}"#,
                r#"{"type": "conversation.item.retrieve", "item_id": "$said"}"#,
            ],
        ),
        (
            Answered,
            "twice, to nothing, and never to more again",
            &[
                r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": 380}"#,
                r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": 100}"#,
                r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": 200}"#,
                r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": 0}"#,
                r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": 0}"#,
            ],
        ),
        (
            Answered,
            "beyond what was said",
            &[r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": 381}"#],
        ),
        (
            Answered,
            "another part",
            &[r#"{"item_id": "$said", "content_index": 1, "audio_end_ms": 0}"#],
        ),
        (
            Responding,
            "while it is being said",
            &[
                r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": 100}"#,
                r#"{"type": "response.cancel"}"#,
                r#"{"type": "conversation.item.retrieve", "item_id": "$said"}"#,
            ],
        ),
        (
            UserItem,
            "a person's words",
            &[r#"{"item_id": "hello", "content_index": 0, "audio_end_ms": 0}"#],
        ),
        (
            Fresh,
            "what is not there",
            &[r#"{"item_id": "nowhere", "content_index": 0, "audio_end_ms": 0}"#],
        ),
        (
            Answered,
            "wrong values",
            &[
                r#"{"content_index": 0, "audio_end_ms": 0}"#,
                r#"{"item_id": "$said", "content_index": 0}"#,
                r#"{"item_id": "$said", "content_index": 0, "audio_end_ms": -1}"#,
                r#"{"item_id": "$said", "content_index": "0", "audio_end_ms": 0}"#,
            ],
        ),
    ];
    insta::assert_snapshot!(table("conversation.item.truncate", cases).await);
}

#[tokio::test]
async fn conversation_item_delete() {
    let cases: &[Case] = &[
        (
            UserItem,
            "twice",
            &[r#"{"item_id": "hello"}"#, r#"{"item_id": "hello"}"#],
        ),
        (
            Responding,
            "what is being said, which the response goes on with",
            &[r#"{"item_id": "$said"}"#, r#"{"type": "response.cancel"}"#],
        ),
        (Fresh, "wrong values", &[r#"{}"#, r#"{"item_id": null}"#]),
    ];
    insta::assert_snapshot!(table("conversation.item.delete", cases).await);
}

#[tokio::test]
async fn response_create() {
    let cases: &[Case] = &[
        (UserItem, "answers the conversation", &["{}"]),
        (Fresh, "with nothing said greets", &["{}"]),
        (
            UserItem,
            "in text",
            &[r#"{"response": {"output_modalities": ["text"]}}"#],
        ),
        (
            UserItem,
            "with its own settings",
            &[
                r#"{"response": {"instructions": "Say exactly: \"Hi.\"", "metadata": {"k": "v"}, "max_output_tokens": 100, "audio": {"output": {"voice": "am_michael"}}, "tools": [], "tool_choice": "none", "prompt": {"id": "p"}, "reasoning": {"effort": "low"}, "parallel_tool_calls": true, "something_new": 1}}"#,
            ],
        ),
        (
            UserItem,
            "calls a tool of its own",
            &[
                r#"{"response": {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What plan am I on right now?"}]}], "tools": [{"type": "function", "name": "get_plan", "description": "Looks up the plan the caller is on right now.", "parameters": {"type": "object", "properties": {}}}], "tool_choice": {"type": "function", "name": "get_plan"}, "instructions": ""}}"#,
            ],
        ),
        (
            UserItem,
            "with an empty input knows nothing of the conversation",
            &[r#"{"response": {"input": []}}"#],
        ),
        (
            UserItem,
            "out of band, from an item of the conversation",
            &[
                r#"{"response": {"conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "t"}, "instructions": "Read the text aloud, word for word.", "input": [{"type": "item_reference", "id": "hello"}]}}"#,
            ],
        ),
        (
            Fresh,
            "from sound",
            &[
                r#"{"response": {"input": [{"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "$hello"}]}], "output_modalities": ["text"], "instructions": "Read the text aloud, word for word."}}"#,
            ],
        ),
        (
            Fresh,
            "no further than the limit of tokens",
            &[
                r#"{"response": {"instructions": "Say exactly: \"One two three four five.\"", "input": [], "max_output_tokens": 10}}"#,
            ],
        ),
        (
            Fresh,
            "no further than the limit of tokens in text",
            &[
                r#"{"response": {"instructions": "Say exactly: \"One two three four five six seven eight nine ten.\"", "input": [], "max_output_tokens": 5, "output_modalities": ["text"]}}"#,
            ],
        ),
        (
            UserItem,
            "no half calls",
            &[
                r#"{"response": {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What does the gold plan cost?"}]}], "tools": [{"type": "function", "name": "search", "description": "Searches what a plan costs.", "parameters": {"type": "object", "properties": {"query": {"type": "string", "description": "What to search for."}}, "required": ["query"]}}], "tool_choice": "required", "instructions": "", "max_output_tokens": 1}}"#,
            ],
        ),
        (
            Responding,
            "beside the active one",
            &[
                r#"{}"#,
                r#"{"response": {"conversation": "none", "instructions": "Say exactly: \"Beside.\"", "input": [], "output_modalities": ["text"]}}"#,
            ],
        ),
        (
            UserItem,
            "wrong values",
            &[
                r#"{"response": 7}"#,
                r#"{"response": {"conversation": "other"}}"#,
                r#"{"response": {"output_modalities": []}}"#,
                r#"{"response": {"max_output_tokens": 0}}"#,
                r#"{"response": {"metadata": {"k": 7}}}"#,
                r#"{"response": {"metadata": {"a-key-of-more-than-sixty-four-characters-which-is-more-than-allowed": "v"}}}"#,
                r#"{"response": {"audio": {"output": {"voice": "nobody"}}}}"#,
                r#"{"response": {"audio": {"output": {"format": {"type": "audio/pcma"}}}}}"#,
                r#"{"response": {"tools": [{"type": "function", "name": ""}]}}"#,
                r#"{"response": {"tool_choice": {"type": "function", "name": "f"}}}"#,
                r#"{"response": {"input": [{"type": "item_reference", "id": "nowhere"}]}}"#,
                r#"{"response": {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}, {"type": "message", "role": "user", "content": [{"type": "input_text"}]}]}}"#,
                r#"{"response": {"input": [{"type": "message", "role": "user", "content": [{"type": "output_text", "text": "a"}]}]}}"#,
            ],
        ),
    ];
    insta::assert_snapshot!(table("response.create", cases).await);
}

#[tokio::test]
async fn response_cancel() {
    let cases: &[Case] = &[
        (Responding, "twice", &["{}", "{}"]),
        (Responding, "by its id", &[r#"{"response_id": "$active"}"#]),
        (
            Responding,
            "another one",
            &[r#"{"response_id": "resp_other"}"#],
        ),
        (Fresh, "without a response", &["{}"]),
        (
            Answered,
            "after its end",
            &[r#"{"response_id": "$active"}"#],
        ),
        (
            Responding,
            "and create the next",
            &[
                "{}",
                r#"{"type": "response.create", "response": {"instructions": "Say exactly: \"Next.\"", "input": [], "output_modalities": ["text"]}}"#,
            ],
        ),
        (Responding, "wrong values", &[r#"{"response_id": 7}"#]),
    ];
    insta::assert_snapshot!(table("response.cancel", cases).await);
}

#[tokio::test]
async fn output_audio_buffer_clear_and_what_is_no_event() {
    let cases: &[Case] = &[
        (Responding, "is for WebRTC and SIP", &["{}"]),
        (
            Fresh,
            "unknown types",
            &[
                r#"{"type": "response.make"}"#,
                r#"{"type": 7}"#,
                r#"{"type": null}"#,
            ],
        ),
    ];
    insta::assert_snapshot!(table("output_audio_buffer.clear", cases).await);
}
