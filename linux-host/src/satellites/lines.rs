//! The lines of a satellite, as the house has them: its debounced inputs are lines that move, its outputs lines that take
//! levels. The loop's thread is on one side, the satellite's on the other; neither waits for the other.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_core::id::Level;
use campanile_core::time::Instant;
use rustix::event::{EventfdFlags, eventfd};

use crate::boards::{
    Board, InputLine, InputSpec, Line, LineError, LineInfo, OutputLine, OutputSpec, Taken, WakeSlot,
};

/// Moves that may wait for the loop; behind that they are counted as lost.
const WAITING: usize = 256;

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
    inputs: HashMap<String, Seen>,
    outputs: HashMap<String, Wanted>,
    wake: Option<Arc<WakeSlot>>,
    up: bool,
    install: bool,
    ended: bool,
}

/// An input.
#[derive(Debug, Default)]
struct Seen {
    level: Option<Level>,
    /// What the loop was told last.
    told: Option<Level>,
    news: VecDeque<Taken>,
    lost: u32,
}

/// An output.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    level: Level,
    safe: Level,
    /// The satellite has it, or has it anyway.
    done: bool,
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

    fn wake_thread(&self) {
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
    pub(super) fn ask_install(&self) {
        self.state().install = true;
        self.wake_thread();
    }

    /// Its thread is to end.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.wake_thread();
    }

    /// A thread begins.
    pub(super) fn begin(&self) {
        self.state().ended = false;
    }

    pub(super) fn is_ended(&self) -> bool {
        self.state().ended
    }

    pub(super) fn takes_install(&self) -> bool {
        std::mem::take(&mut self.state().install)
    }

    /// What becomes readable when there is something to do for the thread.
    pub(super) fn event(&self) -> Option<BorrowedFd<'_>> {
        self.event.as_ref().map(|event| event.as_fd())
    }

    pub(super) fn slept(&self) {
        if let Some(event) = &self.event {
            // Not readable: nobody has woken it.
            let _ = rustix::io::read(event, &mut [0; 8]);
        }
    }

    /// The satellite came or went. One that comes back gets the outputs that the house wants away from safe once more: it
    /// may have restarted, or taken them back itself.
    pub(super) fn set_up(&self, up: bool) {
        let mut state = self.state();
        state.up = up;
        for wanted in state.outputs.values_mut() {
            wanted.done &= wanted.level == wanted.safe;
        }
    }

    /// An input is at this level. A move that is not young is no event any more: the house hears of it with
    /// [`settle`](Self::settle), and of those that follow each other only the last.
    pub(super) fn saw(&self, input: &str, level: Level, young: bool, at: Instant) {
        let mut state = self.state();
        let seen = state.inputs.entry(input.to_owned()).or_default();
        seen.level = Some(level);
        if young {
            seen.tell(at);
        }
        state.wake_loop();
    }

    /// All that has come is seen: inputs that moved are told.
    pub(super) fn settle(&self, at: Instant) {
        let mut state = self.state();
        state.inputs.values_mut().for_each(|seen| seen.tell(at));
        state.wake_loop();
    }

    /// An output that the satellite has to be told of.
    pub(super) fn next_output(&self) -> Option<(String, Level)> {
        let state = self.state();
        let mut open: Vec<_> = state.outputs.iter().filter(|(_, wanted)| !wanted.done).collect();
        open.sort_by_key(|(name, _)| name.as_str());
        open.first().map(|(name, wanted)| ((*name).clone(), wanted.level))
    }

    /// The satellite has an output at this level, or refuses it for good.
    pub(super) fn done(&self, output: &str, level: Level) {
        if let Some(wanted) = self.state().outputs.get_mut(output) {
            wanted.done |= wanted.level == level;
        }
    }
}

impl State {
    fn wake_loop(&self) {
        if let Some(wake) = &self.wake {
            wake.wake();
        }
    }
}

impl Seen {
    fn tell(&mut self, at: Instant) {
        let Some(level) = self.level.filter(|level| self.told != Some(*level)) else { return };
        if self.news.len() >= WAITING {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        // What nobody knew before is no move.
        let news = match self.told {
            Some(_) => Taken::Edge { at, level },
            None => Taken::Found { at, level },
        };
        self.news.push_back(news);
        self.told = Some(level);
    }
}

/// The board that the house opens.
impl Board for Arc<SatelliteLines> {
    fn open_input(&self, spec: &InputSpec, wake: &Arc<WakeSlot>) -> Result<Box<dyn InputLine>, LineError> {
        let name = spec.line.to_string();
        let mut state = self.state();
        state.wake = Some(wake.clone());
        // Another program may have been told of it; this one has not.
        let seen = state.inputs.entry(name.clone()).or_default();
        (seen.told, seen.lost) = (None, 0);
        seen.news.clear();
        drop(state);
        Ok(Box::new(Input { lines: self.clone(), name }))
    }

