//! The sentences that never change: by the dedicated voice where it is quick enough, else recorded.
//!
//! What the voice has said of them once is kept and needs no asking again.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::{TtsError, Voice};
use crate::domain::Line;
use crate::media::webm::WebmError;
use crate::recordings;

/// How long the voice may take to begin with a sentence.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same for one that says why an answer broke off.
const CUE_PATIENCE: Duration = Duration::from_millis(250);
/// No sentence is as long; whatever the voice gives beyond is not kept.
const MAX_SAMPLES: usize = 30 * livekit_rtc::SAMPLE_RATE as usize;
/// Sound is given in pieces of a tenth of a second.
const PIECE: usize = livekit_rtc::SAMPLE_RATE as usize / 10;
/// Pieces of the voice that may wait.
const CAPACITY: usize = 256;

type Piece = Result<Vec<i16>, TtsError>;
/// What is given of a text: pieces of 24 kHz mono. An error of the voice is told where it happened,
/// and of a sentence that is recorded the recording follows it.
pub type Spoken = BoxStream<'static, Piece>;

/// Speaks for all calls of a process.
pub struct Speaker {
    voice: Arc<dyn Voice>,
    lines: HashMap<Line, Arc<Sounds>>,
}

/// How a sentence sounds.
struct Sounds {
    line: Line,
    recording: Vec<i16>,
    /// By the dedicated voice, once it has said it.
    own: OnceLock<Vec<i16>>,
}

impl Speaker {
    /// With this voice.
    ///
    /// # Errors
    /// A recording is broken: a fault of the build.
    pub fn new(voice: Arc<dyn Voice>) -> Result<Self, WebmError> {
        let sounds = |line| {
            let recording = recordings::sound(line)?;
            let own = OnceLock::new();
            let sounds = Sounds {
                line,
                recording,
                own,
            };
            Ok((line, Arc::new(sounds)))
        };
        let lines = Line::ALL.into_iter().map(sounds);
        Ok(Self {
            voice,
            lines: lines.collect::<Result<_, WebmError>>()?,
        })
    }

    /// Speaks a text; `line` says which of the sentences it is that are recorded.
    pub fn speak(&self, text: String, line: Option<Line>) -> Spoken {
        let Some(sounds) = line.and_then(|line| self.lines.get(&line)) else {
            return self.voice.speak(text);
        };
        if let Some(own) = sounds.own.get() {
            let pieces: Vec<_> = own.chunks(PIECE).map(|piece| Ok(piece.to_vec())).collect();
            return stream::iter(pieces).boxed();
        }
        let (pieces, voice) = mpsc::channel(CAPACITY);
        tokio::spawn(ask(self.voice.speak(text), pieces, sounds.clone()));
        let saying = Saying {
            begins_by: Some(Instant::now() + patience(sounds.line)),
            voice: Some(voice),
            sounds: sounds.clone(),
            given: 0,
        };
        let said = stream::unfold(saying, async |mut saying| {
            Some((saying.next().await?, saying))
        });
        said.boxed()
    }
}

fn patience(line: Line) -> Duration {
    match line {
        // What ends a silence must not begin with one.
        Line::Reconnecting => Duration::ZERO,
        Line::BrokenOff => CUE_PATIENCE,
        _ => PATIENCE,
    }
}

/// Has the voice say a sentence to its end, whether or not somebody waits for it, so that it is known
/// from then on.
async fn ask(mut voice: Spoken, pieces: mpsc::Sender<Piece>, sounds: Arc<Sounds>) {
    let (mut own, mut is_whole) = (Vec::new(), true);
    while let Some(piece) = voice.next().await
        && own.len() <= MAX_SAMPLES
    {
        match &piece {
            Ok(sound) => own.extend_from_slice(sound),
            Err(_) => is_whole = false,
        }
        if let Err(mpsc::error::SendError(Err(error))) = pieces.send(piece).await {
            tracing::warn!(%error, "A sentence that was recorded could not be spoken");
        }
    }
    if is_whole && (1..=MAX_SAMPLES).contains(&own.len()) {
        // Another call may have had it said as well.
        let _ = sounds.own.set(own);
    }
}

/// A sentence that is being said.
struct Saying {
    sounds: Arc<Sounds>,
    /// Until the recording takes its place.
    voice: Option<mpsc::Receiver<Piece>>,
    /// When the voice must begin; `None` once it has.
    begins_by: Option<Instant>,
    /// Samples of the recording.
    given: usize,
}

