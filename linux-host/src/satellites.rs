//! Satellites: nodes of their own at the other end of a serial line. Each has a thread here, which speaks the
//! [link](campanile_core::link) with it and keeps its journal; nothing that goes wrong with one concerns another, nor the
//! house.
//!
//! ```text
//! loop ─levels─▶ lines ─▶ talk ─commands─▶ port ─▶ satellite
//!      ◀edges──         ◀─     ◀─records──      ◀─
//!                           └─▶ session (its journal)
//! ```

pub mod asking;
mod port;
mod talk;
pub mod trace;
mod tty;
mod usb;
pub mod view;
mod words;

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use campanile_delivery::satellite::{Memory, Outcome};
use campanile_delivery::{Options, SinkName};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};

use crate::boards::SatelliteLines;
use crate::config::SatelliteProgram;
use crate::config::scalar::SerialPort;
use asking::{Asked, Asker, Unknown, Wish};
use talk::Talk;
use view::{SatelliteStatus, View};

/// Where their journals are, below the state directory, each under its satellite's name.
pub const FOLDER: &str = "satellites";

/// A satellite of a file.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its program and names.
    pub program: SatelliteProgram,
    /// Where its line is.
    pub port: SerialPort,
    /// Bits per second.
    pub baud: u32,
}

/// What all satellites of a process share.
#[derive(Clone)]
pub struct Around {
    /// Their journals are below this directory, each under its satellite's name.
    pub folder: PathBuf,
    /// How their journals are kept.
    pub journal: Options,
    /// The node's zone, for their clocks.
    pub zone: TimeZone,
    /// Told of their comings and goings.
    pub links: mpsc::UnboundedSender<(SinkName, bool)>,
    /// Told of the messages that they send.
    pub messages: mpsc::Sender<Sent>,
    /// What a house knows of all of them, whichever names they have.
    pub memory: Memory,
}

/// What became of the wish that a satellite's program is brought over again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reinstall {
    /// It is sent as soon as the satellite is there.
    Asked,
    /// The board that is there cannot take it, and this is why.
    Misfit(String),
    /// There is no satellite of this name; the names that there are.
    Unknown(Vec<String>),
}

/// A message that a satellite has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// As triggers here call it: with the satellite's name in front.
    pub message: String,
    /// What tells it from every other, whatever the file calls the satellite: behind another name the records of late come
    /// once more, into another journal.
    pub identity: String,
}

struct Running {
    spec: Spec,
    lines: Arc<SatelliteLines>,
    view: View,
    requests: Sender<Asked>,
    thread: Option<JoinHandle<()>>,
}

/// The satellites that run. Whoever looks at them waits for no thread that ends.
pub struct Satellites {
    around: Around,
    running: Mutex<Vec<Running>>,
    /// Whether they were stopped for good. Locked while some are exchanged for others.
    stopped: Mutex<bool>,
}

impl Satellites {
    /// None yet.
    pub const fn new(around: Around) -> Self {
        Self { around, running: Mutex::new(Vec::new()), stopped: Mutex::new(false) }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        lock(&self.running)
    }

    /// Runs the satellites of a file, each with the lines of its board, and no others; those that the file does not
    /// change go on without a break. Waits for threads that end. Says in words what becomes of the others.
    pub fn apply(&self, wanted: &[(Spec, Arc<SatelliteLines>)]) -> Vec<String> {
        let stopped = lock(&self.stopped);
        if *stopped {
            return Vec::new();
        }
        let words = changes(&self.running(), wanted.iter().map(|(spec, _)| spec));
        self.end(|running| !wanted.iter().any(|(spec, _)| running.is_of(spec)));
        let mut running = self.running();
        for (spec, lines) in wanted {
            if !running.iter().any(|running| running.is_of(spec)) {
                running.push(self.start(spec, lines.clone()));
            }
        }
        // In the order of the file, for `status`.
        running.sort_by_key(|running| wanted.iter().position(|(spec, _)| running.is_of(spec)));
        words
    }

    /// Ends all of them, once they have told their satellites what the house wants of their outputs. None begins any more.
    pub fn stop(&self) {
        let mut stopped = lock(&self.stopped);
        *stopped = true;
        self.end(|_| true);
    }

