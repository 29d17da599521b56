//! The bytes of records and images: golden, the same there and back, short enough, and nothing behind them (I9).

use std::collections::BTreeSet;
use std::fmt::Write;

use campanile_core::calendar::Schedule;
use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::decision::*;
use campanile_core::id::*;
use campanile_core::input::{self, Input, LevelWhy, OverrunWhy};
use campanile_core::program::code::{Op, Step};
use campanile_core::program::{AfterRestart, InputDef, Mode, On, OutputDef, SensorDef, TriggerDef, VarDef};
use campanile_core::record::{CLASSES, FIRST_HOST_KIND, Frame, MAX_RECORD, Record, class};
use campanile_core::restore::{Restore, RunState};
use campanile_core::time::{Duration, Instant};
use proptest::prelude::*;

use crate::house::{Act, BINARY, Expr, House, Plan};
use crate::life::Life;
use crate::tape::{cases, tapes};

const LONGEST: Duration = Duration::from_micros(u64::MAX);

fn fed(input: Input) -> Record {
    Record::Input(input)
}

fn restore(item: Restore) -> Record {
    fed(Input::Restore { item })
}

fn command(op: input::Op) -> Record {
    fed(Input::Command { origin: Origin::Local, id: 300, op })
}

/// What the engine writes: inputs, then decisions.
fn all_kinds() -> BTreeSet<u8> {
    (0..=14).chain(64..=76).collect()
}

/// Every kind of record and every variant within, each once with small and once with extreme values.
fn specimens() -> Vec<Record> {
    let mut all = inputs();
    all.extend(restores());
    all.extend(decisions().into_iter().map(Record::Decision));
    all
}

fn inputs() -> Vec<Record> {
    let (line, last) = (InputId(1), InputId(63));
    let (off, on) = (Level::Off, Level::On);
    let mut all = vec![
        fed(Input::Edge { input: InputId(0), level: off }),
        fed(Input::Edge { input: last, level: on }),
        fed(Input::Late { input: line, level: on, by: Duration::from_micros(1_000) }),
        fed(Input::Late { input: last, level: on, by: LONGEST }),
        fed(Input::Reading { sensor: SensorId(2), value: None }),
        fed(Input::Reading { sensor: SensorId(255), value: Some(i32::MIN) }),
        command(input::Op::Set { output: OutputId(3), level: on }),
        command(input::Op::Start { scenario: ScenarioId(4) }),
        command(input::Op::Stop { scenario: ScenarioId(255) }),
        command(input::Op::Let { var: VarId(5), value: i32::MAX }),
        command(input::Op::Play { input: last, level: off }),
        command(input::Op::Expired {}),
        command(input::Op::Message { message: MessageId(255) }),
        fed(Input::Tick { trigger: TriggerId(255) }),
        fed(Input::Clock { unix: 1_800_000_000_000_000, offset: 3_600, trusted: true }),
        fed(Input::Clock { unix: i64::MIN, offset: i32::MIN, trusted: false }),
        fed(Input::Done { output: OutputId(63), ok: false }),
        fed(Input::Overrun { input: Some(line), lost: 7, why: OverrunWhy::Kernel }),
        fed(Input::Overrun { input: None, lost: u32::MAX, why: OverrunWhy::Queue }),
        fed(Input::Overrun { input: Some(last), lost: 1, why: OverrunWhy::Storm }),
        fed(Input::Stall { until: Instant::from_micros(5_000_000) }),
        fed(Input::Stall { until: Instant::NEVER }),
        fed(Input::Link { peer: PeerId(255), up: true }),
        fed(Input::Install { hash: u64::MAX }),
        fed(Input::Boot { boot: 5 << 32 | 7, core_rev: 1, hash: 9, off: None }),
        fed(Input::Boot { boot: u64::MAX, core_rev: u16::MAX, hash: u64::MAX, off: Some(LONGEST) }),
        fed(Input::Stop {}),
    ];
    for why in [LevelWhy::Start, LevelWhy::Gap, LevelWhy::Quiet] {
        all.push(fed(Input::Level { input: line, level: on, why }));
    }
    for origin in [Origin::Local, Origin::Message, Origin::Gateway, Origin::Link, Origin::Script] {
        all.push(fed(Input::Command { origin, id: u32::MAX, op: input::Op::Expired {} }));
    }
    all
}

