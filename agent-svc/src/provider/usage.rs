//! What the provider's work costs: tokens by kind, and their price.

use std::ops::AddAssign;
use std::str::FromStr;

use openai_realtime::TranscriptionUsage;
use serde::{Deserialize, Serialize};
use url::Url;

/// Tokens of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Input that was not in the provider's cache.
    pub input: u64,
    /// Input that was.
    pub cached: u64,
    /// Output.
    pub output: u64,
}

/// What responses and transcripts took. Adds up over a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Text.
    pub text: Tokens,
    /// Sound.
    pub audio: Tokens,
    /// Images.
    pub image: Tokens,
    /// Writing down what the caller said, where that is counted in tokens: input and output.
    pub transcription_tokens: u64,
    /// The same, where it is counted in seconds of sound.
    pub transcription_seconds: f64,
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, more: Self) {
        self.input += more.input;
        self.cached += more.cached;
        self.output += more.output;
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.text += more.text;
        self.audio += more.audio;
        self.image += more.image;
        self.transcription_tokens += more.transcription_tokens;
        self.transcription_seconds += more.transcription_seconds;
    }
}

impl From<openai_realtime::Usage> for Usage {
    /// Cached tokens are a part of the input. Those whose kind is not told are taken for text as
    /// far as there is text, because the cache holds a conversation from its beginning: the
    /// instructions.
    fn from(usage: openai_realtime::Usage) -> Self {
        let (input, output) = (usage.input_token_details, usage.output_token_details);
        let cached = input.cached_tokens_details;
        let told = cached.text_tokens + cached.audio_tokens + cached.image_tokens;
        let mut untold = input.cached_tokens.saturating_sub(told);
        let mut kind = |all: u64, cached: u64, output: u64| {
            let more = untold.min(all.saturating_sub(cached));
            untold -= more;
            let cached = (cached + more).min(all);
            Tokens {
                input: all - cached,
                cached,
                output,
            }
        };
        Self {
            text: kind(input.text_tokens, cached.text_tokens, output.text_tokens),
            audio: kind(input.audio_tokens, cached.audio_tokens, output.audio_tokens),
            image: kind(input.image_tokens, cached.image_tokens, 0),
            ..Self::default()
        }
    }
}

impl From<TranscriptionUsage> for Usage {
    fn from(usage: TranscriptionUsage) -> Self {
        let (tokens, seconds) = match usage {
            TranscriptionUsage::Tokens {
                input_tokens,
                output_tokens,
                ..
            } => (input_tokens + output_tokens, 0.0),
            TranscriptionUsage::Duration { seconds } => (0, seconds),
            TranscriptionUsage::Unknown => (0, 0.0),
        };
        Self {
            transcription_tokens: tokens,
            transcription_seconds: seconds,
            ..Self::default()
        }
    }
}

impl Usage {
    /// Adds it to the metrics.
    pub(crate) fn count(&self) {
        for (modality, tokens) in self.kinds() {
            for (direction, count) in [
                ("input", tokens.input),
                ("cached_input", tokens.cached),
                ("output", tokens.output),
            ] {
                if count > 0 {
                    metrics::counter!("insta_agent_realtime_tokens",
                        "modality" => modality, "direction" => direction)
                    .increment(count);
                }
            }
        }
    }

    fn kinds(&self) -> [(&'static str, Tokens); 3] {
        [
            ("text", self.text),
            ("audio", self.audio),
            ("image", self.image),
        ]
    }
}

/// The currency of every price, by ISO 4217.
pub const CURRENCY: &str = "USD";

/// US dollars for a million tokens of one kind.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Price {
    input: f64,
    cached: f64,
    output: f64,
}

/// What a model's tokens cost. Transcription is not in it: it is billed as another model's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    text: Price,
    audio: Price,
    image: Price,
}

