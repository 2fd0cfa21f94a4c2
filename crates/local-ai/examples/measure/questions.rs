//! What is asked, and what the tools give, which differs from turn to turn so that no answer has
//! been spoken before.

use serde_json::{Value, json};

/// A question whose answer holds something that only this turn's tools gave.
pub struct Question {
    pub text: &'static str,
    pub answer: fn(u32) -> Answer,
}

/// What the tools give in one turn.
pub struct Answer {
    /// The output of `get_account`.
    account: Value,
    /// The output of `search_knowledge`.
    knowledge: Value,
    /// What the spoken answer must hold.
    pub holds: String,
}

impl Answer {
    pub fn output(&self, tool: &str) -> String {
        let output = if tool == "get_account" {
            &self.account
        } else {
            &self.knowledge
        };
        output.to_string()
    }
}

/// Questions whose answers begin with a short clause and with a long one, by turns.
pub const QUESTIONS: [Question; 4] = [
    Question {
        text: "Where is your office?",
        answer: |n| {
            let holds = lot(n);
            let text = format!("{holds}, by the station, is where our office is.");
            of_article("Our office", &text, holds)
        },
    },
    Question {
        text: "What plan am I on?",
        answer: |n| {
            let holds = name(n);
            let account = json!({"name": "Ada", "subscription_tier": holds, "facts": []});
            of_account(account, holds)
        },
    },
    Question {
        text: "Where can I park my car?",
        answer: |n| {
            let holds = lot(n);
            let text = format!("{holds}, by the river, is where you can park your car.");
            of_article("Parking", &text, holds)
        },
    },
    Question {
        text: "How many seats are we using?",
        answer: |n| {
            let holds = format!("{} of {} seats", n % 90 + 3, n % 90 + 17);
            let fact = json!({"label": "seat usage", "value": holds});
            let account = json!({"name": "Ada", "subscription_tier": "pro", "facts": [fact]});
            of_account(account, holds)
        },
    },
];

const FIRST: [&str; 12] = [
    "Mar", "Sol", "Ven", "Tar", "Lin", "Bel", "Cor", "Dan", "Fen", "Gal", "Ros", "Win",
];
const LAST: [&str; 11] = [
    "den", "mark", "ton", "ver", "dale", "ford", "by", "wick", "low", "more", "land",
];
/// Endings that make a name long enough to be a clause with the word before it.
const LAST_OF_LOT: [&str; 8] = [
    "mark", "dale", "ford", "wick", "more", "land", "gate", "well",
];

/// A made-up name of two syllables.
fn name(n: u32) -> String {
    let n = n as usize;
    format!("{}{}", FIRST[n % FIRST.len()], LAST[n % LAST.len()])
}

/// A made-up place that is told within a second.
fn lot(n: u32) -> String {
    let n = n as usize;
    let last = LAST_OF_LOT[n / FIRST.len() % LAST_OF_LOT.len()];
    format!("Lot {}{last}", FIRST[n % FIRST.len()])
}

fn of_account(account: Value, holds: String) -> Answer {
    Answer {
        account,
        knowledge: json!({"passages": []}),
        holds,
    }
}

fn of_article(title: &str, text: &str, holds: String) -> Answer {
    Answer {
        account: json!({"name": "Ada", "facts": []}),
        knowledge: json!({"passages": [{"title": title, "speakable": text}]}),
        holds,
    }
}

/// The settings of a session that asks them.
pub fn settings(silence_ms: u32) -> Value {
    json!({
        "instructions": "You are Iris, a voice assistant. Answer in one or two short sentences.",
        "audio": {
            "input": {
                "transcription": {"model": "moonshine-tiny-en"},
                "turn_detection": {"type": "server_vad", "silence_duration_ms": silence_ms},
            },
            "output": {"voice": "af_heart"},
        },
        "tools": [
            {"type": "function", "name": "get_account",
             "description": "Looks up the caller's own account: name, subscription plan and facts such as seats, invoices and orders.",
             "parameters": {"type": "object", "properties": {}}},
            {"type": "function", "name": "search_knowledge",
             "description": "Searches the help articles for how things work: features, prices, delivery, refunds, policies.",
             "parameters": {"type": "object", "required": ["query"], "properties": {
                "query": {"type": "string", "description": "What to look for, in the caller's words."}}}},
        ],
    })
}
