//! AWS IoT Core: MQTT 5 with a certificate for everybody, its limits kept, and a device shadow.
//!
//! States go into the thing's shadow, where applications find them while the node is away; a change is done when the
//! shadow has accepted it, which says more than the acknowledgement of the message. What they desire there comes in as
//! commands, also what they desired meanwhile. What happens once goes to plain topics, or by Basic Ingest straight to a
//! rule. The shadow forgets nothing, so nothing is told twice unless somebody deleted it; whether the node is there AWS
//! itself tells (`$aws/events/presence`), without a message of ours.

mod connection;
pub mod limits;
mod meter;
mod names;
pub mod price;
pub(in crate::sinks) mod shadow;
pub mod wishes;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until, timeout};

use self::connection::{PATIENCE, Up};
use self::meter::Meter;
use self::names::Names;
use self::price::Use;
use self::shadow::Topics;
use self::wishes::Settable;
use super::batch::Carrier;
use super::endpoint::Endpoint;
use super::message::Message;
use super::mqtt::Settings;
use super::mqtt::session::Session;
use super::{Failure, Outcome, Sink};

/// The sink.
#[derive(Debug)]
pub struct AwsIot {
    settings: Settings,
    /// The shadow that states go into; without one they go to their topics.
    shadow: Option<Topics>,
    /// What others may desire there.
    settable: Settable,
    /// All that may stand there.
    names: Arc<BTreeSet<String>>,
    /// A daemon has this sink at work.
    aside: bool,
    /// There was no shadow when this connection began.
    anew: bool,
    /// The last attempt to connect.
    tried: Option<Instant>,
    /// AWS has answered something over the last connection.
    worked: bool,
    up: Option<Up>,
    meter: Meter,
}

impl AwsIot {
    /// Does nothing yet. With `thing`, states go into its shadow, and what is settable can be desired there. What it
    /// reports is of these names, also out of records of an earlier program, and what is reported of others is taken out.
    pub fn new(settings: Settings, thing: Option<&str>, settable: Settable, names: BTreeSet<String>) -> Self {
        Self {
            settings,
            shadow: thing.map(Topics::new),
            settable,
            names: Arc::new(names),
            aside: false,
            anew: false,
            tried: None,
            worked: false,
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
        let mut up = Up::new(session, Names::new(&self.names), self.shadow.is_some());
        self.anew = match &self.shadow {
            Some(shadow) => {
                timeout(PATIENCE, up.meet(shadow, &self.settable)).await.unwrap_or_else(|_| {
                    Err(Failure::retry("AWS IoT does not answer when it is asked for the device shadow"))
                })?
            }
            None => false,
        };
        // For the shadow it had to.
        self.worked = self.shadow.is_some();
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
        self.worked |= matches!(outcome, Ok(Outcome::Done(_) | Outcome::Refused(_)));
        self.count();
        if outcome.is_err() {
            self.end();
        }
        outcome
    }

    fn worked(&self) -> bool {
        self.worked
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