    /// Ends some, all at once. Those that end are still there for whoever looks, and answer nothing.
    fn end(&self, which: impl Fn(&Running) -> bool) {
        let ending: Vec<_> = {
            let mut running = self.running();
            running.iter_mut().filter(|running| which(running)).filter_map(Running::end).collect()
        };
        for thread in ending {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!("{name}: the thread broke down");
            }
        }
        self.running().retain(|running| !which(running));
    }

    fn start(&self, spec: &Spec, lines: Arc<SatelliteLines>) -> Running {
        let name = &spec.program.name;
        let view = View::new(name, &spec.program.board, &spec.port.to_string());
        let (requests, asked) = asking::way();
        let talk = Talk::new(spec.clone(), lines.clone(), view.clone(), self.around.clone(), asked);
        lines.begin();
        let builder = std::thread::Builder::new().name(format!("link-{name}"));
        let thread = match builder.spawn(move || talk.run()) {
            Ok(thread) => Some(thread),
            Err(error) => {
                let why = format!("the system gives no thread: {error}");
                tracing::error!("satellite {name}: {why}");
                view.change(|status| status.state = why);
                None
            }
        };
        Running { spec: spec.clone(), lines, view, requests, thread }
    }

    /// All of them, in the order of the file.
    pub fn glance(&self) -> Vec<SatelliteStatus> {
        self.running().iter().map(|running| running.view.read()).collect()
    }

    /// The one of this name.
    fn find<R>(&self, name: &str, look: impl FnOnce(&Running) -> R) -> Option<R> {
        self.running().iter().find(|running| running.spec.program.name == name).map(look)
    }

    /// Brings a satellite's program over again.
    pub fn install(&self, name: &str) -> Reinstall {
        let asked = self.find(name, |running| {
            let status = running.view.read();
            match status.misfit.filter(|_| status.up) {
                Some(misfit) => Reinstall::Misfit(misfit),
                None => {
                    running.lines.ask_install();
                    Reinstall::Asked
                }
            }
        });
        asked.unwrap_or_else(|| {
            Reinstall::Unknown(self.glance().into_iter().map(|satellite| satellite.name).collect())
        })
    }

    /// Asks something of a satellite's program; `None` if there is no satellite of this name.
    pub fn ask(
        &self,
        satellite: &str,
        by: Asker,
        wish: Wish<'_>,
    ) -> Option<Result<oneshot::Receiver<Outcome>, Unknown>> {
        self.find(satellite, |running| {
            let op = wish.op(&running.spec.program.symbols).map_err(|none| none.of(satellite))?;
            let (answer, receiver) = oneshot::channel();
            // If its thread has ended, whoever asked hears that from the channel.
            let _ = running.requests.send(Asked { by, op, answer });
            running.lines.wake_thread();
            Ok(receiver)
        })
    }

    /// Why a satellite cannot be told anything now; `None` if it can, or there is none of this name.
    pub fn why_away(&self, satellite: &str) -> Option<String> {
        self.find(satellite, |running| running.view.read().why_away())?
    }
}

impl Running {
    /// Its thread, which ends.
    fn end(&mut self) -> Option<JoinHandle<()>> {
        self.lines.end();
        self.thread.take()
    }

    fn is_of(&self, spec: &Spec) -> bool {
        let (have, want) = (&self.spec, spec);
        let program = |spec: &Spec| (spec.program.image.clone(), spec.program.safe_without_link.clone());
        have.program.name == want.program.name
            && (&have.program.board, &have.program.machine) == (&want.program.board, &want.program.machine)
            && (&have.port, have.baud) == (&want.port, want.baud)
            && have.program.symbols == want.program.symbols
            && program(have) == program(want)
    }
}

impl Drop for Satellites {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What another file changes of the satellites that run.
fn changes<'a>(running: &[Running], wanted: impl Iterator<Item = &'a Spec> + Clone) -> Vec<String> {
    let of = |name: &str| running.iter().find(|running| running.spec.program.name == name);
    let gone = running
        .iter()
        .map(|running| &running.spec.program.name)
        .filter(|name| !wanted.clone().any(|spec| spec.program.name == **name))
        .map(|name| format!("satellite {name} is removed"));
    let others = wanted.clone().filter_map(|spec| {
        let name = &spec.program.name;
        match of(name) {
            None => Some(format!("satellite {name} is new")),
            Some(running) if running.is_of(spec) => None,
            Some(running) if running.spec.program.image != spec.program.image => {
                Some(format!("satellite {name} gets another program"))
            }
            Some(_) => Some(format!("satellite {name} is restarted")),
        }
    });
    gone.chain(others).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::daemon::loaded::Origin;

    const HOUSE: &str = "node.name = \"hall\"\nboards.porch = { kind = \"serial\", port = \"tcp://127.0.0.1:1\" }\n\
                         satellites.porch.inputs.button.line = 1\n";

    #[test]
    fn whoever_looks_does_not_wait_for_a_thread_that_ends() {
        let loaded = Origin::Text { name: "test".into(), text: HOUSE.into() }.load(false).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let satellites = Arc::new(Satellites::new(Around {
            folder: folder.path().to_owned(),
            journal: loaded.journal,
            zone: loaded.zone,
            links: mpsc::unbounded_channel().0,
            messages: mpsc::channel(1).0,
            memory: Memory::default(),
        }));
        satellites.apply(&[(loaded.satellites[0].clone(), SatelliteLines::new("porch"))]);
        // Its thread has something to do still, for as long as it likes.
        let (over, busy) = std::sync::mpsc::channel::<()>();
        let (look, seen) = std::sync::mpsc::channel();
        let talk = satellites.running()[0].thread.take();
        satellites.running()[0].thread =
            Some(std::thread::spawn(move || drop((busy.recv(), talk.map(JoinHandle::join)))));
        std::thread::scope(|threads| {
            threads.spawn(|| satellites.apply(&[]));
            threads.spawn(|| {
                while !satellites.find("porch", |running| running.lines.is_ended()).unwrap() {
                    std::thread::yield_now();
                }
                look.send(satellites.glance().len()).unwrap();
            });
            let there = seen.recv_timeout(Duration::from_secs(10));
            drop(over);
            assert_eq!(there, Ok(1), "it is told of until it is over");
        });
        assert!(satellites.glance().is_empty());
    }
}
