//! Programs: the old one or the new one, never half of one.

use campanile_core::input::Input;
use campanile_core::program::image;
use campanile_core::record::{CORE_REV, MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_flash::{Checkpoint, Of, Start, Store, Unstored};

use crate::both::on_both;
use crate::log::PAGES;
use crate::model::Model;

/// Pages of a slot.
const SLOT: usize = 2;

fn program(n: usize) -> Vec<u8> {
    (0..300 + n).map(|k| (k * (n + 3)) as u8).collect()
}

fn hash(n: usize) -> u64 {
    image::hash(&program(n))
}

/// Installs it, in pieces as a wire gives them.
fn install<const UNIT: usize, const SIZE: usize>(
    flash: &mut Model<UNIT, SIZE>,
    n: usize,
    keep: Option<u64>,
) -> Result<(), Unstored> {
    let mut store = Store::open(flash, SLOT).unwrap();
    let (bytes, hash) = (program(n), hash(n));
    store.stage(bytes.len(), hash, keep, |bytes| Some(image::hash(bytes)))?;
    let mut offset = 0;
    while offset < bytes.len() {
        let piece = &bytes[offset..bytes.len().min(offset + 29)];
        offset = store.write_program(hash, offset, piece)?;
        // Said again, it changes nothing.
        assert_eq!(store.write_program(hash, 0, piece), Ok(offset));
    }
    assert_eq!(store.staged(hash), Some(&bytes[..]));
    store.commit(hash)
}

fn stored<const UNIT: usize, const SIZE: usize>(flash: &Model<UNIT, SIZE>) -> Vec<u64> {
    let mut flash = flash.clone();
    let store = Store::open(&mut flash, SLOT).unwrap();
    let programs = store.programs();
    for program in programs.iter().flatten() {
        assert_eq!(image::hash(program.bytes), program.hash);
    }
    programs.iter().flatten().map(|program| program.hash).collect()
}

fn a_cut_leaves_the_old_one_or_the_new_one<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    assert_eq!(stored(&flash), []);
    install(&mut flash, 1, None).unwrap();
    install(&mut flash, 2, Some(hash(1))).unwrap();
    assert_eq!(stored(&flash), [hash(2), hash(1)]);
    for steps in 1.. {
        let mut flash = flash.clone().again(steps, steps);
        let done = install(&mut flash, 3, Some(hash(2)));
        let found = stored(&flash);
        match found[..] {
            // What was cut last may have been whole already.
            [newest, old] if newest == hash(3) => assert_eq!(old, hash(2)),
            [newest, ..] => assert!(newest == hash(2) && done.is_err(), "after {steps} steps: {found:x?}"),
            [] => panic!("after {steps} steps there is no program"),
        }
        let mut flash = flash.again(u64::MAX, 0);
        install(&mut flash, 4, Some(found[0])).unwrap();
        assert_eq!(stored(&flash), [hash(4), found[0]], "after {steps} steps, and another");
        if done.is_ok() {
            return;
        }
    }
}

#[test]
fn a_cut_in_flash_that_is_written_in_other_units() {
    a_cut_leaves_the_old_one_or_the_new_one(Model::<1>::new(PAGES + 2 * SLOT));
    a_cut_leaves_the_old_one_or_the_new_one(Model::<16>::new(PAGES + 2 * SLOT));
}

on_both!(
    a_cut_leaves_the_old_one_or_the_new_one,
    what_is_not_whole_is_not_taken,
    a_program_stays_until_there_is_a_state_that_does_without_it,
);

fn what_is_not_whole_is_not_taken<const UNIT: usize, const SIZE: usize>(mut flash: Model<UNIT, SIZE>) {
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    let max = store.program_max();
    assert_eq!(store.stage(max + 1, 1, None, |_| None), Err(Unstored::TooLong { max }));
    assert_eq!(store.commit(1), Err(Unstored::Incomplete));
    let bytes = program(1);
    store.stage(bytes.len(), hash(1), None, |_| None).unwrap();
    assert_eq!(store.write_program(hash(2), 0, &bytes), Err(Unstored::Incomplete), "another one");
    assert_eq!(store.write_program(hash(1), 0, &bytes[..100]), Ok(100));
    assert_eq!(store.commit(hash(1)), Err(Unstored::Incomplete));
    assert_eq!(store.write_program(hash(1), 101, &bytes[101..]), Ok(100), "a piece is missing");
    assert_eq!(store.write_program(hash(1), 100, &bytes), Ok(100), "more than there is");
    let mut wrong = bytes[100..].to_vec();
    wrong[7] ^= 1;
    assert_eq!(store.write_program(hash(1), 100, &wrong), Ok(bytes.len()));
    assert_eq!(store.commit(hash(1)), Err(Unstored::Incomplete), "it is not what it says that it is");
}

fn a_program_stays_until_there_is_a_state_that_does_without_it<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    install(&mut flash, 1, None).unwrap();
    install(&mut flash, 2, Some(hash(1))).unwrap();
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    let boot = store.next_boot(1);
    store.begin(Start { boot, of: Of { program: hash(1), core_rev: CORE_REV } }).unwrap();
    let stage = |store: &mut Store<_>, keep| store.stage(10, 3, Some(keep), |bytes| Some(image::hash(bytes)));
    assert_eq!(stage(&mut store, hash(2)), Err(Unstored::Needed), "the record of the swap is not stored yet");
    assert!(!store.wants_checkpoint());

    let mut bytes = [0; MAX_RECORD];
    let swap = Record::Input(Input::Install { hash: hash(2) });
    let len = swap.encode(Duration::from_millis(1), &mut bytes).unwrap();
    store.append_records(1, Instant::ZERO, &bytes[..len]).unwrap();
    assert!(store.wants_checkpoint());
    assert_eq!(stage(&mut store, hash(2)), Err(Unstored::Needed), "the start has it");
    assert_eq!(stage(&mut store, hash(1)), Err(Unstored::Needed), "the swap needs the other");
    assert_eq!(store.programs().map(|program| program.unwrap().hash), [hash(2), hash(1)], "both are there");

    Checkpoint::of(hash(2)).finish(&mut store).unwrap();
    assert!(!store.wants_checkpoint());
    assert_eq!(stage(&mut store, hash(2)), Ok(()));
    assert_eq!(store.programs().map(|program| program.map(|program| program.hash)), [Some(hash(2)), None]);
}
