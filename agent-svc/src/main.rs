//! agent-svc: see the library.

use std::process::ExitCode;

use agent_svc::Config;

fn main() -> ExitCode {
    service_kit::run(|config: &Config| &config.server, agent_svc::serve)
}
