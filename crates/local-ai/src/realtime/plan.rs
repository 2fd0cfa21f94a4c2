//! What one response goes by: the session with the response's own parameters on top.

use openai_realtime::{
    AudioFormat, ConversationMode, MaxTokens, Metadata, Modality, ResponseAudio,
    ResponseAudioOutput, ResponseParams, Session, Tool, ToolChoice, ToolFunction, Voice,
};

use crate::voice;

/// The settings of one response.
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
        let speaker = voice::resolve(voice.name(), voices).or(voices.first().map(String::as_str));
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
