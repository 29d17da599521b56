//! One message through a sink, step by step: for a person who wants to know whether it works, or where it does not.
//!
//! What a sink does in one go, [`Sink::open`], is preceded by a look at its [`Endpoint`]: the name, the way there and
//! TLS each by itself, on a connection that is given up again. So every kind has its steps told without a word of its
//! own.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use campanile_core::decision::{Decision, Values};
use campanile_core::id::TemplateId;
use campanile_core::record::Record;
use campanile_core::time::Duration as Span;
use campanile_delivery::symbols::{Part, Symbols};
use campanile_delivery::{Position, Wall, symbols};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion};
use tokio::time::{Instant, timeout};

use super::endpoint::Endpoint;
use super::message::{Message, Stamp};
use super::render::Form;
use super::tls;
use super::{Failure, Outcome, Sink};

/// What the message is called: the end of its topic.
pub const MESSAGE: &str = "test";
const TEXT: &str = "A test of this sink: nothing happened";

/// For each step: a person waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a trial goes through; without an [`Endpoint`] the first three are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The receiver's name has an address.
    Resolved,
    /// Somebody listens there.
    Connected,
    /// It is who it should be.
    Secured,
    /// What is to come in could.
    Followed,
    /// It lets this sink in.
    Opened,
    /// The message is on its way.
    Published,
    /// The receiver has it, for good.
    Acknowledged,
}

impl Step {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Connected => "connected",
            Self::Secured => "secured",
            Self::Followed => "followed",
            Self::Opened => "opened",
            Self::Published => "published",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// Told of each step when it is over: how long it took, and what there is to say of it, or what is wrong and what to
/// do.
pub type Say<'a> = dyn FnMut(Step, Duration, Result<&str, &str>) + 'a;

/// How to try.
pub struct Trial<'a> {
    /// The time of day.
    pub wall: Wall,
    /// A daemon has this sink at work: the trial shows the receiver another name, and says nothing of the node's coming
    /// and going.
    pub beside: bool,
    /// Told of each step.
    pub say: &'a mut Say<'a>,
}

impl Trial<'_> {
    /// Through a sink that was not used before.
    pub(super) async fn through<K: Sink>(mut self, sink: &mut K, mut form: Form, node: &str) -> bool {
        if self.beside {
            sink.stand_aside();
        }
        let Some(message) = self.message(&mut form, node) else {
            (self.say)(Step::Published, Duration::ZERO, Err("this sink takes no messages of scenarios"));
            return false;
        };
        let reached = match sink.endpoint().await {
            Ok(Some(endpoint)) => self.reach(&endpoint).await.is_some(),
            Ok(None) => true,
            Err(failure) => {
                (self.say)(Step::Opened, Duration::ZERO, Err(&failure.why));
                false
            }
        };
        // One way may work without the other.
        let follows = reached && self.listen(sink).await;
        let arrived = reached && self.deliver(sink, message).await.is_some();
        sink.close().await;
        arrived && follows
    }

    fn message(&self, form: &mut Form, node: &str) -> Option<Message> {
        let mut names = Symbols::new(node);
        let text = Some(vec![Part::Text(TEXT.to_owned())]);
        names.messages = vec![symbols::Message { name: MESSAGE.into(), values: vec![], text, data: vec![] }];
        let send =
            Decision::Send { template: TemplateId(0), values: Values::default(), onset_ago: Span::ZERO };
        let at = self.wall.at;
        let stamp = Stamp { position: Position::START, at, wall: Some(self.wall) };
        form.trial(stamp, &Record::Decision(send), &names)
    }

    /// Name, way and TLS, each by itself.
    async fn reach(&mut self, endpoint: &Endpoint) -> Option<()> {
        let Endpoint { host, port, tls } = endpoint;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let addresses = self
            .step(
                Step::Resolved,
                async {
                    let found = tokio::net::lookup_host((host.as_str(), *port)).await;
                    let found: Vec<_> = found.map(Iterator::collect).unwrap_or_default();
                    if found.is_empty() {
                        return Err(Failure::retry(format!(
                            "nobody knows an address of {host}: is the name right, and is there a network?"
                        )));
                    }
                    Ok(found)
                },
                |found| {
                    let mut known: Vec<_> = found.iter().map(|address| address.ip().to_string()).collect();
                    known.dedup();
                    known.join(", ")
                },
            )
            .await?;
        let connected =
            self.step(Step::Connected, connect(addresses, &host), |(_, address)| address.to_string());
        let (stream, _) = connected.await?;
        if let Some(tls) = tls {
            let shaken = async {
                let config = tls.config().await?;
                let done = tokio::task::spawn_blocking(move || handshake(stream, config, &host)).await;
                done.map_err(|_| Failure::retry("TLS broke down"))?
            };
            self.step(Step::Secured, shaken, Clone::clone).await?;
        }
        Some(())
    }

    /// Whether what is to come in could, where anything is.
    async fn listen<K: Sink>(&mut self, sink: &mut K) -> bool {
        let (took, listened) = within_patience(sink.listen()).await;
        match listened {
            Ok(None) => true,
            Ok(Some(words)) => {
                (self.say)(Step::Followed, took, Ok(&words));
                true
            }
            Err(failure) => {
                (self.say)(Step::Followed, took, Err(&failure.why));
                false
            }
        }
    }

    /// As the driver does it.
    async fn deliver<K: Sink>(&mut self, sink: &mut K, message: Message) -> Option<()> {
        let opened = async {
            let window = sink.open().await?;
            Ok(sink.remark().unwrap_or_else(|| match window {
                1 => "one message at a time".to_owned(),
                n => format!("{n} messages at once"),
            }))
        };
        self.step(Step::Opened, opened, Clone::clone).await?;
        let bytes = message.payload.len();
        // Where there is more to say of a receiver, it knows nothing of topics.
        let sent = if message.topic.is_empty() || sink.remark().is_some() {
            format!("a message of {bytes} bytes")
        } else {
            format!("{}, {bytes} bytes", message.topic)
        };
        self.step(Step::Published, async { sink.send(message).and_then(|()| sink.flush()) }, move |()| sent)
            .await?;
        let answered = async {
            loop {
                match sink.outcome().await? {
                    Outcome::Done(_) => return Ok(sink.remark()),
                    Outcome::Refused(why) => return Err(Failure::refused(why)),
                    // It is for a daemon, and no trial's.
                    Outcome::Came(_) => {}
                }
            }
        };
        let words = |remark: &Option<String>| remark.clone().unwrap_or_else(|| "it is there".to_owned());
        self.step(Step::Acknowledged, answered, words).await.map(|_| ())
    }

    /// One step: its result, told.
    async fn step<T>(
        &mut self,
        step: Step,
        work: impl Future<Output = Result<T, Failure>>,
        words: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let (took, done) = within_patience(work).await;
        match done {
            Ok(value) => {
                (self.say)(step, took, Ok(&words(&value)));
                Some(value)
            }
            Err(failure) => {
                (self.say)(step, took, Err(&failure.why));
                None
            }
        }
    }
}

