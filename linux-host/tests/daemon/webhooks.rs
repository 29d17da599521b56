//! A receiver on the web, and what it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::running::{HOUSE, PATIENCE, Running, Workplace, poll};

/// A server that gives its answers in turn, each on a connection of its own, and hands over head and body of what it was
/// asked.
pub(crate) fn server(answers: &'static [&'static str]) -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (out, asked) = channel();
    std::thread::spawn(move || {
        let mut answers = answers.iter();
        for stream in listener.incoming() {
            let mut input = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if input.read_line(&mut head).unwrap_or(0) == 0 {
                    break;
                }
            }
            // Someone only looks whether anybody is there.
            let Some((_, len)) = head.split_once("content-length: ") else { continue };
            let mut body = vec![0; len.lines().next().unwrap().parse().unwrap()];
            input.read_exact(&mut body).unwrap();
            let answer = answers.next().unwrap_or(&"200 OK");
            write!(input.get_mut(), "HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
            if out.send((head, String::from_utf8(body).unwrap())).is_err() {
                return;
            }
        }
    });
    (url, asked)
}

#[test]
fn a_press_reaches_a_webhook_and_no_secret_reaches_anyone() {
    let (url, asked) = server(&["503 Busy", "400 Never", "401 Who", "200 OK"]);
    let sink = format!(
        r#"
[sinks.hook]
kind = "webhook"
url = "{url}/bell"
headers = {{ Authorization = {{ file = "{{dir}}/token", before = "Bearer " }} }}
secret-file = "{{dir}}/key"
only = ["message:doorbell"]
"#
    );
    let place = Workplace::new(&format!("{HOUSE}{sink}"));
    std::fs::write(place.path("token"), "hunter2-token\n").unwrap();
    std::fs::write(place.path("key"), "hunter2-key\n").unwrap();
    let daemon = Running::start(&place);
    daemon.ok(&["press", "button"]);
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let (head, body) = asked.recv_timeout(PATIENCE).unwrap();
        assert!(head.starts_with("POST /bell HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: Bearer hunter2-token\r\n"), "{head}");
        assert!(head.contains("x-campanile-signature: sha256="), "{head}");
        bodies.push(body);
    }
    // First it was busy, then it refused the same for good.
    assert_eq!(bodies[0], bodies[1]);
    let body: Value = serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!((&body["value"], &body["text"]), (&"doorbell".into(), &"Someone is at the door (1)".into()));
    let refused = poll(|| Some(daemon.status()).filter(|status| status["sinks"][0]["dead-letters"] == 1));
    assert_eq!(refused["sinks"][0]["kind"], "webhook");
    // Then it lets nobody in: shown, with what to do.
    daemon.ok(&["press", "button"]);
    asked.recv_timeout(PATIENCE).unwrap();
    let shown = poll(|| {
        let text = daemon.ok(&["status"]);
        text.contains("not allowed (401 Unauthorized): see the secret").then_some(text)
    });
    let process = daemon.command_line();
    let log = daemon.ok(&["log"]);
    assert!(log.contains("hook refuses"), "{log}");
    let (said, _) = daemon.stop_saying();
    assert!(said.contains("refused for good: 400 Bad Request"), "{said}");
    for text in [shown, refused.to_string(), process, log, said] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
