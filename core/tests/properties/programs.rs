//! Programs: bytes of all kinds are refused or run within their bounds, and the bound on steps is the true one.

use std::collections::HashMap;

use campanile_core::engine::Engine;
use campanile_core::id::{Level, OutputId};
use campanile_core::program::code::{MAX_STEPS, Op, Step};
use campanile_core::program::image::{Counts, MAGIC, VERSION};
use campanile_core::program::verify::{CodeError, check_code, expressions};
use campanile_core::time::Instant;
use campanile_core::wire::{Reader, Wire};
use crc::{CRC_32_ISO_HDLC, Crc};
use proptest::prelude::*;

use crate::day::{day, start};
use crate::house::{Act, Expr, House, assemble};
use crate::life::{Lab, Life};
use crate::tape::{Tape, cases, tapes};

const START: Instant = Instant::from_micros(1_000);

/// A step in its place, as the oracle sees it.
#[derive(Clone, Copy, Debug)]
struct Place {
    step: Step,
    /// The number behind a `Repeat`, if it is one.
    constant: Option<u16>,
    next: usize,
}

/// Follows every way through a body, step by step; the slow and obvious counterpart of the check at load.
struct Ways<'a> {
    body: &'a [u8],
    /// The most steps from a place with its counters to the next wait.
    known: HashMap<State, u32>,
}

/// Where a run stands: the place, and what is left of its loops (`None`: any number).
type State = (usize, [Option<u16>; 2]);

impl Ways<'_> {
    fn place(&self, at: usize) -> Place {
        let mut r = Reader::new(&self.body[at..]);
        let step = Step::get(&mut r).unwrap();
        let mut constant = None;
        for _ in 0..expressions(&step) {
            let ops: Vec<Op> =
                std::iter::from_fn(|| Op::get(&mut r).filter(|op| *op != Op::End {})).collect();
            constant = match ops[..] {
                [Op::Const { value }] => Some(value.clamp(0, 65_535) as u16),
                _ => None,
            };
        }
        Place { step, constant, next: self.body.len() - r.rest().len() }
    }

    /// Where a run can go from here without a wait, and whether it can wait here.
    fn ways(&self, (at, rounds): State) -> (Vec<State>, Option<State>) {
        let Place { step, constant, next } = self.place(at);
        let on = (next, rounds);
        match step {
            Step::Wait { .. } => (vec![], Some(on)),
            Step::Until { .. } => (vec![on], Some(on)),
            Step::If { skip } => (vec![on, (next + usize::from(skip), rounds)], None),
            Step::Else { skip } => (vec![(next + usize::from(skip), rounds)], None),
            Step::Repeat { slot, skip } => {
                let over = (next + usize::from(skip), rounds);
                let mut inside = rounds;
                inside[usize::from(slot)] = constant;
                match constant {
                    Some(0) => (vec![over], None),
                    Some(_) => (vec![(next, inside)], None),
                    None => (vec![over, (next, inside)], None),
                }
            }
            Step::Again { slot, back } => {
                let left = rounds[usize::from(slot)];
                let mut again = rounds;
                again[usize::from(slot)] = left.map(|left| left - 1);
                // The counter of a loop that is over does not matter any more.
                let mut over = rounds;
                over[usize::from(slot)] = None;
                match left {
                    Some(1) => (vec![(next, over)], None),
                    Some(_) => (vec![(next - usize::from(back), again)], None),
                    None => (vec![(next, over), (next - usize::from(back), again)], None),
                }
            }
            // What stands behind an `end` counts as well: the check does not look for dead code.
            _ => (vec![on], None),
        }
    }

    /// The most steps to the next wait or to the end; `None` for more than a run may make.
    fn steps(&mut self, state: State, made: u16) -> Option<u32> {
        if state.0 >= self.body.len() {
            return Some(0);
        }
        if let Some(&known) = self.known.get(&state) {
            return Some(known);
        }
        if made >= MAX_STEPS {
            return None;
        }
        let mut most = 0;
        for way in self.ways(state).0 {
            most = most.max(self.steps(way, made + 1)?);
        }
        self.known.insert(state, most + 1);
        Some(most + 1)
    }

    /// The longest slice from the start, or from behind any wait that can be reached.
    fn longest(&mut self) -> Option<u32> {
        let (mut starts, mut most) = (vec![(0, [None; 2])], 0);
        let mut seen = std::collections::HashSet::new();
        while let Some(start) = starts.pop() {
            most = most.max(self.steps(start, 0)?);
            let mut states = vec![start];
            while let Some(state) = states.pop() {
                if state.0 >= self.body.len() || !seen.insert(state) {
                    continue;
                }
                let (ways, wait) = self.ways(state);
                states.extend(ways);
                starts.extend(wait);
            }
        }
        Some(most).filter(|&most| most <= MAX_STEPS.into())
    }
}

