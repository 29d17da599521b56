//! Carries out what is asked: names to ids, through the loop, and back with the engine's own answer.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration as StdDuration;

use campanile_core::decision::ReplyResult;
use campanile_core::id::{Level, SensorId};
use campanile_core::input::{Input, Op, Origin};
use campanile_core::runner::Message;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::gate::{Gates, Passage, scaled};
use campanile_delivery::symbols::{Active, Symbols};
use campanile_sim::bounce::Model;
use campanile_sim::prng::Prng;
use tokio::sync::{RwLockReadGuard, mpsc, oneshot};

use super::access::Caller;
use super::protocol::{Operation, Request, Response};
use super::status::Status;
use crate::boards::{BoardSpec, VirtualBoard};
use crate::daemon::house::House;
use crate::daemon::intake::Intake;
use crate::daemon::lines::now;
use crate::daemon::programs::Program;
use crate::nearest::near;

/// The engine answers within milliseconds; after so long something is wrong.
const PATIENCE: StdDuration = StdDuration::from_secs(5);

/// A reload waits for the disk too. After so long, which is before a client gives up, whoever asked is told that it is
/// still under way.
const RELOAD_PATIENCE: StdDuration = StdDuration::from_secs(20);

/// The longest press.
const LONGEST_PRESS: Duration = Duration::from_secs(24 * 3600);

/// Someone wants the file compiled and swapped in; the answer is a sentence either way.
pub type ReloadRequest = oneshot::Sender<Result<String, String>>;

/// Who asks, under which number, and since when.
#[derive(Clone, Copy)]
struct Asked {
    origin: Origin,
    id: u32,
    issued: Instant,
}

/// Names, and the word that their ids still hold when the loop comes to them.
type Names<'a> = RwLockReadGuard<'a, Arc<Program>>;

/// Parts of the status that are not in the records.
pub trait StatusSource: Send + Sync {
    /// Fills them in.
    fn fill(&self, status: &mut Status) -> impl Future<Output = ()> + Send;

    /// Brings a satellite's program over again.
    ///
    /// # Errors
    /// There is none of this name; the names that there are.
    fn install(&self, satellite: &str) -> Result<(), Vec<String>>;
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

