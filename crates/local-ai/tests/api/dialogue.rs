//! The dialogue with the real embedding model: which tool is called for what is said, and what is
//! said of what tools give. The texts are a shop's, so that nothing of them can be in the code.

use std::path::PathBuf;
use std::sync::LazyLock;

use local_ai::dialogue::{Context, Memory, Part, Turn, reply};
use local_ai::engine::SpeechModels;
use openai_realtime::ToolFunction;
use serde_json::{Value, json};

/// The models; a missing folder is a failure, because nothing else tests them together.
pub(crate) fn models_dir() -> PathBuf {
    std::env::var_os("MODELS_DIR")
        .expect("MODELS_DIR names the models folder; `cargo xtask setup` fetches it")
        .into()
}

pub(crate) static MODELS: LazyLock<SpeechModels> =
    LazyLock::new(|| SpeechModels::load(&models_dir(), 2).expect("the models load"));
pub(crate) static MEMORY: LazyLock<Memory> = LazyLock::new(Memory::default);

fn tools() -> Vec<ToolFunction> {
    serde_json::from_value(json!([
        {"name": "get_account",
         "description": "Looks up the caller's own account: name, subscription plan and facts such as orders, invoices and points.",
         "parameters": {"type": "object", "properties": {}}},
        {"name": "search_knowledge",
         "description": "Searches the help articles for how things work: features, prices, delivery, policies.",
         "parameters": {"type": "object", "required": ["query"],
            "properties": {"query": {"type": "string", "description": "What to look for, in the caller's words."}}}},
        {"name": "end_call",
         "description": "Ends the call after the caller has said goodbye.",
         "parameters": {"type": "object", "required": ["reason"],
            "properties": {"reason": {"type": "string", "description": "Why the call ends."}}}}
    ]))
    .unwrap()
}

/// What is done after these turns.
fn decide(turns: Vec<Turn>) -> Vec<Part> {
    let context = Context {
        tools: tools(),
        turns,
        ..Context::default()
    };
    reply(&context, &*MODELS, &MEMORY).unwrap()
}

fn called(said: &str) -> Option<(String, Value)> {
    decide(vec![Turn::User(said.to_owned())])
        .into_iter()
        .find_map(|part| match part {
            Part::Call { name, arguments } => {
                Some((name, serde_json::from_str(&arguments).unwrap()))
            }
            Part::Say(_) => None,
        })
}

/// What is said, or which tool is called next, after a tool gave this.
fn answer(question: &str, results: &[(&str, Value)]) -> String {
    let mut turns = vec![Turn::User(question.to_owned())];
    for (index, (tool, output)) in results.iter().enumerate() {
        let call_id = format!("call_{index}");
        let arguments = "{}".to_owned();
        turns.push(Turn::Call {
            call_id: call_id.clone(),
            name: (*tool).to_owned(),
            arguments,
        });
        turns.push(Turn::Output {
            call_id,
            output: output.to_string(),
        });
    }
    match decide(turns).remove(0) {
        Part::Say(text) => text,
        Part::Call { name, .. } => format!("-> {name}"),
    }
}

#[test]
fn questions_about_the_caller_look_up_the_account() {
    for said in [
        "What plan am I on?",
        "What's my current subscription?",
        "When is my next invoice due?",
        "How many points have I collected?",
        "What is my name?",
        "Tell me about my account.",
    ] {
        assert_eq!(
            called(said).map(|(name, _)| name).as_deref(),
            Some("get_account"),
            "{said}"
        );
    }
}

#[test]
fn other_questions_search_with_the_callers_own_words() {
    for said in [
        "How do I reset my password?",
        "How long does delivery take?",
        "Can I send something back?",
        "What happens if a parcel gets lost?",
        "Which countries do you ship to?",
        "What does the premium plan cost?",
    ] {
        let (name, arguments) = called(said).unwrap_or_else(|| panic!("{said}: no call"));
        assert_eq!(
            (name.as_str(), &arguments["query"]),
            ("search_knowledge", &json!(said))
        );
    }
}

#[test]
fn only_a_goodbye_ends_the_call() {
    for said in [
        "Goodbye.",
        "That's all, thank you.",
        "Okay, bye bye!",
        "Please hang up.",
    ] {
        let (name, arguments) = called(said).unwrap_or_else(|| panic!("{said}: no call"));
        assert_eq!(name, "end_call");
        assert!(arguments["reason"].is_string());
    }
    for said in [
        "When does my subscription end?",
        "How do I end my contract?",
        "Why was the call so short?",
    ] {
        assert_ne!(
            called(said).map(|(name, _)| name).as_deref(),
            Some("end_call"),
            "{said}"
        );
    }
}

#[test]
fn small_talk_calls_nothing() {
    for said in [
        "Hello.",
        "Thank you so much!",
        "Who are you?",
        "Can you hear me?",
        "Yes.",
    ] {
        assert_eq!(called(said), None, "{said}");
    }
}

fn account() -> Value {
    json!({"name": "Ines Kovac", "subscription_tier": "premium", "facts": [
        {"key": "points", "label": "bonus points", "value": "four hundred and twelve"},
        {"key": "next_invoice", "label": "next invoice date", "value": "May 4th"},
        {"key": "parcel", "label": "last parcel", "value": "on its way, due on Friday"},
        {"key": "address", "label": "delivery address", "value": "12 Harbour Street"}]})
}

