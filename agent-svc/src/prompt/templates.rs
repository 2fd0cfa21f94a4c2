//! The templates: built in, or a deployment's own, read and checked once at the start.

use std::path::{Path, PathBuf};
use std::{fs, io};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};
use sha2::{Digest as _, Sha256};

use super::{Caller, Persona, Values, values};

/// Grows with every change of a built-in template.
const BUILT_IN_VERSION: &str = "built-in-3";
/// Versions that begin like this are ours.
const BUILT_IN: &str = "built-in";
const INSTRUCTIONS: &str = "instructions.j2";
const GREETING: &str = "greeting.j2";
const TEMPLATES: [(&str, &str); 2] = [
    (INSTRUCTIONS, include_str!("built_in/instructions.j2")),
    (GREETING, include_str!("built_in/greeting.j2")),
];
/// The longest template, in bytes: longer ones would not fit a model's instructions.
const MAX_TEMPLATE: usize = 32 * 1024;
const MAX_VERSION: usize = 64;

/// Why the prompts of a deployment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read.
    #[error("the prompt template {} cannot be read", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder has nothing to read, or something that would be ignored.
    #[error("{} is no prompt template: a folder has {INSTRUCTIONS}, {GREETING}, or both", .0.display())]
    NoTemplate(PathBuf),
    /// A template is longer than it may be.
    #[error("the prompt template {} is longer than {MAX_TEMPLATE} bytes", .0.display())]
    TooLong(PathBuf),
    /// A template is wrong somewhere.
    #[error("the prompt template {}, line {line}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// Templates that have been checked, and the built-in ones below them.
#[derive(Debug)]
pub(super) struct Templates {
    built_in: Environment<'static>,
    own: Environment<'static>,
    version: String,
}

impl Templates {
    pub(super) fn built_in() -> Self {
        let mut built_in = environment();
        for (name, text) in TEMPLATES {
            built_in
                .add_template(name, text)
                .expect("built-in templates are tested");
        }
        Self {
            built_in,
            own: environment(),
            version: BUILT_IN_VERSION.to_owned(),
        }
    }

    pub(super) fn read(path: &Path) -> Result<Self, TemplateError> {
        let mut templates = Self::built_in();
        let mut declared: Option<String> = None;
        let mut digest = Sha256::new();
        for (name, path) in files(path)? {
            let text = text(&path)?;
            if let Some(version) = version(&path, &text)? {
                if let Some(other) = declared.filter(|other| *other != version) {
                    let problem = format!("it declares version {version}, another file {other}");
                    return Err(wrong(&path, 1, problem));
                }
                declared = Some(version);
            }
            digest.update(name);
            digest.update(&text);
            templates.add(name, &path, &text)?;
        }
        templates.version = declared.unwrap_or_else(|| {
            let hash = digest.finalize();
            let start: String = hash
                .iter()
                .take(6)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!("sha256-{start}")
        });
        Ok(templates)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn instructions(&self, values: &Values) -> String {
        self.fill(INSTRUCTIONS, values)
    }

    pub(super) fn greeting(&self, values: &Values) -> String {
        self.fill(GREETING, values)
    }

    /// Takes a template of a deployment after trying it with everything known and with nothing.
    fn add(&mut self, name: &'static str, path: &Path, text: &str) -> Result<(), TemplateError> {
        self.own
            .add_template_owned(name, text.to_owned())
            .map_err(|error| unusable(path, &error))?;
        let template = self.own.get_template(name);
        let template = template.map_err(|error| unusable(path, &error))?;
        let known = values(&somebody(), &Caller::default());
        let named = template.undeclared_variables(false);
        let unknown = named
            .iter()
            .filter(|name| !known.contains_key(name.as_str()));
        if let Some((line, name)) = unknown.map(|name| (line_of(text, name), name)).min() {
            let variables: Vec<&str> = known.keys().copied().collect();
            let variables = variables.join(", ");
            let problem = format!("there is no variable {name}; there are {variables}");
            return Err(wrong(path, line, problem));
        }
        for caller in [Caller::default(), everything()] {
            let tried = template.render(values(&somebody(), &caller));
            tried.map_err(|error| unusable(path, &error))?;
        }
        Ok(())
    }

    /// A template filled; the built-in one where a deployment has none of its own, or one that fails
    /// for a caller in a way that no trial has shown.
    fn fill(&self, name: &'static str, values: &Values) -> String {
        if let Ok(template) = self.own.get_template(name) {
            match template.render(values) {
                Ok(text) => return text,
                // The error itself could quote what is known of the caller.
                Err(error) => tracing::error!(
                    template = name,
                    line = error.line(),
                    "A prompt template cannot be filled; the built-in one is used"
                ),
            }
        }
        let template = self.built_in.get_template(name);
        let filled = template.and_then(|template| template.render(values));
        filled.expect("built-in templates are tested")
    }
}

/// Variables, conditions and loops, and nothing else: no functions, filters or other files.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A line with nothing but a condition leaves no line behind.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.expect("the delimiters are Jinja's own"));
    environment
}

