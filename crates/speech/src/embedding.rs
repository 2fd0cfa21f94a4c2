//! Sentence embeddings with all-MiniLM-L6-v2: texts that mean the same lie close together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ort::session::Session;
use ort::value::TensorRef;
use tokenizers::{Encoding, PaddingParams, Tokenizer, TruncationParams};

use crate::Error;
use crate::pool::Pool;
use crate::runtime::Runtime;

/// Numbers in one embedding.
pub const DIMENSIONS: usize = 384;

/// The model was trained on 256 word pieces; what comes after is not read.
const MAX_TOKENS: usize = 256;
/// Texts in one inference. More would be no faster on a CPU, and take 20 MB each at full length.
const BATCH: usize = 4;
const MODEL: &str = "embedding";

/// Turns texts into vectors. Clones share the model.
///
/// A question of ten words costs about 3 ms, a passage of 200 about 30 ms.
#[derive(Debug, Clone)]
pub struct Embedder {
    tokenizer: Arc<Tokenizer>,
    sessions: Arc<Pool<Session>>,
}

impl Embedder {
    pub(crate) fn load(
        dir: &Path,
        runtime: &Runtime,
        threads: usize,
        workers: usize,
    ) -> Result<Self, Error> {
        let load = || runtime.load(file(dir), threads);
        Ok(Self {
            tokenizer: Arc::new(tokenizer()?),
            sessions: Arc::new(Pool::new(MODEL, workers, load)?),
        })
    }

    /// The embedding of each text, in order, each of length 1. Their dot product is their cosine
    /// similarity: above 0.3 two texts are likely about the same thing.
    ///
    /// Only the first 256 word pieces of a text count.
    ///
    /// # Errors
    /// [`Error::Busy`] when no worker becomes free, [`Error::Inference`] when the model fails.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<[f32; DIMENSIONS]>, Error> {
        let mut embeddings = vec![[0.0; DIMENSIONS]; texts.len()];
        // Texts of like length share a batch, because a batch is padded to its longest.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&index| texts[index].len());
        for batch in order.chunks(BATCH) {
            let inputs = batch.iter().map(|&index| texts[index]).collect();
            let encodings = self
                .tokenizer
                .encode_batch(inputs, true)
                .map_err(|error| unread(&error))?;
            let pooled = infer(&mut *self.sessions.take()?, &encodings)?;
            for (&index, embedding) in batch.iter().zip(pooled) {
                embeddings[index] = embedding;
            }
        }
        Ok(embeddings)
    }
}

/// The model, and what makes word pieces for it.
pub(crate) fn file(dir: &Path) -> PathBuf {
    dir.join("minilm/model.onnx")
}

pub(crate) fn tokenizer() -> Result<Tokenizer, Error> {
    let mut tokenizer = Tokenizer::from_bytes(include_bytes!("../data/minilm-tokenizer.json"))
        .map_err(|error| unread(&error))?;
    // The file asks for 128 tokens, always padded to the full: a short question would pay for a
    // long one.
    let truncation = TruncationParams {
        max_length: MAX_TOKENS,
        ..TruncationParams::default()
    };
    tokenizer
        .with_truncation(Some(truncation))
        .map_err(|error| unread(&error))?;
    tokenizer.with_padding(Some(PaddingParams::default()));
    // A batch is too small for the tokenizer to start a pool of threads of its own.
    tokenizers::utils::parallelism::set_parallelism(false);
    Ok(tokenizer)
}

fn infer(session: &mut Session, batch: &[Encoding]) -> Result<Vec<[f32; DIMENSIONS]>, Error> {
    let tokens = hidden(session, batch, MODEL, "last_hidden_state")?;
    let texts = tokens.chunks(tokens.len() / batch.len().max(1));
    let texts = texts.zip(batch.iter().map(Encoding::get_attention_mask));
    Ok(texts.map(|(tokens, mask)| pool(tokens, mask)).collect())
}

/// What a layer of the model makes of each word piece, one text after the other. `model` names it in errors.
pub(crate) fn hidden(
    session: &mut Session,
    batch: &[Encoding],
    model: &'static str,
    layer: &'static str,
) -> Result<Vec<[f32; DIMENSIONS]>, Error> {
    let failed = |source| Error::Inference { model, source };
    let flat = |of: fn(&Encoding) -> &[u32]| -> Vec<i64> {
        batch.iter().flat_map(of).map(|&id| i64::from(id)).collect()
    };
    let ids = flat(Encoding::get_ids);
    let mask = flat(Encoding::get_attention_mask);
    let types = flat(Encoding::get_type_ids);
    let shape = [batch.len(), ids.len() / batch.len().max(1)];
    let view = |values| TensorRef::from_array_view((shape, values)).map_err(failed);
    let outputs = session
        .run(ort::inputs![
            "input_ids" => view(ids.as_slice())?,
            "attention_mask" => view(mask.as_slice())?,
            "token_type_ids" => view(types.as_slice())?,
        ])
        .map_err(failed)?;
    let (_, hidden) = outputs[layer].try_extract_tensor::<f32>().map_err(failed)?;
    match hidden.as_chunks::<DIMENSIONS>() {
        (tokens, []) if tokens.len() == ids.len() => Ok(tokens.to_vec()),
        _ => Err(Error::UnexpectedOutput {
            model,
            output: layer,
        }),
    }
}

/// The tokenizer's errors, as ours.
pub(crate) fn unread(error: &tokenizers::Error) -> Error {
    Error::Text {
        model: MODEL,
        reason: error.to_string(),
    }
}

/// The mean of the tokens that are not padding, scaled to length 1.
fn pool(tokens: &[[f32; DIMENSIONS]], mask: &[u32]) -> [f32; DIMENSIONS] {
    let mut sum = [0.0f32; DIMENSIONS];
    for (token, _) in tokens.iter().zip(mask).filter(|&(_, &mask)| mask == 1) {
        for (sum, value) in sum.iter_mut().zip(token) {
            *sum += value;
        }
    }
    // The mean and the sum point the same way, so dividing by the count would change nothing.
    let length = sum
        .iter()
        .map(|value| value * value)
        .sum::<f32>()
        .sqrt()
        .max(f32::MIN_POSITIVE);
    sum.map(|value| value / length)
}
