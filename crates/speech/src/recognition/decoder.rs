//! The Moonshine model: raw sound in, tokens out, greedily.

use std::ops::Range;
use std::path::Path;

use ort::memory::Allocator;
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::{DynValue, Tensor, TensorRef};

use super::vocabulary::SIZE;
use super::{MODEL, SAMPLE_RATE, repetition};
use crate::runtime::Runtime;
use crate::{Cancel, Error};

const START: i64 = 1;
const STOP: i64 = 2;
const LAYERS: usize = 6;
const HEADS: usize = 8;
const HEAD_SIZE: usize = 36;
/// People do not say more tokens a second; past that the model is inventing.
const MAX_TOKENS_PER_SECOND: f32 = 6.5;
/// Parts of a layer's cache: what the text looked at so far, and what it sees of the sound.
const PARTS: [&str; 4] = [
    "decoder.key",
    "decoder.value",
    "encoder.key",
    "encoder.value",
];

/// One copy of the model.
#[derive(Debug)]
pub(super) struct Moonshine {
    encoder: Session,
    decoder: Session,
}

/// What the decoder found.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// Tokens without start and stop.
    pub(super) tokens: Vec<i64>,
    /// Natural logarithm of the probability of each token, and of the stop if it came to one.
    log_probabilities: Vec<f32>,
    /// It went round in circles and was stopped; `tokens` has the first round.
    pub(super) repeated: bool,
}

impl Decoded {
    /// The geometric mean of the probabilities; 0 without tokens.
    pub(super) fn confidence(&self) -> f32 {
        if self.tokens.is_empty() {
            return 0.0;
        }
        mean(&self.log_probabilities)
    }

    /// The same of some tokens; 0 without any.
    pub(super) fn confidence_in(&self, tokens: Range<usize>) -> f32 {
        self.log_probabilities.get(tokens).map_or(0.0, mean)
    }

    fn push(&mut self, token: i64, log_probability: f32) {
        self.tokens.push(token);
        self.log_probabilities.push(log_probability);
        if let Some(kept) = repetition::circling(&self.tokens) {
            self.tokens.truncate(kept);
            self.log_probabilities.truncate(kept);
            self.repeated = true;
        }
    }
}

fn mean(log_probabilities: &[f32]) -> f32 {
    if log_probabilities.is_empty() {
        return 0.0;
    }
    (log_probabilities.iter().sum::<f32>() / log_probabilities.len() as f32).exp()
}

impl Moonshine {
    pub(super) fn load(dir: &Path, runtime: &Runtime, threads: usize) -> Result<Self, Error> {
        Ok(Self {
            encoder: runtime.load(dir.join("encoder_model.ort"), threads)?,
            decoder: runtime.load(dir.join("decoder_model_merged.ort"), threads)?,
        })
    }

    /// Finds the tokens of at most 30 s of 16 kHz sound. `draft` is a guess at how they begin;
    /// as much of it as the model would have said itself is taken over in one step.
    pub(super) fn decode(
        &mut self,
        pcm: &[f32],
        draft: &[i64],
        cancel: &Cancel,
    ) -> Result<Decoded, Error> {
        self.infer(pcm, draft, cancel)
            .map_err(|source| cancel.explain(MODEL, source))
    }

    fn infer(&mut self, pcm: &[f32], draft: &[i64], cancel: &Cancel) -> ort::Result<Decoded> {
        let seconds = pcm.len() as f32 / SAMPLE_RATE as f32;
        let max_tokens = (seconds * MAX_TOKENS_PER_SECOND).ceil() as usize + 3;
        let sound = Sound::encode(&mut self.encoder, cancel, pcm)?;

        let draft = &draft[..draft.len().min(max_tokens)];
        let prompt: Vec<i64> = std::iter::once(START)
            .chain(draft.iter().copied())
            .collect();
        let (choices, mut cache) = Cache::start(&mut self.decoder, cancel, &sound, &prompt)?;
        let mut decoded = Decoded::default();
        let agreed = choices
            .iter()
            .zip(draft)
            .take_while(|(choice, drafted)| choice.token == **drafted);
        for (choice, _) in agreed {
            decoded.push(choice.token, choice.log_probability);
        }
        let agreed = decoded.tokens.len();
        cache.truncate(1 + agreed)?;
        let mut next = choices.get(agreed).copied();
        while let Some(Choice {
            token,
            log_probability,
        }) = next
        {
            if token == STOP {
                // Where to stop is as much a choice as what to say.
                decoded.log_probabilities.push(log_probability);
                break;
            }
            if decoded.repeated || decoded.tokens.len() >= max_tokens {
                break;
            }
            decoded.push(token, log_probability);
            next = Some(cache.step(&mut self.decoder, cancel, &sound, token)?);
        }
        Ok(decoded)
    }
}

/// A piece of sound as the decoder sees it.
struct Sound {
    hidden: DynValue,
    /// One for each *sample*, not for each encoder state: the decoder thins it out itself.
    mask: Vec<i64>,
}

