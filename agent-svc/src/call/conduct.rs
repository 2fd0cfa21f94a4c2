//! Carrying out what the conversation decides.

use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::hub::{Standing, What};
use super::stage::Piece;
use super::task::{Done, Task};
use crate::domain::{
    AgentState, EndReason, HandOver, Input, Line, Metric, Output, PauseId, SegmentId, SoundId,
    SpeechId, ToolRecord, ToolRequest, Trouble,
};
use crate::media;
use crate::prompt;
use crate::provider::Command;
use crate::record::{self, Latency};
use crate::tools;

impl Task {
    /// Does everything that is to be done now.
    pub(super) fn carry_out(&mut self) {
        while let Some(output) = self.conversation.poll() {
            self.carry_out_one(output);
        }
    }

    fn carry_out_one(&mut self, output: Output) {
        match output {
            Output::JudgeTurn(pause) => self.judge_turn(pause),
            Output::RecogniseSound(sound) => self.recognise(sound),
            Output::OpenInput => self.tell_media(media::Command::OpenInput),
            Output::SendSpeechOnly => {
                // The room may not be joined yet, and nobody will say it again.
                let _ = self.media.send(media::Command::SendSpeechOnly);
            }
            Output::CloseInput => self.close_input(),
            Output::CommitAudio => {
                self.tell_provider(Command::Commit);
                self.close_input();
            }
            Output::ClearAudio => {
                self.tell_provider(Command::Clear);
                self.close_input();
            }
            Output::CreateResponse { ticket, tools } => {
                self.tell_provider(Command::CreateResponse { ticket, tools });
            }
            Output::CancelResponse(response) => self.tell_provider(Command::Cancel(response)),
            Output::Truncate { item, audio_end_ms } => {
                self.tell_provider(Command::Truncate { item, audio_end_ms });
            }
            Output::Delete(item) => self.tell_provider(Command::Delete(item)),
            Output::AddAssistantText(text) => self.tell_provider(Command::AddAssistantText(text)),
            Output::AnswerTool { call, output } => {
                self.running_tools.remove(&call);
                self.tell_provider(Command::AnswerTool { call, output });
            }
            Output::CallTool { request, turn } => {
                self.tell(What::ToolStarted(request.clone()));
                self.call_tool(request, turn);
            }
            Output::CancelTool(call) => {
                self.waiting_tools
                    .retain(|(waiting, _)| waiting.call != call);
                if let Some(running) = self.running_tools.remove(&call) {
                    running.abort();
                }
            }
            Output::ToolEnded(ended) => self.tool_ended(ended),
            Output::HandOver(wanted) => self.hand_over(wanted),
            Output::GreetStranger => self.later(Done::Known(prompt::Caller::default())),
            Output::Synthesise { speech, text, line } => self.synthesise(speech, text, line),
            Output::Play { speech, audio } => self.tell_media(media::Command::Play(speech, audio)),
            Output::FinishPlaying(speech) => {
                self.voices.remove(&speech);
                self.tell_media(media::Command::Finish(speech));
            }
            Output::Pause => self.tell_media(media::Command::Pause),
            Output::Resume => self.tell_media(media::Command::Resume),
            Output::Stop(speech) => {
                if let Some(voice) = self.voices.remove(&speech) {
                    voice.abort();
                }
                self.tell_media(media::Command::Stop);
            }
            Output::SetState(state) => self.set_state(state),
            Output::Transcript {
                segment,
                role,
                text,
                is_final,
            } => self.show(segment, role, text, is_final),
            Output::StoreTurn(turn) => self.store(turn),
            Output::Metric(metric) => count(metric),
            Output::Trouble(trouble) => self.tell(in_words(trouble)),
            Output::End(reason) => self.ended = Some(reason),
        }
    }

    fn close_input(&mut self) {
        self.recent.clear();
        self.tell_media(media::Command::CloseInput);
    }

    fn judge_turn(&self, pause: PauseId) {
        let (judge, done, sound) = (
            self.app.judge.clone(),
            self.done.clone(),
            self.recent.to_vec(),
        );
        tokio::spawn(async move {
            let complete = judge.end_of_turn(sound).await;
            let _ = send(&done, Input::TurnJudged { pause, complete }).await;
        });
    }

    fn recognise(&self, sound: SoundId) {
        let (judge, done, recent) = (
            self.app.judge.clone(),
            self.done.clone(),
            self.recent.to_vec(),
        );
        tokio::spawn(async move {
            let heard = judge.words(recent).await;
            let _ = send(&done, Input::SoundRecognised { sound, heard }).await;
        });
    }

    /// Hands a command to the provider's session. One that does not keep up has failed.
    pub(super) fn tell_provider(&mut self, command: Command) {
        if self.link.send(command).is_err() {
            // The session says itself that it has failed; only a full queue is news.
            tracing::debug!(call.id = %self.id, "The Realtime session takes no commands");
        }
    }

    pub(super) fn tell_media(&mut self, command: media::Command) {
        if self.room.is_some() && self.media.send(command).is_err() && self.ended.is_none() {
            self.later(Done::Input(Input::End(EndReason::MediaError)));
        }
    }

    /// Has something dealt with after what is dealt with now.
    fn later(&self, done: Done) {
        // A full queue holds other inputs, whose handling leads here again.
        let _ = self.done.try_send(done);
    }

    fn set_state(&mut self, agent: AgentState) {
        if let Some(room) = &self.room {
            room.stage.state(agent);
        }
        let active = self.hub.standing().active;
        self.tell(What::State(Standing { active, agent }));
    }

