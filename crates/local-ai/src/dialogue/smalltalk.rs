//! What is said around the questions: greetings, thanks, goodbyes, repetition, asking back.

use std::sync::LazyLock;

use openai_realtime::ToolFunction;
use regex::Regex;

use serde_json::{Map, Value};

use super::arguments::fill_with_reason;
use super::instructions::{greeting, own_name};
use super::memory::Memory;
use super::text::{is_personal, pattern, sentences, spoken_key, words};
use super::{Context, DialogueError, Part, Turn};
use crate::engine::{Embed, similarity};

/// Said when nothing holds an answer.
pub(super) const DOES_NOT_KNOW: &str = "I'm sorry, I don't know that.";
/// Said when the caller's account does not hold it.
pub(super) const NOT_IN_ACCOUNT: &str = "I'm sorry, I don't have that in your account.";
/// Said when something was not confirmed.
pub(super) const NOT_DONE: &str = "All right, I won't do that. Is there anything else?";
/// How a confirmation is asked for.
const SHALL_I: &str = "Shall I go ahead?";
/// How something that a tool needs is asked for.
const TELL_ME: &str = "Please tell me the";
/// Said when something was heard that was no words.
pub(super) const NOT_HEARD: &str = "Sorry, I didn't catch that. Could you say it again?";
/// Said when a response is asked for and there is nothing new to answer.
pub(super) const ANYTHING_ELSE: &str = "Is there anything else I can help you with?";
/// Said to a goodbye; where a tool ends the call, after that tool.
pub(super) const GOODBYE: &str = "Thank you for calling. Goodbye!";

/// Longer things said are questions, whatever they begin with.
const MAX_WORDS: usize = 9;

/// What somebody does by saying something that is no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Greeting,
    Thanks,
    Goodbye,
    Repeat,
    Name,
    Ability,
    Presence,
    Yes,
    No,
}

/// How close something said has to be to an example of small talk to be that.
const LIKE_EXAMPLE: f32 = 0.74;
const EXAMPLES: [(Kind, &[&str]); 7] = [
    (
        Kind::Thanks,
        &[
            "thank you",
            "thanks a lot, that helps",
            "perfect, that's exactly what I needed",
            "you've been very helpful",
            "great, thanks for your help",
            "I appreciate it",
            "that was helpful, thank you",
            "awesome, cheers",
        ],
    ),
    (
        Kind::Goodbye,
        &[
            "goodbye",
            "bye for now",
            "that's everything I needed, bye",
            "I have no more questions",
            "that will be all, thank you",
            "have a nice day",
            "talk to you later",
            "I'm done, thanks, bye",
            "you can hang up now",
            "nothing else, thanks",
            "thanks, that's all I wanted to know",
        ],
    ),
    (
        Kind::Greeting,
        &[
            "hello there",
            "hi, how are you today",
            "good morning to you",
            "nice to meet you",
            "how's it going",
        ],
    ),
    (
        Kind::Repeat,
        &[
            "could you say that again please",
            "sorry, I didn't understand you, can you repeat it",
            "what did you just say",
            "one more time please",
            "I missed that, could you repeat what you said",
            "say that once more, slowly please",
        ],
    ),
    (
        Kind::Name,
        &[
            "what is your name",
            "who am I speaking to",
            "are you a real person",
            "am I talking to a machine",
            "are you a human being or a computer",
        ],
    ),
    (
        Kind::Ability,
        &[
            "what can you help me with",
            "what can I ask you",
            "can you help me, please",
            "I have a question for you",
        ],
    ),
    (
        Kind::Presence,
        &[
            "can you hear me",
            "are you still there",
            "hello, is anybody there",
        ],
    ),
];

/// Whether something said is none of the questions that tools could answer.
pub(super) fn is_smalltalk(said: &str) -> bool {
    kind_by_words(said).is_some()
}

/// Which small talk something said is, by its words or by its meaning.
pub(super) fn kind(
    said: &str,
    embed: &dyn Embed,
    memory: &Memory,
) -> Result<Option<Kind>, DialogueError> {
    let count = words(said).len();
    if let Some(kind) = kind_by_words(said) {
        return Ok(Some(kind));
    }
    // "What is my name?" is nearly "What is your name?" in meaning, and no small talk.
    if count > MAX_WORDS || is_personal(said) {
        return Ok(None);
    }
    let mut texts = vec![said.to_owned()];
    let examples = || {
        EXAMPLES
            .iter()
            .flat_map(|(kind, texts)| texts.iter().map(|text| (*kind, *text)))
    };
    texts.extend(examples().map(|(_, text)| text.to_owned()));
    let embedded = memory.embed(&texts, embed)?;
    let Some((said, known)) = embedded.split_first() else {
        return Ok(None);
    };
    Ok(examples()
        .zip(known)
        .map(|((kind, _), example)| (kind, similarity(said, example)))
        .filter(|(_, close)| *close >= LIKE_EXAMPLE)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(kind, _)| kind))
}

