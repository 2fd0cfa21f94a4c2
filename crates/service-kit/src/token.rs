//! The tokens that auth-svc signs, in the one form that it writes and everyone else reads.
//!
//! Three kinds, told apart by the header's `typ`: a *session* token speaks for a signed-in person, a *service*
//! token for a service client, a *delegated* token for a service client that acts for one user in one call.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::{CallId, Caller, ClientId, Scope, Tier};

/// `iss` of every token.
pub const ISSUER: &str = "insta-auth";
/// `aud` of every token.
pub const AUDIENCE: &str = "insta";
/// The longest that a session token lives.
pub const SESSION_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// The longest that a service or delegated token lives.
pub const SERVICE_LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How far two machines' clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);
/// Longer tokens are refused unread.
const MAX_LENGTH: usize = 8 * 1024;

const SESSION_TYPE: &str = "session+jwt";
const SERVICE_TYPE: &str = "service+jwt";
const DELEGATED_TYPE: &str = "delegated+jwt";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tier: Option<Tier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<ClientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call_id: Option<CallId>,
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours, or altered, or of the wrong kind.
    #[error("the token is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// No key that this service knows has signed it.
    #[error("the token names a key that is not known")]
    UnknownKey,
    /// The keys could not be fetched.
    #[error("the keys that verify tokens cannot be fetched")]
    KeysUnavailable,
}

/// Signs tokens. Only auth-svc has one, and tests.
pub struct TokenSigner {
    kid: String,
    key: EncodingKey,
}

impl TokenSigner {
    /// A signer with an Ed25519 key in PKCS#8 form.
    pub fn new(kid: impl Into<String>, pkcs8: &[u8]) -> Self {
        Self {
            kid: kid.into(),
            key: EncodingKey::from_ed_der(pkcs8),
        }
    }

    /// A token that says who `caller` is. Returns it with the time at which it ends, at most `lifetime` from
    /// `now` and never longer than its kind may live.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] for the anonymous caller, whom no token can speak for.
    pub fn sign(
        &self,
        caller: &Caller,
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> Result<(String, DateTime<Utc>), TokenError> {
        let (typ, longest) = match caller {
            Caller::User { .. } => (SESSION_TYPE, SESSION_LIFETIME),
            Caller::Delegate { .. } => (DELEGATED_TYPE, SERVICE_LIFETIME),
            Caller::Service { .. } => (SERVICE_TYPE, SERVICE_LIFETIME),
            Caller::Anonymous => return Err(TokenError::Invalid),
        };
        let expires = now + lifetime.min(longest);
        let mut claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: String::new(),
            iat: now.timestamp(),
            exp: expires.timestamp(),
            jti: Uuid::new_v4(),
            tier: caller.tier(),
            scope: None,
            act: None,
            call_id: None,
        };
        match caller.clone() {
            Caller::User {
                user_id, operator, ..
            } => {
                claims.sub = user_id.into();
                claims.scope = operator.then(|| Scope::Operator.to_string());
            }
            Caller::Delegate {
                user_id,
                call_id,
                client_id,
                ..
            } => {
                claims.sub = user_id.into();
                claims.call_id = Some(call_id);
                claims.act = Some(client_id);
            }
            Caller::Service { client_id, scopes } => {
                claims.sub = client_id.into();
                let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
                claims.scope = Some(scopes.join(" "));
            }
            Caller::Anonymous => return Err(TokenError::Invalid),
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.into());
        header.kid = Some(self.kid.clone());
        let token =
            jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| TokenError::Invalid)?;
        Ok((token, expires))
    }
}

/// The key id that a token says it was signed with, before anything of it is believed.
///
/// # Errors
/// [`TokenError::Invalid`] when it is no token of ours by its form alone.
pub fn key_id(token: &str) -> Result<String, TokenError> {
    if token.len() > MAX_LENGTH {
        return Err(TokenError::Invalid);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
    // Nothing of ours carries a key or an address of one in its header: whoever sends that is trying.
    let foreign = header.jku.is_some()
        || header.jwk.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        || header.crit.is_some();
    if foreign || header.alg != Algorithm::EdDSA {
        return Err(TokenError::Invalid);
    }
    header
        .kid
        .filter(|kid| kid.len() <= 64)
        .ok_or(TokenError::Invalid)
}

/// Who sent `token`, which the key `key` must have signed.
///
/// # Errors
/// [`TokenError::Expired`] or [`TokenError::Invalid`].
pub fn verify(token: &str, key: &DecodingKey, now: DateTime<Utc>) -> Result<Caller, TokenError> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    // Times are checked below against the clock that was passed in.
    validation.validate_exp = false;
    let data =
        jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| TokenError::Invalid)?;
    check_times(&data.claims, now)?;
    caller(data.header.typ.as_deref(), data.claims).ok_or(TokenError::Invalid)
}

