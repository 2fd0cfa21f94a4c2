//! What a service client shows, and what it asks for.

use std::collections::BTreeSet;

use proto::insta::auth::v1 as pb;
use secrecy::SecretString;
use service_kit::{ClientId, Scope, field::FieldErrors};

/// A client's id and secret, and the scopes that it wants; none means all it has.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) client_id: ClientId,
    pub(crate) secret: SecretString,
    pub(crate) scopes: BTreeSet<Scope>,
}

/// A client to be registered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) client_id: ClientId,
    pub(crate) scopes: BTreeSet<Scope>,
}

impl TryFrom<pb::IssueServiceTokenRequest> for Credentials {
    type Error = FieldErrors;

    fn try_from(request: pb::IssueServiceTokenRequest) -> Result<Self, FieldErrors> {
        let secret = request.client_secret.into();
        let mut errors = FieldErrors::new();
        let client_id = errors.check("client_id", request.client_id.parse());
        let scopes = scopes(&mut errors, &request.scopes);
        errors.finish(client_id.map(|client_id| Self {
            client_id,
            secret,
            scopes,
        }))
    }
}

impl TryFrom<pb::CreateServiceClientRequest> for Registration {
    type Error = FieldErrors;

    fn try_from(request: pb::CreateServiceClientRequest) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::new();
        let client_id = errors.check("client_id", request.client_id.parse());
        let scopes = scopes(&mut errors, &request.scopes);
        if request.scopes.is_empty() {
            errors.add("scopes", "must hold at least one scope");
        }
        errors.finish(client_id.map(|client_id| Self { client_id, scopes }))
    }
}

fn scopes(errors: &mut FieldErrors, scopes: &[String]) -> BTreeSet<Scope> {
    let mut read = BTreeSet::new();
    for (index, scope) in scopes.iter().enumerate().take(Scope::ALL.len()) {
        read.extend(errors.check(&format!("scopes[{index}]"), scope.parse::<Scope>()));
    }
    if scopes.len() > Scope::ALL.len() {
        let most = Scope::ALL.len();
        errors.add(
            "scopes",
            format!("must hold at most {most} scopes, has {}", scopes.len()),
        );
    }
    read
}
