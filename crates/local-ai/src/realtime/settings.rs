//! The session's settings: defaults, what may change, and what a response makes of them.

use openai_realtime::{
    AudioFormat, AudioInput, AudioOutput, ConversationMode, ErrorDetail, MaxTokens, Metadata,
    Modality, Nullable, ResponseAudio, ResponseAudioOutput, ResponseParams, ServerVad, Session,
    SessionAudio, SessionType, Tool, ToolChoice, ToolChoiceMode, ToolFunction, TurnDetection,
    Voice, code,
};

use crate::voice;

const MAX_TOOLS: usize = 128;
const MAX_INSTRUCTIONS: usize = 256 * 1024;
const MAX_METADATA: usize = 16;

/// The settings of a new session.
pub(super) fn defaults(id: String, model: &str, expires_at: i64, voice: &str) -> Session {
    Session {
        kind: SessionType::Realtime,
        id: Some(id),
        object: Some("realtime.session".to_owned()),
        expires_at: Some(expires_at),
        model: Some(model.to_owned()),
        instructions: Some(String::new()),
        output_modalities: Some(vec![Modality::Audio]),
        max_output_tokens: Some(MaxTokens::Unlimited),
        audio: Some(SessionAudio {
            input: Some(AudioInput {
                format: Some(AudioFormat::PCM_24K),
                transcription: Nullable::Null,
                noise_reduction: Nullable::Null,
                turn_detection: Nullable::Value(complete(TurnDetection::ServerVad(
                    ServerVad::default(),
                ))),
            }),
            output: Some(AudioOutput {
                format: Some(AudioFormat::PCM_24K),
                voice: Some(Voice::Name(voice.to_owned())),
                speed: Some(1.0),
            }),
        }),
        tools: Some(Vec::new()),
        tool_choice: Some(ToolChoice::Mode(ToolChoiceMode::Auto)),
        tracing: Nullable::Null,
        truncation: Some("auto".into()),
        prompt: Nullable::Null,
        include: Nullable::Null,
        ..Session::default()
    }
}

/// Applies an update, or refuses all of it.
pub(super) fn update(
    current: &mut Session,
    mut update: Session,
    has_spoken: bool,
    voices: &[String],
) -> Result<(), ErrorDetail> {
    check(current, &update, has_spoken, voices)?;
    // These are the server's to set, and the model is fixed; clients echo them back.
    update.id = None;
    update.object = None;
    update.expires_at = None;
    update.model = None;
    if let Some(format) = update
        .audio
        .as_mut()
        .and_then(|audio| audio.input.as_mut()?.format.as_mut())
    {
        *format = AudioFormat::PCM_24K;
    }
    if let Some(format) = update
        .audio
        .as_mut()
        .and_then(|audio| audio.output.as_mut()?.format.as_mut())
    {
        *format = AudioFormat::PCM_24K;
    }
    if let Some(vad) = update
        .audio
        .as_mut()
        .and_then(|audio| audio.input.as_mut()?.turn_detection.value_mut())
    {
        *vad = complete(vad.clone());
    }
    current.merge(update);
    Ok(())
}

/// Turn detection as the server echoes it: with every field it goes by.
fn complete(detection: TurnDetection) -> TurnDetection {
    match detection {
        TurnDetection::ServerVad(mut vad) => {
            vad.threshold.get_or_insert(0.5);
            vad.prefix_padding_ms.get_or_insert(300);
            vad.silence_duration_ms.get_or_insert(500);
            vad.create_response.get_or_insert(true);
            vad.interrupt_response.get_or_insert(true);
            TurnDetection::ServerVad(vad)
        }
        TurnDetection::SemanticVad(mut vad) => {
            vad.eagerness.get_or_insert_default();
            vad.create_response.get_or_insert(true);
            vad.interrupt_response.get_or_insert(true);
            TurnDetection::SemanticVad(vad)
        }
    }
}

