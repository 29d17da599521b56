//! `campanile sink test` and receivers on the web, and programs of this machine: each step, and each place at which it can
//! fail.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::running::{HOUSE, Workplace};
use crate::webhooks::server;

/// A house with a receiver of every kind on the web.
fn house(url: &str) -> String {
    format!(
        r#"{HOUSE}
[sinks.hook]
kind = "webhook"
url = "{url}/bell"
timeout = "5s"

[sinks.phone]
kind = "ntfy"
url = "{url}"
topic = "bell"

[sinks.elephant]
kind = "mastodon"
url = "{url}"
token-file = "{{dir}}/token"

[sinks.bird]
kind = "x"
url = "{url}"
login-file = "{{dir}}/login"
"#
    )
}

const ON_THE_WEB: [&str; 4] = ["hook", "phone", "elephant", "bird"];

fn workplace(house: &str) -> Workplace {
    let place = Workplace::new(house);
    std::fs::write(place.path("token"), "hunter2-token\n").unwrap();
    let login = "consumer-key = \"hunter2-a\"\nconsumer-secret = \"hunter2-b\"\ntoken = \"hunter2-c\"\ntoken-secret = \"hunter2-d\"\n";
    std::fs::write(place.path("login"), login).unwrap();
    place
}

/// Tries a sink: its steps, what was said of the last, and whether it arrived.
fn tried(place: &Workplace, sink: &str) -> (Vec<String>, String, bool) {
    let house = place.path("house.toml");
    let output =
        place.command(&["sink", "test", sink, "--json", "--file", house.to_str().unwrap()]).output().unwrap();
    let (text, warnings) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!text.contains("hunter2") && !warnings.contains("hunter2"), "{text}{warnings}");
    let line = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{text}{warnings}"));
    let lines: Vec<Value> = text.lines().map(line).collect();
    let steps: Vec<_> = lines[1..].iter().map(|line| line["step"].as_str().unwrap().to_owned()).collect();
    let last = lines.last().unwrap();
    assert_eq!(last["ok"], output.status.success(), "{text}");
    (steps, last["text"].as_str().unwrap().to_owned(), output.status.success())
}

#[test]
fn a_receiver_that_takes_it_has_every_step_told() {
    let (url, _asked) = server(&[]);
    let place = workplace(&house(&url));
    for sink in ON_THE_WEB {
        let (steps, last, arrived) = tried(&place, sink);
        assert!(arrived, "{sink}: {last}");
        assert_eq!(steps, ["resolved", "connected", "opened", "published", "acknowledged"], "{sink}");
        assert_eq!(last, "200 OK", "{sink}");
    }
    let house = place.path("house.toml");
    let said = place.ok(&["sink", "test", "hook", "--file", house.to_str().unwrap()]);
    assert!(said.contains(&format!("POST goes to {url} (")), "{said}");
    assert!(!said.contains("/bell"), "a path may be a secret: {said}");
}

#[test]
fn an_answer_that_is_none_of_those_says_what_to_do() {
    for (answer, hint) in [
        ("401 Unauthorized", ""),
        ("404 Not Found", "is the address right?"),
        ("405 Method Not Allowed", "its method?"),
        ("500 Internal Server Error", "its own log"),
        ("503 Service Unavailable", ""),
    ] {
        let answers: &'static [&'static str] = Vec::leak(vec![answer; 8]);
        let (url, _asked) = server(answers);
        let place = workplace(&house(&url));
        for sink in ON_THE_WEB {
            let (steps, last, arrived) = tried(&place, sink);
            assert!(!arrived && steps.last().unwrap() == "acknowledged", "{sink}: {steps:?} {last}");
            assert!(last.contains(answer) && last.contains(hint), "{sink}: {last}");
            if answer.starts_with("401") {
                let hint = if sink == "bird" { "campanile login x" } else { "see the secret" };
                assert!(last.contains(hint), "{sink}: {last}");
            }
        }
    }
}

