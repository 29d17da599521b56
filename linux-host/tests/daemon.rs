//! The daemon from end to end: the real binary on the virtual board.

#[path = "daemon/replays.rs"]
mod replays;
#[path = "daemon/running.rs"]
mod running;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use running::{HOUSE, Running, Workplace, poll};

/// Trace lines without their times, one blank between the columns.
fn words(log: &str) -> Vec<String> {
    let line = |line: &str| line.split_whitespace().skip(3).collect::<Vec<_>>().join(" ");
    log.lines().map(line).collect()
}

fn starts_with(line: &str, words: &str) -> bool {
    line.starts_with(words)
}

#[test]
fn a_press_becomes_a_trace_a_status_and_a_line_of_the_file_sink() {
    let place =
        Workplace::new(&format!("{HOUSE}\n[sinks.lines]\nkind = \"file\"\npath = \"{{dir}}/lines.jsonl\"\n"));
    let daemon = Running::start(&place);
    assert_eq!(daemon.ok(&["press", "button", "--for", "100ms"]), "button pressed for 100 ms\n");
    let lines = poll(|| {
        let lines = words(&daemon.ok(&["log"]));
        lines.iter().any(|line| starts_with(line, "ring ended")).then_some(lines)
    });
    let expected = [
        "button on onset",
        "ring started by button",
        "rings = 1",
        "chime on by ring",
        "button off",
        "chime off by ring",
    ];
    let mut rest = lines.iter();
    for words in expected {
        assert!(
            rest.any(|line| starts_with(line, words)),
            "`{words}` is missing, or too late, in {lines:#?}"
        );
    }
    assert_eq!(
        lines.iter().filter(|line| starts_with(line, "ring started")).count(),
        1,
        "a bounce rang: {lines:#?}"
    );

    let status = daemon.status();
    let input = &status["inputs"][0];
    assert_eq!((input["value"].as_str(), input["events"].as_u64()), (Some("off"), Some(2)));
    let (edges, bounces) = (input["edges"].as_u64().unwrap(), input["bounces"].as_u64().unwrap());
    assert_eq!(edges, 2 + bounces, "every edge is an event's or a bounce");
    assert!(bounces >= 4, "a switch bounces, {bounces}");
    assert_eq!(status["losses"]["kernel"].as_u64(), Some(0));

    let sent = poll(|| {
        let lines = std::fs::read_to_string(place.path("lines.jsonl")).ok()?;
        lines.lines().find(|line| line.contains("message/doorbell")).map(str::to_owned)
    });
    assert!(sent.contains("Someone is at the door (1)"), "{sent}");
    daemon.stop();
}

