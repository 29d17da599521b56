//! The bytes of program images are golden (I9).

use campanile_core::calendar::Schedule;
use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::id::*;
use campanile_core::program::code::{Op, Step};
use campanile_core::program::{AfterRestart, InputDef, Mode, On, OutputDef, SensorDef, TriggerDef, VarDef};
use campanile_core::time::{Duration, Instant};

use crate::golden::{assert_golden, hex};
use crate::house::{Act, BINARY, Expr, House, Plan};
use crate::life::Life;

/// A program with every part: each algorithm, occasion, mode, step and operation once.
fn everything() -> House {
    let (input, output, sensor, var, scenario) =
        (InputId(1), OutputId(1), SensorId(0), VarId(0), ScenarioId(1));
    let algorithms = [
        Algorithm::None,
        Algorithm::Defer { t_us: 10_000 },
        Algorithm::Eager { t_us: 20_000, after_us: 1_000 },
        Algorithm::Integrate { t_us: 300 },
    ];
    let inputs = (0..2).map(|at| InputDef {
        line: 0xdead_0000 + at as u32,
        debounce: Debounce { press: algorithms[at], release: algorithms[at + 2], max_wait_us: 7 },
        storm: 500,
    });
    let occasions = [
        On::Started,
        On::Input { input: InputId(0), to: Some(Level::On), hold: Duration::ZERO },
        On::Input { input, to: None, hold: Duration::from_secs(3_600) },
        On::Output { output, to: Some(Level::Off) },
        On::Variable { var },
        On::Above { sensor, limit: i32::MAX, hysteresis: 5 },
        On::Below { sensor, limit: i32::MIN, hysteresis: 0 },
        On::Sensor { sensor },
        On::Every { period: Duration::from_secs(1) },
        On::Schedule { schedule: 0 },
    ];
    let triggers = occasions.map(|on| TriggerDef { scenario: ScenarioId(0), on });
    let operands = [
        Op::Const { value: -300 },
        Op::Input { input },
        Op::Output { output },
        Op::Sensor { sensor },
        Op::Var { var },
        Op::Hour {},
        Op::Minute {},
        Op::Weekday {},
        Op::TimedOut {},
    ];
    let operands = operands.into_iter().map(Expr::Leaf);
    let mut joints = BINARY.iter();
    let mut join = |left, right| Expr::Binary(*joints.next().unwrap(), Box::new(left), Box::new(right));
    let all = operands.clone().chain(operands.take(5)).reduce(&mut join).unwrap();
    let all = Expr::Unary(Op::Not {}, Box::new(Expr::Unary(Op::Neg {}, Box::new(all))));
    let plain = |step| Act::Plain(step, vec![]);
    let body = vec![
        plain(Step::Set { output, level: Level::On }),
        plain(Step::Wait { span: Duration::from_millis(800) }),
        Act::Plain(Step::Until { timeout: Some(Duration::from_secs(5)) }, vec![all.clone()]),
        Act::Plain(Step::Until { timeout: None }, vec![all.clone()]),
        Act::Plain(Step::Let { var }, vec![all.clone()]),
        Act::If(all.clone(), vec![plain(Step::Start { scenario })], vec![plain(Step::Stop { scenario })]),
        Act::Repeat(Expr::Leaf(Op::Const { value: 3 }), vec![plain(Step::End {})]),
        Act::Plain(Step::Send { template: TemplateId(2), values: 1 }, vec![all.clone()]),
    ];
    let modes = [Mode::Single, Mode::Restart, Mode::Queued(4), Mode::Parallel(2)];
    let after =
        [AfterRestart::Cancel, AfterRestart::Resume, AfterRestart::FireIfMissed, AfterRestart::Cancel];
    let scenarios = modes.into_iter().zip(after).map(|(mode, after_restart)| Plan {
        condition: (mode == Mode::Single).then(|| all.clone()),
        body: if mode == Mode::Single { body.clone() } else { vec![] },
        mode,
        after_restart,
        hash: 0xcafe_f00d,
    });
    House {
        inputs: inputs.collect(),
        outputs: vec![
            OutputDef { line: 1, safe: Level::Off, max_on: Duration::ZERO },
            OutputDef { line: 2, safe: Level::On, max_on: Duration::from_secs(5) },
        ],
        sensors: vec![SensorDef { name: 3 }],
        variables: vec![VarDef { name: 4, initial: i32::MIN }],
        triggers: triggers.to_vec(),
        schedules: vec![Schedule::at(7, 30, 15, Schedule::ALL_WEEKDAYS)],
        scenarios: scenarios.collect(),
    }
}

/// What came later: an operation of a peer.
fn of_a_peer() -> House {
    let input = Expr::Leaf(Op::Input { input: InputId(0) });
    let plan = Plan {
        condition: Some(Expr::Unary(Op::WhileUp { peer: PeerId(63) }, Box::new(input))),
        body: vec![],
        mode: Mode::Single,
        after_restart: AfterRestart::Cancel,
        hash: 1,
    };
    House { inputs: vec![InputDef::default()], scenarios: vec![plan], ..House::default() }
}

#[test]
fn images_are_the_golden_bytes() {
    let doorbell = House { inputs: vec![InputDef::default()], ..House::default() };
    let lines = [doorbell.image(), everything().image(), of_a_peer().image()];
    // All are accepted; with little flash there are fewer peers.
    let accepted = if cfg!(feature = "small") { 2 } else { 3 };
    (0..accepted).for_each(|program| drop(Life::load(Instant::ZERO, &lines, program)));
    assert_golden("images.txt", &lines.map(|image| hex(&image)));
}