#[test]
fn the_fact_that_was_asked_for_is_said() {
    for (question, expected) in [
        ("What plan am I on?", "Your subscription plan is premium."),
        (
            "How many bonus points do I have?",
            "Your bonus points are four hundred and twelve.",
        ),
        (
            "When is my next invoice?",
            "Your next invoice date is May 4th.",
        ),
        (
            "Where is my parcel?",
            "Your last parcel is on its way, due on Friday.",
        ),
        (
            "What's my delivery address?",
            "Your delivery address is 12 Harbour Street.",
        ),
        ("What is my name?", "Your name is Ines Kovac."),
    ] {
        assert_eq!(
            answer(question, &[("get_account", account())]),
            expected,
            "{question}"
        );
    }
}

fn passages() -> Value {
    json!({"passages": [
        {"document_id": "returns", "title": "Send something back",
         "text": "You can return anything within 60 days. Print the label from **My orders > Returns** and drop the parcel at any post office. We refund within a week of its arrival."},
        {"document_id": "delivery", "title": "Delivery times",
         "text": "Parcels take two to four working days. Express parcels arrive the next day."}]})
}

#[test]
fn the_sentences_that_answer_are_said_without_marks_for_the_eye() {
    let said = answer(
        "Can I return a pair of shoes?",
        &[("search_knowledge", passages())],
    );
    assert!(said.contains("within 60 days"), "{said}");
    assert!(!said.contains('*') && !said.contains('>'), "{said}");
    let said = answer(
        "How long does delivery take?",
        &[("search_knowledge", passages())],
    );
    assert!(said.contains("two to four working days"), "{said}");
    let speakable = json!({"passages": [{"title": "Gift cards", "text": "Long text about cards.",
        "speakable": "A gift card is valid for three years."}]});
    let said = answer(
        "How long can I use a gift card?",
        &[("search_knowledge", speakable)],
    );
    assert_eq!(said, "A gift card is valid for three years.");
}

#[test]
fn the_passage_found_first_answers_unless_another_is_clearly_closer() {
    let found = json!({"passages": [
        {"title": "Our refund policy",
         "speakable": "You get a full refund if you ask within 30 days of your first payment."},
        {"title": "Our refund policy",
         "speakable": "Refunds go back to the card or bank account you paid with."}]});
    let said = answer("Can I get a refund?", &[("search_knowledge", found)]);
    assert!(said.contains("within 30 days"), "{said}");
}

#[test]
fn a_sentence_that_names_no_time_does_not_answer_when() {
    let found = json!({"passages": [{"title": "Service levels",
        "speakable": "If we miss it, you receive a credit on your next invoice."}]});
    let facts = json!({"name": "Ines", "facts": []});
    let both = [("get_account", facts), ("search_knowledge", found)];
    let said = answer("When is my next invoice?", &both);
    assert!(!said.contains("credit"), "{said}");
}

#[test]
fn what_no_result_holds_is_not_known() {
    let nothing = json!({"passages": [], "note": "nothing found"});
    for question in [
        "What will the weather be like tomorrow?",
        "Who won the football match last night?",
        "How long should I boil an egg?",
    ] {
        for found in [nothing.clone(), passages()] {
            let said = answer(
                question,
                &[("search_knowledge", found), ("get_account", account())],
            );
            assert_eq!(said, "I'm sorry, I don't know that.", "{question}");
        }
    }
}

#[test]
fn what_the_search_doubts_is_doubted() {
    let said = |question, confidence: f64| {
        let found = json!({"passages": [{"title": "Export reports", "confidence": confidence,
            "speakable": "Excel files contain the tables behind the charts, one sheet each."}]});
        let both = [("get_account", account()), ("search_knowledge", found)];
        answer(question, &both)
    };
    for question in [
        "How do I make a pivot table in Excel?",
        "Do you support Excel macros?",
    ] {
        let sure = said(question, 0.95);
        assert!(sure.contains("one sheet each"), "{question}: {sure}");
        let doubtful = said(question, 0.16);
        assert_eq!(doubtful, "I'm sorry, I don't know that.", "{question}");
    }
}

#[test]
fn a_result_that_does_not_answer_sends_the_question_to_the_next_tool() {
    let said = answer(
        "Can I return my shoes after six weeks?",
        &[("get_account", account())],
    );
    assert_eq!(said, "-> search_knowledge");
    let both = [("get_account", account()), ("search_knowledge", passages())];
    let said = answer("Can I return my shoes after six weeks?", &both);
    assert!(said.contains("within 60 days"), "{said}");
}

#[test]
fn a_failed_tool_is_admitted() {
    let failed = json!({"error": "deadline exceeded"});
    let both = [
        ("get_account", failed.clone()),
        ("search_knowledge", failed),
    ];
    assert_eq!(
        answer("What plan am I on?", &both),
        "I'm sorry, I couldn't look that up just now."
    );
}

#[test]
fn a_follow_up_is_understood_with_the_question_before_it() {
    let turns = vec![
        Turn::User("How long does delivery take?".to_owned()),
        Turn::Assistant("Parcels take two to four working days.".to_owned()),
        Turn::User("And for express parcels?".to_owned()),
    ];
    let [Part::Call { name, arguments }] = &decide(turns)[..] else {
        panic!()
    };
    assert_eq!(name, "search_knowledge");
    assert!(
        arguments.contains("delivery") && arguments.contains("express"),
        "{arguments}"
    );
}
