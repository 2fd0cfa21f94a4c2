//! The commands that use a running service, over its contract as any other client.

mod files;
mod import;
mod report;
mod search;

use std::time::Duration;

use anyhow::Context;
pub use import::import;
use proto::insta::knowledge::v1::knowledge_service_client::KnowledgeServiceClient;
pub use search::{Emphasis, search};
use secrecy::ExposeSecret;
use service_kit::{
    client::{self, BearerToken, ServiceTokens},
    clock::Clock,
    config::ClientConfig,
};
use tonic::{Request, Status, transport::Channel};

use crate::cli::Connection;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The service, and who we are to it.
struct Service {
    client: KnowledgeServiceClient<Channel>,
    identity: Identity,
}

enum Identity {
    Token(BearerToken),
    Client(ServiceTokens),
}

impl Service {
    fn new(options: &Connection) -> anyhow::Result<Self> {
        let channel = client::channel(&options.knowledge_url)
            .context("KNOWLEDGE_URL cannot be connected to")?;
        Ok(Self {
            client: KnowledgeServiceClient::new(channel),
            identity: identity(options)?,
        })
    }

    async fn token(&self) -> anyhow::Result<BearerToken> {
        match &self.identity {
            Identity::Token(token) => Ok(token.clone()),
            Identity::Client(tokens) => tokens.get().await.context("auth-svc gives no token"),
        }
    }

    async fn request<T>(&self, message: T) -> anyhow::Result<Request<T>> {
        Ok(client::request(message, &self.token().await?, TIMEOUT))
    }
}

/// What the service says, as a sentence for people.
fn said(status: &Status) -> anyhow::Error {
    match status.message() {
        "" => anyhow::anyhow!("{}", status.code()),
        message => anyhow::anyhow!("{message}"),
    }
}

fn identity(options: &Connection) -> anyhow::Result<Identity> {
    if let Some(token) = &options.service_token {
        return Ok(Identity::Token(BearerToken::new(token.expose_secret())?));
    }
    let (Some(auth_url), Some(client_id), Some(client_secret)) = (
        &options.auth_url,
        &options.client_id,
        &options.client_secret,
    ) else {
        anyhow::bail!("a service token, or AUTH_URL with a client's id and secret, must be given");
    };
    let channel = client::channel(auth_url).context("AUTH_URL cannot be connected to")?;
    let config = ClientConfig {
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
    };
    Ok(Identity::Client(ServiceTokens::new(
        channel,
        config,
        Clock::system(),
    )))
}
