//! Every RPC ends in time: the sooner of what the client asked for and what the service allows.
//!
//! The limit covers the time to the first byte of the answer; a stream that is open has its own ends.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, Request, Response};
use tokio::time::Instant;
use tonic::Status;
use tower::{Layer, Service};

/// When the RPC being handled must be answered; found in the request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// The time left, less a little for the way back. Zero when it is over.
    pub fn remaining(self) -> Duration {
        self.0
            .saturating_duration_since(Instant::now())
            .saturating_sub(Duration::from_millis(50))
    }
}

/// Ends every RPC in time with DEADLINE_EXCEEDED.
#[derive(Clone, Copy)]
pub struct DeadlineLayer(pub Duration);

impl<S> Layer<S> for DeadlineLayer {
    type Service = WithDeadline<S>;

    fn layer(&self, inner: S) -> WithDeadline<S> {
        WithDeadline {
            inner,
            longest: self.0,
        }
    }
}

/// The service that [`DeadlineLayer`] makes.
#[derive(Clone)]
pub struct WithDeadline<S> {
    inner: S,
    longest: Duration,
}

impl<S, B, R> Service<Request<B>> for WithDeadline<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    S::Future: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let asked = client_timeout(request.headers()).unwrap_or(self.longest);
        let deadline = Instant::now() + asked.min(self.longest);
        request.extensions_mut().insert(Deadline(deadline));
        let answer = self.inner.call(request);
        Box::pin(async move {
            tokio::time::timeout_at(deadline, answer)
                .await
                .unwrap_or_else(|_| {
                    Ok(
                        Status::deadline_exceeded("the call took longer than its deadline")
                            .into_http(),
                    )
                })
        })
    }
}

/// The `grpc-timeout` header: up to eight digits and a unit.
fn client_timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_hangs_is_ended_by_the_sooner_deadline() {
        let hangs =
            tower::service_fn(|_: Request<()>| std::future::pending::<Result<Response<()>, _>>());
        let mut service = DeadlineLayer(Duration::from_secs(10)).layer(hangs);
        for (asked, expected) in [("250m", 250), ("1H", 10_000)] {
            let started = Instant::now();
            let request = Request::builder()
                .header("grpc-timeout", asked)
                .body(())
                .unwrap();
            let answer = service.call(request).await.unwrap();
            assert_eq!(answer.headers()["grpc-status"], "4", "DEADLINE_EXCEEDED");
            assert_eq!(started.elapsed().as_millis(), expected);
        }
    }

    #[test]
    fn the_timeout_header_is_read_as_grpc_writes_it() {
        let cases = [
            ("1S", Some(Duration::from_secs(1))),
            ("250m", Some(Duration::from_millis(250))),
            ("2H", Some(Duration::from_secs(7200))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("123456789S", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("1x", None),
            ("1ü", None),
        ];
        for (value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(
                "grpc-timeout",
                http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
            assert_eq!(client_timeout(&headers), expected, "{value:?}");
        }
    }
}
