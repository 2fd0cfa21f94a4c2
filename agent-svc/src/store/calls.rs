//! Calls: begun, kept alive by their instance, ended once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use service_kit::page::Page;
use service_kit::{CallId, UserId};
use uuid::Uuid;

use super::StoreError;
use super::schema::{calls, summary_jobs};
use crate::domain::EndReason;
use crate::provider::Bill;
use crate::record::{Call, HandOver, State};

const CONNECTING: &str = "connecting";
const ACTIVE: &str = "active";
const ENDED: &str = "ended";

#[derive(Queryable, Selectable)]
#[diesel(table_name = calls)]
struct Row {
    call_id: Uuid,
    user_id: String,
    state: String,
    end_reason: Option<String>,
    room: String,
    create_time: DateTime<Utc>,
    end_time: Option<DateTime<Utc>>,
    summary: String,
    prompt: String,
    hand_over_reason: Option<String>,
    hand_over_summary: Option<String>,
    hand_over_time: Option<DateTime<Utc>>,
    usage: Option<Value>,
    cost_usd_micros: Option<i64>,
}

/// A call about to begin.
#[derive(Debug, Clone)]
pub(crate) struct NewCall {
    pub(crate) id: CallId,
    pub(crate) user: UserId,
    pub(crate) room: String,
    pub(crate) instance: String,
    pub(crate) lease_time: DateTime<Utc>,
    pub(crate) create_time: DateTime<Utc>,
    pub(crate) prompt_version: String,
}

/// Which calls to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) user: Option<UserId>,
    pub(crate) state: Option<&'static str>,
}

/// Begins a call. One that the user holds already is ended for it; gives its id.
pub(crate) async fn begin(
    connection: &mut AsyncPgConnection,
    new: &NewCall,
) -> Result<Option<CallId>, StoreError> {
    match try_begin(connection, new).await {
        // Another call of the same user began at the same moment; now it is there to be ended.
        Err(StoreError::Database(error))
            if db::constraint(&error) == Some("calls_one_live_a_user_idx") =>
        {
            try_begin(connection, new).await
        }
        outcome => outcome,
    }
}

async fn try_begin(
    connection: &mut AsyncPgConnection,
    new: &NewCall,
) -> Result<Option<CallId>, StoreError> {
    connection
        .transaction(async |connection| {
            let older: Option<Uuid> = calls::table
                .filter(calls::user_id.eq(new.user.as_str()))
                .filter(calls::state.ne(ENDED))
                .select(calls::call_id)
                .for_update()
                .first(connection)
                .await
                .optional()?;
            let older = older.map(CallId);
            if let Some(older) = older {
                let reason = EndReason::UserRequest;
                end_locked(connection, older, reason, new.create_time).await?;
            }
            diesel::insert_into(calls::table)
                .values((
                    calls::call_id.eq(new.id.0),
                    calls::user_id.eq(new.user.as_str()),
                    calls::state.eq(CONNECTING),
                    calls::room.eq(&new.room),
                    calls::instance.eq(&new.instance),
                    calls::lease_time.eq(new.lease_time),
                    calls::prompt.eq(&new.prompt_version),
                    calls::create_time.eq(new.create_time),
                ))
                .execute(connection)
                .await?;
            Ok(older)
        })
        .await
}

/// The caller is there.
pub(crate) async fn activate(
    connection: &mut AsyncPgConnection,
    call: CallId,
) -> Result<(), StoreError> {
    diesel::update(
        calls::table
            .find(call.0)
            .filter(calls::state.eq(CONNECTING)),
    )
    .set(calls::state.eq(ACTIVE))
    .execute(connection)
    .await?;
    Ok(())
}

