//! AWS IoT Core: MQTT 5 with a certificate for everybody, its limits kept, and a device shadow.
//!
//! States go into the thing's shadow, where applications find them while the node is away; a change is done when the
//! shadow has accepted it, which says more than the acknowledgement of the message. What happens once goes to plain topics,
//! or by Basic Ingest straight to a rule. The shadow forgets nothing, so nothing is told twice; whether the node is
//! there AWS itself tells (`$aws/events/presence`), without a message of ours.

pub mod limits;
pub(in crate::sinks) mod shadow;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use rumqttc::QoS;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use self::limits::Pace;
use self::shadow::{Heard, Topics};
use super::message::Message;
use super::mqtt::Settings;
use super::mqtt::session::{Answer, NotTaken, Session};
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
    /// The last attempt to connect.
    tried: Option<Instant>,
    up: Option<Up>,
}

/// One connection.
#[derive(Debug)]
struct Up {
    session: Session,
    pace: Pace,
    /// Taken over, and not sent yet.
    waiting: VecDeque<Message>,
    /// Changes that the shadow has not answered, oldest first.
    asked: VecDeque<Asked>,
    /// Of changes sent so far.
    number: u64,
}

/// A change that the shadow was asked for.
#[derive(Debug)]
struct Asked {
    token: String,
    answer: oneshot::Sender<Result<(), NotTaken>>,
}

impl AwsIot {
    /// Does nothing yet. With `thing`, states go into its shadow.
    pub fn new(settings: Settings, thing: Option<&str>) -> Self {
        Self { settings, shadow: thing.map(Topics::new), tried: None, up: None }
    }
}

impl Sink for AwsIot {
    async fn open(&mut self) -> Result<usize, Failure> {
        self.up = None;
        if let Some(tried) = self.tried {
            sleep_until(tried + limits::RECONNECT).await;
        }
        self.tried = Some(Instant::now());
        let mut session = Session::open(&self.settings).await?;
        if let Some(shadow) = &self.shadow {
            // QoS 0: an acknowledgement from here would cost as much as a message.
            let answer = session.subscribe(&shadow.answers(), QoS::AtMostOnce)?;
            let heard = timeout(PATIENCE, session.wait(answer)).await;
            heard.unwrap_or_else(|_| Err(Failure::retry("AWS IoT does not answer a subscription"))).map_err(
                |failure| Failure {
                    why: format!(
                        "{}: the certificate's policy has to allow iot:Subscribe and iot:Receive for the thing's shadow",
                        failure.why
                    ),
                    ..failure
                },
            )?;
        }
        let window = session.window;
        let (waiting, asked) = (VecDeque::new(), VecDeque::new());
        self.up = Some(Up { session, pace: Pace::default(), waiting, asked, number: 0 });
        Ok(window)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        let up = self.up.as_mut().ok_or_else(|| Failure::retry("not connected"))?;
        up.waiting.push_back(message);
        up.release(self.shadow.as_ref()).map(drop)
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        let Some(up) = &mut self.up else { return Err(Failure::retry("not connected")) };
        let outcome = up.outcome(self.shadow.as_ref()).await;
        if outcome.is_err() {
            self.up = None;
        }
        outcome
    }

    fn endpoint(&self) -> Option<Endpoint> {
        Some(self.settings.endpoint())
    }

    fn stand_aside(&mut self) {
        self.settings.stand_aside();
    }

    async fn close(&mut self) {
        if let Some(Up { session, .. }) = self.up.take() {
            session.leave(None).await;
        }
    }
}

impl Up {
    async fn outcome(&mut self, shadow: Option<&Topics>) -> Result<Outcome, Failure> {
        loop {
            let next = self.release(shadow)?;
            let mut released = pin!(sleep_until(next.unwrap_or_else(Instant::now)));
            // What the shadow says comes first: it may be what a message waits for.
            let outcome = poll_fn(|cx| {
                while let Poll::Ready(received) = self.session.poll_received(cx) {
                    let Ok(publish) = received else {
                        // The next connection asks anew.
                        let why = "more messages came in at once than could be read";
                        return Poll::Ready(Some(Err(Failure::retry(why))));
                    };
                    let topic = String::from_utf8_lossy(&publish.topic);
                    if let Some(heard) = shadow.and_then(|shadow| shadow.read(&topic, &publish.payload)) {
                        self.hear(heard);
                    }
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
        self.asked.retain(|asked| !asked.answer.is_closed());
        while let Some(message) = self.waiting.front() {
            let shadow = shadow.filter(|_| message.kind.is_state());
            if shadow.is_some() && self.asked.len() >= limits::SHADOW_IN_FLIGHT {
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

    fn publish(&self, topic: &str, payload: String, most: usize) -> Result<Answer, Failure> {
        if payload.len() > most {
            let why = format!("{} bytes, and AWS IoT takes {most} here", payload.len());
            return Ok(Box::pin(async { Err(NotTaken::ForGood(why)) }));
        }
        let answer = self.session.publish(topic, payload, false)?;
        Ok(Box::pin(async { timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(silent())) }))
    }

    /// Asks the shadow for a change, which is done when it says so.
    fn change(&mut self, shadow: &Topics, mut payload: String) -> Result<Answer, Failure> {
        self.number += 1;
        let token = shadow::number(&mut payload, self.number);
        let published = self.publish(&shadow.update(), payload, limits::SHADOW)?;
        let (answer, accepted) = oneshot::channel();
        self.asked.push_back(Asked { token, answer });
        Ok(Box::pin(async {
            published.await?;
            match timeout(PATIENCE, accepted).await {
                Ok(answer) => answer.unwrap_or(Err(NotTaken::Ended)),
                Err(_) => Err(silent()),
            }
        }))
    }

    fn hear(&mut self, heard: Heard) {
        let (token, answer) = match heard {
            Heard::Accepted { token } => (token, Ok(())),
            Heard::Rejected { token, why } => (token, Err(why)),
        };
        if let Some(place) = self.asked.iter().position(|asked| asked.token == token)
            && let Some(asked) = self.asked.remove(place)
        {
            // Nobody waits any more if the connection is ending.
            let _ = asked.answer.send(answer);
        }
    }
}

fn silent() -> NotTaken {
    NotTaken::Now("AWS IoT does not answer a message: is it over a limit?".to_owned())
}
