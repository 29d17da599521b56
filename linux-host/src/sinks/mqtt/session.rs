//! One connection to a broker: what goes out over it and what became of that, what comes in, and why it ended.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rumqttc::mqttbytes::v5::{RetainForwardRule, SubscribeFilter, SubscribeReasonCode};
use rumqttc::{AsyncClient, ConnAck, Event, EventLoop, Incoming, Publish, PublishOptions, QoS};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::answers::{Answer, Answers, NotTaken};
use super::away;
use super::connect::Settings;
use super::words;
use crate::sinks::{Failure, Outcome};

/// For a farewell.
const PATIENCE: Duration = Duration::from_secs(1);
/// Of the topic, its length, the packet id and the properties, at the most.
const PUBLISH_HEAD: usize = 16;
/// Beside what the window takes: availability, once each way, subscriptions and requests. A request never finds the
/// channel full.
const REQUESTS: usize = 8;
/// Messages that came in and wait to be read.
const INBOX: usize = 1024;

/// What the broker answered to a subscription, once it has: a code for each topic, none if the connection ended first.
pub(in crate::sinks) type Subscribed = Pin<Box<dyn Future<Output = Vec<SubscribeReasonCode>> + Send>>;

/// So many messages that came in found no room, as nobody read them fast enough.
#[derive(Debug)]
pub(in crate::sinks) struct Lost(pub(in crate::sinks) u64);

/// One connection.
pub(in crate::sinks) struct Session {
    client: AsyncClient,
    answers: Answers,
    inbox: mpsc::Receiver<Publish>,
    lost: Arc<AtomicU64>,
    /// Why the connection ended.
    end: oneshot::Receiver<Failure>,
    /// The broker's limit for a packet.
    largest: usize,
    /// Messages that may be under way.
    pub(in crate::sinks) window: usize,
    /// Held for its end.
    _driver: Client,
}

