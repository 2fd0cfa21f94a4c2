//! Tokens for every kind of caller, signed with a key made for the test.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use proto::insta::auth::v1::JsonWebKey;
use service_kit::{
    CallId, Caller, Scope, Tier, clock::Clock, keys::TokenVerifier, token::TokenSigner,
};
use tonic::{Request, metadata::MetadataValue};

/// Signs tokens that [`Identity::verifier`] believes.
pub struct Identity {
    signer: TokenSigner,
    keys: Vec<JsonWebKey>,
    clock: Clock,
}

impl Default for Identity {
    fn default() -> Self {
        Self::new(Clock::system())
    }
}

impl Identity {
    /// A fresh key; tokens are dated by `clock`.
    pub fn new(clock: Clock) -> Self {
        service_kit::install_crypto();
        let pair = Ed25519KeyPair::generate().expect("the machine has randomness");
        let pkcs8 = pair.to_pkcs8v1().expect("a fresh key can be written");
        let key = JsonWebKey {
            kid: "test".into(),
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            alg: "EdDSA".into(),
            x: BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        };
        Self {
            signer: TokenSigner::new("test", pkcs8.as_ref()),
            keys: vec![key],
            clock,
        }
    }

    /// What a service under test verifies tokens with.
    pub fn verifier(&self) -> TokenVerifier {
        TokenVerifier::local(&self.keys, self.clock.clone())
    }

    /// A token for `caller`, as long as its kind may live.
    pub fn token(&self, caller: &Caller) -> String {
        let (token, _) = self
            .signer
            .sign(caller, self.clock.now(), TimeDelta::hours(1))
            .expect("anyone but the anonymous caller has a token");
        token
    }

    /// A request of `caller`.
    pub fn request<T>(&self, caller: &Caller, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if *caller != Caller::Anonymous {
            let value = format!("Bearer {}", self.token(caller));
            let value = MetadataValue::try_from(value).expect("tokens are plain");
            request.metadata_mut().insert("authorization", value);
        }
        request
    }

    /// A signed-in person on the free plan.
    pub fn user(user_id: &str) -> Caller {
        Caller::User {
            user_id: parse(user_id),
            tier: Tier::Free,
            operator: false,
        }
    }

    /// The agent, acting for `user_id` in `call_id`.
    pub fn delegate(user_id: &str, call_id: CallId) -> Caller {
        Caller::Delegate {
            user_id: parse(user_id),
            tier: Tier::Free,
            call_id,
            client_id: parse("agent-svc"),
        }
    }

    /// A service with these scopes.
    pub fn service(scopes: &[Scope]) -> Caller {
        Caller::Service {
            client_id: parse("test-client"),
            scopes: scopes.iter().copied().collect(),
        }
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("tests name callers well")
}
