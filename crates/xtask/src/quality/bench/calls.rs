//! `bench calls`: whole calls through LiveKit, as a caller hears them: how soon the assistant falls
//! silent when it is spoken over, how soon it goes on after a nod, and what a turn takes beyond the
//! model's own time.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::super::e2e::{System, with_system};
use crate::project::Project;

/// How long after an answer's first sound it is spoken over.
const INTO_ANSWER_MS: &str = "700";
/// What is said, a turn each. The answers are long enough to be spoken over.
const QUESTIONS: [&str; 5] = [
    "What plan am I on?",
    "How do I reset my password?",
    "When does my plan renew?",
    "How can I invite somebody to my workspace?",
    "What is my account number?",
];
/// Ten calls are fifty answers.
const CALLS: usize = 10;

/// What was measured, in milliseconds.
#[derive(Debug, Default)]
struct Figures {
    /// From the caller's first voiced sample to the last sound of the assistant.
    stopped: Vec<f64>,
    /// From there to the news that the answer is cut short.
    cut: Vec<f64>,
    /// From the last sample of a nod to the assistant's next sound.
    resumed: Vec<f64>,
    /// From the caller's last voiced sample to the first sound of the answer.
    heard: Vec<f64>,
    /// The same as agent-svc sees it.
    sent: Vec<f64>,
    /// From the caller's last voiced sound to the decision that the turn is over.
    end_of_turn: Vec<f64>,
    /// From there to the model's first sound.
    model: Vec<f64>,
    /// What was asked and not answered, or not as expected.
    odd: Vec<String>,
}

/// Makes the calls and prints what they came to.
pub(super) fn bench(project: &Project, args: &[OsString]) -> anyhow::Result<()> {
    let is_sample = match args {
        [] => false,
        [only] if only == "--sample" => true,
        _ => bail!("calls knows no options but --sample"),
    };
    with_system(project, |system| measure(system, is_sample))
}

/// The same on a system that is up.
pub(super) fn measure(system: &System, is_sample: bool) -> anyhow::Result<()> {
    let (calls, questions) = match is_sample {
        false => (CALLS, &QUESTIONS[..]),
        true => (1, &QUESTIONS[..2]),
    };
    let mut figures = Figures::default();
    for over in ["--barge-in", "--nod"] {
        for _ in 0..calls {
            let mut args = vec![over, INTO_ANSWER_MS];
            args.extend(questions.iter().flat_map(|question| ["--say", question]));
            let report = system.call(args)?;
            let call_id = report["call_id"].as_str();
            let call_id = call_id.with_context(|| format!("no call was made: {report}"))?;
            // All calls together outlast a token.
            let record = system.ended(&system.operator_token()?, call_id)?;
            figures.add(&report, &record);
        }
    }
    figures.print();
    ensure!(
        !figures.stopped.is_empty() && !figures.resumed.is_empty() && !figures.heard.is_empty(),
        "nothing was measured: {:?}",
        figures.odd
    );
    Ok(())
}

