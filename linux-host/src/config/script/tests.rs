//! The example of the documentation, a house in the script itself, and what is wrong with others.

use campanile_core::id::Level;
use campanile_sim::bounce::Model;
use campanile_sim::script::{Action, Bounce, Command};

use proptest::prelude::*;

use super::*;
use crate::config::source::{Source, render};

fn script(text: &str) -> Result<Written, String> {
    let source = Source::new("case.toml", text);
    let mut report = Report::new(&source);
    let written = read(&mut report);
    report.finish().map_err(|found| render(&source, &found, false))?;
    Ok(written.expect("a script without errors"))
}

const STEPS: &str = r#"
wish = "A bouncing press rings once"
house = "../houses/doorbell.toml"
seed = 7
until = "20s"
steps = [
  { at = "0s",    input = "button", to = "on", bounce = [300, 900, 1500] },
  { at = "120ms", input = "button", to = "off", bounce = "switch" },
  { at = "1s",    feed = "tank", value = 41.5 },
  { at = "1.2s",  command = { set = "chime", to = "on" }, id = 3 },
  { at = "2s",    restart = "10s" },
  { at = "2s",    clock = "2026-11-21T08:30:00+01:00" },
  { at = "3s",    storm = "button", edges = 2000, every = "100us" },
  { at = "4s",    swap = "other.toml" },
]
expect = """
0.002500  button on           onset 0.000000  bounces 3
"""
"#;

#[test]
fn the_example_reads() {
    let written = script(STEPS).unwrap();
    assert_eq!((written.script.seed, written.script.until), (7, Duration::from_secs(20)));
    assert_eq!(written.swaps[0].value, "other.toml");
    assert!(written.script.expect.unwrap().starts_with("0.002500  button on"));
    let at = |step: usize| written.script.steps[step].at.micros();
    let action = |step: usize| &written.script.steps[step].action;
    assert_eq!(at(3), 1_200_000);
    assert_eq!(
        *action(0),
        Action::Input { input: "button".into(), to: Level::On, bounce: Bounce::Edges(vec![300, 900, 1500]) }
    );
    assert!(matches!(action(1), Action::Input { bounce: Bounce::Drawn(Model::Switch), .. }));
    assert_eq!(*action(2), Action::Feed { sensor: "tank".into(), value: Some(41.5) });
    let command = Command::Set { output: "chime".into(), to: Level::On };
    assert_eq!(*action(3), Action::Command { command, id: Some(3), late: Duration::ZERO });
    assert_eq!(*action(5), Action::Clock { unix: 1_795_246_200_000_000, offset: 3600, trusted: true });
}

#[test]
fn a_house_may_stand_in_the_script_itself() {
    let text = "wish = \"x\"\nuntil = \"1s\"\nsteps = [{ at = \"0s\", input = \"a\", to = \"on\" }]\n\
        [inputs.a]\nline = 1\n";
    assert_eq!(script(text).unwrap().inline.unwrap().compiled.unwrap().symbols.inputs[0].name, "a");
    let wrong = script(&text.replace("line = 1", "lime = 1")).unwrap_err();
    assert!(wrong.contains("unknown key `lime`"), "{wrong}");
}

#[test]
fn steps_out_of_order_and_behind_the_end_are_refused() {
    let wrong = script(&STEPS.replace("120ms", "20min").replace("\"1s\"", "\"100ms\"")).unwrap_err();
    assert!(
        wrong.contains("this step comes after the end") && wrong.contains("before the one above"),
        "{wrong}"
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = "wihs = 1\nuntil = \"1s\"\nsteps = [\n  { at = \"0\", input = \"a\", to = \"onn\" },\n  \
        { at = \"0s\", inptu = \"a\" },\n  { at = \"0s\", input = \"a\", to = \"on\", bounce = [3, 2] },\n  \
        { at = \"0s\", clock = \"noon\" },\n  { at = \"0s\", command = { toggle = \"a\" } },\n]\n";
    let wrong = script(text).unwrap_err();
    for part in [
        "unknown key `wihs`",
        "did you mean `wish`?",
        "\"0\" has no unit",
        "\"onn\" is not",
        "did you mean `input`?",
        "edges in the wrong order",
        "\"noon\" is not a time",
        "there is no toggle",
    ] {
        assert!(wrong.contains(part), "{part} is missing in:\n{wrong}");
    }
}

#[test]
fn names_are_looked_up_in_all_houses() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let house = |input: &str| format!("node = {{ name = \"n\" }}\n[inputs.{input}]\nline = 1\n");
    write("a.toml", &house("button"));
    write("b.toml", &house("knob"));
    let case = "wish = \"x\"\nhouse = \"a.toml\"\nuntil = \"9s\"\nsteps = [\n  { at = \"0s\", swap = \"b.toml\" },\n  \
        { at = \"1s\", input = \"knob\", to = \"on\" },\n  { at = \"2s\", input = \"buton\", to = \"on\" },\n]\n";
    write("case.toml", case);
    let failed = open(&folder.path().join("case.toml"), None).unwrap_err().to_string();
    assert!(
        failed.contains("unknown input `buton`") && failed.contains("did you mean `button`?"),
        "{failed}"
    );
    assert!(failed.contains("case.toml:7:"), "{failed}");
    assert!(!failed.contains("knob"), "{failed}");
    write("case.toml", &case.replace("buton", "button"));
    let case = open(&folder.path().join("case.toml"), None).unwrap();
    assert_eq!(case.others[0].0, "b.toml");
    assert_eq!(case.house.symbols.inputs[0].name, "button");
}

proptest! {
    #[test]
    fn no_text_is_a_reason_to_panic(at in 0usize..900, len in 0usize..30, put in "[ -~\n\"{}=\\[\\]]{0,12}") {
        let mut text = STEPS.to_owned();
        let start = at.min(text.len());
        text.replace_range(start..(start + len).min(text.len()), &put);
        let _ = script(&text);
    }
}
