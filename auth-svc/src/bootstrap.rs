//! The first rows of a fresh database, written from the command line because nobody has a token yet.

use std::collections::BTreeSet;

use anyhow::Context;
use db::Pool;
use secrecy::ExposeSecret;
use service_kit::clock::Clock;

use crate::{
    cli::{BootstrapClient, BootstrapOperator},
    secrets::Secrets,
    store::{
        operators,
        service_clients::{self, NewClient},
    },
};

const MIN_SECRET: usize = 32;

/// Registers a client, or changes its secret and scopes. Doing it again changes nothing.
///
/// # Errors
/// When the secret is too short or the database cannot be written.
pub async fn client(options: BootstrapClient) -> anyhow::Result<()> {
    let length = options.client_secret.expose_secret().len();
    anyhow::ensure!(
        length >= MIN_SECRET,
        "CLIENT_SECRET must have at least {MIN_SECRET} characters, has {length}"
    );
    let scopes: BTreeSet<_> = options.scopes.iter().copied().collect();
    let pool = Pool::new(&options.database);
    let mut connection = pool.get().await.context("the database does not answer")?;
    let secrets = Secrets::new()?;

    let known = service_clients::find(&mut connection, &options.id).await?;
    let hash = known.as_ref().map(|client| client.secret_hash.as_str());
    let same_secret = secrets
        .verify(&options.id, &options.client_secret, hash)
        .await?;
    if let Some(known) = known.filter(|_| same_secret)
        && known.scopes == scopes
    {
        return Ok(());
    }
    let client = NewClient {
        client_id: &options.id,
        secret_hash: &secrets.hash(&options.client_secret).await?,
        scopes: &scopes,
        create_time: Clock::system().now(),
    };
    service_clients::upsert(&mut connection, &client)
        .await
        .context("the client cannot be written: have the migrations run?")
}

/// Makes a user an operator. Doing it again changes nothing.
///
/// # Errors
/// When the database cannot be written.
pub async fn operator(options: BootstrapOperator) -> anyhow::Result<()> {
    let pool = Pool::new(&options.database);
    let mut connection = pool.get().await.context("the database does not answer")?;
    operators::add(&mut connection, &options.user_id, Clock::system().now())
        .await
        .context("the operator cannot be written: have the migrations run?")
}
