//! No secret is ever shown: each sink has one of its own, receivers say all that they were sent, and whatever a person or a
//! program can read is looked through.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::running::{HOUSE, Running, Workplace, poll};

/// In every secret.
const MARK: &str = "hunter2";

/// A receiver that repeats what it was sent: in turn it refuses, fails, moves away and does not understand.
fn echo() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || {
                let mut input = BufReader::new(stream.unwrap());
                // What is no request, as a broker's greeting, has no end that could be waited for.
                if !input.fill_buf().is_ok_and(|bytes| bytes.first().is_some_and(u8::is_ascii_uppercase)) {
                    return;
                }
                let (mut head, mut len) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if input.read_line(&mut line).unwrap_or(0) == 0 {
                        return;
                    }
                    if line == "\r\n" {
                        break;
                    }
                    len = line
                        .to_ascii_lowercase()
                        .strip_prefix("content-length: ")
                        .map_or(len, |len| len.trim().parse().unwrap());
                    head.push_str(&line);
                }
                let mut body = vec![0; len];
                input.read_exact(&mut body).unwrap();
                let said = format!(
                    "{{\"error\":{}}}",
                    Value::from(format!("{} {head}", String::from_utf8_lossy(&body)))
                );
                let status =
                    ["401 Unauthorized", "500 Internal Server Error", "400 Bad Request", "404 Not Found"];
                let status = status[count.fetch_add(1, Ordering::Relaxed) % status.len()];
                let _ = write!(
                    input.get_mut(),
                    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{said}",
                    said.len()
                );
            });
        }
    });
    (url, asked)
}

/// Every kind of sink that knows a secret, each with its own, in every form in which it may stand.
fn sinks(echo: &str) -> String {
    format!(
        r#"
[sinks.broker]
kind = "mqtt"
url = "mqtt://{echo}"
username = "me"
password-file = "{{dir}}/mqtt-password"

[sinks.cloud]
kind = "aws-iot"
endpoint = "localhost"
port = 1
certificate = "{{dir}}/cert"
key = "{{dir}}/key"

[sinks.hook]
kind = "webhook"
url-file = "{{dir}}/hook-url"
headers = {{ Authorization = {{ file = "{{dir}}/hook-token", before = "Bearer " }}, X-Key = {{ env = "HOOK_KEY" }} }}
secret-file = "{{dir}}/hook-secret"

[sinks.user]
kind = "webhook"
url = "http://{echo}/bell"
username = "me"
password-env = "HOOK_PASSWORD"

[sinks.phone]
kind = "ntfy"
url = "http://{echo}"
topic-file = "{{dir}}/ntfy-topic"
token-file = "{{dir}}/ntfy-token"

[sinks.elephant]
kind = "mastodon"
url = "http://{echo}"
token-file = "{{dir}}/mastodon-token"
follow = {{ account = "bell", message = "post", every = "10s" }}

[sinks.bird]
kind = "x"
url = "http://{echo}"
login-file = "{{dir}}/x-login"
follow = {{ account = "bell", message = "post", every = "10s" }}
"#
    )
}

const NAMES: [&str; 7] = ["broker", "cloud", "hook", "user", "phone", "elephant", "bird"];

fn plant(place: &Workplace, echo: &str) {
    let secret = |name: &str, text: &str| {
        let mut file = std::fs::File::options()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(place.path(name))
            .unwrap();
        writeln!(file, "{text}").unwrap();
    };
    secret("hook-url", &format!("http://{echo}/{MARK}-path?key={MARK}-query"));
    for name in ["mqtt-password", "hook-token", "hook-secret", "ntfy-topic", "ntfy-token", "mastodon-token"] {
        secret(name, &format!("{MARK}-{name}"));
    }
    let keys = ["consumer-key", "consumer-secret", "token", "token-secret"];
    secret("x-login", &keys.map(|key| format!("{key} = \"{MARK}-{key}\"")).join("\n"));
    // A key that is none: what is wrong with it is said without it.
    secret("cert", "-----BEGIN CERTIFICATE-----\nhunter2hunter2hunter2hunter2\n-----END CERTIFICATE-----");
    secret("key", "-----BEGIN PRIVATE KEY-----\nhunter2hunter2hunter2hunter2\n-----END PRIVATE KEY-----");
}

/// In base64 it is a secret too.
fn assert_clean(what: &str, text: &str) {
    use base64::Engine as _;
    let pair = base64::prelude::BASE64_STANDARD.encode(format!("me:{MARK}-password"));
    for secret in [MARK, &pair] {
        assert!(!text.contains(secret), "{what} shows a secret:\n{text}");
    }
}

