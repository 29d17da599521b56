use std::sync::atomic::AtomicBool;

use clap::Parser as _;

use campanile_delivery::symbols::Symbols;

use super::*;
use crate::cli::{Cli, Command};

#[test]
fn seeds_as_people_write_them() {
    assert_eq!("3..7".parse(), Ok(Seeds(3..7)));
    assert_eq!("5".parse(), Ok(Seeds(5..6)));
    assert_eq!("9..".parse(), Ok(Seeds(9..u64::MAX)));
    for (text, words) in [
        ("7..3", "no seed in 7..3: A..B begins with A"),
        ("5..5", "no seed in 5..5: "),
        ("..5", "write the first seed too"),
        ("", "write the first seed too"),
    ] {
        assert!(text.parse::<Seeds>().is_err_and(|why| why.contains(words)), "{text}");
    }
    for (text, what) in [("x..3", "x"), ("3..=7", "=7"), ("18446744073709551615", "18446744073709551615")] {
        assert!(
            text.parse::<Seeds>().is_err_and(|why| why.contains(&format!("`{what}` is not a seed"))),
            "{text}"
        );
    }
}

fn args(arguments: &[&str]) -> Args {
    let cli = Cli::try_parse_from([&["campanile", "swarm"], arguments].concat()).expect("right usage");
    match cli.command {
        Command::Swarm(args) => args,
        other => panic!("{other:?}"),
    }
}

/// What a hunt says in a house whose program is none: it fails in every life, and with nothing done in it.
fn hunted(arguments: &[&str]) -> (String, Result<(), Failure>) {
    let broken = [House::new(vec![1, 2, 3], Symbols::new("front-door"))];
    let mut out = Vec::new();
    let ended = hunt(&args(arguments), &broken, &mut out);
    (String::from_utf8(out).expect("text"), ended)
}

#[test]
fn a_seed_that_fails_is_told_with_what_lives_it_again_the_shortest_plan_and_what_goes_on_behind_it() {
    // However many are lived at a time, the first one is told.
    for jobs in ["1", "4"] {
        let (said, ended) = hunted(&["old house.toml", "new.toml", "--seeds", "7..90", "--jobs", jobs]);
        assert!(matches!(ended, Err(Failure::Told)), "exit code 1: {ended:?}");
        let (told, shortened) = said.split_once("\n\nshortened to:\n").expect(&said);
        let [fails, finding, again] = told.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
        assert_eq!(fails, "seed 7 fails:");
        assert!(finding.contains("0.000000  "), "when and what: {finding}");
        assert_eq!(again, "again: campanile swarm 'old house.toml' new.toml --seeds 7");
        let lines: Vec<&str> = shortened.lines().collect();
        let [plan @ .., once_more, summary, go_on] = &lines[..] else { panic!("{said}") };
        let plan: Plan = serde_json::from_str(&plan.concat()).expect("a plan that --plan takes");
        assert!(plan.items.is_empty(), "nothing is needed for it: {said}");
        assert_eq!(*once_more, finding);
        assert!(
            summary.contains(" of virtual time, ") && !summary.contains("without a finding"),
            "{summary}"
        );
        let behind = format!("swarm 'old house.toml' new.toml --seeds 8..90 --jobs {jobs}");
        assert_eq!(*go_on, format!("to go on: campanile {behind}"));
    }
    let (said, _) = hunted(&["house.toml", "--seeds", "7"]);
    assert!(!said.contains("to go on"), "there is no seed behind it: {said}");
}

