//! What an engine has besides its tables: where it is, what it owes, and when it has to look again.

use crate::bits::{Bits, bit, take_lowest};
use crate::decision::By;
use crate::engine::wall::{Off, WallClock};
use crate::fifo::Fifo;
use crate::id::{InputId, OutputId, PeerId, RunId};
use crate::input::Origin;
use crate::program::image::Counts;
use crate::scenario::agenda::Agenda;
use crate::time::Instant;
use crate::watcher::Watcher;

/// How many commands are kept to recognise a repeat.
pub(crate) const COMMANDS_KEPT: usize = 16;

/// What is not in a table. In this order in memory: what stands near the start is reached by shorter instructions on a
/// microcontroller, bytes before words, and the large ones last.
#[derive(Clone)]
#[repr(C)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// The run that executes.
    pub(crate) active: Option<Active>,
    /// Slots of runs from here on are free.
    pub(crate) slots: u8,
    /// A run may be in a `wait-until`; if not, no change concerns any.
    pub(crate) until: bool,
    pub(crate) counts: Counts,
    /// Watchers that have a deadline, a bit each: in a quiet house few have one.
    pub(crate) watching: Bits,
    /// Inputs to be read, a bit each.
    pub(crate) ask: Bits,
    /// Outputs to be driven, a bit each.
    pub(crate) drive: Bits,
    /// When the last thing happened.
    pub(crate) now: Instant,
    /// Nothing is to be done before this: the earlier of the two that follow, or the epoch while something waits to be
    /// done at once. It may be too early, never too late.
    pub(crate) next: Instant,
    /// No watcher is due before this.
    next_watcher: Instant,
    /// Nothing else is due before this.
    next_timer: Instant,
    /// When runs that wait for the clock look again.
    pub(crate) minute: Instant,
    /// Outputs that a trigger is about, a bit each: most are none's business.
    pub(crate) watched_outputs: Bits,
    /// Outputs that a run may have written last, a bit each: all that its end has to look at.
    pub(crate) owned_outputs: Bits,
    /// Outputs that safety took at `held_at`, a bit each: no one else may have them then.
    held: Bits,
    held_at: Instant,
    /// Peers that are there, a bit each.
    pub(crate) links: Bits,
    /// Deadlines of `every` before this fell into a stall.
    pub(crate) stall: Instant,
    /// Of the program, if there is one: see [`Phase::Empty`].
    pub(crate) hash: u64,
    pub(crate) clock: WallClock,
    pub(crate) off: Off,
    pub(crate) agenda: Agenda,
    pub(crate) commands: Fifo<CommandKey, COMMANDS_KEPT>,
}

/// Where an engine stands between `load` and its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is no program.
    Empty,
    Running,
    /// The start is not over: `started` triggers have not fired.
    Starting,
    /// Outputs are safe, and nothing is decided any more.
    Stopped,
}

/// What tells a command from others; packed, as sixteen are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed)]
pub(crate) struct CommandKey {
    pub(crate) origin: Origin,
    pub(crate) id: u32,
}

/// A run between two of its steps.
#[derive(Clone, Copy)]
pub(crate) struct Active {
    pub(crate) run: RunId,
    /// Since it went on; 255 at the most.
    pub(crate) steps: u8,
}

impl State {
    /// All zeros in memory, so that an engine in a static takes no flash.
    pub(crate) const fn new() -> Self {
        Self {
            hash: 0,
            counts: Counts {
                inputs: 0,
                outputs: 0,
                sensors: 0,
                variables: 0,
                triggers: 0,
                schedules: 0,
                scenarios: 0,
                code: 0,
            },
            now: Instant::ZERO,
            next: Instant::ZERO,
            next_watcher: Instant::ZERO,
            next_timer: Instant::ZERO,
            watching: 0,
            phase: Phase::Empty,
            agenda: Agenda::new(),
            active: None,
            ask: 0,
            drive: 0,
            held: 0,
            held_at: Instant::ZERO,
            watched_outputs: 0,
            owned_outputs: 0,
            slots: 0,
            links: 0,
            until: false,
            clock: WallClock::UNSET,
            minute: Instant::ZERO,
            off: Off::NoBoot,
            stall: Instant::ZERO,
            commands: Fifo::new(CommandKey { origin: Origin::Local, id: 0 }),
        }
    }

