//! Debounce: one line and what a board makes of it, from single microseconds to half hours.

use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::effect::Effect;
use campanile_core::id::{InputId, Level};
use campanile_core::input::{Input, LevelWhy, OverrunWhy};
use campanile_core::program::InputDef;
use campanile_core::time::{Duration, Instant};
use proptest::prelude::*;

use crate::day::{Deed, Moment};
use crate::held::hold_against_reference;
use crate::house::House;
use crate::life::Life;
use crate::tape::{Tape, cases, tapes};

const LINE: InputId = InputId(0);
/// When the line is read first.
const START: u64 = 100;
/// Microseconds that a unit of a trace stands for: the longest spans are half an hour, and pauses do not fit into 32 bits.
const SCALES: [u64; 4] = [1, 1, 1_000, 150_000_000];
/// Longer than anything that a trace can leave behind: ten T, a lock-out and a decision.
const QUIET: u64 = 400;

/// What happens at the line, in front of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// A raw edge, or a reading that acts as one.
    Edge { level: bool, late: u64 },
    /// Edges were lost.
    Overrun { lost: u16 },
}

const fn span(algorithm: Algorithm) -> u64 {
    algorithm.span().micros()
}

/// How long behind the last edge the level is reported at the latest.
fn settled(algorithm: Algorithm) -> u64 {
    match algorithm {
        Algorithm::Eager { t_us, after_us } => u64::from(t_us).max(after_us.into()),
        other => span(other),
    }
}

fn algorithm(tape: &mut Tape<'_>) -> Algorithm {
    let t_us = u32::from(tape.id(13));
    match tape.below(6) {
        0 => Algorithm::None,
        1 => Algorithm::Defer { t_us },
        2 => Algorithm::Eager { t_us, after_us: 0 },
        // The guard is for crosstalk and mostly the shorter span; it need not be.
        3 => Algorithm::Eager { t_us, after_us: u16::from(tape.id(t_us as usize + 4)) },
        _ => Algorithm::Integrate { t_us },
    }
}

/// The same in microseconds. A guard is for crosstalk and is never long.
fn scaled(debounce: Debounce, scale: u64) -> Debounce {
    let us = |ticks: u32| u32::try_from(u64::from(ticks) * scale).unwrap();
    let algorithm = |algorithm| match algorithm {
        Algorithm::None => Algorithm::None,
        Algorithm::Defer { t_us } => Algorithm::Defer { t_us: us(t_us) },
        Algorithm::Eager { t_us, after_us } => {
            Algorithm::Eager { t_us: us(t_us), after_us: u16::try_from(us(after_us.into())).unwrap() }
        }
        Algorithm::Integrate { t_us } => Algorithm::Integrate { t_us: us(t_us) },
    };
    Debounce {
        press: algorithm(debounce.press),
        release: algorithm(debounce.release),
        max_wait_us: us(debounce.max_wait_us),
    }
}

fn draw(tape: &mut Tape<'_>) -> (u64, Debounce, bool, Vec<(u64, Sight)>) {
    let scale = tape.one(&SCALES);
    let max_wait_us = tape.one(&[0, 0, 1, 7, 17]);
    let mut algorithm = || match algorithm(tape) {
        Algorithm::Eager { t_us, .. } if scale > 1_000 => Algorithm::Eager { t_us, after_us: 0 },
        other => other,
    };
    let debounce = Debounce { press: algorithm(), release: algorithm(), max_wait_us };
    let level = tape.chance(8);
    let (mut now, mut raw, mut trace) = (START, level, Vec::new());
    while !tape.is_empty() {
        now += tape.one(&[1, 2, 3, 5, 0, 8, 12, 13, 25, 60]);
        // Mostly the line moves; sometimes the kernel has lost a pair.
        raw = if tape.chance(2) { raw } else { !raw };
        let late = if tape.chance(2) { tape.below(20) as u64 } else { 0 };
        trace.push((now, Sight::Edge { level: raw, late }));
        if tape.chance(1) {
            trace.push((now + 1, Sight::Overrun { lost: u16::from(tape.id(5)) }));
            now += 1 + tape.below(30) as u64;
            raw = tape.chance(8);
            trace.push((now, Sight::Edge { level: raw, late: 0 }));
        }
    }
    (scale, debounce, level, trace)
}

