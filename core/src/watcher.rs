//! The watcher of one input: raw level, reported level, and the debouncing between them.
//!
//! An edge only moves the watcher's one deadline; what is due is decided by [`Watcher::fire`], at the deadline's own
//! time, so that a late wake-up changes nothing. Once an input is quiet, its reported level is its raw level, for
//! every algorithm and every trace (I6); then the watcher asks for a reading of the line, in case the raw level is
//! not the physical one.

use crate::debounce::{Algorithm, Debounce};
use crate::id::InputId;
use crate::id::Level;
use crate::program::InputDef;
use crate::restore::Restore;
use crate::slots::Empty;
use crate::time::{Duration, Instant};

/// The shortest stillness that counts as quiet, for inputs whose algorithms have shorter spans or none.
pub const QUIET_MIN: Duration = Duration::from_millis(1);

/// The line has been read, or has moved.
const KNOWN: u8 = 1;
/// The last raw level is on.
const RAW: u8 = 2;
/// The reported level is on.
const REPORTED: u8 = RAW << 1;
/// The next edge away from the reported level is an onset, however short the agreement before it was.
const FRESH: u8 = 8;
/// The line has moved since it was read; when it is quiet it is read again.
const UNSETTLED: u8 = 16;
/// Before the restart, the reported level was known ...
const BEFORE: u8 = 32;
/// ... and on.
const BEFORE_ON: u8 = 64;
/// A command plays the line at another level than it has: a reading would only say so.
const PLAYED: u8 = 128;

/// A line, its levels and its debouncing. Spans are 32 bits of microseconds, 71 minutes, and are cut there: no span of
/// an algorithm is longer.
#[derive(Clone, Debug)]
pub struct Watcher {
    pub(crate) line: u32,
    pub(crate) storm: u16,
    /// Of the press and of the release. In parts, as sixteen microcontroller's inputs would pay for the padding of more.
    kind: [Kind; 2],
    t_us: [u32; 2],
    after_us: [u16; 2],
    max_wait_us: u32,
    flags: u8,
    /// Raw edges since the last event.
    edges: u16,
    /// Of `integrate`: time away from the reported level, on balance, as of `since`.
    acc: u32,
    /// What is left of the lock-out, as of `since`.
    lock: u32,
    /// While unsettled: the watcher wants to be fired so long after `since`.
    wait: u32,
    /// The last edge.
    since: Instant,
    onset: Instant,
}

impl Empty for Watcher {
    const EMPTY: Self = Self {
        line: 0,
        storm: 0,
        kind: [Kind::None; 2],
        t_us: [0; 2],
        after_us: [0; 2],
        max_wait_us: 0,
        flags: 0,
        edges: 0,
        acc: 0,
        lock: 0,
        wait: 0,
        since: Instant::ZERO,
        onset: Instant::ZERO,
    };
}

/// Which [`Algorithm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    None,
    Defer,
    Eager,
    Integrate,
}

impl Kind {
    const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::None => Self::None,
            Algorithm::Defer { .. } => Self::Defer,
            Algorithm::Eager { .. } => Self::Eager,
            Algorithm::Integrate { .. } => Self::Integrate,
        }
    }
}

const fn guard(algorithm: Algorithm) -> u16 {
    match algorithm {
        Algorithm::Eager { after_us, .. } => after_us,
        _ => 0,
    }
}

/// What a deadline brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// The reported level changed.
    Report {
        /// To this.
        level: Level,
        /// When the line first left the level reported before.
        onset: Instant,
        /// Raw edges since the last event, beyond the one that was needed.
        bounces: u16,
    },
    /// The line is quiet: read it.
    Ask,
    /// The deadline had moved.
    Nothing,
}

impl Watcher {
    /// A watcher of a line that was never read.
    pub fn new(def: InputDef) -> Self {
        let InputDef { line, debounce: Debounce { press, release, max_wait_us }, storm } = def;
        let (sides, t_us) = ([press, release], [press.t_us(), release.t_us()]);
        let (kind, after_us) = (sides.map(Kind::of), sides.map(guard));
        Self { line, storm, kind, t_us, after_us, max_wait_us, ..Self::EMPTY }
    }

    /// The last raw level, if any is known.
    pub const fn raw(&self) -> Option<Level> {
        self.level(KNOWN, RAW)
    }

    /// Whether the line was ever read; no line of a place that the program does not use was.
    #[inline]
    pub(crate) const fn is_known(&self) -> bool {
        self.has(KNOWN)
    }