    /// Of a program whose deadlines come now.
    pub(crate) fn fresh() -> Self {
        Self {
            next_watcher: Instant::NEVER,
            next_timer: Instant::NEVER,
            minute: Instant::NEVER,
            ..Self::new()
        }
    }

    /// Safety takes an output.
    pub(crate) fn hold(&mut self, output: OutputId) {
        if self.held_at != self.now {
            (self.held_at, self.held) = (self.now, 0);
        }
        self.held |= bit(output.0);
    }

    /// Safety holds none.
    pub(crate) const fn release(&mut self) {
        self.held = 0;
    }

    /// Whether safety took the output at this instant.
    pub(crate) fn is_held(&self, output: OutputId) -> bool {
        self.held & bit(output.0) != 0 && self.held_at == self.now
    }

    /// The last `Clock`, if it is synchronised.
    pub(crate) fn trusted_clock(&self) -> Option<&WallClock> {
        Some(&self.clock).filter(|clock| clock.trusted() == Some(true))
    }

    /// Whether a peer is there.
    pub(crate) const fn has_link(&self, peer: PeerId) -> bool {
        self.links & bit(peer.0) != 0
    }

    /// Whether nothing is left to do before an input at `at` is taken.
    #[inline]
    pub(crate) fn is_free(&self, at: Instant) -> bool {
        self.next > at
    }

    /// Whether an edge at `at` is no more than an edge: in time, and with nothing to do before it.
    #[inline]
    pub(crate) fn takes_edge(&self, at: Instant) -> bool {
        at >= self.now && self.is_free(at) && self.phase == Phase::Running
    }

    /// Brings `next` up to date, after anything that may have left something to do.
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) fn settle(&mut self) {
        let idle = self.ask | self.drive == 0 && self.active.is_none() && self.agenda.is_empty();
        self.next = if idle { self.next_watcher.min(self.next_timer) } else { Instant::ZERO };
    }

    /// Something other than a watcher is due at `at`.
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) fn wake_at(&mut self, at: Instant) {
        self.next_timer = self.next_timer.min(at);
    }

    /// A watcher is due at `at`. Mostly it is the only one; then this is known to be the first deadline of all.
    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline)]
    pub(crate) fn watch(&mut self, input: InputId, at: Instant) {
        let only = bit(input.0);
        if self.watching == only {
            self.next_watcher = at;
        } else {
            self.next_watcher = if self.watching == 0 { at } else { self.next_watcher.min(at) };
            self.watching |= only;
        }
        self.next = self.next_watcher.min(self.next_timer);
    }

    /// An output has a new last writer.
    pub(crate) fn note_writer(&mut self, output: OutputId, by: By) {
        let own = if matches!(by, By::Run { .. }) { bit(output.0) } else { 0 };
        self.owned_outputs = self.owned_outputs & !bit(output.0) | own;
    }

    /// Any watcher and any timer may be due: the next call of `poll` finds out.
    pub(crate) fn look_everywhere(&mut self) {
        (self.next_watcher, self.next_timer) = (Instant::ZERO, Instant::ZERO);
        self.watching = Bits::MAX;
    }

    /// The first of the watchers' deadlines.
    pub(crate) fn first_watcher(&mut self, inputs: &[Watcher]) -> (Instant, InputId) {
        let mut first = (Instant::NEVER, InputId(0));
        let mut left = self.watching;
        while let Some(index) = take_lowest(&mut left) {
            let input = InputId(index);
            let due = inputs.get(input.index()).map_or(Instant::NEVER, |watcher| watcher.due());
            if due < first.0 {
                first = (due, input);
            } else if !due.is_set() {
                self.watching &= !bit(index);
            }
        }
        first
    }

    pub(crate) const fn next_watcher(&self) -> Instant {
        self.next_watcher
    }

    pub(crate) const fn next_timer(&self) -> Instant {
        self.next_timer
    }

    /// What a search has found.
    pub(crate) fn set_next(&mut self, watcher: Instant, timer: Instant) {
        (self.next_watcher, self.next_timer) = (watcher, timer);
    }
}
