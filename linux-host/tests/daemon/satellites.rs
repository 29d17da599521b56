//! A daemon and a satellite: the program goes there, its log comes here, scenarios see its button and switch its lamp;
//! over cables that are pulled out, and starts of either.

use std::time::Duration;

use crate::board::Board;
use crate::cable::Cable;
use crate::running::{Running, Workplace, poll, starts_with, words};

/// A bell on the Pi, and a porch with a button, a lamp and a scenario of its own.
const HOUSE: &str = r#"
[node]
name = "hall"

[journal]
size = "400KiB"

[boards.desk]
kind = "virtual"

[boards.porch]
kind = "serial"
port = "tcp://127.0.0.1:{port}"

[outputs.bell]
line = "A"

[satellites.porch]

[satellites.porch.inputs.button]
line = "BUTTON"
debounce = "none"

[satellites.porch.outputs.lamp]
line = "LAMP"
without-link = "safe"

[satellites.porch.outputs.sign]
line = 7

[satellites.porch.variables]
visits = 3

[[satellites.porch.scenarios]]
name = "show"
when = [{ input = "button", to = "on" }]
do = [{ set = "sign", to = "on" }]

[[scenarios]]
name = "ring"
when = [{ input = "porch.button", to = "on" }]
do = [{ set = "bell", to = "on" }, { set = "porch.lamp", to = "on" }]

[[scenarios]]
name = "rest"
when = [{ input = "porch.button", to = "off" }]
do = [{ set = "bell", to = "off" }, { set = "porch.lamp", to = "off" }]

[[scenarios]]
name = "look"
if = "porch.button"
do = [{ send = "seen", text = "the button is {porch.button}" }]

[[scenarios]]
name = "alone"
when = [{ link = "porch", to = "down" }]
do = [{ set = "bell", to = "off" }]
"#;

pub(crate) fn house(board: &Board) -> String {
    HOUSE.replace("{port}", &board.port.to_string())
}

/// The satellite as `link info` has it.
pub(crate) fn info(daemon: &Running<'_>) -> serde_json::Value {
    info_of(daemon, "porch")
}

pub(crate) fn info_of(daemon: &Running<'_>, name: &str) -> serde_json::Value {
    serde_json::from_str(&daemon.ok(&["link", "info", name, "--json"])).unwrap()
}

pub(crate) fn wait_until_it_runs(daemon: &Running<'_>) -> serde_json::Value {
    wait_until_runs(daemon, "porch")
}

/// Before that a board's engine knows no input that could be pressed.
pub(crate) fn wait_until_runs(daemon: &Running<'_>, name: &str) -> serde_json::Value {
    poll(|| Some(info_of(daemon, name)).filter(|info| info["up"] == true && info["program"] != ""))
}

#[test]
fn a_press_out_there_becomes_a_record_a_scenario_and_a_lamp() {
    let board = Board::start();
    let place = Workplace::new(&house(&board));
    let daemon = Running::start(&place);
    let info = wait_until_it_runs(&daemon);
    assert_eq!(info["machine"], "test board");
    assert_eq!(board.output("LAMP"), Some(false));
    board.set(0, true);
    poll(|| (board.output("LAMP") == Some(true)).then_some(()));
    assert_eq!(board.output("7"), Some(true), "its own scenario ran");
    let here = poll(|| {
        let lines = words(&daemon.ok(&["log"]));
        lines.iter().any(|line| starts_with(line, "porch.lamp on by ring")).then_some(lines)
    });
    assert!(here.iter().any(|line| starts_with(line, "porch.button on")), "{here:#?}");
    // Its records come here when the wire and the journal have had their time.
    for line in ["button on", "show started by button", "sign on by show", "lamp on by command"] {
        poll(|| {
            let there = words(&daemon.ok(&["link", "log", "porch"]));
            there.iter().any(|there| starts_with(there, line)).then_some(())
        });
    }
    assert!(daemon.ok(&["link", "list"]).starts_with("porch  connected  test board"));
    // In order: the lamp that the house switched is switched off.
    assert_eq!(daemon.stop(), Some(0));
    poll(|| (board.output("LAMP") == Some(false)).then_some(()));
    assert_eq!(board.output("7"), Some(true), "what its own scenario switched stays");
}

