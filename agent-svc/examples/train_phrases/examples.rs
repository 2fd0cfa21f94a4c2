//! The examples in `training/`, as written and as heard.

use agent_svc::by_sound::LastWords;
use agent_svc::phrases::Phrases;
use anyhow::Context as _;
use speech::phrase::Phrase;

use crate::learn::Case;

/// The end of a long turn is all that is heard of it.
const HEARD: usize = 12;
/// How much an example counts that was heard, because what will be judged is heard too.
const HEARD_WEIGHT: f64 = 3.0;

/// A phrase, and whether it is what is looked for.
pub(crate) struct Example {
    /// Those that were made of one line are learned or told together.
    pub(crate) line: usize,
    pub(crate) phrase: Phrase,
    pub(crate) is: bool,
    /// How it was spoken; `None` if it is only written.
    pub(crate) heard: Option<Spoken>,
}

/// What a call heard beside the words.
pub(crate) struct Spoken {
    pub(crate) melody: f32,
    pub(crate) words: LastWords,
}

impl Example {
    pub(crate) fn case(&self) -> Case<'_> {
        Case {
            values: &self.phrase,
            is: self.is,
            known: 0.0,
            weight: if self.heard.is_some() {
                HEARD_WEIGHT
            } else {
                1.0
            },
        }
    }
}

/// Of `turns.txt` or `overlaps.txt`, a line of which gives these texts, each with whether it is what is looked for.
pub(crate) fn written(
    phrases: &Phrases,
    file: &str,
    texts: fn(&str) -> Vec<(String, bool)>,
) -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for (line, text) in file.lines().enumerate() {
        for (text, is) in texts(text) {
            if let Some(phrase) = phrases.read(&text)? {
                examples.push(Example {
                    line,
                    phrase,
                    is,
                    heard: None,
                });
            }
        }
    }
    Ok(examples)
}

/// The whole turn, its sentences so far, and its beginnings.
pub(crate) fn turn(line: &str) -> Vec<(String, bool)> {
    let whole = line.replace(" | ", " ");
    let sentences = whole.match_indices(['.', '?', '!']);
    let sentences = sentences.map(|(at, _)| (whole[..=at].to_owned(), true));
    let parts: Vec<&str> = line.split(" | ").collect();
    let beginnings = (1..parts.len()).map(|count| (parts[..count].join(" "), false));
    let all: Vec<_> = sentences.chain(beginnings).collect();
    let ends = all.iter().filter_map(|(text, is)| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let from = words.len().checked_sub(HEARD).filter(|from| *from > 2)?;
        Some((words[from..].join(" "), *is))
    });
    let ends: Vec<_> = ends.collect();
    all.into_iter().chain(ends).collect()
}

/// What was said, and its beginnings of two words and more.
pub(crate) fn overlap(line: &str) -> Vec<(String, bool)> {
    let Some((kind, text)) = line.split_once(": ") else {
        return Vec::new();
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let beginnings = (2..words.len()).map(|count| words[..count].join(" "));
    let all = beginnings.chain([text.to_owned()]);
    all.map(|text| (text, kind == "nod")).collect()
}

/// Of a file that `eval_turns --hear` wrote, in which this kind is what is looked for.
pub(crate) fn heard(phrases: &Phrases, file: &str, kind: &str) -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for row in file.lines() {
        let fields: Vec<&str> = row.split('\t').collect();
        let [line, of_kind, melody, last_confidence, text] = fields[..] else {
            anyhow::bail!("five fields were expected: {row}");
        };
        let number = |field: &str| field.parse::<f32>().with_context(|| row.to_owned());
        if let Some(phrase) = phrases.read(text)? {
            examples.push(Example {
                line: line.parse().with_context(|| row.to_owned())?,
                phrase,
                is: of_kind == kind,
                heard: Some(Spoken {
                    melody: number(melody)?,
                    words: LastWords {
                        text: text.to_owned(),
                        whole: 0.0,
                        last_confidence: number(last_confidence)?,
                    },
                }),
            });
        }
    }
    Ok(examples)
}