#[test]
fn who_is_not_there_is_told_apart_from_who_is_another() {
    for (url, step, words) in [
        // A port that the system gives to nobody.
        ("http://127.0.0.1:1", "connected", "is this its port?"),
        ("http://no-such-host.invalid", "resolved", "is the name right"),
    ] {
        let place = workplace(&house(url));
        for sink in ON_THE_WEB {
            let (steps, last, _) = tried(&place, sink);
            assert!(steps.last().unwrap() == step && last.contains(words), "{sink}: {steps:?} {last}");
        }
    }
    // One that speaks something else, and one that speaks no TLS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"SSH-2.0-x\r\n");
            open.push(stream);
        }
    });
    let place = workplace(&house(&format!("http://{other}")));
    let (steps, last, _) = tried(&place, "hook");
    assert!(
        steps.last().unwrap() == "acknowledged" && last.contains("is the port right?"),
        "{steps:?} {last}"
    );
    let place = workplace(&house(&format!("https://{other}")));
    let (steps, last, _) = tried(&place, "hook");
    assert_eq!(steps.last().unwrap(), "secured", "{last}");
    // A secret that is not there is found before anybody is called.
    std::fs::remove_file(place.path("token")).unwrap();
    let (steps, last, _) = tried(&place, "elephant");
    assert!(steps == ["opened"] && last.starts_with("cannot read the token from"), "{steps:?} {last}");
}

#[test]
fn a_program_is_looked_for_and_run_once() {
    let sinks = r#"
[sinks.lamp]
kind = "exec"
program = "{dir}/lamp"
args = ["{text}"]

[sinks.bell]
kind = "chime"
sound = "{dir}/bell.wav"
player = "{dir}/lamp"
volume = 50
"#;
    let place = workplace(&format!("{HOUSE}{sinks}"));
    let program = |lines: &str, mode: u32| {
        let path = place.path("lamp");
        std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for sink in ["lamp", "bell"] {
        let (steps, last, _) = tried(&place, sink);
        assert!(steps == ["opened"] && last.contains("No such file"), "{sink}: {steps:?} {last}");
    }
    program("", 0o600);
    let (steps, last, _) = tried(&place, "lamp");
    assert!(steps == ["opened"] && last.contains("`chmod +x`?"), "{steps:?} {last}");
    let log = place.path("log");
    program(&format!("cat >> {0}; echo \"$@\" >> {0}", log.display()), 0o700);
    let (steps, last, arrived) = tried(&place, "lamp");
    assert!(arrived && last.starts_with("the program ended well"), "{last}");
    assert_eq!(steps, ["opened", "published", "acknowledged"]);
    let said = std::fs::read_to_string(&log).unwrap();
    assert_eq!(said.lines().count(), 2, "once: {said}");
    assert!(
        said.contains("\"value\":\"test\"") && said.ends_with("A test of this sink: nothing happened\n"),
        "{said}"
    );
    let (_, last, _) = tried(&place, "bell");
    assert!(last.starts_with("cannot read the sound"), "{last}");
    std::fs::write(place.path("bell.wav"), "ID3").unwrap();
    let (_, last, _) = tried(&place, "bell");
    assert!(last.contains("no WAV file"), "{last}");
    let wav = b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x02\0\0\0\xe4\x1c";
    std::fs::write(place.path("bell.wav"), wav).unwrap();
    let (steps, last, arrived) = tried(&place, "bell");
    assert!(arrived && steps.len() == 3 && last.starts_with("the player ended well"), "{steps:?} {last}");
    assert!(
        std::fs::read(&log).unwrap().windows(10).any(|bytes| bytes == b"data\x02\0\0\0\xb2\x4e"),
        "at half its height"
    );
    program("echo no such lamp >&2; exit 3", 0o700);
    let (steps, last, _) = tried(&place, "lamp");
    assert!(steps.len() == 3 && last.ends_with("no such lamp"), "{steps:?} {last}");
    let (_, last, _) = tried(&place, "bell");
    assert!(last.contains("is there a sound card"), "{last}");
}
