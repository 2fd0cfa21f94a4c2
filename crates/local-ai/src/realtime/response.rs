//! One response: which events it consists of, in which order. Pure state; the session sends them
//! and alone decides when a response begins and ends.

use openai_realtime::{
    ContentPart, ContentPartEvent, ConversationMode, Delta, FunctionCall,
    FunctionCallArgumentsDelta, FunctionCallArgumentsDone, Item, ItemEvent, ItemStatus, MaxTokens,
    Message, Modality, OutputAudioTranscriptDone, OutputItem, OutputTextDone, Part, PartPosition,
    Response, ResponseEvent, ResponseStatus, Role, ServerEvent, StatusDetails, audio,
};

use super::conversation::{Conversation, heard_words};
use super::new_id;
use super::plan::Plan;
use super::tokens::{self, Tokens};

/// Samples in one audio delta, 200 ms.
const DELTA_SAMPLES: usize = audio::SAMPLE_RATE as usize / 5;

/// A response that has begun and not ended.
pub(super) struct ActiveResponse {
    pub(super) id: String,
    pub(super) plan: Plan,
    conversation_id: Option<String>,
    output: Vec<Item>,
    open: Option<OpenMessage>,
    /// What it answers from.
    pub(super) input_tokens: Tokens,
    output_tokens: Tokens,
    /// All sound of it, in samples.
    pub(super) spoken: usize,
}

/// A response went as far as `max_output_tokens` lets it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LimitReached;

/// What words and their sound cost.
fn cost(text: &str, wave: &[i16]) -> Tokens {
    let mut cost = Tokens::text(text.len());
    cost += Tokens::audio(tokens::of_spoken(wave.len()));
    cost
}

/// The message that is being said.
struct OpenMessage {
    id: String,
    said: String,
    /// White space after that, which is said only if more follows.
    space: String,
}

impl OpenMessage {
    /// Adds words and gives what is new of what is said.
    fn append(&mut self, text: &str) -> String {
        let text = std::mem::take(&mut self.space) + text;
        let words = text.trim_end();
        self.space = text[words.len()..].to_owned();
        self.said.push_str(words);
        words.to_owned()
    }
}

impl ActiveResponse {
    pub(super) fn new(plan: Plan, conversation_id: &str) -> Self {
        let is_in_conversation = plan.mode == ConversationMode::Auto;
        Self {
            id: new_id("resp"),
            plan,
            conversation_id: is_in_conversation.then(|| conversation_id.to_owned()),
            output: Vec::new(),
            open: None,
            input_tokens: Tokens::default(),
            output_tokens: Tokens::default(),
            spoken: 0,
        }
    }

    /// Whether its items belong to the conversation.
    pub(super) fn is_in_conversation(&self) -> bool {
        self.conversation_id.is_some()
    }

    /// `response.created`.
    pub(super) fn created(&self) -> ServerEvent {
        let response = Box::new(self.object(ResponseStatus::InProgress, None));
        ServerEvent::ResponseCreated(ResponseEvent { response })
    }

    /// Announces the message that is about to be said.
    pub(super) fn begin_message(
        &mut self,
        conversation: &mut Conversation,
        events: &mut Vec<ServerEvent>,
    ) {
        if self.open.is_none() {
            self.open_message(conversation, events);
        }
    }

    /// Text and, in an audio response, its sound; of both as much as the limit allows.
    pub(super) fn say(
        &mut self,
        text: &str,
        wave: &[i16],
        conversation: &mut Conversation,
        events: &mut Vec<ServerEvent>,
    ) -> Result<(), LimitReached> {
        self.begin_message(conversation, events);
        let (allowed, needed) = self.allow(text, wave);
        let share = |length: usize| (length as u64 * allowed / needed.max(1)) as usize;
        let (text, wave) = if allowed < needed {
            let words = heard_words(text, share(text.len()), text.len());
            (words, &wave[..share(wave.len())])
        } else {
            (text, wave)
        };
        self.output_tokens += cost(text, wave);
        self.spoken += wave.len();
        let position = self.position();
        let text = match &mut self.open {
            Some(open) => open.append(text),
            None => text.to_owned(),
        };
        if self.is_in_conversation() && self.plan.is_audio {
            conversation.spoke(&position.item_id, &text, wave);
        }
        let delta = |delta: String| Delta {
            position: position.clone(),
            delta,
        };
        if !self.plan.is_audio {
            events.push(ServerEvent::OutputTextDelta(delta(text)));
        } else {
            events.push(ServerEvent::OutputAudioTranscriptDelta(delta(text)));
            let sound = wave.chunks(DELTA_SAMPLES);
            events.extend(
                sound.map(|chunk| ServerEvent::OutputAudioDelta(delta(audio::encode(chunk)))),
            );
        }
        if allowed < needed {
            return Err(LimitReached);
        }
        Ok(())
    }

