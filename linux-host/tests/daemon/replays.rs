//! The journal of a real daemon is executed again: while it is written, after a kill, after a stop, over a reload; and
//! copies of it that somebody has damaged.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::running::{HOUSE, Running, Workplace, poll};

/// The lines of a replay, its verdict last, and its exit code.
fn replay(place: &Workplace, args: &[&str]) -> (Vec<Value>, Option<i32>) {
    let output = place.bare(&["replay", "--json"]).args(args).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty(), "{args:?} said nothing but {said}");
    (lines, output.status.code())
}

/// Replays the daemon's own journal, which is the same; gives the verdict.
fn same(place: &Workplace) -> Value {
    let state = place.path("state");
    let (lines, code) = replay(place, &[state.to_str().unwrap()]);
    let verdict = lines.last().unwrap().clone();
    assert_eq!((verdict["result"].as_str(), code), (Some("same"), Some(0)), "{lines:#?}");
    verdict
}

/// Every file with its bytes.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// A copy of the state directory, as from a device.
fn copy(place: &Workplace, name: &str) -> std::path::PathBuf {
    let to = place.path(name);
    std::fs::create_dir(&to).unwrap();
    for (file, bytes) in contents(&place.path("state")) {
        std::fs::write(to.join(file), bytes).unwrap();
    }
    to
}

/// A press, and its release: another one before that would be none.
fn ring(daemon: &Running<'_>, rings: i64) {
    daemon.ok(&["press", "button", "--for", "60ms"]);
    poll(|| {
        let status = daemon.status();
        let (count, button) = (&status["variables"][0]["value"], &status["inputs"][0]["value"]);
        (count.as_i64() == Some(rings) && button == "off").then_some(())
    });
}

/// A life with everything: presses, feeds, a reload, a kill, a stop. Three starts.
fn lead_a_life(place: &Workplace) {
    let mut daemon = Running::start(place);
    ring(&daemon, 1);
    daemon.ok(&["feed", "tank", "41.5"]);
    daemon.ok(&["set", "chime", "on"]);
    let running = same(place);
    assert_eq!(running["node"], "front-door");
    ring(&daemon, 2);
    daemon.kill();
    same(place);

    daemon = Running::start(place);
    ring(&daemon, 3);
    place.write(&HOUSE.replace("800ms", "90ms"));
    daemon.ok(&["reload"]);
    ring(&daemon, 4);
    poll(|| daemon.ok(&["log"]).contains("doorbell sent").then_some(()));
    daemon.stop();
    same(place);

    daemon = Running::start(place);
    ring(&daemon, 5);
    daemon.stop();
}

#[test]
fn the_journal_of_a_daemon_replays_to_the_same_bytes_at_any_time() {
    let place = Workplace::new(HOUSE);
    lead_a_life(&place);
    let state = place.path("state");
    let (lines, code) = replay(&place, &[state.to_str().unwrap()]);
    let (verdict, pieces) = lines.split_last().unwrap();
    assert_eq!((verdict["result"].as_str(), code), (Some("same"), Some(0)), "{lines:#?}");
    assert_eq!(pieces.len(), 3, "a piece for each start: {lines:#?}");
    assert!(pieces.iter().all(|piece| piece["result"] == "same"));
    let records: u64 = pieces.iter().map(|piece| piece["records"].as_u64().unwrap()).sum();
    assert_eq!(verdict["records"].as_u64(), Some(records));
    assert!(verdict["checkpoints"].as_u64().unwrap() >= 3, "the state was compared too: {verdict}");
    assert_eq!((&verdict["damaged"], &verdict["torn"]), (&Value::Array(Vec::new()), &Value::Null));

    // A part of it: one start.
    let (lines, code) = replay(&place, &[state.to_str().unwrap(), "--from", "2/", "--until", "2/"]);
    assert_eq!((lines.len(), code), (2, Some(0)), "{lines:#?}");
    assert_eq!(lines[0], pieces[1]);
}

/// A segment that a later version has begun: what all versions have in common, and nothing else.
fn of_format_2() -> [u8; 128] {
    let mut header = [0; 128];
    header[..8].copy_from_slice(b"CAMPJRNL");
    header[8] = 2;
    header[124..].copy_from_slice(&0x96c0_466c_u32.to_le_bytes());
    header
}

