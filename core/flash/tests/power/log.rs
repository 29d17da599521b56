//! The log, held against a list of what was appended.

use campanile_core::id::{InputId, Level};
use campanile_core::input::Input;
use campanile_core::record::{CORE_REV, MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_flash::{Flash, Item, Of, Place, Start, Store};

use crate::both::{as_far, on_both};
use crate::model::Model;

/// Of the small flash's log, beside two slots.
pub(crate) const PAGES: usize = 6;

/// Pages of a slot.
pub(crate) const SLOT: usize = 1;

/// The oracle: what the store has to have.
#[derive(Clone, Default)]
pub(crate) struct Book {
    /// Boot, number and time of every record, with its bytes.
    pub(crate) records: Vec<Entry>,
    pub(crate) boots: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) boot: u64,
    pub(crate) seq: u64,
    pub(crate) at: Instant,
    pub(crate) bytes: Vec<u8>,
}

/// The records of a store from a place on, and the starts.
pub(crate) fn read<F: Flash>(store: &Store<F>, mut place: Place) -> Book {
    let mut book = Book::default();
    while let Some((at, item, behind)) = store.next(place) {
        match item {
            Item::Records(bytes) => {
                let mut place = at;
                let mut rest = bytes;
                while let Some((frame, tail)) = campanile_core::record::Frame::split(rest) {
                    let at = place.at.plus(frame.dt);
                    book.records.push(Entry {
                        boot: place.boot,
                        seq: place.seq,
                        at,
                        bytes: frame.bytes.to_vec(),
                    });
                    (place.seq, place.at, rest) = (place.seq + 1, at, tail);
                }
                assert_eq!(
                    (place.seq, place.at),
                    (behind.seq, behind.at),
                    "the place behind is that of the records"
                );
            }
            Item::Start(start) => book.boots.push(start.boot),
            Item::State(_) | Item::Lost { .. } | Item::Named(_) => {}
        }
        place = behind;
    }
    book
}

/// Records that follow those of a book, one or more.
pub(crate) fn group(book: &Book, boot: u64, n: u64) -> Vec<Entry> {
    let last = book.records.last().filter(|last| last.boot == boot);
    let (mut seq, mut at) = last.map_or((1, Instant::ZERO), |last| (last.seq + 1, last.at));
    (0..1 + n % 9)
        .map(|k| {
            let dt = Duration::from_micros(1 + n * 977 % 100_000 + k);
            at = at.plus(dt);
            let mut bytes = [0; MAX_RECORD];
            let edge = Record::Input(Input::Edge {
                input: InputId((k % 4) as u8),
                level: Level::from_bool(k % 2 == 0),
            });
            let clock = Record::Input(Input::Clock { unix: n as i64 * 1_000_003, offset: 0, trusted: true });
            let len = if k == 7 { clock } else { edge }.encode(dt, &mut bytes).unwrap();
            let entry = Entry { boot, seq, at, bytes: bytes[..len].to_vec() };
            seq += 1;
            entry
        })
        .collect()
}

/// A life: a start, then groups, until the power fails. Gives what was under way then.
pub(crate) fn live<const UNIT: usize, const SIZE: usize>(
    flash: &mut Model<UNIT, SIZE>,
    book: &mut Book,
    groups: u64,
) -> Vec<Entry> {
    let mut store = Store::open(flash, SLOT).unwrap();
    let boot = store.next_boot(7);
    let of = Of { program: 0x1234_5678_9ABC_DEF0, core_rev: CORE_REV };
    if store.begin(Start { boot, of }).is_err() {
        return Vec::new();
    }
    assert!(!book.boots.contains(&boot), "the number {boot:#x} is used twice");
    book.boots.push(boot);
    for n in 0..groups {
        let entries = group(book, boot, n);
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.bytes.clone()).collect();
        let (seq, at) = (store.head().seq, store.head().at);
        if store.append_records(seq, at, &bytes).is_err() {
            return entries;
        }
        book.records.extend(entries);
    }
    Vec::new()
}

/// What is left in the flash is the end of the book and, at the most, what was under way besides, whole.
fn holds<const UNIT: usize, const SIZE: usize>(
    flash: &Model<UNIT, SIZE>,
    book: &mut Book,
    under_way: &[Entry],
    cuts: usize,
) {
    let mut flash = flash.clone();
    let store = Store::open(&mut flash, 1).unwrap();
    let found = read(&store, store.tail()).records;
    if !under_way.is_empty() && found.ends_with(under_way) {
        book.records.extend_from_slice(under_way);
    }
    assert!(
        book.records.ends_with(&found),
        "the flash has what nobody appended, or not all behind it: {found:?}"
    );
    let count = |entries: &[Entry]| entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
    // One page is erased, one begun, and every cut may cost one. Not half of a page is heads of entries.
    let pages = flash.erased.len() - 2 * SLOT;
    let least = pages.saturating_sub(2 + cuts) * (SIZE / 2);
    assert!(count(&found) >= least.min(count(&book.records)), "only {} bytes are left", count(&found));
}

