//! The most steps on any way through a piece of code, with waits or without.

/// A number of steps, or that there is no such way: in one word, and "no way" is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Steps(u32);

impl Steps {
    const NO_WAY: Self = Self(0);
    const NONE: Self = Self(1);

    /// So many.
    pub(super) const fn of(steps: u32) -> Self {
        Self(steps.saturating_add(1))
    }

    /// How many, if there is such a way.
    pub(super) const fn known(self) -> Option<u32> {
        self.0.checked_sub(1)
    }

    /// One way behind another.
    #[cfg_attr(feature = "small", inline(never))]
    pub(super) const fn then(self, next: Self) -> Self {
        match (self.0, next.0) {
            (0, _) | (_, 0) => Self::NO_WAY,
            (a, b) => Self(a.saturating_add(b.saturating_sub(1))),
        }
    }
}

/// Of one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// From the start to the end, without a wait.
    pub(super) through: Steps,
    /// From the start to the first wait.
    head: Steps,
    /// From the last wait to the end.
    pub(super) tail: Steps,
}

impl Count {
    /// Of no code at all.
    pub(super) const NOTHING: Self = Self { through: Steps::NONE, head: Steps::NO_WAY, tail: Steps::NO_WAY };
    /// Of a step that does not wait.
    pub(super) const STEP: Self = Self { through: Steps::of(1), ..Self::NOTHING };
    /// Of a wait; it is a step too, in front of this.
    pub(super) const WAIT: Self = Self { through: Steps::NO_WAY, head: Steps::NONE, tail: Steps::NONE };

    /// Of this piece and another behind it.
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            through: self.through.then(next.through),
            head: self.head.max(self.through.then(next.head)),
            tail: next.tail.max(self.tail.then(next.through)),
        }
    }

    /// Of either of two pieces.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            through: self.through.max(other.through),
            head: self.head.max(other.head),
            tail: self.tail.max(other.tail),
        }
    }

    /// Of so many rounds of this piece; `None` for a number that nobody knows.
    pub(super) fn times(self, rounds: Option<u32>) -> Self {
        let Some(rounds) = rounds else { return self.or(Self::NOTHING) };
        let Some(others) = rounds.checked_sub(1) else { return Self::NOTHING };
        Self {
            through: self.passed(rounds),
            head: self.head.then(self.passed(others).max(Steps::NONE)),
            tail: self.tail.then(self.passed(others).max(Steps::NONE)),
        }
    }

    /// The longest slice that ends in another round than it began in, or that comes from in front of the loop, with
    /// `before` steps behind it, and ends in any round. `None` if there is no bound.
    pub(super) fn longest_across(self, rounds: Option<u32>, before: u32) -> Option<u32> {
        let (from_before, from_tail) = match rounds {
            Some(rounds) => (rounds.checked_sub(1), rounds.checked_sub(2)),
            // Every round waits, or there is no bound.
            None if self.through > Steps::NO_WAY => return None,
            None => (Some(0), Some(0)),
        };
        let passing =
            |others: Option<u32>| others.map_or(Steps::NO_WAY, |others| self.passed(others).max(Steps::NONE));
        let from_before = passing(from_before).then(self.head).then(Steps::of(before));
        let from_tail = passing(from_tail).then(self.head).then(self.tail);
        Some(from_before.max(from_tail).known().unwrap_or(0))
    }

    /// So many rounds without a wait in any of them.
    #[cfg_attr(feature = "small", inline(never))]
    fn passed(self, rounds: u32) -> Steps {
        self.through.known().map_or(Steps::NO_WAY, |steps| Steps::of(steps.saturating_mul(rounds)))
    }
}
