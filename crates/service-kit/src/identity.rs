//! The layer in front of every RPC: finds out who is calling and whether they may.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::{
    access::{self, Denied},
    caller::Caller,
    keys::TokenVerifier,
    status,
    token::TokenError,
};

const DOMAIN: &str = "insta";
/// What is open to anyone beside the access table.
const OPEN_PREFIXES: [&str; 2] = ["/grpc.health.v1.Health/", "/grpc.reflection."];
const CONTRACTS: &str = "/insta.";

/// Puts a [`Caller`] into every request that is let through, and answers the others.
#[derive(Clone)]
pub struct IdentityLayer {
    verifier: TokenVerifier,
}

impl IdentityLayer {
    /// A layer that believes the tokens that `verifier` accepts.
    pub fn new(verifier: TokenVerifier) -> Self {
        Self { verifier }
    }
}

impl<S> Layer<S> for IdentityLayer {
    type Service = Identity<S>;

    fn layer(&self, inner: S) -> Identity<S> {
        Identity {
            inner,
            verifier: self.verifier.clone(),
        }
    }
}

/// The service that [`IdentityLayer`] makes.
#[derive(Clone)]
pub struct Identity<S> {
    inner: S,
    verifier: TokenVerifier,
}

impl<S, B, R> Service<Request<B>> for Identity<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone that was made ready must be the one that is called.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let verifier = self.verifier.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            match admit(&verifier, head.uri.path(), &head.headers).await {
                Ok(caller) => {
                    head.extensions.insert(caller);
                    inner.call(Request::from_parts(head, body)).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}

async fn admit(
    verifier: &TokenVerifier,
    path: &str,
    headers: &HeaderMap,
) -> Result<Caller, Status> {
    // Paths outside the contracts reach no handler of ours: the router answers UNIMPLEMENTED.
    if OPEN_PREFIXES.iter().any(|open| path.starts_with(open)) || !path.starts_with(CONTRACTS) {
        return Ok(Caller::Anonymous);
    }
    // A public RPC must not fail over a stale token that it does not need.
    if access::check(path, &Caller::Anonymous).is_ok() {
        return Ok(Caller::Anonymous);
    }
    let caller = authenticate(verifier, headers).await?;
    access::check(path, &caller).map_err(|denied| match denied {
        Denied::NoToken => status::with_reason(
            Code::Unauthenticated,
            DOMAIN,
            "TOKEN_MISSING",
            "send `authorization: Bearer <token>`",
        ),
        Denied::NotAllowed => status::with_reason(
            Code::PermissionDenied,
            DOMAIN,
            "NOT_ALLOWED",
            "this token does not allow this call",
        ),
    })?;
    Ok(caller)
}

/// Who sent a request with these headers; [`Caller::Anonymous`] without an `authorization` header.
///
/// # Errors
/// UNAUTHENTICATED when there is a token and it is not good; UNAVAILABLE when that cannot be found out.
pub async fn authenticate(verifier: &TokenVerifier, headers: &HeaderMap) -> Result<Caller, Status> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(Caller::Anonymous);
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token)
        .ok_or_else(|| {
            let wanted = "the authorization header must be `Bearer <token>`";
            status::with_reason(Code::Unauthenticated, DOMAIN, "TOKEN_INVALID", wanted)
        })?;
    verifier.verify(token).await.map_err(|error| {
        let (code, reason) = match error {
            TokenError::Expired => (Code::Unauthenticated, "TOKEN_EXPIRED"),
            TokenError::Invalid | TokenError::UnknownKey => {
                (Code::Unauthenticated, "TOKEN_INVALID")
            }
            TokenError::KeysUnavailable => (Code::Unavailable, "AUTH_UNAVAILABLE"),
        };
        status::with_reason(code, DOMAIN, reason, error.to_string())
    })
}
