//! AWS IoT Core: MQTT 5 with a certificate for everybody, its limits kept, and a device shadow.
//!
//! States go into the thing's shadow, where applications find them while the node is away; a change is done when the
//! shadow has accepted it, which says more than the acknowledgement of the message. What they desire there comes in as
//! commands, also what they desired meanwhile. What happens once goes to plain topics, or by Basic Ingest straight to a
//! rule. The shadow forgets nothing, so nothing is told twice unless somebody deleted it; whether the node is there AWS
//! itself tells (`$aws/events/presence`), without a message of ours.

pub mod limits;
mod meter;
pub mod price;
pub(in crate::sinks) mod shadow;
pub mod wishes;

use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;
use rumqttc::QoS;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use self::limits::Pace;
use self::meter::Meter;
use self::price::Use;
use self::shadow::{Document, Heard, Topics};
use self::wishes::{Settable, Wishes};
use super::arrival::Arrival;
use super::batch::Carrier;
use super::message::Message;
use super::mqtt::Settings;
use super::mqtt::answers::{Answer, NotTaken};
use super::mqtt::session::Session;
use super::trial::Endpoint;
use super::{Failure, Outcome, Sink};

/// For an acknowledgement and a shadow's answer: a message over a limit gets none.
const PATIENCE: Duration = Duration::from_secs(20);

/// The sink.
#[derive(Debug)]
pub struct AwsIot {
    settings: Settings,
    /// The shadow that states go into; without one they go to their topics.
    shadow: Option<Topics>,
    /// What others may desire there.
    settable: Settable,
    /// All that may stand there.
    names: BTreeSet<String>,
    /// A daemon has this sink at work.
    aside: bool,
    /// There was no shadow when this connection began.
    anew: bool,
    /// The last attempt to connect.
    tried: Option<Instant>,
    up: Option<Up>,
    meter: Meter,
}

/// One connection.
#[derive(Debug)]
struct Up {
    session: Session,
    pace: Pace,
    /// Taken over, and not sent yet.
    waiting: VecDeque<Message>,
    /// The change that the shadow has not answered. One at a time: it may put one off, and what is behind that must not
    /// come before it.
    asked: Option<Asked>,
    /// Of changes sent so far.
    number: u64,
    wishes: Wishes,
    /// Wishes that the driver has not taken yet.
    came: VecDeque<Arrival>,
    /// What is metered, as far as the meter has not got it yet.
    used: Use,
}

/// A change that the shadow was asked for.
#[derive(Debug)]
struct Asked {
    token: String,
    answer: oneshot::Sender<Result<(), NotTaken>>,
}

impl AwsIot {
    /// Does nothing yet. With `thing`, states go into its shadow, and what is settable can be desired there. What it
    /// reports is of these names, and what is reported of others is taken out.
    pub fn new(settings: Settings, thing: Option<&str>, settable: Settable, names: BTreeSet<String>) -> Self {
        Self {
            settings,
            shadow: thing.map(Topics::new),
            settable,
            names,
            aside: false,
            anew: false,
            tried: None,
            up: None,
            meter: Meter::default(),
        }
    }
}

impl Sink for AwsIot {
    async fn open(&mut self) -> Result<usize, Failure> {
        self.end();
        if self.aside {
            return Err(Failure::refused(
                "not tried further: AWS IoT lets a thing connect once, and would throw the daemon out for this; \
                 `campanile status` tells how that is doing, and with the daemon stopped this goes to its end",
            ));
        }
        match self.tried {
            Some(tried) => sleep_until(tried + limits::RECONNECT).await,
            None => self.say_price(),
        }
        self.tried = Some(Instant::now());
        let session = Session::open(&self.settings).await?;
        let window = session.window;
        let mut up = Up {
            session,
            pace: Pace::default(),
            waiting: VecDeque::new(),
            asked: None,
            number: 0,
            wishes: Wishes::default(),
            came: VecDeque::new(),
            used: Use::connection(self.shadow.is_some()),
        };
        self.anew = match &self.shadow {
            Some(shadow) => {
                timeout(PATIENCE, up.meet(shadow, &self.settable, &self.names)).await.unwrap_or_else(
                    |_| Err(Failure::retry("AWS IoT does not answer when it is asked for the device shadow")),
                )?
            }
            None => false,
        };
        self.meter.connect();
        self.up = Some(up);
        self.count();
        Ok(window)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        let up = self.up.as_mut().ok_or_else(|| Failure::retry("not connected"))?;
        up.waiting.push_back(message);
        let released = up.release(self.shadow.as_ref()).map(drop);
        self.count();
        released
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        let Some(up) = &mut self.up else { return Err(Failure::retry("not connected")) };
        let outcome = up.outcome(self.shadow.as_ref(), &self.settable).await;
        self.count();
        if outcome.is_err() {
            self.end();
        }
        outcome
    }

