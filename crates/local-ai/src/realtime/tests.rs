//! Sessions over time: what a script of speech and silence leads to, and when. Time is virtual.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use openai_realtime::{ClientMessage, ServerEvent, audio};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, advance, sleep_until};

use super::session::Session;
use super::{INTERNAL_EVENTS, Internal, MAX_SESSION};
use crate::brain::Brain;
use crate::engine::Engine;
use crate::server::App;
use scripted::{Scripted, silence, speech};

#[path = "../../tests/api/scripted.rs"]
mod scripted;

/// A session without a socket.
struct Call {
    session: Session,
    internal: mpsc::Receiver<Internal>,
    scripted: Arc<Scripted>,
    began: Instant,
    told: String,
}

impl Call {
    fn begin(detection: &Value) -> Self {
        let scripted = Arc::new(Scripted::default());
        let engine = Engine::new(scripted.clone());
        let app = App::new(engine.clone(), Brain::new(engine, None), 1);
        let (sender, internal) = mpsc::channel(INTERNAL_EVENTS);
        let session = Session::new(app, None, MAX_SESSION, sender).unwrap();
        let mut call = Self {
            session,
            internal,
            scripted,
            began: Instant::now(),
            told: String::new(),
        };
        call.send(
            &json!({"type": "session.update", "session": {"type": "realtime",
            "instructions": "Say exactly: \"What can I do for you?\"",
            "audio": {"input": {"turn_detection": detection}}}}),
        );
        call.session.take_events();
        call
    }

    fn send(&mut self, event: &Value) {
        self.session.frame(ClientMessage::parse(&event.to_string()));
    }

    /// Lets time pass in which nobody sends anything.
    async fn wait(&mut self, ms: u64) {
        let end = Instant::now() + Duration::from_millis(ms);
        loop {
            self.note();
            if self.session.has_unheard() {
                self.session.hear();
                continue;
            }
            let deadline = self.session.deadline().unwrap_or(end);
            tokio::select! {
                biased;
                Some(event) = self.internal.recv() => self.session.internal(event),
                Some(ended) = self.session.tasks.join_next_with_id() => self.session.task_ended(ended),
                () = sleep_until(deadline.min(end)) => {
                    if Instant::now() >= end {
                        return;
                    }
                    self.session.deadline_passed(Instant::now());
                }
            }
        }
    }

    /// Sends sound as fast as it is spoken.
    async fn sound(&mut self, samples: &[i16]) {
        for chunk in samples.chunks(2_400) {
            self.send(&json!({"type": "input_audio_buffer.append", "audio": audio::encode(chunk)}));
            self.wait(audio::duration_ms(chunk.len())).await;
        }
    }

    async fn silence(&mut self, ms: usize) {
        self.sound(&silence(ms)).await;
    }

