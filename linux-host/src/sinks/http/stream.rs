//! An answer that goes on: its bytes as they come, for as long as its connection lives.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use tokio::time::timeout;

use super::connection::Connection;
use super::{Answer, words};
use crate::sinks::Failure;

/// See the module.
pub struct Stream {
    /// Without a body.
    head: Answer,
    body: Incoming,
    origin: String,
    /// Held for its end.
    _connection: Connection,
}

impl Stream {
    pub(super) const fn new(head: Answer, body: Incoming, connection: Connection, origin: String) -> Self {
        Self { head, body, origin, _connection: connection }
    }

    /// Status and headers.
    pub const fn head(&self) -> &Answer {
        &self.head
    }

    /// The next bytes: a few at a time, as hyper's buffer is bounded. May be dropped.
    ///
    /// # Errors
    /// The server ended it, or was silent for so long.
    pub async fn next(&mut self, patience: Duration) -> Result<Bytes, Failure> {
        loop {
            let frame = timeout(patience, self.body.frame())
                .await
                .map_err(|_| Failure::retry(format!("{} was silent for {patience:?}", self.origin)))?;
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(data);
                    }
                }
                Some(Err(error)) => return Err(words::of_exchange(&error, &self.origin)),
                None => return Err(Failure::retry(format!("{} ended the stream", self.origin))),
            }
        }
    }
}
