//! Counting tokens, for `usage` and `max_output_tokens`.
//!
//! The models here have no tokens in common, so these are measures: text counts a token for every
//! four bytes, sound as much as it does on OpenAI's service.

use std::iter::Sum;
use std::ops::AddAssign;

use openai_realtime::{InputTokenDetails, OutputTokenDetails, Usage, audio};

const BYTES_A_TOKEN: usize = 4;
/// What the person says counts 10 tokens a second.
const HEARD_SAMPLES_A_TOKEN: usize = audio::SAMPLE_RATE as usize / 10;
/// What we say counts 20 tokens a second.
const SPOKEN_SAMPLES_A_TOKEN: usize = audio::SAMPLE_RATE as usize / 20;

/// Tokens by modality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    text: u64,
    audio: u64,
}

/// The tokens of so many samples from the person.
pub(super) fn of_heard(samples: usize) -> u64 {
    samples.div_ceil(HEARD_SAMPLES_A_TOKEN) as u64
}

/// The tokens of so many samples from us.
pub(super) fn of_spoken(samples: usize) -> u64 {
    samples.div_ceil(SPOKEN_SAMPLES_A_TOKEN) as u64
}

impl Tokens {
    pub(super) fn text(bytes: usize) -> Self {
        Self {
            text: bytes.div_ceil(BYTES_A_TOKEN) as u64,
            audio: 0,
        }
    }

    pub(super) fn audio(tokens: u64) -> Self {
        Self {
            text: 0,
            audio: tokens,
        }
    }

    pub(super) fn total(self) -> u64 {
        self.text + self.audio
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.text += other.text;
        self.audio += other.audio;
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, tokens| {
            sum += tokens;
            sum
        })
    }
}

/// What a response cost. Nothing is ever cached.
pub(super) fn usage(input: Tokens, output: Tokens) -> Usage {
    Usage {
        total_tokens: input.total() + output.total(),
        input_tokens: input.total(),
        output_tokens: output.total(),
        input_token_details: InputTokenDetails {
            text_tokens: input.text,
            audio_tokens: input.audio,
            ..InputTokenDetails::default()
        },
        output_token_details: OutputTokenDetails {
            text_tokens: output.text,
            audio_tokens: output.audio,
        },
    }
}
