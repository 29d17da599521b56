//! A board with flash at one end of a wire and a house at the other. The board's power fails in the middle of any write, the
//! daemon dies and the house's power fails at any moment, frames are lost: what the board has kept comes into the house's
//! journal, and comes once. The board counts its starts from the beginning, and the journal has those of one before it, so
//! that each start gets another number than its own.

#[path = "../../../core/flash/tests/power/model.rs"]
#[allow(dead_code, reason = "the tests of the flash itself use all of it")]
mod model;

mod board;
mod hall;

use std::collections::BTreeMap;

use campanile_core::time::{Duration, Instant};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use board::Board;
use hall::Hall;
use model::Model;

/// Of 512 bytes: two for programs, the others for the log, which does not come round.
const PAGES: usize = 2 + 120;

const STEP: Duration = Duration::from_millis(50);

/// Choices; an empty tape reads as zeros.
struct Tape<'a>(&'a [u8]);

impl Tape<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// True so often in 256 times, and never on an empty tape.
    fn chance(&mut self, often: u8) -> bool {
        self.byte() > u8::MAX - often
    }
}

/// How often there was what the test is about.
#[derive(Debug, Default)]
struct Tally {
    kept: usize,
    cuts: usize,
    deaths: usize,
    named: usize,
}

/// Lives until the tape is at its end, and then in calm until all is where it belongs.
fn live(tape: &[u8]) -> Result<Tally, TestCaseError> {
    let mut tape = Tape(tape);
    let (mut flash, mut hall, mut now) = (Model::<4>::new(PAGES), Hall::new(), Instant::ZERO);
    let (mut kept, mut next, mut tally) = (Vec::new(), 0, Tally::default());
    // What it lived before the house knew it.
    for _ in 0..tape.byte() % 4 {
        let mut board = Board::start(&mut flash, now, tape.byte()).expect("the power is good");
        for _ in 0..8 {
            next += 1;
            now = now.plus(STEP);
            prop_assert!(board.record(now, next));
            kept.push(next);
        }
    }
    let has_all = |hall: &Hall, board: &Board<'_>| {
        board.offers_its_last() && hall.has_all_of(board.number(), board.head())
    };
    let mut calm = false;
    while !calm {
        calm = tape.0.is_empty();
        let steps = if calm { u64::MAX } else { u64::from(tape.byte()) * 2 };
        flash = flash.again(steps, steps);
        let Some(mut board) = Board::start(&mut flash, now, tape.byte()) else { continue };
        let until = now.plus(Duration::from_secs(if calm { 60 } else { 10 }));
        while now < until && if calm { !has_all(&hall, &board) } else { !tape.0.is_empty() } {
            now = now.plus(STEP);
            if tape.chance(60) {
                next += 1;
                if board.record(now, next) {
                    kept.push(next);
                }
            }
            if tape.chance(8) {
                hall = hall.dies(tape.byte());
                tally.deaths += 1;
            }
            while let Some(frame) = hall.say(now) {
                if !tape.chance(20) {
                    board.hear(now, &frame);
                }
            }
            while let Some(frame) = board.say(now) {
                if !tape.chance(20) {
                    hall.hear(now, &frame)?;
                }
            }
            if !board.has_power() || tape.chance(4) {
                tally.cuts += 1;
                break;
            }
        }
        tally.named += board.named;
        if calm {
            prop_assert!(has_all(&hall, &board), "the wire is good and not all has come");
        }
    }
    let mut came = BTreeMap::new();
    hall.read(|number| *came.entry(number).or_insert(0) += 1);
    let twice: Vec<_> = came.iter().filter(|(_, times)| **times > 1).collect();
    prop_assert!(twice.is_empty(), "came more than once: {:?}", twice);
    let missing: Vec<_> = kept.iter().filter(|number| !came.contains_key(*number)).collect();
    prop_assert!(missing.is_empty(), "of {} did not come: {:?}", kept.len(), missing);
    tally.kept = kept.len();
    Ok(tally)
}

/// A tape that is the same every time.
fn a_tape(seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(1_500).collect()
}

#[test]
fn the_lives_have_in_them_what_they_are_for() {
    let tallies: Vec<_> = (0..8).map(|seed| live(&a_tape(seed * 2)).unwrap()).collect();
    let of = |what: fn(&Tally) -> usize| tallies.iter().map(what).sum::<usize>();
    assert!(of(|tally| tally.kept) > 400 && of(|tally| tally.cuts) > 30, "{tallies:?}");
    assert!(of(|tally| tally.deaths) > 30 && of(|tally| tally.named) > 12, "{tallies:?}");
}

/// So many cases, times `CAMPANILE_CASES` from the environment; a failure is printed and not filed: it becomes a test.
fn cases(cases: u32) -> Config {
    let factor = std::env::var("CAMPANILE_CASES").map_or(1, |factor| factor.parse().expect("a factor"));
    Config { cases: cases * factor, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn what_a_board_has_kept_comes_once_whatever_restarts(tape in vec(any::<u8>(), 0..1_500)) {
        live(&tape)?;
    }
}