fn restores() -> Vec<Record> {
    let (off, on) = (Level::Off, Level::On);
    let mut all = vec![
        Restore::Head {
            now: Instant::ZERO,
            logged_ago: Duration::ZERO,
            seq: 1,
            occurrences: 0,
            starting: true,
        },
        Restore::Head {
            now: Instant::NEVER,
            logged_ago: LONGEST,
            seq: u64::MAX,
            occurrences: 64,
            starting: false,
        },
        Restore::Clock { unix: i64::MAX, offset: i32::MAX, trusted: true },
        Restore::Stall { left: LONGEST },
        Restore::Command { origin: Origin::Script, id: u32::MAX },
        Restore::Input { input: InputId(63), raw: on, reported: off },
        Restore::Watch {
            input: InputId(63),
            flags: u8::MAX,
            edges: u16::MAX,
            acc: u32::MAX,
            since_ago: LONGEST,
            onset_ago: LONGEST,
            lock_left: LONGEST,
            due_left: Some(LONGEST),
        },
        Restore::Sensor { sensor: SensorId(1), value: Some(-1) },
        Restore::Var { var: VarId(254), value: i32::MIN },
        Restore::Trigger { trigger: TriggerId(0), armed: true, left: None },
        Restore::Trigger { trigger: TriggerId(254), armed: false, left: Some(LONGEST) },
        Restore::Output {
            output: OutputId(63),
            level: on,
            by: By::Run { run: RunId(253), scenario: ScenarioId(254) },
            max_left: Some(LONGEST),
            failed: true,
            held: true,
        },
        Restore::Stopped { unix: i64::MIN },
        Restore::Link { peer: PeerId(63) },
        Restore::Revived { run: RunId(253), catch_up: true, look: false },
        Restore::Booted { off: Some(LONGEST) },
        Restore::Halted {},
    ];
    for state in [RunState::Waiting, RunState::Until, RunState::Queued] {
        all.push(Restore::Run {
            run: RunId(253),
            scenario: ScenarioId(254),
            cause: Cause::Trigger { trigger: TriggerId(254) },
            state,
            pc: u16::MAX,
            left: Some(LONGEST),
            onset_ago: LONGEST,
            rounds: Rounds([u16::MAX; 2]),
            timed_out: true,
            place: u16::MAX,
        });
    }
    all.into_iter().map(restore).collect()
}

fn decisions() -> Vec<Decision> {
    let (run, scenario, output) = (RunId(1), ScenarioId(2), OutputId(3));
    let mut values = Values::default();
    assert!([None, Some(0), Some(i32::MIN), Some(i32::MAX)].into_iter().all(|value| values.push(value)));
    let mut all = vec![
        Decision::Event {
            source: Source::Input { input: InputId(1) },
            value: Some(1),
            onset_ago: Duration::from_micros(2_500),
            bounces: 3,
        },
        Decision::Event {
            source: Source::Sensor { sensor: SensorId(255) },
            value: Some(i32::MIN),
            onset_ago: LONGEST,
            bounces: u16::MAX,
        },
        Decision::Wait { run, pc: 0, left: None, rounds: Rounds::default() },
        Decision::Wait { run, pc: u16::MAX, left: Some(LONGEST), rounds: Rounds([1, u16::MAX]) },
        Decision::TimedOut { run, timed_out: false },
        Decision::TimedOut { run, timed_out: true },
        Decision::Let { var: VarId(255), value: i32::MIN },
        Decision::Send { template: TemplateId(0), values: Values::default(), onset_ago: Duration::ZERO },
        Decision::Send { template: TemplateId(255), values, onset_ago: LONGEST },
        Decision::Missed { trigger: TriggerId(1), n: u32::MAX },
        Decision::Arm { trigger: TriggerId(1), left: None },
        Decision::Arm { trigger: TriggerId(1), left: Some(LONGEST) },
    ];
    let causes = [
        Cause::Trigger { trigger: TriggerId(9) },
        Cause::Scenario { scenario },
        Cause::Command { origin: Origin::Gateway },
    ];
    let hows = [RunHow::Started, RunHow::Queued, RunHow::Restarted, RunHow::Resumed];
    all.extend(causes.map(|cause| Decision::Run {
        run,
        scenario,
        cause,
        how: RunHow::Started,
        onset_ago: LONGEST,
    }));
    all.extend(hows.map(|how| Decision::Run {
        run,
        scenario,
        cause: causes[0],
        how,
        onset_ago: Duration::ZERO,
    }));
    let whys = [SkipWhy::Condition, SkipWhy::Unknown, SkipWhy::Busy, SkipWhy::Value];
    all.extend(whys.map(|why| Decision::Skip { scenario, why }));
    let ends = [EndWhy::Done, EndWhy::Ended, EndWhy::Stopped, EndWhy::Fault, EndWhy::Reboot, EndWhy::Swap];
    all.extend(ends.map(|why| Decision::End { run, why }));
    let writers = [By::Run { run: RunId(255), scenario }, By::Command { origin: Origin::Message }];
    all.extend(writers.map(|by| Decision::Set { output, level: Level::On, by }));
    let safeties = [
        SafetyWhy::Start,
        SafetyWhy::MaxOn,
        SafetyWhy::RunEnded,
        SafetyWhy::Link,
        SafetyWhy::Stop,
        SafetyWhy::Swap,
        SafetyWhy::Fault,
    ];
    all.extend(safeties.map(|why| Decision::Set { output, level: Level::Off, by: By::Safety { why } }));
    let results = [
        ReplyResult::Done,
        ReplyResult::Duplicate,
        ReplyResult::Unknown,
        ReplyResult::Expired,
        ReplyResult::Refused,
    ];
    all.extend(results.map(|result| Decision::Reply { origin: Origin::Link, id: 1, result }));
    let faults = [
        FaultKind::DivisionByZero,
        FaultKind::Cascade,
        FaultKind::AgendaFull,
        FaultKind::TooManySteps,
        FaultKind::OutputFailed,
        FaultKind::SafetyHolds,
        FaultKind::LogicBug,
    ];
    all.extend(faults.map(|what| Decision::Fault { what, at: u8::MAX }));
    all
}