/// The files of a deployment, each with the template that it takes the place of.
fn files(path: &Path) -> Result<Vec<(&'static str, PathBuf)>, TemplateError> {
    let unreadable = |source| TemplateError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![(INSTRUCTIONS, path.to_owned())]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_none_or(|extension| extension != "j2") {
            continue;
        }
        // A misspelt name would be ignored for ever.
        let known = TEMPLATES.iter().find(|(name, _)| file.ends_with(name));
        let (name, _) = known.ok_or_else(|| TemplateError::NoTemplate(file.clone()))?;
        found.push((*name, file));
    }
    if found.is_empty() {
        return Err(TemplateError::NoTemplate(path.to_owned()));
    }
    // In whatever order the folder gives them, the version is the same.
    found.sort();
    Ok(found)
}

fn text(path: &Path) -> Result<String, TemplateError> {
    let text = fs::read_to_string(path).map_err(|source| TemplateError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    if text.len() > MAX_TEMPLATE {
        return Err(TemplateError::TooLong(path.to_owned()));
    }
    Ok(text)
}

/// The version that a template declares in its first line: `{# version: support-7 #}`.
fn version(path: &Path, text: &str) -> Result<Option<String>, TemplateError> {
    let first = text.lines().next().unwrap_or_default().trim();
    let comment = first
        .strip_prefix("{#")
        .and_then(|rest| rest.strip_suffix("#}"));
    let Some(version) = comment.and_then(|text| text.trim().strip_prefix("version:")) else {
        return Ok(None);
    };
    let version = version.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !(1..=MAX_VERSION).contains(&version.len())
        || !version.chars().all(is_plain)
        || version.starts_with(BUILT_IN)
    {
        let problem = format!(
            "a version is 1 to {MAX_VERSION} letters, digits, dots, dashes or underscores, and does \
             not begin with {BUILT_IN}"
        );
        return Err(wrong(path, 1, problem));
    }
    Ok(Some(version.to_owned()))
}

fn wrong(path: &Path, line: usize, problem: String) -> TemplateError {
    TemplateError::Wrong {
        path: path.to_owned(),
        line,
        problem,
    }
}

fn unusable(path: &Path, error: &minijinja::Error) -> TemplateError {
    let problem = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    wrong(path, error.line().unwrap_or(1), problem)
}

/// The first line that names a variable within braces.
fn line_of(text: &str, name: &str) -> usize {
    let names = |line: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|word| word == name)
    };
    let in_braces = |line: &str| line.contains('{') && names(line);
    let found = text.lines().position(in_braces);
    found.or_else(|| text.lines().position(names)).unwrap_or(0) + 1
}

/// Whom templates are tried with.
fn somebody() -> Persona {
    let word = || "word".to_owned();
    Persona {
        assistant: word(),
        company: word(),
        language: word(),
    }
}

fn everything() -> Caller {
    let word = || "word".to_owned();
    Caller {
        name: word(),
        tier: word(),
        last_summary: word(),
    }
}
