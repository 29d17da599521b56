//! What is wrong with a satellite: it is named, a person can do something about it, and another satellite goes on beside it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use campanile_core::link::Storage;

use crate::board::{Board, stranger};
use crate::clock;
use crate::running::{Running, Workplace, poll, starts_with, words};
use crate::satellites::{house, info, info_of, wait_until_it_runs, wait_until_runs};

/// Another satellite, behind this port.
fn attic(port: u16) -> String {
    format!(
        "[boards.attic]\nkind = \"serial\"\nport = \"tcp://127.0.0.1:{port}\"\n[satellites.attic.inputs.button]\nline = 1\n\
         debounce = \"none\"\n[satellites.attic.outputs.fan]\nline = 2\n"
    )
}

fn problems_of(daemon: &Running<'_>, name: &str) -> Vec<String> {
    serde_json::from_value(info_of(daemon, name)["problems"].take()).unwrap()
}

/// Of the house's own log.
fn words_of(daemon: &Running<'_>) -> Vec<String> {
    words(&daemon.ok(&["log"]))
}

#[test]
fn one_of_another_version_is_named_and_the_others_go_on() {
    let board = Board::start();
    let place = Workplace::new(&(house(&board) + &attic(stranger())));
    let daemon = Running::start(&place);
    wait_until_it_runs(&daemon);
    let state = poll(|| {
        let attic = info_of(&daemon, "attic");
        attic["state"].as_str().filter(|state| state.contains("version")).map(str::to_owned)
    });
    assert!(state.contains("of the link, and this campanile version"), "{state}");
    // A try that has not been answered yet says something else.
    poll(|| daemon.ok(&["status"]).contains("bring this campanile up to date").then_some(()));
    assert_eq!(info(&daemon)["up"], true);
}

#[test]
fn one_that_is_too_small_is_named_and_the_other_goes_on_also_without_a_clock() {
    let (board, other) = (Board::start(), Board::start());
    let many: String =
        (0..5).map(|n| format!("[satellites.porch.inputs.more{n}]\nline = {}\n", n + 10)).collect();
    let place = Workplace::new(&(house(&board) + &many + &attic(other.port)));
    let daemon = Running::start_with(&place, clock::synchronised(false));
    wait_until_runs(&daemon, "attic");
    let clock = "no clock: the time of day is not synchronised";
    let small = "it is too small for its program: 6 inputs, and its engine has room for 4";
    // As it greets, and when a person asks for its program.
    for level in ["on", "off"] {
        for (name, wrong) in [("porch", [small, clock].as_slice()), ("attic", &[clock])] {
            poll(|| (problems_of(&daemon, name).len() == wrong.len()).then_some(()));
            let status = daemon.ok(&["status"]);
            for (problem, words) in problems_of(&daemon, name).iter().zip(wrong) {
                assert!(problem.starts_with(words), "{name}: {problem}");
                assert!(status.lines().any(|line| line.trim() == problem), "{name} in {status}");
            }
        }
        other.set(0, level == "on");
        let line = format!("attic.button {level}");
        poll(|| words_of(&daemon).iter().any(|there| starts_with(there, &line)).then_some(()));
        daemon.ok(&["set", "attic.fan", level]);
        poll(|| (other.output("2") == Some(level == "on")).then_some(()));
        let (why, code) = daemon.fails(&["link", "install", "porch"]);
        let refused = format!("porch does not get its program: {small}");
        assert!(why.contains(&refused) && code == Some(1), "{why}");
        let (why, _) = daemon.fails(&["let", "porch.visits", "1"]);
        assert!(why.contains(small), "{why}");
    }
}

#[test]
fn where_the_clock_is_synchronised_nothing_is_wrong() {
    let board = Board::start();
    let place = Workplace::new(&house(&board));
    let daemon = Running::start_with(&place, clock::synchronised(true));
    wait_until_it_runs(&daemon);
    assert_eq!(problems_of(&daemon, "porch"), Vec::<String>::new());
}

#[test]
fn a_program_that_was_refused_is_brought_over_when_a_person_asks() {
    let board = Board::start();
    board.stores(false);
    let place = Workplace::new(&house(&board));
    let daemon = Running::start(&place);
    let unstored =
        || problems_of(&daemon, "porch").concat().contains("its program cannot be written to its flash");
    poll(|| unstored().then_some(()));
    assert_eq!((&info(&daemon)["up"], &info(&daemon)["program"]), (&true.into(), &"".into()));
    board.stores(true);
    let said = daemon.ok(&["link", "install", "porch"]);
    assert_eq!(said.trim_end(), "porch gets its program as soon as it is there");
    wait_until_it_runs(&daemon);
    poll(|| (!unstored()).then_some(()));
    board.set(0, true);
    poll(|| (board.output("LAMP") == Some(true)).then_some(()));
}

#[test]
fn flash_that_is_worn_or_full_is_named_and_the_other_satellite_goes_on() {
    let (board, other) = (Board::start(), Board::start());
    let place = Workplace::new(&(house(&board) + &attic(other.port)));
    let daemon = Running::start(&place);
    wait_until_runs(&daemon, "attic");
    wait_until_it_runs(&daemon);
    for (round, (storage, words)) in
        [(Storage::Worn, "its flash is worn"), (Storage::Full, "its flash is full")].into_iter().enumerate()
    {
        board.ail(storage);
        poll(|| info(&daemon)["problems"].to_string().contains(words).then_some(()));
        poll(|| daemon.ok(&["status"]).contains(words).then_some(()));
        other.set(0, round == 0);
        let line = if round == 0 { "attic.button on" } else { "attic.button off" };
        poll(|| words_of(&daemon).iter().any(|there| starts_with(there, line)).then_some(()));
        assert_eq!(info(&daemon)["up"], true);
    }
}

/// Of one that is away no record comes, and whoever looks on would wait without a word.
#[test]
fn who_monitors_one_that_is_away_is_told_why_nothing_comes() {
    let board = Board::start();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Workplace::new(&(house(&board) + &attic(nobody)));
    let daemon = Running::start(&place);
    let told = || {
        let mut monitor = place.command(&["link", "monitor", "attic"]);
        let mut monitor = monitor.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(monitor.stderr.take().unwrap()).lines().map(Result::unwrap);
        let told = said.next().zip(said.next()).unwrap();
        monitor.kill().unwrap();
        monitor.wait().unwrap();
        told
    };
    let why = format!(": nobody listens at 127.0.0.1:{nobody}");
    let (state, journal) = poll(|| Some(told()).filter(|(state, _)| state.ends_with(&why)));
    assert!(state.starts_with("attic is not connected: retrying in "), "{state}");
    assert!(journal.ends_with("/satellites/attic yet: waiting for its first record"), "{journal}");
    daemon.stop();
    let (state, _) = told();
    assert!(state.starts_with("nothing new comes: no daemon runs on "), "{state}");
}
