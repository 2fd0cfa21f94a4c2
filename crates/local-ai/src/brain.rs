//! Who decides what to say: the dialogue of this crate, or a chat endpoint.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::chat::Chat;
use crate::dialogue::{self, Context, Memory, Part};
use crate::engine::{Engine, EngineError};

/// Decides what to say. Cheap to clone.
#[derive(Clone)]
pub struct Brain {
    engine: Engine,
    memory: Arc<Memory>,
    chat: Option<Chat>,
}

impl Brain {
    /// Answers through `chat` if there is one, else by itself.
    pub fn new(engine: Engine, chat: Option<Chat>) -> Self {
        Self {
            engine,
            memory: Arc::default(),
            chat,
        }
    }

    /// The chat endpoint, if one is configured.
    pub fn chat(&self) -> Option<&Chat> {
        self.chat.as_ref()
    }

    /// Puts what to say and do into `parts`; ends early when nobody receives them.
    ///
    /// # Errors
    /// A model failed. A failing chat endpoint is no error: that is said aloud.
    pub async fn reply(
        &self,
        context: Context,
        parts: &mpsc::Sender<Part>,
    ) -> Result<(), EngineError> {
        if let Some(chat) = &self.chat {
            chat.reply(&context, parts).await;
            return Ok(());
        }
        let memory = self.memory.clone();
        let decided = self
            .engine
            .blocking(move |models| dialogue::reply(&context, models, &memory))
            .await?;
        let decided = decided.map_err(|dialogue::DialogueError::Model(error)| error)?;
        for part in decided {
            if parts.send(part).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}
