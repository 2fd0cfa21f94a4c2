//! The rules of Firebase ID tokens: form, content and times. Whose key signed one is not decided here.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::Value;
use service_kit::UserId;

/// Longer tokens are refused unread.
const MAX_LENGTH: usize = 8 * 1024;
const MAX_KEY_ID: usize = 128;
/// How far Google's clock and ours may differ.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// ID tokens live for an hour.
const LONGEST: TimeDelta = TimeDelta::hours(1);
const ISSUER: &str = "https://securetoken.google.com/";
const SESSION_COOKIE_ISSUER: &str = "https://session.firebase.google.com/";
const CUSTOM_TOKEN_AUDIENCE: &str =
    "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit";
/// Whoever sends a key with the token, or the address of one, is trying.
const FOREIGN_HEADERS: [&str; 9] = [
    "crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "enc", "zip",
];

/// A token of which nothing is believed yet.
pub(crate) struct IdToken<'a> {
    header: Fields,
    claims: Fields,
    /// What the signature is over.
    pub(crate) signed: &'a str,
    /// The signature in base64url; empty when there is none.
    pub(crate) signature: &'a str,
}

/// Who a token says has signed in.
///
/// The e-mail address is only what the person has typed unless Firebase has verified it, so nothing is granted for
/// it: whoever decides by e-mail has to know the user id first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FirebaseUser {
    pub(crate) user_id: UserId,
    /// May be empty.
    pub(crate) name: String,
    /// May be empty.
    pub(crate) email: String,
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdTokenError {
    #[error("the ID token is missing")]
    Missing,
    #[error("the ID token is longer than 8 KiB")]
    Long,
    #[error("the ID token is not a JWT")]
    Malformed,
    #[error("the ID token must be signed with RS256")]
    Algorithm,
    #[error("the ID token must come from the Auth emulator, unsigned")]
    NotFromEmulator,
    #[error("the ID token has a header that ID tokens do not have")]
    ForeignHeader,
    #[error("the ID token names no key of Firebase")]
    Key,
    #[error("the signature of the ID token is wrong")]
    Signature,
    #[error("this is a custom token: sign in with it, and send the ID token of the user")]
    CustomToken,
    #[error("this is a session cookie: send the ID token of the user")]
    SessionCookie,
    #[error("the ID token is for another Firebase project")]
    Project,
    #[error("the ID token names no user id of 1 to 128 printable characters")]
    Subject,
    #[error("the times of the ID token are missing, in the future or too far apart")]
    Times,
    #[error("the ID token has expired")]
    Expired,
}

