//! The course of a call.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use livekit_rtc::{
    DisconnectReason, Event, Events, Identity, JoinOptions, Participant, ParticipantKind,
    RemoteParticipant, RpcRequest, SAMPLE_RATE, Shard, ShardConfig, TrackOptions,
};
use proto::insta::agent::v1::{
    EndReason, StartCallRequest, ToolCall, WatchCallRequest, WatchCallResponse,
    agent_service_client::AgentServiceClient, watch_call_response::Event as CallEvent,
};
use secrecy::ExposeSecret;
use service_kit::client::{self, BearerToken};
use tokio::sync::mpsc;
use tonic::{Streaming, transport::Channel};

use crate::{
    clip::Clip,
    handset::{Handset, Line as PhoneLine, Sound},
    options::{Line, Options},
    over::{Over, Overs},
    report::{Report, Tool, Turn},
    transcript::{self, Transcript},
};

const RPC_TIMEOUT: Duration = Duration::from_secs(10);
const GREETING_TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_END_TIMEOUT: Duration = Duration::from_secs(60);
const END_TIMEOUT: Duration = Duration::from_secs(8);
/// No voice for this long means that the assistant has finished speaking.
const QUIET: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(20);
const STATE: &str = "lk.agent.state";
/// Says whether turns are delimited by a button, and the methods that are its.
const TURN_DETECTION: &str = "insta.turn_detection";
const START_TURN: &str = "start_turn";
const END_TURN: &str = "end_turn";
/// The decision about a barge-in comes a little after the silence.
const CUT_TIMEOUT: Duration = Duration::from_secs(2);

/// Makes the call and writes what happens into `report`, which holds what is known even when it fails.
pub(crate) async fn run(
    options: &Options,
    lines: &[Line],
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut clips = Vec::with_capacity(lines.len() + 1);
    for line in lines {
        clips.push(Arc::new(Clip::load(line, options).await?));
    }
    let overs = Overs::load(options).await?;
    let mut call = Call::start(options, report).await?;
    let outcome = call.converse(&overs, &clips, report).await;
    call.hang_up(options, report).await?;
    outcome
}

/// A call under way, and all that has been seen of it.
struct Call {
    /// The participant lives as long as its thread.
    _shard: Shard,
    participant: Participant,
    events: Events,
    watch: mpsc::Receiver<WatchCallResponse>,
    phone: PhoneLine,
    started: Instant,
    assistant: Option<Identity>,
    agent_state: String,
    /// Whether a button delimits turns, and whether it is held.
    has_button: bool,
    holds_button: bool,
    first_listening: Option<Instant>,
    transcript: Transcript,
    tools: Vec<ToolCall>,
    end_reason: Option<EndReason>,
    disconnected: Option<DisconnectReason>,
    /// First and last voiced frame of the clip said last.
    speaking: Option<Instant>,
    spoken: Option<Instant>,
    /// First voiced frame heard since then, and the last one heard at all.
    first_heard: Option<Instant>,
    last_heard: Option<Instant>,
    /// When it was told that an answer is cut short.
    cut: Option<Instant>,
}

impl Call {
    async fn start(options: &Options, report: &mut Report) -> anyhow::Result<Self> {
        let token = BearerToken::new(options.session_token.expose_secret())?;
        let mut client = AgentServiceClient::new(client::channel(&options.agent_url)?);
        let started = Instant::now();
        let answer = client
            .start_call(client::request(StartCallRequest {}, &token, RPC_TIMEOUT))
            .await
            .map_err(|status| anyhow::anyhow!("StartCall: {}", told(&status)))?
            .into_inner();
        let call = answer.call.context("StartCall answered without a call")?;
        report.call_id = Some(call.call_id.clone());
        report.room = Some(call.room);
        report.user_id = Some(call.user_id);

        let watch = watch(client, &token, call.call_id).await?;
        let (handset, phone) = Handset::new();
        let shard = Shard::spawn(ShardConfig::default())?;
        let join = JoinOptions::new(answer.livekit_url, answer.participant_token.into())
            .publishing(TrackOptions::speech("microphone"));
        let (participant, events) = shard
            .join(join, Box::new(handset))
            .await
            .context("the room cannot be joined")?;
        report.joined_ms = Some(millis(started.elapsed()));
        let caller: Identity = participant.local().identity;
        Ok(Self {
            _shard: shard,
            participant,
            events,
            watch,
            phone,
            started,
            assistant: None,
            agent_state: String::new(),
            has_button: false,
            holds_button: false,
            first_listening: None,
            transcript: Transcript::new(caller),
            tools: Vec::new(),
            end_reason: None,
            disconnected: None,
            speaking: None,
            spoken: None,
            first_heard: None,
            last_heard: None,
            cut: None,
        })
    }

