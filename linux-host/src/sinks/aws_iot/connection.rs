//! One connection: what goes out over it at the pace that AWS allows, what the shadow answers, and what is desired there.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rumqttc::QoS;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::limits::{self, Pace};
use super::names::Names;
use super::price::Use;
use super::shadow::{self, Document, Heard, Topics};
use super::wishes::{Settable, Wishes};
use crate::sinks::arrival::Arrival;
use crate::sinks::message::Message;
use crate::sinks::mqtt::answers::{Answer, NotTaken};
use crate::sinks::mqtt::session::Session;
use crate::sinks::{Failure, Outcome};

/// For an acknowledgement and a shadow's answer: a message over a limit gets none.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
#[derive(Debug)]
pub(super) struct Up {
    pub(super) session: Session,
    pace: Pace,
    /// Taken over, and not sent yet.
    pub(super) waiting: VecDeque<Message>,
    /// The change that the shadow has not answered. One at a time: it may put one off, and what is behind that must not
    /// come before it.
    asked: Option<Asked>,
    /// Of changes sent so far.
    number: u64,
    names: Names,
    wishes: Wishes,
    /// Wishes that the driver has not taken yet.
    came: VecDeque<Arrival>,
    /// What is metered, as far as the meter has not got it yet.
    pub(super) used: Use,
}

/// A change that the shadow was asked for.
#[derive(Debug)]
struct Asked {
    token: String,
    answer: oneshot::Sender<Result<(), NotTaken>>,
}

impl Up {
    /// Over a session that has begun, for a program with these names.
    pub(super) fn new(session: Session, names: Names, has_shadow: bool) -> Self {
        Self {
            session,
            pace: Pace::default(),
            waiting: VecDeque::new(),
            asked: None,
            number: 0,
            names,
            wishes: Wishes::default(),
            came: VecDeque::new(),
            used: Use::connection(has_shadow),
        }
    }

    /// Listens to the shadow, and asks what is desired there by now; whether there is none yet.
    pub(super) async fn meet(&mut self, shadow: &Topics, settable: &Settable) -> Result<bool, Failure> {
        // QoS 0: an acknowledgement from here would cost as much as a message.
        let listening = self.session.subscribe(&shadow.answers(), QoS::AtMostOnce)?;
        let asked = self.session.publish(&shadow.get(), String::new(), false)?;
        for answer in [listening, asked] {
            self.session.wait(answer).await.map_err(|failure| Failure {
                why: format!(
                    "{}; the certificate's policy has to allow iot:Publish, iot:Subscribe and iot:Receive for the thing's shadow",
                    failure.why
                ),
                ..failure
            })?;
        }
        loop {
            let heard = poll_fn(|cx| match self.poll_heard(Some(shadow), cx) {
                Poll::Ready(heard) => Poll::Ready(heard),
                Poll::Pending => self.session.poll_end(cx).map(Err),
            })
            .await?;
            match heard {
                Heard::Got(Ok(Document { version, delta, reported })) => {
                    self.wish(version, delta, settable);
                    self.clear(shadow, reported)?;
                    return Ok(false);
                }
                Heard::Got(Err(None)) => return Ok(true),
                Heard::Got(Err(Some(NotTaken::ForGood(why)))) => return Err(Failure::refused(why)),
                Heard::Got(Err(Some(NotTaken::Now(why)))) => return Err(Failure::retry(why)),
                other => self.hear(other, settable),
            }
        }
    }

    /// Takes out what is reported and of nothing that the program has: the shadow forgets nothing by itself. Nobody waits
    /// for it; what it does not take goes again with the next connection.
    fn clear(&mut self, shadow: &Topics, reported: Vec<String>) -> Result<(), Failure> {
        let Some(mut payload) = self.names.clear(reported) else { return Ok(()) };
        if self.pace.take(2, Instant::now()).is_err() {
            return Ok(());
        }
        self.number += 1;
        shadow::number(&mut payload, self.number);
        self.publish(&shadow.update(), payload, limits::SHADOW).map(drop)
    }

    /// What the shadow says next; what is none of its answers is passed over.
    fn poll_heard(&mut self, shadow: Option<&Topics>, cx: &mut Context<'_>) -> Poll<Result<Heard, Failure>> {
        while let Poll::Ready(received) = self.session.poll_received(cx) {
            let Ok(publish) = received else {
                // The next connection asks anew.
                return Poll::Ready(Err(Failure::retry("more messages came in at once than could be read")));
            };
            let topic = std::str::from_utf8(&publish.topic).ok();
            let heard = shadow.zip(topic).and_then(|(shadow, topic)| shadow.read(topic, &publish.payload));
            if let Some(heard) = heard {
                // The answer to a change is counted with the change.
                if matches!(heard, Heard::Wished { .. }) {
                    self.used += Use::message(publish.topic.len() + publish.payload.len());
                }
                return Poll::Ready(Ok(heard));
            }
        }
        Poll::Pending
    }

