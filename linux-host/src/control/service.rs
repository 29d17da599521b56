//! Carries out what is asked: names to ids, through the loop, and back with the engine's own answer.

mod answer;
mod feed;
mod press;
mod satellite;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration as StdDuration;

use campanile_core::decision::ReplyResult;
use campanile_core::input::{COMMAND_TTL, Op, Origin};
use campanile_core::runner::Message;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::gate::Gates;
use campanile_delivery::satellite::Outcome;
use campanile_sim::prng::Prng;
use tokio::sync::{RwLockReadGuard, mpsc, oneshot};

use self::answer::{carried_out, respond};
use super::access::Caller;
use super::protocol::{Operation, Request, Response};
use super::status::Status;
use crate::boards::VirtualBoard;
use crate::daemon::house::House;
use crate::daemon::intake::Intake;
use crate::daemon::lines::now;
use crate::daemon::programs::Program;
use crate::nearest::unknown;
use crate::satellites::Reinstall;
use crate::satellites::asking::{Asker, Unknown, Wish};

/// The engine answers within milliseconds; after so long something is wrong.
const PATIENCE: StdDuration = StdDuration::from_secs(5);

/// A reload waits for the disk too. After so long, which is before a client gives up, whoever asked is told that it is
/// still under way.
const RELOAD_PATIENCE: StdDuration = StdDuration::from_secs(20);

/// Someone wants the file compiled and swapped in; the answer is a sentence either way.
pub type ReloadRequest = oneshot::Sender<Result<String, String>>;

/// Who asks, under which number, and since when.
#[derive(Clone, Copy)]
struct Asked {
    origin: Origin,
    id: u32,
    /// `None`: longer ago than a command lives, which may be before this clock began to count.
    issued: Option<Instant>,
}

/// Names, and the word that their ids still hold when the loop comes to them.
type Names<'a> = RwLockReadGuard<'a, Arc<Program>>;

/// Parts of the status that are not in the records.
pub trait StatusSource: Send + Sync {
    /// Fills them in.
    fn fill(&self, status: &mut Status) -> impl Future<Output = ()> + Send;

    /// Brings a satellite's program over again.
    fn install(&self, satellite: &str) -> Reinstall;

    /// Asks something of a satellite's program; `None` if there is no satellite of this name.
    fn ask(
        &self,
        satellite: &str,
        by: Asker,
        wish: Wish<'_>,
    ) -> Option<Result<oneshot::Receiver<Outcome>, Unknown>>;

    /// Why a satellite cannot be told anything now; `None` if it can, or there is none of this name.
    fn why_away(&self, satellite: &str) -> Option<String>;

    /// Sends again what a sink has set aside; what became of it, in a sentence either way.
    fn retry(&self, sink: &str) -> impl Future<Output = Result<String, String>> + Send;
}

/// The one way into a running house for whoever is outside. Cheap to clone.
pub struct Service<S> {
    shared: Arc<Shared<S>>,
}

impl<S> Clone for Service<S> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

struct Shared<S> {
    house: Arc<House>,
    intake: Intake,
    virtual_board: Arc<VirtualBoard>,
    reload: mpsc::Sender<ReloadRequest>,
    status: S,
    gates: Mutex<Gates>,
    hand: Mutex<Prng>,
    next_id: AtomicU32,
}

