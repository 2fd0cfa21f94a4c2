//! Reading requests: every wrong field is found and told at once.

use std::fmt::Display;

use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// What is wrong with the fields of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.summary())]
pub struct FieldErrors(Vec<(String, String)>);

impl FieldErrors {
    /// Nothing wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One wrong field. `field` is its path in the request, for example `profile.name`.
    pub fn one(field: &str, problem: impl Display) -> Self {
        let mut errors = Self::new();
        errors.add(field, problem);
        errors
    }

    /// Notes that `field` is wrong, and what would be right.
    pub fn add(&mut self, field: &str, problem: impl Display) {
        self.0.push((field.to_owned(), problem.to_string()));
    }

    /// Keeps the value of a good field and notes a bad one.
    pub fn check<T, E: Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|problem| self.add(field, problem)).ok()
    }

    /// Notes when `text` does not have `min` to `max` characters.
    pub fn length(&mut self, field: &str, text: &str, min: usize, max: usize) {
        let characters = text.chars().count();
        if !(min..=max).contains(&characters) {
            self.add(
                field,
                format!("must have {min} to {max} characters, has {characters}"),
            );
        }
    }

    /// `value` when nothing was wrong.
    ///
    /// # Errors
    /// The errors, when there are any.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }

    fn summary(&self) -> String {
        let parts: Vec<_> = self
            .0
            .iter()
            .map(|(field, problem)| format!("{field} {problem}"))
            .collect();
        parts.join("; ")
    }
}

impl From<FieldErrors> for Status {
    fn from(errors: FieldErrors) -> Self {
        let summary = errors.summary();
        let violations: Vec<_> = errors
            .0
            .into_iter()
            .map(|(field, problem)| FieldViolation::new(field, problem))
            .collect();
        Status::with_error_details(
            tonic::Code::InvalidArgument,
            summary,
            ErrorDetails::with_bad_request(violations),
        )
    }
}

/// A duration as the contracts carry it.
pub fn duration(duration: std::time::Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}

/// A time as the contracts carry it.
pub fn timestamp(time: chrono::DateTime<chrono::Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.timestamp(),
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0),
    }
}

/// A time from a request.
///
/// # Errors
/// A sentence, when the timestamp is not one.
pub fn time(
    timestamp: prost_types::Timestamp,
) -> Result<chrono::DateTime<chrono::Utc>, &'static str> {
    u32::try_from(timestamp.nanos)
        .ok()
        .and_then(|nanos| chrono::DateTime::from_timestamp(timestamp.seconds, nanos))
        .ok_or("must be a time between the years 1 and 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let mut errors = FieldErrors::new();
        errors.length("profile.name", &"x".repeat(81), 0, 80);
        errors.check("call_id", "x".parse::<crate::CallId>());
        let status = Status::from(errors.finish(Some(())).unwrap_err());
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let violations = status.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = violations
            .iter()
            .map(|violation| &violation.field)
            .collect();
        assert_eq!(fields, ["profile.name", "call_id"]);
    }
}
