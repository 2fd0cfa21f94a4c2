//! A plan for tests: everything installed somewhere, nothing started.

use std::path::PathBuf;

use super::part::Part;
use super::plan::Context;
use crate::endpoints::Endpoints;
use crate::ports::Ports;
use crate::project::Project;
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::setup::Installed;
use crate::testing;

pub(crate) struct Fixture {
    project: Project,
    installed: Installed,
    endpoints: Endpoints,
    settings: Settings,
    secrets: Secrets,
}

impl Fixture {
    pub(crate) fn new(env: &str) -> Self {
        let at = |name: &str| PathBuf::from("/cache").join(name);
        let settings = Settings::parse(env).unwrap();
        let secrets = testing::secrets();
        Self {
            project: Project::at("/clone"),
            installed: Installed {
                livekit_server: at("livekit-server"),
                postgres: at("postgres"),
                models: at("models"),
                firebase: at("firebase.js"),
                grpcurl: at("grpcurl"),
                livekit_python: at("python"),
                chromium: None,
            },
            endpoints: Endpoints::new(Ports::at(7700), &settings, &secrets).unwrap(),
            settings,
            secrets,
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            project: &self.project,
            installed: &self.installed,
            endpoints: &self.endpoints,
            settings: &self.settings,
            secrets: &self.secrets,
            xtask: "/xtask".into(),
        }
    }
}

/// Each part's environment, one variable a line.
pub(crate) fn shown(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        text += &format!("{} at {}\n", part.name, part.address);
        for (name, value) in part.process.iter().flat_map(|process| &process.env) {
            text += &format!("  {name}={value}\n");
        }
    }
    text
}
