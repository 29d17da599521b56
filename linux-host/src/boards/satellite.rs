//! The lines of a satellite, as the house has them: its debounced inputs are lines that move, its outputs lines that take
//! levels. The loop's thread is on one side, the satellite's on the other; neither waits for the other.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_core::id::Level;
use campanile_core::time::Instant;
use campanile_delivery::satellite::{Mirror, Move};
use rustix::event::{EventfdFlags, eventfd};

use super::{
    Board, InputLine, InputSpec, Line, LineError, LineInfo, OutputLine, OutputSpec, Taken, WakeSlot,
};

/// See the [module](self).
#[derive(Debug)]
pub struct SatelliteLines {
    board: String,
    state: Mutex<State>,
    /// Wakes the satellite's thread; `None` if the system had no descriptor left.
    event: Option<OwnedFd>,
}

#[derive(Debug, Default)]
struct State {
    mirror: Mirror,
    wake: Option<Arc<WakeSlot>>,
    install: bool,
    ended: bool,
}

impl SatelliteLines {
    /// Those of a board of this name.
    pub fn new(board: &str) -> Arc<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let event = event.inspect_err(|error| tracing::error!("{board}: no descriptor to wake by: {error}"));
        Arc::new(Self { board: board.to_owned(), state: Mutex::default(), event: event.ok() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to do for the satellite's thread.
    pub(crate) fn wake_thread(&self) {
        if let Some(event) = &self.event {
            // A counter that is full wakes as well.
            let _ = rustix::io::write(event, &1_u64.to_ne_bytes());
        }
    }

    fn away(&self, line: &str, what: &'static str) -> LineError {
        let why = "the satellite is not there; `campanile link list` says why".to_owned();
        LineError::Failed { line: format!("{line} of {}", self.board), what, why }
    }

    /// The satellite's program is to be brought over again.
    pub(crate) fn ask_install(&self) {
        self.state().install = true;
        self.wake_thread();
    }

    /// Its thread is to end.
    pub(crate) fn end(&self) {
        self.state().ended = true;
        self.wake_thread();
    }

    /// A thread is to begin.
    pub(crate) fn begin(&self) {
        self.state().ended = false;
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.state().ended
    }

    pub(crate) fn takes_install(&self) -> bool {
        std::mem::take(&mut self.state().install)
    }

    /// What becomes readable when there is something to do for the thread.
    pub(crate) fn event(&self) -> Option<BorrowedFd<'_>> {
        self.event.as_ref().map(|event| event.as_fd())
    }

    pub(crate) fn slept(&self) {
        if let Some(event) = &self.event {
            // Not readable: nobody has woken it.
            let _ = rustix::io::read(event, &mut [0; 8]);
        }
    }

    /// The satellite came or went.
    pub(crate) fn set_up(&self, up: bool) {
        self.state().mirror.set_up(up);
    }

    /// Looks at the lines; nobody else does meanwhile.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut Mirror) -> R) -> R {
        look(&mut self.state().mirror)
    }

    /// The loop has to look at the lines.
    pub(crate) fn wake_loop(&self) {
        if let Some(wake) = &self.state().wake {
            wake.wake();
        }
    }
}

/// The board that the house opens.
impl Board for Arc<SatelliteLines> {
    fn open_input(&self, spec: &InputSpec, wake: &Arc<WakeSlot>) -> Result<Box<dyn InputLine>, LineError> {
        let name = spec.line.to_string();
        let mut state = self.state();
        state.wake = Some(wake.clone());
        state.mirror.open_input(&name);
        drop(state);
        Ok(Box::new(Input { lines: self.clone(), name }))
    }

    fn open_output(&self, spec: &OutputSpec) -> Result<Box<dyn OutputLine>, LineError> {
        let name = spec.line.to_string();
        self.look(|mirror| mirror.open_output(&name, spec.safe));
        Ok(Box::new(Output { lines: self.clone(), name }))
    }

    fn place(&self, line: &Line) -> Option<String> {
        Some(format!("{}/{line}", self.board))
    }

    fn lines(&self) -> Result<Vec<LineInfo>, LineError> {
        Ok(Vec::new())
    }
}

struct Input {
    lines: Arc<SatelliteLines>,
    name: String,
}

impl InputLine for Input {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn take(&mut self, now: Instant, give: &mut dyn FnMut(Taken)) -> Result<(), LineError> {
        let lost = self.lines.look(|mirror| {
            mirror.take(&self.name, |moved| {
                give(match moved {
                    Move::Edge { at, level, .. } => Taken::Edge { at, level },
                    Move::Found { at, level } => Taken::Found { at, level },
                });
            })
        });
        if lost > 0 {
            give(Taken::Lost { at: now, count: lost });
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.lines.look(|mirror| mirror.has_news(&self.name)).then_some(Instant::ZERO)
    }

    fn level(&self) -> Result<Level, LineError> {
        self.lines.look(|mirror| mirror.read(&self.name)).ok_or_else(|| self.lines.away(&self.name, "read"))
    }

    fn reconfigure(&mut self, _: &InputSpec) -> Result<(), LineError> {
        Ok(())
    }

    fn mask(&mut self, _: bool) {}
}

struct Output {
    lines: Arc<SatelliteLines>,
    name: String,
}

impl OutputLine for Output {
    fn set(&self, level: Level) -> Result<(), LineError> {
        let told = self.lines.look(|mirror| mirror.set(&self.name, level));
        self.lines.wake_thread();
        if told { Ok(()) } else { Err(self.lines.away(&self.name, "drive")) }
    }

    fn reconfigure(&self, _: &OutputSpec, _: Level) -> Result<(), LineError> {
        Ok(())
    }
}
