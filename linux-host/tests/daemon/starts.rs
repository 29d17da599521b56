//! Starts, ends, and what goes on from one to the next.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::time::Duration;

use crate::running::{HOUSE, Running, Workplace, not_tried, poll, starts_with, words};

#[test]
fn a_kill_loses_nothing_that_was_written_and_the_state_goes_on() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["let", "quiet", "1"]);
    daemon.ok(&["press", "button"]);
    poll(|| {
        words(&daemon.ok(&["log"]))
            .iter()
            .any(|line| starts_with(line, "ring skipped condition false"))
            .then_some(())
    });
    let before = words(&daemon.ok(&["log"]));
    daemon.kill();

    let daemon = Running::start(&place);
    let after = poll(|| {
        let log = words(&daemon.ok(&["log"]));
        log.iter().any(|line| starts_with(line, "boot 2")).then_some(log)
    });
    assert_eq!(&after[..before.len()], &before[..], "what was written before the kill is gone");
    // What is brought back comes behind the record of the start.
    let status = poll(|| Some(daemon.status()).filter(|status| status["variables"][1]["value"] == 1));
    assert!(status["boot"].as_str().unwrap().starts_with("2-"));
    daemon.stop();
}

#[test]
fn a_restart_knows_how_long_it_was_off_even_if_nobody_trusts_the_clock() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["let", "rings", "1"]);
    daemon.kill();
    for boot in 2..4 {
        let daemon = Running::start(&place);
        let line = poll(|| {
            let log = words(&daemon.ok(&["log"]));
            log.into_iter().find(|line| starts_with(line, &format!("boot {boot} ")))
        });
        assert!(line.contains(" off ") && !line.contains("unknown"), "{line}");
        // Once behind a kill, once behind a stop.
        daemon.stop();
    }
}

#[test]
fn sigterm_leaves_the_outputs_safe_and_says_that_it_stopped_in_order() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["set", "chime", "on"]);
    assert_eq!(daemon.stop(), Some(0));
    let lines = words(&place.ok(&["log"]));
    assert!(lines.iter().any(|line| starts_with(line, "chime off by stop")), "{lines:#?}");
    assert!(lines.last().unwrap().contains("stopped in order"), "{lines:#?}");
}

#[test]
fn a_program_changed_while_the_node_was_off_takes_over_the_state() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["let", "rings", "41"]);
    daemon.stop();
    // Another order of the variables: ids of the old program mean others in the new one.
    place.write(&HOUSE.replace("rings = 0\nquiet = 0", "first = 3\nquiet = 0\nrings = 0"));
    let daemon = Running::start(&place);
    // Until the start is over, the status shows the new program's first values.
    poll(|| {
        let status = daemon.status();
        let variables = status["variables"].as_array().unwrap();
        variables.iter().map(|v| v["value"].as_i64().unwrap()).eq([3, 0, 41]).then_some(())
    });
    daemon.ok(&["press", "button"]);
    poll(|| (daemon.status()["variables"][2]["value"] == 42).then_some(()));
    daemon.stop();
}

#[test]
fn a_wrong_file_starts_nothing_and_tells_all_that_is_wrong() {
    let place =
        Workplace::new(&HOUSE.replace("\"on\" }]", "\"onn\" }]").replace("safe = \"off\"", "save = \"off\""));
    let (errors, code) = place.run_fails();
    assert_eq!(code, Some(1));
    assert!(errors.contains("onn") && errors.contains("save"), "{errors}");
    assert!(!place.path("state").exists(), "nothing was begun");
}

#[test]
fn a_second_daemon_on_the_same_state_is_refused() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    let (error, code) = place.run_fails();
    assert_eq!(code, Some(1));
    assert!(error.contains("another campanile") && error.contains("--state"), "{error}");
    daemon.ok(&["status"]);
    daemon.stop();
    let (error, _) = place.fails(&["status"]);
    assert!(error.contains("no daemon runs"), "{error}");
}

#[test]
fn a_state_directory_of_another_user_is_refused_by_name() {
    if !rustix::process::geteuid().is_root() {
        return not_tried("a state directory of another user: only root can be somebody else");
    }
    let place = Workplace::new(HOUSE);
    place.allow_all();
    let daemon = Running::start(&place);
    daemon.stop();
    let as_nobody = || {
        let file = place.path("house.toml");
        let mut command = place.command(&["run", file.to_str().unwrap()]);
        let output = command.uid(65534).gid(65534).output().unwrap();
        (String::from_utf8(output.stderr).unwrap(), output.status.code())
    };
    let state = place.path("state");
    // Closed, as it is made; open to all; and given away, but not what is in it.
    for prepare in [
        &|| {},
        &|| std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap(),
        &|| std::os::unix::fs::chown(&state, Some(65534), None).unwrap(),
    ] as [&dyn Fn(); 3]
    {
        prepare();
        let (said, code) = as_nobody();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("belongs to root") && said.contains("--state"), "{said}");
    }
    // Root may, and what it left there would keep the owner out.
    let (said, code) = place.fails(&["run", place.path("house.toml").to_str().unwrap()]);
    assert!(said.contains("belongs to nobody") && said.contains("sudo -u") && code == Some(1), "{said}");
    std::os::unix::fs::chown(&state, Some(0), None).unwrap();
    // Nothing was changed meanwhile.
    let daemon = Running::start(&place);
    assert_eq!(daemon.status()["losses"]["damaged"].as_u64(), Some(0));
    daemon.stop();
}

#[test]
fn the_loop_costs_nothing_while_nothing_happens() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    // A loop that spins spends every second on the CPU, or what it gets of it; how little this one does is printed, not
    // judged.
    poll(|| {
        let before = daemon.cpu_ns();
        std::thread::sleep(Duration::from_secs(1));
        let spent = daemon.cpu_ns() - before;
        eprintln!("idle: {spent} ns in 1 s; resident {} KiB", daemon.resident_kib());
        (spent < 20_000_000).then_some(())
    });
    daemon.stop();
}

#[test]
fn a_directory_of_another_program_stays_as_it_is() {
    let place = Workplace::new(HOUSE);
    std::fs::create_dir_all(place.path("state")).unwrap();
    std::fs::write(place.path("state/boot"), "another program's").unwrap();
    let (said, code) = place.run_fails();
    assert!(said.contains("is another program's: its `boot` would be written over"), "{said}");
    assert_eq!(code, Some(1));
    assert_eq!(std::fs::read_to_string(place.path("state/boot")).unwrap(), "another program's");
    assert_eq!(std::fs::read_dir(place.path("state")).unwrap().count(), 1, "nothing is put beside it");
}
