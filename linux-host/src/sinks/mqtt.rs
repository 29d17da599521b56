//! MQTT 5, QoS 1: a message is done when the broker has acknowledged it, which is the most that a client can promise.
//!
//! The journal is the outbox. So every connection is a new client: whatever an old one had under way is given up with it
//! and sent again from the cursor, and no session can lose it in silence. What others say meanwhile the broker keeps ([`away`]).
//! Availability is a retained `online`, and `offline` as the last will and as the farewell.

pub mod address;
pub(super) mod answers;
mod away;
mod connect;
pub mod discovery;
pub mod listen;
pub mod payloads;
pub(super) mod session;
pub mod upkeep;
mod words;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use rumqttc::mqttbytes::v5::RetainForwardRule;

use self::answers::{Answer, NotTaken};
pub use self::connect::Settings;
use self::listen::{Listening, Seen};
use self::payloads::Payloads;
use self::session::{Lost, Session, Subscribed};
use self::upkeep::Upkeep;
use super::arrival::{Arrival, What};
use super::batch::Carrier;
use super::endpoint::Endpoint;
use super::message::Message;
use super::{Failure, Outcome, Sink, Then};

/// Messages under way at once; a broker may lower it. Unset it costs the client 16 MB.
pub const WINDOW: u16 = 100;

/// The client's name at the broker, if the file gives it none.
pub fn client_id_of(node: &str, sink: &str) -> String {
    format!("campanile-{node}-{sink}")
}

/// The sink.
#[derive(Debug)]
pub struct Mqtt {
    settings: Settings,
    listening: Listening,
    upkeep: Upkeep,
    payloads: Payloads,
    /// The last messages of other nodes, over all connections.
    seen: Seen,
    /// The broker has answered something over the last connection.
    worked: bool,
    up: Option<Up>,
}

/// A connection, its `online`, and what it asked to hear.
struct Up {
    session: Session,
    online: Option<(String, Answer)>,
    /// The broker has answered to that.
    answered: bool,
    subscribed: Option<(Subscribed, Vec<String>)>,
    /// What the broker is to keep, or no more: topics and payloads, one at a time beside what the driver sends.
    chores: VecDeque<(String, String)>,
    chore: Option<(String, Answer)>,
    /// What the broker has not kept, until it is told.
    refused: Option<Arrival>,
    /// The first of a connection was told: the others are for the log.
    told: bool,
}

impl Mqtt {
    /// Does nothing yet.
    pub fn new(settings: Settings, listening: Listening, upkeep: Upkeep, payloads: Payloads) -> Self {
        let settings = Settings { listens: !listening.filters().is_empty(), ..settings };
        Self { settings, listening, upkeep, payloads, seen: Seen::default(), worked: false, up: None }
    }
}

impl Sink for Mqtt {
    async fn open(&mut self) -> Result<usize, Failure> {
        (self.up, self.worked) = (None, false);
        let session = Session::open(&self.settings).await.inspect_err(|failure| {
            // An outage passes, and what is said meanwhile is kept for this one.
            if failure.then == Then::Refused {
                self.listening.hears.tell(false);
            }
        })?;
        let online = match &self.settings.status_topic {
            Some(topic) => Some((topic.clone(), session.publish(topic, "online".into(), true)?)),
            None => None,
        };
        let mut filters = self.listening.filters();
        filters.extend(self.upkeep.birth().map(str::to_owned));
        // What was kept for whoever comes later happened before.
        let subscribed = if filters.is_empty() {
            None
        } else {
            Some((session.listen(&filters, RetainForwardRule::Never)?, filters))
        };
        // One that does not let us look keeps what it has; nothing else suffers.
        if !self.upkeep.filters().is_empty() {
            drop(session.listen(self.upkeep.filters(), RetainForwardRule::OnEverySubscribe)?);
        }
        let window = session.window;
        let chores = self.upkeep.announcements().iter().cloned().collect();
        self.up = Some(Up {
            session,
            online,
            answered: false,
            subscribed,
            chores,
            chore: None,
            refused: None,
            told: false,
        });
        Ok(window)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        let Up { session, .. } = self.up.as_mut().ok_or_else(|| Failure::retry("not connected"))?;
        let (topic, retain) = (message.topic.clone(), message.retain);
        let answer = session.publish(&topic, self.payloads.of(message), retain)?;
        session.expect(answer);
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        let Self { listening, upkeep, seen, worked, up, .. } = self;
        let Some(up) = up else { return Err(Failure::retry("not connected")) };
        let outcome = poll_fn(|cx| up.poll_outcome(cx, listening, upkeep, seen)).await;
        *worked |= up.answered || matches!(outcome, Ok(Outcome::Done(_) | Outcome::Refused(_)));
        if outcome.as_ref().is_err_and(|failure| failure.then == Then::Refused) {
            listening.hears.tell(false);
        }
        if outcome.is_err() {
            self.up = None;
        }
        outcome
    }

