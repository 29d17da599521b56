//! A small HTTP/1.1 client: one connection, one request at a time, and a limit for everything.
//!
//! What the receivers of messages need and no more: it follows no redirect by itself (a request carries secrets, and
//! who gets them is said in the file), and has no cookies, no pool, no compression. Only Mastodon's stream asks where
//! it is sent, once. It is hyper's connection over the TLS that MQTT brings along anyway. The usual whole client
//! (reqwest) was measured beside it, one program with three requests over TLS each: 111 packages against 45, 105 s of a
//! core against 63 to build, 4.9 MB resident against 4.0.

pub mod answer;
mod connection;
pub mod events;
mod stream;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod url;
mod words;

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::Method;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{HOST, HeaderMap, HeaderValue, USER_AGENT};
use tokio::time::{Instant, timeout};

pub use self::answer::{Answer, Class};
use self::connection::Connection;
pub use self::stream::Stream;
pub use self::url::Url;
use super::Failure;
use super::tls::Tls;

/// Of an answer's body, so much is read where nobody asks for more: words about what became of a request.
const ANSWER_MAX: usize = 64 << 10;
/// A connection that was unused for longer is not trusted with a request: servers close theirs after five seconds and
/// more, and one that is closed midway leaves open what became of the request.
const IDLE: Duration = Duration::from_secs(4);
/// For the connection and TLS.
const CONNECT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("campanile/", env!("CARGO_PKG_VERSION"));

/// One request.
#[derive(Clone)]
pub struct Request {
    /// GET, POST, ...
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Besides `Host`, `User-Agent` and the length.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
    /// Of the answer's body, so many bytes are read, and held until it is looked through.
    pub answer_max: usize,
}

impl Request {
    /// Without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), answer_max: ANSWER_MAX }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Client {
    tls: Tls,
    /// For a whole exchange, once connected.
    patience: Duration,
    connection: Option<Connection>,
}

impl Client {
    /// Does nothing yet. An answer is waited for as long as `patience`.
    pub const fn new(tls: Tls, patience: Duration) -> Self {
        Self { tls, patience, connection: None }
    }

    /// Whom it trusts.
    pub const fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Connects to where a URL points.
    ///
    /// # Errors
    /// Nobody is there, or it is somebody else.
    pub async fn connect(&mut self, url: &Url) -> Result<(), Failure> {
        self.connection = None;
        let connecting = Connection::open(url, &self.tls);
        let connection = timeout(CONNECT, connecting)
            .await
            .map_err(|_| Failure::retry(format!("{} does not answer", url.origin())))??;
        self.connection = Some(connection);
        Ok(())
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// There was no answer; the request may have been carried out all the same.
    pub async fn send(&mut self, request: Request) -> Result<Answer, Failure> {
        let most = request.answer_max;
        let (mut connection, request, origin) = self.begin(request).await?;
        let exchange = async {
            let (head, body) = connection.sender.send_request(request).await?.into_parts();
            let (body, is_whole) = read(body, most).await?;
            Ok((Answer::new(head.status.as_u16(), head.headers, body), is_whole))
        };
        let (answer, is_whole) = self.within_patience(exchange, &origin).await?;
        if is_whole {
            connection.used = Instant::now();
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    /// Sends a request whose answer goes on for as long as both like. What is no success is an answer like any other.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn stream(&mut self, request: Request) -> Result<Result<Stream, Answer>, Failure> {
        let most = request.answer_max;
        let (mut connection, request, origin) = self.begin(request).await?;
        let exchange = async {
            let (head, body) = connection.sender.send_request(request).await?.into_parts();
            let status = head.status.as_u16();
            if head.status.is_success() {
                return Ok(Ok((Answer::new(status, head.headers, String::new()), body)));
            }
            let (body, _) = read(body, most).await?;
            Ok(Err(Answer::new(status, head.headers, body)))
        };
        let opened = self.within_patience(exchange, &origin).await?;
        Ok(opened.map(|(head, body)| Stream::new(head, body, connection, origin)))
    }

    /// A connection to where the request goes, and the request as hyper wants it.
    async fn begin(
        &mut self,
        request: Request,
    ) -> Result<(Connection, hyper::Request<Full<Bytes>>, String), Failure> {
        let Request { method, url, mut headers, body, .. } = request;
        if self.connection.as_ref().is_none_or(|connection| !connection.is_fresh(&url, IDLE)) {
            self.connect(&url).await?;
        }
        let Some(connection) = self.connection.take() else {
            return Err(Failure::retry("not connected"));
        };
        let authority =
            url.authority().parse().map_err(|_| Failure::refused("the host is not a valid name"))?;
        headers.insert(HOST, authority);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let mut request = hyper::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url
            .target()
            .parse()
            .map_err(|_| Failure::refused("the path of the URL has a letter that it cannot have"))?;
        *request.headers_mut() = headers;
        Ok((connection, request, url.origin()))
    }

    async fn within_patience<T>(
        &self,
        exchange: impl Future<Output = Result<T, hyper::Error>>,
        origin: &str,
    ) -> Result<T, Failure> {
        timeout(self.patience, exchange)
            .await
            .map_err(|_| {
                Failure::retry(format!("{origin} took longer than {:?} to answer", self.patience)).unsure()
            })?
            .map_err(|error| words::of_exchange(&error, origin))
    }

    /// Hangs up.
    pub fn close(&mut self) {
        self.connection = None;
    }
}

/// The beginning of a body, and whether that is all of it.
async fn read(mut body: Incoming, most: usize) -> Result<(String, bool), hyper::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = most - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok((text(bytes), false));
        }
    }
    Ok((text(bytes), body.is_end_stream()))
}

/// Without a copy of what is a text already.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
