//! Turns.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use service_kit::CallId;
use uuid::Uuid;

use super::StoreError;
use super::schema::turns;
use crate::domain::Role;
use crate::record::Turn;

/// Turns that are read of one call.
const MAX_TURNS: i64 = 2_000;

#[derive(Queryable, Selectable)]
#[diesel(table_name = turns)]
struct Row {
    call_id: Uuid,
    position: i32,
    role: String,
    text: String,
    start_time: DateTime<Utc>,
    interrupted: bool,
    tool_calls: Value,
    latency: Option<Value>,
    silenced_after_ms: Option<i64>,
    usage: Option<Value>,
    cost_usd_micros: Option<i64>,
}

/// Keeps a turn. Keeping it again changes nothing.
pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    call: CallId,
    turn: &Turn,
) -> Result<(), StoreError> {
    let tools = serde_json::to_value(&turn.tools).expect("tool calls are plain values");
    let latency = turn
        .latency
        .map(|latency| serde_json::to_value(latency).expect("latencies are plain values"));
    let usage = turn
        .bill
        .map(|bill| serde_json::to_value(bill.usage).expect("usage is plain values"));
    let silenced_after = turn
        .silenced_after_ms
        .map(|ms| ms.min(i64::MAX as u64) as i64);
    diesel::insert_into(turns::table)
        .values((
            turns::call_id.eq(call.0),
            turns::position.eq(turn.position),
            turns::role.eq(role_text(turn.role)),
            // PostgreSQL takes no NUL in a text.
            turns::text.eq(turn.text.replace('\0', "")),
            turns::start_time.eq(turn.start_time),
            turns::interrupted.eq(turn.interrupted),
            turns::tool_calls.eq(tools),
            turns::latency.eq(latency),
            turns::silenced_after_ms.eq(silenced_after),
            turns::usage.eq(usage),
            turns::cost_usd_micros.eq(turn.bill.and_then(|bill| bill.cost_micros())),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(())
}

/// The turns of a call, in order.
pub(crate) async fn of_call(
    connection: &mut AsyncPgConnection,
    call: CallId,
) -> Result<Vec<Turn>, StoreError> {
    let rows: Vec<Row> = turns::table
        .filter(turns::call_id.eq(call.0))
        .order(turns::position)
        .limit(MAX_TURNS)
        .select(Row::as_select())
        .load(connection)
        .await?;
    rows.into_iter().map(Turn::try_from).collect()
}

impl TryFrom<Row> for Turn {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let broken = |column| StoreError::Inconsistent {
            column,
            call: row.call_id,
        };
        Ok(Self {
            position: row.position,
            role: match row.role.as_str() {
                "user" => Role::User,
                "assistant" => Role::Assistant,
                _ => return Err(broken("role")),
            },
            text: row.text,
            start_time: row.start_time,
            interrupted: row.interrupted,
            tools: serde_json::from_value(row.tool_calls).map_err(|_| broken("tool_calls"))?,
            latency: row
                .latency
                .map(serde_json::from_value)
                .transpose()
                .map_err(|_| broken("latency"))?,
            silenced_after_ms: row
                .silenced_after_ms
                .map(u64::try_from)
                .transpose()
                .map_err(|_| broken("silenced_after_ms"))?,
            bill: super::bill(row.usage, row.cost_usd_micros).map_err(|_| broken("usage"))?,
        })
    }
}

fn role_text(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
