//! An answer of the dialogue, whole or in chunks.

use serde_json::{Value, json};
use uuid::Uuid;

use super::question::Question;
use crate::dialogue::Part;
use crate::rest::{tokens, unix_now};

pub(super) struct Answer {
    id: String,
    created: u32,
    model: String,
    text: String,
    calls: Vec<Value>,
    finish_reason: &'static str,
    usage: Value,
}

impl Answer {
    pub(super) fn new(question: &Question, parts: Vec<Part>) -> Self {
        let (mut text, mut calls) = (String::new(), Vec::new());
        let mut output = 0;
        for part in parts {
            match part {
                Part::Say(words) => text.push_str(&words),
                Part::Call { name, arguments } => {
                    output += tokens(&name) + tokens(&arguments);
                    calls.push(json!({
                        "id": format!("call_{}", &Uuid::new_v4().simple().to_string()[..24]),
                        "type": "function",
                        "function": {"name": name, "arguments": arguments},
                    }));
                }
            }
        }
        for stop in question.stops() {
            if let Some(at) = text.find(stop.as_str()) {
                text.truncate(at);
            }
        }
        let mut finish_reason = if calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        };
        if let Some(limit) = question.limit()
            && tokens(&text) > limit
        {
            text = shortened(&text, limit);
            finish_reason = "length";
        }
        let (input, output) = (question.tokens(), output + tokens(&text));
        Self {
            id: format!("chatcmpl-{}", Uuid::new_v4().simple()),
            created: unix_now(),
            model: question
                .model
                .clone()
                .unwrap_or_else(|| "local-chat".to_owned()),
            text,
            calls,
            finish_reason,
            usage: json!({
                "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            }),
        }
    }

    pub(super) fn whole(&self) -> Value {
        let mut message = json!({"role": "assistant", "content": null, "refusal": null});
        if !self.text.is_empty() || self.calls.is_empty() {
            message["content"] = json!(self.text);
        }
        if !self.calls.is_empty() {
            message["tool_calls"] = json!(self.calls);
        }
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created,
            "model": self.model, "usage": self.usage,
            "choices": [{
                "index": 0, "message": message, "finish_reason": self.finish_reason,
                "logprobs": null,
            }],
        })
    }

    /// A chunk a word, the last ones with the reason why it ends, and with `usage` if wanted.
    pub(super) fn chunks(&self, includes_usage: bool) -> Vec<Value> {
        let mut deltas = vec![json!({"role": "assistant", "content": "", "refusal": null})];
        let words = self.text.split_inclusive(' ');
        deltas.extend(words.map(|word| json!({"content": word})));
        for (index, call) in self.calls.iter().enumerate() {
            let mut call = call.clone();
            call["index"] = json!(index);
            deltas.push(json!({"tool_calls": [call]}));
        }
        let mut chunks: Vec<Value> = deltas
            .into_iter()
            .map(|delta| self.chunk(&[choice(&delta, None)]))
            .chain([self.chunk(&[choice(&json!({}), Some(self.finish_reason))])])
            .collect();
        if includes_usage {
            for chunk in &mut chunks {
                chunk["usage"] = Value::Null;
            }
            let mut last = self.chunk(&[]);
            last["usage"] = self.usage.clone();
            chunks.push(last);
        }
        chunks.push(json!("[DONE]"));
        chunks
    }

    fn chunk(&self, choices: &[Value]) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices,
        })
    }
}

fn choice(delta: &Value, finish_reason: Option<&str>) -> Value {
    json!({"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": null})
}

/// The whole words at the beginning that are at most so many tokens, and at least one of them.
fn shortened(text: &str, limit: usize) -> String {
    let mut kept = 0;
    for (at, word) in text.split_inclusive(' ').scan(0, |at, word| {
        Some((std::mem::replace(at, *at + word.len()), word))
    }) {
        let end = at + word.trim_end().len();
        if kept > 0 && tokens(&text[..end]) > limit {
            break;
        }
        kept = end;
    }
    text[..kept].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_kept_up_to_the_limit_and_at_least_one() {
        assert_eq!(shortened("One two three four.", 3), "One two");
        assert_eq!(
            shortened("Incomprehensibilities follow.", 1),
            "Incomprehensibilities"
        );
        assert_eq!(shortened("Ünïcödé wörds, tóó.", 4), "Ünïcödé wörds,");
    }
}
