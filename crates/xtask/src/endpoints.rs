//! Where everything is reached and with what key, be it ours or what the environment names in its place.

use anyhow::{Context, ensure};
use url::Url;

use crate::ports::Ports;
use crate::secrets::{Secret, Secrets};
use crate::settings::Settings;

/// The name under which the agent's workers register at LiveKit.
pub const AGENT_NAME: &str = "insta-assistant";
/// An id with this prefix makes Firebase's tools refuse to touch any real project.
const DEMO_PROJECT: &str = "demo-insta";
const OPENAI: &str = "https://api.openai.com/v1";
const DATABASE: &str = "insta";
const HOST: &str = "127.0.0.1";

/// One of our services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Auth,
    Profile,
    Knowledge,
    Agent,
}

impl Service {
    pub const ALL: [Self; 4] = [Self::Auth, Self::Profile, Self::Knowledge, Self::Agent];

    /// Its short name, as in `state.json` and in the names of its role and schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Profile => "profile",
            Self::Knowledge => "knowledge",
            Self::Agent => "agent",
        }
    }

    /// The name of its program and its part.
    pub fn program(self) -> &'static str {
        match self {
            Self::Auth => "auth-svc",
            Self::Profile => "profile-svc",
            Self::Knowledge => "knowledge-svc",
            Self::Agent => "agent-svc",
        }
    }

    fn number(self) -> u16 {
        match self {
            Self::Auth => 1,
            Self::Profile => 2,
            Self::Knowledge => 3,
            Self::Agent => 4,
        }
    }
}

/// Every address of the running system.
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub ports: Ports,
    pub openai: OpenAi,
    pub livekit: Livekit,
    pub database: Database,
    pub firebase: Firebase,
}

/// OpenAI, or what speaks its protocols.
#[derive(Debug, Clone)]
pub struct OpenAi {
    /// Ends with `/v1`.
    pub base_url: String,
    pub api_key: String,
    pub is_ours: bool,
}

#[derive(Debug, Clone)]
pub struct Livekit {
    /// `ws://` or `wss://`.
    pub url: String,
    pub api_key: String,
    pub api_secret: String,
    pub is_ours: bool,
}

#[derive(Debug, Clone)]
pub struct Database {
    /// With the role that may make roles and databases.
    admin_url: Url,
    /// The database that holds our schemas.
    pub name: String,
    pub is_ours: bool,
}

#[derive(Debug, Clone)]
pub struct Firebase {
    pub project_id: String,
    /// Names the project to Firebase; it is no secret.
    pub api_key: String,
    /// `host:port` of the emulator, when it is ours.
    pub emulator_host: Option<String>,
}

impl Endpoints {
    /// # Errors
    ///
    /// A setting is wrong or lacks another that belongs to it.
    pub fn new(ports: Ports, settings: &Settings, secrets: &Secrets) -> anyhow::Result<Self> {
        Ok(Self {
            ports,
            openai: OpenAi::new(ports, settings),
            livekit: Livekit::new(ports, settings, secrets)?,
            database: Database::new(ports, settings, secrets)?,
            firebase: Firebase::new(ports, settings)?,
        })
    }

    /// `host:port` of a service's gRPC.
    pub fn grpc_address(&self, service: Service) -> String {
        address(self.ports.grpc(service.number()))
    }

    pub fn grpc_url(&self, service: Service) -> String {
        format!("http://{}", self.grpc_address(service))
    }

    /// `host:port` of a service's health and metrics.
    pub fn admin_address(&self, service: Service) -> String {
        address(self.ports.admin(service.number()))
    }

    pub fn web_address(&self) -> String {
        address(self.ports.web())
    }

    pub fn web_url(&self) -> String {
        format!("http://{}", self.web_address())
    }
}

impl OpenAi {
    fn new(ports: Ports, settings: &Settings) -> Self {
        if settings.openai_is_external() {
            let base_url = settings.get("OPENAI_BASE_URL").unwrap_or(OPENAI);
            return Self {
                base_url: base_url.trim_end_matches('/').to_owned(),
                api_key: settings
                    .get("OPENAI_API_KEY")
                    .unwrap_or_default()
                    .to_owned(),
                is_ours: false,
            };
        }
        Self {
            base_url: format!("http://{}/v1", address(ports.local_ai())),
            // It asks for none, but its clients want to send one.
            api_key: "local".into(),
            is_ours: true,
        }
    }

    /// Where a Realtime session is opened.
    pub fn realtime_url(&self) -> String {
        let rest = self.base_url.strip_prefix("http").unwrap_or(&self.base_url);
        format!("ws{rest}/realtime")
    }
}

impl Livekit {
    fn new(ports: Ports, settings: &Settings, secrets: &Secrets) -> anyhow::Result<Self> {
        Ok(match settings.livekit()? {
            Some(external) => Self {
                url: external.url,
                api_key: external.api_key,
                api_secret: external.api_secret,
                is_ours: false,
            },
            None => Self {
                url: format!("ws://{}", address(ports.livekit())),
                api_key: secrets.get(Secret::LivekitKey).to_owned(),
                api_secret: secrets.get(Secret::LivekitSecret).to_owned(),
                is_ours: true,
            },
        })
    }
}

