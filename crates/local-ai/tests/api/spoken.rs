//! Whole spoken turns with the real models: a question is synthesised, asked over the socket,
//! answered through a tool, and the answer is listened to.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use local_ai::engine::{Models, SpeechModels};
use openai_realtime::{Item, ServerEvent};
use serde_json::{Value, json};
use speech::Cancel;
use speech::recognition::Transcript;
use speech::resample::{extend_f32, resample};

use super::dialogue::models_dir;
use super::support::{Client, Server, spoken};

pub(crate) static MODELS: LazyLock<Arc<SpeechModels>> =
    LazyLock::new(|| Arc::new(SpeechModels::load(&models_dir(), 2).expect("the models load")));

fn say(text: &str) -> Vec<i16> {
    MODELS
        .synthesize(text, "am_michael", 1.0, &Cancel::default())
        .unwrap()
}

fn listen(samples: &[i16]) -> String {
    let mut sound = Vec::new();
    extend_f32(samples, &mut sound);
    let sound = resample(24_000, 16_000, &sound).unwrap();
    MODELS
        .transcribe(&sound, &Transcript::default(), &Cancel::default())
        .unwrap()
        .text
}

fn session() -> Value {
    json!({"instructions": "You are Iris, a voice assistant.", "tools": [
        {"type": "function", "name": "get_account",
         "description": "Looks up the caller's own account: name, subscription plan and facts.",
         "parameters": {"type": "object", "properties": {}}}],
        "audio": {"input": {"transcription": {"model": "any"}}}})
}

/// Answers the tool call of a response, and gives the events of the answer.
async fn through_the_tool(client: &mut Client) -> Vec<ServerEvent> {
    let events = client.until_done().await;
    let call = events.iter().find_map(|event| match event {
        ServerEvent::OutputItemDone(done) => match &done.item {
            Item::FunctionCall(call) => Some(call.clone()),
            _ => None,
        },
        _ => None,
    });
    let call = call.unwrap_or_else(|| panic!("no call in {events:?}"));
    assert_eq!(call.name, "get_account");
    let output = json!({"name": "Ada", "subscription_tier": "enterprise",
        "facts": [{"label": "seat usage", "value": "14 of 20 seats"}]});
    let output = Item::function_call_output(call.call_id.unwrap(), output.to_string());
    client.add(output).await;
    client.create(json!({})).await;
    client.until_done().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spoken_question_gets_a_spoken_answer_through_a_tool() {
    let server = Server::with_models(MODELS.clone()).await;
    let mut client = server.session().await;
    client.update(session()).await;
    client.append(&vec![0; 12_000]).await;
    client.append(&say("What plan am I on?")).await;
    client.append(&vec![0; 24_000]).await;
    let events = through_the_tool(&mut client).await;
    let (said, sound) = spoken(&events);
    assert_eq!(said.trim(), "Your subscription plan is enterprise.");
    let heard = listen(&sound).to_lowercase();
    assert!(
        heard.contains("enterprise") && heard.contains("plan"),
        "{heard}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_question_is_understood_and_its_answer_begins_soon() {
    let server = Server::with_models(MODELS.clone()).await;
    let mut client = server.session().await;
    let mut settings = session();
    settings["audio"]["input"]["turn_detection"] = Value::Null;
    client.update(settings).await;
    client.append(&vec![0; 4_800]).await;
    client.append(&say("How many seats are we using?")).await;
    client.append(&vec![0; 9_600]).await;
    let started = Instant::now();
    client.commit().await;
    client.create(json!({})).await;
    let events = through_the_tool(&mut client).await;
    // For people to read; how long it takes depends on what else the machine does.
    println!("committed to answered: {:?}", started.elapsed());
    let (said, sound) = spoken(&events);
    assert!(said.contains("14 of 20"), "{said}");
    assert!(listen(&sound).to_lowercase().contains("seat"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_read_out_word_for_word() {
    let server = Server::with_models(MODELS.clone()).await;
    let mut client = server.session().await;
    client
        .create(json!({"instructions": "Read the text aloud, word for word.", "input": [
            {"type": "message", "role": "user",
             "content": [{"type": "input_text", "text": "Your last ticket was closed this morning."}]}]}))
        .await;
    let (said, sound) = spoken(&client.until_done().await);
    assert_eq!(said.trim(), "Your last ticket was closed this morning.");
    let heard = listen(&sound).to_lowercase();
    assert!(heard.contains("ticket was closed this morning"), "{heard}");
}
