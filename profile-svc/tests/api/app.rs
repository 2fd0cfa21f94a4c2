//! profile-svc with a database of its own.

use chrono::DateTime;
use clap::Parser;
use profile_svc::Config;
use proto::insta::profile::v1::{self as pb, profile_service_client::ProfileServiceClient};
use service_kit::{Caller, Scope, clock::Clock};
use test_kit::{Identity, TestDatabase, TestService, server_config};
use tonic::{Request, transport::Channel};

pub struct TestApp {
    pub client: ProfileServiceClient<Channel>,
    pub identity: Identity,
    pub clock: Clock,
    pub service: TestService,
    pub database: TestDatabase,
}

impl TestApp {
    pub async fn start() -> Self {
        let clock = Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let identity = Identity::new(clock.clone());
        let database = TestDatabase::new().await;
        let mut config = Config::parse_from([
            "profile-svc",
            "--listen-addr=127.0.0.1:0",
            "--admin-addr=127.0.0.1:0",
            "--auth-url=http://127.0.0.1:1",
            "--database-url=postgresql://replaced@127.0.0.1/below",
        ]);
        config.server = server_config();
        config.database = database.config("insta_profile");
        let (verifier, time) = (identity.verifier(), clock.clone());
        let service = TestService::start(|listeners, shutdown| {
            profile_svc::serve_with(config, verifier, time, listeners, shutdown)
        })
        .await;
        let client = ProfileServiceClient::new(service.channel());
        Self {
            client,
            identity,
            clock,
            service,
            database,
        }
    }

    pub fn client(&self) -> ProfileServiceClient<Channel> {
        self.client.clone()
    }

    /// A request of a signed-in person.
    pub fn user<T>(&self, user_id: &str, message: T) -> Request<T> {
        self.identity.request(&Identity::user(user_id), message)
    }

    /// A request of a service with these scopes.
    pub fn service<T>(&self, scopes: &[Scope], message: T) -> Request<T> {
        self.identity.request(&Identity::service(scopes), message)
    }

    pub fn from<T>(&self, caller: &Caller, message: T) -> Request<T> {
        self.identity.request(caller, message)
    }

    /// Makes a profile, as a sign-in does.
    pub async fn sign_in(&self, user_id: &str) -> pb::Profile {
        let request = pb::EnsureProfileRequest {
            user_id: user_id.into(),
            name: user_id.to_uppercase(),
            email: format!("{user_id}@example.com"),
        };
        let request = self.service(&[Scope::ProfileEnsure], request);
        let answer = self
            .client()
            .ensure_profile(request)
            .await
            .unwrap()
            .into_inner();
        answer.profile.unwrap()
    }

    pub async fn profile(&self, user_id: &str) -> pb::Profile {
        let request = self.user(user_id, pb::GetProfileRequest::default());
        self.client()
            .get_profile(request)
            .await
            .unwrap()
            .into_inner()
            .profile
            .unwrap()
    }
}
