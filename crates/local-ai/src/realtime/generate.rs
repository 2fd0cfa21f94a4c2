//! Makes a response: decides what to say, cuts it into clauses and speaks them one by one.

use speech::synthesis::Clauses;
use tokio::sync::mpsc;

use super::Internal;
use crate::brain::Brain;
use crate::dialogue::{Context, Part};
use crate::engine::{Engine, EngineError};

/// Parts that may wait to be spoken.
const PARTS: usize = 16;

/// A step of a response, from its task to the session.
#[derive(Debug)]
pub(super) enum Step {
    /// A clause, with its sound in an audio response.
    Say { text: String, wave: Vec<i16> },
    /// A tool to call.
    Call { name: String, arguments: String },
    /// The end.
    Finished(Result<(), EngineError>),
}

/// What a response's task needs.
pub(super) struct Task {
    pub(super) response_id: String,
    pub(super) context: Context,
    /// Voice and speed; `None` for text.
    pub(super) voice: Option<(String, f32)>,
    pub(super) engine: Engine,
    pub(super) brain: Brain,
    pub(super) steps: mpsc::Sender<Internal>,
}

impl Task {
    /// Runs to the end, which is always the last step, unless the session is gone.
    pub(super) async fn run(mut self) {
        let (sender, parts) = mpsc::channel(PARTS);
        let context = std::mem::take(&mut self.context);
        let brain = self.brain.clone();
        let deciding = async move { brain.reply(context, &sender).await };
        let (decided, spoken) = tokio::join!(deciding, self.speak(parts));
        let outcome = spoken.and(decided);
        // A session that is gone needs no end.
        let _ = self.step(Step::Finished(outcome)).await;
    }

    async fn speak(&self, mut parts: mpsc::Receiver<Part>) -> Result<(), EngineError> {
        let mut clauses = Clauses::new();
        while let Some(part) = parts.recv().await {
            match part {
                Part::Say(text) if self.voice.is_none() => {
                    self.step(Step::Say {
                        text,
                        wave: Vec::new(),
                    })
                    .await?;
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
                    self.step(Step::Call { name, arguments }).await?;
                }
            }
        }
        while let Some(clause) = clauses.finish() {
            self.say(clause).await?;
        }
        Ok(())
    }

    async fn say(&self, text: String) -> Result<(), EngineError> {
        let Some((voice, speed)) = self.voice.clone() else {
            return Ok(());
        };
        let wave = self.engine.synthesize(text.clone(), voice, speed).await?;
        self.step(Step::Say { text, wave }).await
    }

    async fn step(&self, step: Step) -> Result<(), EngineError> {
        let internal = Internal::Response {
            id: self.response_id.clone(),
            step,
        };
        self.steps
            .send(internal)
            .await
            .map_err(|_| EngineError::Lost)
    }
}
