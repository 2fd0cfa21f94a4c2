//! Who is calling: the typed identity that every handler takes.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use tonic::{Request, Status};
use uuid::Uuid;

use crate::status;

/// The longest user id: Firebase's own limit.
const MAX_USER_ID: usize = 128;

/// A Firebase UID: 1 to 128 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

/// A UUID that names one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallId(pub Uuid);

/// The id of a service client, for example `agent-svc`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// The plan of the user that a token speaks for, as it is written in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The free plan.
    Free,
    /// The paid plan.
    Pro,
    /// The plan with a contract.
    Enterprise,
}

/// What a service client may do. The string forms are public and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Make profiles on sign-in.
    ProfileEnsure,
    /// Read any profile and its facts.
    ProfileRead,
    /// Change any profile and its facts.
    ProfileWrite,
    /// Read documents, and search.
    KnowledgeRead,
    /// Write documents.
    KnowledgeWrite,
    /// Serve calls: delegated and LiveKit tokens.
    CallsServe,
    /// See and steer everything.
    Operator,
}

/// Who is calling, proved by the token of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No token at all.
    Anonymous,
    /// A signed-in person.
    User {
        /// The person.
        user_id: UserId,
        /// Their plan when the token was issued.
        tier: Tier,
        /// Whether they stand in the list of operators.
        operator: bool,
    },
    /// A service that acts for one user in one call.
    Delegate {
        /// The user it acts for.
        user_id: UserId,
        /// Their plan when the token was issued.
        tier: Tier,
        /// The one call that the token is bound to.
        call_id: CallId,
        /// The service that acts.
        client_id: ClientId,
    },
    /// A service that acts for itself.
    Service {
        /// The service client.
        client_id: ClientId,
        /// What it may do.
        scopes: BTreeSet<Scope>,
    },
}

impl Caller {
    /// The caller of a request, which the identity layer has put there.
    ///
    /// # Errors
    /// INTERNAL when the request did not pass the identity layer: a fault of the service's set-up.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or_else(|| status::internal(&"request without identity layer"))
    }

    /// The user that this caller is, or acts for.
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::User { user_id, .. } | Self::Delegate { user_id, .. } => Some(user_id),
            Self::Anonymous | Self::Service { .. } => None,
        }
    }

    /// The plan of the user that this caller is, or acts for.
    pub fn tier(&self) -> Option<Tier> {
        match self {
            Self::User { tier, .. } | Self::Delegate { tier, .. } => Some(*tier),
            Self::Anonymous | Self::Service { .. } => None,
        }
    }

    /// Whether this is a service token with `scope`.
    pub fn has_scope(&self, scope: Scope) -> bool {
        matches!(self, Self::Service { scopes, .. } if scopes.contains(&scope))
    }

    /// Whether this caller may see and steer everything.
    pub fn is_operator(&self) -> bool {
        matches!(self, Self::User { operator: true, .. }) || self.has_scope(Scope::Operator)
    }

    /// The user whose data a request names: the caller's own when it names nobody.
    ///
    /// `None` means that this caller must be told NOT_FOUND: users and delegates see only their own data, and
    /// nobody else has any.
    pub fn subject(&self, requested: Option<UserId>) -> Option<UserId> {
        match (self.user_id(), requested) {
            (Some(own), None) => Some(own.clone()),
            (Some(own), Some(requested)) => (*own == requested).then_some(requested),
            (None, requested) => requested,
        }
    }
}

/// Why an id could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a user id.
    #[error("must be 1 to 128 printable ASCII characters without spaces")]
    UserId,
    /// Not a client id.
    #[error("must be 3 to 40 lower-case letters, digits or dashes, beginning with a letter")]
    ClientId,
    /// Not a call id.
    #[error("must be a UUID, for example 018f4e9c-7e5b-7c3a-9d27-5d0c1a2b3c4d")]
    CallId,
    /// Not a scope.
    #[error("must be one of {}", Scope::ALL.map(Scope::as_str).join(", "))]
    Scope,
}

impl UserId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MAX_USER_ID || !printable {
            return Err(IdError::UserId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl ClientId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let starts_well = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase());
        if !(3..=40).contains(&text.len()) || !starts_well || !text.bytes().all(plain) {
            return Err(IdError::ClientId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl CallId {
    /// A fresh id; ids sort by the time they were made.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl FromStr for CallId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Uuid::parse_str(text).map(Self).map_err(|_| IdError::CallId)
    }
}

impl Tier {
    /// The form in tokens and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }
}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<Self, UnknownTier> {
        match text {
            "free" => Ok(Self::Free),
            "pro" => Ok(Self::Pro),
            "enterprise" => Ok(Self::Enterprise),
            _ => Err(UnknownTier),
        }
    }
}

/// A tier that is none of `free`, `pro` and `enterprise`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be free, pro or enterprise")]
pub struct UnknownTier;

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 7] = [
        Self::ProfileEnsure,
        Self::ProfileRead,
        Self::ProfileWrite,
        Self::KnowledgeRead,
        Self::KnowledgeWrite,
        Self::CallsServe,
        Self::Operator,
    ];

    /// The public form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProfileEnsure => "profile.ensure",
            Self::ProfileRead => "profile.read",
            Self::ProfileWrite => "profile.write",
            Self::KnowledgeRead => "knowledge.read",
            Self::KnowledgeWrite => "knowledge.write",
            Self::CallsServe => "calls.serve",
            Self::Operator => "operator",
        }
    }
}

impl FromStr for Scope {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(IdError::Scope)
    }
}

macro_rules! string_forms {
    ($($id:ty),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $id {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.0
            }
        }
    )*};
}

string_forms!(UserId, ClientId);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> Caller {
        Caller::User {
            user_id: id.parse().unwrap(),
            tier: Tier::Free,
            operator: false,
        }
    }

    #[test]
    fn a_user_is_only_ever_the_subject_of_their_own_requests() {
        let ada: UserId = "ada".parse().unwrap();
        assert_eq!(user("ada").subject(None), Some(ada.clone()));
        assert_eq!(user("ada").subject(Some(ada.clone())), Some(ada.clone()));
        assert_eq!(user("eve").subject(Some(ada)), None);
    }

    #[test]
    fn a_service_must_name_the_user() {
        let service = Caller::Service {
            client_id: "crm".parse().unwrap(),
            scopes: BTreeSet::new(),
        };
        assert_eq!(service.subject(None), None);
        assert_eq!(service.subject("ada".parse().ok()), "ada".parse().ok());
    }

    #[test]
    fn ids_refuse_what_could_confuse_a_log_or_a_query() {
        for bad in ["", "a b", "a\n", "ü", &"a".repeat(129)] {
            assert_eq!(bad.parse::<UserId>(), Err(IdError::UserId), "{bad:?}");
        }
        for bad in ["", "ab", "Abc", "1abc", "a_b", &"a".repeat(41)] {
            assert_eq!(bad.parse::<ClientId>(), Err(IdError::ClientId), "{bad:?}");
        }
        assert_eq!("not-a-uuid".parse::<CallId>(), Err(IdError::CallId));
    }

    #[test]
    fn every_scope_reads_back_from_its_public_form() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!("profile".parse::<Scope>(), Err(IdError::Scope));
    }
}
