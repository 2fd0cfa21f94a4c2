//! Acting for one user in one call.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use service_kit::client::BearerToken;
use service_kit::clock::Clock;
use service_kit::{CallId, UserId};
use tokio::sync::Mutex;

use super::{Auth, PeerError, Proof};

/// A token is renewed when it has less than this left.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(1);

/// The right to act for one user in one call, renewed as long as the call needs it. Cheap to clone.
#[derive(Clone)]
pub struct Delegation(Arc<Inner>);

struct Inner {
    auth: Auth,
    clock: Clock,
    call: CallId,
    current: Mutex<Option<(BearerToken, DateTime<Utc>)>>,
}

impl Delegation {
    /// Obtains the right for the first time; says whose call it is.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn obtain(
        auth: Auth,
        clock: Clock,
        call: CallId,
        proof: &Proof,
    ) -> Result<(Self, UserId), PeerError> {
        let issued = auth.delegate(call, proof).await?;
        let delegation = Self::renewable(auth, clock, call);
        *delegation.0.current.lock().await = Some((issued.token, issued.expires));
        Ok((delegation, issued.user))
    }

    /// The right for a call for which it was obtained before.
    pub fn renewable(auth: Auth, clock: Clock, call: CallId) -> Self {
        Self(Arc::new(Inner {
            auth,
            clock,
            call,
            current: Mutex::new(None),
        }))
    }

    /// A right that is there already.
    #[cfg(test)]
    pub(crate) fn held(auth: Auth, clock: Clock, call: CallId, token: BearerToken) -> Self {
        let expires = clock.now() + TimeDelta::hours(1);
        let delegation = Self::renewable(auth, clock, call);
        if let Ok(mut current) = delegation.0.current.try_lock() {
            *current = Some((token, expires));
        }
        delegation
    }

    /// The call that the right is bound to.
    pub fn call_id(&self) -> CallId {
        self.0.call
    }

    /// A token that is good for a minute at least.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn token(&self) -> Result<BearerToken, PeerError> {
        let inner = &self.0;
        let mut current = inner.current.lock().await;
        if let Some((token, expires)) = &*current
            && *expires - inner.clock.now() > RENEW_BEFORE
        {
            return Ok(token.clone());
        }
        let issued = inner.auth.delegate(inner.call, &Proof::Renewal).await?;
        *current = Some((issued.token.clone(), issued.expires));
        Ok(issued.token)
    }
}