/// List prices of November 2026, in US dollars for a million tokens.
const LIST: [(&str, Prices); 4] = [
    ("gpt-realtime-2.1", FULL),
    ("gpt-realtime-2", FULL),
    (
        "gpt-realtime-2.1-mini",
        Prices {
            text: price(0.60, 0.06, 2.40),
            audio: price(10.0, 0.30, 20.0),
            image: price(0.80, 0.08, 0.0),
        },
    ),
    (
        "gpt-realtime-1.5",
        Prices {
            text: price(4.0, 0.40, 16.0),
            ..FULL
        },
    ),
];

const FULL: Prices = Prices {
    text: price(4.0, 0.40, 24.0),
    audio: price(32.0, 0.40, 64.0),
    image: price(5.0, 0.50, 0.0),
};

const fn price(input: f64, cached: f64, output: f64) -> Price {
    Price {
        input,
        cached,
        output,
    }
}

impl Prices {
    /// OpenAI's list price of a model, or of a dated snapshot of it. Other servers have no list.
    pub fn listed(base_url: &str, model: &str) -> Option<Self> {
        let host = Url::parse(base_url).ok()?.host_str()?.to_owned();
        let is_it = |name: &str| {
            let rest = model.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("-20"))
        };
        let of_model = || LIST.into_iter().find(|(name, _)| is_it(name));
        (host == "api.openai.com")
            .then(of_model)?
            .map(|(_, prices)| prices)
    }

    /// What it costs, in US dollars.
    pub fn cost(&self, usage: &Usage) -> f64 {
        let of = |price: Price, tokens: Tokens| {
            tokens.input as f64 * price.input
                + tokens.cached as f64 * price.cached
                + tokens.output as f64 * price.output
        };
        let prices = [self.text, self.audio, self.image];
        let kinds = usage.kinds().into_iter().zip(prices);
        kinds
            .map(|((_, tokens), price)| of(price, tokens))
            .sum::<f64>()
            / 1e6
    }
}

/// Prices that are not written as they must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected \"text=0.60/0.06/2.40,audio=10/0.30/20\": US dollars for a million tokens of input, cached input and output"
)]
pub struct PricesError;

impl FromStr for Prices {
    type Err = PricesError;

    /// Reads `text=INPUT/CACHED/OUTPUT,audio=INPUT/CACHED/OUTPUT`; images may follow and cost
    /// nothing otherwise.
    fn from_str(text: &str) -> Result<Self, PricesError> {
        let mut found = [None; 3];
        for part in text.split(',') {
            let (kind, numbers) = part.split_once('=').ok_or(PricesError)?;
            let place = ["text", "audio", "image"]
                .iter()
                .position(|known| *known == kind.trim())
                .ok_or(PricesError)?;
            let numbers: Vec<f64> = numbers
                .split('/')
                .map(|number| number.trim().parse().map_err(|_| PricesError))
                .collect::<Result<_, _>>()?;
            let &[input, cached, output] = numbers.as_slice() else {
                return Err(PricesError);
            };
            if !numbers
                .iter()
                .all(|number| number.is_finite() && *number >= 0.0)
            {
                return Err(PricesError);
            }
            found[place] = Some(price(input, cached, output));
        }
        let [text, audio, image] = found;
        Ok(Self {
            text: text.ok_or(PricesError)?,
            audio: audio.ok_or(PricesError)?,
            image: image.unwrap_or(price(0.0, 0.0, 0.0)),
        })
    }
}

/// What a call's work came to so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bill {
    /// Tokens and seconds.
    pub usage: Usage,
    /// What they cost in US dollars, as far as prices are known.
    pub cost: Option<f64>,
}

impl Bill {
    /// Whether anything was done at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The cost in millionths of a US dollar.
    pub fn cost_micros(&self) -> Option<i64> {
        // As a cast it stops at the largest number; no call costs nine trillion.
        self.cost.map(|cost| (cost * 1e6).round() as i64)
    }
}

impl AddAssign for Bill {
    fn add_assign(&mut self, more: Self) {
        self.usage += more.usage;
        self.cost = match (self.cost, more.cost) {
            (Some(cost), Some(more)) => Some(cost + more),
            (cost, more) => cost.or(more),
        };
    }
}

