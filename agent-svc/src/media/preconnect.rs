//! What a caller said before anybody listened: their page records it while it connects, and sends the
//! recording when the assistant is there.

use livekit_rtc::{Attributes, SAMPLE_RATE};
use speech::resample::{extend_f32, extend_i16, resample};

use super::webm::{self, WebmError};

/// The topic of the byte stream that brings it, and the attributes that say of what it is.
pub(crate) const TOPIC: &str = "lk.agent.pre-connect-audio-buffer";
pub(crate) const TRACK_ID: &str = "trackId";
const RATE: &str = "sampleRate";
const CHANNELS: &str = "channels";

/// The longest recording that is taken.
const MAX_SECONDS: usize = 15;
/// Its bytes: raw samples at the highest rate, in two channels.
pub(crate) const MAX_BYTES: usize = MAX_SECONDS * 48_000 * 2 * 2;

/// Why a recording is not heard.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it did not come whole, or is too large")]
    Incomplete,
    #[error("it is of no kind that is known here")]
    Kind,
    #[error("it says nothing, or nothing that makes sense, of its rate and channels")]
    Attributes,
    #[error(transparent)]
    WebM(#[from] WebmError),
    #[error("it lasts longer than {MAX_SECONDS} s")]
    TooLong,
    #[error("its sound cannot be converted: {0}")]
    Rate(#[from] speech::Error),
}

/// The sound of a recording, 24 kHz.
pub(crate) fn decode(
    mime_type: &str,
    attributes: &Attributes,
    content: Vec<u8>,
) -> Result<Vec<i16>, Unusable> {
    let (kind, _) = mime_type.split_once(';').unwrap_or((mime_type, ""));
    match kind.trim().to_ascii_lowercase().as_str() {
        // A recorder that is stopped at once has written nothing.
        "audio/webm" | "video/webm" if content.is_empty() => Ok(Vec::new()),
        "audio/webm" | "video/webm" => Ok(webm::decode(content, MAX_SECONDS)?),
        "audio/pcm" | "audio/raw" | "audio/x-raw" | "audio/l16" => decode_raw(attributes, &content),
        _ => Err(Unusable::Kind),
    }
}

/// Samples of 16 bits, little end first, channel after channel.
fn decode_raw(attributes: &Attributes, content: &[u8]) -> Result<Vec<i16>, Unusable> {
    let number = |name| {
        attributes
            .get(name)
            .and_then(|text: &String| text.parse().ok())
    };
    let rate: u32 = number(RATE).ok_or(Unusable::Attributes)?;
    let channels = number(CHANNELS).ok_or(Unusable::Attributes)? as usize;
    if !(8_000..=48_000).contains(&rate) || !(1..=2).contains(&channels) {
        return Err(Unusable::Attributes);
    }
    let samples = content.as_chunks::<2>().0;
    let mono: Vec<i16> = samples
        .chunks_exact(channels)
        .map(|moment| {
            let sum: i32 = moment
                .iter()
                .map(|&sample| i32::from(i16::from_le_bytes(sample)))
                .sum();
            (sum / channels as i32) as i16
        })
        .collect();
    if mono.len() > MAX_SECONDS * rate as usize {
        return Err(Unusable::TooLong);
    }
    let mut floats = Vec::with_capacity(mono.len());
    extend_f32(&mono, &mut floats);
    let mut sound = Vec::new();
    extend_i16(&resample(rate, SAMPLE_RATE, &floats)?, &mut sound);
    Ok(sound)
}

#[cfg(test)]
mod tests {
    use opusic_c::{Application, Channels, Encoder, SampleRate};
    use proptest::prelude::*;

    use super::*;

    const TONE: f32 = 440.0;

    fn tone(rate: u32, samples: usize) -> Vec<i16> {
        let step = std::f32::consts::TAU * TONE / rate as f32;
        let sample = |at: usize| ((at as f32 * step).sin() * 8_000.0) as i16;
        (0..samples).map(sample).collect()
    }

    /// Whether this is that tone, by its rising zero crossings.
    fn is_tone(sound: &[i16]) -> bool {
        let rising = sound
            .windows(2)
            .filter(|pair| pair[0] < 0 && pair[1] >= 0)
            .count();
        let seconds = sound.len() as f32 / SAMPLE_RATE as f32;
        (rising as f32 / seconds - TONE).abs() < 10.0
    }

    fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
        let size = (content.len() as u64 | 1 << 56).to_be_bytes();
        [id, &size, content].concat()
    }

    /// The beginning of an element that ends where the next of its kind begins, or nowhere.
    fn unknown_size(id: &[u8]) -> Vec<u8> {
        [id, &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat()
    }

    /// A recording as a browser makes it, as it goes: no sizes, no index, a cluster a second.
    fn webm(codec: &str, seconds: usize) -> Vec<u8> {
        let mut encoder =
            Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip).unwrap();
        let ebml = [
            element(&[0x42, 0x86], &[1]),
            element(&[0x42, 0xf7], &[1]),
            element(&[0x42, 0xf2], &[4]),
            element(&[0x42, 0xf3], &[8]),
            element(&[0x42, 0x82], b"webm"),
            element(&[0x42, 0x87], &[4]),
            element(&[0x42, 0x85], &[2]),
        ]
        .concat();
        let info = [
            element(&[0x2a, 0xd7, 0xb1], &1_000_000_u32.to_be_bytes()),
            element(&[0x4d, 0x80], b"Chrome"),
            element(&[0x57, 0x41], b"Chrome"),
        ]
        .concat();
        let audio = [
            element(&[0xb5], &48_000_f32.to_be_bytes()),
            element(&[0x9f], &[1]),
        ];
        let track = [
            element(&[0xd7], &[1]),
            element(&[0x73, 0xc5], &[7]),
            element(&[0x83], &[2]),
            element(&[0x86], codec.as_bytes()),
            element(&[0xe1], &audio.concat()),
        ];
        let mut file = [
            element(&[0x1a, 0x45, 0xdf, 0xa3], &ebml),
            unknown_size(&[0x18, 0x53, 0x80, 0x67]),
            element(&[0x15, 0x49, 0xa9, 0x66], &info),
            element(
                &[0x16, 0x54, 0xae, 0x6b],
                &element(&[0xae], &track.concat()),
            ),
        ]
        .concat();
        let sound: Vec<u16> = tone(48_000, seconds * 48_000)
            .iter()
            .map(|s| s.cast_unsigned())
            .collect();
        let mut packet = [0; 1_275];
        for (number, samples) in sound.chunks(960).enumerate() {
            if number % 50 == 0 {
                file.extend(unknown_size(&[0x1f, 0x43, 0xb6, 0x75]));
                file.extend(element(&[0xe7], &(number as u32 * 20).to_be_bytes()));
            }
            let size = encoder.encode_to_slice(samples, &mut packet).unwrap();
            let time = ((number % 50) as u16 * 20).to_be_bytes();
            let block = [&[0x81], &time[..], &[0x80], &packet[..size]].concat();
            file.extend(element(&[0xa3], &block));
        }
        file
    }

    fn raw(rate: &str, channels: &str, content: Vec<u8>) -> Result<Vec<i16>, Unusable> {
        let attributes = [(RATE, rate), (CHANNELS, channels)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        decode("audio/pcm", &attributes.into(), content)
    }

    #[test]
    fn a_browsers_recording_is_heard() {
        let mime_type = "audio/webm;codecs=opus";
        let sound = decode(mime_type, &Attributes::new(), webm("A_OPUS", 3)).unwrap();
        assert_eq!(sound.len(), 72_000);
        assert!(is_tone(&sound[2_400..]));
        let nothing = decode(mime_type, &Attributes::new(), Vec::new());
        assert_eq!(nothing.unwrap(), [0_i16; 0]);
    }

    #[test]
    fn raw_samples_of_any_rate_are_heard() {
        let bytes = |samples: &[i16]| samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        let mono = tone(16_000, 16_000);
        let sound = raw("16000", "1", bytes(&mono)).unwrap();
        assert!(sound.len().abs_diff(24_000) < 300, "{}", sound.len());
        assert!(is_tone(&sound));
        let stereo: Vec<i16> = tone(48_000, 48_000).iter().flat_map(|&s| [s, s]).collect();
        let sound = raw("48000", "2", bytes(&stereo)).unwrap();
        assert!(sound.len().abs_diff(24_000) < 300, "{}", sound.len());
        assert!(is_tone(&sound));
    }

    #[test]
    fn what_cannot_be_heard_says_why() {
        let told = |outcome: Result<Vec<i16>, Unusable>| outcome.unwrap_err().to_string();
        let webm = |content| decode("audio/webm", &Attributes::new(), content);
        let told = [
            told(decode("video/mp4", &Attributes::new(), Vec::new())),
            told(decode("audio/pcm", &Attributes::new(), Vec::new())),
            told(raw("1", "1", Vec::new())),
            told(raw("48000", "6", Vec::new())),
            told(raw("8000", "1", vec![0; 16_001 * 15])),
            told(webm(super::tests::webm("A_VORBIS", 1))),
            told(webm(super::tests::webm("A_OPUS", 16))),
        ];
        insta::assert_snapshot!(told.join("\n"), @r"
        it is of no kind that is known here
        it says nothing, or nothing that makes sense, of its rate and channels
        it says nothing, or nothing that makes sense, of its rate and channels
        it says nothing, or nothing that makes sense, of its rate and channels
        it lasts longer than 15 s
        it has no sound in Opus
        it lasts longer than 15 s
        ");
        assert!(matches!(
            webm(b"no webm at all".to_vec()),
            Err(Unusable::WebM(_))
        ));
    }

    proptest! {
        /// It comes from outside: whatever it is, it is heard or refused.
        #[test]
        fn nothing_that_comes_breaks_anything(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
            end in any::<prop::sample::Index>(),
        ) {
            static WHOLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| webm("A_OPUS", 1));
            let mut content = WHOLE.clone();
            for (place, byte) in changes {
                *place.get_mut(&mut content) = byte;
            }
            content.truncate(end.index(content.len()) + 1);
            if let Ok(sound) = decode("audio/webm", &Attributes::new(), content) {
                prop_assert!(sound.len() <= MAX_SECONDS * SAMPLE_RATE as usize);
            }
        }
    }
}
