//! Another program takes over while the daemon runs.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::running::{HOUSE, Running, Workplace, poll, starts_with, words};

#[test]
fn a_good_reload_swaps_without_losing_an_edge_and_a_bad_one_changes_nothing() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["let", "rings", "5"]);
    // Held down across the swap: its release belongs to the new program.
    daemon.ok(&["press", "button", "--for", "700ms"]);
    place.write(
        &HOUSE
            .replace("[variables]", "[inputs.door]\nline = \"GPIO15\"\n\n[variables]")
            .replace("800ms", "100ms"),
    );
    let answer = daemon.ok(&["reload"]);
    assert!(answer.starts_with("program ") && answer.contains(" runs"), "{answer}");
    // The press and its release, and no other.
    let status = poll(|| Some(daemon.status()).filter(|status| status["inputs"][0]["events"] == 2));
    assert_eq!(status["inputs"][0]["value"].as_str(), Some("off"));
    assert_eq!(status["inputs"][1]["name"].as_str(), Some("door"));
    assert_eq!(status["inputs"][1]["value"].as_str(), Some("off"), "a new line is read");
    assert_eq!(status["variables"][0]["value"].as_i64(), Some(6), "variables are kept");

    place.write(
        &HOUSE.replace("line = \"GPIO14\"", "lien = \"GPIO14\"").replace("\"rings + 1\"", "\"rigns + 1\""),
    );
    let (errors, code) = daemon.fails(&["reload"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("lien") && errors.contains("rigns"), "every error, not the first only: {errors}");
    daemon.ok(&["press", "door"]);
    assert_eq!(daemon.status()["inputs"].as_array().unwrap().len(), 2, "the old program goes on");

    place.write(HOUSE);
    daemon.signal(rustix::process::Signal::HUP);
    poll(|| (daemon.status()["inputs"].as_array().unwrap().len() == 1).then_some(()));
    daemon.stop();
}

#[test]
fn a_reload_lets_a_line_change_its_role() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    let swapped = HOUSE.replace("GPIO14", "?").replace("GPIO23", "GPIO14").replace('?', "GPIO23");
    place.write(&swapped);
    let answer = daemon.ok(&["reload"]);
    assert!(answer.starts_with("program ") && !answer.contains("without"), "{answer}");
    daemon.ok(&["press", "button"]);
    let status = poll(|| Some(daemon.status()).filter(|status| status["variables"][0]["value"] == 1));
    assert_eq!(status["inputs"][0]["line"].as_str(), Some("desk GPIO23"));
    daemon.stop();
}

#[test]
fn a_value_that_waits_for_its_min_interval_outlives_a_reload() {
    // Longer than the reload takes, and no longer than somebody waits.
    let slow = HOUSE.replace("min-interval = \"10ms\"", "min-interval = \"15s\"");
    let place = Workplace::new(&slow);
    let daemon = Running::start(&place);
    let feed = |value| format!(r#"{{"do":"feed","sensor":"tank","value":"{value}"}}"#);
    let answers = daemon.ask_at_once([&feed("10"), &feed("20.5")]);
    assert!(answers[1].contains("recorded in"), "{answers:?}");
    // Another id, and other decimals.
    place.write(
        &slow
            .replace("[sensors.tank]", "[sensors.air]\n\n[sensors.tank]")
            .replace("decimals = 1", "decimals = 2"),
    );
    daemon.ok(&["reload"]);
    poll(|| (daemon.status()["sensors"][1]["value"] == "20.50").then_some(()));
    daemon.stop();
}

#[test]
fn a_sensor_with_other_decimals_does_not_read_its_old_number_as_another_value() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["feed", "tank", "10"]);
    poll(|| (daemon.status()["sensors"][0]["value"] == "10.0").then_some(()));
    place.write(&HOUSE.replace("decimals = 1", "decimals = 2"));
    daemon.ok(&["reload"]);
    assert!(daemon.status()["sensors"][0]["value"].is_null(), "not 1.00");
    // Nothing that the engine does not know any more holds it back.
    let answer = daemon.ok(&["feed", "tank", "10.1"]);
    assert!(!answer.contains("deadband"), "{answer}");
    poll(|| (daemon.status()["sensors"][0]["value"] == "10.10").then_some(()));
    daemon.stop();
}

