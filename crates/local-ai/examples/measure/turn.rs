//! One question, its tool calls and its answer, with when what happened.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use openai_realtime::audio::SAMPLE_RATE;
use openai_realtime::{
    ClientEvent, ConversationItemCreate, FunctionCall, Item, ResponseCreate, ResponseStatus,
    ServerEvent,
};
use tokio::time::{Instant, timeout};

use super::caller::{Caller, Heard};
use super::clip::Clip;
use super::questions::Answer;
use super::server::{Server, clock};

/// No turn takes longer, or it never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a turn went. The steps follow one another from the end of the voice to the first sound of
/// the answer.
#[derive(Debug, Clone)]
pub struct Turn {
    /// From the end of the voice to `speech_stopped`.
    pub endpointing: Duration,
    /// From there to the final transcript.
    pub recognition: Duration,
    /// From there to the first clause of the answer, calling tools included.
    pub dialogue: Duration,
    /// From there to its first sound.
    pub synthesis: Duration,
    /// All of it.
    pub total: Duration,
    /// How long the first clause sounds.
    pub first_clause: Duration,
    /// What was said.
    pub said: String,
    /// Whether the first clause was made for this turn rather than known already.
    pub is_made: bool,
}

/// What is known while the turn goes on.
#[derive(Default)]
struct Course {
    ended: Option<Instant>,
    stopped: Option<Instant>,
    recognised: Option<Instant>,
    sounded: Option<(Instant, Duration)>,
    clauses: Vec<String>,
    first_clause: usize,
    sound: usize,
    call: Option<FunctionCall>,
}

impl Caller {
    /// Asks and hears the answer out, as somebody on the telephone does.
    pub async fn ask(
        &mut self,
        server: &Server,
        question: &Arc<Clip>,
        answer: &Answer,
    ) -> anyhow::Result<Turn> {
        let since = clock();
        self.say(question);
        let mut course = Course::default();
        let asking = async {
            loop {
                match self.next().await? {
                    Heard::SaidIt(at) => course.ended = Some(at),
                    Heard::Event(event) => {
                        if course.takes(event)? {
                            match course.call.take() {
                                Some(call) => self.answer(call, answer).await?,
                                None => return anyhow::Ok(()),
                            }
                        }
                    }
                }
            }
        };
        timeout(PATIENCE, asking)
            .await
            .with_context(|| format!("a turn did not end within {PATIENCE:?}"))??;
        let turn = course.turn(server, since)?;
        let (sounded, _) = course.sounded.context("the answer was silent")?;
        let ends = sounded + Duration::from_secs(1) * course.sound as u32 / SAMPLE_RATE;
        self.listen(ends.saturating_duration_since(Instant::now()), drop)
            .await?;
        Ok(turn)
    }

    async fn answer(&self, call: FunctionCall, answer: &Answer) -> anyhow::Result<()> {
        let call_id = call.call_id.context("the call has no id")?;
        let item = Item::function_call_output(call_id, answer.output(&call.name));
        let create = ConversationItemCreate {
            previous_item_id: None,
            item,
        };
        self.send(ClientEvent::ConversationItemCreate(create))
            .await?;
        self.send(ClientEvent::ResponseCreate(ResponseCreate::default()))
            .await
    }
}

impl Course {
    /// Takes an event and says whether it ended a response.
    fn takes(&mut self, event: ServerEvent) -> anyhow::Result<bool> {
        let now = Instant::now();
        match event {
            // A pause within a question may end it too early; what counts is the last end.
            ServerEvent::SpeechStopped(_) => self.stopped = Some(now),
            ServerEvent::TranscriptionCompleted(_) => self.recognised = Some(now),
            ServerEvent::OutputAudioTranscriptDelta(delta) => self.clauses.push(delta.delta),
            ServerEvent::OutputAudioDelta(delta) => {
                self.sounded.get_or_insert_with(|| (now, clock()));
                let samples = delta.delta.len() / 4 * 3 / 2;
                self.sound += samples;
                if self.clauses.len() == 1 {
                    self.first_clause += samples;
                }
            }
            ServerEvent::OutputItemDone(done) => {
                if let Item::FunctionCall(call) = done.item {
                    self.call = Some(call);
                }
            }
            ServerEvent::ResponseDone(done) => match done.response.status {
                ResponseStatus::Completed => return Ok(true),
                // The question went on after a pause that was taken for its end.
                ResponseStatus::Cancelled => {
                    *self = Self {
                        ended: self.ended,
                        ..Self::default()
                    };
                }
                status => bail!("a response ended as {status:?}"),
            },
            ServerEvent::Error(event) => bail!("the server complains: {}", event.error.message),
            _ => {}
        }
        Ok(false)
    }

    fn turn(&self, server: &Server, since: Duration) -> anyhow::Result<Turn> {
        let ended = self.ended.context("the question was not said")?;
        let stopped = self.stopped.context("the end was not noticed")?;
        let recognised = self.recognised.context("nothing was recognised")?;
        let (sounded, clock) = self.sounded.context("the answer was silent")?;
        let first = self.clauses.first().context("the answer has no words")?;
        let made = server.synthesis(first, since);
        // The two clocks meet where the first sound came.
        let begun = made
            .as_ref()
            .map_or(sounded, |made| sounded - clock.saturating_sub(made.from));
        Ok(Turn {
            endpointing: stopped.saturating_duration_since(ended),
            recognition: recognised.saturating_duration_since(stopped),
            dialogue: begun.saturating_duration_since(recognised),
            synthesis: sounded.saturating_duration_since(begun.max(recognised)),
            total: sounded.saturating_duration_since(ended),
            first_clause: Duration::from_secs(1) * self.first_clause as u32 / SAMPLE_RATE,
            said: self.clauses.concat(),
            is_made: made.is_some(),
        })
    }
}
