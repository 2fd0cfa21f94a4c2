//! The dedicated voice: text in, sound out, word for word.
//!
//! Two implementations: [`SpeechApi`] over `/v1/audio/speech`, and [`ReadAloud`], a Realtime session
//! that reads the text and whose transcript is compared with it. [`SecondVoice`] has another for when
//! one fails, and [`Speaker`] recordings for when none works.

mod api;
mod lines;
mod read_aloud;
mod second;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::stream::BoxStream;

pub use api::SpeechApi;
pub use lines::Speaker;
pub use read_aloud::ReadAloud;
#[cfg(test)]
pub(crate) use read_aloud::same_words;
pub use second::SecondVoice;

/// How long the first sound may take, and each piece after it.
const PIECE_TIMEOUT: Duration = Duration::from_secs(8);

/// A voice that speaks texts.
pub trait Voice: Send + Sync {
    /// Speaks a text: pieces of 24 kHz mono as they are made. The stream ends by itself, with an
    /// error last if something went wrong; dropping it stops the work.
    fn speak(&self, text: String) -> BoxStream<'static, Result<Vec<i16>, TtsError>>;
}

/// Why a text was not spoken, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TtsError {
    /// The provider cannot be reached.
    #[error("the voice cannot be reached: {0}")]
    Unreachable(String),
    /// The provider said no.
    #[error("the voice was refused with HTTP {status}")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// Nothing came for too long.
    #[error("the voice gave nothing for {0:?}")]
    TimedOut(Duration),
    /// The provider broke off.
    #[error("the voice broke off: {0}")]
    BrokenOff(String),
    /// Something else was spoken than the text.
    #[error("the voice spoke other words than it was given")]
    OtherWords,
}
