//! `campanile sink test` and a real broker, and a real server with TLS: each step, and each place at which it can fail.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use campanile::config::{Source, compile};
use campanile::sinks::start;
use campanile::sinks::trial::{Step, Trial};
use campanile_delivery::Wall;
use campanile_tests::PATIENCE;
use campanile_tests::authority::{ALWAYS, Authority, KeyForm, PAST};
use campanile_tests::house::House;
use campanile_tests::mosquitto::{Mosquitto, program};
use campanile_tests::subscriber::Subscriber;

use crate::{counting, identity, reached, whole};

/// Tries the sink of a house; a line for each step: its word, and what is said if it fails.
pub(crate) fn tried(house: &str, beside: bool) -> Vec<String> {
    let compiled = compile(&Source::new("house.toml", house)).expect("a house that is right");
    let (name, sink) = &compiled.settings.sinks[0];
    let mut said = Vec::new();
    let wall = Wall { at: campanile::daemon::lines::now(), unix: 0, trusted: true };
    let mut say = |step: Step, _, result: Result<&str, &str>| {
        said.push(match result {
            Ok(_) => step.word().to_owned(),
            Err(why) => format!("{}: {why}", step.word()),
        });
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let arrived =
        runtime.block_on(start::try_one("porch", name, sink, Trial { wall, beside, say: &mut say }));
    assert_eq!(arrived, said.last().is_some_and(|step| step == "acknowledged"), "{said:?}");
    said
}

#[test]
fn a_trial_disturbs_no_daemon_and_says_nothing_of_the_node() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let file = counting(&broker.url(), "");
    let mut house = House::new(dir.path(), &file);
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(20));
    assert_eq!(tried(&file, true), ["resolved", "connected", "opened", "published", "acknowledged"]);
    let before = subscriber.count();
    subscriber.wait("more of the counter", PATIENCE, |received| received.len() > before + 20);
    house.stop();
    let received = subscriber.received();
    whole(&received);
    let trials: Vec<_> =
        received.iter().filter(|message| message.topic == "campanile/porch/message/test").collect();
    assert_eq!(trials.len(), 1);
    assert_eq!(trials[0].json()["boot"], "0-00000000", "it is of no start");
    // The house came once and left once; whoever tried it neither.
    let states: Vec<_> = received
        .iter()
        .filter(|message| message.topic == "campanile/porch/status")
        .map(|message| &message.payload)
        .collect();
    assert_eq!(states, [b"online".as_slice(), b"offline"]);
}

#[test]
fn a_trial_says_at_which_step_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let passwords = dir.path().join("passwords");
    let mut make = Command::new(program("mosquitto_passwd"));
    let made = make.args(["-c", "-b"]).arg(&passwords).args(["porch", "right"]).status();
    assert!(made.expect("mosquitto_passwd runs").success());
    let (mut broker, _) = identity::broker(
        dir.path(),
        &authority.sign("localhost", ALWAYS, KeyForm::Pkcs8),
        &format!("allow_anonymous false\npassword_file {}", passwords.display()),
    );
    let url = format!("mqtts://localhost:{}", broker.port);
    let password = dir.path().join("password");
    let house = |url: &str, ca: &Path| {
        let keys = format!("ca = {ca:?}\nusername = \"porch\"\npassword-file = {password:?}");
        counting(url, &keys)
    };
    let right = house(&url, &authority.pem());

    fs::write(&password, "wrong\n").unwrap();
    let said = tried(&right, false);
    assert_eq!(said[..3], ["resolved", "connected", "secured"], "{said:?}");
    assert!(said[3].starts_with("opened: ") && said[3].contains("password"), "{said:?}");

    fs::write(&password, "right\n").unwrap();
    let whole = ["resolved", "connected", "secured", "opened", "published", "acknowledged"];
    assert_eq!(tried(&right, false), whole);

    let stranger = Authority::new(dir.path(), "stranger");
    let said = tried(&house(&url, &stranger.pem()), false);
    assert!(said[2].starts_with("secured: ") && said[2].contains("`ca`"), "{said:?}");
    let by_number = house(&url.replace("localhost", "127.0.0.1"), &authority.pem());
    let said = tried(&by_number, false);
    assert!(said[2].starts_with("secured: "), "the certificate is for localhost: {said:?}");

    broker.stop();
    let said = tried(&right, false);
    assert!(said[1].starts_with("connected: nobody listens at "), "{said:?}");
    let nowhere = house("mqtts://no-such-host.invalid", &authority.pem());
    assert!(tried(&nowhere, false)[0].starts_with("resolved: nobody knows"), "{said:?}");
}

/// openssl's server, which answers GET with 200.
struct Web {
    server: Child,
    port: u16,
}

impl Web {
    fn start(dir: &Path, (certificate, key): &(PathBuf, PathBuf)) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-www", "-quiet", "-accept", &format!("127.0.0.1:{port}"), "-cert"]);
        command.arg(certificate).arg("-key").arg(key).current_dir(dir);
        let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("openssl runs");
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "nobody listens at {port}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { server, port }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_receiver_on_the_web_with_a_wrong_certificate_is_told_from_a_right_one() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "authority");
    let web = Web::start(dir.path(), &authority.sign("localhost", ALWAYS, KeyForm::Pkcs8));
    let expired = Web::start(dir.path(), &authority.sign("localhost", PAST, KeyForm::Pkcs8));
    let house = |host: &str, port: u16, ca: &Path| {
        format!(
            "[node]\nname = \"porch\"\n[boards.desk]\nkind = \"virtual\"\n[sinks.hook]\nkind = \"webhook\"\n\
             url = \"https://{host}:{port}/\"\nmethod = \"GET\"\nca = {ca:?}\n"
        )
    };
    let whole = ["resolved", "connected", "secured", "opened", "published", "acknowledged"];
    assert_eq!(tried(&house("localhost", web.port, &authority.pem()), false), whole);
    let secured = |house: &str, words: &str| {
        let said = tried(house, false);
        assert!(
            said.len() == 3 && said[2].starts_with("secured: ") && said[2].contains(words),
            "{words}: {said:?}"
        );
    };
    let stranger = Authority::new(dir.path(), "stranger");
    secured(&house("localhost", web.port, &stranger.pem()), "`ca`");
    secured(&house("127.0.0.1", web.port, &authority.pem()), "127.0.0.1");
    secured(&house("localhost", expired.port, &authority.pem()), "expired");
    secured(&house("localhost", web.port, &dir.path().join("nowhere.pem")), "nowhere.pem");
}
