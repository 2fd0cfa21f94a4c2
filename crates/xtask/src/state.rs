//! `.dev/state.json`: what others need to know of the running system.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::demo;
use crate::endpoints::{AGENT_NAME, Endpoints, Service};
use crate::private_file;
use crate::project::Project;
use crate::secrets::{Secret, Secrets};

const VERSION: u32 = 1;
/// The service clients that people use. Those of our own services are nobody else's business.
const CLIENTS: [&str; 2] = ["operator", "integration"];

/// Addresses, keys and process ids. A part that is not ours has no process id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    pub version: u32,
    pub web: Web,
    pub services: BTreeMap<String, ServiceState>,
    pub local_ai: LocalAi,
    pub livekit: Livekit,
    pub firebase: Firebase,
    pub database: Database,
    pub users: Vec<User>,
    pub clients: BTreeMap<String, Client>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Web {
    pub url: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceState {
    pub grpc: String,
    pub admin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LocalAi {
    pub base_url: String,
    pub realtime_url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Livekit {
    pub url: String,
    pub api_key: String,
    pub api_secret: String,
    pub agent_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Firebase {
    /// `host:port`; null when a real project is used.
    pub emulator_host: Option<String>,
    pub project_id: String,
    pub api_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Database {
    /// Our database, with a role that may do anything in it.
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    pub email: String,
    pub password: String,
    pub user_id: String,
    pub name: String,
    pub subscription_tier: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    pub client_id: String,
    pub client_secret: String,
}

impl State {
    pub fn new(
        endpoints: &Endpoints,
        secrets: &Secrets,
        users: Vec<demo::User>,
        pid: impl Fn(&str) -> Option<u32>,
    ) -> Self {
        let Endpoints {
            openai,
            livekit,
            database,
            firebase,
            ..
        } = endpoints;
        let service = |service: Service| ServiceState {
            grpc: endpoints.grpc_url(service),
            admin: format!("http://{}", endpoints.admin_address(service)),
            pid: pid(service.program()),
        };
        let client = |id: &'static str| Client {
            client_id: id.into(),
            client_secret: secrets.get(Secret::Client(id)).into(),
        };
        Self {
            version: VERSION,
            web: Web {
                url: endpoints.web_url(),
            },
            services: Service::ALL
                .map(|known| (known.name().to_owned(), service(known)))
                .into(),
            local_ai: LocalAi {
                base_url: openai.base_url.clone(),
                realtime_url: openai.realtime_url(),
                pid: pid("local-ai"),
            },
            livekit: Livekit {
                url: livekit.url.clone(),
                api_key: livekit.api_key.clone(),
                api_secret: livekit.api_secret.clone(),
                agent_name: AGENT_NAME.into(),
                pid: pid("livekit"),
            },
            firebase: Firebase {
                emulator_host: firebase.emulator_host.clone(),
                project_id: firebase.project_id.clone(),
                api_key: firebase.api_key.clone(),
                pid: pid("firebase"),
            },
            database: Database {
                url: database.owner_url(),
                pid: pid("postgres"),
            },
            users: users.into_iter().map(User::from).collect(),
            clients: CLIENTS.map(|id| (id.to_owned(), client(id))).into(),
        }
    }

    pub fn write(&self, project: &Project) -> anyhow::Result<()> {
        private_file::write(&path(project), &serde_json::to_vec_pretty(self)?)
    }

    /// # Errors
    ///
    /// The project has never been up, or the file cannot be understood.
    pub fn read(project: &Project) -> anyhow::Result<Self> {
        let path = path(project);
        let json = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                anyhow::bail!("nothing runs here: start it with `cargo xtask up`")
            }
            other => other.with_context(|| path.display().to_string())?,
        };
        serde_json::from_slice(&json).with_context(|| path.display().to_string())
    }

    /// What a demo user signs in with.
    pub fn user(&self, email: &str) -> anyhow::Result<&User> {
        self.users
            .iter()
            .find(|user| user.email == email)
            .with_context(|| {
                let known: Vec<_> = self.users.iter().map(|user| user.email.as_str()).collect();
                format!("{email} is no demo user; there are {}", known.join(", "))
            })
    }
}

impl From<demo::User> for User {
    fn from(user: demo::User) -> Self {
        Self {
            email: user.email,
            password: user.password,
            user_id: user.user_id,
            name: user.name,
            subscription_tier: user.subscription_tier,
        }
    }
}

fn path(project: &Project) -> PathBuf {
    project.dev_dir().join("state.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn user() -> demo::User {
        demo::User {
            user_id: "u".into(),
            email: "u@example.com".into(),
            password: "p".into(),
            name: "U".into(),
            subscription_tier: "pro".into(),
            facts: vec![],
        }
    }

    #[test]
    fn the_shape_is_the_published_one() {
        let state = State::new(
            &testing::endpoints(""),
            &testing::secrets(),
            vec![user()],
            |_| Some(42),
        );
        insta::assert_json_snapshot!(state);
    }

    #[test]
    fn a_part_that_is_not_ours_has_no_pid() {
        let endpoints =
            testing::endpoints("OPENAI_API_KEY=k\nFIREBASE_PROJECT_ID=p\nFIREBASE_API_KEY=k");
        let state = State::new(&endpoints, &testing::secrets(), vec![], |_| None);
        let json = serde_json::to_value(&state).unwrap();
        assert!(json["local_ai"].get("pid").is_none());
        assert_eq!(json["firebase"]["emulator_host"], serde_json::Value::Null);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::TempDir::new().unwrap();
        let project = Project::at(dir.path());
        let missing = State::read(&project).unwrap_err().to_string();
        assert!(missing.contains("cargo xtask up"), "{missing}");

        fs::create_dir(project.dev_dir()).unwrap();
        State::new(
            &testing::endpoints(""),
            &testing::secrets(),
            vec![user()],
            |_| Some(1),
        )
        .write(&project)
        .unwrap();
        let state = State::read(&project).unwrap();
        assert_eq!(state.user("u@example.com").unwrap().user_id, "u");
        let error = state.user("x@example.com").unwrap_err().to_string();
        assert_eq!(
            error,
            "x@example.com is no demo user; there are u@example.com"
        );
    }
}
