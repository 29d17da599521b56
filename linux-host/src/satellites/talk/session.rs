//! The [session](campanile_delivery::satellite::Session) with a satellite, and what people are told of it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use campanile_core::link::{Hello, MAX_FRAME, Wall};
use campanile_core::time::Instant;
use campanile_delivery::satellite::{Book, BookError, Mirror, Misfit, News, Program, World};
use campanile_delivery::{Boot, Directory, NodeName, RecordId};
use tokio::sync::mpsc;

use super::super::asking::{Asked, Desk};
use super::super::trace::Trace;
use super::super::view::View;
use super::super::words;
use super::super::{Around, Sent};
use super::problems::Problems;
use crate::boards::SatelliteLines;
use crate::config::SatelliteProgram;
use crate::random;

/// How one is whose port is open: what keeps it from answering is on the board, or in the file.
const SILENT: &str =
    "nothing is heard from it yet: does it run firmware with the feature `link`, and is its `baud` right?";

/// See the [module](self).
pub(super) struct Session {
    name: String,
    /// What kind of board it is, by the file.
    machine: Option<String>,
    /// Where its journal is.
    path: PathBuf,
    session: campanile_delivery::satellite::Session<Directory>,
    house: House,
    desk: Desk,
    view: View,
    trace: Trace,
    problems: Problems,
}

/// The house that the satellite belongs to.
struct House {
    lines: Arc<SatelliteLines>,
    satellite: String,
    messages: mpsc::Sender<Sent>,
}

impl World for House {
    fn lines<R>(&self, look: impl FnOnce(&mut Mirror) -> R) -> R {
        self.lines.look(look)
    }

    fn stir(&self) {
        self.lines.wake_loop();
    }

    fn sent(&self, message: &str, RecordId { boot, seq }: RecordId) {
        let satellite = &self.satellite;
        let sent = Sent { message: format!("{satellite}.{message}"), identity: format!("{boot} {seq}") };
        if self.messages.try_send(sent).is_err() {
            tracing::warn!(
                "satellite {satellite}: its messages come faster than they are taken here: record {seq}, {message}, sets \
                 off nothing"
            );
        }
    }

    fn random(&mut self) -> Result<u32, String> {
        random::bits32()
    }
}

impl Session {
    pub(super) fn new(
        program: &SatelliteProgram,
        around: &Around,
        lines: Arc<SatelliteLines>,
        view: View,
    ) -> Result<Self, String> {
        let path = around.folder.join(&program.name);
        let said = |error: BookError| format!("{}: {error}", path.display());
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let storage = Arc::new(Directory::open(&path).map_err(|error| error.to_string())?);
        let node: NodeName = program.name.parse().map_err(|error| format!("{}: {error}", program.name))?;
        let book = Book::open(storage, node, around.journal.clone()).map_err(said)?;
        let bundled = Program::new(&program.image, &program.symbols, &program.safe_without_link);
        let (satellite, messages) = (program.name.clone(), around.messages.clone());
        let mut house = House { lines, satellite, messages };
        let session = campanile_delivery::satellite::Session::new(
            bundled.map_err(|error| error.to_string())?,
            book,
            around.memory.clone(),
            &mut house,
        );
        let session = session?;
        view.change(|status| status.journal = path.display().to_string());
        let trace = Trace::new(&around.folder, &program.name);
        let (name, machine) = (program.name.clone(), program.machine.clone());
        let (desk, problems) = (Desk::default(), Problems::default());
        Ok(Self { name, machine, path, session, house, desk, view, trace, problems })
    }

    /// The port is open.
    pub(super) fn begin(&mut self, now: Instant) {
        self.session.begin(now);
        self.view.change(|status| status.state = SILENT.to_owned());
    }

    /// The port is gone.
    pub(super) fn end(&mut self) {
        self.session.end();
        self.answer();
        self.problems.leave();
        self.show_problems();
        self.view.change(|status| (status.installing, status.uptime_s) = (None, None));
    }

    /// Somebody asks something of its program.
    pub(super) fn ask(&mut self, asked: Asked) {
        if let Some((ticket, op, issued)) = self.desk.open(asked) {
            self.session.ask(ticket, op, issued);
        }
    }

