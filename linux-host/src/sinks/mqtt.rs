//! MQTT 5, QoS 1: a message is done when the broker has acknowledged it, which is the most that a client can promise.
//!
//! The journal is the outbox. So every connection is a new client with a clean start: whatever an old one had under
//! way is given up with it and sent again from the cursor, and no session on either side can lose it in silence.
//! Availability is a retained `online`, and `offline` as the last will and as the farewell.

pub mod address;
mod words;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnAck, Event, EventLoop, Incoming, LastWill, MqttOptions, NetworkOptions, PublishOptions,
    QoS, TlsConfiguration, Transport,
};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use self::address::Address;
use super::message::Message;
use super::tls::Tls;
use super::{Failure, Outcome, Sink};

/// Messages under way at once; a broker may lower it. Unset it costs the client 16 MB.
pub const WINDOW: u16 = 100;
/// A broker that is silent for longer is gone; a ping a minute costs nothing.
const KEEP_ALIVE_S: u16 = 30;
/// Requests that the client hands to the socket at once.
const BATCH: usize = 64;
/// For an answer to CONNECT, and for a farewell.
const PATIENCE: Duration = Duration::from_secs(1);
/// Of the topic, its length, the packet id and the properties, at the most.
const PUBLISH_HEAD: usize = 16;

/// Where to, as whom, and under which name. Files are read at each connection, so that a new password or certificate
/// needs no restart, and the password is nowhere for longer than that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The broker.
    pub address: Address,
    /// The user, if it wants one.
    pub username: Option<String>,
    /// Where the user's password is.
    pub password: Option<Password>,
    /// Both sides of TLS, if the address wants it.
    pub tls: Tls,
    /// Must be unique at the broker: a second client of this name throws the first one out.
    pub client_id: String,
    /// The retained `online` and `offline`.
    pub status_topic: String,
    /// At most so many under way, 1 to 1000.
    pub window: u16,
}

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl Password {
    async fn read(&self) -> Result<String, Failure> {
        match self {
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await.map_err(|error| {
                    Failure::refused(format!("cannot read the password from {}: {error}", path.display()))
                })?;
                Ok(text.lines().next().unwrap_or_default().to_owned())
            }
            Self::Variable(name) => std::env::var(name)
                .map_err(|_| Failure::refused(format!("the environment has no password in {name}"))),
        }
    }
}

/// The sink.
#[derive(Debug)]
pub struct Mqtt {
    settings: Settings,
    session: Option<Session>,
}

/// What the broker answered to a message, or why it did not.
type Answer = Pin<Box<dyn Future<Output = Result<(), NotTaken>> + Send>>;

/// Why a message was not taken.
enum NotTaken {
    /// The broker will never take it.
    ForGood(String),
    /// The broker cannot take it now.
    Now(String),
    /// The connection ended first; [`Session::end`] says why.
    Ended,
}

/// One connection.
struct Session {
    client: AsyncClient,
    /// Of the messages under way, oldest first. The broker answers in order.
    answers: VecDeque<Answer>,
    /// To the `online` of this connection.
    online: Option<Answer>,
    /// The refusal of the oldest message, while those before it are reported.
    refusal: Option<String>,
    /// Why the connection ended.
    end: oneshot::Receiver<Failure>,
    /// The broker's limit for a packet.
    largest: usize,
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

impl Mqtt {
    /// Does nothing yet.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, session: None }
    }
}

impl Settings {
    async fn options(&self) -> Result<MqttOptions, Failure> {
        let address = &self.address;
        let mut options = MqttOptions::new(self.client_id.clone(), (address.host.clone(), address.port));
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options
            .set_clean_start(true)
            .set_keep_alive(KEEP_ALIVE_S)
            .set_max_request_batch(BATCH)
            .set_outgoing_inflight_upper_limit(self.window)
            .set_network_options(network)
            .set_last_will(LastWill::new(self.status_topic.clone(), "offline", QoS::AtLeastOnce, true, None));
        match (&self.username, &self.password) {
            (Some(user), Some(password)) => {
                options.set_credentials(user.clone(), password.read().await?);
            }
            (Some(user), None) => {
                options.set_username(user.clone());
            }
            (None, Some(password)) => {
                options.set_password(password.read().await?);
            }
            (None, None) => {}
        }
        if address.tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(
                self.tls.config().await?,
            )));
        }
        Ok(options)
    }
}

