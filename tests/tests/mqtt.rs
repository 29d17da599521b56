//! A house and a real broker, through all that happens between them. The house counts; what must arrive is every number
//! once, in order, where a repeat is known by its (node, boot, seq).

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use campanile::control::protocol::Operation;
use campanile_tests::PATIENCE;
use campanile_tests::house::{self, House};
use campanile_tests::mosquitto::{Mosquitto, program};
use campanile_tests::subscriber::{Received, Subscriber};
use serde_json::Value;

const COUNTER: &str = "campanile/porch/variable/count";

/// See [`house`]: not a test of its own.
#[test]
fn a_house_in_a_process_of_its_own() {
    house::enter();
}

/// A house that counts two hundred times a second.
fn counting(url: &str, more: &str) -> String {
    format!(
        r#"
        [node]
        name = "porch"

        [boards.desk]
        kind = "virtual"

        [variables]
        count = 0

        [[scenarios]]
        name = "tick"
        when = [{{ every = "5ms" }}]
        do = [{{ let = "count", be = "count + 1" }}]

        [sinks.home]
        kind = "mqtt"
        url = "{url}"
        {more}
        "#
    )
}

/// What came of the counter: each change's number and identity, in the order in which they came. What a start says of
/// how things are is no change; it has a number of the host's.
fn counts(received: &[Received]) -> Vec<(i64, (String, u64))> {
    let counter = received
        .iter()
        .filter(|message| message.topic == COUNTER && !message.retained && message.json()["host"].is_null());
    let number = |message: &Received| {
        let object = message.json();
        assert_eq!(object["node"], "porch", "{object}");
        let boot = object["boot"].as_str().expect("a boot").to_owned();
        (object["value"].as_i64().expect("a number"), (boot, object["seq"].as_u64().expect("a seq")))
    };
    counter.map(number).collect()
}

/// The numbers without repeats; they have to be 1, 2, 3, ... And how many repeats there were.
fn whole(received: &[Received]) -> (Vec<i64>, usize) {
    let all = counts(received);
    let mut known = HashSet::new();
    let once: Vec<_> =
        all.iter().filter(|(_, id)| known.insert(id.clone())).map(|(number, _)| *number).collect();
    let expected: Vec<_> = (1..).take(once.len()).collect();
    assert_eq!(once, expected, "every number, in order");
    (once, all.len() - known.len())
}

fn reached(number: i64) -> impl Fn(&[Received]) -> bool {
    move |received| counts(received).iter().any(|(count, _)| *count >= number)
}

#[test]
fn when_nothing_fails_everything_arrives_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let mut house = House::new(dir.path(), &counting(&broker.url(), ""));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(300));
    house.stop();
    let offline =
        |received: &[Received]| received.last().is_some_and(|message| message.payload == b"offline");
    let received = subscriber.wait("the farewell", PATIENCE, offline);
    let (numbers, repeats) = whole(&received);
    assert!(numbers.len() >= 300 && repeats == 0, "{} numbers, {repeats} repeats", numbers.len());
    assert_eq!(
        (received[0].topic.as_str(), received[0].payload.as_slice()),
        ("campanile/porch/status", &b"online"[..])
    );
    // Who comes later learns the last state, and that the node is not there.
    let late = Subscriber::new(broker.port, "campanile/porch/#", None);
    let states = late.wait("the retained states", PATIENCE, |received| received.len() >= 2);
    assert!(states.iter().all(|state| state.retained));
    assert!(states.iter().any(|state| state.topic == COUNTER));
    assert!(states.iter().any(|state| state.payload == b"offline"));
}

#[test]
fn a_broker_that_restarts_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let mut house = House::new(dir.path(), &counting(&broker.url(), ""));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(100));
    for round in 1..=2 {
        broker.stop();
        house.wait("the outage shows", |status| {
            let sink = &status.sinks[0];
            sink.lag > Some(100) && !sink.up && sink.state.starts_with("retrying ")
        });
        broker.start();
        let behind = subscriber.count() as i64;
        subscriber.wait("the counter goes on", PATIENCE, reached(behind + 300 * round));
    }
    house.stop();
    let (numbers, _) = whole(&subscriber.received());
    assert!(numbers.len() > 500);
}

