//! What a caller's sound tells beyond whether there is a voice: whether they have finished, and
//! the words of a short one.
//!
//! Models run on threads of their own, away from the sound's path, and few at a time: what is not
//! known soon is of no use, so the answer is then that it is not known, or what is known without it.

pub(crate) mod ending;

use std::sync::Arc;
use std::time::Duration;

use speech::Models;
use speech::recognition::{Recognizer, Transcript};
use speech::resample::{extend_f32, resample};
use speech::turn::{self, TurnDetector};
use tokio::sync::Semaphore;

pub use ending::{Ending, LastWords};

use crate::domain::Heard;
use crate::phrases::Phrases;

/// Turns whose melody is heard at a time.
const WORKERS: usize = 2;
/// Sounds whose words are heard at a time; such questions are rare and short.
const RECOGNISERS: usize = 1;
/// How long a question may stand in line, and how long the last words of a turn may take in all. Later
/// the answer would come too late.
const MAX_WAIT: Duration = Duration::from_millis(500);
/// How much of a turn is heard for its last words: 5 s.
const LAST_WORDS: usize = turn::SAMPLE_RATE as usize * 5;
/// How sure the recogniser must be that they are those.
const SURE: f32 = 0.6;
/// Silence that the recogniser gets after a sound: 300 ms at its rate.
const SILENCE_AFTER_WORDS: usize = turn::SAMPLE_RATE as usize * 3 / 10;

/// Judges callers' sound. Clones share the models.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    turns: TurnDetector,
    words: Recognizer,
    phrases: Phrases,
    /// As many as each model has workers.
    turn_places: Arc<Semaphore>,
    word_places: Arc<Semaphore>,
}

impl Judge {
    /// Loads the models.
    ///
    /// # Errors
    /// What [`Models::turn_detector`] and [`Models::recognizer`] say.
    pub(crate) fn load(models: &Models) -> Result<Self, speech::Error> {
        Ok(Self {
            turns: models.turn_detector(WORKERS)?,
            words: models.recognizer(RECOGNISERS)?,
            phrases: Phrases::load(models)?,
            turn_places: Arc::new(Semaphore::new(WORKERS)),
            word_places: Arc::new(Semaphore::new(RECOGNISERS)),
        })
    }

    /// The probability, 0 to 1, that whoever spoke in this 24 kHz sound has finished, by its melody
    /// and by its last words; by its melody alone when those cannot be told in time, and `None` when
    /// that cannot either.
    pub(crate) async fn end_of_turn(&self, sound: Vec<i16>) -> Option<f32> {
        let melody = self.ask(&self.turn_places, sound.clone(), Self::melody);
        let melody = melody.await?;
        let mut ending = Ending {
            melody,
            words: None,
        };
        if !Ending::is_open_by(melody) {
            let words = self.ask(&self.word_places, sound, Self::last_words);
            let words = tokio::time::timeout(MAX_WAIT, words).await;
            ending.words = words.ok().flatten().flatten();
        }
        Some(ending.complete())
    }

    /// The English words of this 24 kHz sound; `None` when they cannot be told in time.
    pub(crate) async fn words(&self, sound: Vec<i16>) -> Option<Heard> {
        self.ask(&self.word_places, sound, Self::words_here).await
    }

    /// What [`Self::end_of_turn`] judges, on this thread, however long it takes.
    pub(crate) fn ending_here(&self, sound: &[i16]) -> Result<Ending, speech::Error> {
        Ok(Ending {
            melody: self.melody(sound)?,
            words: self.last_words(sound)?,
        })
    }

    /// The probability that the turn is over by how it sounds.
    fn melody(&self, sound: &[i16]) -> Result<f32, speech::Error> {
        self.turns.end_of_turn(&pcm_16k(sound)?)
    }

    /// `None` where the recogniser is not sure of them: another language, perhaps.
    fn last_words(&self, sound: &[i16]) -> Result<Option<LastWords>, speech::Error> {
        let pcm = pcm_16k(sound)?;
        let last = &pcm[pcm.len().saturating_sub(LAST_WORDS)..];
        let words = self.words.transcribe(last)?;
        if words.confidence < SURE {
            return Ok(None);
        }
        Ok(Some(LastWords {
            whole: self.phrases.whole(&words.text)?,
            last_confidence: words.last_confidence,
            text: words.text,
        }))
    }

    /// What [`Self::words`] gives, on this thread, however long it takes.
    pub(crate) fn words_here(&self, sound: &[i16]) -> Result<Heard, speech::Error> {
        // What is cut off in the middle of a word, or right after one, is often heard as another.
        let mut pcm = pcm_16k(sound)?;
        pcm.resize(pcm.len() + SILENCE_AFTER_WORDS, 0.0);
        let heard = without_inventions(self.words.transcribe(&pcm)?);
        let nod = self.phrases.nod(&heard.text)?;
        Ok(Heard { nod, ..heard })
    }

