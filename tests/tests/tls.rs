//! What a node shows of itself in TLS, from files as openssl writes them: the right ones in every form, and what is wrong
//! with the wrong ones.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use campanile::sinks::tls::{Identity, Tls};
use campanile::sinks::{Failure, Then};
use campanile_tests::authority::{ALWAYS, Authority, FUTURE, KeyForm, PAST};

/// What becomes of these two files.
fn open((certificate, key): (&Path, &Path), ca: Option<&Path>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let identity = Identity { certificate: certificate.to_owned(), key: key.to_owned() };
    let tls = Tls { ca: ca.map(Path::to_owned), identity: Some(identity), alpn: Vec::new() };
    runtime.block_on(tls.config()).map(drop)
}

/// They are refused, and the words have all of these.
fn refused(files: (&Path, &Path), ca: &Path, then: Then, words: &[&str]) {
    let failure = open(files, Some(ca)).unwrap_err();
    assert_eq!(failure.then, then, "{}", failure.why);
    for word in words {
        assert!(failure.why.contains(word), "{word:?} is not in: {}", failure.why);
    }
    let key = fs::read_to_string(files.1).unwrap_or_default();
    let secret = key.lines().find(|line| line.len() > 40 && !line.contains(['-', ':']));
    assert!(secret.is_none_or(|line| !failure.why.contains(line)), "the key is not repeated");
}

#[test]
fn a_key_is_taken_in_every_form_that_tools_write() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    for form in [KeyForm::Pkcs8, KeyForm::Sec1, KeyForm::Rsa] {
        let (certificate, key) = authority.sign("porch", ALWAYS, form);
        assert_eq!(open((&certificate, &key), Some(&authority.pem())), Ok(()), "{form:?}");
    }
}

#[test]
fn what_is_wrong_with_the_files_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let ca = authority.pem();
    let (certificate, key) = authority.sign("porch", ALWAYS, KeyForm::Pkcs8);
    let (_, other_key) = authority.sign("other", ALWAYS, KeyForm::Pkcs8);
    let (expired, expired_key) = authority.sign("porch", PAST, KeyForm::Pkcs8);
    let (early, early_key) = authority.sign("porch", FUTURE, KeyForm::Pkcs8);
    let file = |name: &str, text: &str| -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    };
    let missing = dir.path().join("nowhere.pem");
    let empty = file("empty", "");
    let damaged = file("damaged", "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n");
    let nonsense = file("nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let encrypted = file(
        "encrypted",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );

    let say = |certificate: &Path, key: &Path, words: &[&str]| {
        refused((certificate, key), &ca, Then::Refused, words);
    };
    say(&missing, &key, &["cannot read the certificate", "nowhere.pem", "No such file", "`certificate`"]);
    say(&certificate, &missing, &["cannot read the key", "nowhere.pem", "`key`"]);
    say(&empty, &key, &["no certificate in", "PEM", "`certificate`"]);
    say(&damaged, &key, &["damaged", "`certificate`"]);
    say(&nonsense, &key, &["cannot be read", "X.509", "`certificate`"]);
    say(&key, &certificate, &["holds a key, where a certificate is wanted"]);
    say(&certificate, &empty, &["holds no key", "`key`"]);
    say(&certificate, &certificate, &["holds a certificate, where a key is wanted", "`key`"]);
    say(&certificate, &encrypted, &["encrypted", "openssl pkey", "`key`"]);
    say(&certificate, &other_key, &["is not the one of the certificate"]);
    say(&expired, &expired_key, &["has expired on 2021-01-01 00:00 UTC", "put a new one there"]);
    refused((&early, &early_key), &ca, Then::Retry, &["holds from 2098-01-01 00:00 UTC on", "clock"]);
    refused((&certificate, &key), &missing, Then::Refused, &["the authorities' certificates", "`ca`"]);
    refused((&certificate, &key), &nonsense, Then::Refused, &["can stand for an authority", "`ca`"]);
}

#[test]
fn a_key_that_everybody_can_read_is_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let (certificate, key) = authority.sign("porch", ALWAYS, KeyForm::Pkcs8);
    for (mode, good) in [(0o400, true), (0o640, true), (0o644, false), (0o604, false)] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        assert_eq!(open((&certificate, &key), Some(&authority.pem())).is_ok(), good, "{mode:o}");
    }
    refused((&certificate, &key), &authority.pem(), Then::Refused, &["everybody", "chmod o="]);
}