/// Somebody is to take over. A later request replaces an earlier one.
pub(crate) async fn hand_over(
    connection: &mut AsyncPgConnection,
    call: CallId,
    wanted: &HandOver,
) -> Result<(), StoreError> {
    diesel::update(calls::table.find(call.0))
        .set((
            calls::hand_over_reason.eq(&wanted.reason),
            calls::hand_over_summary.eq(&wanted.summary),
            calls::hand_over_time.eq(wanted.time),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps what the call's work came to so far, whether or not the call is over.
pub(crate) async fn charge(
    connection: &mut AsyncPgConnection,
    call: CallId,
    bill: &Bill,
) -> Result<(), StoreError> {
    let usage = serde_json::to_value(bill.usage).expect("usage is plain values");
    diesel::update(calls::table.find(call.0))
        .set((
            calls::usage.eq(usage),
            calls::cost_usd_micros.eq(bill.cost_micros()),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a call and orders its summary, both or neither. Says whether it was not over before.
pub(crate) async fn end(
    connection: &mut AsyncPgConnection,
    call: CallId,
    reason: EndReason,
    time: DateTime<Utc>,
) -> Result<bool, StoreError> {
    connection
        .transaction(async |connection| end_locked(connection, call, reason, time).await)
        .await
}

async fn end_locked(
    connection: &mut AsyncPgConnection,
    call: CallId,
    reason: EndReason,
    time: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let ended = diesel::update(calls::table.find(call.0).filter(calls::state.ne(ENDED)))
        .set((
            calls::state.eq(ENDED),
            calls::end_reason.eq(reason_text(reason)),
            calls::end_time.eq(time),
        ))
        .execute(connection)
        .await?;
    if ended == 0 {
        return Ok(false);
    }
    diesel::insert_into(summary_jobs::table)
        .values((
            summary_jobs::call_id.eq(call.0),
            summary_jobs::next_attempt_time.eq(time),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(true)
}

/// Says that these calls are still held by their instance.
pub(crate) async fn renew(
    connection: &mut AsyncPgConnection,
    held: &[CallId],
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    let ids = held.iter().map(|call| call.0);
    diesel::update(calls::table.filter(calls::call_id.eq_any(ids)))
        .set(calls::lease_time.eq(until))
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends calls whose instance is gone. Gives their ids.
pub(crate) async fn end_abandoned(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> Result<Vec<CallId>, StoreError> {
    connection
        .transaction(async |connection| {
            let abandoned: Vec<Uuid> = calls::table
                .filter(calls::state.ne(ENDED))
                .filter(calls::lease_time.lt(now))
                .select(calls::call_id)
                .limit(100)
                .for_update()
                .skip_locked()
                .load(connection)
                .await?;
            let abandoned: Vec<CallId> = abandoned.into_iter().map(CallId).collect();
            for call in &abandoned {
                end_locked(connection, *call, EndReason::Shutdown, now).await?;
            }
            Ok(abandoned)
        })
        .await
}

/// A call by its id.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    call: CallId,
) -> Result<Option<Call>, StoreError> {
    let row: Option<Row> = calls::table
        .find(call.0)
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(Call::try_from).transpose()
}

/// A page of calls, newest first, with one more than the page holds when there is one.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    filter: &Filter,
    page: &Page<CallId>,
) -> Result<Vec<Call>, StoreError> {
    let mut query = calls::table
        .select(Row::as_select())
        .order(calls::call_id.desc())
        .limit(page.limit())
        .into_boxed();
    if let Some(after) = &page.after {
        query = query.filter(calls::call_id.lt(after.0));
    }
    if let Some(user) = &filter.user {
        query = query.filter(calls::user_id.eq(user.as_str()));
    }
    if let Some(state) = filter.state {
        query = query.filter(calls::state.eq(state));
    }
    query
        .load(connection)
        .await?
        .into_iter()
        .map(Call::try_from)
        .collect()
}

impl TryFrom<Row> for Call {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let broken = |column| StoreError::Inconsistent {
            column,
            call: row.call_id,
        };
        let state = match (row.state.as_str(), row.end_reason.as_deref(), row.end_time) {
            (CONNECTING, None, None) => State::Connecting,
            (ACTIVE, None, None) => State::Active,
            (ENDED, Some(reason), Some(time)) => State::Ended {
                reason: reason_of(reason).ok_or_else(|| broken("end_reason"))?,
                time,
            },
            _ => return Err(broken("state")),
        };
        let hand_over = match (
            row.hand_over_reason,
            row.hand_over_summary,
            row.hand_over_time,
        ) {
            (Some(reason), Some(summary), Some(time)) => Some(HandOver {
                reason,
                summary,
                time,
            }),
            (None, None, None) => None,
            _ => return Err(broken("hand_over_time")),
        };
        let bill = super::bill(row.usage, row.cost_usd_micros);
        Ok(Self {
            id: CallId(row.call_id),
            user: row.user_id.parse().map_err(|_| broken("user_id"))?,
            state,
            room: row.room,
            create_time: row.create_time,
            summary: row.summary,
            hand_over,
            bill: bill.map_err(|_| broken("usage"))?,
            prompt_version: row.prompt,
        })
    }
}

pub(super) const REASONS: [(EndReason, &str); 12] = [
    (EndReason::UserHangup, "user_hangup"),
    (EndReason::AgentHangup, "agent_hangup"),
    (EndReason::UserRequest, "user_request"),
    (EndReason::Operator, "operator"),
    (EndReason::ParticipantLost, "participant_lost"),
    (EndReason::Silence, "silence"),
    (EndReason::TimeLimit, "time_limit"),
    (EndReason::ProviderError, "provider_error"),
    (EndReason::MediaError, "media_error"),
    (EndReason::Shutdown, "shutdown"),
    (EndReason::MicrophoneMissing, "microphone_missing"),
    (EndReason::ToolLimit, "tool_limit"),
];

/// A reason as it is stored and counted.
pub(crate) fn reason_text(reason: EndReason) -> &'static str {
    let found = REASONS.iter().find(|(known, _)| *known == reason);
    found
        .map(|(_, text)| *text)
        .expect("every reason is in the list")
}

fn reason_of(text: &str) -> Option<EndReason> {
    let found = REASONS.iter().find(|(_, known)| *known == text);
    found.map(|(reason, _)| *reason)
}