    /// When a wall clock's time was, as the loop counts.
    fn issued(&self, asked: Option<i64>) -> Instant {
        let now = now();
        let wall = self.shared.house.mirror().wall(now).filter(|(_, _, trusted)| *trusted);
        match (asked, wall) {
            (Some(asked), Some((unix, ..))) => {
                // A clock that is ahead of this one says nothing about its age.
                let ago = u64::try_from(unix.saturating_sub(asked)).unwrap_or(0);
                now.minus(Duration::from_micros(ago))
            }
            _ => now,
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
                self.command(names, asked, op, format!("{output} is {}", to.word())).await
            }
            Operation::Start { scenario } => {
                let names = self.names().await?;
                let op = Op::Start { scenario: find_scenario(&names.symbols, &scenario)? };
                self.command(names, asked, op, format!("{scenario} started")).await
            }
            Operation::Stop { scenario } => {
                let names = self.names().await?;
                let op = Op::Stop { scenario: find_scenario(&names.symbols, &scenario)? };
                self.command(names, asked, op, format!("{scenario} stopped")).await
            }
            Operation::Let { variable, value } => {
                let names = self.names().await?;
                let all = names.symbols.variables.iter().map(String::as_str);
                let var = names.symbols.find_variable(&variable);
                let var = var.ok_or_else(|| unknown("variable", &variable, all))?;
                self.command(names, asked, Op::Let { var, value }, format!("{variable} = {value}")).await
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
            Operation::LinkInstall { satellite } => match self.shared.status.install(&satellite) {
                Ok(()) => Ok(Response::done(format!("{satellite} gets its program as soon as it is there"))),
                Err(all) => Err(unknown("satellite", &satellite, all.iter().map(String::as_str))),
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

    /// Sends a command with an id of these names, and waits for the engine's answer.
    async fn command(
        &self,
        names: Names<'_>,
        asked: Asked,
        op: Op,
        text: String,
    ) -> Result<Response, String> {
        let reply = self.send(names, asked, op).await?;
        answer(reply, text).await.map_err(|not_done| not_done.words().to_owned())
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
        let message = Message::Command { origin, id, op, issued };
        let sent = tokio::time::timeout(PATIENCE, self.shared.intake.send(message)).await;
        drop(names);
        sent.map_err(|_| {
            "the loop takes nothing, and so not this either; see `campanile status`".to_owned()
        })?;
        Ok(reply)
    }

    /// A press, and the release behind it, which comes whether or not somebody still listens, and also if nobody knows
    /// whether the press was carried out.
    async fn press(&self, asked: Asked, name: &str, for_us: u64) -> Result<Response, String> {
        let names = self.names().await?;
        let all = names.symbols.inputs.iter().map(|input| input.name.as_str());
        let input = names.symbols.find_input(name).ok_or_else(|| unknown("input", name, all))?;
        let held = Duration::from_micros(for_us);
        if held > LONGEST_PRESS {
            return Err("a press lasts a day at most".to_owned());
        }
        let text = format!("{name} pressed for {}", words(held));
        if let Some((BoardSpec::Virtual, spec)) = names.wiring.inputs.get(input.index()) {
            self.move_line(&spec.line.to_string(), spec.active, held);
            return Ok(Response::done(text));
        }
        let reply = self.send(names, asked, Op::Play { input, level: Level::On }).await?;
        let service = self.clone();
        let name = name.to_owned();
        let release = tokio::spawn(async move {
            tokio::time::sleep(StdDuration::from_micros(held.micros())).await;
            // By name: the program may have changed meanwhile.
            let names = service.shared.house.names().await;
            let id = service.shared.next_id.fetch_add(1, Ordering::Relaxed);
            if let Some(input) = names.symbols.find_input(&name) {
                let (op, origin) = (Op::Play { input, level: Level::Off }, asked.origin);
                service.shared.intake.send(Message::Command { origin, id, op, issued: now() }).await;
            }
        });
        answer(reply, text).await.map_err(|not_done| {
            if let NotDone::Surely(_) = not_done {
                release.abort();
            }
            not_done.words().to_owned()
        })
    }

    /// Moves a virtual line as a hand moves a switch: it bounces both ways.
    fn move_line(&self, line: &str, active: Active, held: Duration) {
        let high_is_on = active == Active::High;
        let mut hand = self.shared.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, released) = (now(), now().plus(held));
        let mut edges = |press: bool, at: Instant| {
            let bounces = Model::Switch.draw(press, &mut hand).into_iter();
            let times =
                std::iter::once(at).chain(bounces.map(move |us| at.plus(Duration::from_micros(us.into()))));
            // They alternate, and end where the first one went.
            times
                .enumerate()
                .map(move |(i, at)| (at, (press != (i % 2 == 1)) == high_is_on))
                .collect::<Vec<_>>()
        };
        let mut moves = edges(true, start);
        // The release ends whatever bouncing is left of the press.
        moves.retain(|(at, _)| *at < released);
        moves.extend(edges(false, released));
        self.shared.virtual_board.play(line, moves);
    }

    async fn feed(&self, name: &str, value: Option<&str>) -> Result<Response, String> {
        let names = self.names().await?;
        let all = names.symbols.sensors.iter().map(|sensor| sensor.name.as_str());
        let id = names.symbols.find_sensor(name).ok_or_else(|| unknown("sensor", name, all))?;
        let sensor = &names.symbols.sensors[id.index()];
        let value = value.map(|text| scaled(text, sensor.decimals)).transpose()?;
        let passage = self.gates().offer(sensor, value, now());
        match passage {
            Passage::Enters => {
                self.reading(id, value).await;
                Ok(Response::done(format!("{name} taken")))
            }
            Passage::Replaces => Ok(Response::done(format!(
                "{name} comes faster than its min-interval: it takes the place of the one before"
            ))),
            Passage::Deadband => {
                Ok(Response::done(format!("{name} changes less than its deadband: not recorded")))
            }
            Passage::Later(at) => {
                let (service, sensor) = (self.clone(), name.to_owned());
                tokio::spawn(async move {
                    tokio::time::sleep(StdDuration::from_micros(at.since(now()).micros())).await;
                    service.release(&sensor).await;
                });
                Ok(Response::done(format!(
                    "{name} comes faster than its min-interval: recorded in {}",
                    words(at.since(now()))
                )))
            }
        }
    }

    /// The time of a sensor's value that was held back has come.
    async fn release(&self, name: &str) {
        // By name: the program may have changed meanwhile.
        let names = self.shared.house.names().await;
        let Some(id) = names.symbols.find_sensor(name) else { return };
        let held = self.gates().release(&names.symbols.sensors[id.index()], now());
        if let Some(value) = held {
            self.reading(id, value).await;
        }
    }

    async fn reading(&self, sensor: SensorId, value: Option<i32>) {
        self.shared.intake.send(Message::Input(Input::Reading { sensor, value })).await;
    }

    fn gates(&self) -> MutexGuard<'_, Gates> {
        self.shared.gates.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Why a command was not carried out, for a person.
enum NotDone {
    /// It was not, and will not be.
    Surely(&'static str),
    /// Nobody knows.
    Perhaps(&'static str),
}

impl NotDone {
    const fn words(&self) -> &'static str {
        let (Self::Surely(words) | Self::Perhaps(words)) = self;
        words
    }
}

/// Waits for the engine's answer to a command.
async fn answer(reply: oneshot::Receiver<ReplyResult>, text: String) -> Result<Response, NotDone> {
    match tokio::time::timeout(PATIENCE, reply).await {
        Ok(Ok(ReplyResult::Done)) => Ok(Response::done(text)),
        Ok(Ok(ReplyResult::Duplicate)) => Ok(Response::done(format!("{text} (it was carried out before)"))),
        Ok(Ok(ReplyResult::Unknown)) => Err(NotDone::Surely("the program has changed meanwhile; try again")),
        Ok(Ok(ReplyResult::Expired)) => Err(NotDone::Surely("it came too late, and was not carried out")),
        Ok(Ok(ReplyResult::Refused)) => {
            Err(NotDone::Surely("safety forbids it at this moment; see `campanile log`"))
        }
        Ok(Err(_)) => Err(NotDone::Perhaps("another request with the same number took its place")),
        Err(_) => Err(NotDone::Perhaps(
            "the house has not confirmed it, and may still carry it out within half a minute; see `campanile status`",
        )),
    }
}

fn find_scenario(symbols: &Symbols, name: &str) -> Result<campanile_core::id::ScenarioId, String> {
    let all = symbols.scenarios.iter().map(String::as_str);
    symbols.find_scenario(name).ok_or_else(|| unknown("scenario", name, all))
}

/// Says that there is no such name, and which there are.
fn unknown<'a>(kind: &str, name: &str, all: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = near(name, all.clone());
    if !near.is_empty() {
        return format!("no {kind} \"{name}\"; did you mean {}?", near.join(" or "));
    }
    let known: Vec<_> = all.collect();
    match known.as_slice() {
        [] => format!("no {kind} \"{name}\": the file has none"),
        known => format!("no {kind} \"{name}\"; there are {}", known.join(", ")),
    }
}

/// A span for a person: `800 ms`, `1.5 s`.
fn words(span: Duration) -> String {
    let us = span.micros();
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::access::Caller;
    use crate::daemon::loaded::Origin as From;

    struct Nothing;

    impl StatusSource for Nothing {
        async fn fill(&self, _: &mut Status) {}
        fn install(&self, _: &str) -> Result<(), Vec<String>> {
            Err(Vec::new())
        }
    }

    #[tokio::test]
    async fn a_press_moves_the_line_even_before_the_journal_has_seen_the_first_record() {
        let text = "node.name = \"porch\"\nboards.desk.kind = \"virtual\"\ninputs.button.line = \"A\"".into();
        let loaded = From::Text { name: "test".into(), text }.load(false).unwrap();
        let (house, intake, board) =
            (Arc::new(House::new(&loaded.program)), Intake::default(), VirtualBoard::new());
        let (reload, _) = mpsc::channel(1);
        let service = Service::new(house, intake.clone(), board.clone(), reload, Nothing, 1);
        let operation = Operation::Press { input: "button".into(), for_us: 60_000_000 };
        let response = service.call(Caller::LOCAL, Request { id: None, operation }).await;
        assert!(response.ok, "{response:?}");
        assert!(board.level("A", now().plus(Duration::from_secs(1))), "it is down, and its bounces are over");
        assert!(intake.messages().try_receive().is_err(), "the loop sees the line, and needs no word of it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_press_that_nobody_confirms_is_released_all_the_same() {
        let text = "node.name = \"porch\"\ninputs.button.line = \"A\"".into();
        let loaded = From::Text { name: "test".into(), text }.load(false).unwrap();
        let (house, intake) = (Arc::new(House::new(&loaded.program)), Intake::default());
        let (reload, _) = mpsc::channel(1);
        let service = Service::new(house, intake.clone(), VirtualBoard::new(), reload, Nothing, 1);
        let operation = Operation::Press { input: "button".into(), for_us: 60_000_000 };
        let response = service.call(Caller::LOCAL, Request { id: None, operation }).await;
        assert!(!response.ok, "{response:?}");
        tokio::time::sleep(StdDuration::from_secs(61)).await;
        let played = std::iter::from_fn(|| match intake.messages().try_receive().ok()? {
            Message::Command { op: Op::Play { level, .. }, .. } => Some(level),
            other => panic!("{other:?}"),
        });
        assert_eq!(played.collect::<Vec<_>>(), [Level::On, Level::Off]);
    }

    #[test]
    fn unknown_names_come_with_those_that_are_known() {
        let names = ["chime", "light"];
        assert_eq!(
            unknown("output", "chim", names.iter().copied()),
            "no output \"chim\"; did you mean chime?"
        );
        assert_eq!(
            unknown("output", "pump", names.iter().copied()),
            "no output \"pump\"; there are chime, light"
        );
        assert_eq!(unknown("output", "pump", std::iter::empty()), "no output \"pump\": the file has none");
    }
}
