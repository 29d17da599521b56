use campanile_core::decision::{By, Cause, FaultKind, ReplyResult, SafetyWhy, SkipWhy, Values};
use campanile_core::id::{OutputId, PeerId, SensorId, TemplateId, TriggerId, VarId};
use campanile_core::input::{Op, Origin, OverrunWhy};
use campanile_delivery::symbols::{self, Active, Drive, Line, Part, Pull, Report};

use super::*;

fn symbols() -> Symbols {
    let mut symbols = Symbols::new("front-door");
    symbols.inputs.push(symbols::Input {
        name: "button".into(),
        board: "pi".into(),
        line: Line::Offset(14),
        active: Active::Low,
        pull: Pull::Up,
        class: "button".into(),
        durable: false,
        report: Report::default(),
    });
    symbols.outputs.push(symbols::Output {
        name: "chime".into(),
        board: "pi".into(),
        line: Line::Offset(23),
        active: Active::High,
        drive: Drive::PushPull,
        safe: Level::Off,
    });
    symbols.sensors.push(symbols::Sensor {
        name: "tank".into(),
        unit: "cm".into(),
        decimals: 1,
        deadband: 0,
        min_interval_us: 0,
    });
    symbols.variables.push("rings".into());
    symbols.scenarios.push("ring".into());
    symbols.triggers.push(symbols::Trigger {
        scenario: ScenarioId(0),
        by: "button".into(),
        text: "button on".into(),
    });
    symbols.messages.push(symbols::Message {
        name: "doorbell".into(),
        values: vec![symbols::Slot { name: "rings".into(), kind: symbols::Kind::Number { decimals: 0 } }],
        text: Some(vec![Part::Text("Ring ".into()), Part::Value(0)]),
        data: vec![("n".into(), symbols::Datum::Value(0))],
    });
    symbols.peers.push("home".into());
    symbols
}

fn lines(trace: Trace, records: &[(u64, Record)]) -> String {
    let mut trace = trace;
    let symbols = symbols();
    records
        .iter()
        .filter_map(|(at, record)| trace.line(Instant::from_micros(*at), record, &symbols))
        .collect::<Vec<_>>()
        .join("\n")
}

const fn event(value: i32, onset_ago: u64, bounces: u16) -> Record {
    Record::Decision(Decision::Event {
        source: Source::Input { input: InputId(0) },
        value: Some(value),
        onset_ago: Duration::from_micros(onset_ago),
        bounces,
    })
}

const fn boot(count: u64, off: Option<Duration>) -> Record {
    Record::Input(Input::Boot { boot: count << 32 | 7, core_rev: 1, hash: 0, off })
}

const fn set(level: Level, by: By) -> Record {
    Record::Decision(Decision::Set { output: OutputId(0), level, by })
}

const READ_AT_START: Record =
    Record::Input(Input::Level { input: InputId(0), level: Level::Off, why: LevelWhy::Start });
const RUN: By = By::Run { run: RunId(2), scenario: ScenarioId(0) };

/// The example of FILE.md, with what the engine records before it.
#[test]
fn a_press_reads_as_in_the_manual() {
    let mut values = Values::default();
    assert!(values.push(Some(1)));
    let records = [
        (0, boot(1, None)),
        (0, set(Level::Off, By::Safety { why: SafetyWhy::Start })),
        (0, READ_AT_START),
        (0, event(0, 0, 0)),
        (0, Record::Input(Input::Edge { input: InputId(0), level: Level::On })),
        (2_500, event(1, 2_500, 3)),
        (
            2_500,
            Record::Decision(Decision::Run {
                run: RunId(2),
                scenario: ScenarioId(0),
                cause: Cause::Trigger { trigger: TriggerId(0) },
                how: RunHow::Started,
                onset_ago: Duration::from_micros(2_500),
            }),
        ),
        (2_500, Record::Decision(Decision::Let { var: VarId(0), value: 1 })),
        (2_500, set(Level::On, RUN)),
        (
            802_500,
            Record::Decision(Decision::Send {
                template: TemplateId(0),
                values,
                onset_ago: Duration::from_micros(802_500),
            }),
        ),
        (802_500, Record::Decision(Decision::End { run: RunId(2), why: EndWhy::Done })),
    ];
    let expected = "\
0.002500  button on           onset 0.000000  bounces 3
0.002500  ring started        by button
0.002500  rings = 1
0.002500  chime on            by ring
0.802500  doorbell sent       \"Ring 1\"  n=1  onset 0.000000
0.802500  ring ended";
    assert_eq!(lines(Trace::new(), &records), expected);
}

