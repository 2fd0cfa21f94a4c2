//! Reading what the database said.

use diesel::result::{DatabaseErrorKind, Error};

/// The name of the constraint that an error broke, for matching on the names that migrations give.
pub fn constraint(error: &Error) -> Option<&str> {
    match error {
        Error::DatabaseError(_, information) => information.constraint_name(),
        _ => None,
    }
}

/// Whether the database was not there, so that the same request may well succeed a moment later.
pub fn is_unavailable(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::UnableToSendCommand,
            _
        ) | Error::BrokenTransactionManager
    )
}