#[test]
fn whoever_does_not_wait_gets_the_shortest_so_far_and_the_command_that_goes_on_with_it() {
    let houses = [House::new(vec![1, 2, 3], Symbols::new("front-door"))];
    let plan = r#"{"seed":7,"until":9,"nodes":[{}],"items":[{"at":1,"node":0,"deed":"stall","span":2}]}"#;
    let plan: Plan = serde_json::from_str(plan).expect("a plan");
    let finding = campanile_sim::swarm::run(&plan, &houses).finding.expect("no program");
    let shrunk = shorten((plan, finding.clone()), &houses, TRIES, &AtomicBool::new(true), false);
    let found = run::Found { seed: 7, finding };
    let said = |arguments: &[&str]| {
        let mut out = Vec::new();
        say::shortened(&found, &shrunk, &args(arguments), &mut out).expect("memory takes it");
        String::from_utf8(out).expect("text")
    };
    let text = said(&["house.toml", "new.toml"]);
    assert!(text.starts_with("\nthe shortest so far:\n{\"seed\":7,"), "{text}");
    assert_eq!(text.lines().last(), Some("shorter: campanile shrink house.toml new.toml --seed 7"));
    let object: serde_json::Value = serde_json::from_str(&said(&["house.toml", "--json"])).expect("JSON");
    assert_eq!(object["shortest"], false);
}

#[test]
fn programs_are_told_the_same_in_an_object_a_line() {
    let (said, ended) = hunted(&["house.toml", "--seeds", "3..", "--jobs", "1", "--json"]);
    assert!(matches!(ended, Err(Failure::Told)), "{ended:?}");
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let [failure, summary] = &lines[..] else { panic!("{said}") };
    assert_eq!((&failure["result"], &failure["seed"]), (&json!("failed"), &json!(3)));
    assert_eq!(failure["again"], "campanile swarm house.toml --seeds 3");
    assert!(failure["plan"]["nodes"].is_array() && failure["what"].is_string(), "{failure}");
    assert_eq!((&summary["result"], &summary["seeds"]), (&json!("failed"), &json!(1)));
    assert_eq!(
        (&summary["interrupted"], &summary["go-on"]),
        (&json!(false), &json!("campanile swarm house.toml --seeds 4.. --jobs 1 --json"))
    );
}

#[test]
fn whoever_goes_on_does_so_as_before() {
    let tally = tally::Tally { seeds: 12, next: 17, ..tally::Tally::default() };
    for (arguments, more) in [
        (&["house.toml"][..], "17.."),
        (&["house.toml", "--seeds", "5..90"], "17..90"),
        (&["house.toml", "--jobs", "3", "--for", "10m"], "17.. --jobs 3 --for 10min"),
        (&["house.toml", "--for", "1500ms"], "17.. --for 1s500ms"),
    ] {
        let mut out = Vec::new();
        say::summary(&tally, false, &args(arguments), &mut out).expect("memory takes it");
        let said = String::from_utf8(out).expect("text");
        let last = said.lines().last().expect("a summary");
        assert_eq!(last, format!("to go on: campanile swarm house.toml --seeds {more}"));
        assert!(said.starts_with("12 seeds without a finding, "), "{said}");
        // What is printed is what the command takes.
        let words: Vec<&str> = last.split(' ').skip(5).collect();
        assert_eq!(args(&words).seeds.0.start, 17);
    }
}

#[test]
fn a_name_of_another_node_is_told_with_what_means_that_one() {
    let unknown = |elsewhere| Unknown {
        item: 0,
        what: "input",
        name: "button".to_owned(),
        known: vec!["buton".to_owned()],
        elsewhere,
    };
    let said = in_words(&unknown(vec![Some((0, "porch".to_owned()))]));
    let named = "item 1 names the input `button`, which";
    assert_eq!(said, format!("{named} is not there, but satellite 0, porch, has: add `\"satellite\":0`"));
    let said = in_words(&unknown(vec![None, Some((1, "gate".to_owned()))]));
    assert!(
        said.starts_with(&format!("{named} is not there, but the house itself has: leave out")),
        "{said}"
    );
    assert!(said.ends_with("; satellite 1, gate, has: add `\"satellite\":1`"), "{said}");
    assert_eq!(in_words(&unknown(Vec::new())), format!("{named} no house has; did you mean `buton`?"));
}
