//! Flash that does not take what it is given: passed over, counted, said in a word.

use campanile_core::id::{InputId, Level};
use campanile_core::input::Input;
use campanile_core::link::Storage;
use campanile_core::record::{CORE_REV, MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_flash::{Checkpoint, Flash, Item, Of, Refused, Start, Store};

use crate::both::{as_far, on_both};
use crate::log::{SLOT, read};
use crate::model::Model;

fn record(n: u64) -> Vec<u8> {
    let mut bytes = [0; MAX_RECORD];
    let edge = Record::Input(Input::Edge { input: InputId(0), level: Level::from_bool(n.is_multiple_of(2)) });
    let len = edge.encode(Duration::from_millis(1), &mut bytes).unwrap();
    bytes[..len].to_vec()
}

fn begin<F: Flash>(store: &mut Store<F>) -> Result<(), Refused> {
    let boot = store.next_boot(1);
    store.begin(Start { boot, of: Of { program: 1, core_rev: CORE_REV } })
}

fn append<F: Flash>(store: &mut Store<F>, records: &[u8]) -> Result<(), Refused> {
    let head = store.head();
    store.append_records(head.seq, head.at, records)
}

/// The number of the oldest record that is left.
fn oldest<F: Flash>(store: &Store<F>) -> u64 {
    let mut place = store.tail();
    while let Some((at, item, behind)) = store.next(place) {
        if let Item::Records(_) = item {
            return at.seq;
        }
        place = behind;
    }
    panic!("there is none");
}

/// How many pages were erased between two looks.
fn erased<const UNIT: usize, const SIZE: usize>(
    before: &Model<UNIT, SIZE>,
    after: &Model<UNIT, SIZE>,
) -> usize {
    before.erased.iter().zip(&after.erased).filter(|(before, after)| before != after).count()
}

on_both!(
    worn_pages_are_passed_over,
    flash_that_takes_nothing_is_dead_and_what_it_missed_is_counted_when_it_lives_again,
    a_supply_that_erases_and_does_not_write_costs_one_page,
    records_have_the_numbers_that_they_are_given_with_or_are_refused,
    another_program_needs_a_state_of_its_own,
    what_is_overwritten_and_was_fetched_by_nobody_is_counted,
    the_last_record_that_was_fetched_is_not_dropped,
);

fn worn_pages_are_passed_over<const UNIT: usize, const SIZE: usize>(mut flash: Model<UNIT, SIZE>) {
    flash.worn = vec![2 * SLOT + 1, 2 * SLOT + 3, 2 * SLOT + 4];
    let (all, pages) = (as_far(400, &flash), flash.erased.len() - 2 * SLOT);
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    begin(&mut store).unwrap();
    for n in 0..all {
        append(&mut store, &record(n)).unwrap();
    }
    let found = read(&store, store.tail()).records;
    assert!(found.len() > (pages - 4) * SIZE / 16, "{} records are left", found.len());
    assert!(found.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1), "none of those is missing");
    assert_eq!(found.last().unwrap().seq, all);
    let health = store.health();
    assert_eq!(health.storage, Storage::Worn);
    assert!(health.refused > 0 && health.lost == 0, "{health:?}");
}

fn flash_that_takes_nothing_is_dead_and_what_it_missed_is_counted_when_it_lives_again<
    const UNIT: usize,
    const SIZE: usize,
>(
    mut flash: Model<UNIT, SIZE>,
) {
    let all = as_far(400, &flash);
    {
        let mut store = Store::open(&mut flash, SLOT).unwrap();
        begin(&mut store).unwrap();
        (0..all).for_each(|n| append(&mut store, &record(n)).unwrap());
    }
    let mut healthy = flash.clone();
    flash.worn = (0..flash.erased.len()).collect();
    for _ in 0..4 {
        let mut store = Store::open(&mut flash, SLOT).unwrap();
        for _ in 0..4 {
            assert_eq!(begin(&mut store), Err(Refused), "no start without a number");
            assert_eq!(append(&mut store, &record(1)), Err(Refused), "no records without a start");
            assert_eq!(store.health().storage, Storage::Dead);
        }
    }
    assert!(erased(&healthy, &flash) <= 1, "it is erased although it takes nothing: {:?}", flash.erased);

    flash.worn.clear();
    let healthy = Store::open(&mut healthy, SLOT).unwrap();
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    assert!(store.next_boot(1) >= healthy.next_boot(1), "a number is given twice");
    let (old, left) = (read(&healthy, healthy.tail()).records, read(&store, store.tail()).records);
    assert!(old.ends_with(&left) && old.len() - left.len() < SIZE / 8, "{} of {}", left.len(), old.len());
    begin(&mut store).unwrap();
    append(&mut store, &record(1)).unwrap();
    let since = Instant::from_micros(77_000);
    store.append_records(12, since, &record(2)).unwrap();
    assert!(store.wants_checkpoint(), "what is behind a gap needs a state of its own");
    assert_eq!((store.health().lost, store.health().storage), (10, Storage::Good));
    let found = read(&store, store.tail()).records;
    let last = found.last().unwrap();
    assert_eq!((last.seq, last.at), (12, Instant::from_micros(78_000)));
}

