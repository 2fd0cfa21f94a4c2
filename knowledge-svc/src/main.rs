//! knowledge-svc: see the library and the README beside it.

use std::process::ExitCode;

use knowledge_svc::Config;

fn main() -> ExitCode {
    service_kit::run(|config: &Config| &config.server, knowledge_svc::serve)
}
