//! The lines of the program that runs, on the loop's thread: edges in the order of their stamps, levels out.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, LevelWhy, OverrunWhy};
use campanile_core::runner::Captured;
use campanile_core::time::Instant;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::safety::SafetyNet;
use super::wiring::{Opened, Wiring};
use crate::boards::{BoardSpec, InputLine, InputSpec, LineError, OutputLine, OutputSpec, Taken, WakeSlot};

/// An open input and where it came from.
pub struct OpenInput {
    /// Its board.
    pub board: BoardSpec,
    /// As it is configured.
    pub spec: InputSpec,
    /// The line.
    pub line: Box<dyn InputLine>,
}

/// An open output and where it came from.
pub struct OpenOutput {
    /// Its board.
    pub board: BoardSpec,
    /// As it is configured.
    pub spec: OutputSpec,
    /// The line.
    pub line: Arc<dyn OutputLine>,
}

/// An input of the lines that run.
struct Watched {
    open: OpenInput,
    /// It failed: said once, not asked again.
    dead: bool,
}

/// An output of the lines that run.
struct Driven {
    board: BoardSpec,
    spec: OutputSpec,
    /// None: the program that has it never runs on the lines, see [`Lines::ghost`].
    line: Option<Arc<dyn OutputLine>>,
    level: Level,
}

impl Driven {
    fn new(open: OpenOutput) -> Self {
        Self { level: open.spec.safe, board: open.board, spec: open.spec, line: Some(open.line) }
    }

    fn drive(&mut self, level: Level) -> Result<(), LineError> {
        if let Some(line) = &self.line {
            line.set(level)?;
        }
        self.level = level;
        Ok(())
    }
}

/// All open lines, in the order of the program's ids.
pub struct Lines {
    inputs: Vec<Watched>,
    outputs: Vec<Driven>,
    wake: Arc<WakeSlot>,
    net: SafetyNet,
    /// Taken and not yet given, in the order of time.
    queue: VecDeque<Captured>,
    /// All that happened up to here is in the queue, or was given.
    drained: Instant,
    /// A descriptor was seen to be readable and has not been read since.
    readable: bool,
}

impl Lines {
    /// These lines. `wake` is what the inputs were opened with; `net` catches the outputs.
    pub fn new(
        inputs: Vec<OpenInput>,
        outputs: Vec<OpenOutput>,
        wake: Arc<WakeSlot>,
        net: SafetyNet,
    ) -> Self {
        let mut lines = Self::empty(wake, net);
        lines.inputs = inputs.into_iter().map(|open| Watched { open, dead: false }).collect();
        lines.outputs = outputs.into_iter().map(Driven::new).collect();
        lines.spread_net();
        lines
    }

    /// Stands in for the lines of the program that ran before this start: nothing is read, and what is set is only
    /// remembered. [`rewire`](Self::rewire) gives the outputs that stay their levels.
    pub fn ghost(wiring: &Wiring, wake: Arc<WakeSlot>, net: SafetyNet) -> Self {
        let mut lines = Self::empty(wake, net);
        let ghost = |(board, spec): &(BoardSpec, OutputSpec)| Driven {
            board: board.clone(),
            spec: spec.clone(),
            line: None,
            level: spec.safe,
        };
        lines.outputs = wiring.outputs.iter().map(ghost).collect();
        lines
    }

