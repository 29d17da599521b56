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
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use campanile_delivery::satellite::Outcome;
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
}

/// A message that a satellite has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// As triggers here call it: with the satellite's name in front.
    pub message: String,
    /// What tells it from every other.
    pub identity: String,
}

struct Running {
    spec: Spec,
    lines: Arc<SatelliteLines>,
    view: View,
    requests: Sender<Asked>,
    thread: Option<JoinHandle<()>>,
}

/// The satellites that run.
pub struct Satellites {
    around: Around,
    running: Vec<Running>,
}

impl Satellites {
    /// None yet.
    pub const fn new(around: Around) -> Self {
        Self { around, running: Vec::new() }
    }

    /// Runs the satellites of a file, each with the lines of its board, and no others; those that the file does not
    /// change go on without a break. Waits for threads that end.
    pub fn apply(&mut self, wanted: &[(Spec, Arc<SatelliteLines>)]) {
        let is_wanted = |running: &Running| wanted.iter().any(|(spec, _)| running.is_of(spec));
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.running).into_iter().partition(is_wanted);
        end_all(gone);
        self.running = kept;
        for (spec, lines) in wanted {
            if !self.running.iter().any(|running| running.is_of(spec)) {
                self.start(spec, lines.clone());
            }
        }
        // In the order of the file, for `status`.
        self.running.sort_by_key(|running| wanted.iter().position(|(spec, _)| running.is_of(spec)));
    }

    /// Ends all of them, once they have told their satellites what the house wants of their outputs.
    pub fn stop(&mut self) {
        end_all(std::mem::take(&mut self.running));
    }

    fn start(&mut self, spec: &Spec, lines: Arc<SatelliteLines>) {
        let name = &spec.program.name;
        let view = View::new(name, &spec.program.board, &spec.port.to_string());
        let (requests, asked) = asking::way();
        let talk = Talk::new(spec.clone(), lines.clone(), view.clone(), self.around.clone(), asked);
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
        self.running.push(Running { spec: spec.clone(), lines, view, requests, thread });
    }

    /// All of them, in the order of the file.
    pub fn glance(&self) -> Vec<SatelliteStatus> {
        self.running.iter().map(|running| running.view.read()).collect()
    }

    /// Brings a satellite's program over again; false if there is none of this name.
    pub fn install(&self, name: &str) -> bool {
        let Some(running) = self.running.iter().find(|running| running.spec.program.name == name) else {
            return false;
        };
        running.lines.ask_install();
        true
    }

    /// Asks something of a satellite's program; `None` if there is no satellite of this name.
    pub fn ask(
        &self,
        satellite: &str,
        by: Asker,
        wish: Wish<'_>,
    ) -> Option<Result<oneshot::Receiver<Outcome>, Unknown>> {
        let running = self.running.iter().find(|running| running.spec.program.name == satellite)?;
        Some(wish.op(satellite, &running.spec.program.symbols).map(|op| {
            let (answer, receiver) = oneshot::channel();
            // If its thread has ended, whoever asked hears that from the channel.
            let _ = running.requests.send(Asked { by, op, answer });
            running.lines.wake_thread();
            receiver
        }))
    }

    /// Why a satellite cannot be told anything now; `None` if it can, or there is none of this name.
    pub fn why_away(&self, satellite: &str) -> Option<String> {
        let running = self.running.iter().find(|running| running.spec.program.name == satellite)?;
        running.view.read().why_away()
    }
}

impl Running {
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

/// All at once: none waits for another.
fn end_all(running: Vec<Running>) {
    running.iter().for_each(|running| running.lines.end());
    drop(running);
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lines.end();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("satellite {}: its thread broke down", self.spec.program.name);
        }
    }
}