    /// Writes down when each kind of event was sent; of several in a row, the first.
    fn note(&mut self) {
        let at = self.began.elapsed().as_millis();
        for event in self.session.take_events() {
            let mut line = event.event_type().to_owned();
            match &event {
                ServerEvent::ResponseDone(done) => {
                    let status = json!(done.response.status);
                    write!(line, " {}", status.as_str().unwrap()).unwrap();
                }
                ServerEvent::TimeoutTriggered(timeout) => {
                    write!(
                        line,
                        " {}..{}",
                        timeout.audio_start_ms, timeout.audio_end_ms
                    )
                    .unwrap();
                }
                ServerEvent::SpeechStopped(stopped) => {
                    write!(line, " {}", stopped.audio_end_ms).unwrap();
                }
                ServerEvent::OutputAudioTranscriptDelta(delta) => {
                    write!(line, " {}", delta.delta.trim()).unwrap();
                }
                ServerEvent::InputAudioBufferCommitted(_)
                | ServerEvent::SpeechStarted(_)
                | ServerEvent::ResponseCreated(_)
                | ServerEvent::Error(_) => {}
                _ => continue,
            }
            let line = line
                .replace("input_audio_buffer.", "")
                .replace("response.output_audio_transcript.delta", "says");
            writeln!(self.told, "{at:>6} {}", line.trim_end()).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_after_an_answer_is_answered_once_it_has_lasted() {
    let mut call = Call::begin(&json!({"type": "server_vad", "idle_timeout_ms": 5000}));
    call.silence(300).await;
    call.send(&json!({"type": "response.create", "response":
        {"instructions": "Say exactly: \"This takes a second of sound, give or take some.\"", "input": []}}));
    call.silence(6_200).await;
    // Speech puts it off, and so does an answer that is still heard.
    call.silence(5_000).await;
    call.sound(&speech("Hello.")).await;
    call.silence(7_000).await;
    insta::assert_snapshot!(call.told, @r#"
      300 response.created
      300 says This takes a second of sound,
      300 says give or take some.
      300 response.done completed
     6260 timeout_triggered 1360..6300
     6260 committed
     6260 response.created
     6260 says What can I do for you?
     6260 response.done completed
    11500 speech_started
    12900 speech_stopped 12928
    12900 committed
    12900 response.created
    12900 says What can I do for you?
    12900 response.done completed
    18340 timeout_triggered 13440..18400
    18340 committed
    18340 response.created
    18340 says What can I do for you?
    18340 response.done completed
    "#);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_again_who_turned_that_off() {
    let mut call = Call::begin(&json!({"type": "server_vad", "idle_timeout_ms": 5000}));
    call.sound(&speech("Hello.")).await;
    call.silence(1_000).await;
    call.send(
        &json!({"type": "session.update", "session": {"type": "realtime",
        "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}),
    );
    call.silence(20_000).await;
    insta::assert_snapshot!(call.told, @r#"
       0 speech_started
    1300 speech_stopped 1376
    1300 committed
    1300 response.created
    1300 says What can I do for you?
    1300 response.done completed
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_sounds_broken_off_is_waited_for() {
    let mut lengths = String::new();
    for eagerness in ["low", "medium", "high", "auto"] {
        for phrase in ["Hello.", "I wanted to ask you about", "Goodbye."] {
            let mut call = Call::begin(&json!({"type": "semantic_vad", "eagerness": eagerness}));
            let sound = speech(phrase);
            call.sound(&sound).await;
            let spoken = audio::duration_ms(sound.len());
            while !call.told.contains("speech_stopped") {
                call.silence(100).await;
            }
            let waited = call.began.elapsed().as_millis() as u64 - spoken;
            writeln!(lengths, "{eagerness:6} {waited:>5} ms after {phrase}").unwrap();
        }
    }
    insta::assert_snapshot!(lengths, @r#"
    low      700 ms after Hello.
    low     7500 ms after I wanted to ask you about
    low     1500 ms after Goodbye.
    medium   400 ms after Hello.
    medium  3800 ms after I wanted to ask you about
    medium   800 ms after Goodbye.
    high     300 ms after Hello.
    high    1900 ms after I wanted to ask you about
    high     500 ms after Goodbye.
    auto     400 ms after Hello.
    auto    3800 ms after I wanted to ask you about
    auto     800 ms after Goodbye.
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_was_not_the_end_is_forgotten_when_they_go_on() {
    let mut call = Call::begin(&json!({"type": "semantic_vad", "eagerness": "high"}));
    call.sound(&speech("I wanted to ask you about")).await;
    call.silence(1_000).await;
    call.sound(&speech("Hello.")).await;
    call.silence(1_000).await;
    insta::assert_snapshot!(call.told, @r#"
       0 speech_started
    3000 speech_stopped 3072
    3000 committed
    3000 response.created
    3000 says What can I do for you?
    3000 response.done completed
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_judgement_that_comes_after_the_last_sound_ends_the_turn() {
    let mut call = Call::begin(&json!({"type": "semantic_vad"}));
    let mut all = speech("Hello.");
    all.extend(silence(600));
    call.send(&json!({"type": "input_audio_buffer.append", "audio": audio::encode(&all)}));
    call.wait(10).await;
    insta::assert_snapshot!(call.told, @r#"
    0 speech_started
    0 speech_stopped 1472
    0 committed
    0 response.created
    0 says What can I do for you?
    0 response.done completed
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_does_not_go_on_fails() {
    let mut call = Call::begin(&Value::Null);
    call.send(&json!({"type": "response.create", "response":
        {"instructions": "Say exactly: \"Please hold.\"", "input": []}}));
    // The held model keeps virtual time from passing by itself.
    call.note();
    for _ in 0..3 {
        advance(Duration::from_secs(25)).await;
        call.session.deadline_passed(Instant::now());
        call.note();
    }
    call.scripted.release();
    insta::assert_snapshot!(call.told, @r#"
        0 response.created
    75000 response.done failed
    "#);
}

/// What the call has synthesised, and whether any response was told of.
fn prepared(call: &Call) -> (usize, bool) {
    let made = call.scripted.clauses().len();
    (made, call.told.contains("response"))
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_prepared_in_the_pause_and_told_of_when_the_turn_has_ended() {
    let mut call = Call::begin(&json!({"type": "server_vad"}));
    call.sound(&speech("Hello.")).await;
    call.silence(300).await;
    assert_eq!(prepared(&call), (1, false));
    call.silence(300).await;
    assert_eq!(prepared(&call), (1, true), "it is not made twice");
    assert!(
        call.told
            .ends_with("says What can I do for you?\n  1300 response.done completed\n")
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_prepared_is_thrown_away_when_they_go_on() {
    let mut call = Call::begin(&json!({"type": "server_vad"}));
    call.sound(&speech("Hello.")).await;
    call.silence(300).await;
    call.sound(&speech("Goodbye.")).await;
    assert_eq!(prepared(&call), (1, false));
    call.silence(1_000).await;
    assert_eq!(
        prepared(&call),
        (1, true),
        "the engine remembers the clause"
    );
    assert_eq!(call.told.matches("response.created").count(), 1);
    assert_eq!(call.told.matches("says").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_prepared_is_used_after_what_it_was_made_from_has_changed() {
    let mut call = Call::begin(&json!({"type": "server_vad"}));
    call.sound(&speech("Hello.")).await;
    call.silence(300).await;
    call.send(
        &json!({"type": "session.update", "session": {"type": "realtime",
        "instructions": "Say exactly: \"Something else.\""}}),
    );
    call.silence(400).await;
    assert!(call.told.contains("says Something else."));
    assert!(!call.told.contains("What can I do for you?"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_prepared_where_the_client_answers_turns_itself() {
    let mut call = Call::begin(&json!({"type": "server_vad", "create_response": false}));
    call.sound(&speech("Hello.")).await;
    call.silence(1_000).await;
    assert_eq!(prepared(&call), (0, false));
}
