//! A Realtime session that follows the script.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response as HttpResponse;
use openai_realtime::{
    BufferCommitted, ClientEvent, ClientMessage, ContentPart, Delta, FunctionCall, Item, ItemEvent,
    ItemStatus, Message as Said, Metadata, OutputItem, PartPosition, Response, ResponseCreate,
    ResponseEvent, ResponseStatus, Role, ServerEvent, ServerMessage, SessionEvent,
    TranscriptionCompleted, audio,
};
use serde_json::Value;

use crate::{Line, tone};

/// Samples of one audio delta: a fifth of a second.
const DELTA: usize = 4_800;

pub(crate) async fn upgrade(
    State(script): State<Arc<[Line]>>,
    upgrade: WebSocketUpgrade,
) -> HttpResponse {
    upgrade.on_upgrade(async move |socket| {
        let session = Session {
            socket,
            script,
            turns: 0,
            sent: 0,
            tool_result: None,
        };
        session.run().await;
    })
}

struct Session {
    socket: WebSocket,
    script: Arc<[Line]>,
    /// Turns committed; the last one is the line being answered.
    turns: usize,
    /// Events sent, which also makes ids unique.
    sent: usize,
    /// What the tool of this line gave.
    tool_result: Option<String>,
}

/// The client is gone.
struct Gone;

impl Session {
    async fn run(mut self) {
        let session = Box::default();
        let created = ServerEvent::SessionCreated(SessionEvent { session });
        if self.send(created).await.is_err() {
            return;
        }
        while let Some(Ok(message)) = self.socket.recv().await {
            let Message::Text(text) = message else {
                continue;
            };
            // What is no event is none of the script's business.
            let Ok(message) = ClientMessage::parse(&text) else {
                continue;
            };
            if self.handle(message.event).await.is_err() {
                return;
            }
        }
    }

    async fn handle(&mut self, event: ClientEvent) -> Result<(), Gone> {
        match event {
            ClientEvent::SessionUpdate(update) => {
                let session = update.session;
                self.send(ServerEvent::SessionUpdated(SessionEvent { session }))
                    .await
            }
            ClientEvent::InputAudioBufferCommit(_) => self.hear().await,
            ClientEvent::ConversationItemCreate(create) => {
                if let Item::FunctionCallOutput(output) = &create.item {
                    self.tool_result = Some(output.output.clone());
                }
                let item = ItemEvent {
                    previous_item_id: None,
                    item: create.item,
                };
                self.send(ServerEvent::ConversationItemAdded(item)).await
            }
            ClientEvent::ResponseCreate(create) => self.respond(create).await,
            _ => Ok(()),
        }
    }

    async fn hear(&mut self) -> Result<(), Gone> {
        self.turns += 1;
        self.tool_result = None;
        let item_id = format!("item_heard_{}", self.turns);
        let transcript = self.line().heard.clone();
        self.send(ServerEvent::InputAudioBufferCommitted(BufferCommitted {
            item_id: item_id.clone(),
            previous_item_id: None,
        }))
        .await?;
        self.send(ServerEvent::TranscriptionCompleted(
            TranscriptionCompleted {
                item_id,
                content_index: 0,
                transcript,
                usage: None,
                logprobs: None,
            },
        ))
        .await
    }

    async fn respond(&mut self, create: ResponseCreate) -> Result<(), Gone> {
        let params = create.response.map(|params| *params).unwrap_or_default();
        let metadata = params.metadata;
        let id = format!("resp_{}", self.sent);
        let response = |status, output| Response {
            id: id.clone(),
            object: "realtime.response".into(),
            status,
            output,
            metadata: metadata.clone() as Option<Metadata>,
            ..Response::default()
        };
        let begun = Box::new(response(ResponseStatus::InProgress, Vec::new()));
        self.send(ServerEvent::ResponseCreated(ResponseEvent {
            response: begun,
        }))
        .await?;
        let line = self.line().clone();
        let item = match (params.input, &line.tool, &self.tool_result) {
            // A context of its own is a text to be read aloud.
            (Some(input), ..) => self.speak(&id, &words(&input)).await?,
            (None, Some(tool), None) => self.call(&id, tool).await?,
            (None, _, result) => {
                let text = filled(&line.answer, result.as_deref().unwrap_or_default());
                self.speak(&id, &text).await?
            }
        };
        let done = Box::new(response(ResponseStatus::Completed, vec![item]));
        self.send(ServerEvent::ResponseDone(ResponseEvent { response: done }))
            .await
    }

    async fn call(&mut self, response_id: &str, tool: &str) -> Result<Item, Gone> {
        let item = Item::FunctionCall(FunctionCall {
            name: tool.to_owned(),
            call_id: Some(format!("call_{}", self.sent)),
            arguments: "{}".into(),
            ..FunctionCall::default()
        });
        self.finish_item(response_id, item).await
    }

    async fn speak(&mut self, response_id: &str, text: &str) -> Result<Item, Gone> {
        let position = PartPosition {
            response_id: response_id.to_owned(),
            item_id: format!("item_said_{}", self.sent),
            ..PartPosition::default()
        };
        let delta = |delta: String| Delta {
            position: position.clone(),
            delta,
        };
        self.send(ServerEvent::OutputAudioTranscriptDelta(delta(
            text.to_owned(),
        )))
        .await?;
        for samples in tone(text).chunks(DELTA) {
            let sound = delta(audio::encode(samples));
            self.send(ServerEvent::OutputAudioDelta(sound)).await?;
        }
        self.send(ServerEvent::OutputAudioDone(position.clone()))
            .await?;
        let said = ContentPart::OutputAudio {
            audio: None,
            transcript: Some(text.to_owned()),
        };
        let item = Item::Message(Said::new(Role::Assistant, vec![said]));
        self.finish_item(response_id, item.with_id(position.item_id))
            .await
    }

    async fn finish_item(&mut self, response_id: &str, item: Item) -> Result<Item, Gone> {
        let item = item.with_status(ItemStatus::Completed);
        self.send(ServerEvent::OutputItemDone(OutputItem {
            response_id: response_id.to_owned(),
            output_index: 0,
            item: item.clone(),
        }))
        .await?;
        Ok(item)
    }

    /// The line of the turn committed last.
    fn line(&self) -> &Line {
        &self.script[self.turns.saturating_sub(1) % self.script.len()]
    }

    async fn send(&mut self, event: ServerEvent) -> Result<(), Gone> {
        self.sent += 1;
        let event_id = format!("event_{}", self.sent);
        let text = serde_json::to_string(&ServerMessage { event_id, event }).map_err(|_| Gone)?;
        self.socket
            .send(Message::text(text))
            .await
            .map_err(|_| Gone)
    }
}

/// What the last message of a context says.
fn words(context: &[Item]) -> String {
    let last = context.iter().rev().find_map(|item| match item {
        Item::Message(message) => Some(message.words()),
        _ => None,
    });
    last.unwrap_or_default()
}

/// The answer with the fields of the tool's result in it.
fn filled(answer: &str, result: &str) -> String {
    let fields: Value = serde_json::from_str(result).unwrap_or_default();
    let mut text = answer.to_owned();
    for (name, value) in fields.as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            text = text.replace(&format!("{{{name}}}"), value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_what_the_tool_gave() {
        let result = r#"{"plan":"pro","seats":3}"#;
        assert_eq!(filled("On {plan}, {seats}.", result), "On pro, {seats}.");
        assert_eq!(filled("Nothing.", "no JSON"), "Nothing.");
    }
}