fn a_supply_that_erases_and_does_not_write_costs_one_page<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    let mut boots = Vec::new();
    // A page that is full, half full, just begun.
    for more in [0, 17, 31] {
        let records = as_far(400, &flash) + more;
        let weak = flash.weak.clone();
        let mut store = Store::open(&mut flash, SLOT).unwrap();
        begin(&mut store).unwrap();
        assert!(!boots.contains(&store.head().boot), "a number is given twice");
        boots.push(store.head().boot);
        (0..records).for_each(|n| append(&mut store, &record(n)).unwrap());
        let old = read(&store, store.tail()).records;
        let before = flash.clone();
        weak.set(true);
        let mut store = Store::open(&mut flash, SLOT).unwrap();
        (0..12).for_each(|_| assert_eq!(begin(&mut store), Err(Refused)));
        assert_eq!(erased(&before, &flash), 1, "{:?} and then {:?}", before.erased, flash.erased);
        weak.set(false);
        let store = Store::open(&mut flash, SLOT).unwrap();
        let left = read(&store, store.tail()).records;
        assert!(old.ends_with(&left) && old.len() > left.len() && !left.is_empty());
    }
    // The same within a start: what comes when the supply is back goes where the last page was erased.
    let weak = flash.weak.clone();
    let before = flash.clone();
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    begin(&mut store).unwrap();
    weak.set(true);
    (0..12).for_each(|n| assert_eq!(append(&mut store, &record(n)), Err(Refused)));
    weak.set(false);
    append(&mut store, &record(1)).unwrap();
    assert_eq!(read(&store, store.tail()).records.last().unwrap().seq, 1);
    assert_eq!(store.health().storage, Storage::Worn, "it was refused, and goes on");
    assert_eq!(erased(&before, &flash), 1);
}

fn records_have_the_numbers_that_they_are_given_with_or_are_refused<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    assert_eq!(append(&mut store, &record(1)), Err(Refused), "of what start?");
    begin(&mut store).unwrap();
    let at = |ms: u64| Instant::from_micros(ms * 1_000);
    store.append_records(1, at(0), &[record(1), record(2)].concat()).unwrap();
    assert_eq!(store.append_records(2, at(1), &record(2)), Err(Refused), "it is there");
    assert_eq!(store.append_records(3, at(1), &record(3)), Err(Refused), "its time is another");
    assert_eq!((store.health().storage, store.health().lost), (Storage::Good, 0));
    store.append_records(3, at(2), &record(3)).unwrap();
    assert!(!store.wants_checkpoint());
    store.append_records(7, at(9), &record(7)).unwrap();
    assert!(store.wants_checkpoint(), "records are missing");
    assert_eq!(store.health().lost, 3);
    let found = read(&store, store.tail()).records;
    let found: Vec<_> = found.iter().map(|record| (record.seq, record.at)).collect();
    assert_eq!(found, [(1, at(1)), (2, at(2)), (3, at(3)), (7, at(10))]);
}

fn another_program_needs_a_state_of_its_own<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    begin(&mut store).unwrap();
    append(&mut store, &record(1)).unwrap();
    assert!(!store.wants_checkpoint());
    let mut bytes = [0; MAX_RECORD];
    let len = Record::Input(Input::Install { hash: 3 }).encode(Duration::from_millis(1), &mut bytes).unwrap();
    append(&mut store, &[&record(2), &bytes[..len]].concat()).unwrap();
    assert!(store.wants_checkpoint(), "the program of the start may be overwritten by the next");
    Checkpoint::of(3).finish(&mut store).unwrap();
    assert!(!store.wants_checkpoint());
}

fn what_is_overwritten_and_was_fetched_by_nobody_is_counted<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    let far = as_far(400, &flash);
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    begin(&mut store).unwrap();
    let boot = store.head().boot;
    let mut all = 0;
    while store.health().dropped == 0 {
        all += 1;
        append(&mut store, &record(all)).unwrap();
    }
    let dropped = store.health().dropped;
    assert_eq!(store.health().storage, Storage::Full);
    assert_eq!(dropped, oldest(&store) - 1, "of {all}");
    // From here on somebody fetches all but the last.
    for _ in 0..far {
        store.fetched(boot, all);
        all += 1;
        append(&mut store, &record(all)).unwrap();
    }
    assert_eq!(store.health().dropped, dropped);
}

fn the_last_record_that_was_fetched_is_not_dropped<const UNIT: usize, const SIZE: usize>(
    flash: Model<UNIT, SIZE>,
) {
    // Fills the log until the first page goes; gives the oldest record that is left, and how many were dropped.
    let fill = |fetched: u64| {
        let mut flash = flash.clone();
        let mut store = Store::open(&mut flash, SLOT).unwrap();
        begin(&mut store).unwrap();
        store.fetched(store.head().boot, fetched);
        append(&mut store, &record(0)).unwrap();
        while oldest(&store) == 1 {
            append(&mut store, &record(0)).unwrap();
        }
        (oldest(&store), store.health().dropped)
    };
    let (oldest, _) = fill(0);
    assert!(oldest > 10, "{oldest}");
    assert_eq!(fill(oldest - 1), (oldest, 0), "the last of the page that goes was fetched");
    assert_eq!(fill(oldest - 2), (oldest, 1));
}

#[test]
fn flash_that_is_too_small_is_no_store() {
    let mut flash = Model::<4>::new(5);
    assert!(Store::open(&mut flash, SLOT).is_none());
    assert!(Store::open(&mut flash, 9).is_none());
}
