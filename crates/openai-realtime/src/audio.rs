//! PCM 16-bit little-endian mono as base64, the only audio that crosses the socket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Samples per second of `audio/pcm` in both directions.
pub const SAMPLE_RATE: u32 = 24_000;

/// The most audio one `input_audio_buffer.append` may carry, in bytes before base64.
pub const MAX_APPEND_BYTES: usize = 15 * 1024 * 1024;

/// The least audio `input_audio_buffer.commit` accepts, in milliseconds.
pub const MIN_COMMIT_MS: u64 = 100;

/// Why a base64 audio string was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// Not standard base64 with padding.
    #[error("audio is not valid base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Half a sample at the end.
    #[error("audio has {0} bytes, which is not a whole number of 16-bit samples")]
    OddLength(usize),
}

/// Samples that are encoded in one go; 3 bytes make 4 characters, so a multiple of 3 samples
/// needs no padding before the last block.
const BLOCK_SAMPLES: usize = 1_536;

/// Encodes samples as base64 of little-endian PCM, without a copy of the whole as bytes.
pub fn encode(samples: &[i16]) -> String {
    let mut text = String::with_capacity((samples.len() * 2).div_ceil(3) * 4);
    let mut bytes = [0u8; BLOCK_SAMPLES * 2];
    for block in samples.chunks(BLOCK_SAMPLES) {
        for (target, sample) in bytes.chunks_exact_mut(2).zip(block) {
            target.copy_from_slice(&sample.to_le_bytes());
        }
        STANDARD.encode_string(&bytes[..block.len() * 2], &mut text);
    }
    text
}

/// Decodes base64 of little-endian PCM into samples.
///
/// # Errors
/// The text is no base64, or holds half a sample.
pub fn decode(text: &str) -> Result<Vec<i16>, AudioError> {
    let mut samples = Vec::with_capacity(text.len() / 4 * 3 / 2);
    decode_into(text, &mut samples)?;
    Ok(samples)
}

/// Decodes as [`decode`] and appends to `samples`, which is left as it was on an error.
///
/// # Errors
/// The text is no base64, or holds half a sample.
pub fn decode_into(text: &str, samples: &mut Vec<i16>) -> Result<(), AudioError> {
    // 4 characters make 3 bytes, so a multiple of 8 characters holds whole samples.
    const BLOCK_CHARS: usize = BLOCK_SAMPLES * 2 / 3 * 4;
    let start = samples.len();
    let mut bytes = [0u8; BLOCK_SAMPLES * 2];
    let mut blocks = text.as_bytes().chunks(BLOCK_CHARS).peekable();
    while let Some(block) = blocks.next() {
        let outcome = STANDARD
            .decode_slice(block, &mut bytes)
            .map_err(|error| match error {
                base64::DecodeSliceError::DecodeError(error) => error,
                // The buffer holds a full block, so only the text can be wrong.
                base64::DecodeSliceError::OutputSliceTooSmall => {
                    base64::DecodeError::InvalidLength(text.len())
                }
            })
            .map_err(AudioError::Base64)
            .and_then(|length| {
                // Padding inside the text makes a block short.
                if length % 2 != 0 || (blocks.peek().is_some() && length != bytes.len()) {
                    Err(AudioError::OddLength((samples.len() - start) * 2 + length))
                } else {
                    Ok(length)
                }
            });
        match outcome {
            Ok(length) => samples.extend(
                bytes[..length]
                    .chunks_exact(2)
                    .map(|pair| i16::from_le_bytes([pair[0], pair[1]])),
            ),
            Err(error) => {
                samples.truncate(start);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The duration of so many samples at [`SAMPLE_RATE`], in whole milliseconds.
pub fn duration_ms(samples: usize) -> u64 {
    samples as u64 * 1000 / u64::from(SAMPLE_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_survive_a_round_trip_at_every_block_boundary() {
        for length in [0, 1, 2, 3, 1_535, 1_536, 1_537, 3_072, 4_800, 24_001] {
            let samples: Vec<i16> = (0..length).map(|n: i32| (n * 7 - 9_000) as i16).collect();
            let text = encode(&samples);
            assert_eq!(STANDARD.decode(&text).unwrap().len(), samples.len() * 2);
            assert_eq!(decode(&text).unwrap(), samples, "{length} samples");
        }
    }

    #[test]
    fn a_refused_text_leaves_the_samples_as_they_were() {
        let mut samples = vec![1, 2, 3];
        assert!(matches!(
            decode_into("not base64!", &mut samples),
            Err(AudioError::Base64(_))
        ));
        assert_eq!(decode_into("AAA=", &mut samples), Ok(()));
        assert_eq!(
            decode_into("AA==", &mut samples),
            Err(AudioError::OddLength(1))
        );
        assert_eq!(samples, [1, 2, 3, 0]);
        let mut long = encode(&[5; 4_000]);
        long.push('*');
        assert!(decode_into(&long, &mut samples).is_err());
        assert_eq!(samples, [1, 2, 3, 0]);
    }
}
