//! Broken events and odd audio by the thousand, in one session: each bad event is one error, and
//! afterwards a good turn works.

use openai_realtime::{ClientMessage, audio};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use super::raw::RawClient;
use super::scripted::{silence, speech};
use super::support::{Server, saying};

const FRAMES: usize = 4_000;
const SOUNDS: usize = 300;

/// Events as clients send them.
fn good_events() -> Vec<Value> {
    let update = |session: Value| json!({"type": "session.update", "session": session});
    let item = |item: Value| json!({"type": "conversation.item.create", "item": item});
    vec![
        update(
            json!({"type": "realtime", "instructions": "Be brief.", "max_output_tokens": 800,
            "output_modalities": ["audio"], "tool_choice": "auto", "truncation": "auto",
            "tools": [{"type": "function", "name": "f", "description": "d",
                "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}]}),
        ),
        update(json!({"type": "realtime", "audio": {"input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "m", "language": "en"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300,
                "silence_duration_ms": 500, "create_response": true, "interrupt_response": true}}}})),
        update(json!({"type": "realtime", "audio": {
            "input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}},
            "output": {"speed": 1.0, "voice": "af_heart", "format": {"type": "audio/pcm", "rate": 24000}}}})),
        json!({"type": "input_audio_buffer.append", "audio": audio::encode(&silence(20))}),
        json!({"type": "input_audio_buffer.append", "audio": audio::encode(&speech("Hello."))}),
        json!({"type": "input_audio_buffer.commit"}),
        json!({"type": "input_audio_buffer.clear"}),
        item(json!({"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "Hello."},
            {"type": "input_audio", "audio": audio::encode(&silence(10))}]})),
        item(
            json!({"type": "message", "id": "a", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hi."}]}),
        ),
        item(json!({"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"})),
        item(json!({"type": "function_call_output", "call_id": "c", "output": "{\"a\": 1}"})),
        json!({"type": "conversation.item.create", "previous_item_id": "root",
            "item": {"type": "message", "role": "system", "content": []}}),
        json!({"type": "conversation.item.retrieve", "item_id": "a"}),
        json!({"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 10}),
        json!({"type": "conversation.item.delete", "item_id": "a"}),
        json!({"type": "response.create"}),
        json!({"type": "response.create", "response": {"conversation": "none",
            "input": [{"type": "item_reference", "id": "a"}, {"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": "Hello."}]}],
            "instructions": "Be kind.", "metadata": {"k": "v"}, "output_modalities": ["text"],
            "max_output_tokens": "inf", "audio": {"output": {"voice": {"id": "am_michael"}}},
            "tools": [], "tool_choice": {"type": "function", "name": "f"}}}),
        json!({"type": "response.cancel", "response_id": "r"}),
        json!({"type": "response.cancel"}),
        json!({"type": "output_audio_buffer.clear"}),
    ]
}

/// A change to an event, at a place in it.
#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    Rename(String),
    /// Arrays around the value.
    Bury(usize),
    /// Everything after this share of the text is lost.
    Cut(Index),
    /// A letter goes somewhere into the text.
    Insert(Index, char),
}

fn odd_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![1e300, -1e300, 1e-300, 4_294_967_296.0, -0.0])
            .prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "root",
            "inf",
            "\u{0}",
            "\u{feff}",
            "💥\u{202e}",
            "null",
            "../..",
            "AAA=",
            "A"
        ])
        .prop_map(Value::from),
        (1usize..200_000).prop_map(|length| Value::from("x".repeat(length))),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,12}", inner), 0..6)
                .prop_map(|pairs| Value::Object(Map::from_iter(pairs))),
        ]
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => odd_value().prop_map(Change::Replace),
        4 => Just(Change::Remove),
        2 => ".{1,12}".prop_map(Change::Rename),
        1 => (1usize..400).prop_map(Change::Bury),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => (any::<Index>(), any::<char>()).prop_map(|(at, letter)| Change::Insert(at, letter)),
    ]
}

/// The text of a good event after some changes.
fn bad_frame() -> impl Strategy<Value = String> {
    let changes = prop::collection::vec((any::<Index>(), change()), 1..4);
    (prop::sample::select(good_events()), changes).prop_map(|(mut event, changes)| {
        event["event_id"] = json!("e");
        let mut to_text = Vec::new();
        for (place, change) in changes {
            let mut pointers = Vec::new();
            pointers_in(&event, "", &mut pointers);
            let pointer = place.get(&pointers);
            match change {
                Change::Replace(value) => *event.pointer_mut(pointer).unwrap() = value,
                Change::Bury(depth) => {
                    let value = event.pointer_mut(pointer).unwrap();
                    for _ in 0..depth {
                        *value = json!([value.take()]);
                    }
                }
                Change::Remove => {
                    take(&mut event, pointer);
                }
                Change::Rename(name) => {
                    if let Some((fields, value)) = take(&mut event, pointer) {
                        fields.insert(name, value);
                    }
                }
                Change::Cut(_) | Change::Insert(..) => to_text.push(change),
            }
        }
        let mut text = event.to_string();
        for change in to_text {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            match change {
                Change::Cut(share) => text.truncate(*share.get(&places)),
                Change::Insert(share, letter) => text.insert(*share.get(&places), letter),
                _ => {}
            }
            if text.is_empty() {
                break;
            }
        }
        text
    })
}

