//! One answer: written by the chat model, spoken clause by clause while the rest comes.

use async_openai::types::chat::CreateChatCompletionRequest;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::chat::{Answer, Written};
use super::clauses::Clauses;
use super::{Cascade, RequestError, in_time};
use crate::domain::ToolRequest;
use crate::provider::Usage;

/// Clauses that may wait for the voice; then the model waits.
const CLAUSES: usize = 8;
const PIECES: usize = 32;

/// What there is of an answer.
#[derive(Debug)]
pub(super) enum Piece {
    /// Words that are about to be spoken.
    Text(String),
    /// Their sound, 24 kHz.
    Audio(Vec<i16>),
    Call(ToolRequest),
    Used(Usage),
    /// There is no more, or no more can be had.
    End(Result<(), RequestError>),
}

/// An answer that is being made. Dropping it stops everything about it.
pub(super) struct Making {
    pieces: mpsc::Receiver<Piece>,
    _task: AbortOnDropHandle<()>,
}

impl Making {
    /// Begins. The ids of tool calls begin with `prefix`.
    pub(super) fn start(
        cascade: Cascade,
        request: CreateChatCompletionRequest,
        prefix: String,
    ) -> Self {
        let (out, pieces) = mpsc::channel(PIECES);
        let task = tokio::spawn(async move {
            let end = make(cascade, request, &prefix, &out).await;
            // Nobody may want it any more.
            let _ = out.send(Piece::End(end)).await;
        });
        Self {
            pieces,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The next piece. Safe to cancel.
    pub(super) async fn next(&mut self) -> Piece {
        let gone = Piece::End(Err(RequestError::BrokenOff));
        self.pieces.recv().await.unwrap_or(gone)
    }
}

type Out = mpsc::Sender<Piece>;

async fn make(
    cascade: Cascade,
    request: CreateChatCompletionRequest,
    prefix: &str,
    out: &Out,
) -> Result<(), RequestError> {
    let (clauses, queue) = mpsc::channel(CLAUSES);
    let writing = write(&cascade, request, prefix, clauses, out);
    let speaking = speak(&cascade, queue, out);
    tokio::pin!(writing, speaking);
    tokio::select! {
        biased;
        spoken = &mut speaking => match spoken {
            Ok(()) => writing.await,
            Err(error) => Err(error),
        },
        // What was written before it broke off are whole clauses: they are spoken.
        written = &mut writing => speaking.await.and(written),
    }
}

async fn write(
    cascade: &Cascade,
    request: CreateChatCompletionRequest,
    prefix: &str,
    clauses: mpsc::Sender<String>,
    out: &Out,
) -> Result<(), RequestError> {
    let chat = cascade.client.chat();
    let mut answer = Answer::new(in_time(chat.create_stream(request)).await?);
    let mut text = Clauses::default();
    while let Some(written) = answer.next().await? {
        match written {
            Written::Used(usage) => send(out, Piece::Used(usage)).await,
            Written::Text(piece) => {
                for clause in text.push(&piece) {
                    say(clause, &clauses, out).await;
                }
            }
        }
    }
    if let Some(clause) = text.finish() {
        say(clause, &clauses, out).await;
    }
    for call in answer.calls(prefix) {
        send(out, Piece::Call(call)).await;
    }
    Ok(())
}

async fn say(clause: String, clauses: &mpsc::Sender<String>, out: &Out) {
    send(out, Piece::Text(clause.clone())).await;
    // Without a voice the whole answer ends.
    let _ = clauses.send(clause).await;
}

async fn speak(
    cascade: &Cascade,
    mut clauses: mpsc::Receiver<String>,
    out: &Out,
) -> Result<(), RequestError> {
    while let Some(mut text) = clauses.recv().await {
        // What is there by now is spoken in one breath.
        while let Ok(more) = clauses.try_recv() {
            text += &more;
        }
        let mut sound = cascade.voice.speak(text.trim().to_owned());
        while let Some(piece) = sound.next().await {
            send(out, Piece::Audio(piece?)).await;
        }
    }
    Ok(())
}

async fn send(out: &Out, piece: Piece) {
    // Whoever does not want it any more stops the task.
    let _ = out.send(piece).await;
}