/// Bodies around the bound: long stretches, waits here and there, loops of few rounds.
fn body(tape: &mut Tape<'_>, loops: usize, depth: usize) -> Vec<Act> {
    let mut acts = Vec::new();
    for _ in 0..=tape.below(4) {
        let value = || Expr::Leaf(Op::Const { value: 1 });
        let unknown = || Expr::Leaf(Op::TimedOut {});
        match tape.below(if depth == 0 { 5 } else { 9 }) {
            0..=2 => {
                let long = tape.one(&[1, 2, 30, 60, 90, 120, 200]) + tape.below(8);
                let set = Act::Plain(Step::Set { output: OutputId(0), level: Level::On }, vec![]);
                acts.extend(std::iter::repeat_n(set, long));
            }
            3 => acts.push(Act::Plain(Step::Wait { span: tape.span() }, vec![])),
            4 => acts.push(Act::Plain(Step::Until { timeout: None }, vec![value()])),
            5 | 6 => {
                let other = if tape.chance(8) { body(tape, loops, depth - 1) } else { vec![] };
                acts.push(Act::If(unknown(), body(tape, loops, depth - 1), other));
            }
            _ if loops == 0 => {}
            _ => {
                let rounds = i32::from(tape.id(5));
                let count = if rounds == 0 { unknown() } else { Expr::Leaf(Op::Const { value: rounds }) };
                acts.push(Act::Repeat(count, body(tape, loops - 1, depth - 1)));
            }
        }
    }
    acts
}

fn the_bound_is_the_longest_way(tape: &[u8]) -> Result<bool, TestCaseError> {
    let acts = body(&mut Tape::new(tape), 2, 4);
    let code = assemble(&acts, 0);
    let counts = Counts { outputs: 1, ..Counts::default() };
    let longest = Ways { body: &code, known: HashMap::new() }.longest();
    let checked = match check_code(&[], &code, &counts) {
        Ok(steps) => Some(steps),
        Err((_, CodeError::TooManySteps { .. } | CodeError::UnboundedLoop)) => None,
        Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
    };
    prop_assert_eq!(checked, longest, "{:?}", acts);
    Ok(checked.is_some())
}

/// With the checksum that belongs to it.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// Changes some bytes of an image, or their number.
fn mutate(tape: &mut Tape<'_>, image: &[u8]) -> Vec<u8> {
    let mut bytes = image[..image.len() - 4].to_vec();
    for _ in 0..=tape.below(2) {
        let at = usize::from(u16::from_le_bytes([tape.byte(), tape.byte()])) % bytes.len();
        match tape.below(16) {
            0..=9 => bytes[at] ^= 1 << tape.below(8),
            10..=12 => bytes[at] = tape.byte(),
            13 => bytes.insert(at, tape.byte()),
            14 => drop(bytes.remove(at)),
            _ => bytes.truncate(at.max(6)),
        }
    }
    sealed(bytes)
}

/// Whatever is accepted lives a day within its bounds; the engine holds the others off.
fn what_is_accepted_runs(image: Vec<u8>, tape: &mut Tape<'_>) -> Result<bool, TestCaseError> {
    let mut engine: Box<Engine<Lab>> = Box::new(Engine::new());
    if engine.load(START, &image).is_err() {
        prop_assert_eq!(engine.program(), None);
        return Ok(false);
    }
    // The same ids, whatever became of the parts behind them.
    let house = House::draw(tape);
    let images = [image];
    let mut life = Life::load(START, &images, 0);
    for moment in start(tape, &house, START).iter().chain(&day(tape, &house, START, 1)) {
        life.live(moment, &images);
    }
    life.assert_bounded();
    Ok(true)
}

#[test]
fn loops_that_wait_are_counted_across_their_rounds() {
    // A long stretch in front of a wait and one behind it meet between two rounds of the outer loop.
    let set =
        |n| std::iter::repeat_n(Act::Plain(Step::Set { output: OutputId(0), level: Level::On }, vec![]), n);
    let wait = || Act::Plain(Step::Wait { span: campanile_core::time::Duration::ZERO }, vec![]);
    let times = |value, body| Act::Repeat(Expr::Leaf(Op::Const { value }), body);
    let inner = times(1, set(200).chain([wait()]).collect());
    let code = assemble(&[times(2, [inner].into_iter().chain(set(100)).collect())], 0);
    let counts = Counts { outputs: 1, ..Counts::default() };
    let refused = check_code(&[], &code, &counts).map_err(|(_, why)| why);
    // Behind the wait: the inner loop's end, the stretch, the outer loop's end, the inner loop, the other stretch, the wait.
    assert_eq!(refused, Err(CodeError::TooManySteps { have: 1 + 100 + 1 + 1 + 200 + 1 }));
}

/// Tapes that are always the same.
fn some_tapes(len: u32) -> impl Iterator<Item = Vec<u8>> {
    (0u32..400).map(move |n| (0..len).map(|i| (n * 7919 + i * i * 31 + n * i) as u8).collect())
}

#[test]
fn both_sides_are_drawn() {
    let bounded = some_tapes(60).filter(|tape| the_bound_is_the_longest_way(tape).unwrap()).count();
    let accepted = some_tapes(300).filter(|tape| a_mutation(tape).unwrap()).count();
    assert!(
        (100..300).contains(&bounded) && (15..385).contains(&accepted),
        "{bounded} and {accepted} of 400"
    );
}

fn a_mutation(tape: &[u8]) -> Result<bool, TestCaseError> {
    let mut tape = Tape::new(tape);
    let image = House::draw(&mut tape.part(150)).image();
    let image = mutate(&mut tape, &image);
    what_is_accepted_runs(image, &mut tape)
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn steps_are_bounded_by_the_longest_way(tape in tapes(80)) {
        the_bound_is_the_longest_way(&tape)?;
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in tapes(300), whole in any::<bool>()) {
        let bytes = if whole { sealed([&MAGIC[..], &[VERSION], &bytes].concat()) } else { bytes };
        what_is_accepted_runs(bytes, &mut Tape::new(&[]))?;
    }

    #[test]
    fn mutated_images_are_refused_or_run(tape in tapes(400)) {
        a_mutation(&tape)?;
    }
}