/// Whether something said agrees to what was asked.
pub(super) fn agrees(said: &str) -> bool {
    static AGREES: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)^\W*((yes|yeah|yep|yup|sure|ok|okay|alright|all right|right|correct|exactly|please|go ahead|do it|do that|go for it|that's right|that is right|of course|absolutely)\b\W*)+$",
        )
    });
    AGREES.is_match(said)
}

/// Whether something said refuses what was asked.
pub(super) fn refuses(said: &str) -> bool {
    static REFUSES: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)^\W*(no|nope|nah|don't|do not|stop|wait|cancel that|never ?mind|better not|not now)\b",
        )
    });
    REFUSES.is_match(said) && words(said).len() <= 5
}

/// Asks for something that a tool needs.
pub(super) fn ask_for(parameter: &str) -> String {
    format!("{TELL_ME} {}.", spoken_key(parameter))
}

/// Whether something that we said asked for what a tool needs.
pub(super) fn asked_for_argument(said: &str) -> bool {
    said.trim_start().starts_with(TELL_ME)
}

/// Says what would be done, and asks whether to.
pub(super) fn confirm(tool: &ToolFunction, arguments: &Map<String, Value>) -> String {
    let details: Vec<String> = arguments
        .iter()
        .filter_map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some(format!("{} {value}", spoken_key(name)))
        })
        .collect();
    let action = spoken_key(&tool.name);
    if details.is_empty() {
        format!("You want me to {action}. {SHALL_I}")
    } else {
        format!("You want me to {action}: {}. {SHALL_I}", details.join(", "))
    }
}

/// Asks what a tool asks before it does what it does.
pub(super) fn asking_to_confirm(question: &str) -> String {
    if asked_to_confirm(question) {
        question.to_owned()
    } else {
        format!("{question} {SHALL_I}")
    }
}

/// Whether something that we said asked for a confirmation.
pub(super) fn asked_to_confirm(said: &str) -> bool {
    let last = sentences(said).pop().unwrap_or_default();
    last.starts_with("Shall I ") && last.ends_with('?')
}

/// The answer to small talk.
pub(super) fn reply(context: &Context, kind: Kind) -> Vec<Part> {
    match kind {
        Kind::Greeting => Part::say(match context.turns.len() {
            0 | 1 => greeting(&context.instructions),
            _ => "Hello! What can I do for you?".to_owned(),
        }),
        Kind::Thanks => Part::say("You're welcome. Is there anything else?"),
        Kind::Goodbye => goodbye(&context.tools),
        Kind::Repeat => Part::say(repeat(&context.turns)),
        Kind::Name => Part::say(match own_name(&context.instructions) {
            Some(name) => format!("I'm {name}, a voice assistant."),
            None => "I'm a voice assistant.".to_owned(),
        }),
        Kind::Ability => Part::say("Ask me a question, and I'll look up the answer for you."),
        Kind::Presence => Part::say("Yes, I can hear you."),
        Kind::Yes => Part::say("All right. What would you like to know?"),
        Kind::No => Part::say("All right. Just tell me if there is anything else."),
    }
}

/// Whether a tool ends the call.
pub(super) fn ends_call(tool: &ToolFunction) -> bool {
    static ENDS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(end|ends|hang|hangs|finish|terminate|close|leave)[ _](up\b|(the |this )?(call|conversation|session)\b)",
        )
    });
    let name = tool.name.replace(['_', '-'], " ");
    ENDS.is_match(&name)
        || tool
            .description
            .as_deref()
            .is_some_and(|text| ENDS.is_match(text))
}

fn goodbye(tools: &[ToolFunction]) -> Vec<Part> {
    match tools.iter().find(|tool| ends_call(tool)) {
        Some(tool) => vec![Part::Call {
            name: tool.name.clone(),
            arguments: Value::Object(fill_with_reason(tool, "The caller said goodbye."))
                .to_string(),
        }],
        None => Part::say(GOODBYE),
    }
}

fn repeat(turns: &[Turn]) -> String {
    let last = turns.iter().rev().find_map(|turn| match turn {
        Turn::Assistant(text) if !text.trim().is_empty() => Some(text.trim()),
        _ => None,
    });
    match last {
        Some(text) => format!("I said: {text}"),
        None => "I haven't said anything yet.".to_owned(),
    }
}

