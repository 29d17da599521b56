//! New starts: what each choice of `after-restart` makes of a run, what becomes of a `for`, and `started`, once.

use campanile_core::decision::{By, Cause, Decision, EndWhy, RunHow};
use campanile_core::id::{InputId, Level, OutputId, RunId, ScenarioId, TriggerId, VarId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::program::code::{Op, Step};
use campanile_core::program::{AfterRestart, InputDef, Mode, On, OutputDef, TriggerDef, VarDef};
use campanile_core::record::{CORE_REV, Record};
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};

use crate::day::{Deed, Moment, outlives};
use crate::house::{Act, Expr, House, Plan};
use crate::life::Life;

const DOOR: InputId = InputId(0);
const LAMP: OutputId = OutputId(0);

const fn ms(ms: u64) -> Instant {
    Instant::from_micros(ms * 1_000)
}

fn plain(step: Step) -> Act {
    Act::Plain(step, vec![])
}

/// `door` on for ten seconds counts; `door` on lights the lamp for ten seconds.
fn house(after_restart: AfterRestart, mode: Mode) -> House {
    let count = Expr::Binary(
        Op::Add {},
        Box::new(Expr::Leaf(Op::Var { var: VarId(0) })),
        Box::new(Expr::Leaf(Op::Const { value: 1 })),
    );
    let light = vec![
        plain(Step::Set { output: LAMP, level: Level::On }),
        plain(Step::Wait { span: Duration::from_secs(10) }),
        plain(Step::Set { output: LAMP, level: Level::Off }),
    ];
    let plan = |body, hash| Plan { condition: None, body, mode, after_restart, hash };
    let on = |hold| On::Input { input: DOOR, to: Some(Level::On), hold };
    House {
        inputs: vec![InputDef::default()],
        outputs: vec![OutputDef::default()],
        variables: vec![VarDef::default(), VarDef { name: 1, initial: 0 }],
        scenarios: vec![
            plan(light, 1),
            plan(vec![Act::Plain(Step::Let { var: VarId(0) }, vec![count])], 2),
            plan(
                vec![Act::Plain(Step::Let { var: VarId(1) }, vec![Expr::Leaf(Op::Input { input: DOOR })])],
                3,
            ),
        ],
        triggers: vec![
            TriggerDef { scenario: ScenarioId(2), on: On::Started },
            TriggerDef { scenario: ScenarioId(0), on: on(Duration::ZERO) },
            TriggerDef { scenario: ScenarioId(1), on: on(Duration::from_secs(10)) },
        ],
        ..House::default()
    }
}

struct Home {
    images: Vec<Vec<u8>>,
    life: Life,
}

impl Home {
    fn new(house: &House) -> Self {
        let images = vec![house.image()];
        let life = Life::load(Instant::ZERO, &images, 0);
        let mut home = Self { images, life };
        home.read(0, Level::Off);
        home
    }

    /// Opens the door at 1 s, and cuts the power at 4 s.
    fn cut(mut self) -> Vec<Restore> {
        self.feed(1_000, Input::Edge { input: DOOR, level: Level::On });
        self.life.settle(ms(4_000));
        self.feed(4_000, Input::Clock { unix: 4_000_000, offset: 0, trusted: true });
        self.life.checkpoint().into_iter().filter(outlives).collect()
    }

    /// Starts another life with what is left of the one before; the door is read after 50 ms.
    fn start(house: &House, left: &[Restore], off: Option<Duration>, door: Level) -> Self {
        let images = vec![house.image()];
        let life = Life::load(Instant::ZERO, &images, 0);
        let mut home = Self { images, life };
        home.feed(0, Input::Boot { boot: 2 << 32, core_rev: CORE_REV, hash: 0, off });
        left.iter().for_each(|&item| home.feed(0, Input::Restore { item }));
        home.read(50, door);
        home
    }

    fn read(&mut self, at: u64, door: Level) {
        self.feed(at, Input::Level { input: DOOR, level: door, why: LevelWhy::Start });
        self.feed(at, Input::Clock { unix: 0, offset: 0, trusted: false });
    }

    fn feed(&mut self, at: u64, input: Input) {
        self.life.live(&Moment { at: ms(at), deed: Deed::Feed(input) }, &self.images);
    }

    /// What was decided, with the milliseconds, but for what the first reading says.
    fn decided(&mut self, until: u64) -> Vec<(u64, Decision)> {
        self.life.settle(ms(until));
        let decisions = self.life.records().into_iter().filter_map(|(at, record)| match record {
            Record::Decision(Decision::Event { .. } | Decision::Wait { .. } | Decision::Arm { .. }) => None,
            Record::Decision(decision) => Some((at.micros() / 1_000, decision)),
            Record::Input(_) => None,
        });
        decisions.skip(1).collect()
    }

    fn counted(&self) -> Option<i32> {
        self.life.engine.variable(VarId(0))
    }

    /// When the lamp went off, and whether the lamp was lit before that.
    fn lamp(&mut self) -> (Vec<u64>, Vec<u64>) {
        let decided = self.decided(60_000);
        let to = |wanted: Level| {
            let sets = decided.iter().filter_map(move |(at, decision)| match decision {
                Decision::Set { level, by: By::Run { .. }, .. } if *level == wanted => Some(*at),
                _ => None,
            });
            sets.collect()
        };
        (to(Level::On), to(Level::Off))
    }
}

const HOUR: Option<Duration> = Some(Duration::from_secs(3_600));

#[test]
fn a_cancelled_run_is_over() {
    let house = house(AfterRestart::Cancel, Mode::Single);
    let left = Home::new(&house).cut();
    let mut home = Home::start(&house, &left, HOUR, Level::On);
    let decided = home.decided(60_000);
    assert!(decided.contains(&(0, Decision::End { run: RunId(0), why: EndWhy::Reboot })), "{decided:?}");
    assert_eq!(home.lamp(), (vec![], vec![]));
}

