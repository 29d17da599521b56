//! A log of an engine, held against the reference.

use campanile_core::program::image::hash;
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_sim::oracle::reference::check::Checker;
use campanile_sim::oracle::reference::{Programs, programs};
use proptest::prelude::*;

use crate::life::Life;

/// The log of a life, from the load of the first program at `loaded` on. That of a restless one ends somewhere.
pub(crate) fn hold_against_reference(
    life: &Life,
    images: &[Vec<u8>],
    loaded: Instant,
) -> Result<(), TestCaseError> {
    let checker = Checker::load(loaded, hash(&images[0]), &read(images)).unwrap();
    hold(life, checker, 0)
}

/// What came behind a checkpoint and so many records.
pub(crate) fn hold_behind(
    life: &Life,
    images: &[Vec<u8>],
    (items, program, records): &Mark,
) -> Result<(), TestCaseError> {
    let checker = Checker::resume(items, hash(&images[*program]), &read(images)).unwrap();
    hold(life, checker, *records)
}

/// A checkpoint, its program by its place in the list, and the number of records before it.
pub(crate) type Mark = (Vec<Restore>, usize, usize);

fn read(images: &[Vec<u8>]) -> Programs {
    programs(images.iter().map(Vec::as_slice)).unwrap()
}

fn hold(life: &Life, mut checker: Checker, from: usize) -> Result<(), TestCaseError> {
    for (at, record) in life.records().split_off(from) {
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
