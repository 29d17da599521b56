//! The lines of the program that runs, on the loop's thread: edges in the order of their stamps, levels out.

mod line;
mod rewire;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, LevelWhy, OverrunWhy};
use campanile_core::runner::Captured;
use campanile_core::time::Instant;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::line::{Driven, Watched};
pub use self::line::{OpenInput, OpenOutput};
use super::safety::SafetyNet;
use super::wiring::Wiring;
use crate::boards::{Line, LineError, Taken, WakeSlot};

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
        lines.inputs = inputs.into_iter().map(Watched::new).collect();
        lines.outputs = outputs.into_iter().map(Driven::new).collect();
        lines.spread_net(lines.outputs.iter());
        lines
    }

    /// Stands in for the lines of the program that ran before this start: nothing is read, and what is set is only
    /// remembered. [`rewire`](Self::rewire) gives the outputs that stay their levels.
    pub fn ghost(wiring: &Wiring, wake: Arc<WakeSlot>, net: SafetyNet) -> Self {
        let mut lines = Self::empty(wake, net);
        lines.outputs = wiring.outputs.iter().map(|(board, spec)| Driven::ghost(board, spec)).collect();
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

    fn spread_net<'a>(&self, outputs: impl Iterator<Item = &'a Driven>) {
        let held = outputs.filter_map(|driven| Some((driven.line.clone()?, driven.spec.safe)));
        self.net.hold(held.collect());
    }

    /// The descriptors to sleep on.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.inputs.iter().filter(|watched| watched.is_well()).filter_map(|watched| watched.open.line.fd())
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

    /// When a virtual line will move by itself, or one that failed is to be tried again.
    pub fn due(&self) -> Option<Instant> {
        self.inputs.iter().filter_map(Watched::due).min()
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
            let input = InputId(id as u8);
            let queue = &mut self.queue;
            if let Some(level) = watched.try_again(start) {
                queue.push_back(Captured {
                    at: start,
                    input: Input::Level { input, level, why: LevelWhy::Gap },
                });
            }
            let asked = watched.is_well() && (ready.contains(&id) || watched.open.line.fd().is_none());
            if !asked {
                continue;
            }
            watched.take(start, &mut |taken| {
                queue.push_back(match taken {
                    Taken::Edge { at, level } => Captured { at, input: Input::Edge { input, level } },
                    Taken::Found { at, level } => {
                        Captured { at, input: Input::Level { input, level, why: LevelWhy::Gap } }
                    }
                    // The runner reads the line when it comes to this.
                    Taken::Lost { at, count } => {
                        let why = OverrunWhy::Kernel;
                        Captured { at, input: Input::Overrun { input: Some(input), lost: count, why } }
                    }
                });
            });
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
            let inputs = self.inputs.iter().enumerate().filter(|(_, watched)| watched.is_well());
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
    pub fn read(&mut self, input: InputId) -> Option<Level> {
        self.inputs.get_mut(input.index())?.read(now())
    }

    /// Drives an output. What the hardware refuses is said here, now and then.
    ///
    /// # Errors
    /// The program has more outputs than lines, or the hardware refuses.
    pub fn set(&mut self, output: OutputId, level: Level) -> Result<(), LineError> {
        let Some(driven) = self.outputs.get_mut(output.index()) else {
            return Err(LineError::not_open(&Line::Name(format!("of output {}", output.0))));
        };
        driven.set(level, now())
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
