//! What a start takes back: of all that outlives a power cut, what the journal kept of the life before, as that life had it,
//! and nothing else.

use std::collections::{BTreeMap, VecDeque};

use campanile_core::decision::{Decision, ReplyResult, Source};
use campanile_core::id::{InputId, Level, RunId, ScenarioId, VarId};
use campanile_core::input::{Input, Origin};
use campanile_core::record::Record;
use campanile_core::restore::Restore;

use crate::swarm::rules::Rulebook;
use crate::swarm::tape::{Entry, Scroll};

/// So many commands a node remembers: core/SEMANTICS.md.
const REMEMBERED: usize = 16;

/// What a life knew at its end, as far as its records tell.
#[derive(Debug, Default)]
struct Memory {
    program: u64,
    variables: BTreeMap<VarId, i32>,
    inputs: BTreeMap<InputId, Level>,
    commands: VecDeque<(Origin, u32)>,
    /// With the place in which each waits, if it has come to one.
    runs: BTreeMap<RunId, (ScenarioId, Option<u16>)>,
}

impl Memory {
    /// Of a life of which the records up to `end` are left; `None` if they do not tell all.
    fn of(life: &Scroll, end: u64) -> Option<Self> {
        let mut memory = Self::default();
        for (_, entry) in (1..=end).zip(&life.entries) {
            match entry.record? {
                // Ids mean something else from here on, and only a checkpoint says what.
                Record::Input(Input::Install { .. }) => return None,
                Record::Input(Input::Boot { hash, .. }) => memory.program = hash,
                Record::Input(Input::Restore { item }) => memory.take_back(&item),
                Record::Input(_) => {}
                Record::Decision(decision) => memory.take(&decision),
            }
        }
        Some(memory)
    }

    fn take_back(&mut self, item: &Restore) {
        match *item {
            Restore::Var { var, value } => drop(self.variables.insert(var, value)),
            Restore::Input { input, reported, .. } => drop(self.inputs.insert(input, reported)),
            Restore::Command { origin, id } => self.remember(origin, id),
            Restore::Run { run, scenario, .. } => drop(self.runs.insert(run, (scenario, None))),
            _ => {}
        }
    }

    fn take(&mut self, decision: &Decision) {
        match *decision {
            Decision::Let { var, value } => drop(self.variables.insert(var, value)),
            Decision::Event { source: Source::Input { input }, value: Some(value), .. } => {
                self.inputs.insert(input, Level::from_bool(value != 0));
            }
            Decision::Reply { origin, id, result } if result != ReplyResult::Duplicate => {
                self.remember(origin, id);
            }
            Decision::Run { run, scenario, .. } => drop(self.runs.insert(run, (scenario, None))),
            Decision::Wait { run, pc, .. } => {
                self.runs.entry(run).and_modify(|(_, at)| *at = Some(pc));
            }
            Decision::End { run, .. } => drop(self.runs.remove(&run)),
            _ => {}
        }
    }

    /// Whether it knows what a start takes back. A variable that nobody has set has its initial value.
    fn has(&self, item: &Restore, initial: &[i32]) -> bool {
        match *item {
            Restore::Var { var, value } => {
                self.variables.get(&var).or_else(|| initial.get(var.index())) == Some(&value)
            }
            Restore::Input { input, reported, .. } => self.inputs.get(&input) == Some(&reported),
            Restore::Command { origin, id } => self.commands.contains(&(origin, id)),
            Restore::Run { run, scenario, .. } => self.runs.get(&run).is_some_and(|(of, _)| *of == scenario),
            _ => true,
        }
    }

    fn remember(&mut self, origin: Origin, id: u32) {
        self.commands.retain(|known| *known != (origin, id));
        self.commands.push_back((origin, id));
        if self.commands.len() > REMEMBERED {
            self.commands.pop_front();
        }
    }
}

/// Whether a start had come so far that all was taken back, in its first `end` records.
pub(in crate::swarm) fn has_begun(life: &Scroll, end: u64) -> bool {
    let is_clock = |record| matches!(record, Some(Record::Input(Input::Clock { .. })));
    (1..=end).zip(&life.entries).any(|(_, entry)| is_clock(entry.record))
}

