//! The systems that call ours.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use service_kit::{ClientId, Scope};

use super::{StoreError, schema::service_clients};

/// A client as it is kept.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) secret_hash: String,
    pub(crate) scopes: BTreeSet<Scope>,
    pub(crate) disabled: bool,
}

/// A client to keep.
#[derive(Debug)]
pub(crate) struct NewClient<'a> {
    pub(crate) client_id: &'a ClientId,
    pub(crate) secret_hash: &'a str,
    pub(crate) scopes: &'a BTreeSet<Scope>,
    pub(crate) create_time: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = service_clients)]
struct Row {
    secret_hash: String,
    scopes: Vec<String>,
    disable_time: Option<DateTime<Utc>>,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = service_clients)]
struct Credentials<'a> {
    secret_hash: &'a str,
    scopes: Vec<&'static str>,
}

/// The client with this id.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    client_id: &ClientId,
) -> Result<Option<Client>, StoreError> {
    let row = service_clients::table
        .find(client_id.as_str())
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(|row| client(client_id, row)).transpose()
}

/// Keeps a new client, and says whether its id was free.
pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    client: &NewClient<'_>,
) -> Result<bool, StoreError> {
    let inserted = diesel::insert_into(service_clients::table)
        .values((
            service_clients::client_id.eq(client.client_id.as_str()),
            credentials(client),
            service_clients::create_time.eq(client.create_time),
        ))
        .on_conflict(service_clients::client_id)
        .do_nothing()
        .execute(connection)
        .await?;
    Ok(inserted == 1)
}

/// Keeps a client, or changes the secret and scopes of the one that has its id.
pub(crate) async fn upsert(
    connection: &mut AsyncPgConnection,
    client: &NewClient<'_>,
) -> Result<(), StoreError> {
    diesel::insert_into(service_clients::table)
        .values((
            service_clients::client_id.eq(client.client_id.as_str()),
            credentials(client),
            service_clients::create_time.eq(client.create_time),
        ))
        .on_conflict(service_clients::client_id)
        .do_update()
        .set(credentials(client))
        .execute(connection)
        .await?;
    Ok(())
}

fn credentials<'a>(client: &NewClient<'a>) -> Credentials<'a> {
    Credentials {
        secret_hash: client.secret_hash,
        scopes: client.scopes.iter().map(|scope| scope.as_str()).collect(),
    }
}

fn client(client_id: &ClientId, row: Row) -> Result<Client, StoreError> {
    let scopes: Result<_, _> = row.scopes.iter().map(|scope| scope.parse()).collect();
    Ok(Client {
        secret_hash: row.secret_hash,
        scopes: scopes.map_err(|_| StoreError::Inconsistent {
            table: "service_clients",
            id: client_id.to_string(),
        })?,
        disabled: row.disable_time.is_some(),
    })
}
