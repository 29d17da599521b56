//! I2 and I3: the log is a function of the program and the stamped inputs; when `poll` is called changes nothing.

use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::Instant;
use proptest::prelude::*;

use crate::day::{Deed, Moment};
use crate::life::Life;
use crate::story::{START, draw};
use crate::tape::{Tape, cases, tapes};

/// Polls on the way to a moment, at times that nobody asked for, and not always to the end.
fn fidget(life: &mut Life, tape: &mut Tape<'_>, until: Instant) {
    let from = life.engine.now();
    let span = until.since(from).micros();
    let mut times: Vec<u64> = (0..tape.below(5)).map(|_| u64::from(tape.byte()) * span / 256).collect();
    times.sort_unstable();
    for time in times {
        let now = Instant::from_micros(from.micros() + time);
        // A call too many, or one with a clock of the past.
        life.poll(Instant::from_micros(now.micros() / 2));
        for _ in 0..tape.below(4) {
            life.poll(now);
        }
        if tape.chance(8) {
            life.settle(now);
        }
    }
}

fn polls_change_nothing(tape: &[u8]) -> Result<(), TestCaseError> {
    let mut tape = Tape::new(tape);
    let mut times = tape.part(150);
    let (_, images, moments) = draw(&mut tape);
    let mut calm = Life::load(START, &images, 0);
    let mut nervous = calm.clone();
    for moment in &moments {
        calm.live(moment, &images);
        fidget(&mut nervous, &mut times, moment.at);
        nervous.live(moment, &images);
        prop_assume!(!calm.restless && !nervous.restless);
    }
    prop_assert_eq!(calm.records(), nervous.records());
    prop_assert_eq!(calm.effects, nervous.effects);
    Ok(())
}

/// Feeds what a log says was fed.
pub(crate) fn replay(log: &[(Instant, Record)], images: &[Vec<u8>], until: Instant) -> Life {
    let mut life = Life::load(START, images, 0);
    for &(at, record) in log {
        let deed = match record {
            Record::Input(Input::Install { hash }) => {
                let known =
                    images.iter().position(|image| campanile_core::program::image::hash(image) == hash);
                Deed::Install(known.expect("a program of this house"))
            }
            Record::Input(input) => Deed::Feed(input),
            Record::Decision(_) => continue,
        };
        life.live(&Moment { at, deed }, images);
    }
    life.settle(until);
    life
}

fn a_replay_is_the_same(tape: &[u8]) -> Result<(), TestCaseError> {
    let (_, images, moments) = draw(&mut Tape::new(tape));
    let mut life = Life::load(START, &images, 0);
    moments.iter().for_each(|moment| life.live(moment, &images));
    prop_assume!(!life.restless);
    let again = replay(&life.records(), &images, moments.last().unwrap().at);
    prop_assert_eq!(life.records(), again.records());
    prop_assert!(life.log == again.log, "the same records in other bytes");
    prop_assert_eq!(life.effects, again.effects);
    Ok(())
}

/// The same program once more, at every moment: nothing but the `Install` records is new.
fn a_swap_to_the_same_is_nothing(tape: &[u8]) -> Result<(), TestCaseError> {
    let (_, images, moments) = draw(&mut Tape::new(tape));
    let mut plain = Life::load(START, &images, 0);
    let mut swapped = plain.clone();
    let mut at = START;
    for moment in &moments {
        // In order: a swap is an input, and what is stamped before it is late.
        at = at.max(moment.at);
        plain.live(&Moment { at, ..*moment }, &images);
        swapped.live(&Moment { at, ..*moment }, &images);
        swapped.live(&Moment { at, deed: Deed::Install(swapped.program) }, &images);
    }
    prop_assume!(!plain.restless && !swapped.restless);
    let is_swap = |record: &Record| matches!(record, Record::Input(Input::Install { .. }));
    let without = |life: &Life| -> Vec<_> {
        life.records().into_iter().filter(|(_, record)| !is_swap(record)).collect()
    };
    prop_assert_eq!(without(&plain), without(&swapped));
    prop_assert_eq!(plain.effects, swapped.effects);
    Ok(())
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn the_times_of_polls_change_nothing(tape in tapes(650)) {
        polls_change_nothing(&tape)?;
    }

    #[test]
    fn a_log_replays_to_itself(tape in tapes(500)) {
        a_replay_is_the_same(&tape)?;
    }

    #[test]
    fn the_same_program_swaps_in_without_a_trace(tape in tapes(500)) {
        a_swap_to_the_same_is_nothing(&tape)?;
    }
}
