//! Reading calls.

use proto::insta::agent::v1 as pb;
use service_kit::field::FieldErrors;
use service_kit::page::Page;
use service_kit::{CallId, Caller, UserId};

use super::{convert, visible};
use crate::app::App;
use crate::error::AgentError;
use crate::store::{calls, turns};

const DEFAULT_PAGE: u16 = 20;

pub(super) async fn get(
    app: &App,
    caller: &Caller,
    id: CallId,
) -> Result<pb::GetCallResponse, AgentError> {
    let call = visible(app, caller, id).await?;
    let mut connection = app.db.get().await?;
    let turns = turns::of_call(&mut connection, id).await?;
    let mut call = convert::call(&call, caller);
    call.turns = convert::turns(turns, caller);
    Ok(pb::GetCallResponse { call: Some(call) })
}

pub(super) async fn list(
    app: &App,
    caller: &Caller,
    request: pb::ListCallsRequest,
) -> Result<pb::ListCallsResponse, AgentError> {
    let mut errors = FieldErrors::new();
    let (size, token) = (request.page_size, request.page_token.as_str());
    let page: Page<CallId> = Page::parse(&mut errors, size, token, DEFAULT_PAGE);
    let named = (!request.user_id.is_empty()).then(|| request.user_id.parse::<UserId>());
    let named = named.and_then(|user| errors.check("user_id", user));
    let state = convert::stored_state(&mut errors, request.state);
    errors.finish(Some(()))?;
    let user = match caller.user_id() {
        Some(own) if !caller.is_operator() => {
            if named.as_ref().is_some_and(|named| named != own) {
                return Ok(pb::ListCallsResponse::default());
            }
            Some(own.clone())
        }
        _ => named,
    };
    let filter = calls::Filter { user, state };
    let mut connection = app.db.get().await?;
    let rows = calls::list(&mut connection, &filter, &page).await?;
    let (rows, next_page_token) = page.finish(rows, |call| call.id);
    Ok(pb::ListCallsResponse {
        calls: rows
            .iter()
            .map(|call| convert::call(call, caller))
            .collect(),
        next_page_token,
    })
}
