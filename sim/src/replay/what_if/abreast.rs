//! Both programs abreast: the journal's records one by one, the other program as far in time, and what lies behind both
//! is compared.

use campanile_core::input::Input;
use campanile_core::program::verify::LoadError;
use campanile_core::record::{FIRST_DECISION, Frame, Record};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::Storage;

use super::{Course, State};
use crate::replay::other::{Other, is_start, settle};
use crate::replay::place::Place;
use crate::replay::read;
use crate::replay::report::Why;
use crate::replay::tally::is_of_start;

/// However long the journal is silent: so much of what both did is kept until it is compared.
const PART: Duration = Duration::from_secs(60);

impl<'a, S: Storage> Course<'a, S> {
    /// A record of the journal's, and what follows from it.
    pub(super) fn step(&mut self, at: Instant, frame: &Frame<'_>, record: &Record) -> Result<(), LoadError> {
        let counts = matches!(self.state, State::Beside(_)) && at > self.from;
        let of_start = matches!(record, Record::Decision(decision) if is_of_start(decision));
        self.tally.journal.take(at, record, &self.symbols, counts && !of_start);
        let Record::Input(input) = *record else {
            self.keep_up(at);
            return Ok(());
        };
        debug_assert!(frame.kind() < FIRST_DECISION, "an input");
        match &mut self.state {
            State::Before { engine, started } => {
                settle(engine, at);
                if let Input::Install { hash } = input {
                    let installed = read::program(self.index, hash).and_then(|stored| {
                        engine.install(at, &stored.image).map_err(|why| read::refused(hash, why))
                    });
                    if let Err(why) = installed {
                        self.wait(why);
                    }
                } else {
                    // What the journal's engine took then, it takes now; else it is another revision's.
                    let _ = engine.handle(at, input);
                    settle(engine, at);
                    *started |= !is_start(&input);
                }
                if self.in_range && matches!(self.state, State::Before { started: true, .. }) {
                    self.take_over(at)?;
                }
            }
            State::Beside(_) => self.beside(|course, other| {
                course.advance(other, at);
                let known = other.feed(at, input);
                course.found.inputs += u64::from(known);
                course.found.unknown += u64::from(!known);
                course.found.last = course.here;
                course.tell(other);
                // What both do at this time may still come.
                course.tally.compare_before(at, course.here);
            }),
            State::Waiting(_) | State::Opening { .. } => {}
        }
        Ok(())
    }

    /// With the other program, if it is at work.
    fn beside(&mut self, act: impl FnOnce(&mut Self, &mut Other<'a>)) {
        match std::mem::replace(&mut self.state, State::Waiting(Why::NoCheckpoint)) {
            State::Beside(mut other) => {
                act(self, &mut other);
                self.state = State::Beside(other);
            }
            state => self.state = state,
        }
    }

    /// Without an input for long, the other program goes on all the same.
    fn keep_up(&mut self, at: Instant) {
        if let State::Beside(other) = &self.state
            && other.done().plus(PART) < at
        {
            self.beside(|course, other| course.advance(other, at));
        }
    }

    /// Lets the other program do what is due until then, and compares what lies behind both, a part at a time.
    fn advance(&mut self, other: &mut Other<'_>, to: Instant) {
        loop {
            let until = other.done().plus(PART);
            if until >= to {
                break;
            }
            other.advance(until);
            self.tell(other);
            self.tally.compare_before(until, self.here);
        }
        other.advance(to);
        self.tell(other);
    }

    /// Notes what the other program did.
    fn tell(&mut self, other: &mut Other<'_>) {
        let from = self.from;
        other.tell(|at, record, symbols| {
            let of_start = matches!(record, Record::Decision(decision) if is_of_start(decision));
            self.tally.other.take(at, record, symbols, at > from && !of_start);
        });
    }

    /// Compares all that is left of a start.
    pub(super) fn end(&mut self, other: &mut Other<'_>, last: Place) {
        self.advance(other, last.time);
        self.tally.compare_to_end(last);
        self.tally.journal.close(last.time);
        self.tally.other.close(last.time);
    }
}
