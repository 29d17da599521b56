//! `campanile swarm`: what it takes, what it says, and what is left when somebody has seen enough. What it says of a
//! seed that fails is tried beside the command itself, where a house can be planted that no file compiles to.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use super::{campanile, example, text, wrong};

fn said(output: &Output) -> (Option<i32>, String, String) {
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn seeds_without_a_finding_end_with_a_summary() {
    let (code, out, err) = said(&campanile(&["swarm", &example(), "--seeds", "3..5", "--jobs", "2"]));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("2 seeds without a finding, ") && out.lines().count() == 1, "{out}");
    for words in [" of virtual time, ", " records in ", " seeds/s\n"] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let (code, out, _) = said(&campanile(&["swarm", &example(), "--seeds", "4", "--json"]));
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &summary["result"], &summary["seeds"]), (Some(0), &"done".into(), &1.into()));
    assert_eq!((&summary["next"], &summary["interrupted"]), (&5.into(), &false.into()));
}

#[test]
fn what_is_no_range_no_time_and_no_number_is_said_in_words() {
    let file = example();
    for (arguments, words) in [
        (["--seeds", "7..3"], "there is no seed in 7..3"),
        (["--seeds", "3..3"], "there is no seed in 3..3"),
        (["--seeds", "a..b"], "`a` is not a seed: seeds are numbers up to"),
        (["--seeds", "-1..4"], "`-1` is not a seed"),
        (["--seeds", "1..=4"], "`=4` is not a seed"),
        (["--seeds", "99999999999999999999"], "`99999999999999999999` is not a seed"),
        (["--jobs", "0"], "a number from 1 to 1024 is meant"),
        (["--jobs", "100000"], "a number from 1 to 1024 is meant"),
        (["--for", "10"], "10"),
        (["--for", "soon"], "soon"),
    ] {
        let (code, out, err) = said(&campanile(&["swarm", &file, arguments[0], arguments[1]]));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
    let (code, out, err) = said(&campanile(&["swarm", &file, "--for", "0s"]));
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("no seed was lived to its end") && err.contains("`--for 10m`"), "{err}");
    let (code, _, err) = said(&campanile(&["swarm", &wrong(), "--seeds", "1"]));
    assert!(code == Some(1) && err.contains("keys.toml:5:1"), "{err}");
}

#[test]
fn a_plan_is_lived_and_one_that_names_what_no_house_has_is_told_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bug.json");
    let plan = file.to_str().unwrap();
    let live = || said(&campanile(&["swarm", &example(), "--plan", plan]));
    let touch = |input: &str| {
        let deed = format!(r#""deed": "touch", "input": "{input}", "on": true, "bounce": []"#);
        let item = |at| format!(r#"{{ "at": {at}, "node": 0, {deed} }}"#);
        let items = [item(1_000_000), item(2_000_000)].join(", ");
        std::fs::write(
            &file,
            format!(r#"{{ "seed": 1, "until": 5000000, "nodes": [{{}}], "items": [{items}] }}"#),
        )
        .unwrap();
    };
    touch("button");
    let (code, out, err) = live();
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.starts_with("nothing found in "), "{out}");
    touch("buton");
    let (code, out, err) = live();
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        err.contains("item 1 names the input `buton`, which no house has; did you mean `button`?"),
        "{err}"
    );
    std::fs::write(&file, "{ \"seed\": 1").unwrap();
    let (code, _, err) = live();
    assert!(
        code == Some(1) && err.contains("this is no plan, as `campanile shrink --output` writes one: "),
        "{err}"
    );
    std::fs::write(&file, [0xff]).unwrap();
    let (code, _, err) = live();
    assert!(code == Some(1) && err.contains("bug.json: this is no plan"), "{err}");
    touch("button");
    for (life, words) in
        [(["--seed", "1"], "seed 1: nothing is found"), (["--plan", plan], "bug.json: nothing is found")]
    {
        let (code, _, err) = said(&campanile(&["shrink", &example(), life[0], life[1]]));
        assert!(code == Some(1) && err.contains(words), "{err}");
    }
    let (code, _, err) = said(&campanile(&["shrink", &example()]));
    assert!(code == Some(2) && err.contains("<--seed <N>|--plan <PLAN>>"), "{err}");
    let (code, _, err) =
        said(&campanile(&["shrink", &example(), "--seed", "1", "--output", "/no/such/bug.json"]));
    assert!(code == Some(1) && err.contains("bug.json is in a directory that does not exist"), "{err}");
}

/// On a terminal it shows how far it is; a Ctrl-C there ends it with what it has, and with the way on.
#[test]
fn whoever_has_seen_enough_is_told_what_was_lived_and_how_to_go_on() {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let other_end = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let other_end = File::options().read(true).write(true).open(other_end).unwrap();
    let file = example();
    let swarm = Command::new(env!("CARGO_BIN_EXE_campanile"))
        .args(["swarm", &file, "--seeds", "5..", "--jobs", "1", "--for", "20h"])
        .stdout(Stdio::piped())
        .stderr(other_end)
        .spawn()
        .unwrap();
    let (mut terminal, mut shown) = (File::from(terminal), String::new());
    while !(shown.contains(" seeds, ") && shown.contains(" of virtual time, ")) {
        let mut bytes = [0; 1024];
        let count = terminal.read(&mut bytes).unwrap();
        shown += &String::from_utf8_lossy(&bytes[..count]);
    }
    assert!(shown.contains(" %  ") && shown.contains("/s, ") && shown.contains(" left"), "{shown}");
    kill_process(Pid::from_child(&swarm), Signal::INT).unwrap();
    let (code, out, _) = said(&swarm.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{out}");
    let [summary, more] = out.lines().collect::<Vec<_>>()[..] else { panic!("{out}") };
    let lived: u64 = summary.split_once(" seed").and_then(|(count, _)| count.parse().ok()).expect(summary);
    assert!(lived > 0 && summary.contains(" without a finding, "), "{summary}");
    assert_eq!(more, format!("to go on: campanile swarm {file} --seeds {}.. --jobs 1 --for 20h", 5 + lived));
}