#[test]
fn no_secret_is_shown_anywhere() {
    let (echo, asked) = echo();
    let house = format!("{HOUSE}{}", sinks(&echo)).replace("durable = false", "");
    let place = Workplace::new(&house);
    plant(&place, &echo);
    let environment = [("HOOK_KEY", format!("{MARK}-key")), ("HOOK_PASSWORD", format!("{MARK}-password"))];
    let file = place.path("house.toml").display().to_string();
    let said = |args: &[&str]| {
        let output = place.command(args).envs(environment.clone()).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!text.is_empty(), "{args:?} says nothing");
        assert_clean(&format!("{args:?}"), &text);
        text
    };
    // With all that it can say of itself.
    let daemon = Running::start_with(&place, |command| {
        command.envs(environment.clone()).env("CAMPANILE_LOG", "trace");
    });
    for _ in 0..3 {
        daemon.ok(&["press", "button"]);
    }
    // Each has failed, and some time and again.
    let up = ["screen"];
    poll(|| {
        let status = daemon.status();
        let sinks = status["sinks"].as_array().unwrap();
        let tried = sinks
            .iter()
            .all(|sink| up.contains(&sink["name"].as_str().unwrap()) || sink["state"] != "starting");
        (tried && asked.load(Ordering::Relaxed) >= 16).then_some(())
    });
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["log"],
        &["log", "--json"],
        &["check", &file],
        &["check", "--json", &file],
        &["cost", &file],
    ] {
        said(args);
    }
    for name in NAMES {
        for more in [&[][..], &["--json"]] {
            // With a daemon at work, and four times: each answer once.
            for _ in 0..2 {
                let text = said(&[&["sink", "test", name, "--file", &file], more].concat());
                assert!(text.contains("failed") || text.contains("\"ok\":false"), "{name} arrived: {text}");
            }
        }
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", daemon.id())).unwrap();
    assert_clean("the list of processes", &String::from_utf8_lossy(&arguments));
    // A secret that someone wrote into the file is refused without being repeated, by a reload too.
    let wrong = format!(
        "{HOUSE}\n[sinks.broker]\nkind = \"mqtt\"\nurl = \"mqtt://me:{MARK}@localhost\"\n[sinks.hook]\nkind = \"webhook\"\nurl = \"https://me:{MARK}@localhost/\"\n[sinks.elephant]\nkind = \"mastodon\"\nurl = \"https://me:{MARK}@localhost/\"\n"
    );
    place.write(&wrong);
    for args in [
        &["check", &file][..],
        &["check", "--json", &file],
        &["reload"],
        &["sink", "test", "hook", "--file", &file],
    ] {
        let output = place.command(args).output().unwrap();
        assert!(!output.status.success(), "{args:?}");
        // The compiler shows the line that is wrong, which has it; nothing else does.
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_clean(&format!("{args:?}"), &text);
    }
    let (log, _) = daemon.stop_saying();
    assert!(log.contains("WARN elephant") && log.contains("WARN hook"), "it said little: {log}");
    assert_clean("the log", &log);
}

/// Where a key is misspelt, is another sink's, or holds the secret in the place of its name: the compiler shows neither the
/// value nor the line with it, and a daemon that does not start over it neither.
#[test]
fn a_secret_that_stands_in_the_file_by_mistake_is_not_shown() {
    for mistake in [
        "kind = \"mqtt\"\nurl = \"mqtts://localhost:{MARK}\"",
        "kind = \"mqtt\"\nurl = \"mqtts://localhost/{MARK}\"",
        "kind = \"mqtt\"\nurl = \"mqtts://localhost\"\npasword = \"{MARK}\"",
        "kind = \"mqtt\"\nurl = \"mqtts://localhost\"\nusername = \"me\"\npassword-file = { file = \"{MARK}\" }",
        "kind = \"mqtt\"\nurl = \"mqtts://localhost\"\nusername = \"me\"\npassword-env = \"{MARK} {MARK}\"",
        "kind = \"mastodon\"\nurl = \"https://localhost\"\ntoken-env = \"{MARK}-token\"",
        "kind = \"mastodon\"\nurl = \"https://localhost\"\naccess-token = \"{MARK}\"",
        "kind = \"x\"\nconsumer-secret = \"{MARK}\"",
        "kind = \"webhook\"\nurl = \"https://localhost:x/{MARK}?key={MARK}\"",
        "kind = \"webhook\"\nurl = \"https://localhost/ {MARK}?key={MARK}\"",
        "kind = \"webhook\"\nurl = \"https://localhost/{nmae}?key={MARK}\"",
        "kind = \"webhook\"\nurl = \"https://localhost\"\nheaders = { X-Room = { value = \"{MARK}\" } }",
        "kind = \"webhook\"\nurl = \"https://localhost\"\ntoken = {MARK}",
    ] {
        let mistake = mistake.replace("{MARK}", MARK);
        let place = Workplace::new(&format!("{HOUSE}\n[sinks.other]\n{mistake}\n"));
        let file = place.path("house.toml").display().to_string();
        for args in [&["check", &file][..], &["check", "--json", &file], &["run", &file]] {
            let output = place.command(args).stdin(Stdio::null()).output().unwrap();
            let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!output.status.success() && !text.is_empty(), "{args:?}: {mistake}");
            assert_clean(&format!("{args:?}"), &text);
        }
    }
}

#[test]
fn a_login_shows_no_secret() {
    let (echo, _) = echo();
    let place = Workplace::new(HOUSE);
    for _ in 0..4 {
        let out = place.path("login").display().to_string();
        let mut login = place
            .bare(&["login", "x", "--url", &format!("http://{echo}"), "--out", &out])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = write!(login.stdin.take().unwrap(), "bell-app-key\n{MARK}-secret\n1234567\n");
        let output = login.wait_with_output().unwrap();
        assert!(!output.status.success());
        assert_clean("the login", &String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
}