impl Sink for Mqtt {
    async fn open(&mut self) -> Result<usize, Failure> {
        self.session = None;
        let (client, events) = AsyncClient::builder(self.settings.options().await?)
            // The window and availability, once each way: a request never finds the channel full.
            .capacity(usize::from(self.settings.window) + 2)
            .build();
        let (up, connected) = oneshot::channel();
        let (down, mut end) = oneshot::channel();
        let driver = Client(tokio::spawn(drive(events, self.settings.address.tls, up, down)).abort_handle());
        let Ok(connack) = connected.await else {
            return Err(end.try_recv().unwrap_or_else(|_| Failure::retry("the client stopped")));
        };
        let limits = connack.properties.as_ref();
        let window = limits.and_then(|p| p.receive_max).unwrap_or(u16::MAX).min(self.settings.window).max(1);
        let mut session = Session {
            client,
            answers: VecDeque::with_capacity(usize::from(window)),
            online: None,
            refusal: None,
            end,
            largest: limits.and_then(|p| p.max_packet_size).map_or(usize::MAX, |max| max as usize),
            _driver: driver,
        };
        session.online = Some(session.publish(&self.settings.status_topic, "online".into(), true)?);
        self.session = Some(session);
        Ok(usize::from(window))
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        let session = self.session.as_mut().ok_or_else(|| Failure::retry("not connected"))?;
        let answer = if message.topic.len() + message.payload.len() + PUBLISH_HEAD > session.largest {
            let why = format!("larger than the {} bytes that the broker takes", session.largest);
            Box::pin(async { Err(NotTaken::ForGood(why)) })
        } else {
            session.publish(&message.topic, message.payload, message.retain)?
        };
        session.answers.push_back(answer);
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        let Some(session) = &mut self.session else { return Err(Failure::retry("not connected")) };
        let outcome = poll_fn(|cx| session.poll_outcome(cx)).await;
        if outcome.is_err() {
            self.session = None;
        }
        outcome
    }

    fn keeps_states(&self) -> bool {
        true
    }

    async fn close(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        // With the window full there is no room for it; then the last will says it, as nobody disconnects.
        let farewell = session.publish(&self.settings.status_topic, "offline".into(), true);
        if session.client.try_disconnect_with_timeout(PATIENCE).is_ok() && farewell.is_ok() {
            let _ = tokio::time::timeout(PATIENCE, &mut session.end).await;
        }
    }
}

impl Session {
    fn publish(&self, topic: &str, payload: String, retain: bool) -> Result<Answer, Failure> {
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain);
        let notice = self
            .client
            .try_publish_tracked(topic, payload, options)
            .map_err(|_| Failure::retry("the client takes nothing more"))?;
        Ok(Box::pin(async { notice.wait_completion_async().await.map_err(words::of_publish) }))
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<Outcome, Failure>> {
        if let Some(why) = self.refusal.take() {
            return Poll::Ready(Ok(Outcome::Refused(why)));
        }
        if let Some(Poll::Ready(answer)) = self.online.as_mut().map(|online| online.as_mut().poll(cx)) {
            self.online = None;
            if let Err(NotTaken::ForGood(why)) = answer {
                tracing::warn!("the broker takes no availability message: {why}");
            }
        }
        let mut done = 0;
        while let Some(Poll::Ready(answer)) = self.answers.front_mut().map(|front| front.as_mut().poll(cx)) {
            self.answers.pop_front();
            match answer {
                Ok(()) => done += 1,
                Err(NotTaken::ForGood(why)) if done == 0 => return Poll::Ready(Ok(Outcome::Refused(why))),
                Err(NotTaken::ForGood(why)) => {
                    self.refusal = Some(why);
                    break;
                }
                Err(NotTaken::Now(why)) if done == 0 => return Poll::Ready(Err(Failure::retry(why))),
                Err(NotTaken::Now(_) | NotTaken::Ended) => break,
            }
        }
        if done > 0 {
            return Poll::Ready(Ok(Outcome::Done(done)));
        }
        Pin::new(&mut self.end)
            .poll(cx)
            .map(|end| Err(end.unwrap_or_else(|_| Failure::retry("the client stopped"))))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} under way)", self.answers.len())
    }
}

/// Runs the client until its connection ends. A task of its own, as the loop loses data when it is dropped midway.
async fn drive(
    mut events: EventLoop,
    tls: bool,
    up: oneshot::Sender<ConnAck>,
    down: oneshot::Sender<Failure>,
) {
    let mut up = Some(up);
    let failure = loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::ConnAck(connack))) => {
                if let Some(up) = up.take() {
                    // If nobody waits any more, the session is gone and this task with it.
                    let _ = up.send(connack);
                }
            }
            Ok(_) => {}
            Err(error) => break words::of_connection(&error, tls, up.is_none()),
        }
    };
    // Before the loop and with it all answers are dropped: they look here for the reason.
    let _ = down.send(failure);
}
