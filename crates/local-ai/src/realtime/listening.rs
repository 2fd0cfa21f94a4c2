//! Recognition of what the person says, begun while they say it. Pure state; the session runs the
//! recogniser.

use speech::recognition::Transcript;

/// The recognition of one utterance.
#[derive(Debug, Default)]
pub(super) struct Listening {
    /// Tells results of this utterance from those of others.
    pub(super) serial: u64,
    /// The item that it is or will be, once that was announced.
    pub(super) item_id: Option<String>,
    /// Whether it was announced that the person speaks.
    pub(super) is_speaking: bool,
    /// What has been recognised so far.
    pub(super) draft: Transcript,
    /// How far that reaches, in 16 kHz samples of all audio ever appended.
    pub(super) covered: u64,
    /// Whether a recognition is running.
    pub(super) is_busy: bool,
    /// What was sent as deltas.
    sent: String,
}

impl Listening {
    pub(super) fn new(serial: u64) -> Self {
        Self {
            serial,
            ..Self::default()
        }
    }

    /// Takes a result and gives the words that can be sent: those on which this recognition and
    /// the one before it agree, because the last words of a growing utterance still change.
    /// Nothing can be sent before the item was announced.
    pub(super) fn heard(&mut self, transcript: Transcript, covered: u64) -> Option<String> {
        let stable = common_words(&self.draft.text, &transcript.text);
        let delta = stable
            .strip_prefix(self.sent.as_str())
            .filter(|delta| !delta.is_empty() && self.item_id.is_some());
        let delta = delta.map(str::to_owned);
        if let Some(delta) = &delta {
            self.sent.push_str(delta);
        }
        self.draft = transcript;
        self.covered = covered;
        delta
    }

    /// The rest of the final text, if what was sent is its beginning.
    pub(super) fn rest(&self) -> Option<&str> {
        self.draft
            .text
            .strip_prefix(self.sent.as_str())
            .filter(|rest| !rest.is_empty())
    }
}

/// The words, with the white space after them, that both begin with. The last word of either is
/// left out: it may go on.
fn common_words<'a>(a: &str, b: &'a str) -> &'a str {
    let same: usize = a
        .char_indices()
        .zip(b.char_indices())
        .take_while(|((_, a), (_, b))| a == b)
        .map(|((_, a), _)| a.len_utf8())
        .sum();
    match b[..same].rfind(' ') {
        Some(space) => &b[..=space],
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(text: &str) -> Transcript {
        let mut transcript = Transcript::default();
        transcript.text = text.to_owned();
        transcript
    }

    #[test]
    fn only_words_that_stay_are_sent_and_the_rest_at_the_end() {
        let mut listening = Listening::new(1);
        listening.heard(transcript("My card"), 0);
        listening.heard(transcript("My card was"), 0);
        assert_eq!(listening.rest(), Some("My card was"), "not announced yet");
        listening.item_id = Some("item".into());
        let mut heard = |text: &str| listening.heard(transcript(text), 0);
        assert_eq!(heard("Me? Car was"), None);
        assert_eq!(heard("My card was"), None);
        assert_eq!(heard("My card was declined. How"), Some("My card ".into()));
        assert_eq!(heard("My card was declined, how do"), Some("was ".into()));
        assert_eq!(
            heard("My card was declined, how do I pay?"),
            Some("declined, how ".into())
        );
        assert_eq!(listening.rest(), Some("do I pay?"));
        listening.heard(transcript("Quite another text."), 0);
        assert_eq!(listening.rest(), None, "what was sent is not its beginning");
    }
}
