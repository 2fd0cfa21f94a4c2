//! What to say, to whom.

use std::{num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

use clap::{ArgMatches, Parser};
use http::Uri;
use secrecy::SecretString;

/// Calls the assistant, speaks, listens, and reports what was heard and when.
#[derive(Debug, Parser)]
#[command(name = "caller", version)]
pub(crate) struct Options {
    /// Base URL of agent-svc.
    #[arg(long, env)]
    pub(crate) agent_url: Uri,

    /// Session token of the user who calls.
    #[arg(long, env, hide_env_values = true)]
    pub(crate) session_token: SecretString,

    /// Base URL of the OpenAI-compatible server whose voice speaks the texts, with /v1.
    #[arg(long, env)]
    pub(crate) openai_base_url: String,

    /// Key for that server.
    #[arg(long, env, hide_env_values = true, default_value = "local")]
    pub(crate) openai_api_key: SecretString,

    /// Model that speaks the texts.
    #[arg(long, env, default_value = "tts-1")]
    pub(crate) tts_model: String,

    /// Voice that speaks the texts; another than the assistant's, to tell them apart by ear.
    #[arg(long, env, default_value = "echo")]
    pub(crate) tts_voice: String,

    /// Text to say: a turn each.
    #[arg(long, value_name = "TEXT")]
    pub(crate) say: Vec<String>,

    /// WAV file to play: a turn each, in the order given among the texts.
    #[arg(long, value_name = "FILE")]
    pub(crate) wav: Vec<PathBuf>,

    /// Speak over each answer, this many milliseconds after its first sound: with the next turn, and over the
    /// last answer with a short "Wait, stop." `MS@TURN` speaks over the answer to one turn alone; the first is 1.
    #[arg(long, value_name = "MS[@TURN]")]
    pub(crate) barge_in: Option<Place>,

    /// Say a short "Okay." over each answer, this many milliseconds after its first sound, as somebody does who
    /// listens. `MS@TURN` does so over the answer to one turn alone.
    #[arg(long, value_name = "MS[@TURN]")]
    pub(crate) nod: Option<Place>,

    /// Where to write the WAV of what was heard; a temporary file when not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) heard_wav: Option<PathBuf>,

    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where something is said over the assistant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// After the first sound of the answer.
    pub(crate) after: Duration,
    /// The turn whose answer it is, from 1; every one when not given.
    turn: Option<NonZeroUsize>,
}

impl Place {
    /// Whether it is over the answer to this turn, from 1.
    pub(crate) fn is_over(self, turn: usize) -> bool {
        self.turn.is_none_or(|only| only.get() == turn)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |_| format!("{text:?} is not as 1500, or 1500@2 for the second turn alone");
        let (after, turn) = match text.split_once('@') {
            Some((after, turn)) => (after, Some(turn.parse().map_err(wrong)?)),
            None => (text, None),
        };
        let after = Duration::from_millis(after.parse().map_err(wrong)?);
        Ok(Self { after, turn })
    }
}

/// Something to say.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// A text, to be spoken by a voice.
    Say(String),
    /// A recording.
    Wav(PathBuf),
}

impl Options {
    /// Whether every answer is spoken over in one way at most.
    pub(crate) fn is_clear(&self) -> bool {
        let (Some(barge_in), Some(nod)) = (self.barge_in, self.nod) else {
            return true;
        };
        barge_in.turn.is_some() && nod.turn.is_some() && barge_in.turn != nod.turn
    }

    /// Texts and recordings in the order in which they stand on the command line.
    pub(crate) fn lines(&self, matches: &ArgMatches) -> Vec<Line> {
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let texts = places("say").zip(self.say.iter().cloned().map(Line::Say));
        let files = places("wav").zip(self.wav.iter().cloned().map(Line::Wav));
        let mut lines: Vec<_> = texts.chain(files).collect();
        lines.sort_by_key(|(place, _)| *place);
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;

    #[test]
    fn an_answer_is_spoken_over_in_one_way() {
        let options = |over: &[&str]| {
            let given = [
                "caller",
                "--agent-url=http://127.0.0.1:1",
                "--openai-base-url=http://127.0.0.1:1/v1",
                "--session-token=t",
            ];
            Options::try_parse_from(given.iter().chain(over))
        };
        let is_clear = |over: &[&str]| options(over).unwrap().is_clear();
        assert!(is_clear(&["--nod=800@1", "--barge-in=900@2"]));
        assert!(is_clear(&["--nod=800"]));
        assert!(!is_clear(&["--nod=800@2", "--barge-in=900@2"]));
        assert!(!is_clear(&["--nod=800", "--barge-in=900@2"]));
        for wrong in ["--nod=soon", "--nod=800@0", "--nod=800@", "--nod=@1"] {
            let error = options(&[wrong]).unwrap_err().to_string();
            assert!(error.contains("is not as 1500"), "{error}");
        }
        let place: Place = "800@2".parse().unwrap();
        assert_eq!([1, 2].map(|turn| place.is_over(turn)), [false, true]);
    }

    #[test]
    fn turns_keep_the_order_of_the_command_line() {
        let matches = Options::command().get_matches_from([
            "caller",
            "--agent-url=http://127.0.0.1:1",
            "--openai-base-url=http://127.0.0.1:1/v1",
            "--session-token=t",
            "--say=one",
            "--wav=two.wav",
            "--say=three",
        ]);
        let options = Options::from_arg_matches(&matches).unwrap();
        let lines = options.lines(&matches);
        assert!(
            matches!(&lines[..], [Line::Say(one), Line::Wav(_), Line::Say(three)]
                if one == "one" && three == "three"),
            "{lines:?}"
        );
    }
}
