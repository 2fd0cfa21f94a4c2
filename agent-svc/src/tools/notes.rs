//! Notes that the model keeps in a call, and reads again. They end with the call.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Running, Tool, ToolError, arguments, schema, text_argument};

/// Notes of one call.
const MAX_NOTES: usize = 20;
const MAX_KEY: usize = 40;
const MAX_VALUE: usize = 300;
const TIMEOUT: Duration = Duration::from_secs(1);

/// The notes of a call, in the order of their keys' first use.
#[derive(Clone, Default)]
struct Notes(Vec<(String, String)>);

impl Notes {
    /// Keeps a note, in place of one with the same key.
    fn keep(&mut self, key: String, value: String) -> Result<(), ToolError> {
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == key) {
            *known = value;
        } else if self.0.len() < MAX_NOTES {
            self.0.push((key, value));
        } else {
            let problem = "there is no room for another note; use the key of one not needed";
            return Err(ToolError::Refused(problem));
        }
        Ok(())
    }
}

pub(super) struct Remember;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RememberArguments {
    /// A short label.
    #[schemars(length(min = 1, max = 40))]
    key: String,
    /// What to write down.
    #[schemars(length(min = 1, max = 300))]
    value: String,
}

impl Tool for Remember {
    fn name(&self) -> &'static str {
        "remember"
    }

    fn description(&self) -> &'static str {
        "Writes down something that was said, to be read later in this conversation. The same key gets \
         the newer value."
    }

    fn parameters(&self) -> Value {
        schema::<RememberArguments>()
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    fn run(&self, context: Context, text: String) -> Running {
        Box::pin(async move {
            let RememberArguments { key, value } = arguments(&text)?;
            let key = text_argument("key", &key, MAX_KEY)?.to_lowercase();
            let value = text_argument("value", &value, MAX_VALUE)?;
            context
                .kept
                .with(|notes: &mut Notes| notes.keep(key, value))?;
            Ok(Answer {
                output: json!({"ok": true}),
                ..Answer::default()
            })
        })
    }
}

pub(super) struct Recall;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RecallArguments {
    /// The label of one note; all of them without it.
    #[serde(default)]
    #[schemars(length(min = 1, max = 40))]
    key: Option<String>,
}

impl Tool for Recall {
    fn name(&self) -> &'static str {
        "recall"
    }

    fn description(&self) -> &'static str {
        "Reads back the notes of this conversation: what was written down with remember."
    }

    fn parameters(&self) -> Value {
        schema::<RecallArguments>()
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    fn run(&self, context: Context, text: String) -> Running {
        Box::pin(async move {
            let RecallArguments { key } = arguments(&text)?;
            let key = key.map(|key| text_argument("key", &key, MAX_KEY));
            let key = key.transpose()?.map(|key| key.to_lowercase());
            let wanted = |known: &str| key.as_deref().is_none_or(|key| key == known);
            let notes = context.kept.with(|notes: &mut Notes| notes.clone());
            let told: Vec<Value> = notes
                .0
                .iter()
                .filter(|(known, _)| wanted(known))
                .map(|(key, value)| json!({"key": key, "value": value}))
                .collect();
            let output = if told.is_empty() {
                json!({"notes": [], "note": "nothing was noted"})
            } else {
                json!({ "notes": told })
            };
            Ok(Answer {
                output,
                ..Answer::default()
            })
        })
    }
}
