//! What several tests of this crate need.

use crate::endpoints::Endpoints;
use crate::ports::Ports;
use crate::secrets::Secrets;
use crate::settings::Settings;

/// Secrets whose values are their names.
pub(crate) fn secrets() -> Secrets {
    Secrets::named_after_themselves()
}

/// Everything local, in the first block of ports, but for what `env` replaces.
pub(crate) fn endpoints(env: &str) -> Endpoints {
    let settings = Settings::parse(env).expect("the test's settings are well-formed");
    Endpoints::new(Ports::at(7700), &settings, &secrets())
        .expect("the test's settings fit together")
}
