//! TLS, and a broker that lets nobody in without a certificate: whom both sides take for whom, and what is said if not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use campanile_tests::PATIENCE;
use campanile_tests::authority::{ALWAYS, Authority, FUTURE, KeyForm, PAST, Span};
use campanile_tests::house::House;
use campanile_tests::mosquitto::{Mosquitto, end, free_port};
use campanile_tests::subscriber::Subscriber;
use rustix::process::Signal;

use crate::{counting, reached, whole};

/// A broker over TLS, and without it on another port for a subscriber.
pub(crate) fn broker(dir: &Path, (certificate, key): &(PathBuf, PathBuf), more: &str) -> (Mosquitto, u16) {
    let mut broker = Mosquitto::new(dir, "");
    let plain = free_port();
    broker.configure(&format!(
        "per_listener_settings true\ncertfile {}\nkeyfile {}\n{more}\nlistener {plain} 127.0.0.1\nallow_anonymous true",
        certificate.display(),
        key.display()
    ));
    broker.start();
    (broker, plain)
}

/// The keys of a sink for these files.
fn keys(ca: &Path, identity: Option<&(PathBuf, PathBuf)>) -> String {
    let identity =
        identity.map(|(certificate, key)| format!("certificate = {certificate:?}\nkey = {key:?}\n"));
    format!("ca = {ca:?}\n{}", identity.unwrap_or_default())
}

/// What a house says of its sink, once it says something of the kind.
fn state(dir: &Path, url: &str, keys: &str, begins: &str) -> String {
    let mut house = House::new(dir, &counting(url, keys));
    house.start();
    let mut status = house.wait(begins, |status| status.sinks[0].state.starts_with(begins));
    house.stop();
    std::mem::take(&mut status.sinks[0].state)
}

#[test]
fn a_broker_that_wants_certificates_gets_the_nodes_own() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let access = dir.path().join("access");
    fs::write(&access, "pattern readwrite campanile/%u/#\n").unwrap();
    let (broker, plain) = broker(
        dir.path(),
        &authority.sign("localhost", ALWAYS, KeyForm::Pkcs8),
        &format!(
            "require_certificate true\nuse_identity_as_username true\ncafile {}\nacl_file {}",
            authority.pem().display(),
            access.display()
        ),
    );
    let url = format!("mqtts://localhost:{}", broker.port);
    let subscriber = Subscriber::new(plain, "campanile/#", None);

    let nobody = state(&dir.path().join("nobody"), &url, &keys(&authority.pem(), None), "re");
    assert!(nobody.contains("certificate"), "{nobody}");
    let stranger = Authority::new(dir.path(), "stranger").sign("porch", ALWAYS, KeyForm::Pkcs8);
    let stranger = state(&dir.path().join("stranger"), &url, &keys(&authority.pem(), Some(&stranger)), "re");
    assert!(stranger.contains("certificate"), "{stranger}");
    assert_eq!(subscriber.count(), 0);

    // AWS hands out keys of this form.
    let porch = authority.sign("porch", ALWAYS, KeyForm::Rsa);
    let mut house = House::new(dir.path(), &counting(&url, &keys(&authority.pem(), Some(&porch))));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(50));
    house.stop();
    whole(&subscriber.received());
    let log = house.log();
    let key = fs::read_to_string(&porch.1).unwrap();
    assert!(key.lines().filter(|line| line.len() > 40).all(|line| !log.contains(line)), "no key in the log");
}

#[test]
fn what_is_wrong_with_the_brokers_certificate_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let other = Authority::new(dir.path(), "other");
    let say = |name: &str, span: Span, ca: &Path, begins: &str, words: &[&str]| {
        let dir = dir.path().join(format!("{name}-{begins}-{}", span.0));
        let (broker, _) = broker(&dir, &authority.sign(name, span, KeyForm::Sec1), "allow_anonymous true");
        let said = state(&dir, &format!("mqtts://localhost:{}", broker.port), &keys(ca, None), begins);
        for word in words {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
    };
    say("localhost", ALWAYS, &other.pem(), "refused", &["authority that nobody here knows", "`ca`"]);
    say("localhost", PAST, &authority.pem(), "refused", &["expired on 2021-01-01", "clock"]);
    say("elsewhere", ALWAYS, &authority.pem(), "refused", &["not for localhost", "elsewhere"]);
    // It comes to be right without anybody's help.
    say("localhost", FUTURE, &authority.pem(), "retrying", &["from 2098-01-01 00:00 UTC on", "clock"]);
}

/// As openssl sees it, which prints what a client asks for.
#[test]
fn the_name_of_the_host_and_the_protocol_go_out_with_the_first_message() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let (certificate, key) = authority.sign("localhost", ALWAYS, KeyForm::Pkcs8);
    let port = free_port();
    let (certificate, key) = (certificate.display(), key.display());
    let arguments =
        format!("s_server -accept 127.0.0.1:{port} -tlsextdebug -alpn mqtt -cert {certificate} -key {key}");
    let mut server = Command::new("openssl")
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line == "ACCEPT"), "it listens");
    let more = format!("{}alpn = \"mqtt\"", keys(&authority.pem(), None));
    let mut house = House::new(dir.path(), &counting(&format!("mqtts://localhost:{port}"), &more));
    house.start();
    let mut seen = [false; 2];
    for line in lines {
        seen[0] |= line.ends_with(".localhost");
        seen[1] |= line.contains("ALPN protocols selected: mqtt");
        if seen == [true; 2] || line.contains("ERROR") {
            break;
        }
    }
    end(server, Signal::TERM);
    assert_eq!(seen, [true; 2], "the name, the protocol");
}