fn check(
    current: &Session,
    update: &Session,
    has_spoken: bool,
    voices: &[String],
) -> Result<(), ErrorDetail> {
    if update.kind != SessionType::Realtime {
        return Err(refuse(
            "session.type",
            "only \"realtime\" sessions are served here",
        ));
    }
    if update
        .instructions
        .as_ref()
        .is_some_and(|text| text.len() > MAX_INSTRUCTIONS)
    {
        return Err(refuse(
            "session.instructions",
            "at most 256 KiB are allowed",
        ));
    }
    check_modalities(
        "session.output_modalities",
        update.output_modalities.as_deref(),
    )?;
    check_tools("session.tools", update.tools.as_deref())?;
    if let Some(input) = update.audio_input() {
        check_format("session.audio.input.format", input.format)?;
        check_detection(input.turn_detection.value())?;
    }
    let Some(output) = update.audio_output() else {
        return Ok(());
    };
    check_format("session.audio.output.format", output.format)?;
    if output
        .speed
        .is_some_and(|speed| !(0.25..=1.5).contains(&speed))
    {
        return Err(refuse(
            "session.audio.output.speed",
            "it must be between 0.25 and 1.5",
        ));
    }
    if let Some(voice) = &output.voice {
        check_voice("session.audio.output.voice", voice, voices)?;
        let now = current
            .audio_output()
            .and_then(|output| output.voice.as_ref());
        if has_spoken && now != Some(voice) {
            return Err(ErrorDetail::invalid(
                code::CANNOT_UPDATE,
                "Cannot update a conversation's voice if assistant audio is present.",
            )
            .with_param("session.audio.output.voice"));
        }
    }
    Ok(())
}

fn check_detection(detection: Option<&TurnDetection>) -> Result<(), ErrorDetail> {
    let Some(TurnDetection::ServerVad(vad)) = detection else {
        return Ok(());
    };
    let at = |field: &str| format!("session.audio.input.turn_detection.{field}");
    if vad
        .threshold
        .is_some_and(|threshold| !(0.0..=1.0).contains(&threshold))
    {
        return Err(refuse(&at("threshold"), "it must be between 0 and 1"));
    }
    for (field, value) in [
        ("prefix_padding_ms", vad.prefix_padding_ms),
        ("silence_duration_ms", vad.silence_duration_ms),
    ] {
        if value.is_some_and(|value| value > 10_000) {
            return Err(refuse(&at(field), "it must be at most 10000"));
        }
    }
    Ok(())
}

/// Checks what `response.create` overrides.
pub(super) fn check_response(
    params: &ResponseParams,
    voices: &[String],
) -> Result<(), ErrorDetail> {
    check_modalities(
        "response.output_modalities",
        params.output_modalities.as_deref(),
    )?;
    check_tools("response.tools", params.tools.as_deref())?;
    if params
        .metadata
        .as_ref()
        .is_some_and(|metadata| metadata.len() > MAX_METADATA)
    {
        return Err(refuse("response.metadata", "at most 16 pairs are allowed"));
    }
    if params
        .instructions
        .as_ref()
        .is_some_and(|text| text.len() > MAX_INSTRUCTIONS)
    {
        return Err(refuse(
            "response.instructions",
            "at most 256 KiB are allowed",
        ));
    }
    if let Some(output) = params
        .audio
        .as_ref()
        .and_then(|audio| audio.output.as_ref())
    {
        check_format("response.audio.output.format", output.format)?;
        if let Some(voice) = &output.voice {
            check_voice("response.audio.output.voice", voice, voices)?;
        }
    }
    Ok(())
}

fn check_modalities(param: &str, modalities: Option<&[Modality]>) -> Result<(), ErrorDetail> {
    match modalities {
        None | Some([Modality::Audio] | [Modality::Text]) => Ok(()),
        Some(_) => Err(refuse(param, "it must be [\"audio\"] or [\"text\"]")),
    }
}

