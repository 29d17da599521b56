//! One of each kind of record, and of each variant within: what the tests of their bytes go through.

use campanile_core::decision::*;
use campanile_core::id::*;
use campanile_core::input::{self, Input, LevelWhy, OverrunWhy};
use campanile_core::record::Record;
use campanile_core::restore::{Restore, RunState};
use campanile_core::time::{Duration, Instant};

pub(crate) const LONGEST: Duration = Duration::from_micros(u64::MAX);

pub(crate) fn fed(input: Input) -> Record {
    Record::Input(input)
}

fn restore(item: Restore) -> Record {
    fed(Input::Restore { item })
}

fn command(op: input::Op) -> Record {
    fed(Input::Command { origin: Origin::Local, id: 300, op })
}

/// Every kind of record and every variant within, each once with small and once with extreme values.
pub(crate) fn specimens() -> Vec<Record> {
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
        fed(Input::Overrun { input: Some(last), lost: u32::MAX, why: OverrunWhy::Storm }),
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
    let op = input::Op::Let { var: VarId(255), value: i32::MIN };
    all.push(fed(Input::Command { origin: Origin::Script, id: u32::MAX, op }));
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
        Restore::Sensor { sensor: SensorId(254), value: Some(i32::MIN) },
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
    let mut widest = Values::default();
    assert!([Some(i32::MIN); Values::MAX].into_iter().all(|value| widest.push(value)));
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
        Decision::Wait { run, pc: u16::MAX, left: Some(LONGEST), rounds: Rounds([u16::MAX; 2]) },
        Decision::TimedOut { run, timed_out: false },
        Decision::TimedOut { run, timed_out: true },
        Decision::Let { var: VarId(255), value: i32::MIN },
        Decision::Send { template: TemplateId(0), values: Values::default(), onset_ago: Duration::ZERO },
        Decision::Send { template: TemplateId(255), values, onset_ago: LONGEST },
        Decision::Send { template: TemplateId(255), values: widest, onset_ago: LONGEST },
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
    all.push(Decision::Reply { origin: Origin::Link, id: u32::MAX, result: ReplyResult::Done });
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