/// Cuts the power after every `nth` step of a life, and the next life after some of its steps.
fn cut_everywhere<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
    groups_before: u64,
    nth: usize,
) {
    let mut book = Book::default();
    assert!(live(&mut flash, &mut book, groups_before).is_empty());
    for steps in (1..).step_by(nth) {
        let (mut flash, mut book) = (flash.clone().again(steps, steps), book.clone());
        let under_way = live(&mut flash, &mut book, 40);
        holds(&flash, &mut book, &under_way, 1);
        if flash.steps > 0 {
            assert!(steps > 100, "a life of {steps} steps has little to cut");
            return;
        }
        for second in [1, 2, 4, 11, 36] {
            let (mut flash, mut book) = (flash.clone().again(second, steps), book.clone());
            let under_way = live(&mut flash, &mut book, 20);
            holds(&flash, &mut book, &under_way, 2);
            let mut flash = flash.again(u64::MAX, 0);
            assert!(live(&mut flash, &mut book, 20).is_empty(), "the flash takes nothing any more");
            holds(&flash, &mut book, &[], 2);
        }
    }
}

#[test]
fn a_cut_in_a_young_log() {
    cut_everywhere(Model::<4>::new(PAGES + 2), 0, 1);
}

#[test]
fn a_cut_in_a_log_that_has_come_round() {
    cut_everywhere(Model::<4>::new(PAGES + 2), 120, 1);
}

#[test]
fn a_cut_in_flash_that_is_written_in_other_units() {
    cut_everywhere(Model::<1>::new(PAGES + 2), 120, 7);
    cut_everywhere(Model::<8>::new(PAGES + 2), 120, 3);
}

#[test]
fn a_cut_in_the_young_log_of_a_microbit() {
    cut_everywhere(Model::nrf51(), 0, 1);
}

#[test]
fn a_cut_in_the_log_of_a_microbit_that_has_come_round() {
    let flash = Model::nrf51();
    let groups = as_far(120, &flash);
    cut_everywhere(flash, groups, 17);
}

on_both!(
    pages_wear_alike,
    any_record_is_found_by_its_number,
    a_byte_that_rots_costs_its_page_and_no_number_twice,
);

fn pages_wear_alike<const UNIT: usize, const SIZE: usize>(mut flash: Model<UNIT, SIZE>) {
    let mut book = Book::default();
    while flash.erased.iter().max() <= Some(&11) {
        assert!(live(&mut flash, &mut book, 100).is_empty());
    }
    let log = flash.erased[2 * SLOT..].to_vec();
    let (least, most) = (log.iter().min().unwrap(), log.iter().max().unwrap());
    assert!(most - least <= 1, "{log:?}");
    let cycles = Store::open(&mut flash, SLOT).unwrap().health().cycles;
    assert!(cycles.abs_diff(*least) <= 1, "the store says {cycles}");
}

fn any_record_is_found_by_its_number<const UNIT: usize, const SIZE: usize>(mut flash: Model<UNIT, SIZE>) {
    let mut book = Book::default();
    for _ in 0..4 {
        let groups = as_far(40, &flash);
        live(&mut flash, &mut book, groups);
    }
    let store = Store::open(&mut flash, SLOT).unwrap();
    let found = read(&store, store.tail()).records;
    assert!(found.first().unwrap().boot != found.last().unwrap().boot, "of one start only: {}", found.len());
    assert!(found.len() < book.records.len(), "the log has not come round");
    for (n, entry) in found.iter().enumerate().step_by(1 + found.len() / 500) {
        let place = store.seek(entry.boot, entry.seq);
        assert_eq!((place.boot, place.seq), (entry.boot, entry.seq));
        let rest = read(&store, place).records;
        assert_eq!(rest, found[n..], "from {}/{} on", entry.boot >> 32, entry.seq);
    }
    let last = found.last().unwrap();
    assert_eq!(store.seek(last.boot, last.seq + 1), store.head());
    assert_eq!(read(&store, store.seek(0, 0)).records, found, "what is gone is not waited for");
}

fn a_byte_that_rots_costs_its_page_and_no_number_twice<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    let mut book = Book::default();
    for _ in 0..3 {
        let groups = as_far(60, &flash);
        live(&mut flash, &mut book, groups);
    }
    let bytes = flash.erased.len() * SIZE;
    for at in (2 * SLOT * SIZE..bytes).step_by((bytes / 600) | 1) {
        let mut flash = flash.clone();
        flash.rot(at);
        let found = {
            let store = Store::open(&mut flash, SLOT).unwrap();
            read(&store, store.tail()).records
        };
        let mut appended = book.records.iter();
        assert!(
            found.iter().all(|entry| appended.any(|appended| appended == entry)),
            "byte {at}: records that nobody appended, or out of their order"
        );
        // It has a number of its own, or this panics.
        let mut starts = Book { boots: book.boots.clone(), ..Book::default() };
        live(&mut flash, &mut starts, 10);
    }
}
