use std::path::PathBuf;

use super::*;
use crate::sinks::fields::testing::doorbell;
use crate::sinks::http::testing::{Reply, Server};
use crate::sinks::sequential::{Receiver as _, Verdict};
use crate::sinks::web::Web;
use crate::sinks::{Failure, Then};

fn plain(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn settings(url: &str) -> Settings {
    Settings {
        address: Address::Plain(plain(url)),
        method: Method::POST,
        headers: Vec::new(),
        body: None,
        content_type: "application/json".into(),
        signature: None,
        user: None,
        tls: Tls::default(),
        timeout: Duration::from_secs(60),
    }
}

/// A file with a secret in it, as long as the directory is there.
fn secret(dir: &tempfile::TempDir, text: &str) -> Secret {
    let number = std::fs::read_dir(dir.path()).unwrap().count();
    let path: PathBuf = dir.path().join(format!("secret-{number}"));
    std::fs::write(&path, format!("{text}\n")).unwrap();
    Secret::File(path)
}

#[tokio::test]
async fn the_json_goes_out_with_a_key_that_tells_repeats() {
    let server = Server::with([]);
    let mut hook = Web::new(settings(&server.url("/bell")));
    hook.open().await.unwrap();
    let ring = doorbell("Someone is at the door", 7);
    for _ in 0..2 {
        assert_eq!(hook.deliver(std::slice::from_ref(&ring)).await, Ok(Verdict::Taken));
    }
    let [first, second] = &server.asked()[..] else { panic!() };
    assert_eq!((first.line.as_str(), first.body.as_str()), ("POST /bell", ring.payload.as_str()));
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("idempotency-key"), Some("front-door/5-9f3c21aa/7"));
    assert_eq!(first.header("idempotency-key"), second.header("idempotency-key"));
}

#[tokio::test]
async fn everything_can_be_said_by_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with([]);
    let mut hook = Web::new(Settings {
        method: Method::PUT,
        headers: vec![
            (HeaderName::from_static("x-what"), Value::Plain(plain("{name} {text}"))),
            (HeaderName::from_static("x-key"), Value::Hidden("Key ".into(), secret(&dir, "hunter2"))),
        ],
        body: Some(plain("{\"say\":\"{text}\",\"who\":\"{data.who}\"}")),
        user: Some(("me".into(), secret(&dir, "sesame"))),
        // RFC 4231 has no key of letters alone but this one.
        signature: Some((secret(&dir, "Jefe"), HeaderName::from_static("x-sign"))),
        ..settings(&server.url("/{name}?t={text}"))
    });
    hook.deliver(&[doorbell("a \"b\"\r\nX-Evil: 1", 7)]).await.unwrap();
    let asked = server.asked().remove(0);
    assert_eq!(asked.line, "PUT /doorbell?t=a%20%22b%22%0D%0AX-Evil%3A%201");
    assert_eq!(asked.body, "{\"say\":\"a \\\"b\\\"\\r\\nX-Evil: 1\",\"who\":\"anna\"}");
    assert_eq!(asked.header("x-what"), Some("doorbell a \"b\"  X-Evil: 1"), "one header stays one");
    assert_eq!(asked.header("x-evil"), None);
    assert_eq!(asked.header("x-key"), Some("Key hunter2"));
    assert_eq!(asked.header("authorization"), Some("Basic bWU6c2VzYW1l"));
    assert_eq!(asked.header("x-sign"), signature("Jefe", &asked.body).to_str().ok());
}

#[test]
fn the_signature_is_the_one_of_the_standard() {
    // RFC 4231, test case 2.
    let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(signature("Jefe", "what do ya want for nothing?"), expected);
}

#[tokio::test]
async fn several_are_one_with_all_that_they_say() {
    let server = Server::with([]);
    let mut hook = Web::new(settings(&server.url("/")));
    let rings = [doorbell("one", 1), doorbell("two", 2)];
    hook.deliver(&rings).await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&server.asked()[0].body).unwrap();
    assert!(body["text"].as_str().unwrap().starts_with("doorbell twice since "), "{body}");
    assert_eq!(body["gathered"][1].to_string().len(), rings[1].payload.len());
}

#[tokio::test]
async fn an_answer_is_taken_for_what_it_means() {
    let server = Server::with([
        Reply::status(204),
        Reply::With(422, "", "no such field".into()),
        Reply::With(429, "Retry-After: 7\r\n", String::new()),
        Reply::status(500),
        Reply::status(401),
        Reply::With(308, "Location: http://elsewhere/\r\n", String::new()),
        Reply::Raw(""),
    ]);
    let mut hook = Web::new(settings(&server.url("/")));
    let ring = [doorbell("ring", 1)];
    let mut judged = Vec::new();
    for _ in 0..7 {
        judged.push(hook.deliver(&ring).await);
    }
    assert_eq!(judged[0], Ok(Verdict::Taken));
    assert_eq!(judged[1], Ok(Verdict::Refused("422 Unprocessable Entity: no such field".into())));
    let later = Failure::retry("429 Too Many Requests").after(Some(Duration::from_secs(7)));
    assert_eq!(judged[2], Err(later));
    assert_eq!(
        judged[3],
        Ok(Verdict::Failed(
            "the receiver failed (500 Internal Server Error): its own log says over what".into()
        ))
    );
    let then = |place: usize| judged[place].as_ref().unwrap_err().then;
    assert_eq!((then(4), then(5), then(6)), (Then::Refused, Then::Refused, Then::Retry));
}

#[tokio::test]
async fn no_secret_comes_back_in_words() {
    let dir = tempfile::tempdir().unwrap();
    // A server that repeats all that it was told.
    let server = Server::start(|asked| {
        let body = format!("{} {:?}", asked.line, asked.header("authorization"));
        Reply::With(
            if asked.line.contains("403") { 403 } else { 400 },
            "",
            format!("{body} {:?}", asked.headers),
        )
    });
    for path in ["400-hunter2", "403-hunter2"] {
        let mut hook = Web::new(Settings {
            address: Address::Hidden(secret(&dir, &server.url(&format!("/{path}")))),
            headers: vec![(
                HeaderName::from_static("x-a"),
                Value::Hidden("Bearer ".into(), secret(&dir, "hunter2")),
            )],
            user: Some(("me".into(), secret(&dir, "sesame"))),
            ..settings("")
        });
        let said = format!("{:?} {hook:?}", hook.deliver(&[doorbell("ring", 1)]).await);
        assert!(said.contains("POST *** Some(\\\"Basic ***\\\")"), "{said}");
        for word in ["hunter2", "sesame", "bWU6c2VzYW1l"] {
            assert!(!said.contains(word), "{word} in {said}");
        }
    }
    let missing = Secret::Variable("CAMPANILE_NO_SUCH".into());
    let mut hook = Web::new(Settings { address: Address::Hidden(missing), ..settings("") });
    let failure = hook.open().await.unwrap_err();
    assert_eq!(
        (failure.why.as_str(), failure.then),
        ("the environment has no CAMPANILE_NO_SUCH with the URL", Then::Refused)
    );
}