impl Figures {
    fn add(&mut self, report: &Value, record: &Value) {
        let turns = report["turns"].as_array().map_or(&[][..], Vec::as_slice);
        let answers: Vec<&Value> = record["turns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|turn| turn["latency"].is_object())
            .collect();
        for turn in turns {
            self.stopped.extend(turn["stopped_ms"].as_f64());
            self.cut.extend(turn["cut_ms"].as_f64());
            self.resumed.extend(turn["resumed_ms"].as_f64());
            if turn["first_audio_ms"].is_null() {
                self.odd.push(format!("no answer to {}", turn["said"]));
            }
        }
        let heard: Vec<f64> = turns
            .iter()
            .filter_map(|turn| turn["first_audio_ms"].as_f64())
            .collect();
        // A "Wait, stop." has an answer that nobody waits for: it may be on record as well.
        let is_whole = (heard.len()..=heard.len() + 1).contains(&answers.len());
        if !is_whole {
            let (told, stored) = (heard.len(), answers.len());
            self.odd
                .push(format!("{told} answers heard, {stored} on record"));
            return;
        }
        for (heard, answer) in heard.into_iter().zip(answers) {
            let latency = &answer["latency"];
            let [Some(end_of_turn), Some(model), Some(sent)] =
                ["endOfTurnDelay", "firstAudio", "voiceToVoice"].map(|part| ms(&latency[part]))
            else {
                continue;
            };
            self.heard.push(heard);
            self.end_of_turn.push(end_of_turn);
            self.model.push(model);
            self.sent.push(sent);
        }
    }

    fn print(&self) {
        let beyond = |whole: &[f64]| -> Vec<f64> {
            let known = self.end_of_turn.iter().zip(&self.model);
            let parts = whole.iter().zip(known);
            parts.map(|(whole, (a, b))| whole - a - b).collect()
        };
        let way: Vec<f64> = (self.heard.iter().zip(&self.sent))
            .map(|(heard, sent)| heard - sent)
            .collect();
        let within = |list: &[f64], limit: f64| {
            let count = list.iter().filter(|ms| **ms <= limit).count();
            format!("{count} of {}", list.len())
        };
        println!(
            "spoken over {INTO_ANSWER_MS} ms into each answer, through LiveKit; p50/p95 in ms\n"
        );
        println!("| what | measured | goal | within |\n|---|--:|--:|--:|");
        let row = |what: &str, list: &[f64], goal: &str, within: String| {
            println!("| {what} | {} | {goal} | {within} |", percentiles(list));
        };
        row(
            "from the caller's voice to silence",
            &self.stopped,
            "250/350",
            within(&self.stopped, 350.0),
        );
        row(
            "from there to the answer's being cut",
            &self.cut,
            "800 at most",
            within(&self.cut, 800.0),
        );
        row(
            "from the end of a nod to the answer's going on",
            &self.resumed,
            "1000 at most",
            within(&self.resumed, 1000.0),
        );
        row(
            "voice to voice, as the caller hears it",
            &self.heard,
            "",
            String::new(),
        );
        row(
            "- the end of the turn",
            &self.end_of_turn,
            "",
            String::new(),
        );
        row(
            "- the model, with its tools",
            &self.model,
            "",
            String::new(),
        );
        row(
            "- beyond both",
            &beyond(&self.heard),
            "100 (p50)",
            within(&beyond(&self.heard), 100.0),
        );
        row(
            "- of that, in agent-svc",
            &beyond(&self.sent),
            "",
            String::new(),
        );
        row(
            "- of that, both ways through LiveKit and both ends' buffers",
            &way,
            "",
            String::new(),
        );
        for odd in &self.odd {
            println!("  {odd}");
        }
    }
}

/// The milliseconds of a duration as JSON has it: `0.412s`.
fn ms(duration: &Value) -> Option<f64> {
    let seconds: f64 = duration.as_str()?.strip_suffix('s')?.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).ok()?.as_secs_f64() * 1_000.0)
}

/// The median and the 95th percentile, by the nearest rank.
fn percentiles(list: &[f64]) -> String {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |part: f64| {
        let rank = (part * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1))
    };
    match (rank(0.5), rank(0.95)) {
        (Some(p50), Some(p95)) => format!("{p50:.0}/{p95:.0}"),
        _ => "-".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_taken_apart_by_their_record() {
        let mut figures = Figures::default();
        let latency =
            json!({"endOfTurnDelay": "0.400s", "firstAudio": "0.312s", "voiceToVoice": "0.725s"});
        let record =
            json!({"turns": [{"text": "Hello."}, {"latency": latency}, {"latency": latency}]});
        let report = json!({"turns": [
            {"said": "What plan?", "first_audio_ms": 800, "stopped_ms": 180, "cut_ms": 620},
        ]});
        figures.add(&report, &record);
        assert_eq!(percentiles(&figures.heard), "800/800");
        assert_eq!(percentiles(&figures.sent), "725/725");
        assert_eq!(percentiles(&figures.cut), "620/620");
        assert!(figures.odd.is_empty(), "{:?}", figures.odd);

        let unanswered = json!({"turns": [{"said": "Why?", "first_audio_ms": null}]});
        figures.add(&unanswered, &record);
        assert_eq!(
            figures.odd,
            ["no answer to \"Why?\"", "0 answers heard, 2 on record"]
        );
    }

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let list: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(percentiles(&list), "10/19");
        assert_eq!(percentiles(&[]), "-");
        assert_eq!(ms(&json!("1.5s")), Some(1_500.0));
        assert_eq!(ms(&json!("soon")), None);
    }
}
