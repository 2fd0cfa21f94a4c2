//! What became of the files of an import, for people.

use std::fmt;

use proto::insta::knowledge::v1::{ImportDocumentsResponse, ImportOutcome};

const OUTCOMES: [(ImportOutcome, &str); 5] = [
    (ImportOutcome::Added, "added"),
    (ImportOutcome::Changed, "changed"),
    (ImportOutcome::Unchanged, "unchanged"),
    (ImportOutcome::Removed, "removed"),
    (ImportOutcome::Failed, "failed"),
];

/// How many files came to which end, and why some failed.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// In the order of [`OUTCOMES`].
    counts: [usize; 5],
    /// Path and reason, by path.
    failures: Vec<(String, String)>,
}

impl Report {
    pub(super) fn new(results: impl Iterator<Item = ImportDocumentsResponse>) -> Self {
        let mut report = Self {
            counts: [0; 5],
            failures: Vec::new(),
        };
        for result in results {
            let place = OUTCOMES
                .iter()
                .position(|(outcome, _)| *outcome == result.outcome());
            if let Some(place) = place {
                report.counts[place] += 1;
            }
            if result.outcome() == ImportOutcome::Failed {
                report.failures.push((result.path, result.failure));
            }
        }
        report
    }

    /// Whether any file failed.
    pub fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Whether documents were added or changed.
    pub(super) fn wrote(&self) -> bool {
        self.counts[0] + self.counts[1] > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((_, name), count) in OUTCOMES.iter().zip(self.counts) {
            writeln!(f, "{name:<9} {count:>6}")?;
        }
        for (path, failure) in &self.failures {
            writeln!(f, "  {path}: {failure}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_and_names_what_failed() {
        let result = |path: &str, outcome: ImportOutcome, failure: &str| ImportDocumentsResponse {
            path: path.into(),
            document_id: String::new(),
            outcome: outcome.into(),
            failure: failure.into(),
        };
        let report = Report::new(
            [
                result("a.md", ImportOutcome::Added, ""),
                result("b.md", ImportOutcome::Failed, "The file is empty."),
                result("c.md", ImportOutcome::Unchanged, ""),
                result("d.md", ImportOutcome::Unchanged, ""),
            ]
            .into_iter(),
        );
        assert!(report.has_failures() && report.wrote());
        insta::assert_snapshot!(report, @r"
        added          1
        changed        0
        unchanged      2
        removed        0
        failed         1
          b.md: The file is empty.
        ");
    }
}