    pub(super) async fn outcome(
        &mut self,
        shadow: Option<&Topics>,
        settable: &Settable,
    ) -> Result<Outcome, Failure> {
        loop {
            if let Some(arrival) = self.came.pop_front() {
                return Ok(Outcome::Came(arrival));
            }
            let next = self.release(shadow)?;
            let mut released = pin!(sleep_until(next.unwrap_or_else(Instant::now)));
            // What the shadow says comes first: it may be what a message waits for.
            let outcome = poll_fn(|cx| {
                if let Poll::Ready(heard) = self.poll_heard(shadow, cx) {
                    return Poll::Ready(match heard {
                        Ok(heard) => {
                            self.hear(heard, settable);
                            None
                        }
                        Err(failure) => Some(Err(failure)),
                    });
                }
                if let Poll::Ready(outcome) = self.session.poll_outcome(cx) {
                    return Poll::Ready(Some(outcome));
                }
                match next {
                    Some(_) => released.as_mut().poll(cx).map(|()| None),
                    None => Poll::Pending,
                }
            })
            .await;
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// Sends what waits, as far as the limits let; when the next one may go, if that is only a matter of time.
    pub(super) fn release(&mut self, shadow: Option<&Topics>) -> Result<Option<Instant>, Failure> {
        while let Some(message) = self.waiting.front_mut() {
            let shadow = shadow.filter(|_| message.kind.is_state());
            // Nobody waits for the answer to one that was refused on the way to the shadow.
            if shadow.is_some() && self.asked.as_ref().is_some_and(|asked| !asked.answer.is_closed()) {
                break;
            }
            if shadow.is_some() && !self.names.keep(&mut message.payload) {
                self.waiting.pop_front();
                self.session.expect(Box::pin(async { Ok(()) }));
                continue;
            }
            // A shadow's answer counts too.
            let messages = if shadow.is_some() { 2 } else { 1 };
            if let Err(then) = self.pace.take(messages, Instant::now()) {
                return Ok(Some(then));
            }
            let Some(message) = self.waiting.pop_front() else { break };
            let answer = match shadow {
                Some(shadow) => self.change(shadow, message.payload)?,
                None => self.publish(&message.topic, message.payload, limits::PAYLOAD)?,
            };
            self.session.expect(answer);
        }
        Ok(None)
    }

    fn publish(&mut self, topic: &str, payload: String, most: usize) -> Result<Answer, Failure> {
        if payload.len() > most {
            let why = format!("{} bytes, and AWS IoT takes {most} here", payload.len());
            return Ok(Box::pin(async { Err(NotTaken::ForGood(why)) }));
        }
        let bytes = topic.len() + payload.len();
        let answer = self.session.publish(topic, payload, false)?;
        self.used += match topic {
            _ if most == limits::SHADOW => Use::change(bytes),
            _ if topic.starts_with("$aws/rules/") => Use::rule(bytes),
            _ => Use::message(bytes),
        };
        Ok(Box::pin(async { timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(silent())) }))
    }

    /// Asks the shadow for a change, which is done when it says so.
    fn change(&mut self, shadow: &Topics, mut payload: String) -> Result<Answer, Failure> {
        self.number += 1;
        let token = shadow::number(&mut payload, self.number);
        let published = self.publish(&shadow.update(), payload, limits::SHADOW)?;
        let (answer, accepted) = oneshot::channel();
        self.asked = Some(Asked { token, answer });
        Ok(Box::pin(async {
            published.await?;
            match timeout(PATIENCE, accepted).await {
                Ok(answer) => answer.unwrap_or(Err(NotTaken::Ended)),
                Err(_) => Err(silent()),
            }
        }))
    }

    fn hear(&mut self, heard: Heard, settable: &Settable) {
        match heard {
            Heard::Accepted { token, version, ended } => {
                if let Some(token) = token {
                    self.names.cleared(&token, Ok(()));
                    self.answer(&token, Ok(()));
                }
                let new = self.wishes.end(version, &ended);
                self.came.extend(new.iter().map(|wish| self.wishes.arrival(settable, wish)));
            }
            Heard::Rejected { token, why } => {
                self.names.cleared(&token, Err(&why));
                self.answer(&token, Err(why));
            }
            Heard::Wished { version, state } => self.wish(version, state, settable),
            // Asked for once, when the connection began.
            Heard::Got(_) => {}
        }
    }

    fn wish(&mut self, version: u64, all: Map<String, Value>, settable: &Settable) {
        let new = self.wishes.stand(version, all);
        self.came.extend(new.iter().map(|wish| self.wishes.arrival(settable, wish)));
    }

    fn answer(&mut self, token: &str, answer: Result<(), NotTaken>) {
        if let Some(asked) = self.asked.take_if(|asked| asked.token == token) {
            // Nobody waits any more if the connection is ending.
            let _ = asked.answer.send(answer);
        }
    }
}

fn silent() -> NotTaken {
    NotTaken::Now("AWS IoT does not answer a message: is it over a limit?".to_owned())
}
