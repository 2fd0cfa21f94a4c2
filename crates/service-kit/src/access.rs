//! Who may call what: the one table.
//!
//! A row says which kinds of caller reach a handler at all. What they may see there (their own data only, one
//! field of it only) is the handler's business. An RPC without a row is reached by nobody.

use crate::caller::{Caller, Scope};

/// Which kinds of caller may call one RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone, with or without a token.
    Public,
    /// The kinds named here.
    Only {
        /// Signed-in people.
        users: bool,
        /// Services that act for one user in one call.
        delegates: bool,
        /// Services with any one of these scopes. `Operator` also admits people who are operators.
        scopes: &'static [Scope],
    },
}

use Access::Public;

const fn only(users: bool, delegates: bool, scopes: &'static [Scope]) -> Access {
    Access::Only {
        users,
        delegates,
        scopes,
    }
}

const USERS: bool = true;
const DELEGATES: bool = true;
const NO_USERS: bool = false;
const NO_DELEGATES: bool = false;

/// Every RPC of the system with its access.
pub const TABLE: &[(&str, Access)] = {
    use Scope::{
        CallsServe, KnowledgeRead, KnowledgeWrite, Operator, ProfileEnsure, ProfileRead,
        ProfileWrite,
    };
    &[
        ("/insta.auth.v1.AuthService/CreateSession", Public),
        (
            "/insta.auth.v1.AuthService/CreateServiceClient",
            only(NO_USERS, NO_DELEGATES, &[Operator]),
        ),
        ("/insta.auth.v1.AuthService/IssueServiceToken", Public),
        (
            "/insta.auth.v1.AuthService/IssueDelegatedToken",
            only(NO_USERS, NO_DELEGATES, &[CallsServe]),
        ),
        (
            "/insta.auth.v1.AuthService/IssueLivekitToken",
            only(NO_USERS, NO_DELEGATES, &[CallsServe]),
        ),
        ("/insta.auth.v1.AuthService/GetKeySet", Public),
        (
            "/insta.profile.v1.ProfileService/EnsureProfile",
            only(NO_USERS, NO_DELEGATES, &[ProfileEnsure]),
        ),
        (
            "/insta.profile.v1.ProfileService/GetProfile",
            only(USERS, DELEGATES, &[ProfileRead]),
        ),
        (
            "/insta.profile.v1.ProfileService/ListProfiles",
            only(NO_USERS, NO_DELEGATES, &[ProfileRead]),
        ),
        (
            "/insta.profile.v1.ProfileService/UpdateProfile",
            only(USERS, DELEGATES, &[ProfileWrite]),
        ),
        (
            "/insta.profile.v1.ProfileService/SetAccountFacts",
            only(NO_USERS, NO_DELEGATES, &[ProfileWrite]),
        ),
        (
            "/insta.profile.v1.ProfileService/ListAccountFacts",
            only(USERS, DELEGATES, &[ProfileRead]),
        ),
        (
            "/insta.profile.v1.ProfileService/DeleteAccountFacts",
            only(NO_USERS, NO_DELEGATES, &[ProfileWrite]),
        ),
        (
            "/insta.profile.v1.ProfileService/RecordInteraction",
            only(NO_USERS, DELEGATES, &[]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/CreateDocument",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeWrite]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/GetDocument",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeRead]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/ListDocuments",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeRead]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/UpdateDocument",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeWrite]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/DeleteDocument",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeWrite]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/ImportDocuments",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeWrite]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/ListCollections",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeRead]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/ListFailedEmbeddings",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeRead]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/RetryFailedEmbeddings",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeWrite]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/Search",
            only(USERS, DELEGATES, &[KnowledgeRead]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/ListUnansweredQuestions",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeRead]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/DismissUnansweredQuestion",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeWrite]),
        ),
        (
            "/insta.knowledge.v1.KnowledgeService/EraseUser",
            only(NO_USERS, NO_DELEGATES, &[KnowledgeWrite, Operator]),
        ),
        (
            "/insta.agent.v1.AgentService/StartCall",
            only(USERS, NO_DELEGATES, &[]),
        ),
        (
            "/insta.agent.v1.AgentService/GetCall",
            only(USERS, NO_DELEGATES, &[Operator]),
        ),
        (
            "/insta.agent.v1.AgentService/ListCalls",
            only(USERS, NO_DELEGATES, &[Operator]),
        ),
        (
            "/insta.agent.v1.AgentService/EndCall",
            only(USERS, NO_DELEGATES, &[Operator]),
        ),
        (
            "/insta.agent.v1.AgentService/Say",
            only(NO_USERS, NO_DELEGATES, &[Operator]),
        ),
        (
            "/insta.agent.v1.AgentService/SendMessage",
            only(USERS, NO_DELEGATES, &[Operator]),
        ),
        (
            "/insta.agent.v1.AgentService/UpdateInstructions",
            only(NO_USERS, NO_DELEGATES, &[Operator]),
        ),
        (
            "/insta.agent.v1.AgentService/WatchCall",
            only(USERS, NO_DELEGATES, &[Operator]),
        ),
    ]
};

