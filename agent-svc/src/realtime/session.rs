//! The task that owns the socket.

use std::time::Duration;

use openai_realtime::client::{self, Closed, Connection, SendError};
use openai_realtime::{
    AudioFormat, AudioInput, AudioOutput, ClientEvent, ClientMessage, ConversationItemCreate,
    ConversationItemTruncate, InputAudioBufferAppend, InputTranscription, Item, ItemId, Metadata,
    Modality, NoFields, Nullable, ResponseCancel, ResponseCreate, ResponseParams, Role, Session,
    SessionAudio, SessionUpdate, ToolChoice, ToolChoiceMode, audio,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::history::History;
use super::translate::{COMMIT, CREATE, Meaning, TICKET, meaning};
use super::{Command, Provider, Setup};
use crate::domain::{Realtime, ToolCallId};

/// How long the provider may take to set a session up.
const SETUP_TIMEOUT: Duration = Duration::from_secs(5);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(2);
/// Sound that is told again goes in pieces of a second.
const REPLAY_PIECE: usize = 24_000;

/// Keeps a session until nobody wants it any more or it cannot be had.
pub(super) async fn run(
    provider: Provider,
    setup: oneshot::Receiver<Setup>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Realtime>,
) {
    let mut keeper = Keeper {
        provider,
        commands,
        events: events.clone(),
        history: History::default(),
        known_calls: Vec::new(),
        commits: 0,
    };
    if let Err(failure) = keeper.keep(setup).await {
        tracing::warn!(reason = failure, "The Realtime session is given up");
        // The call may be over already; then nobody needs to know.
        let _ = events.send(Realtime::Failed).await;
    }
}

struct Keeper {
    provider: Provider,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Realtime>,
    history: History,
    /// Tool calls that the present session knows.
    known_calls: Vec<ToolCallId>,
    commits: u32,
}

/// Why a session is over.
enum Over {
    /// The call has ended.
    Unwanted,
    /// It broke and may be made again.
    Lost(String),
    /// It must not be tried again.
    Refused(String),
}

impl From<SendError> for Over {
    fn from(error: SendError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<Closed> for Over {
    fn from(closed: Closed) -> Self {
        if closed.is_retryable() {
            Self::Lost(closed.to_string())
        } else {
            Self::Refused(closed.to_string())
        }
    }
}

impl Keeper {
    async fn keep(&mut self, setup: oneshot::Receiver<Setup>) -> Result<(), String> {
        let mut connection = self.dial().await;
        let setup = tokio::select! {
            setup = setup => setup,
            () = self.events.closed() => return Ok(()),
        };
        let Ok(setup) = setup else {
            // The call ended before it began.
            return Ok(());
        };
        loop {
            let over = match connection {
                Ok(connection) => self.serve(connection, &setup).await,
                Err(over) => over,
            };
            match over {
                Over::Unwanted => return Ok(()),
                Over::Refused(reason) => return Err(reason),
                Over::Lost(reason) => {
                    tracing::info!(reason, "The Realtime session is lost and made again");
                    self.drain();
                    if self.events.send(Realtime::Disconnected).await.is_err() {
                        return Ok(());
                    }
                }
            }
            connection = self.dial().await;
        }
    }

    /// Connects, again and again until the time for it is over.
    async fn dial(&mut self) -> Result<Connection, Over> {
        let deadline = Instant::now() + self.provider.reconnect_timeout;
        let mut backoff = FIRST_BACKOFF;
        loop {
            let error = tokio::select! {
                connection = client::connect(&self.provider.client) => match connection {
                    Ok(connection) => return Ok(connection),
                    Err(error) => error,
                },
                () = self.events.closed() => return Err(Over::Unwanted),
            };
            let jitter = rand::random_range(0.5..1.0);
            if !error.is_retryable() || Instant::now() + backoff >= deadline {
                return Err(Over::Refused(error.to_string()));
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.mul_f64(jitter)) => {}
                () = self.events.closed() => return Err(Over::Unwanted),
            }
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// Serves one session to its end.
    async fn serve(&mut self, mut connection: Connection, setup: &Setup) -> Over {
        match timeout(SETUP_TIMEOUT, self.set_up(&mut connection, setup)).await {
            Ok(Ok(())) => {}
            Ok(Err(over)) => return over,
            Err(_) => return Over::Lost("the session was not set up in time".to_owned()),
        }
        if self.events.send(Realtime::Connected).await.is_err() {
            return Over::Unwanted;
        }
        if let Err(over) = self.replay_sound(&connection).await {
            return over;
        }
        loop {
            let outcome = tokio::select! {
                event = connection.recv() => match event {
                    Ok(event) => self.pass_on(meaning(event)).await,
                    Err(closed) => return closed.into(),
                },
                command = self.commands.recv() => match command {
                    Some(command) => self.carry_out(&connection, command).await,
                    None => return Over::Unwanted,
                },
            };
            if let Err(over) = outcome {
                return over;
            }
        }
    }

    async fn set_up(&mut self, connection: &mut Connection, setup: &Setup) -> Result<(), Over> {
        let session = Box::new(self.session(setup));
        connection
            .send(ClientEvent::SessionUpdate(SessionUpdate { session }))
            .await?;
        self.known_calls.clear();
        for item in self.history.items() {
            if let Item::FunctionCall(call) = &item {
                self.known_calls
                    .extend(call.call_id.as_deref().map(ToolCallId::from));
            }
            connection.send(create_item(item)).await?;
        }
        loop {
            match meaning(connection.recv().await?) {
                Meaning::SetUp => return Ok(()),
                Meaning::Fatal(reason) => return Err(Over::Refused(reason)),
                Meaning::Event(_) | Meaning::Nothing => {}
            }
        }
    }

    fn session(&self, setup: &Setup) -> Session {
        let input = AudioInput {
            format: Some(AudioFormat::PCM_24K),
            transcription: Nullable::Value(InputTranscription {
                model: Some(self.provider.transcription_model.clone()),
                ..InputTranscription::default()
            }),
            turn_detection: Nullable::Null,
            ..AudioInput::default()
        };
        let output = AudioOutput {
            format: Some(AudioFormat::PCM_24K),
            voice: Some(self.provider.voice.as_str().into()),
            speed: None,
        };
        Session {
            instructions: Some(setup.instructions.clone()),
            output_modalities: Some(vec![Modality::Audio]),
            audio: Some(SessionAudio {
                input: Some(input),
                output: Some(output),
            }),
            tools: Some(setup.tools.clone()),
            tool_choice: Some(ToolChoice::Mode(ToolChoiceMode::Auto)),
            ..Session::default()
        }
    }

    /// Sends the sound of a turn again that the lost session took with it.
    async fn replay_sound(&mut self, connection: &Connection) -> Result<(), Over> {
        if let Some(turn) = self.history.committed() {
            append_all(connection, turn).await?;
            self.commits += 1;
            connection.send(commit(self.commits)).await?;
        }
        append_all(connection, self.history.input()).await
    }

    async fn pass_on(&mut self, meaning: Meaning) -> Result<(), Over> {
        let event = match meaning {
            Meaning::Event(event) => event,
            Meaning::Fatal(reason) => return Err(Over::Refused(reason)),
            Meaning::SetUp | Meaning::Nothing => return Ok(()),
        };
        if let Realtime::ToolCall { request, .. } = &event {
            self.known_calls.push(request.call.clone());
            self.history.called(request.clone());
        }
        self.events.send(event).await.map_err(|_| Over::Unwanted)
    }

    async fn carry_out(&mut self, connection: &Connection, command: Command) -> Result<(), Over> {
        // The history first: what is not sent now is then told by the next session.
        let message: ClientMessage = match command {
            Command::Append(samples) => {
                self.history.append(&samples);
                append(&samples).into()
            }
            Command::Commit => {
                self.history.commit();
                self.commits += 1;
                commit(self.commits)
            }
            Command::Clear => {
                self.history.clear();
                ClientEvent::InputAudioBufferClear(NoFields {}).into()
            }
            Command::CreateResponse { ticket, tools } => create_response(ticket.0, tools),
            Command::Cancel(response) => ClientEvent::ResponseCancel(ResponseCancel {
                response_id: Some(response.as_str().to_owned()),
            })
            .into(),
            Command::Truncate { item, audio_end_ms } => {
                ClientEvent::ConversationItemTruncate(ConversationItemTruncate {
                    item_id: item.as_str().to_owned(),
                    content_index: 0,
                    audio_end_ms,
                })
                .into()
            }
            Command::Delete(item) => ClientEvent::ConversationItemDelete(ItemId {
                item_id: item.as_str().to_owned(),
            })
            .into(),
            Command::AddAssistantText(text) => create_item(Item::text(Role::Assistant, text)),
            Command::AnswerTool { call, output } => {
                return self.answer(connection, &call, output).await;
            }
            Command::Remember {
                position,
                role,
                text,
            } => {
                self.history.remember(position, role, text);
                return Ok(());
            }
        };
        Ok(connection.send(message).await?)
    }

    /// Takes what was meant for the lost session: its sound, turns and results are told to the
    /// next one, its responses and items are gone.
    fn drain(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Append(samples) => self.history.append(&samples),
                Command::Commit => self.history.commit(),
                Command::Clear => self.history.clear(),
                Command::AnswerTool { call, output } => self.history.answered(&call, &output),
                Command::Remember {
                    position,
                    role,
                    text,
                } => self.history.remember(position, role, text),
                Command::CreateResponse { .. }
                | Command::Cancel(_)
                | Command::Truncate { .. }
                | Command::Delete(_)
                | Command::AddAssistantText(_) => {}
            }
        }
    }

    /// Answers a call; a session that never saw the call is told of it first.
    async fn answer(
        &mut self,
        connection: &Connection,
        call: &ToolCallId,
        output: String,
    ) -> Result<(), Over> {
        self.history.answered(call, &output);
        let items = if self.known_calls.contains(call) {
            vec![Item::function_call_output(call.as_str(), output)]
        } else {
            self.history.answer_items(call, output)
        };
        for item in items {
            connection.send(create_item(item)).await?;
        }
        Ok(())
    }
}

async fn append_all(connection: &Connection, samples: &[i16]) -> Result<(), Over> {
    for piece in samples.chunks(REPLAY_PIECE) {
        connection.send(append(piece)).await?;
    }
    Ok(())
}

fn append(samples: &[i16]) -> ClientEvent {
    ClientEvent::InputAudioBufferAppend(InputAudioBufferAppend {
        audio: audio::encode(samples),
    })
}

fn commit(number: u32) -> ClientMessage {
    ClientMessage {
        event_id: Some(format!("{COMMIT}{number}")),
        event: ClientEvent::InputAudioBufferCommit(NoFields {}),
    }
}

fn create_item(item: Item) -> ClientMessage {
    let previous_item_id = None;
    ClientEvent::ConversationItemCreate(ConversationItemCreate {
        previous_item_id,
        item,
    })
    .into()
}

fn create_response(ticket: u32, tools: bool) -> ClientMessage {
    let metadata = Metadata::from_iter([(TICKET.to_owned(), ticket.to_string().into())]);
    let response = ResponseParams {
        metadata: Some(metadata),
        tool_choice: (!tools).then_some(ToolChoice::Mode(ToolChoiceMode::None)),
        ..ResponseParams::default()
    };
    ClientMessage {
        event_id: Some(format!("{CREATE}{ticket}")),
        event: ClientEvent::ResponseCreate(ResponseCreate {
            response: Some(Box::new(response)),
        }),
    }
}
