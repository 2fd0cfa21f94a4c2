//! The roles of the database: one that owns the tables and migrates them, and one a service that can do no more
//! than read and write its own schema.

use diesel::{OptionalExtension, QueryableByName, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use secrecy::{ExposeSecret, SecretString};

use crate::connect::DatabaseUrl;

/// The role that owns every table.
pub const MIGRATOR: &str = "insta_migrator";
/// The role, and the schema, of each service.
pub const SERVICES: [&str; 4] = [
    "insta_auth",
    "insta_profile",
    "insta_knowledge",
    "insta_agent",
];

/// The passwords of all roles.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// Of the migrator.
    pub migrator: SecretString,
    /// Of the services, in the order of [`SERVICES`].
    pub services: [SecretString; 4],
}

/// Why the roles could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The database could not be reached.
    #[error("cannot connect to the database")]
    Connect(#[from] diesel::ConnectionError),
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
    /// The server has no pgvector.
    #[error("the server has no extension `vector`: install pgvector 0.8 or newer")]
    NoVector,
}

/// Makes the database when it is not there, the roles with these passwords, and the vector extension.
/// `admin` is an address whose role may do so, at any database of the server. Doing it again changes nothing but
/// the passwords.
///
/// # Errors
/// See [`BootstrapError`].
pub async fn bootstrap(
    admin: &DatabaseUrl,
    database: &str,
    passwords: &Passwords,
) -> Result<(), BootstrapError> {
    let mut server = admin.connect().await?;
    make_roles(&mut server, passwords).await?;
    make_database(&mut server, database).await?;
    drop(server);

    let mut inside = admin.with_database(database).connect().await?;
    let vector_schema = make_vector(&mut inside).await?;
    let mut sql = format!(
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC;
         REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT CONNECT, CREATE ON DATABASE {database} TO {MIGRATOR};
         CREATE SCHEMA IF NOT EXISTS insta_migrations AUTHORIZATION {MIGRATOR};
         ALTER ROLE {MIGRATOR} SET search_path = insta_migrations, {vector_schema};
         GRANT USAGE ON SCHEMA {vector_schema} TO {MIGRATOR};"
    );
    for service in SERVICES {
        sql.push_str(&format!(
            "GRANT CONNECT ON DATABASE {database} TO {service};
             GRANT USAGE ON SCHEMA {vector_schema} TO {service};
             ALTER ROLE {service} SET search_path = {service}, {vector_schema};"
        ));
    }
    inside.batch_execute(&sql).await?;
    Ok(())
}

async fn make_roles(
    connection: &mut AsyncPgConnection,
    passwords: &Passwords,
) -> Result<(), BootstrapError> {
    let roles = SERVICES
        .iter()
        .zip(&passwords.services)
        .chain([(&MIGRATOR, &passwords.migrator)]);
    for (role, password) in roles {
        let password = quote_literal(password.expose_secret());
        let timeouts = if *role == MIGRATOR {
            String::new()
        } else {
            format!(
                "ALTER ROLE {role} SET statement_timeout = '8s';
                 ALTER ROLE {role} SET lock_timeout = '4s';
                 ALTER ROLE {role} SET idle_in_transaction_session_timeout = '10s';"
            )
        };
        connection
            .batch_execute(&format!(
                "DO $$ BEGIN
                   CREATE ROLE {role} LOGIN NOINHERIT NOCREATEDB NOCREATEROLE;
                 EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                 END $$;
                 ALTER ROLE {role} PASSWORD {password};
                 {timeouts}"
            ))
            .await?;
    }
    Ok(())
}

async fn make_database(
    connection: &mut AsyncPgConnection,
    database: &str,
) -> Result<(), BootstrapError> {
    let there =
        diesel::sql_query("SELECT datname::text AS name FROM pg_database WHERE datname = $1")
            .bind::<Text, _>(database)
            .get_result::<Name>(connection)
            .await
            .optional()?;
    if there.is_none() {
        connection
            .batch_execute(&format!("CREATE DATABASE {database}"))
            .await?;
    }
    Ok(())
}

/// Makes the extension, and returns the schema that it lives in: Supabase has one for extensions.
async fn make_vector(connection: &mut AsyncPgConnection) -> Result<String, BootstrapError> {
    connection
        .batch_execute("CREATE EXTENSION IF NOT EXISTS vector")
        .await
        .map_err(|_| BootstrapError::NoVector)?;
    let schema = diesel::sql_query(
        "SELECT quote_ident(nspname) AS name FROM pg_extension e
         JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'vector'",
    )
    .get_result::<Name>(connection)
    .await?;
    Ok(schema.name)
}

/// A string as SQL writes it; passwords cannot be bound in `ALTER ROLE`.
fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}
