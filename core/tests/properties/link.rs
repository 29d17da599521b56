//! The link over a wire that loses, doubles, swaps, corrupts, delays and cuts bytes, between ends that restart at any
//! moment: no record is lost or comes twice, no command takes effect twice, no program takes over twice, no number of a
//! start is used twice, and both ends agree on every line in the end, whatever was lost.

mod pi;
mod porch;
mod wire;

use std::cell::RefCell;
use std::collections::VecDeque;

use campanile_core::link::WINDOW;
use campanile_core::time::{Duration, Instant};
use proptest::prelude::*;

use crate::tape::{Tape, cases, tapes};
use pi::{Journal, Pi};
use porch::Porch;
use wire::Wire;

const STEP: Duration = Duration::from_millis(10);
/// The wire is good from here on.
const CALM: Instant = Instant::from_micros(8_000_000);
/// Nothing happens behind this, ...
const QUIET: Instant = Instant::from_micros(22_000_000);
/// ... so that by here all is where it belongs.
const END: Instant = Instant::from_micros(24_000_000);

/// A world of two ends and the wire between them; gives how often something was carried over it.
fn live(tape: &mut Tape<'_>) -> Result<(usize, usize), TestCaseError> {
    let (mut up, mut down) = (Wire::default(), Wire::default());
    let mut journal = Journal::default();
    let mut porches = vec![Porch::start(Instant::ZERO, 0)];
    let mut program = 1;
    let mut pi = Pi::start(1, program);
    let (mut now, mut starts, mut next_id) = (Instant::ZERO, 1, 1);
    let mut asked = Vec::new();
    while now < END {
        now = now.plus(STEP);
        let calm = now >= CALM;
        let mut nothing = Tape::new(&[]);
        let faults = if calm { &mut nothing } else { &mut *tape };
        let porch = porches.last_mut().expect("there is one");
        if now < QUIET {
            porch.live(now, faults);
        }
        if now < QUIET && pi.is_free() && (calm || faults.chance(2)) && asked.len() < 100 {
            next_id += 1;
            asked.push(next_id);
            pi.ask(now, next_id);
        }
        if faults.below(256) > 250 || now == CALM {
            // Also one that it had before.
            program = program % 3 + 1;
            pi.want(now, program);
        }
        for bytes in down.arrived(now) {
            porch.hear(now, bytes, faults)?;
        }
        for bytes in up.arrived(now) {
            pi.hear(now, bytes, &mut journal, porch)?;
        }
        while let Some(frame) = porch.say(now) {
            up.carry(now, &frame, faults);
        }
        while let Some(frame) = pi.say(now) {
            down.carry(now, &frame, faults);
        }
        if faults.below(256) > 250 {
            starts += 1;
            porches.push(Porch::start(now, starts));
        }
        if faults.below(256) > 252 {
            starts += 1;
            next_id += 1_000;
            pi = Pi::start(starts, program);
        }
    }
    prop_assert!(pi.is_up(), "the wire is good and they do not talk");
    let last = porches.last().expect("there is one");
    prop_assert_eq!(journal.next(last.boot()), last.next(), "records of the last start have not come");
    prop_assert_eq!(last.bundle(), pi.wanted(), "the last start has not got its program");
    prop_assert_eq!(pi.button(), last.reported(), "the host has the button otherwise");
    for porch in &porches {
        journal.compare(porch)?;
        let installs = porch.installs();
        prop_assert!(installs.windows(2).all(|two| two[0] != two[1]), "one took over twice: {:x?}", installs);
    }
    let mut done = 0;
    for id in asked {
        let effects: usize = porches.iter().map(|porch| porch.effects(id)).sum();
        prop_assert!(effects <= 1, "command {} took effect {} times", id, effects);
        if let Some(answered) = pi.answer(id) {
            prop_assert!(!answered || effects == 1, "command {} was answered and had no effect", id);
            done += usize::from(answered);
        }
    }
    Ok((journal.len(), done))
}

#[test]
fn on_a_good_wire_everything_comes_at_once() {
    let (records, done) = live(&mut Tape::new(&[])).unwrap();
    assert!(records > 200 && done == 100, "{records} records and {done} answers");
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn on_a_bad_wire_nothing_is_lost_and_nothing_happens_twice(bytes in tapes(6_000)) {
        live(&mut Tape::new(&bytes))?;
    }
}

