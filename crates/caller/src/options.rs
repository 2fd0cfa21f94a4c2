//! What to say, to whom.

use std::path::PathBuf;

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
    /// last answer with a short "Wait, stop."
    #[arg(long, value_name = "MS")]
    pub(crate) barge_in: Option<u64>,

    /// Say a short "Okay." over each answer, this many milliseconds after its first sound, as somebody does who
    /// listens.
    #[arg(long, value_name = "MS", conflicts_with = "barge_in")]
    pub(crate) nod: Option<u64>,

    /// Where to write the WAV of what was heard; a temporary file when not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) heard_wav: Option<PathBuf>,

    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
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