#[test]
fn a_start_is_silent_and_a_restart_is_not() {
    let known = Record::Input(Input::Restore {
        item: Restore::Input { input: InputId(0), raw: Level::Off, reported: Level::Off },
    });
    let records = [
        (0, boot(1, None)),
        (0, READ_AT_START),
        (0, event(0, 0, 0)),
        (9, event(1, 0, 0)),
        (10, boot(2, Some(Duration::from_secs(10)))),
        (10, known),
        (10, READ_AT_START),
        (10, event(1, 0, 0)),
        (11, boot(3, None)),
        (11, READ_AT_START),
        (11, event(0, 0, 0)),
    ];
    let expected = "\
0.000009  button on
0.000010  boot 2              off 10.000000
0.000010  button on
0.000011  boot 3              off unknown";
    assert_eq!(lines(Trace::new(), &records), expected);
}

#[test]
fn what_is_lost_or_wrong_is_shown() {
    let chime = OutputId(0);
    let command =
        |id| Record::Decision(Decision::Reply { origin: Origin::Script, id, result: ReplyResult::Done });
    let records = [
        (1, Record::Input(Input::Overrun { input: Some(InputId(0)), lost: 5, why: OverrunWhy::Kernel })),
        (1, Record::Input(Input::Overrun { input: None, lost: 2, why: OverrunWhy::Queue })),
        (2, Record::Input(Input::Level { input: InputId(0), level: Level::On, why: LevelWhy::Gap })),
        (3, Record::Input(Input::Stall { until: Instant::from_micros(1_200_003) })),
        (4, Record::Decision(Decision::Missed { trigger: TriggerId(0), n: 12 })),
        (5, Record::Decision(Decision::Fault { what: FaultKind::OutputFailed, at: 0 })),
        (6, Record::Input(Input::Done { output: chime, ok: false })),
        (7, Record::Input(Input::Done { output: chime, ok: true })),
        (8, Record::Decision(Decision::Skip { scenario: ScenarioId(0), why: SkipWhy::Unknown })),
        (
            9,
            Record::Input(Input::Command {
                origin: Origin::Script,
                id: 3,
                op: Op::Set { output: chime, level: Level::On },
            }),
        ),
        (9, command(3)),
        (
            10,
            Record::Decision(Decision::Reply {
                origin: Origin::Script,
                id: 3,
                result: ReplyResult::Duplicate,
            }),
        ),
        (11, Record::Input(Input::Link { peer: PeerId(0), up: false })),
        (12, Record::Decision(Decision::End { run: RunId(9), why: EndWhy::Stopped })),
        (13, Record::Input(Input::Stop {})),
    ];
    let expected = "\
0.000001  button lost 5       in the kernel
0.000001  inputs lost 2       in the queue
0.000002  button reads on     after a gap
0.000003  stalled             until 1.200003
0.000004  button missed 12    of ring
0.000005  fault output failed  at chime
0.000007  chime works again
0.000008  ring skipped        condition unknown
0.000009  command set chime on  from script  id 3
0.000010  command duplicate   from script  id 3
0.000011  link home down
0.000012  ? ended             by stop
0.000013  stop";
    assert_eq!(lines(Trace::new(), &records), expected);
    assert!(lines(Trace::new().verbose(), &records).contains("command done"));
}

#[test]
fn a_clock_is_news_when_it_steps_or_its_trust_changes() {
    let clock = |seconds: i64, offset, trusted| {
        Record::Input(Input::Clock { unix: 1_795_246_200_000_000 + seconds * 1_000_000, offset, trusted })
    };
    let records = [
        (0, clock(0, 3600, false)),
        (300_000_000, clock(300, 3600, false)),
        (300_000_000, clock(300, 3600, true)),
        (600_000_000, clock(602, 3600, true)),
        (900_000_000, clock(902, 0, true)),
    ];
    let expected = "\
300.000000  clock 2026-11-21 08:35:00 +01:00  trusted
600.000000  clock 2026-11-21 08:40:02 +01:00  trusted
900.000000  clock 2026-11-21 07:45:02 +00:00  trusted";
    assert_eq!(lines(Trace::new(), &records), expected);
}

#[test]
fn sensors_have_their_decimals_and_unit() {
    let reading = |value| {
        Record::Decision(Decision::Event {
            source: Source::Sensor { sensor: SensorId(0) },
            value,
            onset_ago: Duration::ZERO,
            bounces: 0,
        })
    };
    assert_eq!(
        lines(Trace::new(), &[(0, reading(Some(-5))), (1_000_000, reading(None))]),
        "0.000000  tank = -0.5 cm\n1.000000  tank lost"
    );
}
