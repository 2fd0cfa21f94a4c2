//! The dialogue with tools that have nothing to do with help centres: a weather service, a shop, a
//! calendar, a house. What is called with what, what is asked back, and what is said of results.

use local_ai::dialogue::{Context, Part, Turn, reply};
use openai_realtime::ToolFunction;
use serde_json::{Value, json};

use super::dialogue::{MEMORY, MODELS};

fn tools() -> Vec<ToolFunction> {
    serde_json::from_value(json!([
        {"name": "get_weather", "description": "Gets the weather forecast for a city.",
         "parameters": {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "The city, for example Paris."},
            "day": {"type": "string", "description": "The day."}}}},
        {"name": "get_order_status", "description": "Looks up where an order is and when it arrives.",
         "parameters": {"type": "object", "required": ["order_id"], "properties": {
            "order_id": {"type": "string", "description": "The number of the order."}}}},
        {"name": "cancel_order",
         "description": "Cancels an order. Always ask the user to confirm before calling it.",
         "parameters": {"type": "object", "required": ["order_id"], "properties": {
            "order_id": {"type": "string", "description": "The number of the order."}}}},
        {"name": "set_light", "description": "Switches a light on or off, or dims it.",
         "parameters": {"type": "object", "required": ["room", "on"], "properties": {
            "room": {"type": "string", "enum": ["kitchen", "living_room", "bedroom"]},
            "on": {"type": "boolean", "description": "Whether it is to be on."},
            "brightness": {"type": "integer", "description": "Brightness in percent."}}}},
        {"name": "create_event", "description": "Puts a meeting or appointment into the calendar.",
         "parameters": {"type": "object", "required": ["day", "time"], "properties": {
            "day": {"type": "string", "description": "The day of the meeting."},
            "time": {"type": "string", "description": "The time of day."},
            "duration": {"type": "integer", "description": "How many minutes it lasts."}}}},
        {"name": "rename_user",
         "description": "Changes the display name of the user. Call it again once they have confirmed it.",
         "parameters": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "description": "The new name."},
            "confirmed": {"type": "boolean", "description": "Whether the user said yes."}}}}
    ]))
    .unwrap()
}

/// What is done, turn by turn, as a person and the assistant speak.
struct Talk(Vec<Turn>);

impl Talk {
    fn new() -> Self {
        Self(Vec::new())
    }

    /// Says something; gives what is said back or what is called.
    fn say(&mut self, text: &str) -> String {
        self.0.push(Turn::User(text.to_owned()));
        self.next()
    }

    /// Gives the output of the call that was made last.
    fn give(&mut self, output: &Value) -> String {
        self.0.push(Turn::Output {
            call_id: "call".to_owned(),
            output: output.to_string(),
        });
        self.next()
    }

    fn next(&mut self) -> String {
        let context = Context {
            tools: tools(),
            turns: self.0.clone(),
            ..Context::default()
        };
        match reply(&context, &*MODELS, &MEMORY).unwrap().remove(0) {
            Part::Say(text) => {
                self.0.push(Turn::Assistant(text.clone()));
                text
            }
            Part::Call { name, arguments } => {
                let call = format!("{name} {arguments}");
                self.0.push(Turn::Call {
                    call_id: "call".to_owned(),
                    name,
                    arguments,
                });
                call
            }
        }
    }
}

#[test]
fn the_tool_that_fits_is_called_with_what_was_said() {
    for (said, expected) in [
        (
            "What's the weather like in Paris tomorrow?",
            r#"get_weather {"city":"Paris","day":"tomorrow"}"#,
        ),
        (
            "Will it rain in New York on Friday?",
            r#"get_weather {"city":"New York","day":"Friday"}"#,
        ),
        (
            "Where is my order 4711?",
            r#"get_order_status {"order_id":"4711"}"#,
        ),
        (
            "Please turn off the light in the living room.",
            r#"set_light {"on":false,"room":"living_room"}"#,
        ),
        (
            "Dim the kitchen light to thirty percent, keep it on.",
            r#"set_light {"brightness":30,"on":true,"room":"kitchen"}"#,
        ),
        (
            "Put a meeting into my calendar for tomorrow at half past two in the afternoon.",
            r#"create_event {"day":"tomorrow","time":"14:30"}"#,
        ),
    ] {
        assert_eq!(Talk::new().say(said), expected, "{said}");
    }
}