/// Compares what a start took back with what the records up to `end` of the life before say. A life that was cut off before it
/// had taken all back itself does not tell all: from lives before it there may be more.
pub(in crate::swarm) fn compare(
    before: &Scroll,
    end: u64,
    start: &Scroll,
    book: &Rulebook,
) -> Result<(), String> {
    let Some(known) = Memory::of(before, end) else { return Ok(()) };
    let is_whole = has_begun(before, end);
    let (mut program, mut items) = (0, Vec::new());
    for Entry { record, .. } in &start.entries {
        match record {
            Some(Record::Input(Input::Boot { hash, .. })) => program = *hash,
            Some(Record::Input(Input::Restore { item })) => items.push(*item),
            // What goes on behind a start is said there and then.
            Some(Record::Decision(_)) => {}
            _ => break,
        }
    }
    if program != known.program {
        return Ok(());
    }
    let missing =
        |what: String| Err(format!("the start does not take back {what}, which the life before had"));
    if is_whole {
        let initial = book.of(program).map(|rules| rules.initial.as_slice()).unwrap_or_default();
        if let Some(item) = items.iter().find(|item| !known.has(item, initial)) {
            return Err(format!("the start takes back {item:?}, which the life before had not"));
        }
    }
    let has = |wanted: &dyn Fn(&Restore) -> bool| items.iter().any(wanted);
    for (var, value) in known.variables {
        if !has(&|item| matches!(item, Restore::Var { var: id, value: is } if *id == var && *is == value)) {
            return missing(format!("{var:?} = {value}"));
        }
    }
    for (input, level) in known.inputs {
        if !has(
            &|item| matches!(item, Restore::Input { input: id, reported, .. } if *id == input && *reported == level),
        ) {
            return missing(format!("that {input:?} is {level:?}"));
        }
    }
    for (from, number) in known.commands {
        if !has(&|item| matches!(item, Restore::Command { origin, id } if *origin == from && *id == number)) {
            return missing(format!("command {number} of {from:?}"));
        }
    }
    for (slot, (of, at)) in known.runs {
        let Some(at) = at else { continue };
        if !has(
            &|item| matches!(item, Restore::Run { run, scenario, pc, .. } if *run == slot && *scenario == of && *pc == at),
        ) {
            return missing(format!("{slot:?} of {of:?}, which waits at {at}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use campanile_core::time::{Duration, Instant};

    use super::*;

    /// Without the initial values of any program.
    fn compare(before: &Scroll, end: u64, start: &Scroll) -> Result<(), String> {
        super::compare(before, end, start, &Rulebook::new(&[]).expect("no house is read"))
    }

    const VAR: VarId = VarId(0);
    const INPUT: InputId = InputId(1);

    fn life(records: &[Record]) -> Scroll {
        let entries = records.iter().map(|record| Entry::new(Instant::ZERO, *record)).collect();
        Scroll::of(entries)
    }

    fn boot(hash: u64) -> Record {
        Record::Input(Input::Boot { boot: 1, core_rev: 1, hash, off: None })
    }

    fn restore(item: Restore) -> Record {
        Record::Input(Input::Restore { item })
    }

    /// A life that gives a variable a value, reports an input and answers a command, in this order.
    fn before() -> Scroll {
        let (origin, id) = (Origin::Message, 7);
        life(&[
            boot(9),
            Record::Decision(Decision::Let { var: VAR, value: 3 }),
            Record::Decision(Decision::Event {
                source: Source::Input { input: INPUT },
                value: Some(1),
                onset_ago: Duration::ZERO,
                bounces: 0,
            }),
            Record::Decision(Decision::Reply { origin, id, result: ReplyResult::Done }),
        ])
    }

    fn items() -> [Restore; 3] {
        [
            Restore::Var { var: VAR, value: 3 },
            Restore::Input { input: INPUT, raw: Level::On, reported: Level::On },
            Restore::Command { origin: Origin::Message, id: 7 },
        ]
    }

    #[test]
    fn a_start_takes_back_what_the_journal_kept() {
        let start =
            |items: &[Restore]| life(&[vec![boot(9)], items.iter().copied().map(restore).collect()].concat());
        compare(&before(), 4, &start(&items())).unwrap();
        for missing in 0..3 {
            let mut items = items().to_vec();
            items.remove(missing);
            let kept = missing as u64 + 2;
            assert!(compare(&before(), kept, &start(&items)).is_err(), "item {missing}");
            compare(&before(), kept - 1, &start(&items)).expect("the journal has not kept it");
        }
        let other = [Restore::Var { var: VAR, value: 4 }];
        assert!(compare(&before(), 2, &start(&other)).is_err(), "another value");
    }

    #[test]
    fn another_program_has_other_ids() {
        compare(&before(), 4, &life(&[boot(8)])).unwrap();
        let mut swapped = before();
        swapped.entries.push(Entry::new(Instant::ZERO, Record::Input(Input::Install { hash: 8 })));
        compare(&swapped, 5, &life(&[boot(9)])).unwrap();
        assert!(compare(&swapped, 4, &life(&[boot(9)])).is_err());
    }

    #[test]
    fn nothing_comes_back_that_was_not_there() {
        let mut whole = before();
        whole.entries.push(Entry::new(
            Instant::ZERO,
            Record::Input(Input::Clock { unix: 0, offset: 0, trusted: false }),
        ));
        let with = |more: &[Restore]| {
            let items = [&items(), more].concat();
            life(&[vec![boot(9)], items.into_iter().map(restore).collect()].concat())
        };
        compare(&whole, 5, &with(&[])).unwrap();
        for more in [
            Restore::Var { var: VarId(1), value: 1 },
            Restore::Input { input: InputId(0), raw: Level::On, reported: Level::On },
            Restore::Command { origin: Origin::Link, id: 7 },
        ] {
            assert!(compare(&whole, 5, &with(&[more])).is_err(), "{more:?}");
            compare(&before(), 4, &with(&[more])).expect("a life that was cut off does not tell all");
        }
    }
}