#[cfg(test)]
mod tests {
    use openai_realtime::{CachedTokensDetails, InputTokenDetails, OutputTokenDetails};

    use super::*;

    fn reported(cached_text: u64, cached_audio: u64) -> openai_realtime::Usage {
        openai_realtime::Usage {
            total_tokens: 1_700,
            input_tokens: 1_500,
            output_tokens: 200,
            input_token_details: InputTokenDetails {
                text_tokens: 1_000,
                audio_tokens: 500,
                cached_tokens: 1_200,
                cached_tokens_details: CachedTokensDetails {
                    text_tokens: cached_text,
                    audio_tokens: cached_audio,
                    image_tokens: 0,
                },
                ..InputTokenDetails::default()
            },
            output_token_details: OutputTokenDetails {
                text_tokens: 50,
                audio_tokens: 150,
            },
        }
    }

    fn tokens(input: u64, cached: u64, output: u64) -> Tokens {
        Tokens {
            input,
            cached,
            output,
        }
    }

    #[test]
    fn cached_tokens_are_a_part_of_the_input_and_cost_less() {
        let usage = Usage::from(reported(900, 300));
        assert_eq!(usage.text, tokens(100, 900, 50));
        assert_eq!(usage.audio, tokens(200, 300, 150));
        let prices = Prices::listed("https://api.openai.com/v1", "gpt-realtime-2.1").unwrap();
        let text = 100.0 * 4.0 + 900.0 * 0.4 + 50.0 * 24.0;
        let audio = 200.0 * 32.0 + 300.0 * 0.4 + 150.0 * 64.0;
        assert!((prices.cost(&usage) - (text + audio) / 1e6).abs() < 1e-12);
    }

    #[test]
    fn cached_tokens_of_an_untold_kind_are_text_first() {
        let usage = Usage::from(reported(0, 0));
        assert_eq!(usage.text, tokens(0, 1_000, 50));
        assert_eq!(usage.audio, tokens(300, 200, 150));
        // A server that counts more cached than there is does not make the rest negative.
        let usage = Usage::from(reported(5_000, 0));
        assert_eq!(usage.text, tokens(0, 1_000, 50));
        assert_eq!(usage.audio, tokens(500, 0, 150));
    }

    #[test]
    fn prices_are_the_models_own_or_as_set() {
        let listed = |model| Prices::listed("https://api.openai.com/v1", model);
        let mini = listed("gpt-realtime-2.1-mini").unwrap();
        assert_eq!(listed("gpt-realtime-2.1-mini-2026-09-01"), Some(mini));
        assert_ne!(listed("gpt-realtime-2.1"), Some(mini));
        assert_eq!(listed("gpt-realtime-3"), None);
        assert_eq!(
            Prices::listed("http://127.0.0.1:1/v1", "gpt-realtime-2.1"),
            None
        );
        let set = "text=0.60/0.06/2.40, audio=10/0.3/20, image=0.8/0.08/0";
        assert_eq!(set.parse(), Ok(mini));
        for wrong in [
            "",
            "text=1/1/1",
            "text=1/1,audio=1/1/1",
            "text=1/1/-1,audio=1/1/1",
            "sound=1/1/1",
        ] {
            assert_eq!(wrong.parse::<Prices>(), Err(PricesError), "{wrong}");
        }
    }

    #[test]
    fn a_bill_adds_up_and_an_unknown_price_leaves_the_known_ones() {
        let usage = Usage::from(reported(900, 300));
        let mut bill = Bill::default();
        bill += Bill {
            usage,
            cost: Some(0.5),
        };
        bill += Bill {
            usage,
            cost: Some(0.25),
        };
        let heard = TranscriptionUsage::Duration { seconds: 2.5 };
        bill += Bill {
            usage: heard.into(),
            cost: None,
        };
        assert_eq!(bill.cost, Some(0.75));
        assert_eq!(bill.usage.audio, tokens(400, 600, 300));
        assert!((bill.usage.transcription_seconds - 2.5).abs() < f64::EPSILON);
    }
}