#[test]
fn a_resumed_run_has_what_was_left_of_its_wait() {
    let house = house(AfterRestart::Resume, Mode::Single);
    let left = Home::new(&house).cut();
    for off in [HOUR, None] {
        // Seven seconds were left, and the lamp is lit again at once.
        assert_eq!(Home::start(&house, &left, off, Level::On).lamp(), (vec![0], vec![7_000]));
    }
}

#[test]
fn time_off_counts_for_what_fires_if_missed() {
    let house = house(AfterRestart::FireIfMissed, Mode::Single);
    let left = Home::new(&house).cut();
    let off = |s| Some(Duration::from_secs(s));
    assert_eq!(Home::start(&house, &left, off(5), Level::On).lamp(), (vec![0], vec![2_000]));
    // Passed: due as soon as the start is over, when the inputs are known.
    assert_eq!(Home::start(&house, &left, HOUR, Level::On).lamp(), (vec![0], vec![50]));
}

#[test]
fn the_first_trusted_clock_tells_how_long_the_node_was_off() {
    let house = house(AfterRestart::FireIfMissed, Mode::Single);
    let mut left = Home::new(&house).cut();
    left.push(Restore::Stopped { unix: 4_000_000 });
    let mut home = Home::start(&house, &left, None, Level::On);
    // Two seconds of seven have passed since; the clock says three since the stop, so that one was off.
    home.feed(2_000, Input::Clock { unix: 7_000_000, offset: 0, trusted: true });
    // Only the first tells anything, and only of waits from before.
    home.feed(3_000, Input::Clock { unix: 900_000_000, offset: 0, trusted: true });
    assert_eq!(home.lamp(), (vec![0], vec![6_000]));
}

#[test]
fn a_durable_for_goes_on_if_its_input_reads_the_same() {
    for (after_restart, door, due) in [
        // Seven seconds were left.
        (AfterRestart::Resume, Level::On, Some(7_050)),
        (AfterRestart::FireIfMissed, Level::On, Some(7_050)),
        (AfterRestart::Resume, Level::Off, None),
        // Nothing was kept: it begins with the reading.
        (AfterRestart::Cancel, Level::On, Some(10_050)),
    ] {
        let house = house(after_restart, Mode::Single);
        let left = Home::new(&house).cut();
        let mut home = Home::start(&house, &left, HOUR, door);
        let Some(due) = due else {
            home.life.settle(ms(60_000));
            assert_eq!(home.counted(), Some(0));
            continue;
        };
        home.life.settle(ms(due - 1));
        assert_eq!(home.counted(), Some(0), "{after_restart:?} {door:?} before {due}");
        home.life.settle(ms(due));
        assert_eq!(home.counted(), Some(1), "{after_restart:?} {door:?} at {due}");
    }
}

#[test]
fn a_for_forgets_what_was_left_when_its_input_moves() {
    let house = house(AfterRestart::Resume, Mode::Single);
    let left = Home::new(&house).cut();
    let mut home = Home::start(&house, &left, HOUR, Level::Off);
    home.feed(1_000, Input::Edge { input: DOOR, level: Level::On });
    home.life.settle(ms(10_999));
    assert_eq!(home.counted(), Some(0));
    home.life.settle(ms(11_000));
    assert_eq!(home.counted(), Some(1));
}

#[test]
fn started_fires_once_when_the_inputs_are_known() {
    let house = house(AfterRestart::Resume, Mode::Single);
    let left = Home::new(&house).cut();
    let mut home = Home::start(&house, &left, None, Level::On);
    home.feed(500, Input::Clock { unix: 0, offset: 0, trusted: true });
    let started: Vec<u64> = home
        .decided(60_000)
        .into_iter()
        .filter_map(|(at, decision)| match decision {
            Decision::Run {
                cause: Cause::Trigger { trigger: TriggerId(0) }, how: RunHow::Started, ..
            } => Some(at),
            _ => None,
        })
        .collect();
    assert_eq!(started, [50]);
    assert_eq!(home.life.engine.variable(VarId(1)), Some(1), "it has seen the door");
}

#[test]
fn a_queue_without_a_head_moves_up() {
    let house = house(AfterRestart::Resume, Mode::Queued(3));
    let mut before = Home::new(&house);
    for at in [1_000, 2_000] {
        before.feed(at, Input::Edge { input: DOOR, level: Level::On });
        before.feed(at + 1, Input::Edge { input: DOOR, level: Level::Off });
    }
    // The power goes when the end of the first run is written and the turn of the second is not.
    let left = before
        .life
        .checkpoint()
        .into_iter()
        .filter(|item| outlives(item) && !matches!(item, Restore::Run { run: RunId(0), .. }));
    let left: Vec<Restore> = left.collect();
    let mut home = Home::start(&house, &left, None, Level::Off);
    assert_eq!(home.lamp(), (vec![50], vec![10_050]));
}

#[test]
fn a_catch_up_is_for_the_wait_from_before() {
    let mut house = house(AfterRestart::FireIfMissed, Mode::Single);
    house.scenarios[0].body.insert(1, plain(Step::Wait { span: Duration::from_secs(4) }));
    let mut left = Home::new(&house).cut();
    left.push(Restore::Stopped { unix: 4_000_000 });
    let mut home = Home::start(&house, &left, None, Level::On);
    // One second was left of the first wait; the second begins in this life, and the node was off before it.
    home.feed(2_000, Input::Clock { unix: 9_000_000, offset: 0, trusted: true });
    assert_eq!(home.lamp(), (vec![0], vec![11_000]));
}