/// What a subscriber who comes now finds retained, by topic: the payloads.
fn retained(broker: &Mosquitto, topics: usize) -> BTreeMap<String, Vec<u8>> {
    let late = Subscriber::new(broker.port, "campanile/porch/#", None);
    let all = late.wait("the retained messages", PATIENCE, |received| {
        received.iter().map(|message| &message.topic).collect::<HashSet<_>>().len() >= topics
    });
    all.into_iter().map(|message| (message.topic, message.payload)).collect()
}

#[test]
fn a_broker_that_forgets_is_told_every_state_again_by_each_connection_and_each_start() {
    let house = r#"
        [node]
        name = "porch"
        [boards.desk]
        kind = "virtual"
        [inputs.door]
        line = "GPIO15"
        pull = "up"
        [outputs.lamp]
        line = "GPIO16"
        [sensors.tank]
        decimals = 1
        [variables]
        rings = 7
        quiet = 0
    "#;
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let url = broker.url();
    let sink = |more: &str| format!("{house}\n{more}\n[sinks.home]\nkind = \"mqtt\"\nurl = \"{url}\"");
    let mut house = House::new(dir.path(), &sink(""));
    let values = |all: &BTreeMap<String, Vec<u8>>| -> Vec<(String, String)> {
        let json = |payload: &[u8]| serde_json::from_slice::<Value>(payload).ok();
        let value =
            |payload: &[u8]| json(payload).map_or_else(String::new, |object| object["value"].to_string());
        let name = |topic: &str| topic.trim_start_matches("campanile/porch/").to_owned();
        all.iter().map(|(topic, payload)| (name(topic), value(payload))).collect()
    };
    let states = |changed: &[(&str, &str)]| -> Vec<(String, String)> {
        let mut all = BTreeMap::from([
            ("input/door", "\"on\""),
            ("output/lamp", "\"off\""),
            ("sensor/tank", "null"),
            ("status", ""),
            ("variable/quiet", "0"),
            ("variable/rings", "7"),
        ]);
        all.extend(changed.iter().copied());
        all.into_iter().map(|(topic, value)| (topic.to_owned(), value.to_owned())).collect()
    };
    house.start();
    assert_eq!(values(&retained(&broker, 6)), states(&[]), "also what nobody ever changed");

    house.ask(Operation::Feed { sensor: "tank".into(), value: Some("41.5".into()) });
    house.ask(Operation::Let { variable: "quiet".into(), value: 1 });
    house.wait("all is delivered", |status| status.sinks[0].lag == Some(0));
    let before = retained(&broker, 6);
    assert_eq!(values(&before), states(&[("sensor/tank", "41.5"), ("variable/quiet", "1")]));
    broker.stop();
    broker.forget();
    broker.start();
    assert_eq!(retained(&broker, 6), before, "to the byte");

    house.reload(&sink("late = 3"));
    let late = [("sensor/tank", "41.5"), ("variable/quiet", "1"), ("variable/late", "3")];
    assert_eq!(values(&retained(&broker, 7)), states(&late), "a name that came with a reload");

    house.stop();
    broker.stop();
    broker.forget();
    broker.start();
    house.start();
    let late = [("variable/quiet", "1"), ("variable/late", "3")];
    assert_eq!(values(&retained(&broker, 7)), states(&late), "a start knows no sensors yet");
    house.stop();
}

#[test]
fn a_reload_that_names_another_broker_tells_it_every_state() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) =
        (Mosquitto::open(&dir.path().join("first")), Mosquitto::open(&dir.path().join("second")));
    let mut house = House::new(dir.path(), &counting(&first.url(), "[outputs.lamp]\nline = \"GPIO16\""));
    house.start();
    assert_eq!(retained(&first, 3).len(), 3);
    house.reload(&counting(&second.url(), "[outputs.lamp]\nline = \"GPIO16\""));
    assert!(retained(&second, 3).contains_key("campanile/porch/output/lamp"));
    house.stop();
}

#[test]
fn a_broker_that_is_away_at_the_start_gets_everything_when_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    broker.stop();
    let mut house = House::new(dir.path(), &counting(&broker.url(), ""));
    house.start();
    house.wait("it counts", |status| status.variables[0].value > 200);
    broker.start();
    subscriber.wait("the counter", PATIENCE, reached(400));
    house.stop();
    whole(&subscriber.received());
}