#[test]
fn a_command_from_long_ago_does_nothing() {
    let mut porch = Porch::start(Instant::ZERO, 1);
    let (mut pi, mut journal) = (Pi::start(1, 1), Journal::default());
    let (mut now, mut old) = (Instant::ZERO, Vec::new());
    let mut nothing = Tape::new(&[]);
    for id in 1..40 {
        while !pi.is_free() || id == 1 && !pi.is_up() {
            now = now.plus(STEP);
            while let Some(frame) = porch.say(now) {
                pi.hear(now, frame, &mut journal, &porch).unwrap();
            }
            while let Some(frame) = pi.say(now) {
                if id == 2 {
                    old.push(frame.clone());
                }
                porch.hear(now, frame, &mut nothing).unwrap();
            }
        }
        pi.ask(now, id);
    }
    // The engine remembers sixteen of them.
    old.into_iter().for_each(|frame| porch.hear(now, frame, &mut nothing).unwrap());
    assert_eq!((porch.effects(1), porch.effects(20)), (1, 1));
}

/// Ends that hear each other until nothing is under way; `lost` says which frames of the satellite's do not arrive.
fn talk(
    now: &mut Instant,
    porch: &mut Porch,
    pi: &mut Pi,
    journal: &mut Journal,
    lost: impl Fn(&[u8]) -> bool,
) {
    for _ in 0..100 {
        *now = now.plus(STEP);
        while let Some(frame) = porch.say(*now) {
            if !lost(&frame) {
                pi.hear(*now, frame, journal, porch).unwrap();
            }
        }
        while let Some(frame) = pi.say(*now) {
            porch.hear(*now, frame, &mut Tape::new(&[])).unwrap();
        }
    }
}

/// What an `Ack` begins with, behind the first byte of its form, and what `Records` do.
const ACK: u8 = 3;
const RECORDS: u8 = 4;

/// Whether a frame has a `Committed`: its first byte behind that of its form.
fn is_committed(frame: &[u8]) -> bool {
    frame.get(1) == Some(&10)
}

#[test]
fn a_program_whose_answer_is_lost_takes_over_once() {
    let (mut porch, mut pi, mut journal) =
        (Porch::start(Instant::ZERO, 1), Pi::start(1, 1), Journal::default());
    let mut now = Instant::ZERO;
    talk(&mut now, &mut porch, &mut pi, &mut journal, is_committed);
    assert_eq!((porch.bundle(), pi.is_installing()), (pi.wanted(), true), "it asks again");
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    assert_eq!((porch.installs().len(), pi.is_installing()), (1, false));
    // Lost with the whole session: the next hello tells.
    pi.want(now, 2);
    talk(&mut now, &mut porch, &mut pi, &mut journal, is_committed);
    pi.cut(now);
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    assert_eq!((porch.installs().len(), pi.is_installing()), (2, false));
}

#[test]
fn a_program_that_takes_over_behind_the_hello_of_a_later_session_is_told_to_its_host() {
    let (mut porch, mut pi, mut journal) =
        (Porch::start(Instant::ZERO, 1), Pi::start(1, 1), Journal::default());
    let mut now = Instant::ZERO;
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    porch.is_busy = true;
    pi.want(now, 2);
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    // The house has taken it back, and hears that all is as it wants it.
    let mut pi = Pi::start(2, 1);
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    assert_eq!((porch.bundle(), pi.is_installing()), (pi.wanted(), false));
    porch.takes_over(now).unwrap();
    assert_ne!(porch.bundle(), pi.wanted());
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    assert_eq!((porch.bundle(), porch.installs().len()), (pi.wanted(), 3));
}

#[test]
fn a_hello_from_before_its_number_was_heard_begins_no_other_start() {
    let (mut porch, mut pi, mut journal) =
        (Porch::start(Instant::ZERO, 1), Pi::start(1, 1), Journal::default());
    let (mut now, hellos) = (Instant::ZERO, RefCell::new(Vec::new()));
    talk(&mut now, &mut porch, &mut pi, &mut journal, |frame| {
        if frame.get(1) == Some(&1) {
            hellos.borrow_mut().push(frame.to_vec());
        }
        false
    });
    let (boot, first) = (porch.boot(), hellos.borrow()[0].clone());
    pi.hear(now, first, &mut journal, &porch).unwrap();
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    assert_eq!((porch.boot(), journal.starts()), (boot, 1));
}

