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
        text: "How long does delivery take?",
        answer: |n| {
            let holds = time(n);
            let text = format!("{holds}. That is how long delivery takes, as a rule.");
            of_article("Delivery times", &text, holds)
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
        text: "How long does a refund take?",
        answer: |n| {
            let holds = time(n);
            let text = format!("{holds}. That is how long a refund takes at most banks.");
            of_article("Refunds", &text, holds)
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

/// A time that is told in two or three short words.
fn time(n: u32) -> String {
    const UNITS: [&str; 7] = [
        "days", "weeks", "hours", "months", "years", "nights", "rounds",
    ];
    const NUMBERS: [u32; 9] = [2, 3, 4, 5, 6, 8, 9, 10, 12];
    let n = n as usize;
    let (number, n) = (NUMBERS[n % NUMBERS.len()], n / NUMBERS.len());
    let (unit, n) = (UNITS[n % UNITS.len()], n / UNITS.len());
    let just = if n % 2 == 0 { "" } else { "Just " };
    format!("{just}{number} {unit}")
}

/// A made-up name of two syllables.
fn name(n: u32) -> String {
    const FIRST: [&str; 12] = [
        "Mar", "Sol", "Ven", "Tar", "Lin", "Bel", "Cor", "Dan", "Fen", "Gal", "Ros", "Win",
    ];
    const LAST: [&str; 11] = [
        "den", "mark", "ton", "ver", "dale", "ford", "by", "wick", "low", "more", "land",
    ];
    let n = n as usize;
    format!("{}{}", FIRST[n % FIRST.len()], LAST[n % LAST.len()])
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
