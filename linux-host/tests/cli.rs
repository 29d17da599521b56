//! The command line as a person or a script meets it: exit codes, what goes where, an example in every help.

#[path = "cli/files.rs"]
mod files;
#[path = "cli/swarm.rs"]
mod swarm;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use campanile_delivery::symbols::Symbols;
use serde_json::Value;

fn campanile(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    command.args(arguments).env_remove("CAMPANILE_LOG").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn example() -> String {
    path("examples/doorbell.toml").to_str().unwrap().to_owned()
}

fn wrong() -> String {
    path("tests/errors/keys.toml").to_str().unwrap().to_owned()
}

/// The commands that the help lists, `help` itself aside.
fn commands() -> Vec<String> {
    let help = text(&campanile(&["--help"]).stdout);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_of_the_documentation_is_there_with_an_example() {
    let commands = commands();
    for name in [
        "demo",
        "init",
        "check",
        "compile",
        "cost",
        "run",
        "pins",
        "press",
        "set",
        "start",
        "stop",
        "let",
        "feed",
        "reload",
        "status",
        "log",
        "sim",
        "schema",
        "completions",
        "man",
    ] {
        assert!(commands.iter().any(|command| command == name), "{name} is missing in {commands:?}");
    }
    for name in commands {
        let help = campanile(&[&name, "--help"]);
        assert!(help.status.success());
        assert!(text(&help.stdout).contains("Example"), "{name} --help has no example");
    }
}

#[test]
fn usage_and_arguments_of_sim_agree() {
    let help = text(&campanile(&["sim", "--help"]).stdout);
    assert!(help.contains("Usage: campanile sim [OPTIONS] [FILE] <SCRIPT>\n"), "{help}");
    let arguments = help.split("Arguments:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<_> = arguments.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["[FILE]", "<SCRIPT>"]);
}

#[test]
fn a_right_file_ends_with_0_and_a_wrong_one_with_1() {
    let good = campanile(&["check", &example()]);
    assert_eq!(good.status.code(), Some(0));
    assert!(text(&good.stdout).contains("scenarios           2    255"), "{}", text(&good.stdout));
    assert!(good.stderr.is_empty());
    let bad = campanile(&["check", &wrong()]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(bad.stdout.is_empty());
    let said = text(&bad.stderr);
    assert!(said.contains("keys.toml:5:1") && said.contains("did you mean `timezone`?"), "{said}");
    let none = campanile(&["check", "no-such-file.toml"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("`campanile init` writes one"));
}

#[test]
fn what_is_no_file_of_ours_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    for (bytes, words) in [
        (b"[node]\nname = \"\xff\"\n".to_vec(), "line 2 is not UTF-8"),
        (vec![b'#'; (1 << 20) + 1], "longer than 1048576 bytes"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let said = campanile(&["check", file.to_str().unwrap()]);
        assert_eq!(said.status.code(), Some(1));
        assert!(text(&said.stderr).contains(words), "{}", text(&said.stderr));
    }
    let said = campanile(&["check", folder.path().to_str().unwrap()]);
    assert!(text(&said.stderr).starts_with("error: cannot read"), "{}", text(&said.stderr));
}

/// Its last look takes in what the house has done meanwhile, and that has to be delivered too.
#[test]
fn a_demo_that_ends_at_once_has_figures_that_agree() {
    for _ in 0..5 {
        let shown = campanile(&["demo", "--for", "0s"]);
        assert!(shown.status.success(), "{}{}", text(&shown.stdout), text(&shown.stderr));
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in
        [&[][..], &["chekc"], &["check"], &["check", "a", "--frobnicate"], &["completions", "cmd"]]
    {
        assert_eq!(campanile(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_swarm_without_time_for_a_seed_has_found_nothing_out() {
    // Before the first begins, and on its way.
    for time in ["0s", "1ms"] {
        let nothing = campanile(&["swarm", &example(), "--for", time]);
        let said = text(&nothing.stderr);
        assert!(
            said.contains("no seed was lived to its end: the time was over") && said.contains("--for 10m"),
            "{said}"
        );
        assert_eq!((nothing.status.code(), text(&nothing.stdout)), (Some(1), String::new()));
    }
    let one = campanile(&["swarm", &example(), "--seeds", "7", "--jobs", "1"]);
    assert!(text(&one.stdout).starts_with("1 seed without a finding"), "{one:?}");
    assert_eq!(one.status.code(), Some(0));
}

#[test]
fn a_wrong_file_starts_nothing_and_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let said = campanile(&["run", &wrong(), "--state", state.to_str().unwrap()]);
    let words = text(&said.stderr);
    assert_eq!(said.status.code(), Some(1));
    assert!(words.starts_with("error: ") && !words.starts_with("error: error"), "{words}");
    assert!(!state.exists(), "not even the state directory is made");
}

#[test]
fn json_is_a_line_an_object() {
    for (file, last) in [(example(), "resources"), (wrong(), "message")] {
        let lines = text(&campanile(&["check", &file, "--json"]).stdout);
        let objects: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(objects.last().unwrap().get(last).is_some(), "{lines}");
    }
}

#[test]
fn compile_writes_an_image_and_its_symbols() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("house.img");
    let done = campanile(&["compile", &example(), "-o", image.to_str().unwrap()]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(std::fs::read(&image).unwrap().starts_with(b"CmpP"));
    let symbols = std::fs::read(folder.path().join("house.img.symbols.json")).unwrap();
    assert_eq!(Symbols::decode(&symbols).unwrap().node, "front-door");
    let refused = campanile(&["compile", &wrong(), "-o", folder.path().join("x").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!folder.path().join("x").exists());
}

#[test]
fn init_writes_a_file_that_is_right_and_overwrites_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("campanile.toml");
    let file = file.to_str().unwrap();
    let first = campanile(&["init", file]);
    assert!(first.status.success());
    let next = format!("`sudo campanile install {file}` keeps it running");
    assert!(text(&first.stderr).contains(&next), "{}", text(&first.stderr));
    assert!(campanile(&["check", file]).status.success());
    std::fs::write(file, "mine").unwrap();
    let again = campanile(&["init", file]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("there already"));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn what_other_programs_read_is_printed() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(text(&campanile(&["completions", shell]).stdout).contains("check"), "{shell}");
    }
    assert!(text(&campanile(&["man"]).stdout).contains(".TH campanile 1"));
    let check = text(&campanile(&["man", "check"]).stdout);
    assert!(check.contains(".SH EXAMPLES\n.nf\ncampanile check house.toml\n.fi\n"), "{check}");
    assert!(check.contains(".SH EXIT STATUS") && !check.contains("Example:"), "{check}");
    assert_eq!(campanile(&["man", "chekc"]).status.code(), Some(1));
    let schema: Value = serde_json::from_slice(&campanile(&["schema"]).stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn install_says_every_step_and_a_dry_run_touches_nothing() {
    let image = tempfile::tempdir().unwrap();
    let root = image.path().to_str().unwrap();
    let said = campanile(&["install", &example(), "--dry-run", "--root", root]);
    let steps = text(&said.stdout);
    assert!(said.status.success(), "{}", text(&said.stderr));
    for step in
        ["system user campanile", "/etc/campanile/house.toml", "/etc/systemd/system/campanile.service"]
    {
        assert!(steps.lines().any(|line| line.starts_with("would ") && line.contains(step)), "{steps}");
    }
    assert!(!steps.contains("systemctl"), "an image has no systemd to talk to: {steps}");
    assert_eq!(std::fs::read_dir(image.path()).unwrap().count(), 0);
    let gone = campanile(&["uninstall", "--purge", "--dry-run", "--root", root, "--json"]);
    for line in text(&gone.stdout).lines() {
        let step: Value = serde_json::from_str(line).unwrap();
        assert_eq!(step["outcome"], "already", "there is nothing to remove: {step}");
    }
    let wrong = campanile(&["install", &wrong(), "--dry-run", "--root", root]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(wrong.stdout.is_empty() && text(&wrong.stderr).contains("keys.toml:5:1"));
    let nowhere = campanile(&["install", "--root", "/no/such/image"]);
    assert!(text(&nowhere.stderr).contains("/no/such/image: No such file"), "{}", text(&nowhere.stderr));
}

/// As with `campanile check house.toml --json | head -0`.
#[test]
fn whoever_stops_reading_changes_nothing_in_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ring.toml");
    let step = "steps = [{ at = \"0s\", input = \"button\", to = \"on\" }]";
    std::fs::write(
        &script,
        format!("wish = \"It rings\"\nuntil = \"1s\"\n{step}\nexpect = \"\"\"\nnothing\n\"\"\"\n"),
    )
    .unwrap();
    let (house, script) = (example(), script.to_str().unwrap().to_owned());
    let image = folder.path().to_str().unwrap();
    for (arguments, code) in [
        (&["check", &wrong(), "--json"][..], 1),
        (&["check", &house, "--json"], 0),
        (&["sim", &house, &script], 1),
        (&["sim", &house, &script, "--json"], 1),
        (&["sim", &house, &script, "--seed", "7"], 0),
        (&["install", &house, "--dry-run", "--root", image], 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
        let ended = command.args(arguments).stdout(writer).stderr(std::process::Stdio::null()).status();
        assert_eq!(ended.unwrap().code(), Some(code), "{arguments:?}");
        assert_eq!(campanile(arguments).status.code(), Some(code), "{arguments:?}, read to its end");
    }
}

#[test]
fn beside_the_debian_package_an_install_says_that_it_is_there() {
    let image = tempfile::tempdir().unwrap();
    let units = image.path().join("usr/lib/systemd/system");
    std::fs::create_dir_all(&units).unwrap();
    std::fs::write(units.join("campanile.service"), "").unwrap();
    let root = image.path().to_str().unwrap();
    let said = campanile(&["install", &example(), "--dry-run", "--root", root]);
    assert_eq!(text(&said.stdout), "would    file /etc/campanile/house.toml\n");
    let words = text(&said.stderr);
    assert!(
        words.contains("the Debian package is here: program, user and service are the package's"),
        "{words}"
    );
    assert!(!words.contains("uninstall"), "there is nothing before the package: {words}");
    let refused = campanile(&["uninstall", "--dry-run", "--root", root]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("`sudo apt remove campanile`"), "{}", text(&refused.stderr));

    // An install of the program from before the package: that one can go, and says so.
    let ours = image.path().join("etc/systemd/system");
    std::fs::create_dir_all(&ours).unwrap();
    std::fs::write(ours.join("campanile.service"), "ExecStart=/usr/local/bin/campanile run house.toml\n")
        .unwrap();
    let words = text(&campanile(&["install", "--dry-run", "--root", root]).stderr);
    assert!(words.contains("goes before the package: `sudo campanile uninstall`"), "{words}");
    let steps = text(&campanile(&["uninstall", "--dry-run", "--root", root]).stdout);
    assert!(steps.contains("would    no /etc/systemd/system/campanile.service\n"), "{steps}");
    assert!(
        steps.contains("to /usr/lib/systemd/system/campanile.service\n"),
        "the package's is started: {steps}"
    );
    let purge = campanile(&["uninstall", "--purge", "--dry-run", "--root", root]);
    assert!(text(&purge.stderr).contains("`sudo apt purge campanile`"), "{}", text(&purge.stderr));
}

#[test]
fn a_dry_run_says_what_it_can_where_only_root_may_look() {
    let image = tempfile::tempdir().unwrap();
    let inside = |name: &str| image.path().join(name);
    std::fs::create_dir_all(inside("etc/campanile")).unwrap();
    std::fs::create_dir_all(inside("etc/default")).unwrap();
    std::fs::write(inside("etc/default/campanile"), "SECRET=1").unwrap();
    let mode =
        |name: &str, mode| std::fs::set_permissions(inside(name), Permissions::from_mode(mode)).unwrap();
    // Copied by another process: what this one has open for writing, a fork of another test would keep from running.
    for (from, to) in [(env!("CARGO_BIN_EXE_campanile"), "program"), (&*example(), "house.toml")] {
        assert!(Command::new("cp").arg(from).arg(inside(to)).status().unwrap().success());
    }
    mode("", 0o755);
    mode("program", 0o755);
    mode("house.toml", 0o644);
    for closed in ["etc/campanile", "etc/default/campanile"] {
        mode(closed, 0o000);
    }
    let mut command = Command::new(inside("program"));
    command.arg("install").arg(inside("house.toml")).arg("--dry-run").arg("--root").arg(image.path());
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let said = command.output().unwrap();
    mode("etc/campanile", 0o755);
    let (steps, words) = (text(&said.stdout), text(&said.stderr));
    assert!(said.status.success(), "{words}");
    for line in [
        "unknown  file /etc/campanile/house.toml",
        "unknown  file /etc/default/campanile",
        "already  folder /etc/campanile",
        "would    file /etc/systemd/system/campanile.service",
    ] {
        assert!(steps.lines().any(|said| said == line), "{line} is not among: {steps}");
    }
    assert!(words.contains("root"), "what is unknown is explained: {words}");
}

#[test]
fn a_tunnel_is_a_unit_for_a_server_that_is_known() {
    let printed = campanile(&["tunnel", "anna@server.invalid", "--port", "60003"]);
    assert!(printed.status.success());
    let unit = text(&printed.stdout);
    assert!(unit.contains("-R localhost:60003:localhost:22 -- anna@server.invalid\n"), "{unit}");
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("known_hosts");
    std::fs::write(&list, "elsewhere.invalid ssh-ed25519 AAAA\n").unwrap();
    let (root, list) = (folder.path().to_str().unwrap(), list.to_str().unwrap());
    let install =
        ["tunnel", "anna@server.invalid", "--install", "--dry-run", "--root", root, "--known-hosts", list];
    let stranger = campanile(&install);
    assert_eq!(stranger.status.code(), Some(1));
    let said = text(&stranger.stderr);
    assert!(said.contains("log in once with `ssh -p 22 anna@server.invalid`"), "{said}");
    for wrong in [&["tunnel"][..], &["tunnel", "server"], &["tunnel", "a@b", "--port", "80"]] {
        assert_eq!(campanile(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_month_of_a_file_without_a_journal_is_what_is_told_again() {
    let (house, nowhere) = (path("../tests/houses/thingpin.toml"), tempfile::tempdir().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    let output =
        command.args(["cost".as_ref(), house.as_os_str()]).env("STATE_DIRECTORY", nowhere.path()).output();
    let said = text(&output.unwrap().stdout);
    // Two inputs, each hour of 30 days: 1440 changes with their answers, and a connection with its questions.
    assert!(said.contains("cloud    aws-iot: 1440 messages"), "{said}");
    let metered = "about $0.0082: 43200 minutes connected, 2884 metered messages, 1441 operations of the shadow, 0 rules";
    assert!(said.contains(metered), "{said}");
    assert!(
        said.contains("there is no journal") && said.contains("https://aws.amazon.com/iot-core/pricing/")
    );
    // A sign of life every minute is a message more.
    let beating = nowhere.path().join("house.toml");
    std::fs::write(&beating, std::fs::read_to_string(&house).unwrap() + "heartbeat = \"1min\"\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    let output =
        command.args(["cost".as_ref(), beating.as_os_str()]).env("STATE_DIRECTORY", nowhere.path()).output();
    let said = text(&output.unwrap().stdout);
    assert!(said.contains("44640 messages") && said.contains("46084 metered messages"), "{said}");
    let asked = campanile(&["cost", house.to_str().unwrap(), "--journal", nowhere.path().to_str().unwrap()]);
    assert_eq!(asked.status.code(), Some(1), "a journal that is named has to be there");
}

#[test]
fn a_sink_is_tried_without_a_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let (house, lines) = (folder.path().join("house.toml"), folder.path().join("lines.jsonl"));
    let sinks = format!(
        "[sinks.record]\nkind = \"file\"\npath = \"{}\"\nonly = [\"input:*\"]\n\
         [sinks.lost]\nkind = \"file\"\npath = \"{}/none/x\"\n",
        lines.display(),
        folder.path().display()
    );
    std::fs::write(&house, std::fs::read_to_string(example()).unwrap() + &sinks).unwrap();
    let (house, state) = (house.to_str().unwrap(), folder.path().join("state"));
    let tried = |sink| {
        campanile(&["sink", "test", sink, "--json", "--file", house, "--state", state.to_str().unwrap()])
    };
    let done = tried("record");
    assert!(done.status.success(), "{}", text(&done.stderr));
    let said: Vec<Value> =
        text(&done.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&said[0]["sink"], &said[0]["daemon"]), (&"record".into(), &Value::Null));
    let steps: Vec<_> = said[1..].iter().map(|step| (step["step"].as_str(), step["ok"].as_bool())).collect();
    let well = |step| (Some(step), Some(true));
    assert_eq!(steps, [well("opened"), well("published"), well("acknowledged")]);
    let line: Value = serde_json::from_str(&std::fs::read_to_string(lines).unwrap()).unwrap();
    assert_eq!(line["topic"], "campanile/front-door/message/test");
    let lost = tried("lost");
    assert_eq!(lost.status.code(), Some(1));
    assert!(text(&lost.stdout).contains("its directory does not exist"), "{}", text(&lost.stdout));
    assert!(text(&tried("recrod").stderr).contains("did you mean record?"));
    assert!(!state.exists(), "a trial leaves no state");
}
