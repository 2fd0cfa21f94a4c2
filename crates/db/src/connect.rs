//! One connection, with TLS when the address asks for it.

use std::{path::Path, str::FromStr, sync::Arc};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

/// The port at which Supabase's pooler lends connections for one transaction only.
const TRANSACTION_POOLER_PORT: u16 = 6543;

/// The address of a database: `postgresql://user:password@host:port/name?sslmode=...`.
///
/// `sslmode` is `disable`, `prefer` (the default) or `require`; `require`, `verify-ca` and `verify-full` all check
/// the server's certificate and name. `sslrootcert` names a file with further authorities to trust.
#[derive(Clone, Debug)]
pub struct DatabaseUrl {
    text: SecretString,
    root_certificates: Option<String>,
}

/// Why an address was refused.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Not an address at all.
    #[error("must be postgresql://user:password@host:port/database")]
    Malformed,
    /// The pooler cannot hold a session.
    #[error(
        "port 6543 is a transaction-mode pooler, which loses prepared statements and locks; \
         use the direct connection or the session-mode pooler (port 5432)"
    )]
    TransactionPooler,
    /// An `sslmode` that is not known.
    #[error("sslmode must be disable, prefer, require, verify-ca or verify-full")]
    SslMode,
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        let mut url = Url::parse(text).map_err(|_| DatabaseUrlError::Malformed)?;
        let scheme_fits = matches!(url.scheme(), "postgres" | "postgresql");
        if !scheme_fits || url.host_str().is_none() {
            return Err(DatabaseUrlError::Malformed);
        }
        if url.port() == Some(TRANSACTION_POOLER_PORT) {
            return Err(DatabaseUrlError::TransactionPooler);
        }
        let mut root_certificates = None;
        let mut kept = Vec::new();
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("sslrootcert", file) => root_certificates = Some(file.to_owned()),
                // Our TLS always verifies; the client library knows only the three names below.
                ("sslmode", "verify-ca" | "verify-full") => {
                    kept.push((name.into(), "require".into()));
                }
                ("sslmode", "disable" | "prefer" | "require") => {
                    kept.push((name.into_owned(), value.into_owned()));
                }
                ("sslmode", _) => return Err(DatabaseUrlError::SslMode),
                _ => kept.push((name.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        let text = url.to_string();
        tokio_postgres::Config::from_str(&text).map_err(|_| DatabaseUrlError::Malformed)?;
        Ok(Self {
            text: text.into(),
            root_certificates,
        })
    }
}

impl DatabaseUrl {
    /// Opens a connection.
    ///
    /// # Errors
    /// What the server or the network said.
    pub async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let config = tokio_postgres::Config::from_str(self.text.expose_secret()).map_err(bad)?;
        if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(NoTls).await.map_err(bad)?;
            return AsyncPgConnection::try_from_client_and_connection(client, connection).await;
        }
        let tls = MakeRustlsConnect::new(self.tls().map_err(bad)?);
        let (client, connection) = config.connect(tls).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }

    /// The same server with another database, user and password: how one address gives all of them.
    ///
    /// # Panics
    /// Never: the parts were checked when the address was read.
    #[must_use]
    pub fn with(&self, database: &str, user: &str, password: &SecretString) -> Self {
        let mut url = Url::parse(self.text.expose_secret()).expect("it was read from an address");
        url.set_path(database);
        url.set_username(user)
            .expect("an address with a host has a user");
        url.set_password(Some(password.expose_secret()))
            .expect("an address with a host has a user");
        Self {
            text: url.to_string().into(),
            root_certificates: self.root_certificates.clone(),
        }
    }

    /// The same server and role with another database.
    ///
    /// # Panics
    /// Never: the parts were checked when the address was read.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        let mut url = Url::parse(self.text.expose_secret()).expect("it was read from an address");
        url.set_path(database);
        Self {
            text: url.to_string().into(),
            root_certificates: self.root_certificates.clone(),
        }
    }

    /// The address as text, password and all: for handing it to another process.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The name of the database.
    pub fn database(&self) -> String {
        let url = Url::parse(self.text.expose_secret()).expect("it was read from an address");
        url.path().trim_start_matches('/').to_owned()
    }

    fn tls(&self) -> Result<ClientConfig, std::io::Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = &self.root_certificates {
            for certificate in
                CertificateDer::pem_file_iter(Path::new(file)).map_err(std::io::Error::other)?
            {
                let certificate = certificate.map_err(std::io::Error::other)?;
                roots.add(certificate).map_err(std::io::Error::other)?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(config)
    }
}

fn bad(error: impl std::fmt::Display) -> ConnectionError {
    ConnectionError::BadConnection(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_mode_pooler_is_refused_with_a_way_out() {
        let error = "postgresql://u:p@db.example.com:6543/postgres"
            .parse::<DatabaseUrl>()
            .unwrap_err();
        assert!(matches!(error, DatabaseUrlError::TransactionPooler));
        assert!(error.to_string().contains("5432"));
    }

    #[test]
    fn addresses_are_checked_before_use() {
        for good in [
            "postgresql://u:p@127.0.0.1:5432/db",
            "postgres://u@db.example.com/db?sslmode=verify-full&sslrootcert=/ca.pem",
        ] {
            assert!(good.parse::<DatabaseUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "db",
            "http://u:p@h/db",
            "postgresql:///db",
            "postgresql://h/db?sslmode=maybe",
        ] {
            assert!(bad.parse::<DatabaseUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_never_shows_its_password() {
        let url: DatabaseUrl = "postgresql://u:canary@127.0.0.1/db".parse().unwrap();
        assert!(!format!("{url:?}").contains("canary"));
    }

    #[test]
    fn the_same_server_serves_other_roles() {
        let url: DatabaseUrl = "postgresql://u:p@127.0.0.1:1/db?sslmode=disable"
            .parse()
            .unwrap();
        let other = url.with("insta", "insta_auth", &"a/b@c".into());
        assert_eq!(other.database(), "insta");
        let expected = "postgresql://insta_auth:a%2Fb%40c@127.0.0.1:1/insta?sslmode=disable";
        assert_eq!(other.text.expose_secret(), expected);
    }
}
