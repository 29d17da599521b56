//! PEM files: what is in them, and what people put there instead.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::sinks::Failure;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of authorities.
    Authorities,
    /// This node's.
    Certificate,
    /// To it.
    Key,
}

impl Kind {
    /// What it is called, and the key of the file that names it.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Authorities => ("the authorities' certificates", "ca"),
            Self::Certificate => ("the certificate", "certificate"),
            Self::Key => ("the key", "key"),
        }
    }
}

/// The certificates of a file, at least one.
pub(super) fn certificates(
    text: &[u8],
    path: &Path,
    kind: Kind,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let (_, key) = kind.words();
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) if has_key(text) => Err(Failure::refused(format!(
            "{} holds a key, where a certificate is wanted: see `{key}`",
            path.display()
        ))),
        Ok(_) => Err(Failure::refused(format!(
            "no certificate in {}: it has to be PEM, which begins with -----BEGIN CERTIFICATE-----; see `{key}`",
            path.display()
        ))),
        Err(_) => Err(Failure::refused(format!(
            "the PEM in {} is damaged: copy it there again; see `{key}`",
            path.display()
        ))),
    }
}

/// The key of a file.
pub(super) fn key(text: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    let wrong = |what: &str| Failure::refused(format!("{}{what}; see `key`", path.display()));
    let says = |word: &str| text.windows(word.len()).any(|part| part == word.as_bytes());
    if says("BEGIN ENCRYPTED PRIVATE KEY") || says("Proc-Type: 4,ENCRYPTED") {
        return Err(wrong(
            " holds an encrypted key, and nobody is there to type its passphrase: `openssl pkey -in OLD -out NEW` takes it off",
        ));
    }
    match PrivateKeyDer::from_pem_slice(text) {
        Ok(key) => Ok(key),
        Err(rustls::pki_types::pem::Error::NoItemsFound) if says("BEGIN CERTIFICATE") => {
            Err(wrong(" holds a certificate, where a key is wanted"))
        }
        Err(rustls::pki_types::pem::Error::NoItemsFound) => {
            Err(wrong(" holds no key: it has to be PEM, which begins with -----BEGIN PRIVATE KEY-----"))
        }
        Err(_) => Err(wrong(": the PEM is damaged: copy it there again")),
    }
}

fn has_key(text: &[u8]) -> bool {
    use SectionKind::{EcPrivateKey, PrivateKey, RsaPrivateKey};
    <(SectionKind, Vec<u8>)>::pem_slice_iter(text)
        .any(|section| matches!(section, Ok((EcPrivateKey | PrivateKey | RsaPrivateKey, _))))
}

/// A key that everybody on the machine can read is no secret.
pub(super) async fn secret(path: &Path) -> Result<(), Failure> {
    const OTHERS: u32 = 0o007;
    let Ok(meta) = tokio::fs::metadata(path).await else { return Ok(()) };
    if meta.permissions().mode() & OTHERS == 0 {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "everybody on this machine can read the key {}: `chmod o= FILE` takes that away; where it does not (FAT has no \
         owners), move the file",
        path.display()
    )))
}