    /// How many of the tokens that this needs may still be sent.
    fn allow(&self, text: &str, wave: &[i16]) -> (u64, u64) {
        let needed = cost(text, wave).total();
        let allowed = match self.plan.max_output_tokens {
            MaxTokens::Unlimited => needed,
            MaxTokens::Count(limit) => {
                needed.min(u64::from(limit).saturating_sub(self.output_tokens.total()))
            }
        };
        (allowed, needed)
    }

    /// A tool call, whole: half a call is of no use to anybody.
    pub(super) fn call(
        &mut self,
        name: &str,
        arguments: &str,
        conversation: &mut Conversation,
        events: &mut Vec<ServerEvent>,
    ) -> Result<(), LimitReached> {
        let (allowed, needed) = self.allow(arguments, &[]);
        if allowed < needed {
            return Err(LimitReached);
        }
        self.output_tokens += cost(arguments, &[]);
        self.close_message(ItemStatus::Completed, conversation, events);
        let call = FunctionCall {
            id: Some(new_id("item")),
            name: name.to_owned(),
            call_id: Some(new_id("call")),
            ..FunctionCall::default()
        };
        let (item_id, call_id) = (
            call.id.clone().unwrap_or_default(),
            call.call_id.clone().unwrap_or_default(),
        );
        let started = Item::FunctionCall(call.clone()).with_status(ItemStatus::InProgress);
        self.begin_item(started, conversation, events);
        events.push(ServerEvent::FunctionCallArgumentsDelta(
            FunctionCallArgumentsDelta {
                response_id: self.id.clone(),
                item_id: item_id.clone(),
                output_index: self.output_index(),
                call_id: call_id.clone(),
                delta: arguments.to_owned(),
            },
        ));
        events.push(ServerEvent::FunctionCallArgumentsDone(
            FunctionCallArgumentsDone {
                response_id: self.id.clone(),
                item_id,
                output_index: self.output_index(),
                call_id,
                name: name.to_owned(),
                arguments: arguments.to_owned(),
            },
        ));
        let finished = Item::FunctionCall(FunctionCall {
            arguments: arguments.to_owned(),
            ..call
        })
        .with_status(ItemStatus::Completed);
        self.finish_item(finished, conversation, events);
        Ok(())
    }

    /// Everything that is still due, `response.done` last.
    pub(super) fn done(
        mut self,
        status: ResponseStatus,
        details: Option<StatusDetails>,
        conversation: &mut Conversation,
        events: &mut Vec<ServerEvent>,
    ) {
        let item_status = match status {
            ResponseStatus::Completed => ItemStatus::Completed,
            _ => ItemStatus::Incomplete,
        };
        self.close_message(item_status, conversation, events);
        let mut response = self.object(status, details);
        response.usage = Some(tokens::usage(self.input_tokens, self.output_tokens));
        events.push(ServerEvent::ResponseDone(ResponseEvent {
            response: Box::new(response),
        }));
    }

    fn object(&self, status: ResponseStatus, details: Option<StatusDetails>) -> Response {
        let modality = if self.plan.is_audio {
            Modality::Audio
        } else {
            Modality::Text
        };
        Response {
            id: self.id.clone(),
            object: "realtime.response".to_owned(),
            status,
            status_details: details,
            output: self.output.clone(),
            conversation_id: self.conversation_id.clone(),
            output_modalities: Some(vec![modality]),
            max_output_tokens: Some(self.plan.max_output_tokens),
            audio: self.plan.audio(),
            metadata: self.plan.metadata.clone(),
            usage: None,
        }
    }