    async fn converse(
        &mut self,
        overs: &Overs,
        clips: &[Arc<Clip>],
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let greeted = self
            .until(GREETING_TIMEOUT, |call| call.has_answered(0))
            .await?;
        report.listening_ms = self.first_listening.map(|at| millis(at - self.started));
        let greeting = transcript::text(self.transcript.segments(), false);
        report.greeting = (!greeting.is_empty()).then_some(greeting);
        if !greeted {
            bail!("the assistant did not greet and listen within {GREETING_TIMEOUT:?}");
        }
        // With barge-in the next clip has been said over the answer before its turn begins.
        let mut said_already = false;
        for (index, clip) in clips.iter().enumerate() {
            let mark = Mark::of(self);
            if !said_already {
                self.say(clip.clone()).await?;
            }
            report.turns.push(Turn {
                said: clip.name.clone(),
                ..Turn::default()
            });
            let next = clips.get(index + 1);
            let over = overs.over(index + 1, next);
            said_already = matches!(over, Over::BargeIn(..)) && next.is_some();
            let answered = self.answer(&mark, over, report).await?;
            if !answered {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits for the answer to what was said, and notes it in the report's last turn.
    async fn answer(
        &mut self,
        mark: &Mark,
        over: Over,
        report: &mut Report,
    ) -> anyhow::Result<bool> {
        let mut heard = Heard::default();
        let outcome = self.hear_out(mark, over, &mut heard).await;
        let segments = &self.transcript.segments()[mark.segments..];
        let tools = &self.tools[mark.tools..];
        let turn = report.turns.last_mut().expect("a turn was begun");
        turn.recognised = transcript::text(segments, true);
        turn.answer = transcript::text(segments, false);
        turn.tools = tools.iter().map(tool).collect();
        turn.sources = tools.iter().flat_map(|tool| tool.sources.clone()).collect();
        turn.first_audio_ms = heard.first_audio.map(millis);
        turn.stopped_ms = heard.stopped.map(millis);
        turn.cut_ms = heard.cut.map(millis);
        turn.resumed_ms = heard.resumed.map(millis);
        let answered = heard.first_audio.is_some();
        match outcome {
            // The assistant answers a goodbye, and then ends the call.
            Err(_) if answered && self.is_sent_out() => Ok(true),
            Err(error) => Err(error),
            Ok(()) => Ok(answered),
        }
    }

    /// Listens to the answer to its end, or speaks over it.
    async fn hear_out(&mut self, mark: &Mark, over: Over, heard: &mut Heard) -> anyhow::Result<()> {
        self.until(ANSWER_TIMEOUT, |call| call.first_heard.is_some())
            .await?;
        let Some(first_heard) = self.first_heard else {
            return Ok(());
        };
        heard.first_audio = self.spoken.map(|spoken| first_heard - spoken);
        if let Over::BargeIn(after, _) | Over::Nod(after, _) = &over {
            let at = first_heard + *after;
            self.until(ANSWER_END_TIMEOUT, |_| Instant::now() >= at)
                .await?;
        }
        match over {
            Over::BargeIn(_, clip) => return self.barge_in(clip, heard).await,
            Over::Nod(_, clip) => self.nod(clip, heard).await?,
            Over::Nothing => {}
        }
        let segments = mark.segments;
        self.until(ANSWER_END_TIMEOUT, |call| call.has_answered(segments))
            .await?;
        Ok(())
    }

    /// Speaks over the assistant, who is to go on. Nobody holds a button for that.
    async fn nod(&mut self, clip: Arc<Clip>, heard: &mut Heard) -> anyhow::Result<()> {
        self.make_heard(clip).await?;
        self.until(ANSWER_TIMEOUT, |call| call.first_heard.is_some())
            .await?;
        let resumed = self.first_heard.zip(self.spoken);
        heard.resumed = resumed.map(|(heard, spoken)| heard - spoken);
        Ok(())
    }

    /// Speaks over the assistant, who is to stop.
    async fn barge_in(&mut self, clip: Arc<Clip>, heard: &mut Heard) -> anyhow::Result<()> {
        self.cut = None;
        self.say(clip).await?;
        self.until(ANSWER_TIMEOUT, |call| call.speaking.is_some())
            .await?;
        self.until(ANSWER_END_TIMEOUT, Self::is_quiet).await?;
        let last = self
            .last_heard
            .filter(|last| self.speaking.is_some_and(|began| *last > began));
        // What comes after is the answer to what was said just now.
        self.first_heard = None;
        heard.stopped = self
            .speaking
            .map(|began| last.map_or(Duration::ZERO, |last| last - began));
        self.until(CUT_TIMEOUT, |call| call.cut.is_some()).await?;
        heard.cut = self.cut.zip(self.speaking).map(|(cut, began)| cut - began);
        Ok(())
    }

    /// Says something that is meant for the assistant, with the button held where there is one.
    async fn say(&mut self, clip: Arc<Clip>) -> anyhow::Result<()> {
        if self.has_button {
            self.button(START_TURN).await?;
            self.holds_button = true;
        }
        self.make_heard(clip).await
    }

    async fn button(&self, method: &str) -> anyhow::Result<()> {
        let assistant = self.assistant.clone();
        let request = RpcRequest {
            destination: assistant.context("the assistant is not there")?,
            method: method.to_owned(),
            payload: String::new(),
            response_timeout: RPC_TIMEOUT,
        };
        let pressed = self.participant.perform_rpc(request).await;
        pressed.with_context(|| method.to_owned())?;
        Ok(())
    }

    async fn make_heard(&mut self, clip: Arc<Clip>) -> anyhow::Result<()> {
        (self.speaking, self.spoken, self.first_heard) = (None, None, None);
        self.phone
            .say
            .send(clip)
            .await
            .context("the media thread has ended")
    }

    /// Whether the assistant has said something after the first `segments` and listens again.
    fn has_answered(&self, segments: usize) -> bool {
        let segments = self
            .transcript
            .segments()
            .get(segments..)
            .unwrap_or_default();
        let finished = segments
            .iter()
            .any(|segment| !segment.by_caller && segment.is_final);
        finished && self.agent_state == "listening" && self.is_quiet()
    }

    /// Whether the call was ended at the other end.
    fn is_sent_out(&self) -> bool {
        matches!(
            self.disconnected,
            Some(
                DisconnectReason::ParticipantRemoved
                    | DisconnectReason::RoomDeleted
                    | DisconnectReason::RoomClosed
            )
        )
    }

    fn is_quiet(&self) -> bool {
        self.last_heard.is_none_or(|last| last.elapsed() >= QUIET)
    }

    /// Takes in what happens until `done`, `timeout` at most; says whether it came to that.
    async fn until(
        &mut self,
        timeout: Duration,
        done: impl Fn(&Self) -> bool,
    ) -> anyhow::Result<bool> {
        let deadline = Instant::now() + timeout;
        while !done(self) {
            if let Some(reason) = self.disconnected {
                bail!("the room was lost: {reason}");
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            self.step().await;
            if self.holds_button && self.spoken.is_some() {
                self.holds_button = false;
                self.button(END_TURN).await?;
            }
        }
        Ok(true)
    }

    /// Takes in the next thing that happens; returns after a tick when nothing does.
    async fn step(&mut self) {
        tokio::select! {
            event = self.events.recv(), if self.disconnected.is_none() => match event {
                Some(event) => self.room_event(&event),
                None => self.disconnected = Some(DisconnectReason::UnknownReason),
            },
            Some(sound) = self.phone.sounds.recv() => self.sound(sound),
            Some(event) = self.watch.recv() => self.call_event(event),
            () = tokio::time::sleep(TICK) => {}
        }
    }

    fn room_event(&mut self, event: &Event) {
        self.transcript.apply(event);
        match event {
            Event::ParticipantConnected(participant) => self.somebody_came(participant),
            Event::AttributesChanged { changed, .. } => self.state(changed),
            Event::Disconnected { reason } => self.disconnected = Some(*reason),
            _ => {}
        }
    }

    fn somebody_came(&mut self, participant: &RemoteParticipant) {
        self.state(&participant.attributes);
        if participant.kind == ParticipantKind::Agent {
            self.assistant = Some(participant.identity.clone());
        }
    }

    fn state(&mut self, attributes: &livekit_rtc::Attributes) {
        if let Some(detection) = attributes.get(TURN_DETECTION) {
            self.has_button = detection == "manual";
        }
        if let Some(state) = attributes.get(STATE) {
            self.agent_state.clone_from(state);
            if state == "listening" {
                self.first_listening.get_or_insert_with(Instant::now);
            }
        }
    }

    fn sound(&mut self, sound: Sound) {
        match sound {
            Sound::Speaking(at) => self.speaking = Some(at),
            Sound::Spoken(at) => self.spoken = Some(at),
            Sound::Heard(at) => {
                self.last_heard = Some(at);
                if self.spoken.is_some_and(|spoken| at > spoken) {
                    self.first_heard.get_or_insert(at);
                }
            }
        }
    }

    fn call_event(&mut self, event: WatchCallResponse) {
        match event.event {
            Some(CallEvent::ToolCall(call)) => {
                let known = self
                    .tools
                    .iter_mut()
                    .find(|tool| tool.tool_call_id == call.tool_call_id);
                match known {
                    Some(tool) => *tool = call,
                    None => self.tools.push(call),
                }
            }
            Some(CallEvent::Turn(turn)) if turn.interrupted => self.cut = Some(Instant::now()),
            Some(CallEvent::Ended(ended)) => self.end_reason = Some(ended.end_reason()),
            _ => {}
        }
    }

    /// Leaves, waits for the end to be on record, and keeps what was heard.
    async fn hang_up(mut self, options: &Options, report: &mut Report) -> anyhow::Result<()> {
        self.participant
            .leave(DisconnectReason::ClientInitiated)
            .await?;
        self.disconnected = Some(DisconnectReason::ClientInitiated);
        let deadline = Instant::now() + END_TIMEOUT;
        while self.end_reason.is_none() && Instant::now() < deadline {
            self.step().await;
        }
        report.end_reason = self
            .end_reason
            .map(|reason| short(reason.as_str_name(), "END_REASON_"));
        drop(self.participant);
        let heard = tokio::time::timeout(END_TIMEOUT, self.phone.heard)
            .await
            .context("the media thread did not end")??;
        report.heard_wav = Some(write_wav(options, report, &heard)?);
        Ok(())
    }
}

/// What was heard of an answer.
#[derive(Default)]
struct Heard {
    /// From the last voiced sample said to the first one heard.
    first_audio: Option<Duration>,
    /// How long it went on after it was spoken over.
    stopped: Option<Duration>,
    /// When it was decided that it is cut short.
    cut: Option<Duration>,
    /// How long it was silent after it was only nodded at.
    resumed: Option<Duration>,
}

/// Where transcript and tools stood when a turn began.
struct Mark {
    segments: usize,
    tools: usize,
}

impl Mark {
    fn of(call: &Call) -> Self {
        Self {
            segments: call.transcript.segments().len(),
            tools: call.tools.len(),
        }
    }
}

async fn watch(
    mut client: AgentServiceClient<Channel>,
    token: &BearerToken,
    call_id: String,
) -> anyhow::Result<mpsc::Receiver<WatchCallResponse>> {
    // Without a deadline: the stream lasts as long as the call.
    let request = client::stream_request(WatchCallRequest { call_id }, token);
    let mut stream: Streaming<WatchCallResponse> =
        tokio::time::timeout(RPC_TIMEOUT, client.watch_call(request))
            .await
            .context("WatchCall did not answer")?
            .map_err(|status| anyhow::anyhow!("WatchCall: {}", told(&status)))?
            .into_inner();
    let (send, receive) = mpsc::channel(256);
    tokio::spawn(async move {
        while let Ok(Some(event)) = stream.message().await {
            if send.send(event).await.is_err() {
                break;
            }
        }
    });
    Ok(receive)
}

fn tool(call: &ToolCall) -> Tool {
    let ms = call.duration.as_ref().and_then(|duration| {
        let duration: Duration = (*duration).try_into().ok()?;
        Some(millis(duration))
    });
    Tool {
        name: call.name.clone(),
        status: short(call.status().as_str_name(), "TOOL_STATUS_"),
        ms,
    }
}

fn write_wav(
    options: &Options,
    report: &Report,
    samples: &[i16],
) -> anyhow::Result<std::path::PathBuf> {
    let name = report.call_id.as_deref().unwrap_or("call");
    let path = options
        .heard_wav
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("insta-heard-{name}.wav")));
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(path)
}

/// The name of an enum value without the prefix that the contract's style asks for.
fn short(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

fn told(status: &tonic::Status) -> String {
    match service_kit::status::reason(status) {
        Some(reason) => format!("{:?} {reason}: {}", status.code(), status.message()),
        None => format!("{:?}: {}", status.code(), status.message()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
