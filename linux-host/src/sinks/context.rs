//! What it takes to understand a record besides the record: the wall clock then, and the program whose ids it names.
//!
//! The reader of the journal knows the last of both. Three things it cannot know, as they stand behind the first
//! records of a start: which program those are of, that their time is not the one restored from before the start, and
//! what time it was before the clock was read at all. For these the first `Boot` and `Clock` of the start are looked up
//! ahead: a start has one program until it says otherwise, and monotonic time does not step.

use std::sync::Arc;

use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::Instant;
use campanile_delivery::{Body, Boot, Index, Item, Move, Position, Storage, Wall};

/// So many records are looked at ahead, at the most: a start begins with its inputs and what was restored.
const AHEAD: usize = 4096;

/// What it takes to understand a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The wall clock, if it is known.
    pub wall: Option<Wall>,
    /// The program; 0 if there was none.
    pub program: u64,
}

/// What the beginning of a start says of the whole of it, as far as it is in the journal by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// The first reading of the clock.
    pub wall: Option<Wall>,
    /// The program that it began with.
    pub program: Option<u64>,
}

/// Follows a reader.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contexts {
    boot: Boot,
    opening: Opening,
    /// This start was seen to begin, and its program or its clock not yet.
    no_program: bool,
    no_clock: bool,
}

impl Contexts {
    /// The context of the next record; `look_up` finds the opening of its start.
    pub fn at(
        &mut self,
        item: &Item<'_>,
        record: Option<&Record>,
        look_up: impl FnOnce(Boot) -> Opening,
    ) -> Context {
        if item.at.boot != self.boot {
            self.boot = item.at.boot;
            let begins = item.wall.is_none();
            (self.no_program, self.no_clock) = (begins, begins);
            self.opening = if begins { look_up(self.boot) } else { Opening::default() };
        }
        match record {
            Some(Record::Input(Input::Boot { .. })) => (self.no_program, self.no_clock) = (false, true),
            Some(Record::Input(Input::Clock { .. })) => self.no_clock = false,
            _ => {}
        }
        let wall = match (self.no_clock, self.opening.wall, item.wall) {
            (false, _, Some(wall)) | (true, Some(wall), _) => Some(wall),
            // Some time ago it was at least this late.
            (true, None, wall) => wall.map(|wall| Wall { trusted: false, ..wall }),
            (false, first, None) => first,
        };
        let program =
            if self.no_program { self.opening.program.unwrap_or(item.program) } else { item.program };
        Context { wall, program }
    }
}

impl Opening {
    /// Looks a start up in a journal.
    pub fn find<S: Storage>(index: &Arc<Index<S>>, boot: Boot) -> Self {
        let mut reader = index.reader(Position::start_of(boot));
        let mut found = Self::default();
        for _ in 0..AHEAD {
            match reader.advance() {
                Ok(Move::Item) => {}
                // Whatever is missing there, the next reading is as good as the first.
                Ok(Move::Lagged(_)) => continue,
                Ok(Move::End) | Err(_) => break,
            }
            let Some(item) = reader.item().filter(|item| item.at.boot == boot) else { break };
            let Body::Engine(frame) = &item.body else { continue };
            if item.program != 0 {
                // Where retention or damage has taken the beginning, what is left knows its program.
                found.program.get_or_insert(item.program);
            }
            match frame.record() {
                Some(Record::Input(Input::Boot { hash, .. })) => found.program = Some(hash),
                Some(Record::Input(Input::Clock { unix, trusted, .. })) => {
                    found.wall = Some(Wall { at: item.time, unix, trusted });
                    break;
                }
                _ => {}
            }
        }
        found
    }
}

/// The time at some moment of a start, in microseconds since 1970, and whether the clock was synchronised then.
pub fn time(wall: Option<Wall>, at: Instant) -> (Option<i64>, bool) {
    wall.map_or((None, false), |wall| (Some(wall.unix_at(at)), wall.trusted))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: Boot = Boot::new(2, 9);

    fn wall(at: u64, unix: i64) -> Wall {
        Wall { at: Instant::from_micros(at), unix, trusted: true }
    }

    fn item(known: Option<Wall>, program: u64) -> Item<'static> {
        let at = Position { boot: BOOT, seq: 1, host: 1 };
        Item { at, time: Instant::from_micros(5), wall: known, program, body: Body::Host(None) }
    }

    fn input(input: Input) -> Option<Record> {
        Some(Record::Input(input))
    }

    fn nothing(_: Boot) -> Opening {
        Opening::default()
    }

    #[test]
    fn the_opening_of_a_start_holds_from_its_first_record_on() {
        let mut contexts = Contexts::default();
        let first = wall(50, 1_000_000);
        let opening = Opening { wall: Some(first), program: Some(7) };
        // An output takes its safe level before the start says what it is; the reader still has the program before.
        let context = contexts.at(&item(None, 6), None, |_| opening);
        assert_eq!(context, Context { wall: Some(first), program: 7 });
        let boot = input(Input::Boot { boot: BOOT.0, core_rev: 1, hash: 7, off: None });
        let restored = wall(6, 7);
        let context = contexts.at(&item(Some(restored), 7), boot.as_ref(), nothing);
        assert_eq!(context, Context { wall: Some(first), program: 7 }, "not the time from before the start");
        let read = input(Input::Clock { unix: 1_000_000, offset: 0, trusted: true });
        assert_eq!(contexts.at(&item(Some(first), 7), read.as_ref(), nothing).wall, Some(first));
        let later = wall(90, 2_000_000);
        let context = contexts.at(&item(Some(later), 8), None, nothing);
        assert_eq!(context, Context { wall: Some(later), program: 8 }, "then the latest");
        assert_eq!(time(Some(later), Instant::from_micros(91)), (Some(2_000_001), true));
    }

    #[test]
    fn in_the_middle_of_a_start_the_reader_knows_best() {
        let later = wall(90, 2_000_000);
        let context = Contexts::default().at(&item(Some(later), 7), None, |_| panic!("nothing to look up"));
        assert_eq!(context, Context { wall: Some(later), program: 7 });
    }

    #[test]
    fn a_restored_clock_is_not_trusted_and_none_at_all_is_null() {
        let mut contexts = Contexts::default();
        assert_eq!(contexts.at(&item(None, 7), None, nothing), Context { wall: None, program: 7 });
        let known = contexts.at(&item(Some(wall(6, 7)), 7), None, nothing);
        assert_eq!(time(known.wall, Instant::from_micros(6)), (Some(7), false));
        assert_eq!(time(None, Instant::ZERO), (None, false));
    }
}
