//! What a call came to, in the shape that scripts read.

use std::{path::PathBuf, process::ExitCode};

use serde::Serialize;

/// One call.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Whether every turn was answered and nothing went wrong.
    pub(crate) ok: bool,
    pub(crate) call_id: Option<String>,
    pub(crate) room: Option<String>,
    pub(crate) user_id: Option<String>,
    /// Why the call ended, as the contract names it without its prefix, for example `USER_HANGUP`.
    pub(crate) end_reason: Option<String>,
    /// From `StartCall` to being in the room.
    pub(crate) joined_ms: Option<u64>,
    /// From `StartCall` to the first sight of the assistant listening.
    pub(crate) listening_ms: Option<u64>,
    /// What the assistant said first.
    pub(crate) greeting: Option<String>,
    pub(crate) turns: Vec<Turn>,
    /// A WAV file of all that was heard.
    pub(crate) heard_wav: Option<PathBuf>,
    pub(crate) error: Option<String>,
}

/// One thing said, and what came of it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Turn {
    /// The text that was spoken, or the name of the recording.
    pub(crate) said: String,
    /// What the assistant understood.
    pub(crate) recognised: String,
    /// What the assistant answered.
    pub(crate) answer: String,
    pub(crate) tools: Vec<Tool>,
    /// Documents that the answer rests on.
    pub(crate) sources: Vec<String>,
    /// From the last voiced sample sent to the first frame heard above -50 dBFS.
    pub(crate) first_audio_ms: Option<u64>,
    /// From the first voiced sample of the barge-in to the last frame heard above -50 dBFS.
    pub(crate) stopped_ms: Option<u64>,
    /// From the first voiced sample of the barge-in to being told by `WatchCall` that the answer is cut short.
    pub(crate) cut_ms: Option<u64>,
    /// From the last voiced sample of the nod to the next frame heard above -50 dBFS.
    pub(crate) resumed_ms: Option<u64>,
}

/// One tool that the assistant called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// `OK`, `FAILED`, `TIMED_OUT`, `CANCELLED` or `RUNNING`.
    pub(crate) status: String,
    pub(crate) ms: Option<u64>,
}

impl Report {
    /// Writes the report to stdout.
    pub(crate) fn print(&self, json: bool) {
        if json {
            let line = serde_json::to_string(self).expect("a report is plain values");
            println!("{line}");
            return;
        }
        if let Some(greeting) = &self.greeting {
            println!("assistant: {greeting}");
        }
        for turn in &self.turns {
            println!("caller:    {}", turn.said);
            println!("assistant: {}", turn.answer);
            if let Some(ms) = turn.first_audio_ms {
                println!("           (first audio after {ms} ms)");
            }
        }
        if let Some(error) = &self.error {
            eprintln!("error: {error}");
        }
    }

    /// 0 all answered, 3 no answer, 1 anything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let unanswered = self.turns.iter().any(|turn| turn.first_audio_ms.is_none());
        match (self.ok, self.error.is_none() && unanswered) {
            (true, _) => ExitCode::SUCCESS,
            (false, true) => ExitCode::from(3),
            (false, false) => ExitCode::FAILURE,
        }
    }
}
