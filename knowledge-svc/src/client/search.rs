//! `knowledge-svc search`: what is found, and why in this order.

use std::fmt::Write;

use proto::insta::knowledge::v1::{Highlight, Passage, Score, SearchRequest, SearchResponse};

use super::{Service, said};
use crate::cli::Search;

/// How the words of the question are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emphasis {
    /// As all others.
    None,
    /// By what makes letters bold on a terminal.
    Bold,
}

/// Asks a question; the answer is text for people.
///
/// # Errors
/// What the service says.
pub async fn search(options: &Search, emphasis: Emphasis) -> anyhow::Result<String> {
    let service = Service::new(&options.connection)?;
    let request = SearchRequest {
        query: options.query.clone(),
        collection: options.collection.clone(),
        labels: options.labels.clone(),
        page_size: options.limit,
        language: options.language.clone(),
        ..SearchRequest::default()
    };
    let request = service.request(request).await?;
    let found = service.client.clone().search(request).await;
    let answer = found.map_err(|status| said(&status))?.into_inner();
    Ok(shown(&answer, emphasis))
}

fn shown(answer: &SearchResponse, emphasis: Emphasis) -> String {
    let mut text = String::new();
    for (place, passage) in (1..).zip(&answer.passages) {
        let _ = writeln!(text, "{place}. {}", heading(passage));
        let _ = writeln!(text, "   {}", reasons(&passage.score.unwrap_or_default()));
        let _ = writeln!(text, "   {}", passage.speakable);
        for line in lines(passage, emphasis) {
            let _ = writeln!(text, "   | {line}");
        }
        text.push('\n');
    }
    if answer.passages.is_empty() {
        text.push_str("Nothing answers this.\n\n");
    }
    if answer.degraded {
        text.push_str("The embedder was away: searched by text alone.\n");
    } else {
        let _ = writeln!(text, "Vectors of {}.", answer.embedding_model);
    }
    text
}

fn heading(passage: &Passage) -> String {
    let path = match passage.heading_path.as_str() {
        "" => String::new(),
        path => format!(" > {path}"),
    };
    format!("{}{path} ({})", passage.title, passage.document_id)
}

fn reasons(score: &Score) -> String {
    let mut reasons = format!(
        "score {:.3}, confidence {:.2}",
        score.fused, score.confidence
    );
    if let Some(rank) = score.vector_rank {
        let similarity = score.similarity.unwrap_or_default();
        let _ = write!(reasons, ", by meaning {rank} (similarity {similarity:.3}");
        if let Some(part) = score.part_similarity {
            let _ = write!(reasons, ", in a part {part:.3}");
        }
        reasons.push(')');
    }
    let _ = write!(reasons, ", {:.0} % of the words", 100.0 * score.coverage);
    if let Some(rank) = score.text_rank {
        let _ = write!(reasons, ", by text {rank}");
    }
    reasons
}

/// The lines of the passage that hold words of the question, with these shown by `emphasis`.
fn lines(passage: &Passage, emphasis: Emphasis) -> Vec<String> {
    let mut lines = Vec::new();
    let mut begin = 0;
    for line in passage.text.split('\n') {
        let end = begin + i32::try_from(line.chars().count()).unwrap_or(i32::MAX);
        let of_line = |word: &&Highlight| begin <= word.start && word.end <= end;
        let words: Vec<_> = passage.highlights.iter().filter(of_line).collect();
        if !words.is_empty() {
            lines.push(emphasised(line, begin, &words, emphasis));
        }
        begin = end.saturating_add(1);
    }
    lines
}

/// A line whose first character is the one at `begin`.
fn emphasised(line: &str, begin: i32, words: &[&Highlight], emphasis: Emphasis) -> String {
    let (before, after) = match emphasis {
        Emphasis::None => ("", ""),
        Emphasis::Bold => ("\x1b[1m", "\x1b[22m"),
    };
    let mut text = String::new();
    for (place, letter) in (begin..).zip(line.chars()) {
        if words.iter().any(|word| word.start == place) {
            text.push_str(before);
        }
        text.push(letter);
        if words.iter().any(|word| word.end == place.saturating_add(1)) {
            text.push_str(after);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_passage_is_told_with_its_reasons() {
        let passage = |heading_path: &str, score| Passage {
            document_id: "refunds".into(),
            title: "Refunds".into(),
            heading_path: heading_path.into(),
            speakable: "Within 30 days.".into(),
            score: Some(score),
            ..Passage::default()
        };
        let both = Score {
            fused: 0.8124,
            similarity: Some(0.55),
            vector_rank: Some(1),
            text_rank: Some(2),
            coverage: 0.8,
            confidence: 0.91,
            part_similarity: Some(0.6),
        };
        let text = Score {
            fused: 0.4,
            text_rank: Some(1),
            ..Score::default()
        };
        let answer = SearchResponse {
            passages: vec![passage("", both), passage("How", text)],
            embedding_model: "model".into(),
            ..SearchResponse::default()
        };
        insta::assert_snapshot!(shown(&answer, Emphasis::None), @r"
        1. Refunds (refunds)
           score 0.812, confidence 0.91, by meaning 1 (similarity 0.550, in a part 0.600), 80 % of the words, by text 2
           Within 30 days.

        2. Refunds > How (refunds)
           score 0.400, confidence 0.00, 0 % of the words, by text 1
           Within 30 days.

        Vectors of model.
        ");
    }

    #[test]
    fn words_of_the_question_are_bold_where_that_can_be_shown() {
        let passage = Passage {
            text: "Größe: 30 Tage.\nSonst nichts.\nGeld zurück".into(),
            highlights: vec![
                Highlight { start: 7, end: 9 },
                Highlight { start: 30, end: 34 },
                Highlight { start: 35, end: 41 },
            ],
            ..Passage::default()
        };
        assert_eq!(
            lines(&passage, Emphasis::None),
            ["Größe: 30 Tage.", "Geld zurück"]
        );
        assert_eq!(
            lines(&passage, Emphasis::Bold),
            [
                "Größe: \x1b[1m30\x1b[22m Tage.",
                "\x1b[1mGeld\x1b[22m \x1b[1mzurück\x1b[22m"
            ]
        );
    }

    #[test]
    fn that_nothing_answers_is_said() {
        let nothing = SearchResponse {
            degraded: true,
            ..SearchResponse::default()
        };
        insta::assert_snapshot!(shown(&nothing, Emphasis::None), @r"
        Nothing answers this.

        The embedder was away: searched by text alone.
        ");
    }
}
