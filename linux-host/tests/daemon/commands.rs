//! What is asked of a daemon that runs, and what it answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use serde_json::Value;

use crate::running::{HOUSE, PATIENCE, Running, Workplace, not_tried, poll, starts_with, words};

#[test]
fn a_press_becomes_a_trace_a_status_and_a_line_of_the_file_sink() {
    let place =
        Workplace::new(&format!("{HOUSE}\n[sinks.lines]\nkind = \"file\"\npath = \"{{dir}}/lines.jsonl\"\n"));
    let daemon = Running::start(&place);
    assert_eq!(daemon.ok(&["press", "button", "--for", "100ms"]), "button pressed for 100ms\n");
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
    for lost in ["null", "none"] {
        daemon.ok(&["feed", "tank", lost]);
        poll(|| daemon.status()["sensors"][0]["value"].is_null().then_some(()));
        daemon.ok(&["feed", "tank", "41.5"]);
        poll(|| (daemon.status()["sensors"][0]["value"] == "41.5").then_some(()));
    }
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
fn the_log_follows_and_begins_where_it_is_told() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    daemon.ok(&["let", "rings", "1"]);
    daemon.ok(&["let", "rings", "2"]);
    let json = daemon.ok(&["log", "--json"]);
    let second = json.lines().rfind(|line| line.contains("rings = 2")).unwrap();
    let second: Value = serde_json::from_str(second).unwrap();
    let time = second["time"].as_str().unwrap();
    let young = words(&daemon.ok(&["log", "--since", time]));
    assert!(young.contains(&"rings = 2".to_owned()) && !young.contains(&"rings = 1".to_owned()), "{young:?}");
    assert!(words(&daemon.ok(&["log", "--since", "1h"])).contains(&"rings = 1".to_owned()));

    let mut follower =
        place.command(&["log", "--follow", "--since", time]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    daemon.ok(&["let", "rings", "3"]);
    let seen = lines.any(|line| line.unwrap().ends_with("rings = 3"));
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert!(seen);
    let json = daemon.ok(&["log", "--json"]);
    let last: Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert!(last["seq"].as_u64().unwrap() > 5 && last["boot"].as_str().unwrap().starts_with("1-"), "{last}");
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
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
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
    } else {
        not_tried("the control socket of a read-only state directory: only root may mount");
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
    idle[0].set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!((&idle[0]).read(&mut [0]).unwrap(), 0, "the oldest of them had to go");
    daemon.ok(&["set", "chime", "on"]);
    daemon.stop();
}