fn check_times(claims: &Claims, now: DateTime<Utc>) -> Result<(), TokenError> {
    let now = now.timestamp();
    let leeway = LEEWAY.num_seconds();
    if claims.exp.saturating_add(leeway) <= now {
        return Err(TokenError::Expired);
    }
    let lifetime = claims.exp.saturating_sub(claims.iat);
    if claims.iat > now + leeway || lifetime > SESSION_LIFETIME.num_seconds() {
        return Err(TokenError::Invalid);
    }
    Ok(())
}

fn caller(typ: Option<&str>, claims: Claims) -> Option<Caller> {
    match typ? {
        SESSION_TYPE => Some(Caller::User {
            user_id: claims.sub.parse().ok()?,
            tier: claims.tier?,
            operator: claims.scope.as_deref() == Some(Scope::Operator.as_str()),
        }),
        DELEGATED_TYPE => Some(Caller::Delegate {
            user_id: claims.sub.parse().ok()?,
            tier: claims.tier?,
            call_id: claims.call_id?,
            client_id: claims.act?,
        }),
        SERVICE_TYPE => {
            let scopes: Result<BTreeSet<Scope>, _> = claims
                .scope
                .as_deref()
                .unwrap_or_default()
                .split_whitespace()
                .map(str::parse)
                .collect();
            Some(Caller::Service {
                client_id: claims.sub.parse().ok()?,
                scopes: scopes.ok()?,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;
    use crate::caller::UserId;

    struct Keys {
        signer: TokenSigner,
        public: DecodingKey,
    }

    fn keys() -> Keys {
        crate::install_crypto();
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Keys {
            signer: TokenSigner::new("k1", pair.to_pkcs8v1().unwrap().as_ref()),
            public: DecodingKey::from_ed_components(&x).unwrap(),
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn callers() -> [Caller; 3] {
        let user_id: UserId = "ada".parse().unwrap();
        let client_id: ClientId = "agent-svc".parse().unwrap();
        [
            Caller::User {
                user_id: user_id.clone(),
                tier: Tier::Pro,
                operator: true,
            },
            Caller::Delegate {
                user_id,
                tier: Tier::Free,
                call_id: CallId::generate(),
                client_id: client_id.clone(),
            },
            Caller::Service {
                client_id,
                scopes: [Scope::CallsServe, Scope::ProfileRead].into(),
            },
        ]
    }

    #[test]
    fn every_kind_of_caller_reads_back_as_signed() {
        let keys = keys();
        for caller in callers() {
            let (token, _) = keys
                .signer
                .sign(&caller, now(), TimeDelta::minutes(5))
                .unwrap();
            assert_eq!(key_id(&token).unwrap(), "k1");
            assert_eq!(verify(&token, &keys.public, now()).unwrap(), caller);
        }
    }

    #[test]
    fn no_token_outlives_its_kind() {
        let keys = keys();
        let ends = callers().map(|caller| {
            let (_, end) = keys
                .signer
                .sign(&caller, now(), TimeDelta::days(1))
                .unwrap();
            (end - now()).num_minutes()
        });
        assert_eq!(ends, [15, 5, 5]);
    }

    #[test]
    fn expired_altered_and_foreign_tokens_are_refused() {
        let keys = keys();
        let [user, ..] = callers();
        let (token, end) = keys
            .signer
            .sign(&user, now(), TimeDelta::minutes(1))
            .unwrap();
        let late = end + TimeDelta::seconds(6);
        assert_eq!(verify(&token, &keys.public, late), Err(TokenError::Expired));
        let early = now() - TimeDelta::minutes(1);
        assert_eq!(
            verify(&token, &keys.public, early),
            Err(TokenError::Invalid)
        );
        let other = super::tests::keys();
        assert_eq!(
            verify(&token, &other.public, now()),
            Err(TokenError::Invalid)
        );
        let altered = token.replace('.', "..");
        assert_eq!(
            verify(&altered, &keys.public, now()),
            Err(TokenError::Invalid)
        );
        assert_eq!(key_id(&"a".repeat(10_000)), Err(TokenError::Invalid));
        assert_eq!(key_id("not a token"), Err(TokenError::Invalid));
        assert!(
            keys.signer
                .sign(&Caller::Anonymous, now(), TimeDelta::minutes(1))
                .is_err()
        );
    }

    #[test]
    fn a_token_of_one_kind_cannot_pass_for_another() {
        let keys = keys();
        let [user, ..] = callers();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: "ada".into(),
            iat: now().timestamp(),
            exp: now().timestamp() + 60,
            jti: Uuid::new_v4(),
            tier: user.tier(),
            scope: None,
            act: None,
            call_id: None,
        };
        for typ in [None, Some("JWT"), Some("delegated+jwt"), Some("at+jwt")] {
            let mut header = Header::new(Algorithm::EdDSA);
            header.typ = typ.map(Into::into);
            let token = jsonwebtoken::encode(&header, &claims, &keys.signer.key).unwrap();
            assert_eq!(
                verify(&token, &keys.public, now()),
                Err(TokenError::Invalid),
                "{typ:?}"
            );
        }
    }
}
