//! A voice for when another one fails.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::time::timeout;

use super::{TtsError, Voice};

/// How long the first voice may take to begin.
const PATIENCE: Duration = Duration::from_secs(2);

/// Speaks with the first voice, and with the second what the first does not begin with in time. What
/// the first breaks off stays broken off: heard twice it would be odd.
pub struct SecondVoice {
    first: Arc<dyn Voice>,
    second: Arc<dyn Voice>,
}

impl SecondVoice {
    /// Of these two.
    pub fn new(first: Arc<dyn Voice>, second: Arc<dyn Voice>) -> Self {
        Self { first, second }
    }
}

impl Voice for SecondVoice {
    fn speak(&self, text: String) -> BoxStream<'static, Result<Vec<i16>, TtsError>> {
        let (mut first, second) = (self.first.speak(text.clone()), self.second.clone());
        let begun = async move {
            let error = match timeout(PATIENCE, first.next()).await {
                Ok(Some(Ok(sound))) => {
                    return stream::once(async { Ok(sound) }).chain(first).boxed();
                }
                Ok(Some(Err(error))) => error,
                Ok(None) => return stream::empty().boxed(),
                Err(_) => TtsError::TimedOut(PATIENCE),
            };
            tracing::warn!(%error, "The second voice speaks");
            metrics::counter!("insta_agent_second_voice").increment(1);
            second.speak(text)
        };
        stream::once(begun).flatten().boxed()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    type Piece = Result<Vec<i16>, TtsError>;

    /// Gives these pieces, the first so long after it was asked.
    struct Scripted(Vec<Piece>, Duration);

    impl Voice for Scripted {
        fn speak(&self, _: String) -> BoxStream<'static, Piece> {
            let Self(pieces, after) = self;
            let (pieces, after) = (pieces.clone(), *after);
            let begins = stream::once(async move {
                tokio::time::sleep(after).await;
                stream::iter(pieces)
            });
            begins.flatten().boxed()
        }
    }

    /// What is heard of a first voice like this, and when it is over.
    async fn heard(pieces: Vec<Piece>, after_ms: u64) -> (Vec<Piece>, u64) {
        let first = Scripted(pieces, Duration::from_millis(after_ms));
        let second = Scripted(vec![Ok(vec![2]), Ok(vec![2])], Duration::from_millis(100));
        let voice = SecondVoice::new(Arc::new(first), Arc::new(second));
        let asked = Instant::now();
        let heard = voice.speak("Hello.".into()).collect().await;
        (heard, asked.elapsed().as_millis() as u64)
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_speaks_what_the_first_does_not_begin_with() {
        let refused = Err(TtsError::Refused { status: 401 });
        let (one, two) = (Ok(vec![1]), Ok(vec![2]));
        for (first, after, expected) in [
            (
                vec![one.clone(), one.clone()],
                1_999,
                (vec![one.clone(), one.clone()], 1_999),
            ),
            (
                vec![refused.clone()],
                40,
                (vec![two.clone(), two.clone()], 140),
            ),
            (vec![one.clone()], 2_001, (vec![two.clone(), two], 2_100)),
            (
                vec![one.clone(), refused.clone()],
                40,
                (vec![one, refused], 40),
            ),
            (vec![], 40, (vec![], 40)),
        ] {
            assert_eq!(
                heard(first.clone(), after).await,
                expected,
                "{first:?} after {after}"
            );
        }
    }
}
