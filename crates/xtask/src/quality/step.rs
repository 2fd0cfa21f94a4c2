//! Steps that are carried out one after the other, and how long each took.

use std::time::{Duration, Instant};

use anyhow::Context;

/// The steps done so far, with their times.
#[derive(Debug, Default)]
pub(super) struct Steps {
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Carries a step out.
    ///
    /// # Errors
    ///
    /// The step's own, with its name.
    pub fn run<T>(
        &mut self,
        name: &str,
        step: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        eprintln!("\n== {name}");
        let begun = Instant::now();
        let result = step();
        self.done.push((name.to_owned(), begun.elapsed()));
        result.with_context(|| format!("{name} failed"))
    }

    /// Prints every step's time, also when the last one failed.
    pub fn print(&self) {
        eprintln!();
        for (name, took) in &self.done {
            eprintln!("  {name:<32} {:>7.1} s", took.as_secs_f64());
        }
        let all: Duration = self.done.iter().map(|(_, took)| *took).sum();
        eprintln!("  {:<32} {:>7.1} s", "all", all.as_secs_f64());
    }
}

/// Carries `work` out with fresh steps and prints their times whatever happens.
pub(super) fn timed(work: impl FnOnce(&mut Steps) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut steps = Steps::default();
    let result = work(&mut steps);
    steps.print();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_is_named_and_ends_the_list() {
        let mut steps = Steps::default();
        steps.run("first", || Ok(())).unwrap();
        let error = steps
            .run("second", || -> anyhow::Result<()> { anyhow::bail!("no") })
            .unwrap_err();
        assert_eq!(format!("{error:#}"), "second failed: no");
        assert_eq!(steps.done.len(), 2);
    }
}