    fn open_output(&self, spec: &OutputSpec) -> Result<Box<dyn OutputLine>, LineError> {
        let name = spec.line.to_string();
        let safe = spec.safe;
        self.state().outputs.entry(name.clone()).and_modify(|wanted| wanted.safe = safe).or_insert(Wanted {
            level: safe,
            safe,
            done: true,
        });
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
        let mut state = self.lines.state();
        let Some(seen) = state.inputs.get_mut(&self.name) else { return Ok(()) };
        seen.news.drain(..).for_each(&mut *give);
        let lost = std::mem::take(&mut seen.lost);
        if lost > 0 {
            give(Taken::Lost { at: now, count: lost });
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        let state = self.lines.state();
        let seen = state.inputs.get(&self.name)?;
        (seen.lost > 0 || !seen.news.is_empty()).then_some(Instant::ZERO)
    }

    fn level(&self) -> Result<Level, LineError> {
        let mut state = self.lines.state();
        let level = state.inputs.get(&self.name).and_then(|seen| seen.level);
        let level = level.ok_or_else(|| self.lines.away(&self.name, "read"))?;
        if let Some(seen) = state.inputs.get_mut(&self.name) {
            seen.told = Some(level);
        }
        Ok(level)
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
        let mut state = self.lines.state();
        let up = state.up;
        let Some(wanted) = state.outputs.get_mut(&self.name) else { return Ok(()) };
        if wanted.level != level {
            (wanted.level, wanted.done) = (level, false);
        }
        let missing = !up && level != wanted.safe;
        drop(state);
        self.lines.wake_thread();
        if missing { Err(self.lines.away(&self.name, "drive")) } else { Ok(()) }
    }

    fn reconfigure(&self, _: &OutputSpec, _: Level) -> Result<(), LineError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::{Active, Drive, Pull};

    const AT: Instant = Instant::from_micros(5);

    fn input(lines: &Arc<SatelliteLines>) -> Box<dyn InputLine> {
        let spec = InputSpec { line: Line::Name("button".into()), pull: Pull::AsIs, active: Active::High };
        lines.open_input(&spec, &Arc::default()).unwrap()
    }

    fn output(lines: &Arc<SatelliteLines>) -> Box<dyn OutputLine> {
        let line = Line::Name("lamp".into());
        let spec = OutputSpec { line, active: Active::High, drive: Drive::PushPull, safe: Level::Off };
        lines.open_output(&spec).unwrap()
    }

    fn taken(input: &mut dyn InputLine) -> Vec<Taken> {
        let mut all = Vec::new();
        input.take(AT, &mut |taken| all.push(taken)).unwrap();
        all
    }

    #[test]
    fn what_is_found_is_no_move_and_of_old_moves_only_the_last_counts() {
        let lines = SatelliteLines::new("porch");
        let mut button = input(&lines);
        assert!(button.level().is_err(), "nobody has heard of it yet");
        lines.saw("button", Level::Off, false, AT);
        lines.settle(AT);
        assert_eq!(taken(&mut *button), [Taken::Found { at: AT, level: Level::Off }]);
        for level in [Level::On, Level::Off, Level::On] {
            lines.saw("button", level, false, AT);
        }
        assert!(taken(&mut *button).is_empty());
        lines.settle(AT);
        assert_eq!(taken(&mut *button), [Taken::Edge { at: AT, level: Level::On }]);
        lines.saw("button", Level::Off, true, AT);
        lines.saw("button", Level::On, true, AT);
        assert_eq!(taken(&mut *button).len(), 2, "young ones are told each");
    }

    #[test]
    fn an_output_is_told_until_it_is_done_and_again_when_the_satellite_comes_back() {
        let lines = SatelliteLines::new("porch");
        let lamp = output(&lines);
        assert_eq!(lines.next_output(), None, "at its safe level it is left alone");
        assert!(lamp.set(Level::On).is_err(), "the satellite is not there");
        lines.set_up(true);
        assert_eq!(lines.next_output(), Some(("lamp".to_owned(), Level::On)));
        lamp.set(Level::Off).unwrap();
        lines.done("lamp", Level::On);
        assert_eq!(lines.next_output(), Some(("lamp".to_owned(), Level::Off)), "meanwhile it is another");
        lines.done("lamp", Level::Off);
        assert_eq!(lines.next_output(), None);
        lamp.set(Level::On).unwrap();
        lines.done("lamp", Level::On);
        lines.set_up(false);
        lines.set_up(true);
        assert_eq!(lines.next_output(), Some(("lamp".to_owned(), Level::On)));
    }
}