impl<S: StatusSource + 'static> Service<S> {
    /// The service of a house. `seed` draws command numbers and bounces.
    pub fn new(
        house: Arc<House>,
        intake: Intake,
        virtual_board: Arc<VirtualBoard>,
        reload: mpsc::Sender<ReloadRequest>,
        status: S,
        seed: u64,
    ) -> Self {
        let shared = Shared {
            house,
            intake,
            virtual_board,
            reload,
            status,
            gates: Mutex::default(),
            hand: Mutex::new(Prng::new(seed)),
            // Random, so that a command after a restart does not look like the repeat of one before it.
            next_id: AtomicU32::new((seed >> 32) as u32),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Does what is asked, if the caller may.
    pub async fn call(&self, caller: Caller, request: Request) -> Response {
        self.call_since(caller, request, None).await
    }

    /// Does what is asked, if the caller may and it is not too old. When it was asked for is in microseconds since 1970,
    /// by a clock that was synchronised; without it, or while the clock here is not, it counts from now.
    pub async fn call_since(&self, caller: Caller, request: Request, asked: Option<i64>) -> Response {
        if let Err(forbidden) = caller.check(&request.operation) {
            return Response::refused(forbidden.to_string());
        }
        let id = request.id.unwrap_or_else(|| self.shared.next_id.fetch_add(1, Ordering::Relaxed));
        let asked = Asked { origin: caller.origin, id, issued: self.issued(asked) };
        match self.carry_out(asked, request.operation).await {
            Ok(response) => response,
            Err(words) => Response::refused(words),
        }
    }

    /// When a wall clock's time was, as the loop counts; `None` if a command of then is too old.
    fn issued(&self, asked: Option<i64>) -> Option<Instant> {
        let now = now();
        let wall = self.shared.house.mirror().wall(now).filter(|(_, _, trusted)| *trusted);
        match (asked, wall) {
            (Some(asked), Some((unix, ..))) => {
                // A clock that is ahead of this one says nothing about its age.
                let ago = Duration::from_micros(u64::try_from(unix.saturating_sub(asked)).unwrap_or(0));
                (ago <= COMMAND_TTL).then(|| now.minus(ago))
            }
            _ => Some(now),
        }
    }

    async fn carry_out(&self, asked: Asked, operation: Operation) -> Result<Response, String> {
        match operation {
            Operation::Press { input, for_us } => self.press(asked, &input, for_us).await,
            Operation::Set { output, to } => {
                let names = self.names().await?;
                let all = names.symbols.outputs.iter().map(|output| output.name.as_str());
                let place = names.symbols.find_output(&output);
                let place = place.ok_or_else(|| unknown("output", &output, all))?;
                let op = Op::Set { output: place, level: to.into() };
                let text = self.once_told(&output, format!("{output} is {}", to.word()));
                self.command(names, asked, op, text).await
            }
            Operation::Start { scenario } => {
                self.ask(asked, Wish::Start(&scenario), format!("{scenario} started")).await
            }
            Operation::Stop { scenario } => {
                self.ask(asked, Wish::Stop(&scenario), format!("{scenario} stopped")).await
            }
            Operation::Let { variable, value } => {
                self.ask(asked, Wish::Let(&variable, value), format!("{variable} = {value}")).await
            }
            Operation::Feed { sensor, value } => self.feed(&sensor, value.as_deref()).await,
            Operation::Message { message } => {
                let names = self.names().await?;
                let all = names.symbols.heard.iter().map(String::as_str);
                let found = names.symbols.find_heard(&message);
                let op = Op::Message {
                    message: found.ok_or_else(|| unknown("trigger for the message", &message, all))?,
                };
                self.command(names, asked, op, format!("{message} taken")).await
            }
            Operation::Reload {} => self.reload().await.map(Response::done),
            Operation::SinkRetry { sink } => self.shared.status.retry(&sink).await.map(Response::done),
            Operation::LinkInstall { satellite } => match self.shared.status.install(&satellite) {
                Reinstall::Asked => {
                    Ok(Response::done(format!("{satellite} gets its program as soon as it is there")))
                }
                Reinstall::Misfit(why) => Err(format!("{satellite} does not get its program: {why}")),
                Reinstall::Unknown(all) => {
                    Err(unknown("satellite", &satellite, all.iter().map(String::as_str)))
                }
            },
            Operation::Status {} => Ok(Response::status(self.status().await)),
        }
    }

    async fn names(&self) -> Result<Names<'_>, String> {
        let names = tokio::time::timeout(PATIENCE, self.shared.house.names()).await;
        names.map_err(|_| {
            "a reload waits for the loop, which does not answer; see `campanile status`".to_owned()
        })
    }

    /// Asks something of a program: of a satellite's, if it is about a name of one, else of the house's.
    async fn ask(&self, asked: Asked, wish: Wish<'_>, text: String) -> Result<Response, String> {
        if let Some(told) = self.ask_satellite(asked, wish, &text).await {
            return told;
        }
        let names = self.names().await?;
        let op = wish.op(&names.symbols).map_err(|none| none_of(&none, wish))?;
        self.command(names, asked, op, text).await
    }

    /// Sends a command with an id of these names, and waits for the engine's answer.
    async fn command(
        &self,
        names: Names<'_>,
        asked: Asked,
        op: Op,
        text: String,
    ) -> Result<Response, String> {
        let reply = self.send(names, asked, op).await?;
        respond(carried_out(reply).await, text)
    }

    /// Sends a command with an id of these names.
    async fn send(
        &self,
        names: Names<'_>,
        asked: Asked,
        op: Op,
    ) -> Result<oneshot::Receiver<ReplyResult>, String> {
        let Asked { origin, id, issued } = asked;
        let Some(reply) = self.shared.house.expect_reply(origin, id) else {
            return Err("too many commands at once; try again".to_owned());
        };
        let op = if issued.is_some() { op } else { Op::Expired {} };
        let message = Message::Command { origin, id, op, issued: issued.unwrap_or_else(now) };
        let sent = tokio::time::timeout(PATIENCE, self.shared.intake.send(message)).await;
        drop(names);
        sent.map_err(|_| {
            "the loop takes nothing, and so not this either; see `campanile status`".to_owned()
        })?;
        Ok(reply)
    }

    /// Compiles the file again and swaps it in, or says why not.
    ///
    /// # Errors
    /// Every error of the file or of the lines; the old program goes on.
    pub async fn reload(&self) -> Result<String, String> {
        let (sender, receiver) = oneshot::channel();
        let stopping = || "the daemon is stopping".to_owned();
        let asked = async {
            self.shared.reload.send(sender).await.map_err(|_| stopping())?;
            receiver.await.map_err(|_| stopping())
        };
        let result = tokio::time::timeout(RELOAD_PATIENCE, asked).await.map_err(|_| {
            "the reload waits for the loop or for the disk, and goes on; its end will be in the log"
                .to_owned()
        })??;
        if result.is_ok() {
            let names = self.shared.house.names().await;
            for name in self.gates().keep_only(&names.symbols.sensors) {
                tracing::warn!(
                    "{name} is gone with the old program, and with it a value that its min-interval held back"
                );
            }
        }
        result
    }

    /// The house at a glance.
    pub async fn status(&self) -> Status {
        let mut status = Status::default();
        self.shared.house.mirror().fill(&mut status, now());
        self.shared.status.fill(&mut status).await;
        status
    }
}

/// The same of what is asked of a program.
fn none_of(none: &Unknown, wish: Wish<'_>) -> String {
    unknown(none.kind, wish.name(), none.all.iter().map(String::as_str))
}