#[test]
fn commands_do_what_they_say_and_name_what_is_near() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    assert_eq!(daemon.ok(&["set", "chime", "on"]), "chime is on\n");
    assert_eq!(daemon.ok(&["let", "rings", "-7"]), "rings = -7\n");
    assert_eq!(daemon.ok(&["feed", "tank", "41.5"]), "tank taken\n");
    assert_eq!(daemon.ok(&["feed", "tank", "41.6"]), "tank changes less than its deadband: not recorded\n");
    assert_eq!(daemon.ok(&["start", "ring"]), "ring started\n");
    assert_eq!(daemon.ok(&["stop", "ring"]), "ring stopped\n");
    let status = poll(|| Some(daemon.status()).filter(|status| status["sensors"][0]["value"] == "41.5"));
    assert_eq!(status["variables"][0]["value"].as_i64(), Some(-6), "the run counted before it was stopped");
    assert_eq!(status["outputs"][0]["value"].as_str(), Some("off"), "a stopped run leaves its outputs safe");
    for (wrong, said) in [
        (&["set", "chim", "on"], "no output \"chim\"; did you mean chime?"),
        (&["press", "knob"], "no input \"knob\"; there are button"),
        (&["feed", "tank", "4,5"], "\"4,5\" is not a number such as 41.5"),
    ] as [(&[&str], &str); 3]
    {
        let (text, code) = daemon.fails(wrong);
        assert_eq!((text.trim_end(), code), (format!("error: {said}").as_str(), Some(1)));
    }
    daemon.stop();
}

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
    let status = daemon.status();
    assert_eq!(status["variables"][1]["value"].as_i64(), Some(1), "quiet was on before the kill");
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
    let began = Instant::now();
    let answer = daemon.ok(&["reload"]);
    assert!(answer.starts_with("program ") && answer.contains(" runs"), "{answer}");
    eprintln!("reload: {:.1} ms, the start of the command included", began.elapsed().as_secs_f64() * 1e3);
    let status = poll(|| Some(daemon.status()).filter(|status| status["inputs"][0]["value"] == "off"));
    assert_eq!(status["inputs"][1]["name"].as_str(), Some("door"));
    assert_eq!(status["inputs"][1]["value"].as_str(), Some("off"), "a new line is read");
    assert_eq!(status["inputs"][0]["events"].as_u64(), Some(2), "the press and its release");
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
    let slow = HOUSE.replace("min-interval = \"10ms\"", "min-interval = \"1s\"");
    let place = Workplace::new(&slow);
    let daemon = Running::start(&place);
    daemon.ok(&["feed", "tank", "10"]);
    assert!(daemon.ok(&["feed", "tank", "20.5"]).contains("recorded in"));
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
fn a_state_directory_that_is_read_only_is_told_by_its_reason_and_the_house_runs() {
    let sink = "\n[sinks.lines]\nkind = \"file\"\npath = \"{dir}/lines.jsonl\"\n";
    let place = Workplace::on_small_disk(&format!("{HOUSE}{sink}"));
    if !place.is_mounted() {
        return eprintln!("not tried: only root may mount");
    }
    let daemon = Running::start(&place);
    daemon.ok(&["let", "rings", "41"]);
    daemon.stop();
    place.make_read_only();
    let delivered = || std::fs::metadata(place.path("lines.jsonl")).unwrap().len();
    let before = delivered();
    let daemon = Running::start(&place);
    poll(|| (delivered() > before).then_some(()));
    let (said, code) = daemon.stop_saying();
    assert_eq!(code, Some(1), "{said}");
    let reason = "the file system is read-only";
    for what in ["the number of this start is not on the disk", "the place reached", "goes on from memory"] {
        assert!(said.lines().any(|line| line.contains(what) && line.contains(reason)), "{what}: {said}");
    }
    assert!(said.contains("are lost, as the disk is read-only"), "{said}");
    assert!(!said.contains("os error 9"), "{said}");
}

#[test]
fn a_state_directory_of_another_user_is_refused_by_name() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("not tried: only root can be somebody else");
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
    // Nothing was changed meanwhile.
    let daemon = Running::start(&place);
    assert_eq!(daemon.status()["losses"]["damaged"].as_u64(), Some(0));
    daemon.stop();
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
fn a_damaged_journal_is_set_aside_and_the_rest_goes_on() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    for _ in 0..20 {
        daemon.ok(&["let", "quiet", "1"]);
    }
    daemon.stop();
    let segment = place.path("state/0000000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[used / 2] ^= 0x55;
    std::fs::write(&segment, &bytes).unwrap();

    let daemon = Running::start(&place);
    assert_eq!(daemon.status()["losses"]["damaged"].as_u64(), Some(1));
    daemon.ok(&["press", "button"]);
    let kept = std::fs::read_dir(place.path("state")).unwrap().filter_map(Result::ok);
    assert!(kept.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().ends_with(".bad")));
    let log = words(&daemon.ok(&["log"]));
    assert!(log.iter().any(|line| starts_with(line, "first start")), "the part before is there: {log:#?}");
    assert!(log.iter().any(|line| line.contains("damaged")), "and the damage is recorded: {log:#?}");
    daemon.stop();
}

