//! Whole days: every decision in the log of an engine is the reference's, in its place and at its time.

use proptest::prelude::*;

use crate::calm;
use crate::held::hold_against_reference;
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
    let (images, moments) = calm::draw(&mut Tape::new(tape));
    let mut life = Life::load(START, &images, 0);
    moments.iter().for_each(|moment| life.live(moment, &images));
    hold_against_reference(&life, &images, START)
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn days_are_those_of_the_reference(tape in tapes(900)) {
        a_day_is_the_references(&tape)?;
    }

    #[test]
    fn calm_days_are_those_of_the_reference(tape in tapes(900)) {
        a_calm_day_is_the_references(&tape)?;
    }
}
