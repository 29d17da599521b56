//! Only checkpoints of which every piece is there count.

use campanile_core::capacity::Tiny;
use campanile_core::engine::Engine;
use campanile_core::record::CORE_REV;
use campanile_core::restore::Restore;
use campanile_flash::{Checkpoint, Item, Of, Refused, Start, Store, recall};

use crate::log::PAGES;
use crate::model::{Model, PAGE};

/// Items of a byte that fill a piece.
const PIECE: usize = 220;

fn push(store: &mut Store<&mut Model<4>>, checkpoint: &mut Checkpoint, items: usize) {
    (0..items).for_each(|_| checkpoint.push(store, &Restore::Halted {}));
}

/// Of what program the state is that counts.
fn counts(flash: &Model<4>) -> u64 {
    let mut flash = flash.clone();
    let mut store = Store::open(&mut flash, 1).unwrap();
    // Without any image nothing is executed: the last that was written down is taken.
    recall(&mut store, &mut Engine::<Tiny>::new(), |_, _| None).unwrap().unwrap().program
}

/// The indices of the pieces that are there.
fn pieces(store: &Store<&mut Model<4>>) -> Vec<u16> {
    let (mut place, mut found) = (store.tail(), Vec::new());
    while let Some((_, item, behind)) = store.next(place) {
        if let Item::State(state) = item {
            found.push(state.index);
        }
        place = behind;
    }
    found
}

/// A start with a state of program 1.
fn begin(flash: &mut Model<4>) -> Store<&mut Model<4>> {
    let mut store = Store::open(flash, 1).unwrap();
    let boot = store.next_boot(1);
    store.begin(Start { boot, of: Of { program: 1, core_rev: CORE_REV } }).unwrap();
    Checkpoint::of(1).finish(&mut store).unwrap();
    store
}

#[test]
fn nothing_is_written_behind_a_piece_that_was_refused() {
    let mut flash = Model::<4>::new(PAGES + 2);
    let weak = flash.weak.clone();
    let mut store = begin(&mut flash);
    let mut checkpoint = Checkpoint::of(2);
    push(&mut store, &mut checkpoint, PIECE + 1);
    assert_eq!(pieces(&store), [0, 0]);
    weak.set(true);
    push(&mut store, &mut checkpoint, PIECE);
    weak.set(false);
    push(&mut store, &mut checkpoint, PIECE);
    assert_eq!(checkpoint.finish(&mut store), Err(Refused));
    assert_eq!(pieces(&store), [0, 0], "pieces stand behind a hole");
    assert_eq!(counts(&flash), 1);
}

#[test]
fn a_checkpoint_that_lost_a_piece_later_does_not_count() {
    let mut flash = Model::<4>::new(PAGES + 2);
    let mut store = begin(&mut flash);
    let mut checkpoint = Checkpoint::of(2);
    push(&mut store, &mut checkpoint, 6 * PIECE);
    checkpoint.finish(&mut store).unwrap();
    assert_eq!(pieces(&store), [0, 0, 1, 2, 3, 4, 5]);
    assert_eq!(counts(&flash), 2);
    // The first page of the log that is used is its second; the third and the fourth are all pieces.
    for page in [4, 5] {
        let mut flash = flash.clone();
        flash.rot(page * PAGE);
        assert_eq!(counts(&flash), 1, "without page {page}");
    }
}
