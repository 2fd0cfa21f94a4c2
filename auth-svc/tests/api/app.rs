//! The service under test and everything around it.

use auth_svc::{
    Config, FirebaseConfig, LivekitConfig, bootstrap,
    cli::{BootstrapClient, BootstrapOperator},
};
use chrono::{DateTime, SubsecRound, Utc};
use db::DatabaseConfig;
use proto::insta::auth::v1::{
    CreateSessionRequest, CreateSessionResponse, IssueServiceTokenRequest,
    auth_service_client::AuthServiceClient,
};
use serde_json::{Value, json};
use service_kit::{
    Caller, Scope,
    client::{self, BearerToken},
    clock::Clock,
    keys::TokenVerifier,
};
use test_kit::{TestDatabase, TestService, server_config};
use tonic::{Request, Status, transport::Channel};

use crate::{google::FakeGoogle, livekit::FakeLivekit, profiles::FakeProfiles};

pub(crate) const PROJECT: &str = "insta-test";
pub(crate) const API_KEY: &str = "test-key";
pub(crate) const API_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A service that runs until it is dropped, at a time that stands still.
pub(crate) struct TestApp {
    pub(crate) service: TestService,
    database: Option<TestDatabase>,
    pub(crate) google: FakeGoogle,
    pub(crate) profiles: FakeProfiles,
    pub(crate) livekit: FakeLivekit,
    pub(crate) clock: Clock,
    /// What it was started with.
    pub(crate) config: Config,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with settings that `change` has changed.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::new().await;
        let google = FakeGoogle::start().await;
        let profiles = FakeProfiles::start().await;
        let livekit = FakeLivekit::start().await;
        let clock = Clock::fixed(Clock::system().now().trunc_subsecs(0));
        let mut config = Config {
            server: server_config(),
            database: database.config("insta_auth"),
            firebase: FirebaseConfig {
                firebase_project_id: PROJECT.into(),
                firebase_auth_emulator_host: None,
                keys_url: google.url.clone(),
            },
            livekit: LivekitConfig {
                livekit_url: livekit.url.clone(),
                livekit_api_key: API_KEY.into(),
                livekit_api_secret: API_SECRET.into(),
            },
            profile_url: profiles.url.clone(),
        };
        change(&mut config);
        let service = start(config.clone(), &clock).await;
        Self {
            service,
            database: Some(database),
            google,
            profiles,
            livekit,
            clock,
            config,
        }
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        self.database.as_ref().expect("the test has not lost it")
    }

    /// Takes the database away from under the service.
    pub(crate) fn lose_database(&mut self) {
        self.database = None;
    }

    pub(crate) fn client(&self) -> AuthServiceClient<Channel> {
        AuthServiceClient::new(self.service.channel())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The claims of a good ID token of `user_id`.
    pub(crate) fn claims(&self, user_id: &str) -> Value {
        let now = self.now().timestamp();
        json!({
            "iss": format!("https://securetoken.google.com/{PROJECT}"),
            "aud": PROJECT,
            "sub": user_id,
            "user_id": user_id,
            "iat": now,
            "auth_time": now,
            "exp": now + 3600,
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "email_verified": false,
            "firebase": {"sign_in_provider": "password", "identities": {"email": ["ada@example.com"]}},
        })
    }

    /// A good ID token of `user_id`.
    pub(crate) fn id_token(&self, user_id: &str) -> String {
        self.google.key.token(&self.claims(user_id))
    }

    pub(crate) async fn create_session(
        &self,
        id_token: &str,
    ) -> Result<CreateSessionResponse, Status> {
        let id_token = id_token.into();
        let request = CreateSessionRequest { id_token };
        Ok(self.client().create_session(request).await?.into_inner())
    }

    /// The session token of `user_id`.
    pub(crate) async fn session(&self, user_id: &str) -> String {
        let session = self.create_session(&self.id_token(user_id)).await;
        session.unwrap().session_token
    }

    /// Registers a client with this secret and these scopes.
    pub(crate) async fn register(&self, id: &str, secret: &str, scopes: &[Scope]) {
        let options = BootstrapClient {
            database: self.database_config(),
            id: id.parse().unwrap(),
            scopes: scopes.to_vec(),
            client_secret: secret.into(),
        };
        bootstrap::client(options).await.unwrap();
    }

    pub(crate) async fn make_operator(&self, user_id: &str) {
        let options = BootstrapOperator {
            database: self.database_config(),
            user_id: user_id.parse().unwrap(),
        };
        bootstrap::operator(options).await.unwrap();
    }

    pub(crate) fn database_config(&self) -> DatabaseConfig {
        self.database().config("insta_auth")
    }

    /// A service token of a client with this id and scope, which is registered on the way.
    pub(crate) async fn service_token(&self, id: &str, scope: Scope) -> String {
        let secret = format!("the secret of {id}, 32 characters long or longer");
        self.register(id, &secret, &[scope]).await;
        let request = IssueServiceTokenRequest {
            client_id: id.into(),
            client_secret: secret,
            scopes: Vec::new(),
        };
        let answer = self.client().issue_service_token(request).await.unwrap();
        answer.into_inner().service_token
    }

    /// Who `token` says is calling, as another service would find out.
    pub(crate) async fn caller(&self, token: &str) -> Caller {
        let verifier = TokenVerifier::remote(self.service.channel(), self.clock.clone());
        verifier.verify(token).await.unwrap()
    }
}

/// Starts the service with these settings.
pub(crate) async fn start(config: Config, clock: &Clock) -> TestService {
    let clock = clock.clone();
    TestService::start(|listeners, shutdown| {
        auth_svc::serve_with(config, clock, listeners, shutdown)
    })
    .await
}

/// A request that carries `token`.
pub(crate) fn with_token<T>(token: &str, message: T) -> Request<T> {
    let token = BearerToken::new(token).unwrap();
    client::request(message, &token, std::time::Duration::from_secs(10))
}
