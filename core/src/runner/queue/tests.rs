//! The queue by itself: order, losses, storms, and programs that change. What holds of any storm is among the properties.

use core::cell::Cell;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use std::thread;

use super::*;

const fn at(us: u64) -> Instant {
    Instant::from_micros(us)
}

const fn lost(input: Option<InputId>, lost: u32) -> Input {
    Input::Overrun { input, lost, why: OverrunWhy::Queue }
}

const fn edge(input: u8, level: Level) -> Input {
    Input::Edge { input: InputId(input), level }
}

/// All that waits, with its times.
fn all<const N: usize, const INPUTS: usize>(
    mut queue: &EdgeQueue<CriticalSectionRawMutex, N, INPUTS>,
) -> impl Iterator<Item = (u64, Input)> {
    core::iter::from_fn(move || queue.next().map(|taken| (taken.at.micros(), taken.input)))
}

#[test]
fn edges_of_a_line_that_is_gone_are_counted_and_never_taken_for_those_of_another() {
    let queue = EdgeQueue::<_, 2, 1>::new();
    for us in 1..=3 {
        queue.push(at(us), InputId(0), Level::On);
    }
    queue.renumber(at(4), &["button"], &["mat"], PartialEq::eq);
    queue.push(at(5), InputId(0), Level::Off);
    let mut next = all(&queue);
    assert_eq!(next.next(), Some((5, lost(None, 3))), "two that waited, and one that found no room");
    assert_eq!(next.next(), Some((5, lost(Some(InputId(0)), 1))), "nothing comes in front of what is lost");
    assert_eq!(next.next(), None);
    queue.push(at(6), InputId(0), Level::On);
    assert_eq!(next.next(), Some((6, edge(0, Level::On))));
    queue.push(at(7), InputId(0), Level::Off);
    queue.renumber(at(7), &["mat"], &["button"], PartialEq::eq);
    queue.renumber(at(8), &["button"], &["mat"], PartialEq::eq);
    assert_eq!(next.next(), Some((7, lost(None, 1))), "once, however often the program changes");
    assert_eq!(next.next(), None);
}

#[test]
fn a_press_that_waits_while_programs_change_is_one_of_its_line_under_its_new_id() {
    let queue = EdgeQueue::<_, 4, 3>::new();
    for (us, input, level) in [(1, 0, Level::On), (2, 2, Level::On), (3, 0, Level::Off)] {
        queue.push(at(us), InputId(input), level);
    }
    queue.renumber(at(4), &["button", "bolt", "mat"], &["bolt", "button"], PartialEq::eq);
    let came = [(1, edge(1, Level::On)), (3, edge(1, Level::Off)), (4, lost(None, 1))];
    assert!(all(&queue).eq(came));
}

#[test]
fn what_is_lost_of_a_line_is_told_under_its_new_id() {
    let queue = EdgeQueue::<_, 1, 2>::new();
    for us in 1..=3 {
        queue.push(at(us), InputId(0), Level::On);
    }
    queue.renumber(at(4), &["button"], &["bolt", "button"], PartialEq::eq);
    assert!(all(&queue).eq([(1, edge(1, Level::On)), (3, lost(Some(InputId(1)), 2))]));
}

#[test]
fn nothing_that_waited_is_nothing_lost() {
    let queue = EdgeQueue::<_, 2, 1>::new();
    queue.renumber(at(1), &["button"], &[], PartialEq::eq);
    assert!(all(&queue).next().is_none());
}

#[test]
fn an_edge_of_nobody_that_finds_no_room_is_counted_as_lost() {
    let queue = EdgeQueue::<_, 1, 1>::new();
    assert!(queue.push(at(1), InputId(7), Level::On));
    assert!(!queue.push(at(2), InputId(7), Level::On));
    assert!(all(&queue).eq([(1, edge(7, Level::On)), (2, lost(None, 1))]));
}

/// The pins that interrupt, a bit each.
struct Pins(Cell<u8>);

impl Interrupts for Pins {
    fn enable(&self, input: InputId) {
        self.0.set(self.0.get() | 1 << input.0);
    }

    fn disable(&self, input: InputId) {
        self.0.set(self.0.get() & !(1 << input.0));
    }
}

#[test]
fn a_pin_whose_edges_are_lost_interrupts_again_when_that_is_told() {
    let (queue, pins) = (EdgeQueue::<CriticalSectionRawMutex, 1, 2>::new(), Pins(Cell::new(0b11)));
    let mut edges = PinEdges::new(&queue, &pins);
    queue.interrupt(at(1), InputId(0), Level::On, &pins);
    assert_eq!(pins.0.get(), 0b11, "there was room");
    queue.interrupt(at(2), InputId(0), Level::Off, &pins);
    assert_eq!(pins.0.get(), 0b10);
    assert_eq!(edges.next().unwrap().input, edge(0, Level::On));
    assert_eq!(edges.next().unwrap().input, lost(Some(InputId(0)), 1));
    assert_eq!(pins.0.get(), 0b10, "what comes now is lost, too");
    assert_eq!(edges.next(), None);
    assert_eq!(pins.0.get(), 0b11);
}

#[test]
fn a_pin_interrupts_again_when_neither_its_mask_nor_its_loss_is_in_the_way() {
    let (queue, pins) = (EdgeQueue::<CriticalSectionRawMutex, 1, 1>::new(), Pins(Cell::new(1)));
    let mut edges = PinEdges::new(&queue, &pins);
    let lose = || (1..=2).for_each(|us| queue.interrupt(at(us), InputId(0), Level::On, &pins));
    lose();
    edges.mask(InputId(0), true);
    while edges.next().is_some() {}
    assert_eq!(pins.0.get(), 0, "it is masked");
    edges.mask(InputId(0), false);
    assert_eq!(pins.0.get(), 1);
    lose();
    edges.mask(InputId(0), true);
    edges.mask(InputId(0), false);
    assert_eq!(pins.0.get(), 0, "there is no room");
    while edges.next().is_some() {}
    assert_eq!(pins.0.get(), 1);
}

#[test]
fn however_push_and_next_fall_together_times_ascend_and_every_edge_is_taken_or_counted() {
    // No more than the count of one input holds.
    const EDGES: u64 = 60_000;
    let queue = EdgeQueue::<_, 2, 1>::new();
    thread::scope(|scope| {
        let producer = scope.spawn(|| {
            for us in 1..=EDGES {
                queue.push(at(us), InputId(0), Level::On);
            }
        });
        let (mut last, mut count) = (0, 0);
        loop {
            // What was pushed before it ended is taken in what follows.
            let is_last = producer.is_finished();
            for (us, input) in all(&queue) {
                assert!(us >= last, "{input:?} at {us} came behind what was at {last}");
                last = us;
                count += if let Input::Overrun { lost, .. } = input { u64::from(lost) } else { 1 };
            }
            if is_last {
                break;
            }
        }
        assert_eq!(count, EDGES);
    });
}
