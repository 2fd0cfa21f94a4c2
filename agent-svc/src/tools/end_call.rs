//! Hanging up, after a goodbye.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Running, Tool, arguments, schema};
use crate::domain::ToolEffect;

pub(super) struct EndCall;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {}

impl Tool for EndCall {
    fn name(&self) -> &'static str {
        "end_call"
    }

    fn description(&self) -> &'static str {
        "Hangs up. Call it only when the caller has said goodbye or that they need nothing more. Say a \
         short goodbye after it; the call ends when that has been heard."
    }

    fn parameters(&self) -> Value {
        schema::<Arguments>()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn run(&self, _: Context, text: String) -> Running {
        Box::pin(async move {
            arguments::<Arguments>(&text)?;
            Ok(Answer {
                output: json!({"ok": true, "note": "say goodbye now"}),
                effect: Some(ToolEffect::EndCall),
                ..Answer::default()
            })
        })
    }
}
