//! The chain from sound to words, as servers use it.

use speech::recognition::Recognizer;
use speech::vad::{Segmenter, SegmenterConfig, SpeechEvent, Vad, WINDOW};
use speech::{Error, Models};

/// Kept before speech, 300 ms: a clipped start loses the first word.
const BEFORE: u64 = 4_800;
/// Speech that is shorter, 250 ms, is no word.
const MIN_VOICED: u64 = 4_000;

pub(crate) struct Ear {
    vad: Vad,
    recognizer: Recognizer,
}

impl Ear {
    pub(crate) fn new(models: &Models) -> Result<Self, Error> {
        Ok(Self {
            vad: models.vad()?,
            recognizer: models.recognizer(1)?,
        })
    }

    /// The words in 16 kHz sound.
    pub(crate) fn listen(&mut self, pcm: &[f32]) -> Result<String, Error> {
        let mut words: Vec<String> = Vec::new();
        for segment in self.segments(pcm)? {
            words.push(self.recognizer.transcribe(segment)?.text);
        }
        words.retain(|text| !text.is_empty());
        Ok(words.join(" "))
    }

    fn segments<'a>(&mut self, pcm: &'a [f32]) -> Result<Vec<&'a [f32]>, Error> {
        let config = SegmenterConfig::default();
        let mut segmenter = Segmenter::new(config);
        let mut events = Vec::new();
        let (mut voiced, mut voiced_since) = (0, 0);
        self.vad.stream().push(&mut self.vad, pcm, |probability| {
            let event = segmenter.push(probability);
            voiced += u64::from(probability >= config.activation);
            match event {
                Some(SpeechEvent::Started { at }) => {
                    // The windows that reported it are speech themselves.
                    voiced_since = voiced.saturating_sub(2);
                    events.push((at, None));
                }
                Some(SpeechEvent::Ended { .. }) => {
                    let length = (voiced - voiced_since) * WINDOW as u64;
                    if let Some(last) = events.last_mut() {
                        last.1 = Some((segmenter.position(), length));
                    }
                }
                None => {}
            }
        })?;
        let end = pcm.len() as u64;
        let length = (voiced - voiced_since) * WINDOW as u64;
        let cut = |(at, ended): (u64, Option<(u64, u64)>)| {
            let (to, voiced) = ended.unwrap_or((end, length));
            let from = at.saturating_sub(BEFORE);
            (voiced >= MIN_VOICED).then(|| &pcm[from as usize..to.min(end) as usize])
        };
        Ok(events.into_iter().filter_map(cut).collect())
    }
}
