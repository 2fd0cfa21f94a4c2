//! What a request needs.

use db::Pool;
use service_kit::{clock::Clock, keys::TokenVerifier};

use crate::{
    config::Config, firebase::FirebaseVerifier, keys::Keys, livekit::Livekit, profiles::Profiles,
    secrets::Secrets, store,
};

/// The service, built once.
pub(crate) struct App {
    /// Connections with the role `insta_auth`.
    pub(crate) db: Pool,
    /// Dates tokens and rows.
    pub(crate) clock: Clock,
    /// Our own signing key.
    pub(crate) keys: Keys,
    /// Believes what our own key has signed.
    pub(crate) verifier: TokenVerifier,
    /// Believes what Firebase has signed.
    pub(crate) firebase: FirebaseVerifier,
    /// Hashes of client secrets.
    pub(crate) secrets: Secrets,
    /// profile-svc.
    pub(crate) profiles: Profiles,
    /// The LiveKit server and its secret.
    pub(crate) livekit: Livekit,
}

impl App {
    /// Builds everything and connects to nothing: a service starts while the others are away.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(config: &Config, clock: Clock) -> anyhow::Result<Self> {
        let db = Pool::new(&config.database);
        let keys = Keys::new(db.clone(), clock.clone());
        Ok(Self {
            verifier: keys.verifier(clock.clone()),
            firebase: FirebaseVerifier::new(&config.firebase, clock.clone())?,
            secrets: Secrets::new()?,
            profiles: Profiles::new(&config.profile_url)?,
            livekit: Livekit::new(&config.livekit),
            db,
            clock,
            keys,
        })
    }

    /// Whether the database answers and there is a key to sign with.
    pub(crate) async fn check_ready(&self) -> anyhow::Result<()> {
        store::check(&self.db).await?;
        self.keys.ring().await?;
        Ok(())
    }
}
