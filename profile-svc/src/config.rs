//! The settings of profile-svc.

use clap::Parser;
use db::DatabaseConfig;
use service_kit::config::{AuthConfig, ServerConfig};

/// Keeps what is known of each user.
#[derive(Clone, Debug, Parser)]
#[command(name = "profile-svc", version)]
pub struct Config {
    /// How the process serves and logs.
    #[command(flatten)]
    pub server: ServerConfig,

    /// Where auth-svc is.
    #[command(flatten)]
    pub auth: AuthConfig,

    /// Where profiles are kept.
    #[command(flatten)]
    pub database: DatabaseConfig,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Config::command().debug_assert();
    }
}