/// The client's loop, which must not run on without whoever reads its answers.
struct Client(AbortHandle);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    /// Connects, as a new client each time; what the broker has kept for it meanwhile comes in first.
    ///
    /// # Errors
    /// Why it could not.
    pub(in crate::sinks) async fn open(settings: &Settings) -> Result<Self, Failure> {
        let (client, events) = AsyncClient::builder(settings.options().await?)
            .capacity(usize::from(settings.window) + REQUESTS)
            .build();
        let (up, connected) = oneshot::channel();
        let (down, mut end) = oneshot::channel();
        let (received, inbox) = mpsc::channel(INBOX);
        let lost = Arc::<AtomicU64>::default();
        let ways = Ways { up: Some(up), received, lost: Arc::clone(&lost), down };
        let driver = Client(tokio::spawn(drive(events, settings.address.tls, ways)).abort_handle());
        let Ok(connack) = connected.await else {
            return Err(end.try_recv().unwrap_or_else(|_| stopped()));
        };
        let limits = connack.properties.as_ref();
        let window = limits.and_then(|p| p.receive_max).unwrap_or(u16::MAX).min(settings.window).max(1);
        Ok(Self {
            client,
            answers: Answers::with_capacity(usize::from(window)),
            inbox,
            lost,
            end,
            largest: limits.and_then(|p| p.max_packet_size).map_or(usize::MAX, |max| max as usize),
            window: usize::from(window),
            _driver: driver,
        })
    }

    /// The largest payload that the broker takes under a topic.
    pub(in crate::sinks) fn largest(&self, topic: &str) -> usize {
        self.largest.saturating_sub(topic.len() + PUBLISH_HEAD)
    }

    /// Publishes; what becomes of it is the caller's business.
    ///
    /// # Errors
    /// The connection is gone.
    pub(in crate::sinks) fn publish(
        &self,
        topic: &str,
        payload: String,
        retain: bool,
    ) -> Result<Answer, Failure> {
        if payload.len() > self.largest(topic) {
            let why = format!("larger than the {} bytes that the broker takes", self.largest);
            return Ok(Box::pin(async { Err(NotTaken::ForGood(why)) }));
        }
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain);
        let notice = self
            .client
            .try_publish_tracked(topic, payload, options)
            .map_err(|_| Failure::retry("the MQTT client accepts no more messages"))?;
        Ok(Box::pin(async { notice.wait_completion_async().await.map_err(words::of_publish) }))
    }

    /// Subscribes, in one request: the answer tells whether the broker allows all of it.
    ///
    /// QoS 0 is one answer less for each message, and on one connection nothing of it is lost.
    ///
    /// # Errors
    /// The connection is gone.
    pub(in crate::sinks) fn subscribe(&self, filters: &[String], qos: QoS) -> Result<Answer, Failure> {
        let filters = filters.iter().map(|filter| SubscribeFilter::new(filter.clone(), qos));
        let notice = self
            .client
            .try_subscribe_many_tracked(filters)
            .map_err(|_| Failure::retry("the MQTT client accepts no more messages"))?;
        Ok(Box::pin(async { notice.wait_completion_async().await.map_err(words::of_subscribe) }))
    }

    /// Subscribes to what others say from now on, and to what is kept for whoever comes later if that is wanted; each
    /// topic for itself: the answer tells which of them the broker allows.
    ///
    /// # Errors
    /// The connection is gone, or a filter is none.
    pub(in crate::sinks) fn listen(
        &self,
        filters: &[String],
        retain_forward_rule: RetainForwardRule,
    ) -> Result<Subscribed, Failure> {
        let asked = filters.iter().map(|filter| SubscribeFilter {
            nolocal: true,
            retain_forward_rule: retain_forward_rule.clone(),
            ..SubscribeFilter::new(filter, QoS::AtLeastOnce)
        });
        let notice = self.client.try_subscribe_many_tracked(asked).map_err(|error| {
            Failure::refused(format!("cannot listen: {error}: see `listen` and `topics`"))
        })?;
        Ok(Box::pin(async {
            notice.wait_async().await.map(|answer| answer.return_codes).unwrap_or_default()
        }))
    }

    /// A message of the driver's is under way; [`poll_outcome`](Self::poll_outcome) tells what became of it.
    pub(in crate::sinks) fn expect(&mut self, answer: Answer) {
        self.answers.expect(answer);
    }

    /// What became of the oldest messages; `Pending` for ever if there are none, unless the connection ends.
    pub(in crate::sinks) fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<Outcome, Failure>> {
        match self.answers.poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => self.poll_end(cx).map(Err),
        }
    }

    /// The next message that came in, or how many could not; `Pending` for ever once the connection has ended.
    pub(in crate::sinks) fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Result<Publish, Lost>> {
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => {}
            lost => return Poll::Ready(Err(Lost(lost))),
        }
        match self.inbox.poll_recv(cx) {
            Poll::Ready(Some(publish)) => Poll::Ready(Ok(publish)),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// The answer to something, if the connection lives to see it.
    ///
    /// # Errors
    /// It does not, or what was asked is refused: why.
    pub(in crate::sinks) async fn wait(&mut self, mut answer: Answer) -> Result<(), Failure> {
        poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(NotTaken::ForGood(why))) => Poll::Ready(Err(Failure::refused(why))),
            Poll::Ready(Err(NotTaken::Now(why) | NotTaken::TooMuch(why))) => {
                Poll::Ready(Err(Failure::retry(why)))
            }
            Poll::Ready(Err(NotTaken::Ended)) | Poll::Pending => self.poll_end(cx).map(Err),
        })
        .await
    }

    /// Why the connection ended, once it has.
    pub(in crate::sinks) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        Pin::new(&mut self.end).poll(cx).map(|end| end.unwrap_or_else(|_| stopped()))
    }

    /// Takes leave, with a last message if there is room for one.
    pub(in crate::sinks) async fn leave(mut self, farewell: Option<(&str, &str)>) {
        // With the window full there is no room for it; then the last will says it, as nobody disconnects.
        let said = farewell.is_none_or(|(topic, word)| self.publish(topic, word.into(), true).is_ok());
        if self.client.try_disconnect_with_timeout(PATIENCE).is_ok() && said {
            let _ = tokio::time::timeout(PATIENCE, &mut self.end).await;
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} under way)", self.answers.len())
    }
}

fn stopped() -> Failure {
    Failure::retry("the client stopped")
}

/// From the client's loop to the session.
struct Ways {
    up: Option<oneshot::Sender<ConnAck>>,
    received: mpsc::Sender<Publish>,
    lost: Arc<AtomicU64>,
    down: oneshot::Sender<Failure>,
}

/// Runs the client until its connection ends. A task of its own, as the loop loses data when it is dropped midway.
async fn drive(mut events: EventLoop, tls: bool, mut ways: Ways) {
    let failure = loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::ConnAck(connack))) => {
                away::save_nothing(&mut events.options);
                if let Some(up) = ways.up.take() {
                    // If nobody waits any more, the session is gone and this task with it.
                    let _ = up.send(connack);
                }
            }
            Ok(Event::Incoming(Incoming::Publish(publish))) => {
                // Nothing is dropped in silence: whoever reads is told how many there were.
                if ways.received.try_send(publish).is_err() {
                    ways.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(_) => {}
            Err(error) => break words::of_connection(&error, tls, ways.up.is_none()),
        }
    };
    // Before the loop and with it all answers are dropped: they look here for the reason.
    let _ = ways.down.send(failure);
}