#[test]
fn a_hello_from_before_a_reset_ends_no_session_for_good_and_begins_no_start() {
    let (mut porch, mut pi, mut journal) =
        (Porch::start(Instant::ZERO, 1), Pi::start(1, 1), Journal::default());
    let (mut now, mut nothing, hellos) = (Instant::ZERO, Tape::new(&[]), RefCell::new(Vec::new()));
    let greeting = pi.say(now).unwrap();
    porch.hear(now, greeting.clone(), &mut nothing).unwrap();
    talk(&mut now, &mut porch, &mut pi, &mut journal, |frame| {
        if frame.get(1) == Some(&1) {
            hellos.borrow_mut().push(frame.to_vec());
        }
        false
    });
    // The greeting comes a second time behind a reset, and then what the satellite answered before it.
    let mut porch = Porch::start(now, 2);
    porch.hear(now, greeting, &mut nothing).unwrap();
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    let boot = porch.boot();
    for hello in hellos.take() {
        pi.hear(now, hello, &mut journal, &porch).unwrap();
        talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    }
    assert_eq!((porch.boot(), journal.starts()), (boot, 2));
}

#[test]
fn a_journal_that_lost_its_end_gets_it_again() {
    let (mut porch, mut pi, mut journal) =
        (Porch::start(Instant::ZERO, 1), Pi::start(1, 1), Journal::default());
    let (mut now, mut nothing) = (Instant::ZERO, Tape::new(&[]));
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    for _ in 0..20 {
        now = Instant::from_micros((now.micros() / 100_000 + 1) * 100_000);
        porch.live(now, &mut nothing);
    }
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    assert_eq!(journal.next(porch.boot()), porch.next());
    pi.go_back(now, 5, &mut journal);
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    assert_eq!(journal.next(porch.boot()), porch.next());
    journal.compare(&porch).unwrap();
}

/// The next frame that has been long enough under way.
fn arrived(wire: &mut VecDeque<(Instant, Vec<u8>)>, now: Instant) -> Option<Vec<u8>> {
    let (at, _) = wire.front()?;
    if *at > now { None } else { wire.pop_front().map(|(_, frame)| frame) }
}

/// Over a wire that takes a while, while records come one behind the other.
#[test]
fn an_acknowledgement_that_comes_twice_brings_no_more_than_a_window_again() {
    const ON_THE_WAY: Duration = Duration::from_millis(150);
    let (mut porch, mut pi, mut journal) =
        (Porch::start(Instant::ZERO, 1), Pi::start(1, 1), Journal::default());
    let (mut now, mut nothing) = (Instant::ZERO, Tape::new(&[]));
    talk(&mut now, &mut porch, &mut pi, &mut journal, |_| false);
    let (mut up, mut down) = (VecDeque::new(), VecDeque::new());
    let (mut rows, mut acks) = (0, 0);
    let first = porch.next();
    for _ in 0..2_000 {
        now = now.plus(STEP);
        porch.live(now, &mut nothing);
        while let Some(frame) = arrived(&mut down, now) {
            porch.hear(now, frame, &mut nothing).unwrap();
        }
        while let Some(frame) = arrived(&mut up, now) {
            pi.hear(now, frame, &mut journal, &porch).unwrap();
        }
        while let Some(frame) = porch.say(now) {
            rows += usize::from(frame.get(1) == Some(&RECORDS));
            up.push_back((now.plus(ON_THE_WAY), frame));
        }
        while let Some(frame) = pi.say(now) {
            acks += usize::from(frame.get(1) == Some(&ACK));
            if frame.get(1) == Some(&ACK) && acks == 100 {
                down.push_back((now.plus(ON_THE_WAY), frame.clone()));
            }
            down.push_back((now.plus(ON_THE_WAY), frame));
        }
    }
    let moves = (porch.next() - first) as usize / 2;
    assert!(
        rows <= moves + 2 * WINDOW,
        "{rows} rows of records, for {moves} moves and what each brings about"
    );
}
