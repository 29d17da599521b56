//! MQTT 5, QoS 1: a message is done when the broker has acknowledged it, which is the most that a client can promise.
//!
//! The journal is the outbox. So every connection is a new client with a clean start: whatever an old one had under
//! way is given up with it and sent again from the cursor, and no session on either side can lose it in silence.
//! Availability is a retained `online`, and `offline` as the last will and as the farewell.

pub mod address;
mod connect;
pub(super) mod session;
mod words;

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::task::{Context, Poll};

pub use self::connect::Settings;
use self::session::{Answer, NotTaken, Session};
use super::message::Message;
use super::{Failure, Outcome, Sink};

/// Messages under way at once; a broker may lower it. Unset it costs the client 16 MB.
pub const WINDOW: u16 = 100;

/// The sink.
#[derive(Debug)]
pub struct Mqtt {
    settings: Settings,
    up: Option<Up>,
}

/// A connection and its `online`.
struct Up {
    session: Session,
    online: Option<Answer>,
}

impl Mqtt {
    /// Does nothing yet.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, up: None }
    }
}

impl Sink for Mqtt {
    async fn open(&mut self) -> Result<usize, Failure> {
        self.up = None;
        let session = Session::open(&self.settings).await?;
        let topic = self.settings.status_topic.as_ref();
        let online = topic.map(|topic| session.publish(topic, "online".into(), true)).transpose()?;
        let window = session.window;
        self.up = Some(Up { session, online });
        Ok(window)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        let Up { session, .. } = self.up.as_mut().ok_or_else(|| Failure::retry("not connected"))?;
        let answer = session.publish(&message.topic, message.payload, message.retain)?;
        session.expect(answer);
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        let Some(up) = &mut self.up else { return Err(Failure::retry("not connected")) };
        let outcome = poll_fn(|cx| up.poll_outcome(cx)).await;
        if outcome.is_err() {
            self.up = None;
        }
        outcome
    }

    fn keeps_states(&self) -> bool {
        true
    }

    async fn close(&mut self) {
        let Some(Up { session, .. }) = self.up.take() else { return };
        session.leave(self.settings.status_topic.as_deref().map(|topic| (topic, "offline"))).await;
    }
}

impl Up {
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<Outcome, Failure>> {
        if let Some(Poll::Ready(answer)) = self.online.as_mut().map(|online| online.as_mut().poll(cx)) {
            self.online = None;
            if let Err(NotTaken::ForGood(why)) = answer {
                tracing::warn!("the broker takes no availability message: {why}");
            }
        }
        self.session.poll_outcome(cx)
    }
}

impl std::fmt::Debug for Up {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.session.fmt(f)
    }
}
