//! Speech in Opus in WebM, as browsers record it.

use std::io::Cursor;

use livekit_rtc::{OpusDecoder, SAMPLE_RATE};
use matroska_demuxer::{DemuxError, Frame, MatroskaFile, TrackType};

/// Why there is no sound in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebmError {
    #[error("it is no whole WebM file: {0}")]
    Broken(#[from] DemuxError),
    #[error("it has no sound in Opus")]
    NoOpus,
    #[error("it lasts longer than {0} s")]
    TooLong(usize),
}

/// The sound of the first track with Opus, 24 kHz.
pub(crate) fn decode(content: impl AsRef<[u8]>, max_seconds: usize) -> Result<Vec<i16>, WebmError> {
    let mut file = MatroskaFile::open(Cursor::new(content))?;
    let is_opus = |track: &&matroska_demuxer::TrackEntry| {
        track.track_type() == TrackType::Audio && track.codec_id() == "A_OPUS"
    };
    let track = file.tracks().iter().find(is_opus);
    let track = track.ok_or(WebmError::NoOpus)?.track_number().get();
    let mut decoder = OpusDecoder::new().ok_or(WebmError::NoOpus)?;
    let (mut frame, mut sound) = (Frame::default(), Vec::new());
    while file.next_frame(&mut frame)? {
        if frame.track == track {
            // A packet that is none is a gap in what was said, which is better than nothing.
            decoder.decode(&frame.data, &mut sound);
        }
        if sound.len() > max_seconds * SAMPLE_RATE as usize {
            return Err(WebmError::TooLong(max_seconds));
        }
    }
    Ok(sound)
}