#[test]
fn a_house_that_is_killed_goes_on_behind_its_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let mut house = House::new(dir.path(), &counting(&broker.url(), ""));
    house.start();
    // Long enough for a few writes of the cursor, one a second.
    subscriber.wait("the counter", PATIENCE, reached(600));
    house.kill();
    let is_dead =
        |received: &[Received]| received.last().is_some_and(|message| message.payload == b"offline");
    subscriber.wait("the last will", PATIENCE, is_dead);
    house.start();
    subscriber.wait("the counter goes on", PATIENCE, reached(900));
    house.stop();
    let received = subscriber.received();
    let (_, repeats) = whole(&received);
    assert!(repeats < 400, "it began again: {repeats} repeats");
    let boots: HashSet<_> = counts(&received).into_iter().map(|(_, (boot, _))| boot).collect();
    assert_eq!(boots.len(), 2, "{boots:?}");
}

#[test]
fn a_wrong_password_is_said_and_nothing_is_lost_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::new(dir.path(), "");
    let passwords = broker.dir().join("passwords");
    let mut make = Command::new(program("mosquitto_passwd"));
    let made = make.args(["-c", "-b"]).arg(&passwords).args(["porch", "right"]).status();
    assert!(made.expect("mosquitto_passwd runs").success());
    broker.configure(&format!("allow_anonymous false\npassword_file {}", passwords.display()));
    broker.start();
    let subscriber = Subscriber::new(broker.port, "campanile/#", Some(("porch", "right")));
    let password = dir.path().join("password");
    fs::write(&password, "wrong\n").unwrap();
    let login = format!("username = \"porch\"\npassword-file = {:?}", password.display().to_string());
    let mut house = House::new(dir.path(), &counting(&broker.url(), &login));
    house.start();
    let status = house.wait("the refusal", |status| status.sinks[0].state.starts_with("refused"));
    let state = &status.sinks[0].state;
    assert!(state.contains("not allowed in") || state.contains("wrong user or password"), "{state}");
    assert!(!house.log().contains("wrong\n") && !state.contains("\"wrong\""), "the password is not repeated");
    // The right one needs no more than a new start of the house; what was counted until then is delivered.
    house.stop();
    fs::write(&password, "right\n").unwrap();
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(100));
    house.stop();
    whole(&subscriber.received());
}

#[test]
fn what_the_broker_forbids_becomes_a_dead_letter_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::new(dir.path(), "");
    let list = broker.dir().join("acl");
    let allowed = ["variable/#", "status", "diagnostics"];
    let lines: String =
        allowed.iter().map(|topic| format!("topic readwrite campanile/porch/{topic}\n")).collect();
    fs::write(&list, format!("{lines}topic read #\n")).unwrap();
    broker.configure(&format!("allow_anonymous true\nacl_file {}", list.display()));
    broker.start();
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let sends = r#"
        [[scenarios]]
        name = "forbidden"
        when = [{ variable = "count" }]
        if = "count % 50 == 0"
        do = [{ send = "secret", text = "no" }]
    "#;
    let mut house = House::new(dir.path(), &counting(&broker.url(), sends));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(220));
    house.stop();
    let received = subscriber.received();
    whole(&received);
    assert!(received.iter().all(|message| !message.topic.contains("secret")));
    let letters: Vec<_> = received
        .iter()
        .filter(|message| message.topic.ends_with("/diagnostics"))
        .map(Received::json)
        .filter(|object| object["value"] == "dead-letter")
        .collect();
    assert!(letters.len() >= 4, "one for each fifty: {letters:#?}");
    assert!(letters[0]["text"].as_str().unwrap().contains("not allowed to publish"), "{}", letters[0]);
}

#[test]
fn a_state_that_is_to_be_repeated_comes_again_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/porch/input/door", None);
    let door = r#"
        [inputs.door]
        line = "GPIO15"
        pull = "up"
        report = { on = { door = "open" }, off = { door = "closed" }, every = "150ms" }
    "#;
    let mut house = House::new(dir.path(), &counting(&broker.url(), door));
    house.start();
    let received = subscriber.wait("repeats", PATIENCE, |received| received.len() >= 4);
    house.stop();
    let first = &received[0];
    assert_eq!((first.json()["value"].as_str(), first.json()["door"].as_str()), (Some("on"), Some("open")));
    assert!(received.iter().all(|message| message.payload == first.payload));
}