    const fn empty(wake: Arc<WakeSlot>, net: SafetyNet) -> Self {
        Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            wake,
            net,
            queue: VecDeque::new(),
            drained: Instant::ZERO,
            readable: false,
        }
    }

    /// Goes over to the lines of another program: the lines that both have stay open, whatever their ids; `opened` has
    /// the others. What the kept lines said in the meantime keeps its place under the new id; those whose polarity or
    /// pull changed are read again. Lines that are new to the engine, the runner reads.
    pub fn rewire(&mut self, wiring: &Wiring, mut opened: Opened) {
        let mut old: Vec<Option<Watched>> = self.inputs.drain(..).map(Some).collect();
        let mut new_ids = vec![None; old.len()];
        let mut read_again = Vec::new();
        for ((board, spec), id) in wiring.inputs.iter().zip(0..) {
            let key = |watched: &Watched| watched.open.board == *board && watched.open.spec.line == spec.line;
            if let Some((place, mut watched)) = take_where(&mut old, key) {
                new_ids[place] = Some(InputId(id));
                if watched.open.spec != *spec {
                    say(watched.open.line.reconfigure(spec));
                    watched.open.spec = spec.clone();
                    read_again.push(InputId(id));
                }
                self.inputs.push(watched);
            } else if let Some(open) = opened.take_input(board, spec) {
                self.inputs.push(Watched { open, dead: false });
            }
        }
        drop(old);
        self.rewire_outputs(wiring, opened);
        self.queue.retain_mut(|captured| renumber(&mut captured.input, &new_ids));
        for input in read_again {
            if let Some(level) = self.read(input) {
                let at = now();
                let input = Input::Level { input, level, why: LevelWhy::Quiet };
                self.queue.push_back(Captured { at, input });
                self.drained = self.drained.max(at);
            }
        }
    }

    fn rewire_outputs(&mut self, wiring: &Wiring, mut opened: Opened) {
        let mut old: Vec<Option<Driven>> = self.outputs.drain(..).map(Some).collect();
        for (board, spec) in &wiring.outputs {
            let kept = take_where(&mut old, |driven| driven.board == *board && driven.spec.line == spec.line);
            let fresh = opened.take_output(board, spec).map(Driven::new);
            let driven = match (kept, fresh) {
                (Some((_, ghost)), Some(mut fresh)) => {
                    say(fresh.drive(ghost.level));
                    fresh
                }
                (Some((_, mut kept)), None) => {
                    if let Some(line) = kept.line.as_ref().filter(|_| kept.spec != *spec) {
                        say(line.reconfigure(spec, kept.level));
                        kept.spec = spec.clone();
                    }
                    kept
                }
                (None, Some(fresh)) => fresh,
                (None, None) => continue,
            };
            self.outputs.push(driven);
        }
        // Those that the new program has not: safe, and let go.
        for mut gone in old.into_iter().flatten() {
            say(gone.drive(gone.spec.safe));
        }
        self.spread_net();
    }

    fn spread_net(&self) {
        let held = self.outputs.iter().filter_map(|driven| Some((driven.line.clone()?, driven.spec.safe)));
        self.net.hold(held.collect());
    }

    /// The descriptors to sleep on.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.inputs.iter().filter(|watched| !watched.dead).filter_map(|watched| watched.open.line.fd())
    }

    /// A descriptor is readable: whoever waits for edges is woken.
    pub fn announce(&mut self) {
        self.readable = true;
        self.wake.wake();
    }

    /// Where the waker of whoever waits for edges belongs.
    pub fn wake_slot(&self) -> &Arc<WakeSlot> {
        &self.wake
    }

    /// Whether [`take`](Self::take) may give something.
    pub fn has_news(&self) -> bool {
        self.readable || !self.queue.is_empty() || self.due().is_some_and(|due| due <= now())
    }

    /// When a virtual line will move by itself.
    pub fn due(&self) -> Option<Instant> {
        self.inputs.iter().filter(|watched| !watched.dead).filter_map(|watched| watched.open.line.due()).min()
    }

    /// The oldest of what happened; `None` if nothing has, up to the moment of the call.
    pub fn take(&mut self) -> Option<Captured> {
        // An edge may be younger than the look at the lines that found it; then another line may have one between.
        if self.queue.front().is_none_or(|first| first.at > self.drained) {
            self.drain();
        }
        if self.queue.front()?.at > self.drained {
            return None;
        }
        self.queue.pop_front()
    }

    fn drain(&mut self) {
        let start = now();
        self.readable = false;
        let ready = self.ready();
        let before = self.queue.len();
        for (id, watched) in self.inputs.iter_mut().enumerate() {
            let asked = !watched.dead && (ready.contains(&id) || watched.open.line.fd().is_none());
            if !asked {
                continue;
            }
            let input = InputId(id as u8);
            let queue = &mut self.queue;
            let result = watched.open.line.take(start, &mut |taken| {
                queue.push_back(match taken {
                    Taken::Edge { at, level } => Captured { at, input: Input::Edge { input, level } },
                    // The runner reads the line when it comes to this.
                    Taken::Lost { at, count } => {
                        let why = OverrunWhy::Kernel;
                        Captured { at, input: Input::Overrun { input: Some(input), lost: count, why } }
                    }
                });
            });
            if let Err(error) = result {
                tracing::error!("{error}; it is not watched any more: repair it and restart");
                watched.dead = true;
            }
        }
        self.drained = start;
        if self.queue.len() > before {
            // Stable: of one line, the order of the source stays.
            self.queue.make_contiguous().sort_by_key(|captured| captured.at);
        }
    }

    /// Places of the inputs whose descriptor is readable, without waiting.
    fn ready(&self) -> Vec<usize> {
        let alive = || {
            let inputs = self.inputs.iter().enumerate().filter(|(_, watched)| !watched.dead);
            inputs.filter_map(|(id, watched)| Some((id, watched.open.line.fd()?)))
        };
        let mut fds: Vec<_> = alive().map(|(_, fd)| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        if fds.is_empty() {
            return Vec::new();
        }
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut fds, Some(&at_once)).unwrap_or(0) == 0 {
            return Vec::new();
        }
        let readable = |((id, _), fd): ((usize, _), &PollFd<'_>)| (!fd.revents().is_empty()).then_some(id);
        alive().zip(&fds).filter_map(readable).collect()
    }

    /// Reads an input.
    pub fn read(&self, input: InputId) -> Option<Level> {
        let watched = self.inputs.get(input.index()).filter(|watched| !watched.dead)?;
        watched.open.line.level().inspect_err(|error| tracing::warn!("{error}")).ok()
    }

    /// Drives an output.
    ///
    /// # Errors
    /// The program has more outputs than lines, or the hardware refuses.
    pub fn set(&mut self, output: OutputId, level: Level) -> Result<(), LineError> {
        let Some(driven) = self.outputs.get_mut(output.index()) else {
            let line = format!("of output {}", output.0);
            return Err(LineError::Failed { line, what: "drive", why: "it is not open".to_owned() });
        };
        driven.drive(level)
    }

    /// Switches an input's edges off or on.
    pub fn mask(&mut self, input: InputId, masked: bool) {
        if let Some(watched) = self.inputs.get_mut(input.index()) {
            watched.open.line.mask(masked);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.net.release();
    }
}

/// The time of the loop.
pub fn now() -> Instant {
    Instant::from_micros(campanile_clock::now_us())
}

/// Takes out the first that fits, with its place.
fn take_where<T>(items: &mut [Option<T>], fits: impl Fn(&T) -> bool) -> Option<(usize, T)> {
    let place = items.iter().position(|item| item.as_ref().is_some_and(&fits))?;
    Some((place, items[place].take()?))
}

/// A line that does not do as it is told in a swap is said and not fatal: the program runs without it.
fn say(result: Result<(), LineError>) {
    if let Err(error) = result {
        tracing::error!("{error}");
    }
}

/// Gives an input of the lines its new id; false if its line is gone.
fn renumber(input: &mut Input, new_ids: &[Option<InputId>]) -> bool {
    let (Input::Edge { input: id, .. }
    | Input::Level { input: id, .. }
    | Input::Overrun { input: Some(id), .. }) = input
    else {
        return true;
    };
    match new_ids.get(id.index()).copied().flatten() {
        Some(new) => {
            *id = new;
            true
        }
        None => false,
    }
}