/// What keeps a caller from an RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The RPC needs a token and there is none.
    NoToken,
    /// The token is good, but not for this.
    NotAllowed,
}

/// Whether `caller` may call the RPC at `path`.
///
/// # Errors
/// [`Denied`] says which of the two ways the caller falls short. A path without a row is denied to all.
pub fn check(path: &str, caller: &Caller) -> Result<(), Denied> {
    let access = TABLE
        .iter()
        .find(|(row, _)| *row == path)
        .map(|(_, access)| *access);
    match (access, caller) {
        (Some(Public), _) => Ok(()),
        (_, Caller::Anonymous) => Err(Denied::NoToken),
        (
            Some(Access::Only {
                users,
                delegates,
                scopes,
            }),
            caller,
        ) => {
            let admitted = match caller {
                Caller::User { operator, .. } => {
                    users || (*operator && scopes.contains(&Scope::Operator))
                }
                Caller::Delegate { .. } => delegates,
                Caller::Service { .. } => scopes.iter().any(|scope| caller.has_scope(*scope)),
                Caller::Anonymous => false,
            };
            if admitted {
                Ok(())
            } else {
                Err(Denied::NotAllowed)
            }
        }
        (None, _) => Err(Denied::NotAllowed),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::caller::{CallId, Tier};

    #[test]
    fn every_rpc_of_the_contracts_has_exactly_one_row() {
        let rows: BTreeSet<_> = TABLE.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(rows.len(), TABLE.len(), "a path stands twice");
        assert_eq!(rows, proto::methods().into_iter().collect());
    }

    /// Every RPC against every kind of caller. A change here is a change of who may do what.
    #[test]
    fn the_matrix_of_callers_and_rpcs() {
        let mut callers = vec![
            ("anonymous", Caller::Anonymous),
            ("user", user(false)),
            ("operator-user", user(true)),
            (
                "delegate",
                Caller::Delegate {
                    user_id: "u".parse().unwrap(),
                    tier: Tier::Pro,
                    call_id: CallId::generate(),
                    client_id: "agent-svc".parse().unwrap(),
                },
            ),
            ("no-scope", service(&[])),
        ];
        callers.extend(Scope::ALL.map(|scope| (scope.as_str(), service(&[scope]))));

        let matrix: String = TABLE
            .iter()
            .map(|(path, _)| {
                let admitted: Vec<_> = callers
                    .iter()
                    .filter(|(_, caller)| check(path, caller).is_ok())
                    .map(|(name, _)| *name)
                    .collect();
                let admitted = if admitted.len() == callers.len() {
                    "anyone".into()
                } else {
                    admitted.join(" ")
                };
                format!(
                    "{}: {admitted}\n",
                    path.rsplit('.').next().expect("a path has dots")
                )
            })
            .collect();
        insta::assert_snapshot!(matrix);
    }

    #[test]
    fn a_path_without_a_row_is_reached_by_nobody() {
        assert_eq!(
            check("/insta.x.v1.X/Y", &user(true)),
            Err(Denied::NotAllowed)
        );
        assert_eq!(
            check("/insta.x.v1.X/Y", &Caller::Anonymous),
            Err(Denied::NoToken)
        );
    }

    fn user(operator: bool) -> Caller {
        Caller::User {
            user_id: "u".parse().unwrap(),
            tier: Tier::Free,
            operator,
        }
    }

    fn service(scopes: &[Scope]) -> Caller {
        Caller::Service {
            client_id: "crm".parse().unwrap(),
            scopes: scopes.iter().copied().collect(),
        }
    }
}