#[test]
fn a_receiver_that_hangs_delays_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    // Takes connections, and never says a word.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap();
    let hanging = format!("[sinks.hanging]\nkind = \"mqtt\"\nurl = \"mqtt://{address}\"");
    let mut house = House::new(dir.path(), &counting(&broker.url(), &hanging));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(400));
    // One has taken nothing, and the other catches up with all that there is, again and again.
    house.wait("one delivers and the other hangs", |status| {
        let by_name = |name: &str| status.sinks.iter().find(|sink| sink.name == name).unwrap();
        let (home, hanging) = (by_name("home"), by_name("hanging"));
        assert!(!hanging.up && hanging.delivered == 0, "{status:#?}");
        home.up && home.lag < Some(100) && hanging.lag > Some(1000)
    });
    house.stop();
    whole(&subscriber.received());
}

/// An authority of our own, and a certificate for the broker that it has signed.
fn certify(dir: &Path) {
    let openssl = |arguments: &str| {
        let made = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output();
        let made = made.expect("there is no openssl on this machine: apt-get install openssl");
        assert!(made.status.success(), "{arguments}: {}", String::from_utf8_lossy(&made.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 2 -subj /CN=authority -keyout authority.key -out authority.pem"));
    openssl(&format!("req {key} -subj /CN=localhost -keyout key.pem -out request.pem"));
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    openssl(
        "x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -extfile names \
         -out cert.pem",
    );
}

#[test]
fn over_tls_the_brokers_certificate_has_to_be_known() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::new(dir.path(), "");
    certify(broker.dir());
    let path = |name: &str| broker.dir().join(name).display().to_string();
    let plain = campanile_tests::mosquitto::free_port();
    broker.configure(&format!(
        "certfile {}\nkeyfile {}\nallow_anonymous true\nlistener {plain} 127.0.0.1",
        path("cert.pem"),
        path("key.pem")
    ));
    let (url, ca) = (format!("mqtts://localhost:{}", broker.port), path("authority.pem"));
    broker.start();
    let subscriber = Subscriber::new(plain, "campanile/#", None);

    let mut stranger = House::new(&dir.path().join("stranger"), &counting(&url, ""));
    stranger.start();
    let status = stranger.wait("the refusal", |status| status.sinks[0].state.starts_with("refused"));
    assert!(
        status.sinks[0].state.contains("TLS") && status.sinks[0].state.contains("ca"),
        "{}",
        status.sinks[0].state
    );
    stranger.stop();
    assert_eq!(subscriber.count(), 0);

    let mut house = House::new(dir.path(), &counting(&url, &format!("ca = {ca:?}")));
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(50));
    house.stop();
    whole(&subscriber.received());
}

#[test]
fn a_reload_exchanges_sinks_and_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let file = counting(&broker.url(), "");
    let mut house = House::new(dir.path(), &file);
    house.start();
    subscriber.wait("the counter", PATIENCE, reached(50));
    let lines = dir.path().join("lines.jsonl");
    let record = format!(
        "{file}\n[sinks.record]\nkind = \"file\"\npath = {:?}\nonly = [\"variable:*\"]\n",
        lines.display().to_string()
    );
    house.reload(&record);
    let written = || fs::read_to_string(&lines).unwrap_or_default();
    house.wait("the new sink delivers", |_| written().lines().count() > 50);
    house.reload(&file);
    let status = house.status();
    assert_eq!(status.sinks.iter().map(|sink| sink.name.as_str()).collect::<Vec<_>>(), ["home"]);
    let end = counts(&subscriber.received()).last().map_or(0, |(number, _)| *number);
    subscriber.wait("the counter goes on", PATIENCE, reached(end + 50));
    house.stop();
    let received = subscriber.received();
    whole(&received);
    let online = received.iter().filter(|message| message.payload == b"online").count();
    assert_eq!(online, 1, "its connection was left alone");
    for line in written().lines() {
        let object: Value = serde_json::from_str(line).expect("whole lines of JSON");
        assert_eq!(object["topic"], COUNTER);
    }
}
