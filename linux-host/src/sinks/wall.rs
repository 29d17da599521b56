//! Wall-clock time of records, as a reader of the journal goes along.
//!
//! The reader knows the last `Clock` record. Two things it cannot know: that the first readings of a start are younger
//! than the clock that was restored from before it, and what time it was before the clock was read at all. For both
//! the first `Clock` of the start is looked up ahead: monotonic time does not step, so it holds for the whole start.

use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::Instant;
use campanile_delivery::{Body, Boot, Index, Item, Move, Position, Storage, Wall};

/// So many records are looked at ahead, at the most: a start begins with its inputs and what was restored.
const AHEAD: usize = 4096;

/// The wall clock of the records that a reader passes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    boot: Boot,
    /// The first reading of this start, if it is known.
    first: Option<Wall>,
    /// The start was seen to begin, and no reading of its clock since.
    fresh: bool,
}

impl Clock {
    /// The wall clock at a record; `look_up` finds the first reading of its start.
    pub fn at(
        &mut self,
        item: &Item<'_>,
        record: Option<&Record>,
        look_up: impl FnOnce(Boot) -> Option<Wall>,
    ) -> Option<Wall> {
        if item.at.boot != self.boot {
            self.boot = item.at.boot;
            self.fresh = item.wall.is_none();
            self.first = if self.fresh { look_up(self.boot) } else { None };
        }
        match record {
            Some(Record::Input(Input::Boot { .. })) => self.fresh = true,
            Some(Record::Input(Input::Clock { .. })) => self.fresh = false,
            _ => {}
        }
        match (self.fresh, self.first, item.wall) {
            (false, _, Some(wall)) | (true, Some(wall), _) => Some(wall),
            // Some time ago it was at least this late.
            (true, None, wall) => wall.map(|wall| Wall { trusted: false, ..wall }),
            (false, first, None) => first,
        }
    }
}

/// The first reading of a start's clock, as far as it is in the journal by now.
pub fn first_reading<S: Storage>(index: &std::sync::Arc<Index<S>>, boot: Boot) -> Option<Wall> {
    let mut reader = index.reader(Position::start_of(boot));
    for _ in 0..AHEAD {
        match reader.advance() {
            Ok(Move::Item) => {}
            // Whatever is missing there, the next reading is as good as the first.
            Ok(Move::Lagged(_)) => continue,
            Ok(Move::End) | Err(_) => return None,
        }
        let item = reader.item()?;
        if item.at.boot != boot {
            return None;
        }
        if let Body::Engine(frame) = &item.body
            && let Some(Record::Input(Input::Clock { unix, trusted, .. })) = frame.record()
        {
            return Some(Wall { at: item.time, unix, trusted });
        }
    }
    None
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

    fn item(boot: Boot, known: Option<Wall>) -> Item<'static> {
        let at = Position { boot, seq: 1, host: 1 };
        Item { at, time: Instant::from_micros(5), wall: known, program: 0, body: Body::Host(None) }
    }

    fn input(input: Input) -> Option<Record> {
        Some(Record::Input(input))
    }

    #[test]
    fn the_first_reading_of_a_start_holds_from_its_beginning() {
        let mut clock = Clock::default();
        let first = wall(50, 1_000_000);
        assert_eq!(clock.at(&item(BOOT, None), None, |_| Some(first)), Some(first));
        let boot = input(Input::Boot { boot: BOOT.0, core_rev: 1, hash: 0, off: None });
        let restored = wall(6, 7);
        assert_eq!(
            clock.at(&item(BOOT, Some(restored)), boot.as_ref(), |_| None),
            Some(first),
            "not the one before"
        );
        let read = input(Input::Clock { unix: 1_000_000, offset: 0, trusted: true });
        assert_eq!(clock.at(&item(BOOT, Some(first)), read.as_ref(), |_| None), Some(first));
        let later = wall(90, 2_000_000);
        assert_eq!(clock.at(&item(BOOT, Some(later)), None, |_| None), Some(later), "then the latest");
        assert_eq!(time(Some(later), Instant::from_micros(91)), (Some(2_000_001), true));
    }

    #[test]
    fn in_the_middle_of_a_start_the_reader_knows_best() {
        let later = wall(90, 2_000_000);
        assert_eq!(Clock::default().at(&item(BOOT, Some(later)), None, |_| Some(wall(1, 1))), Some(later));
    }

    #[test]
    fn a_restored_clock_is_not_trusted_and_none_at_all_is_null() {
        let mut clock = Clock::default();
        assert_eq!(clock.at(&item(BOOT, None), None, |_| None), None);
        let known = clock.at(&item(BOOT, Some(wall(6, 7))), None, |_| None);
        assert_eq!(time(known, Instant::from_micros(6)), (Some(7), false));
        assert_eq!(time(None, Instant::ZERO), (None, false));
    }
}