    /// Tells those who asked what became of it.
    fn answer(&mut self) {
        while let Some((ticket, outcome)) = self.session.take_outcome() {
            self.desk.close(ticket, outcome);
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.session.is_up()
    }

    /// Whether the satellite is there, and has still to be told of an output.
    pub(super) fn owes(&self) -> bool {
        self.session.owes(&self.house)
    }

    /// What the journal owes, also while there is no port.
    pub(super) fn idle(&mut self, now: Instant) {
        self.session.tick(now, None);
    }

    /// The thread ends.
    pub(super) fn stop(&mut self, now: Instant) {
        self.session.tick(now, None);
    }

    /// Looks what is to be said.
    pub(super) fn work(&mut self, now: Instant, wall: &Wall) {
        self.session.tick(now, wall.trusted.then_some(wall.unix));
        self.problems.clock = (!wall.trusted && self.is_up()).then_some(words::NO_CLOCK);
        // Whether it fits is known when it has greeted.
        if self.is_up() && self.house.lines.takes_install() {
            let fits = self.session.install(now);
            self.brings(fits);
        }
        self.session.work(now, &self.house);
        self.answer();
    }

    pub(super) fn transmit(&mut self, now: Instant, wall: Wall, out: &mut [u8; MAX_FRAME]) -> Option<usize> {
        self.session.transmit(now, wall, out)
    }

    pub(super) fn due(&self) -> Instant {
        self.session.due()
    }

    /// Takes a message; an error if it cannot go on with this satellite.
    pub(super) fn receive(&mut self, now: Instant, message: &[u8]) -> Result<(), String> {
        let news = self.session.receive(now, message, &mut self.house);
        match news.map_err(|error| format!("{}: {error}", self.path.display()))? {
            Some(News::Met { hello, brings, unkept }) => self.met(&hello, brings, unkept),
            Some(News::OtherVersion { theirs }) => return Err(words::other_version(theirs)),
            Some(News::Uncountable { boot }) => return Err(words::uncountable(boot)),
            Some(News::Installed(verdict)) => {
                self.problems.misfit = None;
                self.problems.refused = words::of_verdict(verdict).map(str::to_owned);
                if self.problems.refused.is_none() {
                    let (name, hash) = (&self.name, self.session.program().hash());
                    tracing::info!("satellite {name}: program {hash:016x} runs there");
                }
            }
            Some(News::Unset { output, result }) => {
                let why = words::of_unset(result);
                tracing::warn!("satellite {}: it does not set {output}: {why}", self.name);
            }
            Some(News::Unjudged { messages }) => {
                let name = &self.name;
                tracing::warn!(
                    "satellite {name}: {messages} messages are not heard of: more came than wait until its clock is known"
                );
            }
            Some(News::Pong { at }) => {
                self.view.change(|status| status.uptime_s = Some(at.micros() as f64 / 1e6));
            }
            Some(News::Health(health)) => self.problems.storage = words::of_health(&health),
            Some(News::Trace { frames }) => self.trace.append(frames),
            None => {}
        }
        self.answer();
        Ok(())
    }

    fn met(&mut self, hello: &Hello<'_>, brings: Option<Result<(), Misfit>>, unkept: Option<io::Error>) {
        let boot = Boot(hello.boot);
        self.view.change(|status| {
            status.machine = hello.board.to_owned();
            status.boot = boot.to_string();
        });
        tracing::info!("satellite {}: start {boot} of a {} is here", self.name, hello.board);
        if let Some(error) = unkept {
            tracing::warn!("{}: the program is not kept, which is tried again: {error}", self.path.display());
        }
        self.problems.hello = words::of_hello(hello);
        self.problems.machine = self.machine.as_ref().and_then(|machine| words::of_machine(machine, hello));
        match brings {
            Some(fits) => self.brings(fits),
            None if self.session.runs_ours() => self.brings(Ok(())),
            // It was refused before, and still is.
            None => {}
        }
    }

    /// Its program is there, or on the way, unless it does not fit.
    fn brings(&mut self, fits: Result<(), Misfit>) {
        (self.problems.misfit, self.problems.refused) = (fits.err().map(words::of_misfit), None);
    }

    /// Everything that came in one go has been received.
    pub(super) fn heard_all(&mut self, now: Instant, broken: u32) {
        self.session.heard_all(now, &self.house);
        let degraded = self.session.book().degraded();
        self.problems.disk =
            degraded.map(|degraded| format!("its journal goes on from memory: {}", degraded.error));
        self.show_problems();
        let book = self.session.book();
        let program = self.session.runs_ours().then(|| format!("{:016x}", self.session.program().hash()));
        self.view.change(|status| {
            status.up = self.session.is_up();
            if status.up {
                status.state = "connected".to_owned();
            } else if status.state == "connected" {
                status.state = "nothing is heard from it any more".to_owned();
            }
            status.seq = book.last();
            status.lost = book.lost();
            status.broken_frames = broken;
            status.program = program.unwrap_or_default();
            status.installing = self.session.progress();
        });
    }

    fn show_problems(&mut self) {
        let (problems, new) = self.problems.list();
        new.iter().for_each(|problem| tracing::warn!("satellite {}: {problem}", self.name));
        let misfit = self.problems.misfit.clone();
        self.view.change(|status| (status.problems, status.misfit) = (problems, misfit));
    }
}

#[cfg(test)]
mod tests;
