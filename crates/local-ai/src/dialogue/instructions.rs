//! The little of a system prompt that can be followed without a language model.

use std::sync::LazyLock;

use regex::Regex;

use super::text::{pattern, sentence};
use super::{Context, Turn};

/// The text to read out when the instructions ask for nothing but that.
///
/// Such instructions either hold the text (in quotes, tags or after a colon) or mean what the
/// last message of the conversation says.
pub(super) fn verbatim(context: &Context) -> Option<String> {
    static ASKS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(word[ -]for[ -]word|verbatim|read ((it|this|that|the|what)( following| user'?s?| given)?( text| message| words| sentence)? )?(aloud|out loud|out)|(say|speak|repeat|read) exactly|exactly as (it is )?written|exactly what (the user|they|is) (says|say|wrote|written))\b",
        )
    });
    if !ASKS.is_match(&opening(&context.instructions)) {
        return None;
    }
    let last = context.turns.iter().rev().find_map(|turn| match turn {
        Turn::User(text) | Turn::System(text) | Turn::Assistant(text) => Some(text.trim()),
        Turn::Call { .. } | Turn::Output { .. } => None,
    });
    quoted(&context.instructions)
        .or_else(|| last.filter(|text| !text.is_empty()).map(str::to_owned))
        .or_else(|| after_colon(&context.instructions))
}

/// Text within quotes or tags.
fn quoted(text: &str) -> Option<String> {
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r#"(?s)"""(.+)"""|```(.+)```|<[a-z]+>(.+)</[a-z]+>|"([^"]+)"|“([^”]+)”"#)
    });
    let found = QUOTED.captures(text)?;
    let inner = found.iter().skip(1).flatten().next()?.as_str().trim();
    (!inner.is_empty()).then(|| inner.to_owned())
}

fn after_colon(text: &str) -> Option<String> {
    let (_, after) = text.split_once(":\n").or_else(|| text.split_once(": "))?;
    let after = after.trim();
    (!after.is_empty()).then(|| after.to_owned())
}

/// Whether the instructions ask to summarise the conversation instead of taking part in it.
pub(super) fn asks_for_summary(instructions: &str) -> bool {
    static ASKS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)(^|[.!?:]\s*|\b(please|you|to|and) )(summari[sz]e|write (a|the) (\w+ ){0,3}summary|give (a|the) (\w+ ){0,3}summary)\b",
        )
    });
    ASKS.is_match(&opening(instructions))
}

/// The part of a system prompt that says what it is for: its beginning, without quoted data,
/// which may be something that a caller once said.
fn opening(instructions: &str) -> String {
    static DATA: LazyLock<Regex> = LazyLock::new(|| pattern(r#""[^"]*"|“[^”]*”"#));
    const OPENING: usize = 200;
    let plain = DATA.replace_all(instructions, " ");
    plain.chars().take(OPENING).collect()
}

/// The conversation with a question that the instructions ask in the person's place: "What is the
/// weather in Paris? Use the tool."
pub(super) fn asked(context: &Context) -> Option<Context> {
    static ASKED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)([^.!?\n]+\?)\s+(?:please )?use (?:the|your) (?:[\w-]+ )?tools?[.!]?\s*$")
    });
    let found = ASKED.captures(&context.instructions)?;
    let mut asked = context.clone();
    asked.turns.push(Turn::User(found[1].trim().to_owned()));
    asked.instructions = context.instructions[..found.get(0)?.start()].to_owned();
    Some(asked)
}

/// What to say first, when nobody has said anything.
pub(super) fn greeting(instructions: &str) -> String {
    static SCRIPTED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r#"(?i)\b(?:greet|say|begin|start|open|answer)\b[^"“.]{0,80}["“]([^"”]+)["”]"#)
    });
    if let Some(found) = SCRIPTED.captures(instructions) {
        return sentence(&found[1]);
    }
    let hello = match caller_name(instructions) {
        Some(name) => format!("Hello {name}"),
        None => "Hello".to_owned(),
    };
    match own_name(instructions) {
        Some(name) => format!("{hello}, this is {name}. How can I help you?"),
        None => format!("{hello}! How can I help you?"),
    }
}

/// The assistant's name, if the instructions give one.
pub(super) fn own_name(instructions: &str) -> Option<&str> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"\b(?:[Yy]ou are|[Yy]our name is|[Yy]ou're|[Cc]all yourself) ([A-Z][\w'-]+)")
    });
    let name = NAME.captures(instructions)?.get(1)?.as_str();
    (!["A", "An", "The", "Now", "I"].contains(&name)).then_some(name)
}

/// The company or product that the assistant speaks for, if the instructions name it.
pub(super) fn company(instructions: &str) -> Option<&str> {
    static COMPANY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:assistant|agent|support|help ?desk|receptionist) (?:of|for|at) ([A-Z][\w'-]+(?: [A-Z][\w'-]+)*)",
        )
    });
    Some(COMPANY.captures(instructions)?.get(1)?.as_str())
}

