//! Which values the fields of client events may have. Every refusal names the field.

use std::fmt::Display;
use std::ops::RangeInclusive;

use openai_realtime::{
    AudioFormat, AudioInput, AudioOutput, ContentPart, ErrorDetail, Item, MaxTokens, Message,
    Metadata, Modality, ResponseParams, Role, Session, SessionType, Tool, ToolChoice,
    TurnDetection, Voice, audio, code,
};
use serde_json::Value;

use super::input_audio::MAX_MS;
use crate::voice;

const MAX_INSTRUCTIONS: usize = 256 * 1024;
const MAX_TOOLS: usize = 128;
const MAX_TOOL_NAME: usize = 64;
const MAX_METADATA: usize = 16;
const MAX_METADATA_KEY: usize = 64;
const MAX_METADATA_VALUE: usize = 512;
const MAX_OUTPUT_TOKENS: u32 = 4_096;
const MAX_ITEM_ID: usize = 64;
const MAX_CALL_ID: usize = 32;
/// Base64 of the most audio that one event may carry.
const MAX_AUDIO_TEXT: usize = audio::MAX_APPEND_BYTES.div_ceil(3) * 4;

type Checked = Result<(), ErrorDetail>;

/// Refuses the value of a field.
pub(super) fn refuse(param: &str, reason: impl Display) -> ErrorDetail {
    let message = format!("Invalid value for '{param}': {reason}.");
    ErrorDetail::invalid(code::INVALID_VALUE, message).with_param(param)
}

/// What `session.update` sends.
pub(super) fn session(update: &Session, voices: &[String]) -> Checked {
    match update.kind {
        SessionType::Realtime => {}
        SessionType::Absent => {
            let message = "Missing required parameter: 'session.type'.";
            return Err(
                ErrorDetail::invalid(code::MISSING_PARAMETER, message).with_param("session.type")
            );
        }
        SessionType::Transcription => {
            return Err(refuse(
                "session.type",
                "only \"realtime\" sessions are served here",
            ));
        }
    }
    instructions("session.instructions", update.instructions.as_deref())?;
    modalities(
        "session.output_modalities",
        update.output_modalities.as_deref(),
    )?;
    max_tokens("session.max_output_tokens", update.max_output_tokens)?;
    tools("session.tools", update.tools.as_deref())?;
    truncation(update.truncation.as_ref())?;
    for (index, field) in update.include.value().into_iter().flatten().enumerate() {
        if field != "item.input_audio_transcription.logprobs" {
            return Err(refuse(
                &format!("session.include[{index}]"),
                "only \"item.input_audio_transcription.logprobs\" can be included",
            ));
        }
    }
    if let Some(input) = update.audio_input() {
        audio_input(input)?;
    }
    match update.audio_output() {
        Some(output) => audio_output(output, voices),
        None => Ok(()),
    }
}

fn truncation(truncation: Option<&Value>) -> Checked {
    const PARAM: &str = "session.truncation";
    match truncation {
        None => Ok(()),
        Some(Value::String(mode)) if mode == "auto" || mode == "disabled" => Ok(()),
        Some(Value::Object(fields)) => {
            if fields.get("type").and_then(Value::as_str) != Some("retention_ratio") {
                return Err(refuse(
                    &format!("{PARAM}.type"),
                    "it must be \"retention_ratio\"",
                ));
            }
            let ratio = fields.get("retention_ratio").and_then(Value::as_f64);
            if !ratio.is_some_and(|ratio| (0.0..=1.0).contains(&ratio)) {
                return Err(refuse(
                    &format!("{PARAM}.retention_ratio"),
                    "it must be between 0 and 1",
                ));
            }
            Ok(())
        }
        Some(_) => Err(refuse(
            PARAM,
            "it must be \"auto\", \"disabled\" or a retention ratio",
        )),
    }
}

fn audio_input(input: &AudioInput) -> Checked {
    format("session.audio.input.format", input.format)?;
    if let Some(reduction) = input.noise_reduction.value()
        && !["near_field", "far_field"].contains(&reduction.kind.as_str())
    {
        return Err(refuse(
            "session.audio.input.noise_reduction.type",
            "it must be \"near_field\" or \"far_field\"",
        ));
    }
    let Some(TurnDetection::ServerVad(vad)) = input.turn_detection.value() else {
        return Ok(());
    };
    let at = |field: &str| format!("session.audio.input.turn_detection.{field}");
    within(&at("threshold"), vad.threshold, 0.0..=1.0)?;
    within(&at("prefix_padding_ms"), vad.prefix_padding_ms, 0..=10_000)?;
    within(
        &at("silence_duration_ms"),
        vad.silence_duration_ms,
        0..=10_000,
    )?;
    within(&at("idle_timeout_ms"), vad.idle_timeout_ms, 5_000..=30_000)
}

