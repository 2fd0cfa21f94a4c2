//! Running the system: `up`, `status`, `down`, `dev`, `token`, `migrate`.

mod build;
mod database;
mod dev;
mod down;
mod firebase;
mod migrate;
mod readiness;
mod seed;
mod status;
mod token;
mod up;

pub use build::programs;
pub use dev::dev;
pub use down::down;
pub use migrate::migrate;
pub use seed::articles_embedded;
pub use status::{Report, status};
pub use token::{Who, client_secret, session_token, token};
pub use up::{Options, up};
