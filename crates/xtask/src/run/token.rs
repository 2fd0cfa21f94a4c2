//! Fresh tokens, as users and service clients get them: over the network, from auth-svc.

use std::time::Duration;

use anyhow::{Context, bail};
use proto::insta::auth::v1::auth_service_client::AuthServiceClient;
use proto::insta::auth::v1::{CreateSessionRequest, IssueServiceTokenRequest};
use tonic::transport::{Channel, Endpoint};

use super::firebase::Emulator;
use crate::project::Project;
use crate::secrets::{Secret, Secrets};
use crate::state::State;

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Whose token is asked for.
#[derive(Debug, Clone)]
pub enum Who {
    /// A demo user, by e-mail address.
    User(String),
    /// A service client, by id.
    Client(String),
}

/// Prints a token and nothing else.
pub async fn token(project: &Project, who: Who) -> anyhow::Result<()> {
    let state = State::read(project)?;
    let token = match who {
        Who::User(email) => session_token(&state, &email).await?,
        Who::Client(id) => {
            let secret = client_secret(project, &id)?;
            let auth = &state.services["auth"].grpc;
            service_token(auth, &id, &secret).await?
        }
    };
    println!("{token}");
    Ok(())
}

/// Signs a demo user in.
pub async fn session_token(state: &State, email: &str) -> anyhow::Result<String> {
    let Some(host) = &state.firebase.emulator_host else {
        bail!(
            "users of the Firebase project {} sign in on the page",
            state.firebase.project_id
        );
    };
    let user = state.user(email)?;
    let login = Login {
        emulator_host: host,
        api_key: &state.firebase.api_key,
        auth_url: &state.services["auth"].grpc,
    };
    login.session_token(&user.email, &user.password).await
}

/// Where people sign in while developing.
pub struct Login<'a> {
    pub emulator_host: &'a str,
    pub api_key: &'a str,
    pub auth_url: &'a str,
}

impl Login<'_> {
    /// Signs a user in as the page does, which also makes the profile of a new one.
    pub async fn session_token(&self, email: &str, password: &str) -> anyhow::Result<String> {
        let emulator = Emulator::at(self.emulator_host)?;
        let id_token = emulator.sign_in(self.api_key, email, password).await?;
        let mut auth = AuthServiceClient::new(connect(self.auth_url).await?);
        let answer = auth
            .create_session(CreateSessionRequest { id_token })
            .await
            .context("CreateSession")?;
        Ok(answer.into_inner().session_token)
    }
}

/// Trades a client's secret for a token with all its scopes.
pub async fn service_token(auth_url: &str, id: &str, secret: &str) -> anyhow::Result<String> {
    let mut auth = AuthServiceClient::new(connect(auth_url).await?);
    let request = IssueServiceTokenRequest {
        client_id: id.to_owned(),
        client_secret: secret.to_owned(),
        scopes: vec![],
    };
    let answer = auth
        .issue_service_token(request)
        .await
        .context("IssueServiceToken")?;
    Ok(answer.into_inner().service_token)
}

/// A connection to one of our services, with a deadline on every call.
pub async fn connect(url: &str) -> anyhow::Result<Channel> {
    Endpoint::from_shared(url.to_owned())?
        .connect_timeout(CONNECT_LIMIT)
        .timeout(CALL_LIMIT)
        .connect()
        .await
        .with_context(|| format!("{url} does not answer"))
}

/// The secret of a service client of this clone.
pub fn client_secret(project: &Project, id: &str) -> anyhow::Result<String> {
    let clients: Vec<_> = Secret::ALL
        .iter()
        .filter_map(|secret| match secret {
            Secret::Client(id) => Some(*id),
            _ => None,
        })
        .collect();
    let Some(id) = clients.iter().find(|known| **known == id) else {
        bail!(
            "{id} is no service client; there are {}",
            clients.join(", ")
        );
    };
    Ok(Secrets::load(project)?.get(Secret::Client(id)).to_owned())
}
