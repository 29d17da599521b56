//! Counts (I4): a word on a loss says how many records that is. Of a gap in the journal each number in it; of what a sink
//! has lost as many as lie in the range and no other word tells of.

use std::collections::BTreeMap;

use campanile_delivery::{GapWhy, HostRecord, Position, SinkName};

use super::journal::Words;
use super::receipt::{Gone, has, number};
use crate::swarm::receiver::Received;
use crate::swarm::tape::Tape;

/// What is said of gaps in the journal. What memory overwrote before the journal had it no receiver has; what memory dropped
/// while the disk failed one may have read before.
pub(in crate::swarm) fn gaps<'a>(
    words: &Words,
    receivers: impl Iterator<Item = &'a Received> + Clone,
    tape: &Tape,
) -> Result<(), String> {
    for (at, word) in &words.said {
        let HostRecord::JournalGap { from, to, count, why } = word else { continue };
        let written = tape.life(at.boot.0).map_or(0, |life| life.head());
        if *to > written || from.checked_add(*count) != Some(to + 1) {
            return Err(format!("a gap has a wrong count: {word:?} at {at}, where {written} were written"));
        }
        let places = (*from..=*to).map(|seq| number(Position { seq, ..*at }, tape));
        let mut there = places.filter(|place| receivers.clone().any(|received| has(received, *place)));
        if let Some((_, seq)) = there.next().filter(|_| *why == GapWhy::Overrun) {
            return Err(format!("{word:?} at {at} is too wide: a receiver has {seq}"));
        }
    }
    Ok(())
}

/// What a sink is said to have lost. Never more than was written there; and, where the disk could always be read, all
/// that it has not got and no other word tells of: a loss that is said again includes what others told of before, or does not.
pub(in crate::swarm) fn losses(
    received: &Received,
    words: &Words,
    sink: &SinkName,
    tape: &Tape,
    readable: bool,
) -> Result<(), String> {
    let all: BTreeMap<&Position, &HostRecord> = words.said.iter().chain(&received.words).collect();
    for (at, word) in &all {
        let HostRecord::Dropped { sink: whose, from, to, count } = word else { continue };
        if whose != sink {
            continue;
        }
        let (from, to) = (number(*from, tape), number(*to, tape));
        let written = places(from, to, tape).count() as u64;
        if *count > written {
            return Err(format!("{word:?} at {at} counts more than the {written} that were written there"));
        }
        if *count == written || !readable {
            continue;
        }
        let others =
            Gone::of(all.iter().filter(|other| other.0 != at).map(|(at, word)| (*at, *word)), sink, tape);
        let is_lost = |place: &(usize, u64)| !others.has(*place) && !has(received, *place);
        let lost = places(from, to, tape).filter(is_lost).count() as u64;
        if *count < lost {
            return Err(format!(
                "{word:?} at {at} does not count all: {lost} of {written} are lost by it alone"
            ));
        }
    }
    Ok(())
}

/// The places of all records behind the first, up to the second.
fn places(from: (usize, u64), to: (usize, u64), tape: &Tape) -> impl Iterator<Item = (usize, u64)> {
    let lives = tape.lives.iter().enumerate().take(to.0 + 1).skip(from.0);
    let places = lives.flat_map(|(place, life)| (1..=life.head()).map(move |seq| (place, seq)));
    places.skip_while(move |place| *place <= from).take_while(move |place| *place <= to)
}

#[cfg(test)]
mod tests {
    use campanile_core::id::TriggerId;
    use campanile_core::input::Input;
    use campanile_core::record::Record;
    use campanile_core::time::Instant;
    use campanile_delivery::Boot;

    use super::*;
    use crate::node::Witness as _;
    use crate::swarm::tape::{Entry, Scroll};

    /// Two lives of ten records each.
    fn tape() -> Tape {
        let mut tape = Tape::default();
        for boot in [5, 6] {
            tape.begin(boot);
            let tick = Entry::new(Instant::ZERO, Record::Input(Input::Tick { trigger: TriggerId(0) }));
            let mut life = Scroll::of(vec![tick; 10]);
            life.boot = boot;
            *tape.lives.last_mut().expect("a life") = life;
        }
        tape
    }

    fn at(boot: u64, seq: u64) -> Position {
        Position { boot: Boot(boot), seq, host: 1 }
    }

    fn sink() -> SinkName {
        "home".parse().expect("a name")
    }

    fn dropped(from: Position, to: Position, count: u64) -> HostRecord {
        HostRecord::Dropped { sink: sink(), from, to, count }
    }

    fn said(words: impl IntoIterator<Item = HostRecord>) -> Words {
        let mut said = Words::default();
        said.said.extend((100..).map(|seq| at(6, seq)).zip(words));
        said
    }

    fn judged(words: impl IntoIterator<Item = HostRecord>, readable: bool) -> Result<(), String> {
        losses(&Received::default(), &said(words), &sink(), &tape(), readable)
    }

    #[test]
    fn a_gap_counts_each_number_in_it() {
        let mut received = Received::default();
        received.letters.insert((1, 2, 0, false), 0);
        let gap = |from, to, count| {
            let gap = HostRecord::JournalGap { from, to, count, why: GapWhy::Overrun };
            gaps(&said([gap]), std::iter::once(&received), &tape())
        };
        assert_eq!(gap(3, 10, 8), Ok(()));
        for (from, to, count) in [(3, 10, 7), (3, 10, 9), (2, 10, 8), (3, 11, 9), (11, 10, 1), (2, 10, 9)] {
            assert!(gap(from, to, count).is_err(), "{count} from {from} to {to}");
        }
    }

    #[test]
    fn a_loss_counts_what_was_written_there() {
        assert_eq!(judged([dropped(at(5, 2), at(5, 6), 4)], true), Ok(()));
        assert_eq!(judged([dropped(at(5, 8), at(6, 3), 5)], true), Ok(()), "over two starts");
        assert_eq!(judged([dropped(Position::START, at(6, 10), 20)], true), Ok(()));
        for count in [3, 5] {
            assert!(judged([dropped(at(5, 2), at(5, 6), count)], true).is_err(), "{count}");
        }
        assert!(judged([dropped(at(5, 1), at(5, 6), 4)], true).is_err(), "too wide");
        // What cannot be read cannot be counted.
        assert_eq!(judged([dropped(at(5, 2), at(5, 6), 3)], false), Ok(()));
        assert!(judged([dropped(at(5, 2), at(5, 6), 5)], false).is_err());
    }

    #[test]
    fn what_another_word_tells_of_may_be_counted_or_not() {
        let damaged = HostRecord::Damaged { from: at(5, 3), to: at(5, 5) };
        let judged = |count| judged([damaged.clone(), dropped(at(5, 2), at(5, 6), count)], true);
        assert_eq!([judged(2), judged(3), judged(4)], [const { Ok(()) }; 3]);
        assert!(judged(1).is_err() && judged(5).is_err());
    }
}