fn bytes_of(record: &Record, dt: Duration) -> Vec<u8> {
    let mut buf = [0; MAX_RECORD];
    let len = record.encode(dt, &mut buf).unwrap_or_else(|| panic!("{record:?} is longer than MAX_RECORD"));
    buf[..len].to_vec()
}

fn read(bytes: &[u8]) -> Option<Record> {
    let (frame, rest) = Frame::split(bytes)?;
    assert!(rest.is_empty());
    frame.record()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Compares lines with a golden file, whose README says how it grows.
fn assert_golden(file: &str, lines: &[String]) {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let mut golden: Vec<&str> = golden.lines().collect();
    let new: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !golden.contains(line)).collect();
    if std::env::var_os("CAMPANILE_BLESS").is_some() {
        golden.extend(&new);
        std::fs::write(&path, golden.join("\n") + "\n").unwrap();
    } else {
        assert!(new.is_empty(), "not in {file}:\n{}", new.join("\n"));
    }
    let lost: Vec<&&str> = golden.iter().filter(|line| !lines.iter().any(|known| known == *line)).collect();
    assert!(lost.is_empty(), "no more what {file} says:\n{lost:#?}");
}

#[test]
fn records_are_the_golden_bytes() {
    let dt = Duration::from_micros(300);
    let lines: Vec<String> =
        specimens().iter().map(|record| format!("{} {record:?}", hex(&bytes_of(record, dt)))).collect();
    assert_golden("records.txt", &lines);
    let kinds: BTreeSet<u8> = specimens().iter().map(Record::kind).collect();
    assert_eq!(kinds, all_kinds(), "a kind has no specimen");
    let classes: BTreeSet<usize> = (0..=u8::MAX).filter_map(class).collect();
    assert_eq!(classes, (0..CLASSES).collect(), "a class for each, and none twice");
    assert!(kinds.iter().all(|kind| class(*kind).is_some()));
}

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

#[test]
fn images_are_the_golden_bytes() {
    let doorbell = House { inputs: vec![InputDef::default()], ..House::default() };
    let lines = [doorbell.image(), everything().image()];
    // Both are accepted.
    (0..lines.len()).for_each(|program| drop(Life::load(Instant::ZERO, &lines, program)));
    assert_golden("images.txt", &lines.map(|image| hex(&image)));
}

#[test]
fn a_record_survives_its_bytes() {
    for record in specimens() {
        for dt in [Duration::ZERO, Duration::from_micros(127), LONGEST] {
            let bytes = bytes_of(&record, dt);
            assert!(bytes.len() <= MAX_RECORD);
            assert_eq!(read(&bytes), Some(record));
            let (frame, _) = Frame::split(&bytes).unwrap();
            assert_eq!((frame.dt, frame.kind(), frame.bytes), (dt, record.kind(), &bytes[..]));
            assert!(
                (0..bytes.len()).all(|end| Frame::split(&bytes[..end]).is_none()),
                "a piece of {record:?}"
            );
            assert!(
                (0..bytes.len()).all(|room| record.encode(dt, &mut vec![0; room]).is_none()),
                "{record:?}"
            );
        }
    }
}

#[test]
fn bytes_behind_a_payload_are_refused() {
    let framed = specimens().into_iter().filter(|record| record.kind() != 0);
    for record in framed {
        let mut bytes = bytes_of(&record, Duration::ZERO);
        bytes[1] += 1;
        bytes.push(0);
        assert_eq!(read(&bytes), None, "{record:?} with a byte more");
    }
}

#[test]
fn an_unknown_kind_is_stepped_over() {
    let known = fed(Input::Tick { trigger: TriggerId(7) });
    for kind in (0..FIRST_HOST_KIND).filter(|kind| !all_kinds().contains(kind)) {
        let bytes = [&[kind, 4, 1, 9, 9, 9], &bytes_of(&known, Duration::ZERO)[..]].concat();
        let (frame, rest) = Frame::split(&bytes).unwrap();
        assert_eq!((frame.record(), frame.kind()), (None, kind));
        assert_eq!(read(rest), Some(known));
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    /// Whatever is taken for a record has these bytes and no others: equal logs are equal bytes.
    #[test]
    fn a_record_has_one_form(kind in 0..FIRST_HOST_KIND, payload in tapes(40)) {
        let bytes = [&[kind, payload.len() as u8], &payload[..]].concat();
        if let Some((frame, rest)) = Frame::split(&bytes) {
            prop_assert!(rest.is_empty());
            if let Some(record) = frame.record() {
                prop_assert_eq!(bytes_of(&record, frame.dt), bytes);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_split_into_frames_or_not(bytes in tapes(60)) {
        let mut left = &bytes[..];
        while let Some((frame, rest)) = Frame::split(left) {
            prop_assert!(rest.len() < left.len());
            let _ = frame.record();
            left = rest;
        }
    }
}