#[test]
fn a_command_means_what_its_names_said_however_close_to_a_swap_it_comes() {
    // The same names, with each other's ids.
    let house = |outputs: [&str; 2], variables: [&str; 2]| {
        let output = |(name, line): (&str, u32)| format!("[outputs.{name}]\nline = \"GPIO{line}\"\n");
        let outputs: String = outputs.into_iter().zip(23..).map(output).collect();
        let variables = variables.map(|name| format!("{name} = 0\n")).concat();
        format!(
            "[node]\nname = \"porch\"\n[boards.desk]\nkind = \"virtual\"\n{outputs}[variables]\n{variables}"
        )
    };
    let there = house(["lamp", "lock"], ["good", "bad"]);
    let back = house(["lock", "lamp"], ["bad", "good"]);
    let place = Workplace::new(&there);
    let daemon = Running::start(&place);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for request in
            [r#"{"do":"set","output":"lamp","to":"on"}"#, r#"{"do":"let","variable":"good","value":1}"#]
        {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    daemon.ask_often(request, 50);
                }
            });
        }
        for _ in 0..40 {
            for house in [&back, &there] {
                place.write(house);
                daemon.ok(&["reload"]);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let log = words(&daemon.ok(&["log"]));
    let wrong = |line: &&String| line.starts_with("lock on") || line.starts_with("bad = 1");
    assert_eq!(log.iter().find(wrong), None, "nobody asked for that");
    assert!(log.iter().any(|line| starts_with(line, "lamp on by command")), "{log:#?}");
    daemon.stop();
}

#[test]
fn an_input_and_an_output_of_another_name_on_the_same_line_keep_their_state() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["set", "chime", "on"]);
    let renamed =
        HOUSE.replace("inputs.button", "inputs.bell").replace("input = \"button\"", "input = \"bell\"");
    place.write(&renamed);
    daemon.ok(&["reload"]);
    let status = daemon.status();
    assert_eq!(status["inputs"][0]["name"].as_str(), Some("bell"));
    assert_eq!(status["inputs"][0]["value"].as_str(), Some("off"), "known, as the engine knows it");
    assert_eq!(status["outputs"][0]["value"].as_str(), Some("on"));
    daemon.stop();
}

#[test]
fn a_reload_says_what_becomes_of_the_sinks() {
    let sink = |name: &str, only: &str| format!("[sinks.{name}]\nkind = \"console\"\nonly = [\"{only}\"]\n");
    let house = |sinks: &[String]| format!("{HOUSE}\n{}", sinks.concat());
    let place =
        Workplace::new(&house(&[sink("old", "input:*"), sink("kept", "input:*"), sink("other", "input:*")]));
    let daemon = Running::start(&place);
    place.write(&house(&[sink("kept", "input:*"), sink("other", "output:*"), sink("fresh", "input:*")]));
    let answer = daemon.ok(&["reload"]);
    let words = "; sink old is removed; sink other is restarted; sink fresh is new";
    assert!(answer.trim_end().ends_with(words), "{answer}");
    assert_eq!(daemon.ok(&["reload"]).trim_end(), "the program is the same");
    daemon.stop();
}

#[test]
fn a_sink_that_a_reload_brings_is_told_what_happens_from_then_on() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["press", "button"]);
    poll(|| (daemon.status()["variables"][0]["value"] == 1).then_some(()));
    // While it runs, another press starts nothing.
    poll(|| (daemon.status()["scenarios"][0]["running"] == 0).then_some(()));
    let path = place.path("later.jsonl");
    let sink =
        format!("[sinks.later]\nkind = \"file\"\npath = \"{}\"\nonly = [\"message:*\"]\n", path.display());
    place.write(&format!("{HOUSE}\n{sink}"));
    daemon.ok(&["reload"]);
    daemon.ok(&["press", "button"]);
    let told = poll(|| std::fs::read_to_string(&path).ok().filter(|told| told.contains("(2)")));
    assert!(!told.contains("(1)"), "it rang before there was this sink: {told}");
    daemon.stop();
}
