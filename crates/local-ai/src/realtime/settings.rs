//! The session's settings: their defaults, and what an update makes of them.

use openai_realtime::{
    AudioFormat, AudioInput, AudioOutput, ErrorDetail, MaxTokens, Modality, Nullable, ServerVad,
    Session, SessionAudio, SessionType, ToolChoice, ToolChoiceMode, TurnDetection, Voice, code,
};

use super::checks;

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
    checks::session(&update, voices)?;
    check_fixed(current, &update, has_spoken)?;
    // These are the server's to set, and the model is fixed; clients echo them back.
    update.id = None;
    update.object = None;
    update.expires_at = None;
    update.model = None;
    if let Some(audio) = &mut update.audio {
        if let Some(input) = &mut audio.input {
            input.format = input.format.map(|_| AudioFormat::PCM_24K);
            if let Some(detection) = input.turn_detection.value_mut() {
                *detection = complete(detection.clone());
            }
        }
        if let Some(output) = &mut audio.output {
            output.format = output.format.map(|_| AudioFormat::PCM_24K);
        }
    }
    let offered = update.tools.as_ref().or(current.tools.as_ref());
    checks::tool_choice(
        "session.tool_choice",
        update.tool_choice.as_ref(),
        offered.map(Vec::as_slice),
    )?;
    current.merge(update);
    Ok(())
}

/// What cannot change any more.
fn check_fixed(current: &Session, update: &Session, has_spoken: bool) -> Result<(), ErrorDetail> {
    let refuse = |param: &str, message: &str| {
        Err(ErrorDetail::invalid(code::CANNOT_UPDATE, message).with_param(param))
    };
    let voice = |session: &Session| session.audio_output()?.voice.clone();
    let new_voice = voice(update);
    if has_spoken && new_voice.is_some() && new_voice != voice(current) {
        return refuse(
            "session.audio.output.voice",
            "Cannot update a conversation's voice if assistant audio is present.",
        );
    }
    if let Some(tracing) = current.tracing.value()
        && !update.tracing.is_absent()
        && update.tracing.value() != Some(tracing)
    {
        return refuse(
            "session.tracing",
            "Cannot update tracing once it is set for the session.",
        );
    }
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
