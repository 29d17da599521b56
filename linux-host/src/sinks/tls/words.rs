//! What went wrong in TLS, in plain words, and what to do about it.

use std::fmt::Write;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InconsistentKeys};

use super::Identity;
use crate::sinks::Failure;

/// A moment for a person, to the minute.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn unix(at: UnixTime) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "a time beyond all reason".to_owned(), moment)
}

/// Why a certificate and a key make no identity.
pub(super) fn of_identity(error: &Error, identity: &Identity) -> Failure {
    let (certificate, key) = (identity.certificate.display(), identity.key.display());
    Failure::refused(match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            format!(
                "the key {key} is not the one of the certificate {certificate}: see `certificate` and `key`"
            )
        }
        Error::InvalidCertificate(_) => {
            format!("the certificate {certificate} cannot be read: it is damaged; see `certificate`")
        }
        _ => format!(
            "the key {key} is of a kind that is not known here: RSA, ECDSA (P-256, P-384) and Ed25519 are; see `key`"
        ),
    })
}

/// The reason that TLS has for the end of a connection, wherever in an error it stands.
pub fn find(error: &std::io::Error) -> Option<&Error> {
    let mut source: &(dyn std::error::Error + 'static) = error.get_ref()?;
    loop {
        if let Some(found) = source.downcast_ref::<Error>() {
            return Some(found);
        }
        // An I/O error shows what it wraps here, and not as its source.
        source = match source.downcast_ref::<std::io::Error>() {
            Some(inner) => inner.get_ref()?,
            None => source.source()?,
        };
    }
}

/// Why there is no connection, or no longer.
pub fn of(error: &Error) -> Failure {
    match error {
        Error::InvalidCertificate(wrong) => of_certificate(wrong),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::NoApplicationProtocol => {
            Failure::refused("TLS: the receiver answers with a protocol that was not offered: see `alpn`")
        }
        Error::InvalidMessage(_) => Failure::refused(
            "TLS: the receiver does not speak it on this port: see the port, or `mqtt://` for one without",
        ),
        Error::PeerIncompatible(_) => Failure::refused(
            "TLS: the receiver knows only versions or ciphers that are broken by now: at least 1.2 is needed",
        ),
        other => Failure::retry(format!("TLS: {other}")),
    }
}

/// What is wrong with the receiver's certificate.
fn of_certificate(wrong: &CertificateError) -> Failure {
    const SET: &str = "renew it there; or is this clock wrong?";
    match wrong {
        CertificateError::UnknownIssuer => Failure::refused(
            "TLS: the receiver's certificate is signed by an authority that nobody here knows: name its certificate with `ca`",
        ),
        CertificateError::Expired => {
            Failure::refused(format!("TLS: the receiver's certificate has expired: {SET}"))
        }
        CertificateError::ExpiredContext { time, not_after } => Failure::refused(format!(
            "TLS: the receiver's certificate has expired on {}, and this clock says {}: {SET}",
            unix(*not_after),
            unix(*time)
        )),
        CertificateError::NotValidYet => {
            Failure::retry("TLS: the receiver's certificate does not hold yet: is this clock set?")
        }
        CertificateError::NotValidYetContext { time, not_before } => Failure::retry(format!(
            "TLS: the receiver's certificate holds from {} on, and this clock says {}: it waits for the clock to be set",
            unix(*not_before),
            unix(*time)
        )),
        CertificateError::NotValidForName => Failure::refused(
            "TLS: the receiver's certificate is for another name: write the one that it is for",
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let mut why = format!("TLS: the receiver's certificate is not for {}", expected.to_str());
            if !presented.is_empty() {
                let _ = write!(why, " but for {}", presented.join(", "));
            }
            Failure::refused(why + ": write a name that it is for")
        }
        CertificateError::Revoked => {
            Failure::refused("TLS: the receiver's certificate has been revoked: it needs a new one")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            Failure::refused("TLS: the receiver's certificate is not one for servers: it needs another")
        }
        other => Failure::refused(format!("TLS: the receiver's certificate is wrong ({other}): see `ca`")),
    }
}

/// What the receiver says is wrong with this node.
fn of_alert(alert: AlertDescription) -> Failure {
    use AlertDescription as Alert;
    Failure::refused(match alert {
        Alert::CertificateRequired | Alert::NoCertificate => {
            "TLS: the receiver wants to see a certificate of this node: see `certificate` and `key`".to_owned()
        }
        Alert::UnknownCA => {
            "TLS: the receiver does not know who signed this node's certificate: see `certificate`, and which authorities it has"
                .to_owned()
        }
        Alert::CertificateExpired => {
            "TLS: the receiver says that this node's certificate has expired: see `certificate`, and its clock".to_owned()
        }
        Alert::CertificateRevoked => {
            "TLS: the receiver has revoked this node's certificate: get a new one, see `certificate`".to_owned()
        }
        Alert::BadCertificate | Alert::UnsupportedCertificate | Alert::CertificateUnknown | Alert::DecryptError => {
            "TLS: the receiver does not take this node's certificate: see `certificate`".to_owned()
        }
        Alert::AccessDenied => "TLS: the receiver knows this node and does not let it in: see its access list".to_owned(),
        Alert::NoApplicationProtocol => "TLS: the receiver speaks none of the protocols offered: see `alpn`".to_owned(),
        Alert::UnrecognisedName => "TLS: the receiver has no host of this name: see the name in its address".to_owned(),
        Alert::HandshakeFailure => {
            "TLS: the receiver broke off: it may want to see a certificate (see `certificate`), or knows no cipher that is known here"
                .to_owned()
        }
        Alert::ProtocolVersion | Alert::InsufficientSecurity => {
            "TLS: the receiver knows only versions or ciphers that are broken by now: at least 1.2 is needed".to_owned()
        }
        // The other end had a bad moment; this one has nothing to mend.
        other => return Failure::retry(format!("TLS: the receiver broke off ({other:?})")),
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::sinks::Then;

    #[test]
    fn waiting_heals_a_clock_and_people_the_rest() {
        let certificate = |wrong: CertificateError| of(&Error::InvalidCertificate(wrong));
        let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let early = CertificateError::NotValidYetContext { time: at(60), not_before: at(1_767_225_600) };
        let early = certificate(early);
        assert_eq!(early.then, Then::Retry);
        assert!(early.why.contains("from 2026-01-01 00:00 UTC on") && early.why.contains("1970-01-01 00:01"));
        let late =
            certificate(CertificateError::ExpiredContext { time: at(1_767_225_600), not_after: at(60) });
        assert_eq!(late.then, Then::Refused);
        assert!(late.why.contains("expired on 1970-01-01 00:01 UTC"), "{}", late.why);
        let unknown = certificate(CertificateError::UnknownIssuer);
        assert!(unknown.then == Then::Refused && unknown.why.contains("`ca`"));
        assert_eq!(of_alert(AlertDescription::InternalError).then, Then::Retry);
        assert!(of_alert(AlertDescription::CertificateRequired).why.contains("`certificate`"));
    }

    #[test]
    fn the_reason_is_found_however_deep_it_is_wrapped() {
        let reason = Error::AlertReceived(AlertDescription::UnknownCA);
        let once = io::Error::new(io::ErrorKind::InvalidData, reason.clone());
        assert_eq!(find(&once), Some(&reason));
        assert_eq!(find(&io::Error::other(once)), Some(&reason));
        assert_eq!(find(&io::ErrorKind::ConnectionReset.into()), None);
        assert_eq!(find(&io::Error::other("something else")), None);
    }
}
