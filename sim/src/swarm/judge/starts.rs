//! The starts of a satellite (I5): each has a number of its own; what its flash has taken is there after a power cut, of
//! whatever byte, and it has taken what is older than it may wait; and a start goes on from there.

use campanile_core::record::FIRST_DECISION;
use campanile_core::time::{Duration, Instant};
use campanile_flash::Keeper;

use super::memory::{self, has_begun};
use crate::swarm::rules::Rulebook;
use crate::swarm::tape::{Scroll, Tape};

/// So long behind its window a record may take until it is kept.
const LATE: Duration = Duration::from_millis(5);

/// What is known of a start that is over.
#[derive(Clone, Copy, Debug)]
struct Over {
    /// Records before this number were gone from its memory.
    gone: u64,
    /// Records before this number were kept, for sure.
    kept: u64,
    /// So many records were there when the next one began; `None` before that.
    left: Option<u64>,
}

/// See the [module](self).
pub(in crate::swarm) struct Starts {
    has_flash: bool,
    /// So much later than it could the loop may get its turn.
    late: Duration,
    over: Vec<Over>,
    /// The place of the first start of the board that is there now: those before it are on others.
    board: usize,
    /// The flash has not taken something: what is kept from then on is another matter.
    refused: bool,
}

/// What of each start may be missing in its house.
pub(in crate::swarm) struct Losses {
    /// Records before this number were given up, by start.
    pub(in crate::swarm) gone: Vec<u64>,
    /// So many records outlived the start, and no more; `None` if nobody knows, as without flash.
    pub(in crate::swarm) left: Vec<Option<u64>>,
}

impl Starts {
    pub(in crate::swarm) const fn new(has_flash: bool, late: Duration) -> Self {
        Self { has_flash, late, over: Vec::new(), board: 0, refused: false }
    }

    /// Another board is there from now on, with a flash that has nothing.
    pub(in crate::swarm) const fn another_board(&mut self, tape: &Tape) {
        (self.board, self.refused) = (tape.lives.len(), false);
    }

    /// The number of the last start that has one of its own, on the board of now.
    pub(in crate::swarm) fn last(&self, tape: &Tape) -> u64 {
        tape.lives.iter().skip(self.board).rev().map(|life| life.own).find(|own| *own != 0).unwrap_or(0)
    }

    /// A start begins, with this number; so many records of the [last](Self::last) one are there.
    pub(in crate::swarm) fn begin(&mut self, tape: &Tape, boot: u64, left: u64) -> Result<(), String> {
        if !self.has_flash {
            return Ok(());
        }
        for (place, life) in tape.lives.iter().enumerate().filter(|_| boot != 0) {
            if life.boot == boot || place >= self.board && life.own >> 32 >= boot >> 32 {
                return Err(format!(
                    "a start has the number {boot:x} behind {:x} ({:x})",
                    life.own, life.boot
                ));
            }
        }
        let Some(place) = tape.lives.iter().rposition(|life| life.own != 0) else { return Ok(()) };
        let is_left = |over: &&mut Over| over.left.is_none() && place >= self.board;
        let Some(over) = self.over.get_mut(place).filter(is_left) else { return Ok(()) };
        over.left = Some(left);
        if !self.refused && left + 1 < over.kept {
            return Err(format!(
                "its flash had taken the records of {:x} before {}, and has {left} of them behind the power cut",
                tape.lives[place].own, over.kept
            ));
        }
        Ok(())
    }

    /// The start is over at this time; `kept` and `gone` are numbers before which records are kept, and gone from memory.
    pub(in crate::swarm) fn end(
        &mut self,
        now: Instant,
        tape: &Tape,
        (kept, gone): (u64, u64),
        refused: bool,
    ) -> Result<(), String> {
        self.refused |= refused;
        self.over.push(Over { gone, kept, left: None });
        let Some(life) = tape.now().filter(|life| self.has_flash && life.own != 0 && !self.refused) else {
            return Ok(());
        };
        // Once until the loop records what the pin stamped, and once until it keeps it.
        let turns = self.late.plus(self.late);
        let old = now.minus(Keeper::WINDOW.plus(LATE).plus(turns));
        let waits = life.entries.iter().skip(kept.saturating_sub(1) as usize).find(|entry| entry.at < old);
        waits.map_or(Ok(()), |entry| {
            Err(format!(
                "what it recorded at {} us is not kept at {} us: {entry:?}",
                entry.at.micros(),
                now.micros()
            ))
        })
    }

    /// The start of now has taken back what the one before it left.
    pub(in crate::swarm) fn check(&self, tape: &Tape, book: &Rulebook) -> Result<(), String> {
        let [.., before, start] = tape.lives.as_slice() else { return Ok(()) };
        let place = tape.lives.len() - 2;
        let left = self.over.get(place).filter(|_| place >= self.board).and_then(|over| over.left);
        let Some(left) = left.filter(|_| !self.refused && start.own != 0) else { return Ok(()) };
        let end = settled(before, left);
        if !has_begun(before, end) || !has_begun(start, start.head()) {
            return Ok(());
        }
        memory::compare(before, end, start, book)
    }

    /// What may be missing by now. `tail`: where the records begin that the flash has, `gone` as above.
    pub(in crate::swarm) fn losses(
        &self,
        tape: &Tape,
        gone: u64,
        tail: Option<(u64, u64)>,
        refused: bool,
    ) -> Losses {
        let refused = self.refused || refused;
        let runs = Over { gone, kept: 1, left: None };
        let of = |(place, (life, over)): (usize, (&Scroll, &Over))| match tail.filter(|_| life.own != 0) {
            // What had not come over by then went with its board, or with a flash that refuses: also in a start that can keep
            // nothing there, not even its number.
            _ if life.own != 0 && (place < self.board || refused) => (u64::MAX, None),
            Some((boot, _)) if life.own < boot => (u64::MAX, over.left),
            Some((boot, seq)) => (if life.own == boot { seq } else { 0 }, over.left),
            None => (over.gone, None),
        };
        let lives = tape.lives.iter().zip(self.over.iter().chain([&runs]));
        let (gone, left) = lives.enumerate().map(of).unzip();
        Losses { gone, left }
    }
}

/// What is executed again comes to the end of its instant: decisions that were not kept are made once more.
fn settled(life: &Scroll, left: u64) -> u64 {
    let at = life.entry(left).map(|entry| entry.at);
    let follows = |seq: &u64| {
        life.entry(*seq).is_some_and(|entry| {
            Some(entry.at) == at && entry.record.is_some_and(|record| record.kind() >= FIRST_DECISION)
        })
    };
    left + (left + 1..).take_while(follows).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Witness as _;

    /// The start that runs has no number of its own: what the flash of those before it gave up for want of room is gone, and
    /// was not there all along.
    #[test]
    fn what_a_flash_has_given_up_that_refuses_may_be_missing_also_if_the_start_of_now_has_no_number() {
        let gone = |refused| {
            let (mut starts, mut tape) = (Starts::new(true, Duration::ZERO), Tape::default());
            tape.begin(1 << 32);
            starts.end(Instant::ZERO, &tape, (1, 1), refused).unwrap();
            tape.begin(0);
            starts.losses(&tape, 5, None, refused).gone
        };
        assert_eq!(gone(true), [u64::MAX, 5], "what it has in memory is there all the same");
        assert_eq!(gone(false), [1, 5]);
    }
}
