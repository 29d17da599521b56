use std::collections::BTreeMap;

use campanile_core::id::Level;
use campanile_delivery::symbols::{Active, Drive, Input, Line, Output, Pull, Report, Sensor};

use super::*;

fn symbols() -> Symbols {
    let input = |name: &str, class: &str| Input {
        name: name.into(),
        board: "pi".into(),
        line: Line::Offset(1),
        active: Active::Low,
        pull: Pull::Up,
        class: class.into(),
        durable: false,
        report: Report::default(),
    };
    let mut symbols = Symbols::new("front-door");
    symbols.inputs = vec![input("bell", "button"), input("door", "door")];
    symbols.outputs = ["chime", "lamp"]
        .map(|name| Output {
            name: name.into(),
            board: "pi".into(),
            line: Line::Offset(2),
            active: Active::High,
            drive: Drive::PushPull,
            safe: Level::Off,
        })
        .to_vec();
    symbols.sensors =
        vec![Sensor { name: "tank".into(), unit: "cm".into(), decimals: 1, deadband: 0, min_interval_us: 0 }];
    symbols.variables = vec!["rings".into()];
    symbols.scenarios = vec!["ring".into()];
    symbols
}

fn announced(commands: &Commands, only: &Only) -> BTreeMap<String, Value> {
    let topics = Topics::default();
    let discovery = Discovery {
        prefix: PREFIX,
        node: "front-door",
        topics: &topics,
        commands,
        only,
        figures: "campanile/front-door/figures/home",
    };
    let all = discovery.announcements(&symbols()).into_iter();
    all.map(|(topic, payload)| (topic, serde_json::from_str(&payload).unwrap())).collect()
}

#[test]
fn everything_introduces_itself_once_as_a_part_of_one_device() {
    let all = announced(&Commands::default(), &Only::default());
    let at = |component: &str, object: &str| {
        &all[&format!("homeassistant/{component}/campanile_front-door/{object}/config")]
    };
    assert_eq!(at("binary_sensor", "input_door")["device_class"], "door");
    assert_eq!(at("event", "input_bell")["event_types"], json!(["press"]));
    assert_eq!(at("switch", "output_chime")["command_topic"], "campanile/front-door/set/chime");
    assert_eq!(at("sensor", "sensor_tank")["device_class"], "distance");
    assert_eq!(at("number", "variable_rings")["state_topic"], "campanile/front-door/variable/rings");
    assert_eq!(at("button", "scenario_ring")["command_topic"], "campanile/front-door/start/ring");
    assert_eq!(at("sensor", "bounces_door")["name"], "Door bounces");
    let lag = at("sensor", "figures_lag");
    assert_eq!((&lag["device_class"], &lag["unit_of_measurement"]), (&json!("duration"), &json!("s")));
    assert_eq!(lag["state_topic"], "campanile/front-door/figures/home");
    assert_eq!(at("sensor", "figures_dead-letters")["value_template"], "{{ value_json['dead-letters'] }}");
    for key in ["lag", "behind", "lost", "dead-letters"] {
        assert_eq!(at("sensor", &format!("figures_{key}"))["entity_category"], "diagnostic");
    }
    let mut ids: Vec<_> = all.values().map(|config| config["unique_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
    for config in all.values() {
        assert_eq!(config["availability_topic"], "campanile/front-door/status");
        assert_eq!(config["device"]["identifiers"], json!(["campanile_front-door"]));
    }
}

#[test]
fn what_may_not_be_asked_for_is_shown_and_no_more_and_what_is_not_told_is_not_shown() {
    let only = Only::parse(&["output:*", "variable:*"]).unwrap();
    let all = announced(&Commands::new([(Verb::Set, "lamp".into())]), &only);
    let topics: Vec<_> = all.keys().map(String::as_str).collect();
    assert_eq!(
        topics,
        [
            "homeassistant/binary_sensor/campanile_front-door/output_chime/config",
            "homeassistant/sensor/campanile_front-door/figures_behind/config",
            "homeassistant/sensor/campanile_front-door/figures_dead-letters/config",
            "homeassistant/sensor/campanile_front-door/figures_lag/config",
            "homeassistant/sensor/campanile_front-door/figures_lost/config",
            "homeassistant/sensor/campanile_front-door/variable_rings/config",
            "homeassistant/switch/campanile_front-door/output_lamp/config",
        ]
    );
}