impl<'a> IdToken<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it has not the form of a JWT.
    pub(crate) fn parse(token: &'a str) -> Result<Self, IdTokenError> {
        if token.is_empty() {
            return Err(IdTokenError::Missing);
        }
        if token.len() > MAX_LENGTH {
            return Err(IdTokenError::Long);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(IdTokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(IdTokenError::Malformed)?;
        // A fourth part would stand in the claims, as a letter that base64url does not have.
        Ok(Self {
            header: Fields::decode(header)?,
            claims: Fields::decode(claims)?,
            signed,
            signature,
        })
    }

    /// The key that has signed the token, as it says itself.
    ///
    /// # Errors
    /// When the header is not one of Firebase's.
    pub(crate) fn key_id(&self) -> Result<&str, IdTokenError> {
        if self.header.text("alg") != Some("RS256") {
            return Err(IdTokenError::Algorithm);
        }
        self.check_header()?;
        self.header
            .text("kid")
            .filter(|kid| (1..=MAX_KEY_ID).contains(&kid.len()))
            .ok_or(IdTokenError::Key)
    }

    /// Checks that the token is as the emulator makes them: it says that it is not signed, and is not.
    ///
    /// # Errors
    /// When it is signed, or pretends to be.
    pub(crate) fn check_unsigned(&self) -> Result<(), IdTokenError> {
        if self.header.text("alg") != Some("none") || !self.signature.is_empty() {
            return Err(IdTokenError::NotFromEmulator);
        }
        self.check_header()
    }

    /// Who the token says has signed in to `project_id`.
    ///
    /// # Errors
    /// The first claim that is not as it should be; [`IdTokenError::Expired`] only when all others are.
    pub(crate) fn user(
        &self,
        project_id: &str,
        now: DateTime<Utc>,
    ) -> Result<FirebaseUser, IdTokenError> {
        self.check_project(project_id)?;
        let subject = self.claims.text("sub").ok_or(IdTokenError::Subject)?;
        let user_id = subject.parse().map_err(|_| IdTokenError::Subject)?;
        self.check_times(now)?;
        Ok(FirebaseUser {
            user_id,
            name: self.claims.text("name").unwrap_or_default().to_owned(),
            email: self.claims.text("email").unwrap_or_default().to_owned(),
        })
    }

    fn check_header(&self) -> Result<(), IdTokenError> {
        if FOREIGN_HEADERS.iter().any(|name| self.header.has(name)) {
            return Err(IdTokenError::ForeignHeader);
        }
        Ok(())
    }

    fn check_project(&self, project_id: &str) -> Result<(), IdTokenError> {
        let issuer = self.claims.text("iss").unwrap_or_default();
        match self.claims.text("aud") {
            Some(CUSTOM_TOKEN_AUDIENCE) => Err(IdTokenError::CustomToken),
            _ if issuer.starts_with(SESSION_COOKIE_ISSUER) => Err(IdTokenError::SessionCookie),
            Some(audience)
                if audience == project_id && issuer.strip_prefix(ISSUER) == Some(project_id) =>
            {
                Ok(())
            }
            _ => Err(IdTokenError::Project),
        }
    }

    fn check_times(&self, now: DateTime<Utc>) -> Result<(), IdTokenError> {
        let time = |name| self.claims.time(name).ok_or(IdTokenError::Times);
        let (issued, signed_in, expires) = (time("iat")?, time("auth_time")?, time("exp")?);
        let not_before = self.claims.has("nbf").then(|| time("nbf")).transpose()?;
        let latest = now + SKEW;
        let in_future = issued > latest
            || signed_in > latest
            || not_before.is_some_and(|not_before| not_before > latest);
        if in_future || expires - issued > LONGEST {
            return Err(IdTokenError::Times);
        }
        if expires + SKEW <= now {
            return Err(IdTokenError::Expired);
        }
        Ok(())
    }
}

/// A JSON object in which no name stands twice: two readers must not see two different tokens.
struct Fields(BTreeMap<String, Value>);

impl Fields {
    fn decode(part: &str) -> Result<Self, IdTokenError> {
        let json = BASE64_URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| IdTokenError::Malformed)?;
        serde_json::from_slice(&json).map_err(|_| IdTokenError::Malformed)
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A time in whole seconds, between the years 1 and 9999.
    fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.0.get(name)?.as_i64()?, 0)
            .filter(|time| (0..=253_402_300_799).contains(&time.timestamp()))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> Visitor<'de> for Unique {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Fields, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if fields.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Unique)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn encode(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    fn claims() -> Value {
        json!({
            "iss": "https://securetoken.google.com/demo", "aud": "demo", "sub": "ada", "name": "Ada",
            "email": "ada@example.com", "iat": NOW, "auth_time": NOW, "exp": NOW + 3600,
        })
    }

    fn user(token: &str, now: i64) -> Result<FirebaseUser, IdTokenError> {
        IdToken::parse(token)?.user("demo", at(now))
    }

    #[test]
    fn a_good_token_says_who_has_signed_in() {
        let token = encode(&json!({"alg": "RS256", "kid": "k"}), &claims());
        let expected = FirebaseUser {
            user_id: "ada".parse().unwrap(),
            name: "Ada".into(),
            email: "ada@example.com".into(),
        };
        assert_eq!(user(&token, NOW), Ok(expected));
        assert_eq!(IdToken::parse(&token).unwrap().key_id(), Ok("k"));
    }

    #[test]
    fn clocks_may_differ_by_a_minute_and_not_more() {
        let token = encode(&json!({}), &claims());
        for (now, expected) in [
            (NOW - 61, Err(IdTokenError::Times)),
            (NOW - 60, Ok(())),
            (NOW + 3659, Ok(())),
            (NOW + 3660, Err(IdTokenError::Expired)),
        ] {
            assert_eq!(user(&token, now).map(drop), expected, "{now}");
        }
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        for (header, claims) in [
            (r#"{"alg":"RS256","alg":"none"}"#, "{}"),
            ("{}", r#"{"sub":"ada","sub":"eve"}"#),
        ] {
            let token = format!("{}.{}.", part(header), part(claims));
            let error = IdToken::parse(&token).err();
            assert_eq!(error, Some(IdTokenError::Malformed));
        }
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let deep = BASE64_URL_SAFE_NO_PAD.encode("[".repeat(5000));
        let error = IdToken::parse(&format!("e30.{deep}.")).err();
        assert_eq!(error, Some(IdTokenError::Malformed));
    }
}
