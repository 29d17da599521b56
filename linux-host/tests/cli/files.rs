//! What commands write, and what they must not write over.

use std::fs::{read_to_string, write};

use super::{campanile, example, text};

/// A script for the example's house.
const SCRIPT: &str =
    "wish = \"It rings\"\nuntil = \"1s\"\nsteps = [{ at = \"0s\", input = \"button\", to = \"on\" }]\n";

#[test]
fn no_command_writes_over_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (house, script, new) = (path("house.toml"), path("ring.toml"), path("new"));
    std::fs::copy(example(), &house).unwrap();
    // It names its house itself.
    write(&script, format!("house = \"house.toml\"\n{SCRIPT}")).unwrap();
    let before = (read_to_string(&house).unwrap(), read_to_string(&script).unwrap());
    for arguments in [
        &["compile", &house, "-o", &house][..],
        &["compile", &house, "-o", &new, "--bundle", &house],
        &["sim", &house, &script, "--svg", &script],
        &["sim", &house, &script, "--vcd", &house],
        &["sim", &script, "--svg", &house],
        &["shrink", &house, "--seed", "1", "--output", &house],
    ] {
        let refused = campanile(arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        let said = text(&refused.stderr);
        assert!(
            said.ends_with("is what this command reads: name another file for what it writes\n"),
            "{said}"
        );
    }
    let twice = campanile(&["compile", &house, "-o", &new, "--bundle", &new]);
    assert!(text(&twice.stderr).contains("would be written twice"), "{}", text(&twice.stderr));
    assert_eq!((read_to_string(&house).unwrap(), read_to_string(&script).unwrap()), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "and nothing was begun");
}

#[test]
fn a_picture_of_a_journal_is_not_written_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let satellite = state.join("satellites/gate");
    std::fs::create_dir_all(&satellite).unwrap();
    let segment = "0000000000000001.segment";
    let own = [state.join(segment), state.join("boot"), satellite.join(segment), folder.path().join("link")];
    for file in &own[..3] {
        write(file, "CAMP").unwrap();
    }
    std::os::unix::fs::symlink(&own[0], &own[3]).unwrap();
    // What is not there yet would be read as a part of it tomorrow.
    let new = [state.join("0000000000000002.segment"), satellite.join("cursor-home")];
    for (path, kind) in own.iter().chain(&new).zip(["--svg", "--vcd"].into_iter().cycle()) {
        let refused = campanile(&["replay", state.to_str().unwrap(), kind, path.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1), "{path:?}");
        let said = text(&refused.stderr);
        assert!(said.contains(path.to_str().unwrap()), "{said}");
        assert!(
            said.ends_with("is what this command reads: name another file for what it writes\n"),
            "{said}"
        );
    }
    assert!(own[..3].iter().all(|file| read_to_string(file).unwrap() == "CAMP"));
    assert!(new.iter().all(|file| !file.exists()));
    // Beside it, and in it by a name of one's own.
    let picture = state.join("ring.svg");
    let said = campanile(&["replay", state.to_str().unwrap(), "--svg", picture.to_str().unwrap()]);
    assert!(text(&said.stderr).contains("1 segment, which cannot be read"), "{}", text(&said.stderr));
}

#[test]
fn what_goes_to_the_output_leaves_what_is_there_already() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ring.toml");
    write(&script, SCRIPT).unwrap();
    let all = folder.path().join("all");
    let mut out = std::fs::File::create(&all).unwrap();
    std::io::Write::write_all(&mut out, b"header\n").unwrap();
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_campanile"))
        .args(["sim", &example(), script.to_str().unwrap(), "--svg", "/dev/stdout"])
        .stdout(out.try_clone().unwrap())
        .status();
    assert!(done.unwrap().success());
    std::io::Write::write_all(&mut out, b"footer\n").unwrap();
    let all = read_to_string(all).unwrap();
    assert!(all.starts_with("header\n") && all.contains("button on"), "{all}");
    assert!(all.contains("<svg") && all.ends_with("footer\n"), "{all}");
}

