//! The lines of the program that runs, on the loop's thread: edges in the order of their stamps, levels out.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, LevelWhy, OverrunWhy};
use campanile_core::time::Instant;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::safety::SafetyNet;
use super::wiring::{Opened, Wiring};
use crate::boards::{
    BoardSpec, InputLine, InputSpec, Line, LineError, OutputLine, OutputSpec, Taken, WakeSlot,
};

/// An input that comes out of the lines, with its own stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When it happened.
    pub at: Instant,
    /// What.
    pub input: Input,
}

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
    open: OpenOutput,
    level: Level,
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
        let mut lines = Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            wake,
            net,
            queue: VecDeque::new(),
            drained: Instant::ZERO,
            readable: false,
        };
        lines.inputs = inputs.into_iter().map(|open| Watched { open, dead: false }).collect();
        lines.outputs = outputs.into_iter().map(|open| Driven { level: open.spec.safe, open }).collect();
        lines.spread_net();
        lines
    }

    /// Goes over to the lines of another program: the lines that both have stay open, whatever their ids; `opened` has
    /// the others. What the kept lines said in the meantime keeps its place under the new id.
    pub fn rewire(&mut self, wiring: &Wiring, mut opened: Opened) {
        let mut old_inputs: Vec<Option<Watched>> = self.inputs.drain(..).map(Some).collect();
        let mut old_outputs: Vec<Option<Driven>> = self.outputs.drain(..).map(Some).collect();
        let mut new_ids = vec![None; old_inputs.len()];
        let mut read_again = Vec::new();
        for (id, (board, spec)) in wiring.inputs.iter().enumerate() {
            let kept = position(
                &old_inputs,
                |watched| (&watched.open.board, &watched.open.spec.line),
                board,
                &spec.line,
            );
            if let Some((old_id, mut watched)) = kept.and_then(|i| Some((i, old_inputs[i].take()?))) {
                new_ids[old_id] = Some(InputId(id as u8));
                if watched.open.spec != *spec {
                    if let Err(error) = watched.open.line.reconfigure(spec) {
                        tracing::error!("{error}");
                    }
                    watched.open.spec = spec.clone();
                    read_again.push(id);
                }
                self.inputs.push(watched);
            } else if let Some(open) = opened.take_input(board, spec) {
                self.inputs.push(Watched { open, dead: false });
                read_again.push(id);
            }
        }
        for (board, spec) in &wiring.outputs {
            let kept = position(
                &old_outputs,
                |driven| (&driven.open.board, &driven.open.spec.line),
                board,
                &spec.line,
            );
            if let Some(mut driven) = kept.and_then(|i| old_outputs[i].take()) {
                if driven.open.spec != *spec {
                    if let Err(error) = driven.open.line.reconfigure(spec, driven.level) {
                        tracing::error!("{error}");
                    }
                    driven.open.spec = spec.clone();
                }
                self.outputs.push(driven);
            } else if let Some(open) = opened.take_output(board, spec) {
                self.outputs.push(Driven { level: spec.safe, open });
            }
        }
        // Those that the new program has not: safe, and let go.
        for gone in old_outputs.into_iter().flatten() {
            if let Err(error) = gone.open.line.set(gone.open.spec.safe) {
                tracing::error!("{error}");
            }
        }
        self.spread_net();
        self.queue.retain_mut(|captured| renumber(&mut captured.input, &new_ids));
        for id in read_again {
            self.read_into_queue(InputId(id as u8), LevelWhy::Start, now());
        }
    }

    fn spread_net(&self) {
        let held = self.outputs.iter().map(|driven| (driven.open.line.clone(), driven.open.spec.safe));
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
        let mut gaps = Vec::new();
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
                    Taken::Lost { at, count } => {
                        gaps.push(input);
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
        for input in gaps {
            self.read_into_queue(input, LevelWhy::Gap, now());
        }
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

    fn read_into_queue(&mut self, input: InputId, why: LevelWhy, at: Instant) {
        if let Some(level) = self.read(input) {
            self.queue.push_back(Captured { at, input: Input::Level { input, level, why } });
            self.drained = self.drained.max(at);
        }
    }

    /// Reads an input.
    pub fn read(&self, input: InputId) -> Option<Level> {
        let watched = self.inputs.get(input.index()).filter(|watched| !watched.dead)?;
        watched.open.line.level().inspect_err(|error| tracing::warn!("{error}")).ok()
    }

    /// Every input, by its id.
    pub fn input_ids(&self) -> impl Iterator<Item = InputId> + use<> {
        (0..self.inputs.len()).map(|id| InputId(id as u8))
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
        driven.open.line.set(level)?;
        driven.level = level;
        Ok(())
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

fn position<'a, T>(
    old: &'a [Option<T>],
    key: impl Fn(&'a T) -> (&'a BoardSpec, &'a Line),
    board: &BoardSpec,
    line: &Line,
) -> Option<usize> {
    old.iter().position(|item| item.as_ref().is_some_and(|item| key(item) == (board, line)))
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
