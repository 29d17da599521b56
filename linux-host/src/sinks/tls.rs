//! TLS: who may stand behind a receiver's name, and who this node says it is.
//!
//! Files are read at each connection, so that a renewed certificate needs no restart; a key is in memory for as long
//! as its connection. What is wrong with them is found out here, before anybody is called, and said with the key of the
//! file to look at: a receiver only hangs up. A certificate whose time has not come is an outage, which passes as soon
//! as the clock is set; everything else waits for a person.

mod pem;
mod validity;
pub mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use self::pem::Kind;
use super::Failure;
use crate::secret;

/// The two sides of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM of the authorities that may have signed the receiver's certificate; the system's without it.
    pub ca: Option<PathBuf>,
    /// Who this node is, if the receiver wants to know.
    pub identity: Option<Identity>,
    /// The protocols offered (ALPN), the best first; none is no offer.
    pub alpn: Vec<String>,
}

/// What this node shows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// PEM: its own certificate first, then those between it and the authority.
    pub certificate: PathBuf,
    /// PEM of its key: PKCS #8, SEC1 or PKCS #1; not encrypted, and for this user's and group's eyes only.
    pub key: PathBuf,
}

impl Tls {
    /// Reads the files. The receiver's name goes out with the first message (SNI), as rustls does by itself.
    ///
    /// # Errors
    /// What is wrong with which file and what to do about it, without a word of what is in a key.
    pub async fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        let roots = self.authorities().await?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::refused(format!("TLS: {error}")))?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = identity.certificate().await?;
                let key = pem::key(&read(&identity.key, Kind::Key).await?, &identity.key)?;
                pem::secret(&identity.key).await?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| words::of_identity(&error, identity))?
            }
        };
        config.alpn_protocols = self.alpn.iter().map(|name| name.clone().into_bytes()).collect();
        Ok(Arc::new(config))
    }

    async fn authorities(&self) -> Result<RootCertStore, Failure> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(path) => {
                let found =
                    pem::certificates(&read(path, Kind::Authorities).await?, path, Kind::Authorities)?;
                let (taken, _) = roots.add_parsable_certificates(found);
                if taken == 0 {
                    return Err(Failure::refused(format!(
                        "no certificate in {} can stand for an authority: see `ca`",
                        path.display()
                    )));
                }
            }
            None => {
                let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
                    .await
                    .map_err(|_| Failure::retry("the system's certificates were not read"))?;
                let (taken, _) = roots.add_parsable_certificates(found.certs);
                if taken == 0 {
                    return Err(Failure::refused(
                        "the system has no certificates of authorities: install ca-certificates, or name a file with `ca`",
                    ));
                }
            }
        }
        Ok(roots)
    }
}

impl Identity {
    /// Its chain, if this is the time for it.
    async fn certificate(&self) -> Result<Vec<CertificateDer<'static>>, Failure> {
        let path = &self.certificate;
        let chain = pem::certificates(&read(path, Kind::Certificate).await?, path, Kind::Certificate)?;
        match chain.first().and_then(|own| validity::of(own)) {
            Some(validity) => validity.check(jiff::Timestamp::now(), path)?,
            None => {
                return Err(Failure::refused(format!(
                    "the certificate in {} cannot be read: it is damaged, or of another kind than X.509; see `certificate`",
                    path.display()
                )));
            }
        }
        Ok(chain)
    }
}

/// All of a file.
async fn read(path: &Path, kind: Kind) -> Result<Vec<u8>, Failure> {
    tokio::fs::read(path).await.map_err(|error| {
        let (what, key) = kind.words();
        let help = secret::help(&error, path);
        Failure::refused(format!(
            "cannot read {what} {}: {error}{help}; see `{key}`",
            secret::shown(path, what)
        ))
    })
}
