//! What a request needs.

use service_kit::clock::Clock;

/// The service, built once.
pub(crate) struct App {
    /// Connections with the role `insta_profile`.
    pub(crate) db: db::Pool,
    /// Dates every write.
    pub(crate) clock: Clock,
}
