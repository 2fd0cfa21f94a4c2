//! What is said when something goes wrong: sentences that never change, so that they can be recorded.

/// A sentence that the assistant says of its own accord, through the dedicated voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Line {
    /// The answer takes long.
    Filler,
    /// The answer could not be made.
    Apology,
    /// The provider's session is made again while the caller waits.
    Reconnecting,
    /// The answer broke off with the provider's session and is made again.
    BrokenOff,
    /// Sound of the caller's turn was lost.
    Repeat,
    /// The caller has been silent for a while.
    AreYouThere,
    /// The caller has been silent for a while, and has no microphone.
    NoMicrophone,
    /// The same, for too long.
    StillNoMicrophone,
    /// The longest call is nearly over.
    TimeWarning,
    /// No more tools can be used in this call.
    ToolLimit,
    /// The call cannot go on: the provider is away for good, or nobody can say whose call it is.
    TechnicalProblem,
    /// Nobody spoke for too long.
    Silence,
    /// The longest call is over.
    TimeLimit,
}

impl Line {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Filler,
        Self::Apology,
        Self::Reconnecting,
        Self::BrokenOff,
        Self::Repeat,
        Self::AreYouThere,
        Self::NoMicrophone,
        Self::StillNoMicrophone,
        Self::TimeWarning,
        Self::ToolLimit,
        Self::TechnicalProblem,
        Self::Silence,
        Self::TimeLimit,
    ];

    /// The words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Filler => "One moment, please.",
            Self::Apology => "Sorry, I could not answer that. Please ask me again.",
            Self::Reconnecting => "Please hold on, I am reconnecting.",
            Self::BrokenOff => "Sorry, I was cut off. Let me say that again.",
            Self::Repeat => "Sorry, I lost what you said. Could you say it again?",
            Self::AreYouThere => "Are you still there?",
            Self::NoMicrophone => "I cannot hear you. Please check that your microphone is on.",
            Self::StillNoMicrophone => {
                "I still cannot hear you, so I will hang up now. Please call again when your \
                 microphone works. Goodbye."
            }
            Self::TimeWarning => "Just so you know, this call has to end in about a minute.",
            Self::ToolLimit => {
                "I cannot look up any more in this call. Please call again if there is more I can \
                 do. Goodbye."
            }
            Self::TechnicalProblem => {
                "I am sorry, I have a technical problem and must end this call. Please try again \
                 in a moment."
            }
            Self::Silence => {
                "I have not heard anything for a while, so I will hang up now. Goodbye."
            }
            Self::TimeLimit => "We have reached the longest time a call may last. Goodbye.",
        }
    }
}
