//! What a person sees while pieces are brought in: bars on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The whole of a run.
pub struct Progress {
    /// Absent where nobody watches.
    bars: Option<(MultiProgress, ProgressBar)>,
}

/// One piece of it.
pub struct Step<'a> {
    name: String,
    started: Instant,
    progress: &'a Progress,
    spinner: Option<ProgressBar>,
}

impl Progress {
    pub fn new(steps: usize) -> Self {
        let bars = std::io::stderr().is_terminal().then(|| {
            let bars = MultiProgress::new();
            let total = bars.add(ProgressBar::new(steps as u64).with_style(total_style()));
            total.enable_steady_tick(Duration::from_millis(200));
            (bars, total)
        });
        Self { bars }
    }

    pub fn begin(&self, name: &str) -> Step<'_> {
        let spinner = self.bars.as_ref().map(|(bars, total)| {
            let spinner =
                bars.insert_before(total, ProgressBar::new_spinner().with_style(step_style()));
            spinner.set_message(name.to_owned());
            spinner.enable_steady_tick(Duration::from_millis(200));
            spinner
        });
        if spinner.is_none() {
            eprintln!("  {name} ...");
        }
        Step {
            name: name.to_owned(),
            started: Instant::now(),
            progress: self,
            spinner,
        }
    }

    pub fn finish(self) {
        if let Some((_, total)) = self.bars {
            total.finish_and_clear();
        }
    }
}

impl Step<'_> {
    pub fn done(self) {
        self.end("done");
    }

    pub fn failed(self) {
        self.end("FAILED");
    }

    fn end(self, how: &str) {
        let line = format!(
            "  {} {how} in {:.1} s",
            self.name,
            self.started.elapsed().as_secs_f64()
        );
        match (self.spinner, &self.progress.bars) {
            (Some(spinner), Some((bars, total))) => {
                spinner.finish_and_clear();
                total.inc(1);
                // A terminal that cannot be written to shows nothing, which harms nothing.
                let _ = bars.println(line);
            }
            _ => eprintln!("{line}"),
        }
    }
}

fn total_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} {elapsed}")
        .expect("the template is well-formed")
}

fn step_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("the template is well-formed")
}
