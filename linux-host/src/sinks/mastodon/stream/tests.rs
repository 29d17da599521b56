use super::*;
use crate::secret::Secret;
use crate::sinks::Then;
use crate::sinks::http::testing::{Asked, Reply, Server};
use crate::sinks::mastodon::testing::status;
use crate::sinks::template::Template;
use crate::sinks::tls::Tls;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A stream of these pieces, each a chunk; then the server hangs up.
fn stream(pieces: &[&str]) -> Reply {
    let chunks: String = pieces.iter().map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
    Reply::Raw(format!("{HEAD}{chunks}").leak())
}

fn update(id: &str, account: &str, reblog: &str) -> String {
    let mut status = status(id.parse().unwrap(), account, "<p>ring\n</p>");
    status["reblog"] = serde_json::from_str(reblog).unwrap();
    format!("event: update\ndata: {status}\n\n")
}

fn home(server: &Server, dir: &tempfile::TempDir) -> Home {
    std::fs::write(dir.path().join("token"), "hunter2-token").unwrap();
    let settings = Settings {
        url: Url::parse(&server.url("")).unwrap(),
        token: Secret::File(dir.path().join("token")),
        text: Template::default(),
        visibility: "private",
        language: None,
        tls: Tls::default(),
    };
    Home::new(settings, "23634".into())
}

#[tokio::test]
async fn the_posts_of_the_account_are_told_and_nothing_else() {
    let ring = update("110", "23634", "null");
    let (first, second) = ring.split_at(50);
    let server = Server::with([stream(&[
        ":)\n",
        ":thump\n",
        &update("107", "1", "null"),
        &update("108", "23634", "{\"id\":\"7\"}"),
        "event: delete\ndata: 23634\n\nevent: filters_changed\ndata: undefined\n\n",
        &update("109", "23634", "null"),
        first,
        second,
        "event: update\ndata: [\n\n",
        ":thump\n",
    ])]);
    let dir = tempfile::tempdir().unwrap();
    let mut home = home(&server, &dir);
    home.open().await.unwrap();
    assert_eq!(home.next().await, Ok(Some("109".into())));
    assert_eq!(home.next().await, Ok(Some("110".into())));
    assert_eq!(home.next().await, Ok(None), "what is no status may have been one of the account");
    let failure = home.next().await.unwrap_err();
    assert!(failure.then == Then::Retry, "{failure:?}");
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "GET /api/v1/streaming/user");
    assert_eq!(asked.header("authorization"), Some("Bearer hunter2-token"));
    assert_eq!(asked.header("accept"), Some("text/event-stream"));
}

#[tokio::test]
async fn a_server_may_have_another_host_for_its_streams() {
    let streams = Server::with([stream(&[&update("110", "23634", "null")])]);
    let there = streams.url("/api/v1/streaming/user");
    let moved = move |_: &Asked| Reply::With(301, format!("Location: {there}\r\n").leak(), String::new());
    let (server, dir) = (Server::start(moved), tempfile::tempdir().unwrap());
    let mut home = home(&server, &dir);
    home.open().await.unwrap();
    assert_eq!(home.next().await, Ok(Some("110".into())));
    assert_eq!(streams.asked()[0].header("authorization"), Some("Bearer hunter2-token"));
    // But not where anyone could read the token, and not on and on.
    let answer = |location: &str| {
        let headers = [(hyper::header::LOCATION, location.parse().unwrap())].into_iter().collect();
        Answer::new(301, headers, String::new())
    };
    home.settings.url = Url::parse("https://social.example").unwrap();
    let failure = home.elsewhere(&answer("http://streams.example/x")).unwrap().unwrap_err();
    assert!(failure.then == Then::Refused && failure.why.contains("http://streams.example"), "{failure:?}");
    let there = home.elsewhere(&answer("https://streams.example/x")).unwrap().unwrap();
    assert_eq!((there.origin().as_str(), there.target()), ("https://streams.example", PATH));
    assert!(home.elsewhere(&answer("/x")).unwrap().is_err(), "nowhere");
}

#[tokio::test]
async fn why_there_is_no_stream_is_said_in_words() {
    let page = Reply::With(200, "Content-Type: text/html\r\n", "<html>".into());
    let echo = "{\"error\":\"what is hunter2-token?\"}";
    let server = Server::with([
        Reply::With(404, "", "{\"error\":\"Not Found\"}".into()),
        Reply::With(401, "", echo.into()),
        Reply::With(301, "Location: nowhere\r\n", String::new()),
        Reply::With(429, "Retry-After: 7\r\n", String::new()),
        Reply::status(502),
        page,
    ]);
    let dir = tempfile::tempdir().unwrap();
    let mut home = home(&server, &dir);
    for (then, words) in [
        (Then::Refused, "the server has no stream (404 Not Found"),
        (Then::Refused, "allowed read:statuses"),
        (Then::Refused, "does not say where its stream is"),
        (Then::Retry, "429"),
        (Then::Retry, "502"),
        (Then::Refused, "what it sends is none"),
    ] {
        let failure = home.open().await.unwrap_err();
        assert!(failure.then == then && failure.why.contains(words), "{failure:?}");
        assert!(!failure.why.contains("hunter2"), "{failure:?}");
        assert_eq!(failure.after, failure.why.contains("429").then_some(Duration::from_secs(7)));
    }
}
