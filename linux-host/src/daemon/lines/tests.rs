//! Lines on the virtual board: order, swaps, and what stays behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::time::Duration;

use super::*;
use crate::boards::{Active, BoardSpec, Drive, InputLine, InputSpec, Line, OutputSpec, Pull, VirtualBoard};
use crate::daemon::board_set::BoardSet;

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
        assert_eq!(self.rewire_in_part(wiring), [""; 0]);
    }

    /// Gives what is said of the lines that could not be had.
    fn rewire_in_part(&mut self, wiring: Wiring) -> Vec<String> {
        let opened = self.boards.open(&self.wiring, &wiring, &self.wake).unwrap();
        let failed = self.lines.rewire(&wiring, opened);
        self.wiring = wiring;
        failed.iter().map(ToString::to_string).collect()
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
    let later = now().plus(Duration::from_secs(3_600));
    bench.board.play("a", [(later, true)]);
    assert_eq!(bench.all(), []);
    assert_eq!(bench.lines.due(), Some(later));
    // Another hand is faster.
    let soon = now().plus(Duration::from_millis(5));
    bench.board.play("a", [(soon, true)]);
    assert_eq!(bench.lines.due(), Some(soon));
    while now() < soon {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
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
fn a_line_is_the_same_whatever_it_is_called() {
    let wiring = |line: fn(u32) -> Line| {
        let (board, spec) = input("", Active::High);
        let inputs = vec![(board.clone(), InputSpec { line: line(14), ..spec })];
        let (_, spec) = output("");
        Wiring { inputs, outputs: vec![(board, OutputSpec { line: line(15), ..spec })] }
    };
    let by_name = |offset: u32| Line::Name(offset.to_string());
    let mut bench = Bench::new(wiring(by_name));
    for line in [Line::Offset as fn(u32) -> Line, by_name] {
        bench.lines.set(OutputId(0), Level::On).unwrap();
        bench.rewire(wiring(line));
        assert!(!bench.board.level("15", now()), "it was made safe before it was let go of");
        bench.board.play("14", [(now(), true)]);
        bench.board.play("14", [(now(), false)]);
        assert_eq!(bench.all(), [(0, true), (0, false)]);
    }
}

#[test]
fn lines_change_their_roles() {
    let mut bench = Bench::new(two());
    bench.lines.set(OutputId(0), Level::On).unwrap();
    let inputs = vec![input("x", Active::High), input("b", Active::High)];
    bench.rewire(Wiring { inputs, outputs: vec![output("a"), output("y")] });
    assert!(!bench.board.level("x", now()), "it was made safe before it was let go of");
    bench.board.play("x", [(now(), true)]);
    bench.board.play("b", [(now(), true)]);
    assert_eq!(bench.all(), [(0, true), (1, true)]);
    bench.lines.set(OutputId(0), Level::On).unwrap();
    assert!(bench.board.level("a", now()));
    bench.rewire(two());
    assert!(!bench.board.level("a", now()));
    assert_eq!(bench.lines.read(InputId(1)), Some(Level::On), "b is where it was");
}

#[test]
fn a_line_that_cannot_change_its_role_is_missing_and_the_others_keep_their_ids() {
    let mut bench = Bench::new(two());
    // Nobody else can take the line meanwhile here: so the new program wants it twice.
    let inputs = vec![input("x", Active::High), input("b", Active::High)];
    let failed = bench.rewire_in_part(Wiring { inputs, outputs: two().outputs });
    assert!(failed.len() == 1 && failed[0].contains("line x on the virtual board is busy"), "{failed:?}");
    assert_eq!(bench.lines.read(InputId(0)), None);
    bench.board.play("b", [(now(), true)]);
    assert_eq!(bench.all(), [(1, true)]);
    bench.lines.set(OutputId(1), Level::On).unwrap();
    assert!(bench.board.level("y", now()));

    let outputs = vec![output("b"), output("y")];
    let inputs = vec![input("b", Active::High)];
    let failed = bench.rewire_in_part(Wiring { inputs, outputs });
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(bench.lines.set(OutputId(0), Level::On).unwrap_err().to_string().contains("not open"));
    assert!(bench.lines.set(OutputId(1), Level::Off).is_ok() && !bench.board.level("y", now()));
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

/// A line whose driver can be made to fail.
struct Flaky(Arc<AtomicBool>);

impl InputLine for Flaky {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    fn take(&mut self, _: Instant, _: &mut dyn FnMut(Taken)) -> Result<(), LineError> {
        self.level().map(|_| ())
    }
    fn level(&self) -> Result<Level, LineError> {
        let line = &Line::Name("usb".into());
        if self.0.load(Ordering::Relaxed) { Err(LineError::not_open(line)) } else { Ok(Level::On) }
    }
    fn reconfigure(&mut self, _: &InputSpec) -> Result<(), LineError> {
        Ok(())
    }
    fn mask(&mut self, _: bool) {}
}

#[test]
fn an_input_that_fails_is_left_alone_for_longer_and_longer_and_watched_again_when_it_can_be_read() {
    let broken = Arc::new(AtomicBool::new(false));
    let (board, spec) = input("usb", Active::High);
    let line = Box::new(Flaky(broken.clone()));
    let mut watched = Watched::new(OpenInput { board, spec, line });
    let at = |s: u64| Instant::from_micros(s * 1_000_000);
    watched.take(at(1), &mut |_| {});
    assert!(watched.is_well());
    broken.store(true, Ordering::Relaxed);
    watched.take(at(2), &mut |_| {});
    assert_eq!((watched.is_well(), watched.due(), watched.read(at(2))), (false, Some(at(3)), None));
    assert_eq!((watched.try_again(at(3)), watched.due()), (None, Some(at(5))));
    assert_eq!((watched.try_again(at(4)), watched.due()), (None, Some(at(5))), "not before its time");
    (0..10).for_each(|_| assert_eq!(watched.try_again(watched.due().unwrap()), None));
    let last = watched.due().unwrap();
    assert_eq!(watched.try_again(last), None);
    assert_eq!(watched.due(), Some(last.plus(Duration::from_secs(60))), "a minute at most");
    broken.store(false, Ordering::Relaxed);
    assert_eq!(watched.try_again(last.plus(Duration::from_secs(60))), Some(Level::On));
    assert!(watched.is_well());
}