/// How whoever is calling is to be addressed, if the instructions say so: by a form of address, or
/// by the first name.
pub(super) fn caller_name(instructions: &str) -> Option<&str> {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:[Aa]ddress|[Cc]all) (?:(?:the )?(?:caller|user|customer)|them|him|her)(?: (?:as|by))? ((?:Mr|Mrs|Ms|Dr)\.? [A-Z][\w'-]+|[A-Z][\w'-]+(?: [A-Z][\w'-]+)?)",
        )
    });
    if let Some(found) = ADDRESS.captures(instructions) {
        return found.get(1).map(|name| name.as_str());
    }
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:[Cc]aller|[Uu]ser|[Cc]ustomer)(?:'s (?:first )?name is| is called| is named| is|:) ([A-Z][\w'-]+)",
        )
    });
    Some(NAME.captures(instructions)?.get(1)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(instructions: &str, user: Option<&str>) -> Context {
        Context {
            instructions: instructions.to_owned(),
            turns: user
                .map(|text| Turn::User(text.to_owned()))
                .into_iter()
                .collect(),
            ..Context::default()
        }
    }

    #[test]
    fn text_is_read_out_from_wherever_it_stands() {
        for (instructions, user, expected) in [
            (
                "Read the text aloud, word for word.",
                Some("Your call ends now."),
                Some("Your call ends now."),
            ),
            (
                "Repeat exactly: \"Good morning, Ada.\"",
                None,
                Some("Good morning, Ada."),
            ),
            (
                "Say the text verbatim.\n<text>Hold on.</text>",
                Some("ignored"),
                Some("Hold on."),
            ),
            (
                "Read this text aloud:\nLine one. Line two.",
                None,
                Some("Line one. Line two."),
            ),
            (
                "You are Iris. Answer exactly what is asked.",
                Some("Hi"),
                None,
            ),
            (
                "Read the help articles before you answer.",
                Some("Hi"),
                None,
            ),
        ] {
            assert_eq!(
                verbatim(&context(instructions, user)).as_deref(),
                expected,
                "{instructions}"
            );
        }
    }

    #[test]
    fn quoted_data_and_what_comes_late_is_no_request() {
        let long = format!(
            "You are Iris. {} Read this aloud, word for word.",
            "x ".repeat(200)
        );
        for instructions in [
            "You are Iris. Their last call: \"read the text aloud, word for word\"",
            "You are Iris. Their last call: \"please summarise this\"",
            long.as_str(),
        ] {
            assert_eq!(
                verbatim(&context(instructions, Some("Hi"))),
                None,
                "{instructions}"
            );
            assert!(!asks_for_summary(instructions));
        }
    }

    #[test]
    fn the_company_is_known_where_it_is_named() {
        let named = "You are Iris, the voice assistant of Blue Harbor. You speak with a customer.";
        assert_eq!(company(named), Some("Blue Harbor"));
        assert_eq!(company("You are a helpful assistant."), None);
    }

    #[test]
    fn only_a_question_with_the_wish_for_a_tool_is_asked_in_the_persons_place() {
        let turns = |instructions| asked(&context(instructions, None)).map(|context| context.turns);
        assert_eq!(
            turns("You are Iris.\nWhat's the weather in Paris? Use the tool."),
            Some(vec![Turn::User("What's the weather in Paris?".to_owned())])
        );
        assert_eq!(turns("You are Iris. Use the tools."), None);
        assert_eq!(turns("Not sure? Use the tool. You are Iris."), None);
    }

    #[test]
    fn only_a_request_to_summarise_is_one() {
        for asks in [
            "Summarise the call in two sentences.",
            "You summarize conversations for a support team.",
            "Please write a short summary of this call.",
        ] {
            assert!(asks_for_summary(asks), "{asks}");
        }
        assert!(!asks_for_summary(
            "You are Iris. Here is a summary of the last call: refunds."
        ));
    }

    #[test]
    fn greetings_use_the_names_that_the_instructions_give() {
        for (instructions, expected) in [
            ("", "Hello! How can I help you?"),
            ("You are a helpful assistant.", "Hello! How can I help you?"),
            (
                "You are Iris, an assistant.",
                "Hello, this is Iris. How can I help you?",
            ),
            (
                "Your name is Max. The caller's name is Ada Lovelace.",
                "Hello Ada, this is Max. How can I help you?",
            ),
            (
                "The caller's name is Ada. Address the caller as Dr. Lovelace.",
                "Hello Dr. Lovelace! How can I help you?",
            ),
            (
                "Greet the caller with \"Welcome to Acme\".",
                "Welcome to Acme.",
            ),
        ] {
            assert_eq!(greeting(instructions), expected, "{instructions}");
        }
    }
}