/// How long something took, and its result.
async fn within_patience<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> (Duration, Result<T, Failure>) {
    let began = Instant::now();
    let done = timeout(PATIENCE, work).await;
    let done =
        done.unwrap_or_else(|_| Err(Failure::retry(format!("no answer within {} s", PATIENCE.as_secs()))));
    (began.elapsed(), done)
}

/// To the first address at which somebody listens.
async fn connect(addresses: Vec<SocketAddr>, host: &str) -> Result<(TcpStream, SocketAddr), Failure> {
    let mut last = None;
    for address in addresses {
        match tokio::net::TcpStream::connect(address).await {
            Ok(stream) => {
                let stream = stream.into_std().map_err(|error| Failure::retry(error.to_string()))?;
                return Ok((stream, address));
            }
            Err(error) => last = Some((address, error)),
        }
    }
    let Some((address, error)) = last else { return Err(Failure::retry(format!("{host} has no address"))) };
    Err(Failure::retry(match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("nobody listens at {address}: is the receiver up, and is this its port?")
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            format!("no way to {address}: is this machine's network up?")
        }
        _ => format!("{address}: {error}"),
    }))
}

/// The handshake alone; what was agreed upon.
fn handshake(mut stream: TcpStream, config: Arc<ClientConfig>, host: &str) -> Result<String, Failure> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::refused(format!("{host} is not a valid name for a certificate")))?;
    let mut connection = ClientConnection::new(config, name).map_err(|error| tls::words::of(&error))?;
    let prepared = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    prepared.map_err(|error| Failure::retry(error.to_string()))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| match tls::words::find(&error) {
            Some(reason) => tls::words::of(reason),
            None => Failure::retry(format!(
                "the receiver hung up during the handshake ({error}): is this its port for TLS?"
            )),
        })?;
    }
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS 1.3",
    };
    let protocol = connection.alpn_protocol().map(String::from_utf8_lossy);
    let protocol = protocol.map(|name| format!(", protocol {name}")).unwrap_or_default();
    Ok(format!("{version}{protocol}, the certificate is {host}'s"))
}
