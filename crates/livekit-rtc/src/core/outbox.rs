//! Messages that wait for the data channel, in order and within a bound.

use std::collections::VecDeque;

use crate::participant::Reply;
use crate::{CommandError, StreamId};

/// Bytes that may wait.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// The queue of one participant; it outlives connections.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    messages: VecDeque<Message>,
    bytes: usize,
}

/// The packets of one command, and who wants to know when they are gone.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) packets: VecDeque<Vec<u8>>,
    pub(super) reliable: bool,
    /// The stream it continues, which ends with the connection.
    pub(super) stream: Option<StreamId>,
    pub(super) started: bool,
    pub(super) reply: Option<Reply>,
}

impl Outbox {
    pub(super) fn push(&mut self, message: Message) {
        let size = message.size();
        if self.bytes + size > MAX_BYTES {
            return message.finish(Err(CommandError::Backlogged));
        }
        self.bytes += size;
        self.messages.push_back(message);
    }

    /// Writes what can be written. `write` says whether it took the packet.
    pub(super) fn flush(&mut self, mut write: impl FnMut(bool, &[u8]) -> bool) {
        while let Some(message) = self.messages.front_mut() {
            let given_up = message.reply.as_ref().is_some_and(Reply::is_closed);
            if given_up && !message.started {
                self.bytes -= message.size();
                message.packets.clear();
            }
            if let Some(packet) = message.packets.front() {
                if !write(message.reliable, packet) {
                    return;
                }
                self.bytes -= packet.len();
                message.packets.pop_front();
                message.started = true;
            }
            if message.packets.is_empty()
                && let Some(message) = self.messages.pop_front()
            {
                message.finish(Ok(()));
            }
        }
    }

    /// Fails what cannot go on over another connection; the rest waits for it.
    pub(super) fn connection_lost(&mut self) {
        for message in std::mem::take(&mut self.messages) {
            if message.stream.is_some() || message.started {
                self.bytes -= message.size();
                message.finish(Err(CommandError::StreamLost));
            } else {
                self.messages.push_back(message);
            }
        }
    }

    /// Fails everything.
    pub(super) fn close(&mut self) {
        self.bytes = 0;
        for message in self.messages.drain(..) {
            message.finish(Err(CommandError::Disconnected));
        }
    }
}

impl Message {
    fn size(&self) -> usize {
        self.packets.iter().map(Vec::len).sum()
    }

    fn finish(self, outcome: Result<(), CommandError>) {
        if let Some(reply) = self.reply {
            // The caller may have stopped waiting.
            let _ = reply.send(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    type Outcome = oneshot::Receiver<Result<(), CommandError>>;

    fn message(packets: &[&str], stream: Option<&str>) -> (Message, Outcome) {
        let (reply, outcome) = oneshot::channel();
        let packets = packets
            .iter()
            .map(|packet| packet.as_bytes().to_vec())
            .collect();
        let stream = stream.map(StreamId::from);
        (
            Message {
                packets,
                reliable: true,
                stream,
                started: false,
                reply: Some(reply),
            },
            outcome,
        )
    }

    /// Flushes into a channel that takes `room` packets.
    fn flush(outbox: &mut Outbox, mut room: usize) -> Vec<String> {
        let mut written = Vec::new();
        outbox.flush(|_, packet| {
            let takes = room > 0;
            if takes {
                room -= 1;
                written.push(String::from_utf8_lossy(packet).into_owned());
            }
            takes
        });
        written
    }

    #[test]
    fn a_full_channel_is_waited_for_and_order_is_kept() {
        let mut outbox = Outbox::default();
        let (first, mut first_outcome) = message(&["a", "b"], None);
        let (second, mut second_outcome) = message(&["c"], None);
        outbox.push(first);
        outbox.push(second);
        assert_eq!(flush(&mut outbox, 1), ["a"]);
        assert!(first_outcome.try_recv().is_err());
        assert_eq!(flush(&mut outbox, 9), ["b", "c"]);
        assert_eq!(first_outcome.try_recv(), Ok(Ok(())));
        assert_eq!(second_outcome.try_recv(), Ok(Ok(())));
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn a_message_nobody_waits_for_any_more_is_not_sent() {
        let mut outbox = Outbox::default();
        let (first, outcome) = message(&["a"], None);
        outbox.push(first);
        drop(outcome);
        outbox.push(message(&["b"], None).0);
        assert_eq!(flush(&mut outbox, 9), Vec::<String>::new());
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn a_lost_connection_fails_streams_and_keeps_the_rest() {
        let mut outbox = Outbox::default();
        let (chunk, mut chunk_outcome) = message(&["chunk"], Some("s"));
        let (data, mut data_outcome) = message(&["data"], None);
        outbox.push(chunk);
        outbox.push(data);
        outbox.connection_lost();
        assert_eq!(chunk_outcome.try_recv(), Ok(Err(CommandError::StreamLost)));
        assert_eq!(flush(&mut outbox, 9), ["data"]);
        assert_eq!(data_outcome.try_recv(), Ok(Ok(())));
    }

    #[test]
    fn too_much_is_refused_at_once() {
        let mut outbox = Outbox::default();
        let big = "x".repeat(MAX_BYTES);
        let (first, _first_outcome) = message(&[&big], None);
        let (second, mut outcome) = message(&["y"], None);
        outbox.push(first);
        outbox.push(second);
        assert_eq!(outcome.try_recv(), Ok(Err(CommandError::Backlogged)));
    }
}