    fn show(
        &mut self,
        segment: SegmentId,
        role: crate::domain::Role,
        text: String,
        is_final: bool,
    ) {
        let piece = Piece {
            segment: format!("SG_{}_{}", self.id.0.simple(), segment.0),
            role,
            text,
            is_final,
        };
        self.tell(What::Transcript {
            segment: piece.segment.clone(),
            role,
            text: piece.text.clone(),
            is_final,
        });
        if let Some(room) = &self.room {
            room.stage.transcript(piece);
        }
    }

    fn store(&mut self, turn: crate::domain::Turn) {
        self.tell_provider(Command::Remember {
            position: turn.position,
            role: turn.role,
            text: turn.text.clone(),
            items: turn.items.clone(),
        });
        let bill = (turn.role == crate::domain::Role::Assistant)
            .then(|| std::mem::take(&mut self.unstored_bill))
            .filter(|bill| !bill.is_empty());
        let turn = record::Turn::new(turn, self.began_at, bill);
        if let Some(ms) = turn.silenced_after_ms {
            metrics::histogram!("insta_agent_interruption_seconds").record(ms as f64 / 1000.0);
        }
        if let Some(latency) = turn.latency {
            measure(latency);
        }
        if turn.role == crate::domain::Role::User && turn.text.is_empty() {
            // A turn without words is no turn for anybody who reads.
            return;
        }
        self.recorder.turn(turn.clone());
        // With every turn, so that the record of a call whose instance dies has it too.
        self.recorder.charge(self.bill);
        self.tell(What::Turn(0, turn));
    }

    fn synthesise(&mut self, speech: SpeechId, text: String, line: Option<Line>) {
        let mut pieces = self.app.speaker.speak(text, line);
        let done = self.done.clone();
        let hub = (self.hub.clone(), self.app.clock.clone());
        let speaking = tokio::spawn(async move {
            let mut complete = true;
            while let Some(piece) = pieces.next().await {
                // A recording may follow.
                complete = piece.is_ok();
                let audio = match piece {
                    Ok(audio) => audio,
                    Err(error) => {
                        tracing::warn!(%error, "A text was not spoken as it should be");
                        metrics::counter!("insta_agent_voice_failures").increment(1);
                        let (reason, message) =
                            ("VOICE_FAILED", "A text was not spoken, or not to its end.");
                        hub.0.tell(hub.1.now(), What::Trouble { reason, message });
                        continue;
                    }
                };
                if send(&done, Input::SpokenAudio { speech, audio })
                    .await
                    .is_err()
                {
                    return;
                }
            }
            let _ = send(&done, Input::SpokenEnd { speech, complete }).await;
        });
        self.voices.insert(speech, speaking.abort_handle());
    }

    /// Runs a tool, as soon as it is known for whom.
    pub(super) fn call_tool(&mut self, request: ToolRequest, turn: u32) {
        let Some((_, caller)) = self.caller.clone() else {
            return self.waiting_tools.push((request, turn));
        };
        let context = tools::Context {
            peers: self.app.peers.clone(),
            caller,
            kept: self.kept.clone(),
            turn,
        };
        let done = self.done.clone();
        let call = request.call.clone();
        let running = tokio::spawn(async move {
            let call = request.call.clone();
            let result = tools::run(context, request).await;
            let _ = send(&done, Input::ToolFinished { call, result }).await;
        });
        self.running_tools.insert(call, running.abort_handle());
    }

    fn tool_ended(&mut self, tool: ToolRecord) {
        if let Some(room) = self.room.as_ref().filter(|_| !tool.sources.is_empty()) {
            room.stage.sources(&tool);
        }
        let tool = record::ToolCall::from(tool);
        let seconds = tool.took_ms as f64 / 1000.0;
        metrics::histogram!("insta_agent_tool_seconds", "tool" => tools::known_name(&tool.name))
            .record(seconds);
        self.tell(What::ToolEnded(tool));
    }

    /// Somebody is to take over: it is written down, and whoever watches is told.
    fn hand_over(&mut self, wanted: HandOver) {
        tracing::info!(call.id = %self.id, "A call is to be handed over");
        metrics::counter!("insta_agent_hand_overs").increment(1);
        let wanted = record::HandOver {
            reason: wanted.reason,
            summary: wanted.summary,
            time: self.app.clock.now(),
        };
        self.recorder.hand_over(wanted.clone());
        self.tell(What::HandOver(wanted));
    }
}

async fn send(done: &mpsc::Sender<Done>, input: Input) -> Result<(), ()> {
    done.send(Done::Input(input)).await.map_err(|_| ())
}

fn in_words(trouble: Trouble) -> What {
    match trouble {
        Trouble::NoMicrophone => What::Trouble {
            reason: "MICROPHONE_MISSING",
            message: "The caller's microphone has not been there yet; they cannot be heard.",
        },
    }
}

fn count(metric: Metric) {
    let name = match metric {
        Metric::Interruption => "insta_agent_interruptions",
        Metric::FalseInterruption => "insta_agent_false_interruptions",
        Metric::ResponseFailed => "insta_agent_failed_responses",
        Metric::LateResponse => "insta_agent_late_responses",
    };
    metrics::counter!(name).increment(1);
}

fn measure(latency: Latency) {
    let seconds = |ms: u64| ms as f64 / 1000.0;
    metrics::histogram!("insta_agent_end_of_turn_seconds").record(seconds(latency.end_of_turn_ms));
    if let Some(ms) = latency.first_token_ms {
        metrics::histogram!("insta_agent_first_token_seconds").record(seconds(ms));
    }
    metrics::histogram!("insta_agent_first_audio_seconds").record(seconds(latency.first_audio_ms));
    metrics::histogram!("insta_agent_voice_to_voice_seconds")
        .record(seconds(latency.voice_to_voice_ms));
}