#[test]
fn a_spoiled_header_of_the_journal_costs_nothing_but_a_word() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["let", "rings", "41"]);
    daemon.stop();
    let before = words(&place.ok(&["log"]));
    let segment = place.path("state/0000000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[60] ^= 0xff;
    std::fs::write(&segment, &bytes).unwrap();
    assert_eq!(words(&place.ok(&["log"])), before, "who only looks reads on");

    let daemon = Running::start(&place);
    let log = words(&daemon.ok(&["log"]));
    assert_eq!(&log[..before.len()], &before[..], "every record is there");
    assert!(log.iter().any(|line| line.contains("no record is known to be missing")), "{log:#?}");
    poll(|| (daemon.status()["variables"][0]["value"] == 41).then_some(()));
    assert_eq!(std::fs::read(place.path("state/0000000000000001-00000000.bad")).unwrap()[..], bytes[..128]);
    daemon.stop();
}

#[test]
fn a_full_disk_degrades_the_journal_and_not_the_pins_and_is_survived() {
    let place = Workplace::on_small_disk(HOUSE);
    let daemon = Running::start(&place);
    place.take_space();
    poll(|| {
        // The segment that is there, and the spare one, take a while to fill.
        daemon.ask_often(r#"{"do":"let","variable":"quiet","value":1}"#, 200);
        daemon.status()["journal"]["degraded"].is_string().then_some(())
    });
    daemon.ok(&["let", "quiet", "0"]);
    daemon.ok(&["set", "chime", "on"]);
    assert_eq!(daemon.status()["outputs"][0]["value"].as_str(), Some("on"), "the pins go on");
    place.give_space();
    poll(|| daemon.status()["journal"]["degraded"].is_null().then_some(()));
    daemon.ok(&["set", "chime", "off"]);
    let losses = daemon.status()["losses"]["journal"].clone();
    let log = poll(|| {
        let log = words(&daemon.ok(&["log"]));
        log.iter().any(|line| starts_with(line, "chime off by command")).then_some(log)
    });
    assert!(
        log.iter().any(|line| starts_with(line, "chime on by command")),
        "kept in memory meanwhile ({losses} lost)"
    );
    daemon.stop();
}

#[test]
fn a_stop_with_a_full_disk_says_what_is_lost_and_the_state_goes_on() {
    let place = Workplace::on_small_disk(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["let", "rings", "1"]);
    place.take_space();
    poll(|| {
        daemon.ask_often(r#"{"do":"let","variable":"quiet","value":1}"#, 200);
        daemon.status()["journal"]["degraded"].is_string().then_some(())
    });
    daemon.ok(&["let", "rings", "41"]);
    let (said, code) = daemon.stop_saying();
    assert_eq!(code, Some(1), "it did not stop in order");
    let last = said.lines().find(|line| line.starts_with("error: the end of the journal")).unwrap_or(&said);
    assert!(last.contains("records, from ") && last.contains("are lost, as the disk"), "{said}");
    assert!(last.contains("the journal says so") && last.contains("the state as it is now"), "{said}");
    assert!(!said.contains("stopped in order"), "{said}");
    place.give_space();
    let daemon = Running::start(&place);
    poll(|| (daemon.status()["variables"][0]["value"] == 41).then_some(()));
    let log = words(&daemon.ok(&["log"]));
    assert!(log.iter().any(|line| line.starts_with("journal gap: ")), "{log:#?}");
    daemon.stop();
}

#[test]
fn a_start_is_fast_and_the_loop_costs_nothing_while_nothing_happens() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    std::thread::sleep(Duration::from_millis(500));
    let before = daemon.cpu_ns();
    std::thread::sleep(Duration::from_secs(2));
    let spent = daemon.cpu_ns() - before;
    // Printed, not judged: the machine is shared. A loop that spins would spend the whole two seconds.
    eprintln!("idle: {spent} ns in 2 s; resident {} KiB", daemon.resident_kib());
    assert!(spent < 500_000_000, "the daemon spins: {spent} ns of CPU in two idle seconds");
    daemon.stop();
}

#[test]
fn the_control_socket_answers_nonsense_in_words_and_is_closed_to_strangers() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    let socket = place.path("state/control.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "owner and group, nobody else");
    let stream = UnixStream::connect(&socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut answers = BufReader::new(&stream).lines();
    let mut ask = |line: &str| {
        (&stream).write_all(format!("{line}\n").as_bytes()).unwrap();
        answers.next().unwrap().unwrap()
    };
    assert!(ask("hello").contains("\"ok\":false"));
    assert!(ask(r#"{"do":"set","output":"chime","to":"blue"}"#).contains("not understood"));
    assert!(ask(r#"{"do":"set","output":"chime","to":"on","id":5}"#).contains("\"ok\":true"));
    assert!(ask(r#"{"do":"set","output":"chime","to":"on","id":5}"#).contains("carried out before"));
    assert!(ask(&"x".repeat(5000)).contains("4096 bytes at most"));
    daemon.ok(&["status"]);
    daemon.stop();
}

#[test]
fn where_the_state_directory_takes_no_socket_it_is_in_the_second_place() {
    let mut places = vec![Workplace::with_long_path(HOUSE)];
    let read_only = Workplace::on_small_disk(HOUSE);
    if read_only.is_mounted() {
        read_only.make_read_only();
        places.push(read_only);
    }
    for place in places {
        let daemon = Running::start(&place);
        assert!(!place.path("state/control.sock").exists());
        assert_eq!(daemon.ok(&["set", "chime", "on"]), "chime is on\n");
        assert_eq!(daemon.status()["outputs"][0]["value"].as_str(), Some("on"));
        daemon.stop();
        let (error, _) = place.fails(&["status"]);
        assert!(error.contains("no daemon runs"), "{error}");
    }
}

#[test]
fn clients_that_only_wait_make_room_for_those_that_ask() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    let path = place.path("state/control.sock");
    let idle: Vec<_> = (0..100).map(|_| UnixStream::connect(&path).unwrap()).collect();
    // Some have asked, and do not read their answers.
    let deaf: Vec<_> = (0..40).map(|_| UnixStream::connect(&path).unwrap()).collect();
    for mut stream in &deaf {
        stream.set_nonblocking(true).unwrap();
        // Until the socket takes no more.
        while stream.write(b"{\"do\":\"status\"}\n").is_ok() {}
    }
    daemon.ok(&["status"]);
    idle[0].set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!((&idle[0]).read(&mut [0]).unwrap(), 0, "the oldest of them had to go");
    daemon.ok(&["set", "chime", "on"]);
    daemon.stop();
}

#[test]
fn the_log_follows_and_begins_where_it_is_told() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["let", "rings", "1"]);
    std::thread::sleep(Duration::from_millis(1500));
    daemon.ok(&["let", "rings", "2"]);
    let young = words(&daemon.ok(&["log", "--since", "1s"]));
    assert!(young.contains(&"rings = 2".to_owned()) && !young.contains(&"rings = 1".to_owned()), "{young:?}");

    let mut follower =
        place.command(&["log", "--follow", "--since", "1s"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    daemon.ok(&["let", "rings", "3"]);
    let seen = lines.any(|line| line.unwrap().ends_with("rings = 3"));
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert!(seen);
    let json = daemon.ok(&["log", "--json"]);
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert!(last["seq"].as_u64().unwrap() > 5 && last["boot"].as_str().unwrap().starts_with("1-"), "{last}");
    daemon.stop();
}

#[test]
fn systemd_is_told_when_it_is_ready_that_it_lives_and_that_it_stops() {
    let place = Workplace::new(HOUSE);
    let manager = UnixDatagram::bind(place.path("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let daemon = Running::start_with(&place, |command| {
        command.env("NOTIFY_SOCKET", place.path("notify")).env("WATCHDOG_USEC", "400000");
    });
    let hear = |wanted: &str| {
        let mut bytes = [0; 256];
        while {
            let len = manager.recv(&mut bytes).unwrap_or_else(|error| panic!("no {wanted}: {error}"));
            !String::from_utf8_lossy(&bytes[..len]).contains(wanted)
        } {}
    };
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    daemon.signal(rustix::process::Signal::TERM);
    hear("STOPPING=1");
    daemon.stop();
}