/// Where every value of an event is, except the event itself.
fn pointers_in(value: &Value, pointer: &str, found: &mut Vec<String>) {
    if !pointer.is_empty() {
        found.push(pointer.to_owned());
    }
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let field = field.replace('~', "~0").replace('/', "~1");
                pointers_in(value, &format!("{pointer}/{field}"), found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                pointers_in(value, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
    if found.is_empty() {
        // Everything was removed; what is left can only be replaced.
        found.push(String::new());
    }
}

/// Takes a field out of its object.
fn take<'a>(event: &'a mut Value, pointer: &str) -> Option<(&'a mut Map<String, Value>, Value)> {
    let (parent, field) = pointer.rsplit_once('/')?;
    let fields = event.pointer_mut(parent)?.as_object_mut()?;
    let value = fields.remove(&field.replace("~1", "/").replace("~0", "~"))?;
    Some((fields, value))
}

fn odd_audio() -> impl Strategy<Value = String> {
    let samples = prop_oneof![
        (0usize..40_000).prop_map(silence_of),
        (1usize..40_000).prop_map(|length| vec![i16::MAX; length]),
        (1usize..40_000, 1usize..200).prop_map(|(length, half)| {
            let square = |n: usize| {
                if (n / half).is_multiple_of(2) {
                    i16::MAX
                } else {
                    i16::MIN
                }
            };
            (0..length).map(square).collect()
        }),
        prop::collection::vec(any::<i16>(), 0..4_000),
    ];
    prop_oneof![
        6 => samples.prop_map(|samples| audio::encode(&samples)),
        2 => prop::collection::vec(any::<i16>(), 0..100).prop_map(|samples| {
            let mut text = audio::encode(&samples);
            text.pop();
            text
        }),
        1 => "[A-Za-z0-9+/=]{0,64}",
        1 => ".{0,64}",
    ]
}

fn silence_of(samples: usize) -> Vec<i16> {
    vec![0; samples]
}

/// Sends a frame and gives how many errors it led to.
async fn errors(client: &mut RawClient, frame: String) -> usize {
    client.send(frame).await;
    let events = client.settle().await;
    events
        .iter()
        .filter(|event| event["type"] == "error")
        .count()
}

async fn a_good_turn_works(client: &mut RawClient) {
    let quiet = json!({"type": "session.update", "session": {"type": "realtime",
        "instructions": "", "tools": [], "tool_choice": "auto", "max_output_tokens": "inf",
        "output_modalities": ["audio"],
        "audio": {"input": {"turn_detection": null}}}});
    client.send(quiet.to_string()).await;
    client
        .send(json!({"type": "input_audio_buffer.clear"}).to_string())
        .await;
    // Whatever was still being said has come to its end when a new response may begin.
    let events = loop {
        let mut response = saying("All is well.");
        response["metadata"] = json!({"turn": "good"});
        let create = json!({"type": "response.create", "event_id": "good", "response": response});
        client.send(create.to_string()).await;
        let is_mine = |event: &Value| {
            (event["type"] == "response.done" && event["response"]["metadata"]["turn"] == "good")
                || event["error"]["event_id"] == "good"
        };
        let events = client.until(is_mine).await;
        match events.last().unwrap()["error"]["code"].as_str() {
            None => break events,
            Some("conversation_already_has_active_response") => {
                client.until(|event| event["type"] == "response.done").await;
            }
            Some(other) => panic!("{other}"),
        }
    };
    let done = events.last().unwrap();
    assert_eq!(done["response"]["status"], "completed", "{done}");
    let words = &done["response"]["output"][0]["content"][0]["transcript"];
    assert_eq!(*words, json!("All is well."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_thousands_of_broken_events() {
    let server = Server::start().await;
    let (mut client, _) = RawClient::connect(&server).await;
    let mut runner = TestRunner::deterministic();
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..FRAMES {
        let frame = bad_frame().new_tree(&mut runner).unwrap().current();
        let is_event = ClientMessage::parse(&frame).is_ok();
        let errors = errors(&mut client, frame.clone()).await;
        let shown: String = frame.chars().take(2_000).collect();
        if is_event {
            assert!(errors <= 1, "{errors} errors for {shown}");
        } else {
            assert_eq!(errors, 1, "for {shown}");
        }
        refused += errors;
        taken += 1 - errors;
    }
    assert!(
        refused > FRAMES / 3 && taken > FRAMES / 10,
        "{refused} were refused and {taken} were taken"
    );
    a_good_turn_works(&mut client).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_odd_audio() {
    let server = Server::start().await;
    for detection in [
        json!({"type": "server_vad"}),
        json!({"type": "semantic_vad"}),
        json!(null),
    ] {
        let (mut client, _) = RawClient::connect(&server).await;
        let update = json!({"type": "session.update", "session": {"type": "realtime",
            "audio": {"input": {"turn_detection": detection, "transcription": {"model": "m"}}}}});
        assert_eq!(errors(&mut client, update.to_string()).await, 0);
        let mut runner = TestRunner::deterministic();
        for _ in 0..SOUNDS {
            let audio = odd_audio().new_tree(&mut runner).unwrap().current();
            let is_audio = audio::decode(&audio).is_ok();
            let append = json!({"type": "input_audio_buffer.append", "audio": audio});
            let errors = errors(&mut client, append.to_string()).await;
            assert_eq!(errors, usize::from(!is_audio), "for {append}");
        }
        a_good_turn_works(&mut client).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused_and_the_session_goes_on() {
    let server = Server::start().await;
    let (mut client, _) = RawClient::connect(&server).await;
    let append = |bytes: usize| {
        let audio = "A".repeat(bytes / 3 * 4);
        json!({"type": "input_audio_buffer.append", "event_id": "e", "audio": audio}).to_string()
    };
    const MIB: usize = 1024 * 1024;
    assert_eq!(errors(&mut client, append(15 * MIB)).await, 0);
    assert_eq!(errors(&mut client, append(15 * MIB + 3)).await, 1);
    assert_eq!(errors(&mut client, append(17 * MIB)).await, 1);
    a_good_turn_works(&mut client).await;
}