fn check_tools(param: &str, tools: Option<&[Tool]>) -> Result<(), ErrorDetail> {
    let tools = tools.unwrap_or_default();
    if tools.len() > MAX_TOOLS {
        return Err(refuse(param, "at most 128 tools are allowed"));
    }
    match tools
        .iter()
        .position(|tool| !matches!(tool, Tool::Function(_)))
    {
        Some(index) => Err(refuse(
            &format!("{param}[{index}].type"),
            "only tools of type \"function\" are supported",
        )),
        None => Ok(()),
    }
}

fn check_format(param: &str, format: Option<AudioFormat>) -> Result<(), ErrorDetail> {
    match format {
        None
        | Some(AudioFormat::Pcm {
            rate: None | Some(24_000),
        }) => Ok(()),
        Some(_) => Err(refuse(
            param,
            "only \"audio/pcm\" with rate 24000 is supported",
        )),
    }
}

fn check_voice(param: &str, voice: &Voice, voices: &[String]) -> Result<(), ErrorDetail> {
    if voice::resolve(name(voice), voices).is_some() {
        return Ok(());
    }
    Err(refuse(
        param,
        &format!("known voices are {}", voice::known(voices)),
    ))
}

fn name(voice: &Voice) -> &str {
    match voice {
        Voice::Name(name) => name,
        Voice::Custom { id } => id,
    }
}

fn refuse(param: &str, reason: &str) -> ErrorDetail {
    ErrorDetail::invalid(
        code::INVALID_VALUE,
        format!("Invalid value for '{param}': {reason}."),
    )
    .with_param(param)
}

/// What one response goes by: the session with the response's own parameters on top.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) mode: ConversationMode,
    pub(super) instructions: String,
    pub(super) is_audio: bool,
    /// The voice as it was named.
    pub(super) voice: Voice,
    /// The voice to speak with.
    pub(super) speaker: String,
    pub(super) speed: f32,
    pub(super) tools: Vec<ToolFunction>,
    pub(super) tool_choice: Option<ToolChoice>,
    pub(super) metadata: Option<Metadata>,
    pub(super) max_output_tokens: MaxTokens,
}

impl Plan {
    pub(super) fn new(session: &Session, params: &ResponseParams, voices: &[String]) -> Self {
        let output = session.audio_output();
        let modalities = params
            .output_modalities
            .as_ref()
            .or(session.output_modalities.as_ref());
        let voice = params
            .audio
            .as_ref()
            .and_then(|audio| audio.output.as_ref()?.voice.as_ref())
            .or_else(|| output.and_then(|output| output.voice.as_ref()))
            .cloned()
            .unwrap_or_else(|| Voice::Name(voices.first().cloned().unwrap_or_default()));
        let speaker = voice::resolve(name(&voice), voices).or(voices.first().map(String::as_str));
        let tools = params.tools.as_ref().or(session.tools.as_ref());
        Self {
            mode: params.conversation.unwrap_or_default(),
            instructions: params
                .instructions
                .clone()
                .or_else(|| session.instructions.clone())
                .unwrap_or_default(),
            is_audio: !modalities.is_some_and(|modalities| modalities.contains(&Modality::Text)),
            speaker: speaker.unwrap_or_default().to_owned(),
            voice,
            speed: output.and_then(|output| output.speed).unwrap_or(1.0),
            tools: tools
                .into_iter()
                .flatten()
                .filter_map(|tool| match tool {
                    Tool::Function(tool) => Some(tool.clone()),
                    Tool::Unknown => None,
                })
                .collect(),
            tool_choice: params
                .tool_choice
                .clone()
                .or_else(|| session.tool_choice.clone()),
            metadata: params.metadata.clone(),
            max_output_tokens: params
                .max_output_tokens
                .or(session.max_output_tokens)
                .unwrap_or(MaxTokens::Unlimited),
        }
    }

    /// The audio settings as the response object shows them.
    pub(super) fn audio(&self) -> Option<ResponseAudio> {
        self.is_audio.then(|| ResponseAudio {
            output: Some(ResponseAudioOutput {
                format: Some(AudioFormat::PCM_24K),
                voice: Some(self.voice.clone()),
            }),
        })
    }
}
