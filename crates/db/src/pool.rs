//! A bounded pool of connections, in which no wait is without end.

use std::time::Duration;

use clap::Args;
use diesel::ConnectionError;
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, bb8},
};
use futures::FutureExt;

use crate::connect::DatabaseUrl;

const WAIT: Duration = Duration::from_millis(1500);

/// A connection lent by the pool.
pub type PooledConnection<'a> = bb8::PooledConnection<'a, AsyncPgConnection>;

/// Where the service keeps its data.
#[derive(Clone, Debug, Args)]
pub struct DatabaseConfig {
    /// The database, with this service's own role: postgresql://insta_...:password@host:port/database.
    #[arg(long, env, hide_env_values = true)]
    pub database_url: DatabaseUrl,

    /// The most connections that this process holds.
    #[arg(long, env, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub database_max_connections: u32,
}

/// The connections of one process. Cheap to clone.
#[derive(Clone)]
pub struct Pool(bb8::Pool<AsyncPgConnection>);

/// No connection could be had in time.
#[derive(Debug, thiserror::Error)]
#[error("no database connection")]
pub struct PoolError(#[source] bb8::RunError);

impl Pool {
    /// A pool that connects when it is first used, so that a service starts while its database is away.
    pub fn new(config: &DatabaseConfig) -> Self {
        Self::with_setup(config, "")
    }

    /// As [`Pool::new`], with statements that each connection runs once, before it is first lent.
    pub fn with_setup(config: &DatabaseConfig, setup: &'static str) -> Self {
        let mut manager = ManagerConfig::default();
        let url = config.database_url.clone();
        manager.custom_setup = Box::new(move |_| {
            let url = url.clone();
            async move {
                let mut connection = url.connect().await?;
                if !setup.is_empty() {
                    let set_up = connection.batch_execute(setup).await;
                    set_up.map_err(ConnectionError::CouldntSetupConfiguration)?;
                }
                Ok(connection)
            }
            .boxed()
        });
        manager.recycling_method = RecyclingMethod::Verified;
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        let pool = bb8::Pool::builder()
            .max_size(config.database_max_connections)
            .connection_timeout(WAIT)
            .build_unchecked(manager);
        Self(pool)
    }

    /// A connection, within a second and a half.
    ///
    /// # Errors
    /// When all are lent out or the database does not answer.
    pub async fn get(&self) -> Result<PooledConnection<'_>, PoolError> {
        self.0.get().await.map_err(PoolError)
    }
}
