//! Makes a response: decides what to say, cuts it into clauses and speaks them one by one.

use speech::recognition::Transcript;
use speech::synthesis::Clauses;
use tokio::sync::{mpsc, oneshot};

use super::Internal;
use crate::brain::Brain;
use crate::dialogue::{Context, Part, Turn};
use crate::engine::{Engine, EngineError};

/// Parts that may wait to be spoken.
const PARTS: usize = 16;

/// A step of a response, from its task to the session.
#[derive(Debug)]
pub(super) enum Step {
    /// A message follows.
    Message,
    /// A clause, with its sound in an audio response.
    Say { text: String, wave: Vec<i16> },
    /// A tool to call.
    Call { name: String, arguments: String },
    /// The end.
    Finished(Result<(), EngineError>),
}

/// A turn of the context that is there only as sound.
pub(super) struct Unheard {
    /// Its place among the turns.
    pub(super) turn: usize,
    /// 16 kHz.
    pub(super) pcm: Vec<f32>,
}

/// What a response's task needs.
pub(super) struct Task {
    /// Tells its steps from those of others.
    pub(super) serial: u64,
    pub(super) context: Context,
    /// What must be recognised before.
    pub(super) unheard: Vec<Unheard>,
    /// Voice and speed; `None` for text.
    pub(super) voice: Option<(String, f32)>,
    pub(super) engine: Engine,
    pub(super) brain: Brain,
    pub(super) steps: mpsc::Sender<Internal>,
    /// What opens when more than the first clause is wanted.
    pub(super) gate: Option<oneshot::Receiver<()>>,
}

impl Task {
    /// Runs to the end, which is always the last step, unless the session is gone.
    pub(super) async fn run(mut self) {
        let outcome = match self.hear().await {
            Ok(()) => self.reply().await,
            Err(error) => Err(error),
        };
        // A session that is gone needs no end.
        let _ = self.step(Step::Finished(outcome)).await;
    }

    async fn hear(&mut self) -> Result<(), EngineError> {
        for Unheard { turn, pcm } in std::mem::take(&mut self.unheard) {
            let heard = self.engine.transcribe(pcm, Transcript::default()).await?;
            if let Some(turn) = self.context.turns.get_mut(turn) {
                *turn = Turn::User(heard.text);
            }
        }
        Ok(())
    }

    async fn reply(&mut self) -> Result<(), EngineError> {
        let (sender, parts) = mpsc::channel(PARTS);
        let context = std::mem::take(&mut self.context);
        let brain = self.brain.clone();
        let deciding = async move { brain.reply(context, &sender).await };
        let (decided, spoken) = tokio::join!(deciding, self.speak(parts));
        spoken.and(decided)
    }

    async fn speak(&mut self, mut parts: mpsc::Receiver<Part>) -> Result<(), EngineError> {
        let mut clauses = Clauses::new();
        let mut is_announced = false;
        while let Some(part) = parts.recv().await {
            if let Part::Say(text) = &part
                && !is_announced
                && !text.trim().is_empty()
            {
                is_announced = true;
                self.step(Step::Message).await?;
            }
            match part {
                Part::Say(text) if self.voice.is_none() => {
                    let wave = Vec::new();
                    self.step(Step::Say { text, wave }).await?;
                    self.pass_gate().await?;
                }
                Part::Say(text) => {
                    clauses.push(&text);
                    while let Some(clause) = clauses.next_clause() {
                        self.say(clause).await?;
                    }
                }
                Part::Call { name, arguments } => {
                    while let Some(clause) = clauses.finish() {
                        self.say(clause).await?;
                    }
                    is_announced = false;
                    self.step(Step::Call { name, arguments }).await?;
                }
            }
        }
        while let Some(clause) = clauses.finish() {
            self.say(clause).await?;
        }
        Ok(())
    }

    async fn say(&mut self, text: String) -> Result<(), EngineError> {
        let Some((voice, speed)) = self.voice.clone() else {
            return Ok(());
        };
        let wave = self.engine.synthesize(text.clone(), voice, speed).await?;
        self.step(Step::Say { text, wave }).await?;
        self.pass_gate().await
    }

    async fn pass_gate(&mut self) -> Result<(), EngineError> {
        match self.gate.take() {
            Some(gate) => gate.await.map_err(|_| EngineError::Lost),
            None => Ok(()),
        }
    }

    async fn step(&self, step: Step) -> Result<(), EngineError> {
        let internal = Internal::Response {
            serial: self.serial,
            step,
        };
        self.steps
            .send(internal)
            .await
            .map_err(|_| EngineError::Lost)
    }
}