#[test]
fn no_record_is_lost_or_comes_twice_over_unplugged_cables_and_starts_of_either() {
    let board = Board::start();
    let place = Workplace::new(&house(&board));
    let mut daemon = Running::start(&place);
    let first = wait_until_it_runs(&daemon)["boot"].clone();
    for round in 0..3 {
        board.set(0, true);
        board.set(0, false);
        match round {
            0 => board.unplug(),
            1 => {
                daemon.kill();
                daemon = Running::start(&place);
            }
            _ => {}
        }
        board.set(0, true);
        board.set(0, false);
    }
    let presses = poll(|| {
        let lines = words(&daemon.ok(&["link", "log", "porch"]));
        let presses = lines.iter().filter(|line| starts_with(line, "button on")).count();
        (presses >= 6).then_some(presses)
    });
    assert_eq!(presses, 6);
    let now = info(&daemon);
    assert_eq!(
        (&now["boot"], &now["lost"]),
        (&first, &0.into()),
        "it is the same start, and nothing is missing"
    );
    board.restart();
    let second = poll(|| Some(wait_until_it_runs(&daemon)["boot"].clone()).filter(|boot| *boot != first));
    assert!(second.as_str() > first.as_str());
    assert!(daemon.ok(&["link", "log", "porch"]).contains("did not stop in order"));
}

