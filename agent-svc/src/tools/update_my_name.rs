//! Changing how the caller is addressed, once they have confirmed it aloud.
//!
//! Two steps that no model can skip: the first call keeps the name and changes nothing; only a call in
//! a later turn of the caller, with the same name and `confirmed`, changes it. Whose name it is follows
//! from the call's token.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Running, Tool, ToolError, arguments, schema, text_argument};

/// The contract's longest name, in characters.
const MAX_NAME: usize = 80;
/// So many turns after the question a yes still belongs to it.
const ANSWER_WITHIN: u32 = 3;

pub(super) struct UpdateMyName;

/// `confirmed` is given with the second call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The new name as it is written.
    #[schemars(length(min = 1, max = 80))]
    name: String,
    /// Whether the caller has said yes to exactly this name.
    #[serde(default)]
    confirmed: bool,
}

/// A name that the caller was to be asked about.
#[derive(Clone, Default)]
struct Proposed(Option<Proposal>);

#[derive(Clone, PartialEq, Eq)]
struct Proposal {
    name: String,
    turn: u32,
}

impl Proposed {
    /// Whether the caller can have answered a question about this name. If not, they are to be asked now.
    fn was_asked(&mut self, name: &str, turn: u32) -> bool {
        let known = self.0.as_ref().filter(|known| known.name == name);
        match known.map(|known| turn.saturating_sub(known.turn)) {
            Some(0) => false,
            Some(1..=ANSWER_WITHIN) => true,
            _ => {
                self.0 = Some(Proposal {
                    name: name.to_owned(),
                    turn,
                });
                false
            }
        }
    }
}

impl Tool for UpdateMyName {
    fn name(&self) -> &'static str {
        "update_my_name"
    }

    fn description(&self) -> &'static str {
        "Changes the display name that this caller is addressed by. Call it first without confirmed, \
         repeat the name and ask whether it is right; when they have said yes, call it again with the \
         same name and confirmed true."
    }

    fn parameters(&self) -> Value {
        schema::<Arguments>()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn run(&self, context: Context, text: String) -> Running {
        Box::pin(async move {
            let Arguments { name, confirmed } = arguments(&text)?;
            let name = text_argument("name", &name, MAX_NAME)?;
            if !name.chars().any(char::is_alphabetic) {
                return Err(ToolError::Arguments("name must have a letter".into()));
            }
            let turn = context.turn;
            let was_asked = |proposed: &mut Proposed| proposed.was_asked(&name, turn);
            match (context.kept.with(was_asked), confirmed) {
                (true, true) => {}
                (_, false) => return Ok(to_be_asked(&name)),
                (false, true) => {
                    let problem = "the caller has not been asked about this name yet: repeat it, \
                                   ask whether it is right, and wait for their answer";
                    return Err(ToolError::Refused(problem));
                }
            }
            let profile = context.peers.rename(&context.caller, name.clone()).await?;
            context
                .kept
                .with(|proposed: &mut Proposed| proposed.0 = None);
            Ok(Answer {
                output: json!({"ok": true, "name": profile.name}),
                ..Answer::default()
            })
        })
    }
}

fn to_be_asked(name: &str) -> Answer {
    Answer {
        output: json!({
            "changed": false,
            "question": format!("Shall I change your name to {name}?")}),
        ..Answer::default()
    }
}
