//! The most steps on any way through a piece of code, with waits or without.

/// Of one piece; `None` where there is no such way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// From the start to the end, without a wait.
    pub(super) through: Option<u32>,
    /// From the start to the first wait.
    head: Option<u32>,
    /// From the last wait to the end.
    pub(super) tail: Option<u32>,
}

impl Count {
    /// Of no code at all.
    pub(super) const NOTHING: Self = Self { through: Some(0), head: None, tail: None };
    /// Of a step that does not wait.
    pub(super) const STEP: Self = Self { through: Some(1), ..Self::NOTHING };
    /// Of a wait; it is a step too, in front of this.
    pub(super) const WAIT: Self = Self { through: None, head: Some(0), tail: Some(0) };

    /// Of this piece and another behind it.
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            through: sum(self.through, next.through),
            head: self.head.max(sum(self.through, next.head)),
            tail: next.tail.max(sum(self.tail, next.through)),
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
            head: sum(self.head, Some(self.passed(others).unwrap_or(0))),
            tail: sum(self.tail, Some(self.passed(others).unwrap_or(0))),
        }
    }

    /// The longest slice that ends in another round than it began in, or that comes from in front of the loop, with
    /// `before` steps behind it, and ends in any round. `None` if there is no bound.
    pub(super) fn longest_across(self, rounds: Option<u32>, before: u32) -> Option<u32> {
        let (from_before, from_tail) = match rounds {
            Some(rounds) => (rounds.checked_sub(1), rounds.checked_sub(2)),
            // Every round waits, or there is no bound.
            None if self.through.is_some() => return None,
            None => (Some(0), Some(0)),
        };
        let passing = |others: Option<u32>| others.map(|others| self.passed(others).unwrap_or(0));
        let from_before = sum(sum(passing(from_before), self.head), Some(before));
        let from_tail = sum(sum(passing(from_tail), self.head), self.tail);
        Some(from_before.max(from_tail).unwrap_or(0))
    }

    /// So many rounds without a wait in any of them.
    fn passed(self, rounds: u32) -> Option<u32> {
        self.through.map(|steps| steps.saturating_mul(rounds))
    }
}

fn sum(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    a.zip(b).map(|(a, b)| a.saturating_add(b))
}
