//! Whole days: every decision in the log of an engine is the reference's, in its place and at its time.

use campanile_core::program::image::hash;
use campanile_sim::oracle::reference::check::Checker;
use campanile_sim::oracle::reference::programs;
use proptest::prelude::*;

use crate::life::Life;
use crate::story::{START, draw};
use crate::tape::{Tape, cases, tapes};

/// The log of a life, from the load of the first program on. That of a restless one ends somewhere.
fn hold_against_reference(life: &Life, images: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let programs = programs(images.iter().map(Vec::as_slice)).unwrap();
    let mut checker = Checker::load(START, hash(&images[0]), &programs).unwrap();
    for (at, record) in life.records() {
        checker.see(at, &record).map_err(|why| failed(&why, life))?;
    }
    if life.restless {
        return Ok(());
    }
    checker.finish(life.engine.now()).map_err(|why| failed(&why, life))
}

fn failed(why: &impl std::fmt::Display, life: &Life) -> TestCaseError {
    let records = life.records();
    let lines =
        records.iter().zip(1..).map(|((at, record), seq)| format!("{seq} {} {record:?}", at.micros()));
    TestCaseError::fail(format!("{why}\n{}", lines.collect::<Vec<_>>().join("\n")))
}

fn a_day_is_the_references(tape: &[u8]) -> Result<(), TestCaseError> {
    let (_, images, moments) = draw(&mut Tape::new(tape));
    let mut life = Life::load(START, &images, 0);
    moments.iter().for_each(|moment| life.live(moment, &images));
    hold_against_reference(&life, &images)
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn days_are_those_of_the_reference(tape in tapes(900)) {
        a_day_is_the_references(&tape)?;
    }
}