    async fn ask<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        sound: Vec<i16>,
        question: fn(&Self, &[i16]) -> Result<T, speech::Error>,
    ) -> Option<T> {
        let place = tokio::time::timeout(MAX_WAIT, places.clone().acquire_owned());
        let place = place.await.ok()?.ok()?;
        let judge = self.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let _place = place;
            question(&judge, &sound)
        });
        match answer.await.ok()? {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(%error, "A caller's sound could not be judged");
                None
            }
        }
    }
}

/// A single word without a mark is what the recogniser makes of a noise.
fn without_inventions(words: Transcript) -> Heard {
    let Transcript {
        text,
        confidence,
        last_confidence,
        ..
    } = words;
    let is_bare = !text.contains(char::is_whitespace) && text.ends_with(char::is_alphanumeric);
    if is_bare {
        return Heard::default();
    }
    Heard {
        text,
        confidence,
        last_confidence,
        nod: 0.0,
    }
}

fn pcm_16k(sound: &[i16]) -> Result<Vec<f32>, speech::Error> {
    let mut floats = Vec::with_capacity(sound.len());
    extend_f32(sound, &mut floats);
    resample(livekit_rtc::SAMPLE_RATE, turn::SAMPLE_RATE, &floats)
}

/// The last seconds of what the caller says, as much as can be judged.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// 24 kHz.
    sound: std::collections::VecDeque<i16>,
}

impl Recent {
    const MAX_SAMPLES: usize = turn::SECONDS * livekit_rtc::SAMPLE_RATE as usize;

    pub(crate) fn push(&mut self, samples: &[i16]) {
        self.sound.extend(samples);
        let excess = self.sound.len().saturating_sub(Self::MAX_SAMPLES);
        self.sound.drain(..excess);
    }

    pub(crate) fn clear(&mut self) {
        self.sound.clear();
    }

    pub(crate) fn to_vec(&self) -> Vec<i16> {
        self.sound.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use speech::Cancel;

    use super::*;
    use crate::media::tests::{models, sentence, spoken};

    #[tokio::test]
    async fn a_finished_question_sounds_more_finished_than_its_first_half() {
        let judge = Judge::load(&models()).expect("the models load");
        let (sound, voiced) = sentence(4_800);
        let whole = judge.end_of_turn(sound.clone()).await.expect("an answer");
        let half = [&sound[..4_800 + voiced / 2], &[0; 4_800]].concat();
        let half = judge.end_of_turn(half).await.expect("an answer");
        assert!(whole > 0.5 && half < whole, "{whole} and {half}");
    }

    #[tokio::test]
    async fn a_sentence_without_its_last_word_is_not_finished_however_it_sounds() {
        let judge = Judge::load(&models()).expect("the models load");
        let (sound, _) = spoken("I'd like to change my,", 4_800);
        assert!(judge.melody(&sound).expect("a vote") > 0.5);
        let complete = judge.ending_here(&sound).expect("an answer").complete();
        assert!(complete < 0.1, "{complete}");
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_words_cannot_be_told_the_melody_decides() {
        let judge = Judge::load(&models()).expect("the models load");
        let (sound, _) = spoken("I'd like to change my,", 4_800);
        let melody = judge.melody(&sound).expect("a vote");
        let words = None;
        let alone = Some(Ending { melody, words }.complete());

        let cancelled = Cancel::default();
        cancelled.cancel();
        let failing = Judge {
            words: judge.words.until(&cancelled),
            ..judge.clone()
        };
        assert!(failing.last_words(&sound).is_err());
        assert_eq!(failing.end_of_turn(sound.clone()).await, alone);

        let _taken = judge.word_places.acquire().await;
        assert_eq!(judge.end_of_turn(sound).await, alone);
    }

    #[tokio::test]
    async fn words_are_told_from_noise() {
        let judge = Judge::load(&models()).expect("the models load");
        let (sound, _) = sentence(7_200);
        let heard = judge.words(sound).await.expect("an answer");
        assert!(heard.text.to_lowercase().contains("plan"), "{heard:?}");
        let knock = (0..14_400).map(|at: i32| {
            if at < 2_400 {
                (at * 7_919 % 9_000) as i16
            } else {
                0
            }
        });
        let heard = judge.words(knock.collect()).await.expect("an answer");
        assert_eq!(heard.text, "");
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_come_too_late_is_not_known() {
        let judge = Judge::load(&models()).expect("the models load");
        let _taken = judge.turn_places.acquire_many(WORKERS as u32).await;
        assert_eq!(judge.end_of_turn(vec![0; 24_000]).await, None);
    }

    #[test]
    fn only_the_last_seconds_are_kept() {
        let mut recent = Recent::default();
        for second in 0..12 {
            recent.push(&vec![second; 24_000]);
        }
        let kept = recent.to_vec();
        assert_eq!(
            (kept.len(), kept[0], kept[kept.len() - 1]),
            (192_000, 4, 11)
        );
        recent.clear();
        assert!(recent.to_vec().is_empty());
    }
}
