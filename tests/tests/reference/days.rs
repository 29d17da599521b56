//! Whole days: every decision in the log of an engine is the reference's, in its place and at its time.

use proptest::prelude::*;

use crate::calm;
use crate::held::{hold_against_reference, hold_behind};
use crate::life::Life;
use crate::story::{START, draw};
use crate::tape::{Tape, cases, tapes};

fn a_day_is_the_references(tape: &[u8]) -> Result<(), TestCaseError> {
    let (_, images, moments) = draw(&mut Tape::new(tape));
    let mut life = Life::load(START, &images, 0);
    moments.iter().for_each(|moment| life.live(moment, &images));
    hold_against_reference(&life, &images, START)
}

fn a_calm_day_is_the_references(tape: &[u8]) -> Result<(), TestCaseError> {
    let mut tape = Tape::new(tape);
    let when = usize::from(tape.byte());
    let (images, moments) = calm::draw(&mut tape);
    let mut life = Life::load(START, &images, 0);
    let (before, behind) = moments.split_at(when % moments.len());
    before.iter().for_each(|moment| life.live(moment, &images));
    let mark = (life.checkpoint(), life.program, life.records().len());
    let at_ease = !life.restless;
    behind.iter().for_each(|moment| life.live(moment, &images));
    hold_against_reference(&life, &images, START)?;
    // A checkpoint is for an engine that has nothing to do just now.
    if at_ease { hold_behind(&life, &images, &mark) } else { Ok(()) }
}

proptest! {
    #![proptest_config(cases(700))]

    #[test]
    fn days_are_those_of_the_reference(tape in tapes(900)) {
        a_day_is_the_references(&tape)?;
    }
}

proptest! {
    // A calm day is a third of the work.
    #![proptest_config(cases(1_000))]

    #[test]
    fn calm_days_are_those_of_the_reference(tape in tapes(900)) {
        a_calm_day_is_the_references(&tape)?;
    }
}
