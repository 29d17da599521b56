use super::testing::{Reply, Server};
use super::*;
use crate::sinks::Then;

const PATIENCE: Duration = Duration::from_secs(60);

fn get(url: &str) -> Request {
    Request::new(Method::GET, Url::parse(url).unwrap())
}

#[tokio::test]
async fn a_request_arrives_as_it_was_meant_and_a_connection_carries_several() {
    let server = Server::with([Reply::With(201, "X-Id: 7\r\n", "made".into())]);
    let mut client = Client::new(Tls::default(), PATIENCE);
    let mut request = get(&server.url("/a/b?c=d"));
    request.method = Method::POST;
    request.headers.insert("x-key", "k".parse().unwrap());
    request.body = Bytes::from_static(b"{\"a\":1}");
    let answer = client.send(request.clone()).await.unwrap();
    assert_eq!((answer.status, answer.class(), answer.body.as_str()), (201, Class::Done, "made"));
    assert_eq!(answer.header("x-id"), Some("7"));
    client.send(request).await.unwrap();
    let asked = server.asked();
    assert_eq!((asked[0].line.as_str(), asked[0].body.as_str()), ("POST /a/b?c=d", "{\"a\":1}"));
    assert_eq!(asked[0].header("x-key"), Some("k"));
    assert_eq!(asked[0].header("host"), Some(server.url("").trim_start_matches("http://")));
    assert!(asked[0].header("user-agent").unwrap().starts_with("campanile/"));
    assert_eq!((asked[0].connection, asked[1].connection), (0, 0));
}

#[tokio::test]
async fn a_long_answer_is_read_as_far_as_the_limit_and_its_connection_is_given_up() {
    let long = |len| Reply::With(500, "", "x".repeat(len));
    let server = Server::with([long(ANSWER_MAX + 1), Reply::status(200), long(ANSWER_MAX + 1)]);
    let mut client = Client::new(Tls::default(), PATIENCE);
    assert_eq!(client.send(get(&server.url("/"))).await.unwrap().body.len(), ANSWER_MAX);
    assert_eq!(client.send(get(&server.url("/"))).await.unwrap().status, 200);
    assert_eq!(server.asked()[1].connection, 1);
    let more = Request { answer_max: 2 * ANSWER_MAX, ..get(&server.url("/")) };
    assert_eq!(client.send(more).await.unwrap().body.len(), ANSWER_MAX + 1, "whoever expects more gets it");
}

#[tokio::test]
async fn what_is_no_answer_is_said_in_words() {
    let server = Server::with([Reply::Raw(""), Reply::Raw("SSH-2.0-x\r\n")]);
    let mut client = Client::new(Tls::default(), PATIENCE);
    let failure = client.send(get(&server.url("/"))).await.unwrap_err();
    assert!(failure.why.ends_with("hung up without an answer") && failure.then == Then::Retry, "{failure:?}");
    let failure = client.send(get(&server.url("/"))).await.unwrap_err();
    assert!(failure.why.contains("does not speak HTTP") && failure.then == Then::Refused, "{failure:?}");
    let mut impatient = Client::new(Tls::default(), Duration::from_millis(1));
    let silent = Server::with([Reply::Silence]);
    let failure = impatient.send(get(&silent.url("/"))).await.unwrap_err();
    assert!(failure.why.ends_with("took longer than 1ms to answer"), "{failure:?}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let failure = client.send(get(&format!("http://127.0.0.1:{port}/secret"))).await.unwrap_err();
    assert_eq!(failure.why, format!("nobody listens at http://127.0.0.1:{port}"));
}

#[tokio::test]
async fn a_stream_comes_piece_by_piece_and_a_silent_or_broken_one_is_given_up() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nX-Kind: stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let ended = format!("{HEAD}2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n").leak();
    let server = Server::with([
        Reply::Raw(ended),
        Reply::Raw(format!("{HEAD}5\r\nab").leak()),
        Reply::Open(HEAD),
        Reply::With(503, "Retry-After: 3\r\n", "later".into()),
    ]);
    let mut client = Client::new(Tls::default(), PATIENCE);
    let url = server.url("/events");
    let mut stream = client.stream(get(&url)).await.unwrap().unwrap_or_else(|answer| panic!("{answer:?}"));
    assert_eq!((stream.head().status, stream.head().header("x-kind")), (200, Some("stream")));
    assert_eq!(stream.next(PATIENCE).await.unwrap(), "ab");
    assert_eq!(stream.next(PATIENCE).await.unwrap(), "cde");
    let ended = stream.next(PATIENCE).await.unwrap_err();
    assert!(ended.why.ends_with("ended the stream") && ended.then == Then::Retry, "{ended:?}");
    let mut stream = client.stream(get(&url)).await.unwrap().unwrap_or_else(|answer| panic!("{answer:?}"));
    assert_eq!(stream.next(PATIENCE).await.unwrap(), "ab");
    assert_eq!(stream.next(PATIENCE).await.unwrap_err().then, Then::Retry, "in the midst of a piece");
    let mut stream = client.stream(get(&url)).await.unwrap().unwrap_or_else(|answer| panic!("{answer:?}"));
    let silent = stream.next(Duration::from_millis(1)).await.unwrap_err();
    assert!(silent.why.ends_with("was silent for 1ms") && silent.then == Then::Retry, "{silent:?}");
    let Err(answer) = client.stream(get(&url)).await.unwrap() else { panic!("that is no stream") };
    assert_eq!((answer.class(), answer.body.as_str()), (Class::Later(Some(Duration::from_secs(3))), "later"));
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_someones_business() {
    let server = Server::with([]);
    let url = server.url("/").replace("http:", "https:");
    let mut client = Client::new(Tls { ca: Some("/nothing/such.pem".into()), ..Tls::default() }, PATIENCE);
    let failure = client.send(get(&url)).await.unwrap_err();
    assert!(failure.then == Then::Refused && failure.why.contains("/nothing/such.pem"), "{failure:?}");
}
