//! A headless caller: takes a real place in a real room, speaks, listens, and reports what it heard and when.
//!
//! It is the smoke test, the monitoring probe and the load generator. It knows of the assistant only what a
//! browser knows: `StartCall`, the room, and `WatchCall`.

mod call;
mod clip;
mod handset;
mod options;
mod over;
mod report;
mod transcript;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, error::ErrorKind};

use options::Options;
use report::Report;

#[tokio::main]
async fn main() -> ExitCode {
    service_kit::install_crypto();
    let matches = Options::command().get_matches();
    let options = match Options::from_arg_matches(&matches) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    if !options.is_clear() {
        let text = "--barge-in and --nod need a turn each, and not the same: 800@1";
        Options::command()
            .error(ErrorKind::ArgumentConflict, text)
            .exit();
    }
    let lines = options.lines(&matches);
    let mut report = Report::default();
    let outcome = call::run(&options, &lines, &mut report).await;
    if let Err(error) = &outcome {
        report.error = Some(format!("{error:#}"));
    }
    report.ok = outcome.is_ok()
        && report
            .turns
            .iter()
            .all(|turn| turn.first_audio_ms.is_some());
    report.print(options.json);
    report.exit_code()
}