#[test]
fn damaged_copies_are_replayed_as_far_as_they_go_and_left_as_they_are() {
    let place = Workplace::new(HOUSE);
    lead_a_life(&place);
    let whole = same(&place)["records"].as_u64().unwrap();
    let segment = "0000000000000001.segment";
    let used = contents(&place.path("state"))[segment].iter().rposition(|byte| *byte != 0).unwrap();
    let programs: Vec<String> =
        contents(&place.path("state")).into_keys().filter(|name| name.starts_with("program-")).collect();
    assert_eq!(programs.len(), 2, "{programs:?}");
    let change = |name: &str, how: &dyn Fn(&Path)| {
        let copy = copy(&place, name);
        how(&copy);
        let before = contents(&copy);
        let (lines, code) = replay(&place, &[copy.to_str().unwrap()]);
        assert_eq!(contents(&copy), before, "{name}: a replay only reads");
        let verdict = lines.last().unwrap();
        assert_eq!((verdict["result"].as_str(), code), (Some("incomplete"), Some(1)), "{name}: {lines:#?}");
        // Nor is it hidden from whoever asks for another house.
        let (with, code) =
            replay(&place, &[copy.to_str().unwrap(), "--with", place.path("house.toml").to_str().unwrap()]);
        let with = with.last().unwrap();
        assert!(["incomplete", "different"].contains(&with["result"].as_str().unwrap()), "{name}: {with}");
        assert_eq!(code, Some(1), "{name}: {with}");
        for what in ["damaged", "torn", "headers", "newer"] {
            assert_eq!(with[what], verdict[what], "{name}: {with}");
        }
        assert!(verdict["records"].as_u64().unwrap() <= whole, "{name}: {lines:#?}");
        lines
    };
    let spoil = |copy: &Path, how: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(copy.join(segment)).unwrap();
        how(&mut bytes);
        std::fs::write(copy.join(segment), bytes).unwrap();
    };

    // In the middle of the last group, wherever that begins.
    let lines = change("cut", &|copy| spoil(copy, &|bytes| bytes.truncate(used - 2)));
    assert_eq!(lines.last().unwrap()["torn"]["segment"], 1, "{lines:#?}");

    let lines = change("corrupt", &|copy| spoil(copy, &|bytes| bytes[used / 2] ^= 0x10));
    let verdict = lines.last().unwrap();
    assert!(!verdict["damaged"].as_array().unwrap().is_empty(), "{lines:#?}");
    assert!(verdict["records"].as_u64().unwrap() < whole, "{lines:#?}");
    let why = lines.iter().find_map(|line| line["why"].as_str()).unwrap();
    assert!(why.contains("missing or cannot be read"), "{why}");

    // A byte of the header, of which no record needs any.
    for byte in [0, 8, 30, 127] {
        let lines = change(&format!("header-{byte}"), &|copy| spoil(copy, &|bytes| bytes[byte] ^= 0x10));
        let verdict = lines.last().unwrap();
        assert_eq!(
            (&verdict["node"], verdict["records"].as_u64()),
            (&Value::Null, Some(whole)),
            "{lines:#?}"
        );
        assert_eq!(verdict["headers"][0]["segment"], 1, "{verdict}");
        assert_eq!(verdict["damaged"], Value::Array(Vec::new()), "{verdict}");
    }
    let header = place.bare(&["replay"]).arg(place.path("header-0")).output().unwrap();
    let said = String::from_utf8(header.stdout).unwrap();
    for words in [
        ": the journal of an unknown node\n",
        "was changed: it is no record, and none is missing by that\n",
        "\nthe same bytes, though the journal was changed: ",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let mut with = place.bare(&["replay", "--until", "1/", "--with"]);
    let with = with.arg(place.path("house.toml")).arg(place.path("header-0")).output().unwrap();
    let said = String::from_utf8(with.stdout).unwrap();
    assert!(said.contains(" was changed: it is no record") && !said.contains("not all of"), "{said}");

    // All that is of a format known here is replayed, and the rest is named.
    let lines = change("later", &|copy| {
        std::fs::write(copy.join("0000000000000002.segment"), of_format_2()).unwrap();
    });
    let verdict = lines.last().unwrap();
    let newer = &verdict["newer"][0];
    assert_eq!((newer["segment"].as_u64(), newer["format"].as_u64()), (Some(2), Some(2)), "{verdict}");
    assert_eq!(verdict["records"].as_u64(), Some(whole), "{lines:#?}");
    let later = place.bare(&["replay"]).arg(place.path("later")).output().unwrap();
    let said = String::from_utf8(later.stdout).unwrap();
    let words = "  segment 2 was written by a later campanile (format 2, this one knows up to 1): for its records behind 3-";
    assert!(
        said.contains(words) && said.contains("\nthe same bytes, as far as it can be replayed: "),
        "{said}"
    );

    // What is wrong elsewhere is not wrong with the part that is asked for.
    let house = place.path("house.toml");
    for (copy, part) in [("cut", ["--until", "2/"]), ("header-0", ["--from", "3/"])] {
        let copy = place.path(copy);
        let asked = [copy.to_str().unwrap(), part[0], part[1]];
        let (lines, code) = replay(&place, &asked);
        assert_eq!((lines.last().unwrap()["result"].as_str(), code), (Some("same"), Some(0)), "{lines:#?}");
        let (lines, _) = replay(&place, &[&asked[..], &["--with", house.to_str().unwrap()]].concat());
        let verdict = lines.last().unwrap();
        assert!(["same", "different"].contains(&verdict["result"].as_str().unwrap()), "{lines:#?}");
        assert_eq!((&verdict["torn"], &verdict["headers"]), (&Value::Null, &Value::Array(Vec::new())));
    }

    for program in &programs {
        let lines = change(program, &|copy| std::fs::remove_file(copy.join(program)).unwrap());
        let why = lines.iter().find_map(|line| line["why"].as_str()).unwrap();
        assert!(lines.last().unwrap()["records"].as_u64().unwrap() < whole, "{lines:#?}");
        assert!(why.contains(&program[8..24]) && why.contains("copy its program-* files"), "{why}");
    }
}

