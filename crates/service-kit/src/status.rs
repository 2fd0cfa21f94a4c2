//! gRPC statuses in the one shape that clients of every service read.

use std::{collections::HashMap, fmt::Debug, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A status with an `ErrorInfo`. `domain` is the service, `reason` a stable name in UPPER_SNAKE_CASE.
pub fn with_reason(code: Code, domain: &str, reason: &str, message: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(reason, domain, HashMap::new());
    Status::with_error_details(code, message, details)
}

/// As [`with_reason`], with what a client needs to go on: for example the current etag, after one that was not.
pub fn with_metadata<const N: usize>(
    code: Code,
    domain: &str,
    reason: &str,
    message: impl Into<String>,
    metadata: [(&str, String); N],
) -> Status {
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value));
    let details = ErrorDetails::with_error_info(reason, domain, HashMap::from(metadata));
    Status::with_error_details(code, message, details)
}

/// As [`with_reason`], and says when another try is worth it.
pub fn retry_after(
    code: Code,
    domain: &str,
    reason: &str,
    message: impl Into<String>,
    delay: Duration,
) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, domain, HashMap::new());
    details.set_retry_info(Some(delay));
    Status::with_error_details(code, message, details)
}

/// A fault of ours: logged here with its whole chain, and told to nobody else.
///
/// The client finds the request id in the `x-request-id` header of the answer.
pub fn internal(source: &dyn Debug) -> Status {
    tracing::error!(error = ?source, "Request failed by a fault of the service");
    Status::internal("the service failed; report the x-request-id of this answer")
}

/// The reason that a status carries in its `ErrorInfo`, if any.
pub fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}
