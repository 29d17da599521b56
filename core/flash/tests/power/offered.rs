//! Which starts a link offers, and by which numbers, over power cuts: what a house has named is found by its name.

use campanile_core::link::Source as _;
use campanile_core::record::CORE_REV;
use campanile_flash::{Of, Offered, Start, Store};

use crate::both::on_both;
use crate::log::{Book, SLOT, group, live};
use crate::model::Model;

/// What a house calls a start of a board that counts from the beginning: its journal has a hundred of another's.
const fn house(counter: u64) -> u64 {
    (100 + counter) << 32 | 0xABCD
}

on_both!(
    a_start_that_a_house_has_named_is_offered_by_that_name_and_none_before_it,
    a_name_is_there_whole_or_not_at_all_wherever_the_power_fails,
    the_numbers_of_a_house_are_not_used_again_when_the_log_has_come_round,
    a_count_of_starts_at_its_end_does_not_begin_anew,
);

/// So many starts of some records each; their numbers.
fn lived<const UNIT: usize, const SIZE: usize>(flash: &mut Model<UNIT, SIZE>, starts: usize) -> Vec<u64> {
    let mut book = Book::default();
    for _ in 0..starts {
        assert!(live(flash, &mut book, 2).is_empty());
    }
    book.boots
}

/// Begins a start; gives its number.
fn begin<const UNIT: usize, const SIZE: usize>(store: &mut Store<&mut Model<UNIT, SIZE>>) -> u64 {
    let boot = store.next_boot(7);
    // A flash without power takes nothing, and the board has no storage then.
    let _ = store.begin(Start { boot, of: Of { program: 1, core_rev: CORE_REV } });
    boot
}

fn a_start_that_a_house_has_named_is_offered_by_that_name_and_none_before_it<
    const UNIT: usize,
    const SIZE: usize,
>(
    mut flash: Model<UNIT, SIZE>,
) {
    let boots = lived(&mut flash, 2);
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    let runs = begin(&mut store);
    let mut offered = Offered::first(&store, runs);
    assert_eq!((offered.number(), offered.is_over()), (boots[0], true));
    offered.assigned(&mut store, house(1));
    assert_eq!(offered.number(), house(1));
    let head = offered.log(&store).head().seq;
    assert!(!offered.taken(&mut store, head - 1) && offered.taken(&mut store, head));
    assert_eq!((offered.number(), offered.is_over()), (boots[1], true));
    offered.assigned(&mut store, house(2));

    // The power goes and comes: the first is in the house's journal, and the second has its name.
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    let runs = begin(&mut store);
    assert_eq!(runs >> 32, 103, "behind the numbers of the house");
    let mut offered = Offered::first(&store, runs);
    assert_eq!((offered.number(), offered.is_over()), (house(2), true));
    let head = offered.log(&store).head().seq;
    assert!(offered.taken(&mut store, head));
    // The one that was cut off before its first record has nothing to offer.
    assert_eq!((offered.number(), offered.is_over()), (runs, false));
}

fn a_name_is_there_whole_or_not_at_all_wherever_the_power_fails<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    let boots = lived(&mut flash, 2);
    let (mut kept, mut not) = (0, 0);
    for steps in 1..60 {
        let mut flash = flash.clone().again(steps, steps);
        let mut store = Store::open(&mut flash, SLOT).unwrap();
        begin(&mut store);
        let done = store.name(boots[1], house(1)).is_ok();
        let mut flash = flash.again(u64::MAX, 0);
        let mut store = Store::open(&mut flash, SLOT).unwrap();
        let runs = begin(&mut store);
        let first = Offered::first(&store, runs).number();
        let named = first == house(1);
        assert!(named || !done && first == boots[0], "{first:#x} is offered after {steps} steps");
        assert!(!named || runs >> 32 > 101, "{runs:#x} behind the house's");
        (kept, not) = (kept + usize::from(named), not + usize::from(!named));
    }
    assert!(kept > 10 && not > 3, "{kept} names were kept and {not} were not");
}

fn the_numbers_of_a_house_are_not_used_again_when_the_log_has_come_round<
    const UNIT: usize,
    const SIZE: usize,
>(
    mut flash: Model<UNIT, SIZE>,
) {
    lived(&mut flash, 1);
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    let runs = begin(&mut store);
    store.name(runs, house(1)).unwrap();
    let record = group(&Book::default(), runs, 0)[0].bytes.clone();
    while store.health().cycles < 3 {
        store.append_records(store.head().seq, store.head().at, &record).unwrap();
    }
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    let next = begin(&mut store);
    assert_eq!(next >> 32, 102);
    let offered = Offered::first(&store, next);
    assert_eq!(
        (offered.number(), offered.is_over()),
        (house(1), true),
        "the page says whose its records are"
    );
    assert!(offered.log(&store).tail().seq > 1);
}

fn a_count_of_starts_at_its_end_does_not_begin_anew<const UNIT: usize, const SIZE: usize>(
    mut flash: Model<UNIT, SIZE>,
) {
    lived(&mut flash, 1);
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    let runs = begin(&mut store);
    let last = u64::from(u32::MAX);
    store.name(runs, last << 32).unwrap();
    let mut store = Store::open(&mut flash, SLOT).unwrap();
    assert_eq!(begin(&mut store) >> 32, last);
}