/// As of a satellite that runs what was linked into its firmware, whose journal a daemon goes on writing.
#[test]
fn a_program_that_a_journal_names_and_has_not_is_added_from_its_file() {
    let place = Workplace::new(HOUSE);
    let daemon = Running::start(&place);
    ring(&daemon, 1);
    let state = place.path("state");
    let program = || contents(&state).into_iter().find(|(name, _)| name.starts_with("program-"));
    let (name, kept) = program().expect("the daemon keeps it");
    std::fs::remove_file(state.join(name)).unwrap();
    let (lines, code) = replay(&place, &[state.to_str().unwrap()]);
    let why = lines[0]["why"].as_str().unwrap();
    assert!(why.ends_with("`campanile compile FILE.toml --into DIR` adds it") && code == Some(1), "{why}");

    let names = || (daemon.ok(&["log"]).contains("button on"), daemon.ok(&["log"]).contains("? on"));
    assert_eq!(names(), (false, true), "{}", daemon.ok(&["log"]));

    let other = place.path("other.toml");
    std::fs::write(&other, HOUSE.replace("800ms", "90ms")).unwrap();
    let add = |file: &Path, into: &Path| {
        let done = place.bare(&["compile"]).arg(file).arg("--into").arg(into).output().unwrap();
        (done.status.code(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
    };
    let (code, said) = add(&other, &state);
    assert!(code == Some(1) && said.contains("names that; it lacks "), "{said}");
    let house = place.path("house.toml");
    let (code, said) = add(&house, other.parent().unwrap());
    assert!(code == Some(1) && said.contains("there is no journal in "), "{said}");
    assert_eq!(program(), None, "nothing is put where it says nothing");

    let (code, said) = add(&house, &state);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(program().map(|(_, bytes)| bytes), Some(kept), "as the daemon kept it");
    assert_eq!(names(), (true, false), "{}", daemon.ok(&["log"]));
    same(&place);
    ring(&daemon, 2);
    daemon.stop();
    same(&place);
    let (code, said) = add(&other, &state);
    assert!(code == Some(1) && said.ends_with("names that; it has all that they name\n"), "{said}");

    // Of which somebody reads the beginning only: what differs does so all the same.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = place.bare(&["replay"]).arg(&state).arg("--with").arg(&other).stdout(writer).status();
    assert_eq!(ended.unwrap().code(), Some(1));
}

#[test]
fn what_is_no_journal_is_said_in_words() {
    let place = Workplace::new(HOUSE);
    for name in ["empty", "cut", "zeros", "later"] {
        std::fs::create_dir(place.path(name)).unwrap();
    }
    std::fs::write(place.path("cut/0000000000000001.segment"), "CAMPJRNL").unwrap();
    std::fs::write(place.path("later/0000000000000001.segment"), of_format_2()).unwrap();
    for segment in ["zeros/0000000000000001.segment", "zeros/0000000000000002.segment"] {
        std::fs::write(place.path(segment), [0; 4096]).unwrap();
    }
    for (path, words) in [
        (place.path("empty"), "there is no journal"),
        (place.path("cut"), "cut: 1 segment, which cannot be read: cut or overwritten"),
        (place.path("zeros"), "zeros: 2 segments, none can be read: cut or overwritten"),
        (
            place.path("later"),
            "later: segment 1 was written by a later campanile (format 2, this one knows up to 1), and no",
        ),
        (place.path("nowhere"), "nowhere: it does not exist"),
        (place.path("house.toml"), "is a file: a journal is a whole state directory"),
    ] {
        let output = place.bare(&["replay"]).arg(&path).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("error: ") && said.contains(words), "{path:?}: {said}");
        assert_eq!(output.status.code(), Some(1));
    }
    let wrong = place.bare(&["replay", ".", "--from", "yesterday"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn another_house_and_pictures_of_the_same_journal() {
    let place = Workplace::new(HOUSE);
    lead_a_life(&place);
    let state = place.path("state");
    let other = place.path("other.toml");
    std::fs::write(&other, HOUSE.replace("not quiet", "rings < 2")).unwrap();
    let (lines, code) = replay(&place, &[state.to_str().unwrap(), "--with", other.to_str().unwrap()]);
    assert_eq!((lines.last().unwrap()["result"].as_str(), code), (Some("different"), Some(1)), "{lines:#?}");
    let row = |kind: &str, count: &str| {
        let line = lines.iter().find(|line| line["kind"] == kind && line["count"] == count);
        line.map(|line| (line["journal"].as_u64().unwrap(), line["other"].as_u64().unwrap()))
    };
    assert_eq!(row("input", "reports"), Some((10, 10)));
    assert_eq!(row("scenario", "runs"), Some((5, 2)));
    assert_eq!(row("scenario", "skipped"), Some((0, 3)));
    let future = [state.to_str().unwrap(), "--from", "9/", "--with", other.to_str().unwrap()];
    let (lines_of_none, code) = replay(&place, &future);
    assert_eq!((lines_of_none[0]["result"].as_str(), code), (Some("nothing"), Some(1)), "{lines_of_none:#?}");
    let first = lines.iter().find(|line| line["other"].is_array()).expect("a moment that differs");
    assert!(first["other"][0].as_str().unwrap().starts_with("ring skipped"), "{first}");

    assert_eq!(row("variable", "at the end"), Some((5, 2)));

    // Written as often, with other values; the first of many moments are listed, or all that are counted.
    std::fs::write(&other, HOUSE.replace("rings + 1", "rings + 2").replace("800ms", "70ms")).unwrap();
    let asked = [state.to_str().unwrap(), "--with", other.to_str().unwrap()];
    let (lines, _) = replay(&place, &asked);
    let differing = lines.last().unwrap()["differing"].as_u64().unwrap() as usize;
    assert_eq!(lines.iter().filter(|line| line["other"].is_array()).count(), differing, "{lines:#?}");
    assert!(differing > 10, "{lines:#?}");
    let text = |all: &[&str]| {
        let output = place.bare(&["replay"]).args(asked).args(all).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let moments = text.lines().skip_while(|line| !line.contains(" moments differ"));
        let times = moments.skip(1).filter(|line| !line.starts_with("  ")).count();
        (text, times)
    };
    let ((first, listed), (whole, all)) = (text(&[]), text(&["--all"]));
    assert_eq!((listed, all), (10, differing), "{first}\n{whole}");
    assert!(first.contains("moments differ, the first ones (--all shows the others):\n"), "{first}");
    assert!(whole.contains("moments differ:\n"), "{whole}");
    let words: Vec<_> = whole.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert!(words.contains(&vec!["at", "the", "end", "5", "10", "+5"]), "{whole}");

    let (vcd, svg) = (place.path("life.vcd"), place.path("life.svg"));
    let mut command = place.bare(&["replay", "--timeline", "--vcd"]);
    command.arg(&vcd).arg("--svg").arg(&svg).arg(&state).env("COLUMNS", "80");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let timeline = String::from_utf8(output.stdout).unwrap();
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(timeline.contains("button raw"), "{timeline}");
    // However close to each other they came on this machine, as names of starts go before all others.
    for start in ["start 1", "start 2", "start 3"] {
        assert!(timeline.contains(start) && svg.contains(start), "{start}: {timeline}");
    }
    assert!(std::fs::read_to_string(vcd).unwrap().contains("$var wire 1 ! button $end"));

    // Behind its end there is nothing to draw, and what came of the replay is said all the same.
    let none = place.path("none.svg");
    let output = place.bare(&["replay", "--from", "9/", "--svg"]).arg(&none).arg(&state).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert!(
        out.contains("none of its records is in that range") && out.contains("\nthe nearest one is 3-"),
        "{out}"
    );
    assert!(err.starts_with("error: there is nothing to draw: ") && !none.exists(), "{err}");
}