#[test]
fn a_house_and_a_script_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ring.toml");
    write(&script, SCRIPT).unwrap();
    let (house, script) = (example(), script.to_str().unwrap().to_owned());
    assert!(campanile(&["sim", &house, &script]).status.success());
    let swapped = text(&campanile(&["sim", &script, &house]).stderr);
    let (is_house, is_script) =
        ("error: this is a house, not a script", "error: this is a script, not a house");
    assert!(swapped.starts_with(is_house) && swapped.contains("`campanile sim HOUSE SCRIPT`"), "{swapped}");
    assert_eq!(swapped.matches("error: ").count(), 1, "and nothing else: {swapped}");
    assert!(text(&campanile(&["sim", &house]).stderr).starts_with(is_house), "the script was forgotten");
    let gone = text(&campanile(&["sim", &house, "no-such-script.toml"]).stderr);
    assert_eq!(gone, "error: there is no script no-such-script.toml\n");
    assert!(text(&campanile(&["check", &script]).stderr).starts_with(is_script));
}

#[test]
fn what_came_of_a_script_is_said_though_no_picture_can_be_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ring.toml");
    write(&script, SCRIPT).unwrap();
    let (house, script) = (example(), script.to_str().unwrap().to_owned());
    let played = campanile(&["sim", &house, &script, "--json", "--svg", "/dev/full"]);
    assert_eq!(played.status.code(), Some(1));
    assert!(text(&played.stdout).contains("\"result\":\"played\""), "{}", text(&played.stdout));
    assert!(text(&played.stderr).contains("No space left on device"), "{}", text(&played.stderr));
    let blessed = campanile(&["sim", &house, &script, "--bless", "--svg", "/dev/full"]);
    let said = text(&blessed.stderr);
    assert!(
        said.contains("No space left on device") && read_to_string(&script).unwrap().contains("expect"),
        "{said}"
    );
}

/// What comes after the script was never simulated.
#[test]
fn a_picture_ends_with_the_script() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ring.toml");
    write(&script, SCRIPT).unwrap();
    let (house, script) = (example(), script.to_str().unwrap().to_owned());
    let picture =
        |part: &[&str]| text(&campanile(&[&["sim", &house, &script, "--timeline"], part].concat()).stdout);
    assert!(picture(&[]).contains(", 1 s\nrecords "), "{}", picture(&[]));
    assert_eq!(picture(&["--until", "100s"]), picture(&[]));
    let quiet = picture(&["--from", "0.9", "--until", "0.95"]);
    assert!(quiet.contains(", 50 ms\nbutton raw  ▆▆") && quiet.contains(" 0.90 s"), "{quiet}");
}

#[test]
fn a_range_that_ends_before_it_begins_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ring.toml");
    write(&script, SCRIPT).unwrap();
    let (house, script) = (example(), script.to_str().unwrap().to_owned());
    let reversed = ["sim", &house, &script, "--timeline", "--from", "0.5", "--until", "0.2"];
    let behind = ["sim", &house, &script, "--timeline", "--from", "5s"];
    let replayed = ["replay", folder.path().to_str().unwrap(), "--from", "1/5", "--until", "1/3"];
    for (arguments, words) in [
        (&reversed[..], "--until is before --from"),
        (&behind, "the script ends before --from"),
        (&replayed, "--until is before --from"),
    ] {
        let refused = campanile(arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(
            refused.stdout.is_empty() && text(&refused.stderr).contains(words),
            "{}",
            text(&refused.stderr)
        );
    }
}

#[test]
fn a_timeline_is_no_line_for_a_program() {
    for command in [&["replay", "state"][..], &["sim", "house.toml", "script.toml"]] {
        let refused = campanile(&[command, &["--json", "--timeline"]].concat());
        assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(2), true));
        assert!(text(&refused.stderr).contains("cannot be used with"), "{}", text(&refused.stderr));
    }
}