    fn open_message(&mut self, conversation: &mut Conversation, events: &mut Vec<ServerEvent>) {
        let id = new_id("item");
        let item = Item::Message(Message::new(Role::Assistant, Vec::new()))
            .with_id(&id)
            .with_status(ItemStatus::InProgress);
        self.begin_item(item, conversation, events);
        self.open = Some(OpenMessage {
            id,
            said: String::new(),
            space: String::new(),
        });
        let part = if self.plan.is_audio {
            Part::Audio {
                transcript: Some(String::new()),
            }
        } else {
            Part::Text {
                text: Some(String::new()),
            }
        };
        let position = self.position();
        events.push(ServerEvent::ContentPartAdded(ContentPartEvent {
            position,
            part,
        }));
    }

    fn close_message(
        &mut self,
        status: ItemStatus,
        conversation: &mut Conversation,
        events: &mut Vec<ServerEvent>,
    ) {
        let position = self.position();
        let Some(OpenMessage { id, said, .. }) = self.open.take() else {
            return;
        };
        let (part, content) = if self.plan.is_audio {
            events.push(ServerEvent::OutputAudioDone(position.clone()));
            events.push(ServerEvent::OutputAudioTranscriptDone(
                OutputAudioTranscriptDone {
                    position: position.clone(),
                    transcript: said.clone(),
                },
            ));
            (
                Part::Audio {
                    transcript: Some(said.clone()),
                },
                ContentPart::OutputAudio {
                    audio: None,
                    transcript: Some(said),
                },
            )
        } else {
            events.push(ServerEvent::OutputTextDone(OutputTextDone {
                position: position.clone(),
                text: said.clone(),
            }));
            (
                Part::Text {
                    text: Some(said.clone()),
                },
                ContentPart::OutputText { text: said },
            )
        };
        events.push(ServerEvent::ContentPartDone(ContentPartEvent {
            position,
            part,
        }));
        let item = Item::Message(Message::new(Role::Assistant, vec![content]))
            .with_id(id)
            .with_status(status);
        self.finish_item(item, conversation, events);
    }

    fn begin_item(
        &mut self,
        item: Item,
        conversation: &mut Conversation,
        events: &mut Vec<ServerEvent>,
    ) {
        events.push(ServerEvent::OutputItemAdded(self.output_item(&item)));
        if self.is_in_conversation()
            // A conversation that is full goes on without the item; the caller hears it all the same.
            && let Ok(previous_item_id) = conversation.add(item.clone(), None)
        {
            events.push(ServerEvent::ConversationItemAdded(ItemEvent {
                previous_item_id,
                item,
            }));
        }
    }

    fn finish_item(
        &mut self,
        item: Item,
        conversation: &mut Conversation,
        events: &mut Vec<ServerEvent>,
    ) {
        events.push(ServerEvent::OutputItemDone(self.output_item(&item)));
        let id = item.id().unwrap_or_default();
        if self.is_in_conversation() && conversation.get(id).is_some() {
            let previous_item_id = conversation.id_before(id);
            conversation.finish(item.clone());
            let item = item.clone();
            events.push(ServerEvent::ConversationItemDone(ItemEvent {
                previous_item_id,
                item,
            }));
        }
        self.output.push(item);
    }

    fn output_item(&self, item: &Item) -> OutputItem {
        OutputItem {
            response_id: self.id.clone(),
            output_index: self.output_index(),
            item: item.clone(),
        }
    }

    fn output_index(&self) -> u32 {
        self.output.len().try_into().unwrap_or(u32::MAX)
    }

    fn position(&self) -> PartPosition {
        PartPosition {
            response_id: self.id.clone(),
            item_id: self
                .open
                .as_ref()
                .map(|open| open.id.clone())
                .unwrap_or_default(),
            output_index: self.output_index(),
            content_index: 0,
        }
    }
}
