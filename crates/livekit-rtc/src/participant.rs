//! The handle that commands a participant.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::core::RpcAnswer;
use crate::{
    Attributes, CommandError, DataOptions, DisconnectReason, Identity, RpcError, RpcFailure, RpcId,
    RpcRequest, StreamId, TextOptions, TrackSid, Transcription,
};

/// Commands that may wait for the participant at a time.
pub(crate) const COMMAND_CAPACITY: usize = 64;

/// We, in the room.
///
/// A cheap handle: clones command the same participant, and when the last one is dropped it
/// leaves the room. Every method has a deadline ([`crate::JoinOptions::command_timeout`]), and
/// a future that is dropped takes its command back if it was not sent yet.
#[derive(Debug, Clone)]
pub struct Participant {
    requests: mpsc::Sender<Request>,
    local: watch::Receiver<LocalParticipant>,
    timeout: Duration,
}

/// What the server calls us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalParticipant {
    /// Our identity, from the token.
    pub identity: Identity,
    /// The server's id of this stay; another one after a reconnect.
    pub sid: String,
    /// Name of the room.
    pub room: String,
    /// Our track, if one is published; another one after a reconnect.
    pub track: Option<TrackSid>,
}

/// A command, and where its outcome goes.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) reply: Reply,
}

/// Where the outcome of a command goes.
pub(crate) type Reply = oneshot::Sender<Result<(), CommandError>>;

/// What a participant can be asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    SetAttributes(Attributes),
    SetMuted(bool),
    PublishData {
        payload: Vec<u8>,
        options: DataOptions,
    },
    PublishTranscription(Transcription),
    SendText {
        id: StreamId,
        topic: String,
        text: String,
        options: TextOptions,
    },
    OpenText {
        id: StreamId,
        topic: String,
        options: TextOptions,
    },
    WriteText {
        id: StreamId,
        text: String,
    },
    CloseText {
        id: StreamId,
        attributes: Attributes,
        complete: bool,
    },
    PerformRpc {
        id: RpcId,
        request: RpcRequest,
        answer: RpcAnswer,
    },
    RespondRpc {
        id: RpcId,
        outcome: Result<String, RpcError>,
    },
    Leave(DisconnectReason),
}

impl Participant {
    pub(crate) fn new(
        requests: mpsc::Sender<Request>,
        local: watch::Receiver<LocalParticipant>,
        timeout: Duration,
    ) -> Self {
        Self {
            requests,
            local,
            timeout,
        }
    }

    /// What the server calls us at this moment.
    pub fn local(&self) -> LocalParticipant {
        self.local.borrow().clone()
    }

    /// Sets attributes; others stay. An empty value removes one.
    ///
    /// Returns when the server has taken them over.
    ///
    /// # Errors
    /// [`CommandError::NotAllowed`] without the grant `canUpdateOwnMetadata`.
    pub async fn set_attributes(&self, attributes: Attributes) -> Result<(), CommandError> {
        self.request(Command::SetAttributes(attributes)).await
    }

    /// Mutes or unmutes our track.
    ///
    /// # Errors
    /// [`CommandError::NoTrack`] when none is published.
    pub async fn set_muted(&self, muted: bool) -> Result<(), CommandError> {
        self.request(Command::SetMuted(muted)).await
    }

    /// Sends a data packet of at most 15,000 bytes.
    pub async fn publish_data(
        &self,
        payload: Vec<u8>,
        options: DataOptions,
    ) -> Result<(), CommandError> {
        self.request(Command::PublishData { payload, options })
            .await
    }

    /// Sends a legacy transcription packet. The server passes it on from agents only.
    pub async fn publish_transcription(
        &self,
        transcription: Transcription,
    ) -> Result<(), CommandError> {
        self.request(Command::PublishTranscription(transcription))
            .await
    }

    /// Sends a whole text as one stream and gives the stream's id.
    pub async fn send_text(
        &self,
        topic: impl Into<String>,
        text: impl Into<String>,
        options: TextOptions,
    ) -> Result<StreamId, CommandError> {
        let id = stream_id(&options);
        let (topic, text) = (topic.into(), text.into());
        self.request(Command::SendText {
            id: id.clone(),
            topic,
            text,
            options,
        })
        .await?;
        Ok(id)
    }