fn audio_output(output: &AudioOutput, voices: &[String]) -> Checked {
    format("session.audio.output.format", output.format)?;
    within("session.audio.output.speed", output.speed, 0.25..=1.5)?;
    speaker("session.audio.output.voice", output.voice.as_ref(), voices)
}

/// What `response.create` overrides; `session` is what it overrides.
pub(super) fn response(params: &ResponseParams, session: &Session, voices: &[String]) -> Checked {
    instructions("response.instructions", params.instructions.as_deref())?;
    modalities(
        "response.output_modalities",
        params.output_modalities.as_deref(),
    )?;
    max_tokens("response.max_output_tokens", params.max_output_tokens)?;
    tools("response.tools", params.tools.as_deref())?;
    let offered = params.tools.as_ref().or(session.tools.as_ref());
    tool_choice(
        "response.tool_choice",
        params.tool_choice.as_ref(),
        offered.map(Vec::as_slice),
    )?;
    metadata(params.metadata.as_ref())?;
    let Some(output) = params
        .audio
        .as_ref()
        .and_then(|audio| audio.output.as_ref())
    else {
        return Ok(());
    };
    format("response.audio.output.format", output.format)?;
    speaker("response.audio.output.voice", output.voice.as_ref(), voices)
}

fn metadata(metadata: Option<&Metadata>) -> Checked {
    const PARAM: &str = "response.metadata";
    let Some(metadata) = metadata else {
        return Ok(());
    };
    if metadata.len() > MAX_METADATA {
        return Err(refuse(PARAM, "at most 16 pairs are allowed"));
    }
    for (key, value) in metadata {
        if key.chars().count() > MAX_METADATA_KEY {
            return Err(refuse(PARAM, "a key may have at most 64 characters"));
        }
        let is_short = |text: &str| text.chars().count() <= MAX_METADATA_VALUE;
        if !value.as_str().is_some_and(is_short) {
            return Err(refuse(
                &format!("{PARAM}.{key}"),
                "it must be a string of at most 512 characters",
            ));
        }
    }
    Ok(())
}

fn instructions(param: &str, text: Option<&str>) -> Checked {
    match text {
        Some(text) if text.len() > MAX_INSTRUCTIONS => {
            Err(refuse(param, "at most 256 KiB are allowed"))
        }
        _ => Ok(()),
    }
}

fn modalities(param: &str, modalities: Option<&[Modality]>) -> Checked {
    match modalities {
        None | Some([Modality::Audio] | [Modality::Text]) => Ok(()),
        Some(_) => Err(refuse(param, "it must be [\"audio\"] or [\"text\"]")),
    }
}

fn max_tokens(param: &str, limit: Option<MaxTokens>) -> Checked {
    match limit {
        Some(MaxTokens::Count(limit)) => within(param, Some(limit), 1..=MAX_OUTPUT_TOKENS),
        Some(MaxTokens::Unlimited) | None => Ok(()),
    }
}

