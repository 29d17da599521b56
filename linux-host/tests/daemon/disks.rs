//! Disks that are full, read-only or spoiled.

use crate::running::{HOUSE, Running, Workplace, not_tried, poll, starts_with, words};

#[test]
fn a_state_directory_that_is_read_only_is_told_by_its_reason_and_the_house_runs() {
    let sink = "\n[sinks.lines]\nkind = \"file\"\npath = \"{dir}/lines.jsonl\"\n";
    let place = Workplace::on_small_disk(&format!("{HOUSE}{sink}"));
    if !place.is_mounted() {
        return not_tried("a state directory that is read-only: only root may mount");
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
    daemon.status(); // which asks the journal, behind what it does at its start
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
fn what_several_reloads_did_on_a_full_disk_can_be_replayed_afterwards() {
    let place = Workplace::on_small_disk(HOUSE);
    let daemon = Running::start(&place);
    place.take_space();
    for pulse in ["80ms", "90ms", "70ms"] {
        place.write(&HOUSE.replace("800ms", pulse));
        daemon.ok(&["reload"]);
        daemon.ok(&["let", "quiet", "1"]);
    }
    place.give_space();
    daemon.ok(&["let", "quiet", "0"]);
    daemon.stop();
    let replay = place.bare(&["replay"]).arg(place.path("state")).output().unwrap();
    let said = String::from_utf8(replay.stdout).unwrap();
    assert_eq!(replay.status.code(), Some(0), "{said}");
}