    /// The reported level, if any is known.
    pub const fn reported(&self) -> Option<Level> {
        self.level(KNOWN, REPORTED)
    }

    /// Of an item of a checkpoint: an input's reported level before the restart, if nobody has read the line since. It still
    /// outlives the next restart.
    pub const fn unread(item: &Restore) -> Option<(InputId, Level)> {
        match *item {
            Restore::Watch { input, flags, .. } if flags & (KNOWN | BEFORE) == BEFORE => {
                Some((input, Level::from_bool(flags & BEFORE_ON != 0)))
            }
            _ => None,
        }
    }

    /// The reported level before the restart, if any was known.
    pub(crate) const fn before(&self) -> Option<Level> {
        self.level(BEFORE, BEFORE_ON)
    }

    const fn level(&self, known: u8, on: u8) -> Option<Level> {
        if self.has(known) { Some(Level::from_bool(self.has(on))) } else { None }
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn set(&mut self, flag: u8, on: bool) {
        if on {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    const fn away(&self) -> bool {
        // The two bits side by side.
        (self.flags ^ self.flags << 1) & REPORTED != 0
    }

    /// Of the edge away from the reported level.
    const fn in_force<T: Copy>(&self, [press, release]: [T; 2]) -> T {
        if self.has(REPORTED) { release } else { press }
    }

    /// When the watcher wants to be fired.
    #[inline]
    pub(crate) const fn due(&self) -> Instant {
        if self.has(UNSETTLED) {
            self.since.plus(Duration::from_micros(self.wait as u64))
        } else {
            Instant::NEVER
        }
    }

    /// From the last edge to `at`, in microseconds. Nothing here is told of a time before its last edge.
    const fn still(&self, at: Instant) -> u32 {
        let span = at.micros().wrapping_sub(self.since.micros());
        if span > u32::MAX as u64 { u32::MAX } else { (span & 0xffff_ffff) as u32 }
    }

    /// The first reading: reported at once, as there is nothing to debounce. False if a level was known already.
    pub fn start(&mut self, at: Instant, level: Level) -> bool {
        if self.has(KNOWN) {
            return false;
        }
        self.set(KNOWN | FRESH, true);
        self.set(RAW | REPORTED, level.is_on());
        self.since = at;
        true
    }

    /// The line, which is known, moved to `level` at `onset`, which is told of at `at`; or a reading found it there. Gives when
    /// the watcher wants to be fired.
    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline)]
    pub fn edge(&mut self, at: Instant, level: Level, onset: Instant) -> Instant {
        let (kind, t_us) = (self.in_force(self.kind), self.in_force(self.t_us));
        let still = self.still(at);
        let was_away = self.away();
        if kind == Kind::Integrate {
            self.acc = if was_away {
                self.acc.saturating_add(still).min(t_us)
            } else {
                self.acc.saturating_sub(still)
            };
        }
        if let Some(edges) = self.edges.checked_add(1) {
            self.edges = edges;
        }
        let raw = if level.is_on() { RAW } else { 0 };
        self.flags = self.flags & !(RAW | PLAYED) | raw | UNSETTLED;
        self.since = at;
        if self.lock > 0 {
            self.lock = self.lock.saturating_sub(still);
        }
        if self.away() {
            if !was_away && (self.has(FRESH) || still >= t_us) {
                self.onset = onset;
                self.flags &= !FRESH;
            }
            self.wait = self.decision();
        } else {
            self.wait = self.quiet();
        }
        at.plus(Duration::from_micros(u64::from(self.wait)))
    }

    /// A command plays the input as if its line had moved, until it plays it back or the line really moves.
    pub(crate) fn play(&mut self, at: Instant, level: Level) {
        let differs = self.raw() != Some(level);
        let played = self.has(PLAYED) != differs;
        self.edge(at, level, at);
        self.set(PLAYED, played);
    }

    /// Edges were lost: what was pending is void, and the next level counts as an edge even if it is the same.
    pub fn overrun(&mut self, at: Instant, lost: u32) {
        if !self.has(KNOWN) {
            return;
        }
        self.edges = self.edges.saturating_add(u16::try_from(lost).unwrap_or(u16::MAX));
        self.set(RAW, self.has(REPORTED));
        self.set(FRESH | UNSETTLED, true);
        self.acc = 0;
        self.lock = self.lock.saturating_sub(self.still(at));
        self.since = at;
        self.wait = self.quiet();
    }

    /// How long after the last edge the pending change is to be reported.
    fn decision(&self) -> u32 {
        let t_us = self.in_force(self.t_us);
        let wait = match self.in_force(self.kind) {
            Kind::None => 0,
            Kind::Eager => self.in_force(self.after_us).into(),
            Kind::Defer => t_us.min(self.limit(t_us)),
            Kind::Integrate => t_us.saturating_sub(self.acc).min(self.limit(t_us)),
        };
        wait.max(self.lock)
    }

    /// How long after the last edge `max-wait` passes.
    fn limit(&self, t_us: u32) -> u32 {
        let max_wait = match self.max_wait_us {
            0 => u64::from(t_us).wrapping_mul(10),
            us => u64::from(us),
        };
        cut(Duration::from_micros(max_wait).minus(self.since.since(self.onset)))
    }

    /// How long after the last edge the line is to be read again.
    fn quiet(&self) -> u32 {
        let [press, release] = self.t_us;
        press.max(release).max(cut(QUIET_MIN)).max(self.lock)
    }

    /// Does what is due at `at`, the watcher's own deadline.
    pub fn fire(&mut self, at: Instant) -> Fired {
        let still = self.still(at);
        if !(self.has(UNSETTLED) && self.has(KNOWN) && still >= self.wait) {
            return Fired::Nothing;
        }
        if !self.away() {
            self.set(UNSETTLED, false);
            return if self.has(PLAYED) { Fired::Nothing } else { Fired::Ask };
        }
        if self.in_force(self.kind) == Kind::Eager {
            self.lock = still.saturating_add(self.in_force(self.t_us));
        }
        let bounces = self.edges.saturating_sub(1);
        (self.edges, self.acc) = (0, 0);
        self.set(REPORTED, self.has(RAW));
        self.set(FRESH, true);
        self.wait = self.quiet().max(still);
        Fired::Report { level: Level::from_bool(self.has(RAW)), onset: self.onset, bounces }
    }

    /// Gives the state as restore items.
    pub(crate) fn checkpoint(&self, input: InputId, now: Instant, f: &mut dyn FnMut(Restore)) {
        if let Some((raw, reported)) = self.raw().zip(self.reported()) {
            f(Restore::Input { input, raw, reported });
        } else if self.flags == 0 {
            return;
        }
        f(Restore::Watch {
            input,
            flags: self.flags,
            edges: self.edges,
            acc: self.acc,
            since_ago: now.since(self.since),
            onset_ago: now.since(self.onset),
            lock_left: self.since.plus(Duration::from_micros(u64::from(self.lock))).since(now),
            due_left: self.due().left_at(now),
        });
    }

    /// Takes back what [`checkpoint`](Self::checkpoint) gave; false if the item is not an input's.
    pub(crate) fn restore(&mut self, item: &Restore, now: Instant) -> bool {
        match *item {
            Restore::Input { raw, reported, .. } => {
                self.flags = KNOWN | FRESH;
                self.set(RAW, raw.is_on());
                self.set(REPORTED, reported.is_on());
            }
            Restore::Watch { flags, edges, acc, since_ago, onset_ago, lock_left, due_left, .. } => {
                self.flags = flags;
                (self.edges, self.acc) = (edges, acc);
                (self.since, self.onset) = (now.minus(since_ago), now.minus(onset_ago));
                self.lock = if lock_left.is_zero() { 0 } else { self.still(now.plus(lock_left)) };
                self.wait = self.still(now.plus(due_left.unwrap_or_default()));
                self.set(UNSETTLED, due_left.is_some());
            }
            _ => return false,
        }
        true
    }

    /// Notes what was reported before the restart; the line itself is unknown until it is read.
    pub(crate) fn remember(&mut self, reported: Level) {
        self.set(BEFORE, true);
        self.set(BEFORE_ON, reported.is_on());
    }

    /// Goes on with the state of the watcher that the old program had for the same line. What is pending is decided
    /// by the new program's algorithms.
    pub(crate) fn take_over(&mut self, old: &Self, now: Instant) {
        let Self { line, storm, kind, t_us, after_us, max_wait_us, .. } = *self;
        let same = |of: &Self| {
            (of.kind, of.t_us, of.after_us, of.max_wait_us) == (kind, t_us, after_us, max_wait_us)
        };
        *self = Self { line, storm, kind, t_us, after_us, max_wait_us, ..old.clone() };
        if !same(old) && self.has(UNSETTLED) {
            self.acc = 0;
            let wait = if self.away() { self.decision() } else { self.quiet() };
            self.wait = wait.max(self.still(now));
        }
    }
}

/// A span in 32 bits of microseconds.
fn cut(span: Duration) -> u32 {
    u32::try_from(span.micros()).unwrap_or(u32::MAX)
}