impl Database {
    fn new(ports: Ports, settings: &Settings, secrets: &Secrets) -> anyhow::Result<Self> {
        let Some(text) = settings.get("DATABASE_URL") else {
            let password = secrets.get(Secret::Postgres);
            let text = format!(
                "postgresql://postgres:{password}@{}/postgres?sslmode=disable",
                address(ports.postgres())
            );
            return Ok(Self {
                admin_url: text.parse().expect("the parts are plain"),
                name: DATABASE.into(),
                is_ours: true,
            });
        };
        let admin_url: Url = text.parse().context("DATABASE_URL is not an address")?;
        let name = admin_url.path().trim_start_matches('/').to_owned();
        ensure!(
            matches!(admin_url.scheme(), "postgres" | "postgresql")
                && admin_url.has_host()
                && !name.is_empty(),
            "DATABASE_URL must be postgresql://user:password@host:port/database"
        );
        Ok(Self {
            admin_url,
            name,
            is_ours: false,
        })
    }

    /// The database as the role that may do anything.
    pub fn admin_url(&self) -> String {
        self.admin_url.as_str().to_owned()
    }

    /// Our database as the role that may do anything in it.
    pub fn owner_url(&self) -> String {
        let mut url = self.admin_url.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// Our database as another role. A pooler that tells projects apart by the user's name,
    /// `role.project`, gets the same ending.
    pub fn role_url(&self, role: &str, password: &str) -> String {
        let mut url = self.admin_url.clone();
        let user = match self.admin_url.username().split_once('.') {
            Some((_, project)) => format!("{role}.{project}"),
            None => role.to_owned(),
        };
        url.set_path(&self.name);
        url.set_username(&user)
            .expect("an address with a host has a user");
        url.set_password(Some(password))
            .expect("an address with a host has a password");
        url.into()
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        let host = self.admin_url.host_str().unwrap_or(HOST);
        format!("{host}:{}", self.admin_url.port().unwrap_or(5432))
    }
}

impl Firebase {
    fn new(ports: Ports, settings: &Settings) -> anyhow::Result<Self> {
        Ok(match settings.get("FIREBASE_PROJECT_ID") {
            Some(project_id) => Self {
                project_id: project_id.to_owned(),
                api_key: settings
                    .get("FIREBASE_API_KEY")
                    .context(
                        "FIREBASE_PROJECT_ID needs FIREBASE_API_KEY: the project's web API key",
                    )?
                    .to_owned(),
                emulator_host: None,
            },
            None => Self {
                project_id: DEMO_PROJECT.into(),
                // The emulator takes any.
                api_key: DEMO_PROJECT.into(),
                emulator_host: Some(address(ports.firebase())),
            },
        })
    }
}

/// `host:port` on this machine.
pub fn address(port: u16) -> String {
    format!("{HOST}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn endpoints(env: &str) -> anyhow::Result<Endpoints> {
        let settings = Settings::parse(env)?;
        Endpoints::new(Ports::at(7700), &settings, &testing::secrets())
    }

    #[test]
    fn everything_is_local_unless_told_otherwise() {
        let endpoints = endpoints("").unwrap();
        assert_eq!(
            endpoints.openai.realtime_url(),
            "ws://127.0.0.1:7720/v1/realtime"
        );
        assert_eq!(endpoints.livekit.url, "ws://127.0.0.1:7730");
        assert_eq!(
            endpoints.firebase.emulator_host.as_deref(),
            Some("127.0.0.1:7750")
        );
        assert_eq!(
            endpoints.database.role_url("insta_auth", "p"),
            "postgresql://insta_auth:p@127.0.0.1:7740/insta?sslmode=disable"
        );
    }

    #[test]
    fn openai_is_reached_at_its_own_address_when_only_the_key_is_set() {
        let endpoints = endpoints("OPENAI_API_KEY=sk").unwrap();
        assert_eq!(endpoints.openai.base_url, OPENAI);
        assert_eq!(
            endpoints.openai.realtime_url(),
            "wss://api.openai.com/v1/realtime"
        );
        assert!(!endpoints.openai.is_ours);
    }

    #[test]
    fn another_database_keeps_its_name_its_options_and_its_project() {
        let database = endpoints(
            "DATABASE_URL=postgresql://postgres.ref:p@db.example:5432/app?sslmode=require",
        )
        .unwrap()
        .database;
        assert_eq!(
            database.role_url("insta_auth", "x"),
            "postgresql://insta_auth.ref:x@db.example:5432/app?sslmode=require"
        );
        assert_eq!(database.address(), "db.example:5432");
        assert!(!database.is_ours);
    }

    #[test]
    fn what_is_wrong_with_a_setting_is_said() {
        for (env, wrong) in [
            ("DATABASE_URL=nowhere", "DATABASE_URL is not an address"),
            (
                "DATABASE_URL=postgresql://host",
                "DATABASE_URL must be postgresql://user:password@host:port/database",
            ),
            (
                "FIREBASE_PROJECT_ID=p",
                "FIREBASE_PROJECT_ID needs FIREBASE_API_KEY: the project's web API key",
            ),
        ] {
            assert_eq!(endpoints(env).unwrap_err().to_string(), wrong);
        }
    }
}