    /// Opens a text stream to be written piece by piece.
    pub async fn open_text_stream(
        &self,
        topic: impl Into<String>,
        options: TextOptions,
    ) -> Result<TextWriter, CommandError> {
        let id = stream_id(&options);
        let topic = topic.into();
        self.request(Command::OpenText {
            id: id.clone(),
            topic,
            options,
        })
        .await?;
        Ok(TextWriter {
            participant: self.clone(),
            id,
            open: true,
        })
    }

    /// Calls a method of somebody in the room and waits for its answer, for as long as the request
    /// says.
    ///
    /// # Errors
    /// What the method says went wrong, or an [`RpcFailure`].
    pub async fn perform_rpc(&self, request: RpcRequest) -> Result<String, RpcError> {
        let (answer, outcome) = oneshot::channel();
        let id = RpcId::from(Uuid::new_v4().to_string());
        let command = Command::PerformRpc {
            id,
            request,
            answer,
        };
        let failed = || RpcError::from(RpcFailure::SendFailed);
        self.request(command).await.map_err(|_| failed())?;
        outcome.await.unwrap_or_else(|_| Err(failed()))
    }

    /// Answers a call that [`crate::Event::RpcInvoked`] told of.
    ///
    /// # Errors
    /// [`CommandError::RpcEnded`] when nobody waits for it any more, [`CommandError::TooLarge`] when
    /// it has more than [`crate::MAX_RPC_PAYLOAD`] bytes; the caller is then told so.
    pub async fn respond_rpc(
        &self,
        id: RpcId,
        outcome: Result<String, RpcError>,
    ) -> Result<(), CommandError> {
        self.request(Command::RespondRpc { id, outcome }).await
    }

    /// Leaves the room and tells the server why; returns when that is done.
    ///
    /// Leaving twice is fine.
    pub async fn leave(&self, reason: DisconnectReason) -> Result<(), CommandError> {
        match self.request(Command::Leave(reason)).await {
            Ok(()) | Err(CommandError::Disconnected) => {}
            Err(error) => return Err(error),
        }
        let left = tokio::time::timeout(self.timeout, self.requests.closed()).await;
        left.map_err(|_| CommandError::Timeout(self.timeout))
    }

    async fn request(&self, command: Command) -> Result<(), CommandError> {
        let (reply, outcome) = oneshot::channel();
        let exchange = async {
            let request = Request { command, reply };
            self.requests
                .send(request)
                .await
                .map_err(|_| CommandError::Disconnected)?;
            outcome.await.unwrap_or(Err(CommandError::Disconnected))
        };
        let limit = self.timeout;
        tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or(Err(CommandError::Timeout(limit)))
    }
}

/// A text stream being written.
///
/// Dropping it without [`TextWriter::close`] tells receivers that it is incomplete.
#[derive(Debug)]
pub struct TextWriter {
    participant: Participant,
    id: StreamId,
    open: bool,
}

impl TextWriter {
    /// The stream's id.
    pub fn id(&self) -> &StreamId {
        &self.id
    }

    /// Appends text; long text is cut into packets between characters.
    ///
    /// # Errors
    /// [`CommandError::StreamLost`] when the connection was replaced since the stream was opened.
    pub async fn write(&mut self, text: impl Into<String>) -> Result<(), CommandError> {
        let command = Command::WriteText {
            id: self.id.clone(),
            text: text.into(),
        };
        self.participant.request(command).await
    }

    /// Ends the stream. `attributes` go with its end and overlay those it was opened with.
    ///
    /// # Errors
    /// [`CommandError::StreamLost`] when the connection was replaced since the stream was opened.
    pub async fn close(mut self, attributes: Attributes) -> Result<(), CommandError> {
        self.open = false;
        let command = Command::CloseText {
            id: self.id.clone(),
            attributes,
            complete: true,
        };
        self.participant.request(command).await
    }
}

impl Drop for TextWriter {
    fn drop(&mut self) {
        if self.open {
            let command = Command::CloseText {
                id: self.id.clone(),
                attributes: Attributes::new(),
                complete: false,
            };
            let (reply, _) = oneshot::channel();
            // A full queue loses this word; receivers then see the stream end with us.
            let _ = self
                .participant
                .requests
                .try_send(Request { command, reply });
        }
    }
}

fn stream_id(options: &TextOptions) -> StreamId {
    options
        .stream_id
        .clone()
        .unwrap_or_else(|| Uuid::new_v4().to_string().into())
}