#[test]
fn over_a_bad_serial_line_every_press_comes_once() {
    let board = Board::start();
    let cable = Cable::to(board.port);
    let serial = format!("port = \"{}\"", cable.path().display());
    let place = Workplace::new(&HOUSE.replace("port = \"tcp://127.0.0.1:{port}\"", &serial));
    let mut daemon = Running::start(&place);
    wait_until_it_runs(&daemon);
    cable.spoil();
    let mut pressed = 0;
    for round in 0..4 {
        // No more than the board remembers while nobody listens.
        for press in 0..6 {
            board.set(0, true);
            board.set(0, false);
            pressed += 1;
            match (round, press) {
                (1, 2) => cable.unplug(),
                (2, 2) => {
                    daemon.kill();
                    daemon = Running::start(&place);
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        poll(|| (presses(&daemon) >= pressed).then_some(()));
    }
    assert_eq!(presses(&daemon), pressed);
    let info = info(&daemon);
    assert_eq!(info["lost"], 0);
    assert!(cable.faults() > 0, "the line was good");
    assert!(info["broken-frames"].as_u64() > Some(0), "{info}");
    // Another start, whose program comes over the bad line too.
    board.restart();
    poll(|| (wait_until_it_runs(&daemon)["boot"] != info["boot"]).then_some(()));
    board.set(0, true);
    poll(|| (board.output("LAMP") == Some(true)).then_some(()));
    poll(|| (presses(&daemon) > pressed).then_some(()));
    assert_eq!(presses(&daemon), pressed + 1);
}

/// In the satellite's journal.
fn presses(daemon: &Running<'_>) -> usize {
    let lines = words(&daemon.ok(&["link", "log", "porch"]));
    lines.iter().filter(|line| starts_with(line, "button on")).count()
}

#[test]
fn a_line_of_a_satellite_is_known_in_expressions_while_the_satellite_is_there() {
    let board = Board::start();
    let house = house(&board);
    let place = Workplace::new(&house);
    let daemon = Running::start(&place);
    wait_until_it_runs(&daemon);
    let wait_for = |times, line: &str| {
        poll(|| {
            let lines = words(&daemon.ok(&["log"]));
            (lines.iter().filter(|there| starts_with(there, line)).count() >= times).then_some(())
        });
    };
    board.set(0, true);
    wait_for(1, "porch.button on");
    daemon.ok(&["start", "look"]);
    wait_for(1, "seen sent \"the button is on\"");
    // Another sink gives the satellite's link another number, and it is up all the same.
    place.write(&format!("{house}\n[sinks.screen]\nkind = \"console\"\n"));
    daemon.ok(&["reload"]);
    daemon.ok(&["start", "look"]);
    wait_for(2, "seen sent \"the button is on\"");
    drop(board);
    wait_for(1, "link porch down");
    daemon.ok(&["start", "look"]);
    wait_for(1, "look skipped condition unknown");
}

#[test]
fn its_scenarios_and_variables_are_commanded_from_here_and_who_is_away_is_said_to_be() {
    let board = Board::start();
    let place = Workplace::new(&house(&board));
    let daemon = Running::start(&place);
    wait_until_it_runs(&daemon);
    assert_eq!(daemon.ok(&["start", "porch.show"]).trim_end(), "porch.show started");
    poll(|| (board.output("7") == Some(true)).then_some(()));
    assert_eq!(daemon.ok(&["let", "porch.visits", "-4"]).trim_end(), "porch.visits = -4");
    assert_eq!(daemon.ok(&["stop", "porch.show"]).trim_end(), "porch.show stopped");
    poll(|| {
        let there = words(&daemon.ok(&["link", "log", "porch"]));
        let all = ["command start show", "command let visits = -4", "command stop show"];
        all.iter().all(|line| there.iter().any(|there| starts_with(there, line))).then_some(())
    });
    for (asked, near) in
        [(["start", "porch.shwo"].as_slice(), "porch.show"), (&["let", "porch.visit", "1"], "porch.visits")]
    {
        let (error, code) = daemon.fails(asked);
        assert!(error.contains(&format!("did you mean {near}?")) && code == Some(1), "{error}");
    }
    let (error, _) = daemon.fails(&["start", "attic.show"]);
    assert!(error.contains("no scenario \"attic.show\""), "{error}");
    assert_eq!(daemon.ok(&["set", "porch.lamp", "on"]).trim_end(), "porch.lamp is on");
    drop(board);
    poll(|| (info(&daemon)["up"] == false).then_some(()));
    for asked in [["start", "porch.show"].as_slice(), &["stop", "porch.show"], &["let", "porch.visits", "1"]]
    {
        let (error, _) = daemon.fails(asked);
        assert!(error.contains("porch cannot be asked now"), "{error}");
    }
    let held = daemon.ok(&["set", "porch.lamp", "off"]);
    assert!(
        held.starts_with("porch.lamp is off as soon as porch can be told, which it cannot now: "),
        "{held}"
    );
}

/// The porch tells of its button, and the house passes that on; what the house sends stands in a file.
const TELLING: &str = r#"
[[satellites.porch.scenarios]]
name = "tell"
when = [{ input = "button", to = "on" }]
do = [{ send = "rung" }, { send = "unheard" }]

[[scenarios]]
name = "pass-on"
when = [{ message = "porch.rung" }]
do = [{ send = "doorbell", text = "Someone is at the porch" }]

[sinks.file]
kind = "file"
path = "{dir}/events.jsonl"
only = ["message:*"]
"#;

#[test]
fn a_message_of_a_satellite_sets_off_a_scenario_here_once_and_that_tells_the_sinks() {
    let board = Board::start();
    let place = Workplace::new(&(house(&board) + TELLING));
    let mut daemon = Running::start(&place);
    wait_until_it_runs(&daemon);
    let sent = || std::fs::read_to_string(place.path("events.jsonl")).unwrap_or_default();
    // What a kill has sent twice is the same to the byte.
    let rung = || {
        let sent = sent();
        let rings = sent.lines().filter(|line| line.contains("campanile/hall/message/doorbell"));
        rings.collect::<std::collections::BTreeSet<_>>().len()
    };
    board.set(0, true);
    poll(|| (rung() == 1).then_some(()));
    assert!(sent().contains("Someone is at the porch"), "{}", sent());
    // The journal has it: behind a start of the daemon it is no news.
    daemon.kill();
    daemon = Running::start(&place);
    wait_until_it_runs(&daemon);
    board.set(0, false);
    board.set(0, true);
    poll(|| (rung() >= 2).then_some(()));
    daemon.stop();
    assert_eq!(rung(), 2, "{}", sent());
}

#[test]
fn a_satellite_that_is_not_in_the_file_is_answered_with_those_that_are() {
    let board = Board::start();
    let place = Workplace::new(&house(&board));
    let daemon = Running::start(&place);
    wait_until_it_runs(&daemon);
    // What a firmware says with defmt lies beside the journals.
    std::fs::write(place.path("state/satellites/porch.defmt"), "").unwrap();
    let (error, code) = daemon.fails(&["link", "info", "porhc"]);
    assert!(error.contains("no satellite \"porhc\"; did you mean porch?") && code == Some(1), "{error}");
    let (error, _) = daemon.fails(&["link", "install", "porhc"]);
    assert!(error.contains("did you mean porch?"), "{error}");
    let (error, _) = daemon.fails(&["link", "log", "attic"]);
    assert!(error.contains("no journal of a satellite \"attic\"; there are porch ("), "{error}");
    for name in ["..", "", ".", "porch.defmt"] {
        let (error, _) = daemon.fails(&["link", "log", name]);
        assert!(error.contains(&format!("no journal of a satellite \"{name}\"")), "{error}");
    }
}

#[test]
fn a_reload_says_what_becomes_of_the_satellites() {
    let board = Board::start();
    let place = Workplace::new(&house(&board));
    let daemon = Running::start(&place);
    wait_until_it_runs(&daemon);
    let reload = |file: &str| {
        place.write(file);
        daemon.ok(&["reload"]).lines().next().unwrap_or_default().to_owned()
    };
    let same = house(&board);
    assert_eq!(reload(&same), "the program is the same");
    let other = same.replace("[satellites.porch.variables]", "[satellites.porch.variables]\nguests = 0");
    assert_eq!(reload(&other), "the program is the same; satellite porch gets another program");
    let slower = other.replace("kind = \"serial\"", "kind = \"serial\"\nbaud = 9600");
    assert_eq!(reload(&slower), "the program is the same; satellite porch is restarted");
    let porch = slower.split_inclusive("\n\n").filter(|part| !part.contains("porch"));
    let answer = reload(&porch.collect::<String>());
    assert!(answer.ends_with(" runs; satellite porch is removed"), "{answer}");
    let answer = reload(&slower);
    assert!(answer.ends_with(" runs; satellite porch is new"), "{answer}");
    daemon.stop();
}
