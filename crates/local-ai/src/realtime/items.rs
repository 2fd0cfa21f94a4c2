//! What the client does to the items of the conversation.

use openai_realtime::{
    ContentPart, ConversationItemCreate, ConversationItemTruncate, ErrorDetail, Item, ItemEvent,
    ItemId, ItemRetrieved, ItemStatus, ItemTruncated, Role, ServerEvent,
};

use super::session::Session;
use super::{checks, new_id};

impl Session {
    pub(super) fn create_item(
        &mut self,
        create: ConversationItemCreate,
    ) -> Result<(), ErrorDetail> {
        let ConversationItemCreate {
            previous_item_id,
            mut item,
        } = create;
        checks::item("item", &item)?;
        if let Item::FunctionCall(call) = &mut item {
            call.call_id.get_or_insert_with(|| new_id("call"));
        }
        let is_untranscribed = needs_words(&item);
        let id = item.id().map_or_else(|| new_id("item"), str::to_owned);
        let item = item.with_id(&id).with_status(ItemStatus::Completed);
        let previous = self.conversation.add(item, previous_item_id.as_deref())?;
        if let Some(shown) = self.conversation.get(&id).cloned() {
            self.item_added(previous, shown);
        }
        if is_untranscribed {
            self.recognise_item(id);
        }
        Ok(())
    }

    /// An item that is complete as soon as it is there.
    pub(super) fn item_added(&mut self, previous_item_id: Option<String>, item: Item) {
        let event = ItemEvent {
            previous_item_id,
            item,
        };
        self.emit(ServerEvent::ConversationItemAdded(event.clone()));
        self.emit(ServerEvent::ConversationItemDone(event));
    }

    pub(super) fn retrieve_item(&mut self, item_id: &str) -> Result<(), ErrorDetail> {
        let item = self.conversation.retrieve(item_id)?;
        self.emit(ServerEvent::ConversationItemRetrieved(ItemRetrieved {
            item,
        }));
        Ok(())
    }

    pub(super) fn truncate_item(
        &mut self,
        truncate: ConversationItemTruncate,
    ) -> Result<(), ErrorDetail> {
        let ConversationItemTruncate {
            item_id,
            content_index,
            audio_end_ms,
        } = truncate;
        self.conversation
            .truncate(&item_id, content_index, audio_end_ms)?;
        let event = ItemTruncated {
            item_id,
            content_index,
            audio_end_ms,
        };
        self.emit(ServerEvent::ConversationItemTruncated(event));
        Ok(())
    }

    pub(super) fn delete_item(&mut self, item_id: String) -> Result<(), ErrorDetail> {
        self.conversation.delete(&item_id)?;
        self.emit(ServerEvent::ConversationItemDeleted(ItemId { item_id }));
        Ok(())
    }
}

/// Whether the person's words are only there as sound.
pub(super) fn needs_words(item: &Item) -> bool {
    let Item::Message(message) = item else {
        return false;
    };
    let is_sound = |part: &ContentPart| {
        matches!(part, ContentPart::InputAudio { audio: Some(_), transcript }
            if transcript.value().is_none())
    };
    message.role == Role::User && message.content.iter().any(is_sound)
}
