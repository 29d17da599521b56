//! One connection to a server: TCP, TLS where the URL says so, HTTP/1.1 on top.

use std::fmt;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::{Url, words};
use crate::sinks::Failure;
use crate::sinks::tls::Tls;

pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) used: Instant,
    url: Url,
    /// Held for its end.
    driver: AbortHandle,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(url: &Url, tls: &Tls) -> Result<Self, Failure> {
        let origin = url.origin();
        let stream = TcpStream::connect((url.host(), url.port()))
            .await
            .map_err(|error| words::of_connecting(&error, &origin))?;
        let _ = stream.set_nodelay(true);
        if !url.tls() {
            return Self::over(stream, url).await;
        }
        let name = ServerName::try_from(url.host().to_owned())
            .map_err(|_| Failure::refused(format!("{origin}: no certificate can have such a name")))?;
        let connector = TlsConnector::from(tls.config().await?);
        let stream = connector.connect(name, stream).await.map_err(|error| words::of_tls(&error, &origin))?;
        Self::over(stream, url).await
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        url: &Url,
    ) -> Result<Self, Failure> {
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| words::of_exchange(&error, &url.origin()))?;
        // What it ends with is told to whoever waits for an answer.
        let driver = tokio::spawn(async { driver.await.unwrap_or_default() }).abort_handle();
        Ok(Self { sender, used: Instant::now(), url: url.clone(), driver })
    }

    /// Whether it may carry a request to this URL: it leads there and was used lately.
    pub(super) fn is_fresh(&self, url: &Url, idle: Duration) -> bool {
        self.url.is_same_origin(url) && self.used.elapsed() < idle && !self.sender.is_closed()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({:?})", self.url)
    }
}
