//! What the person who runs the project has set: the process's environment over the clone's `.env`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, bail, ensure};

use crate::project::Project;

/// Variables of the process that reach the parts. `.env` is the project's own, so all of it does.
const PASSED_ON: &[&str] = &[
    "AGENT_",
    "ASSISTANT_",
    "COMPANY_",
    "DATABASE_",
    "EMBEDDING_",
    "ENDPOINTING_",
    "FALLBACK_",
    "FIREBASE_",
    "GOOGLE_",
    "LIVEKIT_",
    "LOCAL_AI_",
    "LOG_FORMAT",
    "MAX_",
    "MEDIA_",
    "MIN_",
    "OPENAI_",
    "PLAYOUT_",
    "PROMPT_",
    "REALTIME_",
    "RUST_LOG",
    "SEARCH_",
    "SUMMARY_",
    "TRANSCRIPTION_",
    "TTS_",
    "TURN_",
];

/// Variables by name. Empty ones count as absent.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    variables: BTreeMap<String, String>,
}

/// A LiveKit server that is not ours.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalLivekit {
    pub url: String,
    pub api_key: String,
    pub api_secret: String,
}

impl Settings {
    /// Reads `.env`, if there is one, and the environment.
    ///
    /// # Errors
    ///
    /// A line of `.env` cannot be understood.
    pub fn load(project: &Project) -> anyhow::Result<Self> {
        let path = project.root().join(".env");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            other => other.with_context(|| path.display().to_string())?,
        };
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::merge(parse(&text).context(".env")?, environment)
    }

    /// Only what the text of a `.env` says.
    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        Self::merge(parse(text)?, std::iter::empty())
    }

    fn merge(
        file: Vec<(String, String)>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let passed_on = |name: &str| PASSED_ON.iter().any(|prefix| name.starts_with(prefix));
        let mut variables: BTreeMap<_, _> = file.into_iter().collect();
        variables.extend(environment.filter(|(name, _)| passed_on(name)));
        variables.retain(|_, value| !value.is_empty());
        Ok(Self { variables })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Everything that is set.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Whether OpenAI, or another server that speaks its protocols, takes the place of local-ai.
    pub fn openai_is_external(&self) -> bool {
        self.get("OPENAI_API_KEY").is_some() || self.get("OPENAI_BASE_URL").is_some()
    }

    /// # Errors
    ///
    /// Some of the three variables are set and others are not.
    pub fn livekit(&self) -> anyhow::Result<Option<ExternalLivekit>> {
        let names = ["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"];
        match names.map(|name| self.get(name)) {
            [None, None, None] => Ok(None),
            [Some(url), Some(key), Some(secret)] => {
                ensure!(
                    ["ws://", "wss://"]
                        .iter()
                        .any(|scheme| url.starts_with(scheme)),
                    "LIVEKIT_URL must begin with ws:// or wss://"
                );
                Ok(Some(ExternalLivekit {
                    url: url.trim_end_matches('/').to_owned(),
                    api_key: key.to_owned(),
                    api_secret: secret.to_owned(),
                }))
            }
            _ => bail!(
                "{} belong together: set all of them or none",
                names.join(", ")
            ),
        }
    }
}

/// Reads `NAME=value` lines. A value may stand in single quotes (taken as it is) or double quotes (with
/// `\n`, `\"` and `\\`); without quotes it ends before ` #`. `export` before the name is allowed.
fn parse(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| parse_line(line).with_context(|| format!("line {}", index + 1)))
        .collect()
}

fn parse_line(line: &str) -> anyhow::Result<(String, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').context("has no `=`")?;
    let name = name.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ensure!(
        !name.is_empty()
            && name.chars().all(is_name)
            && !name.starts_with(|c: char| c.is_ascii_digit()),
        "{name:?} is not a variable's name"
    );
    Ok((name.to_owned(), parse_value(value.trim())?))
}

fn parse_value(value: &str) -> anyhow::Result<String> {
    let Some(quote @ ('\'' | '"')) = value.chars().next() else {
        let end = value.find(" #").unwrap_or(value.len());
        return Ok(value[..end].trim_end().to_owned());
    };
    let mut text = String::new();
    let mut characters = value[1..].chars();
    while let Some(character) = characters.next() {
        match character {
            c if c == quote => {
                let rest = characters.as_str().trim_start();
                ensure!(
                    rest.is_empty() || rest.starts_with('#'),
                    "text follows the closing quote"
                );
                return Ok(text);
            }
            '\\' if quote == '"' => match characters.next() {
                Some('n') => text.push('\n'),
                Some(escaped) => text.push(escaped),
                None => break,
            },
            c => text.push(c),
        }
    }
    bail!("the quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str, environment: &[(&str, &str)]) -> Settings {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Settings::merge(parse(file).unwrap(), environment).unwrap()
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        let text = "# a comment\n\nA=1\nexport B = two words # why\nC='a # b\\n'\nD=\"a\\\"b\\nc\" # why\nE=\nF=a#b\n";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a # b\\n"),
            ("D", "a\"b\nc"),
            ("E", ""),
            ("F", "a#b"),
        ];
        let expected: Vec<_> = expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        for (text, wrong) in [
            ("A=1\nnothing", "line 2: has no `=`"),
            ("1A=2", "line 1: \"1A\" is not a variable's name"),
            ("A='x", "line 1: the quote is not closed"),
            ("A=\"x\\", "line 1: the quote is not closed"),
            ("A='x' y", "line 1: text follows the closing quote"),
        ] {
            assert_eq!(format!("{:#}", parse(text).unwrap_err()), wrong);
        }
    }

    #[test]
    fn the_environment_wins_and_an_empty_value_unsets() {
        let settings = settings(
            "OPENAI_API_KEY=file\nTTS_MODEL=x\nMY=1",
            &[("OPENAI_API_KEY", "process"), ("TTS_MODEL", "")],
        );
        assert_eq!(settings.get("OPENAI_API_KEY"), Some("process"));
        assert_eq!(settings.get("TTS_MODEL"), None);
        assert_eq!(settings.get("MY"), Some("1"));
    }

    #[test]
    fn only_what_concerns_the_parts_is_taken_from_the_environment() {
        assert_eq!(
            settings("", &[("SHELL", "/bin/sh"), ("RUST_LOG", "debug")])
                .all()
                .len(),
            1
        );
    }

    #[test]
    fn livekit_is_replaced_as_a_whole_or_not_at_all() {
        assert_eq!(settings("", &[]).livekit().unwrap(), None);
        let error = settings("LIVEKIT_URL=wss://x", &[])
            .livekit()
            .unwrap_err()
            .to_string();
        assert!(error.contains("belong together"), "{error}");
        let all = "LIVEKIT_URL=wss://x/\nLIVEKIT_API_KEY=k\nLIVEKIT_API_SECRET=s";
        assert_eq!(
            settings(all, &[]).livekit().unwrap().unwrap().url,
            "wss://x"
        );
        let error = settings(&all.replace("wss", "http"), &[])
            .livekit()
            .unwrap_err()
            .to_string();
        assert_eq!(error, "LIVEKIT_URL must begin with ws:// or wss://");
    }
}