    fn used(&self) -> Option<Use> {
        Some(self.meter.used())
    }

    async fn endpoint(&mut self) -> Result<Option<Endpoint>, Failure> {
        Ok(Some(self.settings.endpoint()))
    }

    fn stand_aside(&mut self) {
        // Another name would not help: the certificate's policy is for that of the thing.
        self.aside = true;
    }

    fn keeps_states(&self) -> bool {
        self.anew
    }

    async fn close(&mut self) {
        self.count();
        self.meter.disconnect();
        if let Some(Up { session, .. }) = self.up.take() {
            session.leave(None).await;
        }
    }
}

impl Carrier for AwsIot {
    fn largest(&self, topic: &str) -> usize {
        self.up.as_ref().map_or(usize::MAX, |up| up.session.largest(topic)).min(limits::PAYLOAD)
    }

    /// A shadow takes one change at a time, and says of each what became of it.
    fn goes_alone(&self, message: &Message) -> bool {
        self.shadow.is_some() && message.kind.is_state()
    }

    /// Nothing is retained there.
    fn keeps_topics(&self) -> bool {
        false
    }
}

impl AwsIot {
    fn end(&mut self) {
        self.count();
        self.meter.disconnect();
        self.up = None;
    }

    fn count(&mut self) {
        if let Some(up) = &mut self.up {
            self.meter.add(std::mem::take(&mut up.used), Timestamp::now());
        }
    }

    /// What is known of the price before anything happens.
    fn say_price(&self) {
        let month = Use { minutes: 30 * 24 * 60, ..Use::connection(self.shadow.is_some()) };
        let change = if self.shadow.is_some() { Use::change(1) } else { Use::message(1) };
        tracing::info!(
            "thing {}: about {} a month to be connected and {} for each thousand changes; `campanile cost` counts those of \
             the journal",
            self.settings.client_id,
            month.price(),
            change.scaled(1_000, 1).price(),
        );
    }
}

impl Up {
    /// Listens to the shadow, and asks what is desired there by now; whether there is none yet.
    async fn meet(
        &mut self,
        shadow: &Topics,
        settable: &Settable,
        names: &BTreeSet<String>,
    ) -> Result<bool, Failure> {
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
                    self.clear(shadow, &reported, names)?;
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
    fn clear(
        &mut self,
        shadow: &Topics,
        reported: &[String],
        names: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        // Without a program nobody knows what there is: a trial takes nothing out.
        if names.is_empty() {
            return Ok(());
        }
        let gone: Vec<_> =
            reported.iter().map(String::as_str).filter(|name| !names.contains(*name)).collect();
        if gone.is_empty() || self.pace.take(2, Instant::now()).is_err() {
            return Ok(());
        }
        tracing::info!("the device shadow is rid of what the house has no more: {}", gone.join(", "));
        let mut payload = shadow::clear(&gone);
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

    async fn outcome(&mut self, shadow: Option<&Topics>, settable: &Settable) -> Result<Outcome, Failure> {
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
    fn release(&mut self, shadow: Option<&Topics>) -> Result<Option<Instant>, Failure> {
        while let Some(message) = self.waiting.front() {
            let shadow = shadow.filter(|_| message.kind.is_state());
            // Nobody waits for the answer to one that was refused on the way to the shadow.
            if shadow.is_some() && self.asked.as_ref().is_some_and(|asked| !asked.answer.is_closed()) {
                break;
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
                    self.answer(&token, Ok(()));
                }
                let new = self.wishes.end(version, &ended);
                self.came.extend(new.iter().map(|wish| self.wishes.arrival(settable, wish)));
            }
            Heard::Rejected { token, why } => {
                if token.starts_with(shadow::CLEAR) {
                    tracing::warn!("what the house has no more stays in the device shadow: {why:?}");
                }
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
