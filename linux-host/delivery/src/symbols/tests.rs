//! Values in words, and the bytes that a journal keeps.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn doorbell() -> Symbols {
    let mut symbols = Symbols::new("front-door");
    symbols.inputs.push(Input {
        name: "button".into(),
        board: "pi".into(),
        line: Line::Name("GPIO14".into()),
        active: Active::Low,
        pull: Pull::Up,
        class: "button".into(),
        durable: false,
        report: Report::default(),
    });
    symbols.outputs.push(Output {
        name: "chime".into(),
        board: "pi".into(),
        line: Line::Offset(23),
        active: Active::High,
        drive: Drive::PushPull,
        safe: Level::Off,
    });
    symbols.scenarios.push("ring".into());
    symbols.triggers.push(Trigger { scenario: ScenarioId(0), by: "button".into(), text: "button on".into() });
    symbols.messages.push(message());
    symbols.peers.push("home".into());
    symbols
}

fn message() -> Message {
    let slot = |name: &str, kind| Slot { name: name.into(), kind };
    Message {
        name: "doorbell".into(),
        values: vec![slot("tank", Kind::Number { decimals: 1 }), slot("door", Kind::Level)],
        text: Some(vec![Part::Text("tank ".into()), Part::Value(0), Part::Text(" cm".into())]),
        data: vec![
            ("level".into(), Datum::Value(0)),
            ("door".into(), Datum::Value(1)),
            ("both".into(), Datum::Text(vec![Part::Value(0), Part::Text("/".into()), Part::Value(1)])),
            ("priority".into(), Datum::Constant(json!(5))),
        ],
    }
}

#[test]
fn the_bytes_of_version_1() {
    let bytes = doorbell().encode();
    assert_eq!(std::str::from_utf8(&bytes).unwrap(), include_str!("golden-v1.json").trim_end());
    assert_eq!(Symbols::decode(&bytes).unwrap(), doorbell());
}

#[test]
fn a_newer_table_and_trailing_bytes_are_refused() {
    let newer = String::from_utf8(doorbell().encode()).unwrap().replace("\"version\":1", "\"version\":2");
    assert!(matches!(Symbols::decode(newer.as_bytes()), Err(SymbolsError::Newer { have: 2 })));
    let mut longer = doorbell().encode();
    longer.push(b'x');
    assert!(matches!(Symbols::decode(&longer), Err(SymbolsError::Damaged(_))));
}

#[test]
fn ids_that_the_table_has_not_have_a_name_all_the_same() {
    let symbols = doorbell();
    assert_eq!(symbols.input(InputId(0)), "button");
    assert_eq!(symbols.input(InputId(63)), "?");
    assert_eq!(symbols.trigger(TriggerId(1)), "?");
    assert_eq!(symbols.find_output("chime"), Some(OutputId(0)));
    assert_eq!(symbols.find_output("bell"), None);
}

#[test]
fn messages_show_their_values_with_decimals_and_levels() {
    let message = message();
    let values = [Some(415), Some(1)];
    assert_eq!(message.text(&values).unwrap(), "tank 41.5 cm");
    assert_eq!(
        Value::Object(message.data(&values)),
        json!({"level": 41.5, "door": "on", "both": "41.5/on", "priority": 5})
    );
}

#[test]
fn a_value_that_is_not_known_is_null_in_data_and_a_word_in_text() {
    let message = message();
    assert_eq!(message.text(&[None, None]).unwrap(), "tank unknown cm");
    assert_eq!(message.data(&[])["level"], Value::Null);
}

#[test]
fn numbers_at_their_ends() {
    assert_eq!(number(-5, 1), "-0.5");
    assert_eq!(number(0, 2), "0.00");
    assert_eq!(number(i32::MIN, 9), "-2.147483648");
    assert_eq!(number(i32::MAX, 0), "2147483647");
}

proptest! {
    #[test]
    fn a_number_in_json_reads_as_its_text(value: i32, decimals in 1u8..=9) {
        let kind = Kind::Number { decimals };
        let json = kind.json(Some(value)).as_f64().unwrap();
        prop_assert_eq!(json, kind.text(Some(value)).parse::<f64>().unwrap());
        prop_assert_eq!((json * 10f64.powi(decimals.into())).round(), f64::from(value));
    }

    #[test]
    fn arbitrary_bytes_are_no_reason_to_panic(bytes: Vec<u8>) {
        let _ = Symbols::decode(&bytes);
    }
}