impl Sound {
    fn encode(encoder: &mut Session, cancel: &Cancel, pcm: &[f32]) -> ort::Result<Self> {
        let mask = vec![1i64; pcm.len()];
        let pcm: Vec<f32> = pcm
            .iter()
            .map(|sample| if sample.is_finite() { *sample } else { 0.0 })
            .collect();
        let inputs = ort::inputs![
            "input_values" => TensorRef::from_array_view(([1, pcm.len()], pcm.as_slice()))?,
            "attention_mask" => TensorRef::from_array_view(([1, mask.len()], mask.as_slice()))?,
        ];
        let mut outputs = cancel.run(encoder, inputs)?;
        let hidden = take(&mut outputs, "last_hidden_state")?;
        Ok(Self { hidden, mask })
    }
}

/// The token the model found likeliest at one position.
#[derive(Debug, Clone, Copy)]
struct Choice {
    token: i64,
    log_probability: f32,
}

/// What the decoder keeps between steps, a value for each layer and each of [`PARTS`].
struct Cache {
    values: Vec<DynValue>,
}

impl Cache {
    /// The first step, over all of `prompt`: the choice after each of its tokens.
    fn start(
        decoder: &mut Session,
        cancel: &Cancel,
        sound: &Sound,
        prompt: &[i64],
    ) -> ort::Result<(Vec<Choice>, Self)> {
        let empty = || Tensor::<f32>::new(&Allocator::default(), [1, HEADS, 0, HEAD_SIZE]);
        let values = (0..LAYERS * PARTS.len())
            .map(|_| Ok(empty()?.into_dyn()))
            .collect::<ort::Result<_>>()?;
        let mut cache = Self { values };
        let choices = cache.run(decoder, cancel, sound, prompt, false)?;
        Ok((choices, cache))
    }

    /// A further step over one token: the choice after it.
    fn step(
        &mut self,
        decoder: &mut Session,
        cancel: &Cancel,
        sound: &Sound,
        token: i64,
    ) -> ort::Result<Choice> {
        let choices = self.run(decoder, cancel, sound, &[token], true)?;
        choices
            .last()
            .copied()
            .ok_or_else(|| ort::Error::new("no logits"))
    }

    fn run(
        &mut self,
        decoder: &mut Session,
        cancel: &Cancel,
        sound: &Sound,
        tokens: &[i64],
        has_cache: bool,
    ) -> ort::Result<Vec<Choice>> {
        let has_cache_flag = [has_cache];
        let mut inputs: Vec<(String, SessionInputValue<'_>)> = vec![
            (
                "input_ids".into(),
                TensorRef::from_array_view(([1, tokens.len()], tokens))?.into(),
            ),
            ("encoder_hidden_states".into(), (&sound.hidden).into()),
            (
                "encoder_attention_mask".into(),
                TensorRef::from_array_view(([1, sound.mask.len()], sound.mask.as_slice()))?.into(),
            ),
            (
                "use_cache_branch".into(),
                TensorRef::from_array_view(([1usize], has_cache_flag.as_slice()))?.into(),
            ),
        ];
        let names = names("past_key_values");
        inputs.extend(
            names
                .zip(&self.values)
                .map(|(name, value)| (name, value.into())),
        );
        let mut outputs = cancel.run(decoder, inputs)?;
        let choices = choose(&outputs)?;
        for (index, name) in self::names("present").enumerate() {
            // What the text sees of the sound never changes, and later steps return it empty.
            let of_sound = index % PARTS.len() >= 2;
            if !(has_cache && of_sound) {
                self.values[index] = take(&mut outputs, &name)?;
            }
        }
        Ok(choices)
    }

    /// Forgets all but the first `length` tokens.
    fn truncate(&mut self, length: usize) -> ort::Result<()> {
        for (index, value) in self.values.iter_mut().enumerate() {
            if index % PARTS.len() >= 2 {
                continue;
            }
            let (shape, data) = value.try_extract_tensor::<f32>()?;
            let had = data.len() / (HEADS * HEAD_SIZE);
            if had <= length || shape.len() != 4 {
                continue;
            }
            let kept: Vec<f32> = data
                .chunks(had * HEAD_SIZE)
                .flat_map(|head| &head[..length * HEAD_SIZE])
                .copied()
                .collect();
            *value = Tensor::from_array(([1, HEADS, length, HEAD_SIZE], kept))?.into_dyn();
        }
        Ok(())
    }
}

/// The cache's input or output names, in the order of [`Cache::values`].
fn names(prefix: &str) -> impl Iterator<Item = String> {
    (0..LAYERS).flat_map(move |layer| PARTS.map(|part| format!("{prefix}.{layer}.{part}")))
}

fn take(outputs: &mut SessionOutputs<'_>, name: &str) -> ort::Result<DynValue> {
    outputs
        .remove(name)
        .ok_or_else(|| ort::Error::new(format!("the model has no output {name}")))
}

/// The likeliest token at each position of the logits.
fn choose(outputs: &SessionOutputs<'_>) -> ort::Result<Vec<Choice>> {
    let (_, logits) = outputs["logits"].try_extract_tensor::<f32>()?;
    Ok(logits.chunks(SIZE).map(likeliest).collect())
}

fn likeliest(logits: &[f32]) -> Choice {
    let (token, &max) = logits
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .expect("chunks are never empty");
    let sum: f32 = logits.iter().map(|logit| (logit - max).exp()).sum();
    Choice {
        token: token as i64,
        log_probability: -sum.ln(),
    }
}
