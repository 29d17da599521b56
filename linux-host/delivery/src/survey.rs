//! What a sink loses with a part of the journal that it has not delivered.

use crate::host::HostRecord;
use crate::name::SinkName;
use crate::position::Position;
use crate::reader::{Body, Next, Reader};
use crate::storage::Storage;
use crate::unheard::Unheard;

/// How many of the engine's records lie between a reader's place and another, and whether all could be read; what is said
/// there of earlier losses of the sink goes to `unheard`.
pub(crate) fn survey<S: Storage>(
    reader: &mut Reader<S>,
    sink: &SinkName,
    to: Position,
    unheard: &mut Unheard,
) -> (u64, bool) {
    let (mut read, mut is_read) = (Read::default(), true);
    loop {
        let item = match reader.next() {
            Ok(Next::Item(item)) if item.at <= to => item,
            Ok(Next::Lagged(_)) => {
                is_read = false;
                continue;
            }
            Ok(Next::Item(_) | Next::End) => return (read.count, is_read),
            Err(_) => return (read.count, false),
        };
        match item.body {
            Body::Engine(_) => read.take(item.at),
            Body::Host(Some(word)) => again(word, item.at, sink, &read, unheard),
            Body::Host(None) | Body::Checkpoint(_) => {}
        }
    }
}

/// Says a word again that goes from its place, as far as it concerns this sink and is not told of by what was read.
fn again(word: HostRecord, at: Position, sink: &SinkName, read: &Read, unheard: &mut Unheard) {
    match word {
        HostRecord::Dropped { sink: whose, .. } | HostRecord::DeadLetter { sink: whose, .. }
            if whose != *sink => {}
        HostRecord::Damaged { from, to } if from < to => {
            let written = from.records_to(to).unwrap_or(0);
            // What the disk did not give then it may give now.
            let lost = written.saturating_sub(read.between(from, to));
            if written == 0 || lost > 0 {
                unheard.lose(sink, from, to, lost);
            }
        }
        HostRecord::JournalGap { from, to, count, .. } => {
            let place = |seq| Position { seq, ..at };
            unheard.lose(sink, place(from.saturating_sub(1)), place(to), count);
        }
        word => unheard.take(word),
    }
}

/// Records that were read, in order.
#[derive(Default)]
struct Read {
    count: u64,
    /// The first and the last of those that follow one another without a hole.
    runs: Vec<(Position, Position)>,
}

impl Read {
    fn take(&mut self, at: Position) {
        self.count += 1;
        match self.runs.last_mut().filter(|(_, last)| last.records_to(at) == Some(1)) {
            Some((_, last)) => *last = at,
            None => self.runs.push((at, at)),
        }
    }

    /// How many of them lie behind a place, up to another one of the same start.
    fn between(&self, from: Position, to: Position) -> u64 {
        let inside = |&(first, last): &(Position, Position)| {
            let before = Position { seq: first.seq.saturating_sub(1), ..first };
            before.max(from).records_to(last.min(to)).unwrap_or(0)
        };
        self.runs.iter().map(inside).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::GapWhy;
    use crate::position::Boot;

    const fn at(boot: u64, seq: u64) -> Position {
        Position { boot: Boot(boot), seq, host: 2 }
    }

    fn read(places: &[Position]) -> Read {
        let mut read = Read::default();
        places.iter().for_each(|place| read.take(*place));
        read
    }

    #[test]
    fn what_was_read_is_counted_in_any_part() {
        let places = [at(5, 3), at(5, 4), at(5, 7), at(5, 8), at(5, 9), at(6, 1), at(6, 2)];
        let read = read(&places);
        assert_eq!((read.count, read.runs.len()), (7, 3));
        for (from, to) in (0..12).flat_map(|from| (from..12).map(move |to| (from, to))) {
            for boot in [5, 6] {
                let is_there =
                    |place: &&Position| place.boot.0 == boot && place.seq > from && place.seq <= to;
                let there = places.iter().filter(is_there).count() as u64;
                assert_eq!(read.between(at(boot, from), at(boot, to)), there, "{from} to {to} of {boot}");
            }
        }
    }

    #[test]
    fn a_sinks_losses_become_one_word_and_damage_is_said_once() {
        let (home, away): (SinkName, SinkName) = ("home".parse().unwrap(), "away".parse().unwrap());
        let mut unheard = Unheard::default();
        let mut tell = |sink, place, word: &HostRecord| {
            again(word.clone(), at(5, place), sink, &Read::default(), &mut unheard);
        };
        let header = HostRecord::Damaged { from: at(5, 3), to: at(5, 3) };
        tell(&home, 90, &header);
        tell(&away, 90, &header);
        let dead = |sink: &SinkName| HostRecord::DeadLetter {
            sink: sink.clone(),
            record: at(5, 9),
            why: String::new(),
        };
        tell(&home, 90, &dead(&home));
        tell(&home, 91, &dead(&away));
        tell(&home, 29, &HostRecord::JournalGap { from: 20, to: 29, count: 10, why: GapWhy::Full });
        let word = HostRecord::Dropped { sink: home, from: at(5, 8), to: at(5, 29), count: 11 };
        assert_eq!(unheard.words().collect::<Vec<_>>(), [header, word]);
    }

    #[test]
    fn what_is_refused_again_counts_once() {
        let home: SinkName = "home".parse().unwrap();
        let again = |words: &[HostRecord]| {
            let mut unheard = Unheard::default();
            words
                .iter()
                .for_each(|word| again(word.clone(), at(5, 90), &home, &Read::default(), &mut unheard));
            unheard.words().next()
        };
        let dead =
            |seq| HostRecord::DeadLetter { sink: home.clone(), record: at(5, seq), why: String::new() };
        let word = |from, to, count| HostRecord::Dropped {
            sink: home.clone(),
            from: at(5, from),
            to: at(5, to),
            count,
        };
        assert_eq!(again(&[dead(4), dead(3), dead(9), dead(3), dead(4)]), Some(word(2, 9, 3)));
        assert_eq!(again(&[word(2, 4, 2), dead(3), dead(4)]), Some(word(2, 4, 2)), "told of before");
    }

    #[test]
    fn damage_that_can_be_read_by_now_counts_once() {
        let home: SinkName = "home".parse().unwrap();
        let lost = |places: &[Position]| {
            let mut unheard = Unheard::default();
            let damaged = HostRecord::Damaged { from: at(5, 3), to: at(5, 7) };
            again(damaged, at(5, 9), &home, &read(places), &mut unheard);
            unheard.words().next()
        };
        let word = |count| HostRecord::Dropped { sink: home.clone(), from: at(5, 3), to: at(5, 7), count };
        assert_eq!(lost(&[at(5, 3), at(5, 8)]), Some(word(4)), "all of it");
        assert_eq!(lost(&[at(5, 6), at(5, 7), at(5, 8)]), Some(word(2)), "a part");
        assert_eq!(lost(&[at(5, 4), at(5, 5), at(5, 6), at(5, 7)]), None, "nothing");
    }
}
