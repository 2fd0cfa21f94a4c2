//! What the model is told, and what is said first: versioned templates, filled for each caller.
//!
//! What others wrote (a name, a summary) goes in as [`crate::quoting`] has it: shortened, on one line,
//! without the marks that end a quotation; the summary stands in quotation marks already. A value is
//! never read as a template.

mod templates;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::quoting::line;
pub use templates::TemplateError;
use templates::Templates;

const MAX_NAME: usize = 80;
const MAX_TIER: usize = 20;
const MAX_SUMMARY: usize = 500;
/// A longer sentence is not said in a greeting.
const MAX_TOPIC: usize = 240;

/// What is known of the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// How they are addressed; may be empty.
    pub name: String,
    /// Their plan.
    pub tier: String,
    /// What their last call was about; may be empty.
    pub last_summary: String,
}

/// The company and the assistant, as a deployment names them.
#[derive(Debug, Clone)]
pub struct Persona {
    /// The assistant's name.
    pub assistant: String,
    /// The company's or product's name.
    pub company: String,
    /// The language that the assistant begins in; empty when the deployment does not say.
    pub language: String,
}

/// The prompts of a deployment.
#[derive(Debug)]
pub struct Prompts {
    persona: Persona,
    templates: Templates,
}

impl Prompts {
    /// The built-in prompts.
    pub fn built_in(persona: Persona) -> Self {
        Self {
            persona,
            templates: Templates::built_in(),
        }
    }

    /// The prompts at a path: a file with instructions, or a folder of templates. What is not there
    /// is built in.
    ///
    /// # Errors
    /// [`TemplateError`] names the file, the line and what is wrong.
    pub fn read(persona: Persona, path: &std::path::Path) -> Result<Self, TemplateError> {
        let templates = Templates::read(path)?;
        Ok(Self { persona, templates })
    }

    /// Stored with each call, so that what was said can be understood later.
    pub fn version(&self) -> &str {
        self.templates.version()
    }

    /// The assistant's name.
    pub fn assistant(&self) -> &str {
        &self.persona.assistant
    }

    /// The prompt for one call.
    pub fn instructions(&self, caller: &Caller) -> String {
        let values = values(&self.persona, caller);
        format!("{}\n", self.templates.instructions(&values).trim_end())
    }

    /// The first words of a call, on one line.
    pub fn greeting(&self, caller: &Caller) -> String {
        let values = values(&self.persona, caller);
        let greeting = self.templates.greeting(&values);
        greeting.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What templates may name. Every variable is there; what is not known is empty.
type Values = BTreeMap<&'static str, String>;

fn values(persona: &Persona, caller: &Caller) -> Values {
    let summary = line(&caller.last_summary, MAX_SUMMARY);
    [
        ("assistant", persona.assistant.clone()),
        ("company", persona.company.clone()),
        ("language", persona.language.clone()),
        ("name", line(&caller.name, MAX_NAME).unwrap_or_default()),
        ("tier", line(&caller.tier, MAX_TIER).unwrap_or_default()),
        (
            "last_summary",
            summary.map_or_else(String::new, |summary| format!("\"{summary}\"")),
        ),
        (
            "last_topic",
            last_topic(&caller.last_summary).unwrap_or_default(),
        ),
    ]
    .into()
}

/// The prompt of one call, with what operators add to it while it lasts.
#[derive(Debug, Default)]
pub struct Prompt {
    /// Unknown until it is known who the caller is.
    instructions: Option<String>,
    added: String,
}

impl Prompt {
    /// What the model is told from the beginning.
    pub fn begin(&mut self, instructions: String) -> String {
        let whole = with_added(&instructions, &self.added);
        self.instructions = Some(instructions);
        whole
    }

    /// Adds an operator's words, in place of those before. Gives the whole if the model has been
    /// told anything yet.
    pub fn add(&mut self, added: String) -> Option<String> {
        self.added = added;
        let instructions = self.instructions.as_ref()?;
        Some(with_added(instructions, &self.added))
    }
}

fn with_added(instructions: &str, added: &str) -> String {
    if added.is_empty() {
        return instructions.to_owned();
    }
    format!("{instructions}\nFrom the company, for this call:\n{added}\n")
}

/// The first sentence of a summary as it goes on after "Last time,".
fn last_topic(summary: &str) -> Option<String> {
    let summary = line(summary, MAX_TOPIC)?;
    let end = summary
        .char_indices()
        .find(|(index, mark)| {
            matches!(mark, '.' | '!' | '?')
                && summary[index + 1..]
                    .chars()
                    .next()
                    .is_none_or(char::is_whitespace)
        })
        .map(|(index, _)| index);
    let sentence = summary[..end.unwrap_or(summary.len())].trim();
    let mark = match end {
        // A question that is quoted stays one.
        Some(index) if summary[index..].starts_with('?') => "?",
        None if sentence.ends_with('…') => "",
        _ => ".",
    };
    // Summaries are written in the third person; the greeting speaks to the caller.
    let addressed = [
        "The caller ",
        "The customer ",
        "The user ",
        "Caller ",
        "They ",
    ]
    .iter()
    .find_map(|subject| sentence.strip_prefix(subject))
    .map(|rest| format!("you {rest}"));
    let topic = addressed.unwrap_or_else(|| format!("we spoke about this: {sentence}"));
    (!sentence.is_empty()).then(|| format!("{topic}{mark}"))
}
