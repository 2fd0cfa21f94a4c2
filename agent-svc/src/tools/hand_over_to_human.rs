//! Asking somebody of the company to go on with the caller.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Running, Tool, arguments, schema, text_argument};
use crate::domain::{HandOver, ToolEffect};

/// The contract's longest texts, in characters.
const MAX_REASON: usize = 200;
const MAX_SUMMARY: usize = 500;

pub(super) struct HandOverToHuman;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Why a person is needed, in a few words.
    #[schemars(length(min = 1, max = 200))]
    reason: String,
    /// What that person should know, in one or two sentences.
    #[schemars(length(min = 1, max = 500))]
    summary: String,
}

impl Tool for HandOverToHuman {
    fn name(&self) -> &'static str {
        "hand_over_to_human"
    }

    fn description(&self) -> &'static str {
        "Passes this call on to a human colleague. Use it when the caller says that they want to speak \
         to a real person, or to complain to somebody. Say after it that somebody will take over or get \
         in touch; the call goes on."
    }

    fn parameters(&self) -> Value {
        schema::<Arguments>()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn run(&self, _: Context, text: String) -> Running {
        Box::pin(async move {
            let Arguments { reason, summary } = arguments(&text)?;
            let wanted = HandOver {
                reason: text_argument("reason", &reason, MAX_REASON)?,
                summary: text_argument("summary", &summary, MAX_SUMMARY)?,
            };
            Ok(Answer {
                output: json!({
                    "ok": true,
                    "message": "A colleague has been told and will take over or get in touch."}),
                effect: Some(ToolEffect::HandOver(wanted)),
                ..Answer::default()
            })
        })
    }
}