fn kind_by_words(said: &str) -> Option<Kind> {
    static PATTERNS: LazyLock<[(Kind, Regex); 9]> = LazyLock::new(|| {
        [
            (Kind::Repeat, r"^(sorry |pardon |please |can you |could you |would you |what |i didn't (catch|get|hear|understand) (that|you) ?)*(say (that|it) again|repeat( that| it)?( please)?|pardon( me)?|come again|what did you (just )?say|i didn't (catch|get|hear|understand) (that|you)|once more)( please)?$"),
            // As the recogniser writes it, too: "Good-by," and "Know that's everything."
            (Kind::Goodbye, r"^((ok|okay|no|know|great|perfect|alright|well|that's all|that is all|and|please|(thanks|thank you)( a lot| very much| so much)?( for (all )?(your|the) help)?|(can|could|would) you|you can) )*(good ?(bye?|buy)|bye?( bye?)?|see you( later| soon)?|that's (all|everything)( for (now|today))?|that is all|that was all|that's it|nothing else|hang up|end (the|this) call|talk to you later|have a (nice|good|great) (day|one|evening|weekend)|i'm done)( now| then| for now| please| thanks| thank you| bye?| good ?bye?)*$"),
            (Kind::Greeting, r"^(hi|hello|hey|good (morning|afternoon|evening)|greetings|howdy)( there| again| assistant)?( how are you( doing)?( today)?)?$|^how are you( doing)?( today)?$"),
            (Kind::Thanks, r"^(ok |okay |great |perfect |alright |no )*(thanks|thank you|many thanks|cheers|much appreciated)( a lot| so much| very much| again| for (your|the) help| for that)*$"),
            (Kind::Name, r"^(who are you|what('s| is) your name|who am i (talking|speaking) (to|with)|what are you|are you (a )?(robot|human|bot|real|machine|an ai)( person)?)$"),
            (Kind::Ability, r"^(what can (you|i) (do|help( me)? with|ask( you)?)( for me)?|how can you help( me)?|can you help me( please)?|i need (some )?help|help( me)?( please)?|i have a question)$"),
            (Kind::Presence, r"^((hello |hi )?(can|do) you hear me( now)?|are you (still )?(there|here)|is (anyone|anybody|someone) there|testing( testing)?( one two( three)?)?)$"),
            (Kind::Yes, r"^(yes|yeah|yep|yup|sure|ok|okay|alright|right|great|perfect|i see|got it|good|fine)( please| great| thanks)?$"),
            (Kind::No, r"^(no|nope|nah|not really|not now|never mind|nevermind)( thanks| thank you)?$"),
        ]
        .map(|(kind, text)| (kind, pattern(text)))
    });
    let words = words(said);
    if words.is_empty() || words.len() > MAX_WORDS {
        return None;
    }
    let plain = words.join(" ");
    PATTERNS
        .iter()
        .find(|(_, pattern)| pattern.is_match(&plain))
        .map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_and_questions_are_none() {
        for (said, expected) in [
            ("Hello.", Some(Kind::Greeting)),
            ("Good morning!", Some(Kind::Greeting)),
            ("Thank you very much.", Some(Kind::Thanks)),
            ("No, thank you.", Some(Kind::Thanks)),
            ("Okay, goodbye then.", Some(Kind::Goodbye)),
            ("That's all, thanks.", Some(Kind::Goodbye)),
            ("Good-by,", Some(Kind::Goodbye)),
            ("Okay bye-bye", Some(Kind::Goodbye)),
            ("Know that's everything, thanks.", Some(Kind::Goodbye)),
            ("Thanks for your help bye.", Some(Kind::Goodbye)),
            ("Good buy.", Some(Kind::Goodbye)),
            ("Bye, by.", Some(Kind::Goodbye)),
            ("Thank you very much, bye bye.", Some(Kind::Goodbye)),
            ("Thank you for your help, good bye.", Some(Kind::Goodbye)),
            ("Sorry, can you say that again?", Some(Kind::Repeat)),
            ("What did you say?", Some(Kind::Repeat)),
            ("Who are you?", Some(Kind::Name)),
            ("What can you do?", Some(Kind::Ability)),
            ("Are you still there?", Some(Kind::Presence)),
            ("Yes, please.", Some(Kind::Yes)),
            ("Hi, what plan am I on?", None),
            ("When does my call plan end?", None),
            ("How do I say goodbye to my subscription?", None),
            ("Is it a good buy?", None),
            ("By card", None),
            ("", None),
        ] {
            assert_eq!(kind_by_words(said), expected, "{said}");
        }
    }

    #[test]
    fn a_goodbye_ends_the_call_when_a_tool_can() {
        let tool = |name: &str, description: &str| ToolFunction {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            parameters: None,
        };
        assert!(ends_call(&tool("end_call", "")));
        assert!(ends_call(&tool(
            "finish",
            "Hang up when the caller says goodbye."
        )));
        assert!(!ends_call(&tool("search_calls", "Find recorded calls.")));
        let context = Context {
            tools: vec![tool("end_call", "Ends the call.")],
            ..Context::default()
        };
        let parts = reply(&context, Kind::Goodbye);
        assert!(matches!(&parts[..], [Part::Call { name, .. }] if name == "end_call"));
        assert_eq!(
            reply(&Context::default(), Kind::Goodbye),
            Part::say(GOODBYE)
        );
    }

    #[test]
    fn a_repetition_says_the_last_answer_again() {
        let turns = vec![
            Turn::Assistant("Your plan is pro.".into()),
            Turn::User("Say that again.".into()),
        ];
        let context = Context {
            turns,
            ..Context::default()
        };
        let parts = reply(&context, Kind::Repeat);
        assert_eq!(parts, Part::say("I said: Your plan is pro."));
    }
}
