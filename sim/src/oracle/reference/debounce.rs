//! When a line is believed. Levels are logical; the algorithm of the edge away from the reported level is in force.

use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::id::Level;
use campanile_core::time::{Duration, Instant};

/// One line: what came in, and what was made of it.
#[derive(Clone, Debug)]
pub struct Line {
    debounce: Debounce,
    pub(super) seen: Option<Seen>,
    /// What was reported before the restart.
    before: Option<Level>,
}

/// A line whose level is known.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) raw: Level,
    pub(super) reported: Level,
    pub(super) last_edge: Instant,
    /// The edge that left the reported level.
    pub(super) onset: Instant,
    /// The next edge away from the reported level is an onset, however short the agreement before it was.
    pub(super) fresh: bool,
    pub(super) lock_end: Instant,
    /// Of `integrate`: time away from the reported level less time at it, up to the last edge.
    pub(super) balance: Duration,
    /// Since the last event.
    pub(super) edges: u32,
    /// Nothing is decided before this: a swap of programs.
    pub(super) not_before: Instant,
}

/// A line is believed to have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// To this level.
    pub level: Level,
    /// When it began.
    pub onset: Instant,
    /// Raw edges since the report before, less the one that was needed.
    pub bounces: u16,
}

impl Line {
    /// A line of which nothing is known.
    #[must_use]
    pub const fn new(debounce: Debounce) -> Self {
        Self { debounce, seen: None, before: None }
    }

    /// The reported level, if any is known.
    #[must_use]
    pub fn reported(&self) -> Option<Level> {
        self.seen.as_ref().map(|seen| seen.reported)
    }

    /// The last raw level, if any is known.
    #[must_use]
    pub fn raw(&self) -> Option<Level> {
        self.seen.as_ref().map(|seen| seen.raw)
    }

    /// What was reported before the restart, if anything was.
    pub(super) const fn before(&self) -> Option<Level> {
        self.before
    }

    pub(super) const fn remember(&mut self, reported: Level) {
        self.before = Some(reported);
    }

    /// The first reading sets the reported level; false if a level is known already.
    pub fn first(&mut self, at: Instant, level: Level) -> bool {
        if self.seen.is_some() {
            return false;
        }
        self.seen = Some(Seen {
            raw: level,
            reported: level,
            last_edge: at,
            onset: at,
            fresh: true,
            lock_end: at,
            balance: Duration::ZERO,
            edges: 0,
            not_before: at,
        });
        true
    }

    /// The line, of which something is known, moved, `late` before `at`; or a reading is to be taken as a move.
    pub fn edge(&mut self, at: Instant, level: Level, late: Duration) {
        let balance = self.balance_at(at);
        let t = self.in_force().span();
        let Some(seen) = &mut self.seen else { return };
        let agreed = seen.fresh || at.since(seen.last_edge) >= t;
        if seen.raw == seen.reported && level != seen.reported && agreed {
            (seen.onset, seen.fresh) = (at.minus(late), false);
        }
        (seen.raw, seen.last_edge, seen.balance) = (level, at, balance);
        seen.edges = seen.edges.saturating_add(1);
    }

    /// Edges were lost: what is pending is void.
    pub fn overrun(&mut self, at: Instant, lost: u32) {
        let Some(seen) = &mut self.seen else { return };
        (seen.raw, seen.last_edge, seen.balance, seen.fresh) = (seen.reported, at, Duration::ZERO, true);
        seen.edges = seen.edges.saturating_add(lost);
    }

    /// When the change that is pending is to be reported, if nothing more comes: the first moment at which it is believed.
    /// That can only be one of a few.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let seen = self.seen.as_ref().filter(|seen| seen.raw != seen.reported)?;
        let t = self.in_force().span();
        let guard = match self.in_force() {
            Algorithm::Eager { after_us, .. } => Duration::from_micros(after_us.into()),
            _ => Duration::ZERO,
        };
        let from = seen.last_edge.max(seen.not_before);
        let moments = [
            from,
            seen.lock_end,
            seen.last_edge.plus(guard),
            seen.last_edge.plus(t),
            seen.last_edge.plus(t.minus(seen.balance)),
            seen.onset.plus(self.max_wait()),
        ];
        moments.into_iter().filter(|at| *at >= from && self.believes(seen, *at)).min()
    }

    /// Whether a pending change is believed at `at`, if no edge has come since the last.
    fn believes(&self, seen: &Seen, at: Instant) -> bool {
        let still = at.since(seen.last_edge);
        let waited = at.since(seen.onset) >= self.max_wait();
        let says = match self.in_force() {
            Algorithm::None => true,
            Algorithm::Eager { after_us, .. } => still.micros() >= after_us.into(),
            Algorithm::Defer { t_us } => still >= span(t_us) || waited,
            Algorithm::Integrate { t_us } => self.balance_at(at) >= span(t_us) || waited,
        };
        says && at >= seen.lock_end
    }

    /// The pending change is reported now.
    pub fn report(&mut self, at: Instant) -> Option<Report> {
        let in_force = self.in_force();
        let seen = self.seen.as_mut().filter(|seen| seen.raw != seen.reported)?;
        if let Algorithm::Eager { t_us, .. } = in_force {
            seen.lock_end = at.plus(span(t_us));
        }
        let bounces = u16::try_from(seen.edges).unwrap_or(u16::MAX).saturating_sub(1);
        (seen.reported, seen.balance, seen.edges, seen.fresh) = (seen.raw, Duration::ZERO, 0, true);
        Some(Report { level: seen.raw, onset: seen.onset, bounces })
    }

    /// The same line under another program: what is pending is decided by the new algorithms, and not in the past.
    pub(super) fn swapped(&self, at: Instant, debounce: Debounce) -> Self {
        let mut line = Self { debounce, ..self.clone() };
        if let Some(seen) = line.seen.as_mut().filter(|_| debounce != self.debounce) {
            seen.balance = Duration::ZERO;
            seen.not_before = seen.not_before.max(at);
        }
        line
    }

    /// The algorithm of the edge away from the reported level.
    fn in_force(&self) -> Algorithm {
        if self.reported() == Some(Level::On) { self.debounce.release } else { self.debounce.press }
    }

    /// Of `defer` and `integrate`: a change is reported at the latest so long behind its onset.
    fn max_wait(&self) -> Duration {
        match self.debounce.max_wait_us {
            0 => Duration::from_micros(self.in_force().span().micros() * 10),
            us => span(us),
        }
    }

    /// Time away from the reported level less time at it, between 0 and T.
    fn balance_at(&self, at: Instant) -> Duration {
        let Some(seen) = &self.seen else { return Duration::ZERO };
        let passed = at.since(seen.last_edge);
        if seen.raw == seen.reported {
            seen.balance.minus(passed)
        } else {
            seen.balance.plus(passed).min(self.in_force().span())
        }
    }
}

const fn span(us: u32) -> Duration {
    Duration::from_micros(us as u64)
}