impl Saying {
    async fn next(&mut self) -> Option<Piece> {
        if let Some(voice) = &mut self.voice {
            let piece = match self.begins_by {
                Some(deadline) => timeout_at(deadline, voice.recv()).await.ok().flatten(),
                None => voice.recv().await,
            };
            match piece {
                Some(Ok(sound)) => {
                    self.begins_by = None;
                    return Some(Ok(sound));
                }
                None if self.begins_by.is_none() => return None,
                Some(Err(error)) => {
                    self.voice = None;
                    return Some(Err(error));
                }
                None => self.voice = None,
            }
        }
        if self.given == 0 {
            metrics::counter!("insta_agent_recorded_lines").increment(1);
        }
        let rest = &self.sounds.recording[self.given..];
        let piece = &rest[..rest.len().min(PIECE)];
        self.given += piece.len();
        (!piece.is_empty()).then(|| Ok(piece.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A voice that says what it was told to, each time anew, so long after it was asked.
    #[derive(Default)]
    struct Scripted {
        says: Vec<Piece>,
        after: Duration,
        asked: Mutex<u32>,
    }

    impl Voice for Scripted {
        fn speak(&self, _: String) -> Spoken {
            *self.asked.lock().unwrap() += 1;
            let (says, after) = (self.says.clone(), self.after);
            let begins = stream::once(async move {
                tokio::time::sleep(after).await;
                stream::iter(says)
            });
            begins.flatten().boxed()
        }
    }

    fn speaker(says: Vec<Piece>, after_ms: u64) -> (Speaker, Arc<Scripted>) {
        let voice = Arc::new(Scripted {
            says,
            after: Duration::from_millis(after_ms),
            asked: Mutex::default(),
        });
        (Speaker::new(voice.clone()).unwrap(), voice)
    }

    /// What is heard, and how long it took to begin: `V` for a piece of the voice, `R` for all of the
    /// recording, `!` for an error.
    async fn said(speaker: &Speaker, line: Option<Line>) -> (String, u64) {
        let recording = line.map(|line| recordings::sound(line).unwrap());
        let asked = Instant::now();
        let mut spoken = speaker.speak("Whatever.".into(), line);
        let (mut heard, mut rest, mut began) = (String::new(), Vec::new(), None);
        while let Some(piece) = spoken.next().await {
            let Ok(piece) = piece else {
                heard += "!";
                continue;
            };
            began.get_or_insert(asked.elapsed().as_millis() as u64);
            if piece == OWN {
                heard += "V";
            } else {
                rest.extend(piece);
            }
        }
        if recording.is_some_and(|recording| recording == rest) {
            heard += "R";
        }
        (heard, began.unwrap_or_default())
    }

    const OWN: [i16; 2] = [7, 7];

    fn own() -> Piece {
        Ok(OWN.to_vec())
    }

    #[tokio::test(start_paused = true)]
    async fn where_the_voice_fails_or_is_late_the_recording_is_heard() {
        let error = || Err(TtsError::Refused { status: 401 });
        for (says, after, line, expected) in [
            (vec![own(), own()], 300, Line::Filler, ("VV", 300)),
            (vec![own(), own()], 999, Line::Filler, ("VV", 999)),
            (vec![own(), own()], 1_001, Line::Filler, ("R", 1_000)),
            (
                vec![own(), own()],
                60_000,
                Line::TechnicalProblem,
                ("R", 1_000),
            ),
            (vec![error()], 40, Line::TechnicalProblem, ("!R", 40)),
            (vec![], 40, Line::TechnicalProblem, ("R", 40)),
            // What broke off is said again, whole.
            (vec![own(), error()], 40, Line::TimeLimit, ("V!R", 40)),
            (vec![own()], 300, Line::BrokenOff, ("R", 250)),
            (vec![own()], 1, Line::Reconnecting, ("R", 0)),
        ] {
            let (speaker, _) = speaker(says, after);
            let (heard, began) = said(&speaker, Some(line)).await;
            assert_eq!((heard.as_str(), began), expected, "{line:?} after {after}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_text_without_a_recording_is_the_voice_alone() {
        let (speaker, _) = speaker(vec![own(), Err(TtsError::OtherWords)], 3_000);
        assert_eq!(said(&speaker, None).await, ("V!".into(), 3_000));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_voice_has_said_once_is_known() {
        let (speaker, voice) = speaker(vec![own(), own()], 1_500);
        let late = said(&speaker, Some(Line::Filler)).await;
        assert_eq!(late, ("R".into(), 1_000));
        // It was late, but it came.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut known = speaker.speak("Whatever.".into(), Some(Line::Filler));
        assert_eq!(known.next().await, Some(Ok([OWN, OWN].concat())));
        assert_eq!(*voice.asked.lock().unwrap(), 1);
        // Each sentence by itself.
        assert_eq!(said(&speaker, Some(Line::Apology)).await.0, "R");
    }
}
