use campanile_core::decision::{By, SafetyWhy, Values};
use campanile_core::id::{InputId, SensorId, TemplateId, TriggerId, VarId};
use campanile_core::time::Duration;
use campanile_delivery::symbols::{
    self, Active, Datum, Drive, Line, Part, Pull, Report, Sensor, Slot, Trigger,
};
use campanile_delivery::{Boot, GapWhy, HostRecord};

use super::*;

const BOOT: Boot = Boot::new(5, 0x9f3c_21aa);
/// 2026-11-21T07:30:00Z.
const UNIX: i64 = 1_795_246_200_000_000;

fn symbols() -> Symbols {
    let mut symbols = Symbols::new("front-door");
    symbols.inputs.push(symbols::Input {
        name: "button".into(),
        board: "pi".into(),
        line: Line::Name("GPIO14".into()),
        active: Active::Low,
        pull: Pull::Up,
        class: "button".into(),
        durable: false,
        report: Report {
            on: serde_json::from_str(r#"{"door":"open","value":"mine"}"#).unwrap(),
            off: Map::new(),
            every_us: None,
        },
    });
    symbols.outputs.push(symbols::Output {
        name: "chime".into(),
        board: "pi".into(),
        line: Line::Offset(23),
        active: Active::High,
        drive: Drive::PushPull,
        safe: Level::Off,
    });
    symbols.sensors.push(Sensor {
        name: "tank".into(),
        unit: "cm".into(),
        decimals: 1,
        deadband: 0,
        min_interval_us: 0,
    });
    symbols.variables.push("rings".into());
    symbols.scenarios.push("ring".into());
    symbols.triggers.push(Trigger {
        scenario: ScenarioId(0),
        by: "every 5min".into(),
        text: "every 5min".into(),
    });
    symbols.messages.push(symbols::Message {
        name: "doorbell".into(),
        values: vec![Slot { name: "rings".into(), kind: symbols::Kind::Number { decimals: 0 } }],
        text: Some(vec![
            Part::Text("Someone \"is\" at the door (".into()),
            Part::Value(0),
            Part::Text(")".into()),
        ]),
        data: vec![("rings".into(), Datum::Value(0))],
    });
    symbols
}

/// Ten seconds after the start, at `UNIX`.
fn stamp() -> Stamp {
    let at = Instant::from_micros(10_000_000);
    let wall = Some(Wall { at, unix: UNIX, trusted: true });
    Stamp { position: Position { boot: BOOT, seq: 1042, host: 3 }, at, wall }
}

fn all() -> Renderer {
    Renderer::new("front-door", Topics::default(), Only::default())
}

fn decided(decision: Decision) -> Message {
    all().record(stamp(), &Record::Decision(decision), &symbols()).unwrap()
}

fn event(source: Source, value: Option<i32>) -> Decision {
    Decision::Event { source, value, onset_ago: Duration::from_micros(2_500), bounces: 3 }
}

#[test]
fn an_event_is_the_documented_object_with_the_onset_as_its_time() {
    let message = decided(event(Source::Input { input: InputId(0) }, Some(0)));
    assert_eq!(message.topic, "campanile/front-door/input/button");
    assert_eq!(
        message.payload,
        r#"{"value":"off","time":"2026-11-21T07:29:59.997500Z","trusted":true,"node":"front-door","boot":"5-9f3c21aa","seq":1042,"bounces":3}"#
    );
    assert!(message.retain);
}

#[test]
fn what_the_file_adds_comes_last_and_replaces_nothing() {
    let message = decided(event(Source::Input { input: InputId(0) }, Some(1)));
    assert!(message.payload.starts_with(r#"{"value":"on""#));
    assert!(message.payload.ends_with(r#","bounces":3,"door":"open"}"#), "{}", message.payload);
}

#[test]
fn a_sensor_is_a_number_with_its_decimals() {
    for (value, shown) in [(Some(415), "41.5"), (Some(-5), "-0.5"), (None, "null")] {
        let message = decided(event(Source::Sensor { sensor: SensorId(0) }, value));
        assert_eq!(message.topic, "campanile/front-door/sensor/tank");
        assert!(message.payload.starts_with(&format!("{{\"value\":{shown},")), "{}", message.payload);
    }
}

#[test]
fn outputs_and_variables_are_states() {
    let by = By::Safety { why: SafetyWhy::Start };
    let output = decided(Decision::Set { output: OutputId(0), level: Level::On, by });
    assert_eq!(output.topic, "campanile/front-door/output/chime");
    assert!(
        output.payload.starts_with(r#"{"value":"on","time":"2026-11-21T07:30:00.000000Z""#) && output.retain
    );
    let variable = decided(Decision::Let { var: VarId(0), value: -7 });
    assert_eq!(variable.topic, "campanile/front-door/variable/rings");
    assert!(variable.payload.starts_with(r#"{"value":-7,"#) && variable.retain);
}

#[test]
fn a_message_has_text_and_data_and_is_not_retained() {
    let mut values = Values::default();
    assert!(values.push(Some(3)));
    let message =
        decided(Decision::Send { template: TemplateId(0), values, onset_ago: Duration::from_millis(1) });
    assert_eq!(message.topic, "campanile/front-door/message/doorbell");
    assert!(
        message.payload.ends_with(r#","text":"Someone \"is\" at the door (3)","data":{"rings":3}}"#),
        "{}",
        message.payload
    );
    assert!(message.payload.contains(r#""time":"2026-11-21T07:29:59.999000Z""#));
    assert!(!message.retain);
}

#[test]
fn losses_and_faults_are_diagnostics_in_plain_words() {
    let records = [
        (
            Record::Input(Input::Overrun { input: Some(InputId(0)), lost: 12, why: OverrunWhy::Kernel }),
            "lost",
            "12 edges of button",
        ),
        (Record::Input(Input::Stall { until: Instant::from_micros(11_500_000) }), "stalled", "1500 ms"),
        (Record::Decision(Decision::Missed { trigger: TriggerId(0), n: 4 }), "missed", "every 5min"),
        (
            Record::Decision(Decision::Fault { what: FaultKind::DivisionByZero, at: 0 }),
            "fault",
            "ring divided",
        ),
        (Record::Decision(Decision::Fault { what: FaultKind::OutputFailed, at: 0 }), "fault", "chime"),
    ];
    for (record, word, part) in records {
        let message = all().record(stamp(), &record, &symbols()).unwrap();
        assert_eq!((message.topic.as_str(), message.retain), ("campanile/front-door/diagnostics", false));
        let object: Value = serde_json::from_str(&message.payload).unwrap();
        assert_eq!(object["value"], word);
        assert!(object["text"].as_str().unwrap().contains(part), "{object}");
    }
}

#[test]
fn the_hosts_own_records_have_a_number_of_their_own() {
    let record = HostRecord::Dropped {
        sink: "home".parse().unwrap(),
        from: Position::START,
        to: stamp().position,
        count: 293,
    };
    let message = all().host(stamp(), &record).unwrap();
    let object: Value = serde_json::from_str(&message.payload).unwrap();
    assert_eq!(
        (&object["value"], &object["host"], &object["lost"]),
        (&"dropped".into(), &3.into(), &293.into())
    );
    assert!(all().host(stamp(), &HostRecord::Stopped).is_none());
}

/// Found by chaos: the word on what memory had dropped came behind the hole, and did not say where that was.
#[test]
fn a_word_on_a_loss_says_what_is_lost_and_whose_loss_it_is() {
    let place = |seq| Position { boot: BOOT, seq, host: 2 };
    let sink: campanile_delivery::SinkName = "home".parse().unwrap();
    let dropped = HostRecord::Dropped { sink: sink.clone(), from: place(7), to: place(300), count: 290 };
    let gap = HostRecord::JournalGap { from: 8, to: 300, count: 293, why: GapWhy::NoSpace };
    let damaged = HostRecord::Damaged { from: place(7), to: place(300) };
    let header = HostRecord::Damaged { from: place(7), to: place(7) };
    let dead = HostRecord::DeadLetter { sink, record: place(8), why: "no".into() };
    let hole = ["5-9f3c21aa/7", "5-9f3c21aa/300"];
    let cases = [
        (dropped, Some(290), Some(hole), Some("home")),
        (gap, Some(293), Some(hole), None),
        (damaged, None, Some(hole), None),
        (header, None, None, None),
        (dead, Some(1), Some(["5-9f3c21aa/7", "5-9f3c21aa/8"]), Some("home")),
    ];
    for (record, lost, span, sink) in cases {
        let object: Value = serde_json::from_str(&all().host(stamp(), &record).unwrap().payload).unwrap();
        assert_eq!(object.get("lost"), lost.map(Value::from).as_ref(), "{object}");
        let told = ["after", "to"].map(|key| object.get(key).and_then(Value::as_str));
        assert_eq!(told, span.map_or([None; 2], |span| span.map(Some)), "{object}");
        assert_eq!(object.get("sink").and_then(Value::as_str), sink, "{object}");
    }
}

#[test]
fn raw_edges_runs_and_the_like_stay_at_home() {
    let records = [
        Record::Input(Input::Edge { input: InputId(0), level: Level::On }),
        Record::Input(Input::Clock { unix: UNIX, offset: 0, trusted: true }),
        Record::Decision(Decision::Skip {
            scenario: ScenarioId(0),
            why: campanile_core::decision::SkipWhy::Busy,
        }),
    ];
    for record in records {
        assert_eq!(all().record(stamp(), &record, &symbols()), None);
    }
}

#[test]
fn a_filter_keeps_the_rest_back() {
    let only = Renderer::new("front-door", Topics::default(), Only::parse(&["input:*"]).unwrap());
    let set =
        Decision::Set { output: OutputId(0), level: Level::On, by: By::Safety { why: SafetyWhy::Start } };
    assert_eq!(only.record(stamp(), &Record::Decision(set), &symbols()), None);
    let press = event(Source::Input { input: InputId(0) }, Some(1));
    assert!(only.record(stamp(), &Record::Decision(press), &symbols()).is_some());
}

#[test]
fn without_a_clock_the_time_is_null_and_not_trusted() {
    let press = Record::Decision(event(Source::Input { input: InputId(0) }, Some(1)));
    let message = all().record(Stamp { wall: None, ..stamp() }, &press, &symbols()).unwrap();
    assert!(message.payload.contains(r#""time":null,"trusted":false"#));
}

#[test]
fn a_line_is_the_same_object_with_the_topic_in_front() {
    let message = decided(Decision::Let { var: VarId(0), value: 1 });
    let mut line = String::new();
    message.put_line(&mut line);
    assert!(
        line.starts_with(r#"{"topic":"campanile/front-door/variable/rings","value":1,"#)
            && line.ends_with("}\n")
    );
    assert!(serde_json::from_str::<Value>(&line).is_ok());
}

#[test]
fn a_device_shadow_is_told_what_the_file_adds_or_the_name_and_always_the_identity() {
    let tell = |decision| {
        let message = all().reporting().record(stamp(), &Record::Decision(decision), &symbols()).unwrap();
        (message.topic, message.payload)
    };
    let (topic, open) = tell(event(Source::Input { input: InputId(0) }, Some(1)));
    assert_eq!(topic, "campanile/front-door/input/button", "each state has a topic of its own all the same");
    assert_eq!(
        open,
        r#"{"state":{"reported":{"door":"open","button":null}},"clientToken":"5-9f3c21aa.1042"}"#
    );
    let (_, closed) = tell(event(Source::Input { input: InputId(0) }, Some(0)));
    assert_eq!(
        closed,
        r#"{"state":{"reported":{"button":"off","door":null}},"clientToken":"5-9f3c21aa.1042"}"#
    );
    let (_, rings) = tell(Decision::Let { var: VarId(0), value: 7 });
    assert_eq!(
        rings,
        r#"{"state":{"reported":{"rings":7},"desired":{"rings":null}},"clientToken":"5-9f3c21aa.1042"}"#
    );
    let (_, unknown) = tell(event(Source::Sensor { sensor: SensorId(0) }, None));
    assert_eq!(unknown, r#"{"state":{"reported":{"tank":null}},"clientToken":"5-9f3c21aa.1042"}"#);
    let bell =
        Decision::Send { template: TemplateId(0), values: Values::default(), onset_ago: Duration::ZERO };
    assert!(tell(bell).1.starts_with(r#"{"value":"doorbell","time":"#), "what happens once is no state");
    let names = |only: &[&str]| {
        reported::names(&symbols(), &Only::parse(only).unwrap()).into_iter().collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["button", "chime", "door", "rings", "tank"], "all that can ever stand there");
    assert_eq!(names(&["input:*", "message:*"]), ["button", "door"]);
}

proptest::proptest! {
    #[test]
    fn whatever_people_write_the_payload_is_json(text: String, key: String, fact: String, onset_us: u64, unix: i64) {
        let mut symbols = symbols();
        symbols.messages[0].text = Some(vec![Part::Text(text.clone())]);
        symbols.inputs[0].report.on.insert(key.clone(), Value::from(fact.clone()));
        let wall = Some(Wall { at: Instant::from_micros(1), unix, trusted: true });
        let stamp = Stamp { wall, ..stamp() };
        let onset_ago = Duration::from_micros(onset_us);
        let send = Decision::Send { template: TemplateId(0), values: Values::default(), onset_ago };
        let message = all().record(stamp, &Record::Decision(send), &symbols).unwrap();
        let object: Value = serde_json::from_str(&message.payload).unwrap();
        proptest::prop_assert_eq!(&object["text"], &Value::from(text));
        let press = event(Source::Input { input: InputId(0) }, Some(1));
        let message = all().record(stamp, &Record::Decision(press), &symbols).unwrap();
        let object: Value = serde_json::from_str(&message.payload).unwrap();
        proptest::prop_assert_eq!(&object["value"], "on", "nothing that is added replaces it");
        if !["value", "time", "trusted", "node", "boot", "seq", "bounces"].contains(&key.as_str()) {
            proptest::prop_assert_eq!(&object[key], &Value::from(fact));
        }
    }
}