#[test]
fn what_a_tool_needs_is_asked_for_and_taken_from_the_answer() {
    let mut talk = Talk::new();
    assert_eq!(
        talk.say("What's the weather going to be like?"),
        "Please tell me the city."
    );
    assert_eq!(talk.say("Lisbon"), r#"get_weather {"city":"Lisbon"}"#);
    let forecast = json!({"city": "Lisbon", "conditions": "sunny", "temperature": "24 degrees"});
    assert_eq!(
        talk.give(&forecast),
        "The city is Lisbon. The conditions are sunny. The temperature is 24 degrees."
    );
}

#[test]
fn what_changes_something_is_confirmed_first_where_the_tool_wants_that() {
    let mut talk = Talk::new();
    assert_eq!(
        talk.say("Cancel my order 4711, please."),
        "You want me to cancel order: order id 4711. Shall I go ahead?"
    );
    assert_eq!(
        talk.say("Yes, please."),
        r#"cancel_order {"order_id":"4711"}"#
    );
    assert_eq!(
        talk.give(&json!({"ok": true, "refund": "12 dollars"})),
        "That's done. The refund is 12 dollars."
    );
    let mut talk = Talk::new();
    talk.say("Cancel my order 4711, please.");
    assert_eq!(
        talk.say("No, wait."),
        "All right, I won't do that. Is there anything else?"
    );
}

#[test]
fn nothing_is_changed_for_a_question_about_how_it_is_done() {
    for said in [
        "How do I change my display name?",
        "What name do you have for me?",
    ] {
        assert_eq!(Talk::new().say(said), "I'm sorry, I don't know that.");
    }
}

#[test]
fn a_tool_that_wants_the_callers_word_asks_for_it_itself() {
    let mut talk = Talk::new();
    assert_eq!(
        talk.say("Please change my display name to Grace Hopper."),
        r#"rename_user {"confirmed":false,"name":"Grace Hopper"}"#
    );
    let question = "Shall I change your name to Grace Hopper?";
    assert_eq!(
        talk.give(&json!({"changed": false, "question": question})),
        question
    );
    assert_eq!(
        talk.say("Yes, that's right."),
        r#"rename_user {"confirmed":true,"name":"Grace Hopper"}"#
    );
    assert_eq!(
        talk.give(&json!({"ok": true, "name": "Grace Hopper"})),
        "That's done. The name is Grace Hopper."
    );
}

#[test]
fn a_correction_and_a_follow_up_take_the_place_of_what_they_correct() {
    let mut talk = Talk::new();
    talk.say("What's the weather like in Paris tomorrow?");
    talk.give(&json!({"conditions": "rain"}));
    assert_eq!(talk.say("And in Rome?"), r#"get_weather {"city":"Rome"}"#);
    talk.give(&json!({"conditions": "sun"}));
    assert_eq!(
        talk.say("No, I meant in Milan."),
        r#"get_weather {"city":"Milan"}"#
    );
}

#[test]
fn a_failure_is_admitted_and_what_no_tool_can_do_is_declined() {
    let mut talk = Talk::new();
    talk.say("Turn on the bedroom light.");
    assert_eq!(
        talk.give(&json!({"error": "no such light"})),
        "I'm sorry, that didn't work."
    );
    for said in [
        "Write me a poem about autumn.",
        "Who won the world cup?",
        "What's the square root of eighty one?",
    ] {
        assert_eq!(
            Talk::new().say(said),
            "I'm sorry, I don't know that.",
            "{said}"
        );
    }
}

/// As LiveKit Agents does it: the client asks in the instructions, nobody has said anything, and what a
/// tool gave comes as Python writes it.
#[test]
fn a_question_in_the_instructions_is_asked_and_what_the_tool_gave_is_said() {
    let mut context = Context {
        instructions: "What's the weather in Paris? Use the tool.".to_owned(),
        tools: tools(),
        ..Context::default()
    };
    let call = Part::Call {
        name: "get_weather".to_owned(),
        arguments: r#"{"city":"Paris"}"#.to_owned(),
    };
    assert_eq!(reply(&context, &*MODELS, &MEMORY).unwrap(), [call]);

    context.instructions = "You are Iris.".to_owned();
    for (output, said) in [
        ("Paris", "Paris."),
        (
            "Weather in Paris: sunny, 72F",
            "Weather in Paris: sunny, 72F.",
        ),
        (
            "{'city': 'Paris', 'rain': False, 'conditions': 'sunny'}",
            "The city is Paris. The conditions are sunny. The rain is no.",
        ),
    ] {
        for question in [None, Some("What's the weather like in Paris?")] {
            context.turns = question
                .map(|text| Turn::User(text.to_owned()))
                .into_iter()
                .chain([
                    Turn::Call {
                        call_id: "call".to_owned(),
                        name: "get_weather".to_owned(),
                        arguments: "{}".to_owned(),
                    },
                    Turn::Output {
                        call_id: "call".to_owned(),
                        output: output.to_owned(),
                    },
                ])
                .collect();
            let parts = reply(&context, &*MODELS, &MEMORY).unwrap();
            assert_eq!(parts, [Part::Say(said.to_owned())], "{question:?} {output}");
        }
    }
}
