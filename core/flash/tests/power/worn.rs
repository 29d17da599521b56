//! Flash that does not take what it is given: passed over, counted, said in a word.

use campanile_core::id::{InputId, Level};
use campanile_core::input::Input;
use campanile_core::record::{CORE_REV, MAX_RECORD, Record};
use campanile_core::time::{Duration, Instant};
use campanile_flash::{Checkpoint, Condition, Flash, Of, Refused, Start, Store};

use crate::log::{PAGES, read};
use crate::model::{Model, PAGE};

const SLOT: usize = 1;

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

#[test]
fn worn_pages_are_passed_over() {
    let mut flash = Model::<4>::new(PAGES + 2 * SLOT);
    flash.worn = vec![2 * SLOT + 1, 2 * SLOT + 4];
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    begin(&mut store).unwrap();
    for n in 0..400 {
        store.append_records(&record(n)).unwrap();
    }
    let found = read(&store, store.tail()).records;
    assert!(found.len() > 2 * PAGE / 16, "{} records are left", found.len());
    assert!(found.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1), "none of those is missing");
    assert_eq!(found.last().unwrap().seq, 400);
    let health = store.health();
    assert_eq!(health.condition, Condition::Worn);
    assert!(health.refused > 0 && health.lost == 0, "{health:?}");
}

#[test]
fn flash_that_takes_nothing_is_dead_and_what_it_missed_is_counted_when_it_lives_again() {
    let mut flash = Model::<4>::new(PAGES + 2 * SLOT);
    {
        let mut store = Store::open(&mut flash, SLOT).unwrap();
        begin(&mut store).unwrap();
        store.append_records(&record(1)).unwrap();
    }
    let healthy = flash.clone();
    flash.worn = (0..PAGES + 2 * SLOT).collect();
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    assert_eq!(begin(&mut store), Err(Refused), "no start without a number");
    assert_eq!(store.health().condition, Condition::Dead);

    let mut flash = healthy;
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    begin(&mut store).unwrap();
    store.append_records(&record(1)).unwrap();
    store.skip(12, Instant::from_micros(77_000)).unwrap();
    assert!(store.wants_checkpoint(), "what is behind a gap needs a state of its own");
    store.append_records(&record(2)).unwrap();
    assert_eq!((store.health().lost, store.health().condition), (10, Condition::Good));
    let found = read(&store, store.tail()).records;
    let last = found.last().unwrap();
    assert_eq!((last.seq, last.at), (12, Instant::from_micros(78_000)));
}

#[test]
fn another_program_needs_a_state_of_its_own() {
    let mut flash = Model::<4>::new(PAGES + 2 * SLOT);
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    begin(&mut store).unwrap();
    store.append_records(&record(1)).unwrap();
    assert!(!store.wants_checkpoint());
    let mut bytes = [0; MAX_RECORD];
    let len = Record::Input(Input::Install { hash: 3 }).encode(Duration::from_millis(1), &mut bytes).unwrap();
    store.append_records(&[&record(2), &bytes[..len]].concat()).unwrap();
    assert!(store.wants_checkpoint(), "the program of the start may be overwritten by the next");
    Checkpoint::of(3).finish(&mut store).unwrap();
    assert!(!store.wants_checkpoint());
}

#[test]
fn what_is_overwritten_and_was_fetched_by_nobody_is_counted() {
    let mut flash = Model::<4>::new(PAGES + 2 * SLOT);
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    begin(&mut store).unwrap();
    let boot = store.head().boot;
    let mut all = 0;
    while store.health().dropped == 0 {
        all += 1;
        store.append_records(&record(all)).unwrap();
    }
    let dropped = store.health().dropped;
    assert_eq!(store.health().condition, Condition::Full);
    let oldest = read(&store, store.tail()).records[0].seq;
    assert_eq!(dropped, oldest - 1, "of {all}");
    // From here on somebody fetches all but the last.
    for _ in 0..400 {
        store.fetched(boot, all);
        all += 1;
        store.append_records(&record(all)).unwrap();
    }
    assert_eq!(store.health().dropped, dropped);
}

#[test]
fn flash_that_is_too_small_is_no_store() {
    let mut flash = Model::<4>::new(5);
    assert!(Store::open(&mut flash, SLOT).is_none());
    assert!(Store::open(&mut flash, 9).is_none());
}
