//! What can be set about a conversation: who ends turns, delays and limits.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Who decides when a turn of the caller begins and ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TurnDetection {
    /// We do, by voice activity and how the turn sounds. Silence is not sent to the provider.
    #[default]
    Local,
    /// The provider does, by silence.
    ServerVad,
    /// The provider does, by what was said.
    SemanticVad,
    /// The caller does, with a button: push to talk. Nothing is sent between turns.
    Manual,
}

impl TurnDetection {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Local,
        Self::ServerVad,
        Self::SemanticVad,
        Self::Manual,
    ];

    /// Whether the provider decides.
    pub fn is_providers(self) -> bool {
        matches!(self, Self::ServerVad | Self::SemanticVad)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::ServerVad => "server_vad",
            Self::SemanticVad => "semantic_vad",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for TurnDetection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such turn detection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no turn detection {0:?}, only local, server_vad, semantic_vad and manual")]
pub struct UnknownTurnDetection(String);

impl FromStr for TurnDetection {
    type Err = UnknownTurnDetection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|known| known.name() == text);
        found.ok_or_else(|| UnknownTurnDetection(text.to_owned()))
    }
}

/// Delays and limits of a conversation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who decides when a turn begins and ends.
    pub turn_detection: TurnDetection,
    /// Silence after which voice activity detection reports the end of speech.
    pub vad_silence: Duration,
    /// Silence after the caller's last voiced sound that ends a turn which sounds complete. Grows
    /// with the caller's own pauses.
    pub min_endpointing_delay: Duration,
    /// The same for a turn that sounds as if it went on.
    pub max_endpointing_delay: Duration,
    /// A sound over the assistant that is shorter has no words: it pauses the answer, which then
    /// goes on.
    pub min_word: Duration,
    /// A sound over the assistant that is shorter is no interruption, unless its words say so.
    pub min_interruption: Duration,
    /// How long after its first voiced sound it is decided at the latest whether a sound is an
    /// interruption.
    pub interruption_decision: Duration,
    /// The same for a sound whose words nobody understands so far.
    pub murmur_decision: Duration,
    /// Such a sound is no interruption if it lasts no longer.
    pub max_murmur: Duration,
    /// The same as `interruption_decision` for a sound whose words so far show no more than that the
    /// caller follows, or are none.
    pub max_backchannel: Duration,
    /// A sound over so much of the end of a question is an answer to it, whatever its words.
    pub backchannel_boundary: Duration,
    /// How long after its first sound the assistant may hear itself, until echo cancellation on
    /// the caller's side has settled.
    pub echo_warm_up: Duration,
    /// In that time a sound does not pause the assistant. One that lasts as long is an
    /// interruption, a shorter one only when its words are others than the assistant's.
    pub echo_interruption: Duration,
    /// How long after a sound that the provider has not called the beginning of a turn it is taken
    /// for none, where the provider decides.
    pub provider_claim: Duration,
    /// How long after the caller fell silent a turn is ended that the provider does not end. More
    /// than any provider waits by itself.
    pub provider_turn_timeout: Duration,
    /// How long after the button was let go sound still belongs to the turn: what was on its way.
    pub release_tail: Duration,
    /// A turn that lasts longer is taken as it is.
    pub max_turn: Duration,
    /// How long the caller waits for a sound before a filler is spoken.
    pub filler_after: Duration,
    /// The same while the provider's first session is not there yet.
    pub away_filler_after: Duration,
    /// The same while it is made again: the caller hears that it is.
    pub reconnecting_after: Duration,
    /// How often a filler is spoken after that, while nothing else can be heard.
    pub outage_filler_every: Duration,
    /// How long the provider may take to confirm that it makes a response.
    pub confirm_timeout: Duration,
    /// How long a response may take to give anything new.
    pub response_timeout: Duration,
    /// How long the transcript of a turn is waited for.
    pub transcript_timeout: Duration,
    /// How long a tool may run. Tools have shorter deadlines of their own.
    pub tool_timeout: Duration,
    /// Rounds of tool calls in one turn; the answer after the last may call none.
    pub max_tool_rounds: u32,
    /// Tool calls in the whole call; the model is told when there are no more.
    pub max_tool_calls: usize,
    /// Texts that may wait to be spoken.
    pub max_queued_speech: usize,
    /// The longest answer that is held; what comes beyond is cut.
    pub max_speech: Duration,
    /// How long the provider may be away before the call ends.
    pub provider_grace: Duration,
    /// How long a caller who is there is not greeted because it is not known yet who they are.
    pub greeting_grace: Duration,
    /// How long the caller may take to arrive.
    pub caller_wait: Duration,
    /// How long a caller who lost the connection may take to come back.
    pub caller_return: Duration,
    /// How long nobody may speak.
    pub max_silence: Duration,
    /// How long nobody speaks before the caller is asked for.
    pub away_prompt: Duration,
    /// How long nobody speaks before it is told that the caller's microphone was never there.
    pub microphone_hint: Duration,
    /// How long a call may last.
    pub max_call: Duration,
    /// How long before that the caller is told.
    pub call_warning: Duration,
    /// How long saying goodbye may take.
    pub farewell_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            turn_detection: TurnDetection::default(),
            vad_silence: Duration::from_millis(200),
            min_endpointing_delay: Duration::from_millis(430),
            max_endpointing_delay: Duration::from_secs(3),
            min_word: Duration::from_millis(200),
            min_interruption: Duration::from_millis(500),
            interruption_decision: Duration::from_millis(800),
            murmur_decision: Duration::from_millis(1000),
            max_murmur: Duration::from_millis(700),
            max_backchannel: Duration::from_millis(1500),
            backchannel_boundary: Duration::from_secs(1),
            echo_warm_up: Duration::from_secs(3),
            echo_interruption: Duration::from_millis(1500),
            provider_claim: Duration::from_secs(1),
            provider_turn_timeout: Duration::from_secs(10),
            release_tail: Duration::from_millis(200),
            max_turn: Duration::from_secs(60),
            filler_after: Duration::from_millis(2800),
            away_filler_after: Duration::from_secs(2),
            reconnecting_after: Duration::from_millis(250),
            outage_filler_every: Duration::from_secs(8),
            confirm_timeout: Duration::from_secs(4),
            response_timeout: Duration::from_secs(10),
            transcript_timeout: Duration::from_secs(10),
            tool_timeout: Duration::from_secs(6),
            max_tool_rounds: 4,
            max_tool_calls: 60,
            max_queued_speech: 8,
            max_speech: Duration::from_secs(180),
            provider_grace: Duration::from_secs(20),
            greeting_grace: Duration::from_millis(300),
            caller_wait: Duration::from_secs(60),
            caller_return: Duration::from_secs(20),
            max_silence: Duration::from_secs(60),
            away_prompt: Duration::from_secs(30),
            microphone_hint: Duration::from_secs(10),
            max_call: Duration::from_secs(30 * 60),
            call_warning: Duration::from_secs(60),
            farewell_timeout: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_detection_is_known_by_its_name_and_no_other() {
        for known in TurnDetection::ALL {
            assert_eq!(known.to_string().parse(), Ok(known));
        }
        let unknown = "Server_VAD".parse::<TurnDetection>().unwrap_err();
        insta::assert_snapshot!(unknown, @r#"there is no turn detection "Server_VAD", only local, server_vad, semantic_vad and manual"#);
    }
}