fn input_of(sight: Sight, previous: Option<Sight>, scale: u64) -> Input {
    match sight {
        Sight::Overrun { lost } => {
            Input::Overrun { input: Some(LINE), lost: lost.into(), why: OverrunWhy::Kernel }
        }
        Sight::Edge { level, late } => {
            let level = Level::from_bool(level);
            match previous {
                Some(Sight::Overrun { .. }) => Input::Level { input: LINE, level, why: LevelWhy::Gap },
                _ if late > 0 => Input::Late { input: LINE, level, by: Duration::from_micros(late * scale) },
                _ => Input::Edge { input: LINE, level },
            }
        }
    }
}

fn house(debounce: Debounce) -> Vec<Vec<u8>> {
    let inputs = vec![InputDef { line: 1, debounce, storm: 0 }];
    vec![House { inputs, ..House::default() }.image()]
}

/// At a time in microseconds.
fn feed(life: &mut Life, images: &[Vec<u8>], at: u64, input: Input) {
    life.live(&Moment { at: Instant::from_micros(at), deed: Deed::Feed(input) }, images);
}

fn started(images: &[Vec<u8>], level: bool, scale: u64) -> Life {
    let start = START * scale;
    let mut life = Life::load(Instant::from_micros(start), images, 0);
    let level = Level::from_bool(level);
    feed(&mut life, images, start, Input::Level { input: LINE, level, why: LevelWhy::Start });
    feed(&mut life, images, start, Input::Clock { unix: 0, offset: 0, trusted: false });
    life
}

fn every_report_is_the_references(tape: &[u8]) -> Result<(), TestCaseError> {
    let (scale, debounce, level, trace) = draw(&mut Tape::new(tape));
    let images = house(scaled(debounce, scale));
    let mut life = started(&images, level, scale);
    let mut previous = None;
    for &(at, sight) in &trace {
        feed(&mut life, &images, at * scale, input_of(sight, previous, scale));
        previous = Some(sight);
    }
    let Some(&(last, Sight::Edge { level: raw, .. })) = trace.last() else { return Ok(()) };
    // I6, at the very microsecond.
    let longest = settled(debounce.press).max(settled(debounce.release));
    life.settle(Instant::from_micros((last + longest) * scale));
    let reported = life.engine.input(LINE).and_then(|input| input.reported);
    prop_assert_eq!(reported, Some(Level::from_bool(raw)), "I6: {:?} {:?}", debounce, trace);
    life.settle(Instant::from_micros((last + QUIET) * scale));
    hold_against_reference(&life, &images, Instant::from_micros(START * scale))
}

/// The line moves and some edges are lost without a trace; the engine's own questions find out.
fn a_quiet_input_is_its_line(tape: &[u8]) -> Result<(), TestCaseError> {
    let (_, debounce, level, trace) = draw(&mut Tape::new(tape));
    let images = house(debounce);
    let mut life = started(&images, level, 1);
    let (mut line, mut told) = (level, level);
    let mut now = START;
    for (index, &(at, sight)) in trace.iter().enumerate() {
        let Sight::Edge { level, late } = sight else { continue };
        answer(&mut life, &images, at, line, &mut told);
        line = level;
        now = at;
        // The last edge arrives: a loss while nothing is asked can only be found later.
        if late == 0 || index + 1 == trace.len() {
            told = level;
            feed(&mut life, &images, at, Input::Edge { input: LINE, level: Level::from_bool(level) });
        }
    }
    for _ in 0..4 {
        now += 3_000;
        answer(&mut life, &images, now, line, &mut told);
    }
    let reported = life.engine.input(LINE).and_then(|input| input.reported);
    prop_assert_eq!(reported, Some(Level::from_bool(line)), "{:?} {:?}", debounce, trace);
    prop_assert!(life.effects.is_empty(), "a quiet line is not read again and again");
    Ok(())
}

/// What a board does when it is asked to read a line.
fn answer(life: &mut Life, images: &[Vec<u8>], at: u64, line: bool, told: &mut bool) {
    life.settle(Instant::from_micros(at));
    let asked = life.effects.drain(..).any(|effect| effect == Effect::ReadInput { input: LINE });
    if asked && line != *told {
        *told = line;
        let level = Level::from_bool(line);
        feed(life, images, at, Input::Level { input: LINE, level, why: LevelWhy::Quiet });
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn reports_are_those_of_the_reference(tape in tapes(120)) {
        every_report_is_the_references(&tape)?;
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn lost_edges_are_found_when_the_line_is_quiet(tape in tapes(120)) {
        a_quiet_input_is_its_line(&tape)?;
    }
}
