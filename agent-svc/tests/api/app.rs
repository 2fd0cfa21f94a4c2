//! agent-svc with a database of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_svc::Config;
use clap::Parser;
use diesel_async::RunQueryDsl as _;
use proto::insta::agent::v1::agent_service_client::AgentServiceClient;
use proto::insta::agent::v1::{self as pb, watch_call_response::Event};
use service_kit::{Scope, clock::Clock};
use test_kit::{Identity, LivekitKeys, TestDatabase, TestService, server_config};
use tokio::net::TcpListener;
use tonic::transport::Channel;
use tonic::{Request, Streaming};

use crate::auth::Control;

/// How long anything that is waited for may take.
pub const LIMIT: Duration = Duration::from_secs(90);

pub struct TestApp {
    pub identity: Arc<Identity>,
    pub service: TestService,
    pub database: TestDatabase,
    pub auth: Control,
}

/// A server that takes connections and never answers.
async fn silent_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    address
}

/// What an instance is given. Where nothing is given, somebody takes connections and never answers.
#[derive(Default)]
pub struct Setup {
    pub max_calls: Option<u32>,
    /// Base URL of the speech provider.
    pub provider: Option<String>,
    pub livekit: Option<(String, LivekitKeys)>,
    /// Further settings.
    pub settings: Vec<&'static str>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::build(Setup::default()).await
    }

    pub async fn with_places(max_calls: u32) -> Self {
        Self::build(Setup {
            max_calls: Some(max_calls),
            ..Setup::default()
        })
        .await
    }

    /// With a speech provider that can be reached.
    pub async fn with_provider(base_url: &str) -> Self {
        Self::build(Setup {
            provider: Some(base_url.to_owned()),
            ..Setup::default()
        })
        .await
    }

    pub async fn build(setup: Setup) -> Self {
        let clock = Clock::system();
        let identity = Arc::new(Identity::new(clock.clone()));
        let database = TestDatabase::new().await;
        let models = std::env::var("MODELS_DIR")
            .expect("MODELS_DIR names the models folder: run `cargo xtask test`");
        let silent = silent_server().await;
        let (livekit_url, keys) = match setup.livekit {
            Some((url, keys)) => (url, Some(keys)),
            None => (format!("ws://{silent}"), None),
        };
        let (auth_url, auth) = crate::auth::start(identity.clone(), keys).await;
        let provider = setup.provider.unwrap_or(format!("http://{silent}/v1"));
        let max_calls = setup.max_calls.unwrap_or(4);
        let given = [
            "agent-svc",
            "--listen-addr=127.0.0.1:0",
            "--admin-addr=127.0.0.1:0",
            "--database-url=postgresql://replaced@127.0.0.1/below",
            "--client-id=agent-svc",
            "--client-secret=secret",
            "--profile-url=http://127.0.0.1:1",
            "--knowledge-url=http://127.0.0.1:1",
            "--openai-api-key=key",
            &format!("--auth-url={auth_url}"),
            &format!("--livekit-url={livekit_url}"),
            &format!("--openai-base-url={provider}"),
            &format!("--models-dir={models}"),
            &format!("--max-calls={max_calls}"),
        ];
        let mut config = Config::parse_from(given.into_iter().chain(setup.settings));
        config.server = server_config();
        config.database = database.config("insta_agent");
        let verifier = identity.verifier();
        let service = TestService::start(|listeners, shutdown| {
            agent_svc::serve_with(config, verifier, clock, listeners, shutdown)
        })
        .await;
        Self {
            identity,
            service,
            database,
            auth,
        }
    }

    pub fn client(&self) -> AgentServiceClient<Channel> {
        AgentServiceClient::new(self.service.channel())
    }

    /// A request of a signed-in person.
    pub fn user<T>(&self, user_id: &str, message: T) -> Request<T> {
        self.identity.request(&Identity::user(user_id), message)
    }

    /// A request of an operator.
    pub fn operator<T>(&self, message: T) -> Request<T> {
        self.identity
            .request(&Identity::service(&[Scope::Operator]), message)
    }

    pub async fn start_call(&self, user_id: &str) -> pb::StartCallResponse {
        let request = self.user(user_id, pb::StartCallRequest {});
        self.client()
            .start_call(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub async fn call_of(&self, user_id: &str) -> pb::Call {
        self.start_call(user_id).await.call.unwrap()
    }

    pub async fn get(&self, call_id: &str) -> pb::Call {
        let call_id = call_id.to_owned();
        let request = self.operator(pb::GetCallRequest { call_id });
        let answer = self.client().get_call(request).await.unwrap();
        answer.into_inner().call.unwrap()
    }

    pub async fn end(&self, request: Request<pb::EndCallRequest>) {
        self.client().end_call(request).await.unwrap();
    }

    pub async fn watch(&self, user_id: &str, call_id: &str) -> Streaming<pb::WatchCallResponse> {
        let call_id = call_id.to_owned();
        let request = self.user(user_id, pb::WatchCallRequest { call_id });
        self.client()
            .watch_call(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Changes what is kept.
    pub async fn sql(&self, statement: &str) {
        let pool = self.database.pool("insta_agent");
        let mut connection = pool.get().await.unwrap();
        let statement = diesel::sql_query(statement);
        assert_eq!(statement.execute(&mut connection).await.unwrap(), 1);
    }

    /// The calls of a user, newest first.
    pub async fn calls_of(&self, user_id: &str) -> Vec<pb::Call> {
        let request = self.operator(pb::ListCallsRequest {
            user_id: user_id.to_owned(),
            ..pb::ListCallsRequest::default()
        });
        let answer = self.client().list_calls(request).await.unwrap();
        answer.into_inner().calls
    }

    /// The call as it is once it is over and written down.
    pub async fn ended(&self, call_id: &str) -> pb::Call {
        self.once(call_id, |call| call.state() == pb::CallState::Ended)
            .await
    }

    /// The call as it is once something is true of it.
    pub async fn once(&self, call_id: &str, is_so: impl Fn(&pb::Call) -> bool) -> pb::Call {
        let deadline = Instant::now() + LIMIT;
        loop {
            let call = self.get(call_id).await;
            if is_so(&call) {
                return call;
            }
            assert!(
                Instant::now() < deadline,
                "it does not come to that: {call:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The events of a call up to its end.
pub async fn until_end(mut stream: Streaming<pb::WatchCallResponse>) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        events.extend(response.event);
    }
    events
}
