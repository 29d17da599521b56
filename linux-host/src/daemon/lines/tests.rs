//! Lines on the virtual board: order, swaps, and what stays behind.

use std::sync::Arc;

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::time::Duration;

use super::*;
use crate::boards::{Active, BoardSpec, Drive, InputSpec, Line, OutputSpec, Pull, VirtualBoard};
use crate::daemon::wiring::BoardSet;

fn input(line: &str, active: Active) -> (BoardSpec, InputSpec) {
    (BoardSpec::Virtual, InputSpec { line: Line::Name(line.into()), pull: Pull::AsIs, active })
}

fn output(line: &str) -> (BoardSpec, OutputSpec) {
    let line = Line::Name(line.into());
    (BoardSpec::Virtual, OutputSpec { line, active: Active::High, drive: Drive::PushPull, safe: Level::Off })
}

struct Bench {
    boards: BoardSet,
    board: Arc<VirtualBoard>,
    wake: Arc<WakeSlot>,
    wiring: Wiring,
    lines: Lines,
}

impl Bench {
    fn new(wiring: Wiring) -> Self {
        let (mut boards, wake) = (BoardSet::default(), Arc::<WakeSlot>::default());
        let (inputs, outputs) = boards.open(&Wiring::default(), &wiring, &wake).unwrap().into_parts();
        let lines = Lines::new(inputs, outputs, wake.clone(), SafetyNet::default());
        Self { board: boards.virtual_board().clone(), boards, wake, wiring, lines }
    }

    fn rewire(&mut self, wiring: Wiring) {
        let opened = self.boards.open(&self.wiring, &wiring, &self.wake).unwrap();
        self.lines.rewire(&wiring, opened);
        self.wiring = wiring;
    }

    /// Everything that has happened, as input and level.
    fn all(&mut self) -> Vec<(u8, bool)> {
        let take = || self.lines.take();
        let edge = |captured: Captured| match captured.input {
            Input::Edge { input, level } => (input.0, level.is_on()),
            Input::Level { input, level, why: LevelWhy::Quiet } => (100 + input.0, level.is_on()),
            other => panic!("{other:?}"),
        };
        std::iter::from_fn(take).map(edge).collect()
    }
}

fn two() -> Wiring {
    let inputs = vec![input("a", Active::High), input("b", Active::High)];
    Wiring { inputs, outputs: vec![output("x"), output("y")] }
}

#[test]
fn edges_of_all_lines_come_in_the_order_of_their_stamps() {
    let mut bench = Bench::new(two());
    let past = |us| now().minus(Duration::from_micros(us));
    bench.board.play("b", [(past(900), true), (past(300), false)]);
    bench.board.play("a", [(past(600), true)]);
    assert!(bench.lines.has_news());
    assert_eq!(bench.all(), [(1, true), (0, true), (1, false)]);
    assert!(!bench.lines.has_news());
}

#[test]
fn an_edge_of_the_future_waits_for_its_time() {
    let mut bench = Bench::new(two());
    let soon = now().plus(Duration::from_millis(30));
    bench.board.play("a", [(soon, true)]);
    assert_eq!(bench.all(), []);
    assert_eq!(bench.lines.due(), Some(soon));
    std::thread::sleep(std::time::Duration::from_millis(35));
    assert_eq!(bench.all(), [(0, true)]);
}

#[test]
fn a_swap_keeps_lines_and_edges_under_their_new_ids_and_lets_go_of_the_others() {
    let mut bench = Bench::new(two());
    let past = now().minus(Duration::from_millis(1));
    bench.board.play("a", [(past, true)]);
    bench.board.play("b", [(past, true)]);
    // Drained, and only the first of the two given.
    assert_eq!(
        bench.lines.take().map(|first| first.input),
        Some(Input::Edge { input: InputId(0), level: Level::On })
    );
    bench.lines.set(OutputId(1), Level::On).unwrap();
    bench.lines.set(OutputId(0), Level::On).unwrap();

    let inputs = vec![input("c", Active::High), input("b", Active::High)];
    bench.rewire(Wiring { inputs: inputs.clone(), outputs: vec![output("y")] });
    assert_eq!(bench.all(), [(1, true)], "b's edge was taken before the swap and given after it");
    assert!(bench.board.level("y", now()), "an output of both programs keeps its level");
    assert!(!bench.board.level("x", now()), "one that is gone is safe");
    bench.lines.set(OutputId(0), Level::Off).unwrap();
    assert!(!bench.board.level("y", now()));

    bench.board.play("a", [(now(), false)]);
    bench.rewire(Wiring { inputs: vec![input("b", Active::High)], outputs: Vec::new() });
    assert_eq!(bench.all(), [], "a is nobody's any more");
    bench.rewire(two());
    assert_eq!(bench.lines.read(InputId(1)), Some(Level::On), "b never moved");
}

#[test]
fn a_line_with_another_polarity_is_read_again() {
    let mut bench = Bench::new(two());
    let inputs = vec![input("a", Active::Low), input("b", Active::High)];
    bench.rewire(Wiring { inputs, outputs: two().outputs });
    assert_eq!(bench.all(), [(100, true)], "low means on now");
}

#[test]
fn the_lines_of_the_program_before_hand_their_levels_to_those_of_the_next() {
    let mut bench = Bench::new(Wiring::default());
    let before = two();
    bench.lines = Lines::ghost(&before, bench.wake.clone(), SafetyNet::default());
    assert_eq!(bench.lines.read(InputId(0)), None);
    bench.lines.set(OutputId(1), Level::On).unwrap();
    bench.rewire(Wiring { inputs: Vec::new(), outputs: vec![output("z"), output("y")] });
    assert!(bench.board.level("y", now()));
    assert!(!bench.board.level("z", now()));
}

#[test]
fn a_masked_line_has_no_edges_and_dropped_lines_are_safe() {
    let mut bench = Bench::new(two());
    bench.lines.mask(InputId(0), true);
    bench.board.play("a", [(now(), true)]);
    assert_eq!(bench.all(), []);
    bench.lines.mask(InputId(0), false);
    assert_eq!(bench.lines.read(InputId(0)), Some(Level::On));
    bench.lines.set(OutputId(0), Level::On).unwrap();
    let board = bench.board.clone();
    drop(bench);
    assert!(!board.level("x", now()));
}