    fn keeps_states(&self) -> bool {
        true
    }

    fn worked(&self) -> bool {
        self.worked
    }

    async fn endpoint(&mut self) -> Result<Option<Endpoint>, Failure> {
        Ok(Some(self.settings.endpoint()))
    }

    fn stand_aside(&mut self) {
        self.settings.stand_aside();
    }

    async fn close(&mut self) {
        let Some(Up { session, .. }) = self.up.take() else { return };
        session.leave(self.settings.status_topic.as_deref().map(|topic| (topic, "offline"))).await;
    }
}

impl Carrier for Mqtt {
    fn largest(&self, topic: &str) -> usize {
        self.up.as_ref().map_or(usize::MAX, |up| up.session.largest(topic))
    }

    fn goes_alone(&self, _: &Message) -> bool {
        false
    }

    fn keeps_topics(&self) -> bool {
        true
    }
}

impl Up {
    /// What goes out comes first.
    fn poll_outcome(
        &mut self,
        cx: &mut Context<'_>,
        listening: &Listening,
        upkeep: &Upkeep,
        seen: &mut Seen,
    ) -> Poll<Result<Outcome, Failure>> {
        if let Some((topic, answer)) = &mut self.online
            && let Poll::Ready(answer) = answer.as_mut().poll(cx)
        {
            let topic = std::mem::take(topic);
            self.online = None;
            self.answered |= matches!(answer, Ok(()) | Err(NotTaken::ForGood(_)));
            if let Err(NotTaken::ForGood(why)) = answer {
                self.refuse(topic, &why);
            }
        }
        match self.session.poll_outcome(cx) {
            Poll::Pending => {
                let mut arrival = self.poll_arrival(cx, listening, upkeep, seen);
                self.poll_chores(cx);
                if arrival.is_pending() {
                    arrival = self.refused.take().map_or(Poll::Pending, Poll::Ready);
                }
                arrival.map(|arrival| Ok(Outcome::Came(arrival)))
            }
            ready => ready,
        }
    }

    /// Gets on with what is to be kept.
    fn poll_chores(&mut self, cx: &mut Context<'_>) {
        loop {
            if let Some((topic, answer)) = &mut self.chore {
                let Poll::Ready(answer) = answer.as_mut().poll(cx) else { return };
                let topic = std::mem::take(topic);
                if let Err(NotTaken::ForGood(why)) = answer {
                    self.refuse(topic, &why);
                }
            }
            let Some((topic, payload)) = self.chores.pop_front() else {
                self.chore = None;
                return;
            };
            // If the connection is gone, the next one does it all.
            self.chore = self.session.publish(&topic, payload, true).ok().map(|answer| (topic, answer));
        }
    }

    /// The broker keeps nothing under this topic, for good.
    fn refuse(&mut self, topic: String, why: &str) {
        let what = format!("the broker keeps nothing here: {why}");
        if self.told {
            tracing::warn!("{topic}: {what}");
        } else {
            self.told = true;
            self.refused = Some(Arrival::unclear(topic, what));
        }
    }

    /// What came in, if anything did that is meant for this node.
    fn poll_arrival(
        &mut self,
        cx: &mut Context<'_>,
        listening: &Listening,
        upkeep: &Upkeep,
        seen: &mut Seen,
    ) -> Poll<Arrival> {
        if let Some((answer, filters)) = &mut self.subscribed
            && let Poll::Ready(codes) = answer.as_mut().poll(cx)
        {
            let refused = words::of_subscription(filters, &codes);
            self.subscribed = None;
            listening.hears.tell(refused.is_none() && !codes.is_empty());
            if let Some(refused) = refused {
                return Poll::Ready(refused);
            }
        }
        while let Poll::Ready(received) = self.session.poll_received(cx) {
            let arrival = match received {
                Err(Lost(count)) => Some(Arrival { from: "the broker".to_owned(), what: What::Lost(count) }),
                Ok(publish) => match std::str::from_utf8(&publish.topic) {
                    Ok(topic) if publish.retain => {
                        if upkeep.is_stale(topic, &publish.payload) {
                            tracing::info!("{topic}: of nothing that the program has; cleared");
                            self.chores.push_back((topic.to_owned(), String::new()));
                        }
                        None
                    }
                    Ok(topic) if upkeep.birth() == Some(topic) => {
                        if &*publish.payload == b"online" {
                            self.chores.extend(upkeep.announcements().iter().cloned());
                        }
                        None
                    }
                    Ok(topic) => listening.understand(seen, topic, &publish.payload),
                    Err(_) => Some(Arrival::unclear("the broker", "a topic that is no text")),
                },
            };
            if let Some(arrival) = arrival {
                return Poll::Ready(arrival);
            }
        }
        Poll::Pending
    }
}

impl std::fmt::Debug for Up {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.session.fmt(f)
    }
}