fn tools(param: &str, tools: Option<&[Tool]>) -> Checked {
    let tools = tools.unwrap_or_default();
    if tools.len() > MAX_TOOLS {
        return Err(refuse(param, "at most 128 tools are allowed"));
    }
    for (index, tool) in tools.iter().enumerate() {
        let at = |field: &str| format!("{param}[{index}].{field}");
        let Tool::Function(tool) = tool else {
            return Err(refuse(
                &at("type"),
                "only tools of type \"function\" are supported",
            ));
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if tool.name.is_empty()
            || tool.name.len() > MAX_TOOL_NAME
            || !tool.name.chars().all(is_plain)
        {
            return Err(refuse(
                &at("name"),
                "it must be 1 to 64 letters, digits, underscores or dashes",
            ));
        }
        if !matches!(tool.parameters, None | Some(Value::Object(_))) {
            return Err(refuse(&at("parameters"), "it must be a JSON Schema object"));
        }
    }
    Ok(())
}

/// Whether a tool that must be called is there to be called.
pub(super) fn tool_choice(
    param: &str,
    choice: Option<&ToolChoice>,
    tools: Option<&[Tool]>,
) -> Checked {
    let Some(ToolChoice::Named { kind, name }) = choice else {
        return Ok(());
    };
    if kind != "function" {
        return Err(refuse(
            &format!("{param}.type"),
            "only \"function\" can be chosen",
        ));
    }
    let is_chosen =
        |tool: &Tool| matches!(tool, Tool::Function(tool) if Some(&tool.name) == name.as_ref());
    if !tools.unwrap_or_default().iter().any(is_chosen) {
        return Err(refuse(
            &format!("{param}.name"),
            "it must be the name of one of the tools",
        ));
    }
    Ok(())
}

fn format(param: &str, format: Option<AudioFormat>) -> Checked {
    match format {
        None
        | Some(AudioFormat::Pcm {
            rate: None | Some(audio::SAMPLE_RATE),
        }) => Ok(()),
        Some(AudioFormat::Pcm { .. }) => Err(refuse(&format!("{param}.rate"), "it must be 24000")),
        Some(AudioFormat::Pcmu | AudioFormat::Pcma) => Err(refuse(
            &format!("{param}.type"),
            "only \"audio/pcm\" is supported",
        )),
    }
}

fn speaker(param: &str, speaker: Option<&Voice>, voices: &[String]) -> Checked {
    match speaker {
        Some(speaker) if voice::resolve(speaker.name(), voices).is_none() => Err(refuse(
            param,
            format!("known voices are {}", voice::known(voices)),
        )),
        _ => Ok(()),
    }
}

fn within<T: PartialOrd + Display>(
    param: &str,
    value: Option<T>,
    range: RangeInclusive<T>,
) -> Checked {
    match value {
        Some(value) if !range.contains(&value) => Err(refuse(
            param,
            format!(
                "it is {value} and must be between {} and {}",
                range.start(),
                range.end()
            ),
        )),
        _ => Ok(()),
    }
}

/// Whether an item can be part of a conversation; `param` is where it stands in the event.
pub(super) fn item(param: &str, item: &Item) -> Checked {
    let at = |field: &str| format!("{param}.{field}");
    if let Some(id) = item.id()
        && (id.is_empty() || id == "root" || id.len() > MAX_ITEM_ID)
    {
        return Err(refuse(
            &at("id"),
            "it must be 1 to 64 bytes long and not \"root\"",
        ));
    }
    let call_id = |id: &str| {
        if id.is_empty() || id.len() > MAX_CALL_ID {
            return Err(refuse(&at("call_id"), "it must be 1 to 32 bytes long"));
        }
        Ok(())
    };
    match item {
        Item::Message(message) => content(param, message),
        Item::FunctionCall(call) => {
            if call.name.is_empty() {
                return Err(refuse(&at("name"), "it must not be empty"));
            }
            call.call_id.as_deref().map_or(Ok(()), call_id)
        }
        Item::FunctionCallOutput(output) => call_id(&output.call_id),
        Item::ItemReference(_) => Err(refuse(
            &at("type"),
            "an item_reference is only for the input of response.create",
        )),
        Item::Unknown => Err(refuse(
            &at("type"),
            "it must be \"message\", \"function_call\" or \"function_call_output\"",
        )),
    }
}

fn content(param: &str, message: &Message) -> Checked {
    let mut has_audio = false;
    for (index, part) in message.content.iter().enumerate() {
        let at = |field: &str| format!("{param}.content[{index}].{field}");
        let sound = match (message.role, part) {
            (Role::User | Role::System, ContentPart::InputText { .. })
            | (Role::Assistant, ContentPart::OutputText { .. }) => None,
            (Role::User, ContentPart::InputAudio { audio, .. })
            | (Role::Assistant, ContentPart::OutputAudio { audio, .. }) => audio.as_deref(),
            (Role::User, ContentPart::InputImage { .. }) => {
                return Err(refuse(&at("type"), "images are not supported"));
            }
            (role, _) => {
                return Err(refuse(
                    &at("type"),
                    match role {
                        Role::User => "a user's is \"input_text\" or \"input_audio\"",
                        Role::System => "the system's is \"input_text\"",
                        Role::Assistant => "an assistant's is \"output_text\" or \"output_audio\"",
                    },
                ));
            }
        };
        if let Some(text) = sound {
            if std::mem::replace(&mut has_audio, true) {
                return Err(refuse(&at("audio"), "a message holds one piece of audio"));
            }
            let samples = samples(&at("audio"), text)?;
            if audio::duration_ms(samples.len()) > MAX_MS {
                return Err(refuse(&at("audio"), "at most two minutes are allowed"));
            }
        }
    }
    Ok(())
}

/// Reads audio out of a field.
pub(super) fn samples(param: &str, text: &str) -> Result<Vec<i16>, ErrorDetail> {
    if text.len() > MAX_AUDIO_TEXT {
        return Err(refuse(param, "at most 15 MiB of audio are allowed at once"));
    }
    audio::decode(text).map_err(|error| refuse(param, error))
}
