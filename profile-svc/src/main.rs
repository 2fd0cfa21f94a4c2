//! profile-svc: see the library and the README beside it.

use std::process::ExitCode;

use profile_svc::Config;

fn main() -> ExitCode {
    service_kit::run(|config: &Config| &config.server, profile_svc::serve)
}
