//! Examples end to end, golden bytes, and what holds for every file.

use campanile_core::debounce::Algorithm;
use campanile_core::id::{InputId, Level, PeerId, ScenarioId, SensorId};
use campanile_core::program::image::Image;
use campanile_core::program::{InputDef, Mode, On, ScenarioDef, SensorDef, TriggerDef, VarDef};
use campanile_core::time::Duration;
use proptest::prelude::*;

use super::*;
use crate::config::source::render;

fn example(name: &str) -> Source {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/");
    crate::config::load(std::path::Path::new(&format!("{folder}{name}"))).unwrap()
}

fn compiled(source: &Source) -> Compiled {
    compile(source).unwrap_or_else(|found| panic!("{}", render(source, &found, false)))
}

/// A small house around what a test is about.
fn house(rest: &str) -> Compiled {
    let text = format!("node = {{ name = \"n\" }}\n{rest}");
    compiled(&Source::new("test.toml", text))
}

/// The parts of an image.
struct Read {
    inputs: Vec<InputDef>,
    sensors: Vec<SensorDef>,
    variables: Vec<VarDef>,
    triggers: Vec<TriggerDef>,
    scenarios: Vec<ScenarioDef>,
    code: Vec<u8>,
}

fn read(compiled: &Compiled) -> Read {
    let mut image = Image::open(&compiled.image).unwrap();
    let counts = image.counts;
    let inputs = (0..counts.inputs).map(|_| image.item().unwrap()).collect();
    for _ in 0..counts.outputs {
        image.item::<campanile_core::program::OutputDef>().unwrap();
    }
    let sensors = (0..counts.sensors).map(|_| image.item().unwrap()).collect();
    let variables = (0..counts.variables).map(|_| image.item().unwrap()).collect();
    let triggers = (0..counts.triggers).map(|_| image.item().unwrap()).collect();
    for _ in 0..counts.schedules {
        image.item::<campanile_core::calendar::Schedule>().unwrap();
    }
    let scenarios = (0..counts.scenarios).map(|_| image.item().unwrap()).collect();
    Read { inputs, sensors, variables, triggers, scenarios, code: image.code().unwrap().to_vec() }
}

/// Holds an image against its golden bytes. These change only with a version of the image or with the example itself;
/// then `BLESS=1 cargo test -p campanile golden` writes them.
fn golden(name: &str, image: &[u8]) {
    let path = format!("{}/src/config/compile/golden/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, hex(image)).unwrap();
    }
    assert_eq!(hex(image), std::fs::read_to_string(&path).unwrap());
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.chunks(32).map(|row| row.concat() + "\n").collect()
}

/// Whatever its board is called: a line that the daemon opens anew is another one to the engine, which may not go on with its level.
#[test]
fn a_line_is_the_one_that_it_is_to_the_daemon() {
    let line = |text: String| read(&house(&text)).inputs[0].line;
    let chip = |name, chip| {
        line(format!(
            "boards.{name} = {{ kind = \"gpiochip\", chip = \"{chip}\" }}\n\
             inputs.x = {{ board = \"{name}\", line = \"BUTTON\" }}"
        ))
    };
    assert_eq!(chip("desk", "gpiochip0"), chip("bench", "gpiochip0"));
    assert_ne!(chip("desk", "gpiochip0"), chip("desk", "gpiochip1"));
    let satellite = |name, port| {
        line(format!(
            "boards.{name} = {{ kind = \"serial\", port = \"{port}\" }}\n\
             satellites.{name}.inputs.x = {{ line = \"BUTTON\" }}"
        ))
    };
    assert_eq!(satellite("porch", "/dev/ttyACM0"), satellite("porch", "/dev/ttyACM1"));
    assert_ne!(
        satellite("porch", "/dev/ttyACM0"),
        satellite("shed", "/dev/ttyACM0"),
        "has a journal of its own"
    );
}

#[test]
fn golden_bytes_of_the_doorbell() {
    let compiled = compiled(&example("doorbell.toml"));
    assert_eq!(compiled.warnings, []);
    golden("doorbell", &compiled.image);
}

#[test]
fn golden_bytes_of_every_key() {
    let compiled = compiled(&example("whole.toml"));
    assert_eq!(compiled.warnings, []);
    golden("whole", &compiled.image);
    let parts = read(&compiled);
    assert_eq!(parts.inputs[0].debounce.press, Algorithm::Eager { t_us: 20_000, after_us: 1_000 });
    assert_eq!(parts.inputs[0].storm, 500);
    assert_eq!(parts.inputs[1].debounce.release, Algorithm::Integrate { t_us: 50_000 });
    assert_eq!(parts.inputs[1].debounce.max_wait_us, 1_000_000);
    assert_eq!((parts.sensors.len(), parts.variables.len()), (1, 2));
    let modes: Vec<_> = parts.scenarios.iter().map(|scenario| scenario.mode).collect();
    assert_eq!(modes, [Mode::Restart, Mode::Single, Mode::Single, Mode::Queued(4), Mode::Parallel(2)]);
    let on: Vec<_> = parts.triggers.iter().map(|trigger| trigger.on).collect();
    assert!(on.is_sorted_by_key(On::key));
    let sensor = SensorId(0);
    assert!(on.contains(&On::Below { sensor, limit: 105, hysteresis: 20 }));
    assert!(on.contains(&On::Above { sensor, limit: 1900, hysteresis: 0 }));
    let hold = Duration::from_secs(600);
    assert!(on.contains(&On::Input { input: InputId(1), to: Some(Level::On), hold }));
    assert!(on.contains(&On::Link { peer: PeerId(0), up: false }));
    let symbols = &compiled.symbols;
    let by: Vec<_> = symbols.triggers.iter().map(|trigger| trigger.text.as_str()).collect();
    assert_eq!(
        by,
        [
            "started",
            "button on",
            "door on for 10min",
            "chime on",
            "quiet",
            "tank below 10.5",
            "tank above 190",
            "tank",
            "every 1h",
            "at 07:30 mon-fri",
            "cron */5 8-20 * * mon-fri",
            "home down",
        ]
    );
    assert!(symbols.triggers.iter().zip(&parts.triggers).all(|(name, def)| name.scenario == def.scenario));
    let doorbell = &symbols.messages[0];
    let values = [Some(7), Some(1), Some(415)];
    assert_eq!(doorbell.text(&values).unwrap(), "Someone is at the door (7)");
    assert_eq!(
        serde_json::Value::Object(doorbell.data(&values)),
        serde_json::json!({ "door": "on", "level": 41.5, "floor": 0 })
    );
}

#[test]
fn ids_follow_the_file_and_not_the_alphabet() {
    let text = "[inputs]\nz = { line = 1 }\na = { line = 2 }\n[variables]\nnine = 9\neight = 8\n\
        [[scenarios]]\nname = \"s\"\nwhen = [{ variable = \"nine\" }]\ndo = [{ let = \"eight\", be = 1 }]\n";
    let compiled = house(text);
    assert_eq!(compiled.symbols.input(InputId(0)), "z");
    assert_eq!(read(&compiled).variables[0].initial, 9);
}

/// The hash of the first scenario.
fn scenario_hash(text: &str) -> u32 {
    read(&house(text)).scenarios[0].hash
}

const TWO: &str = "[inputs]\na = { line = 1 }\nb = { line = 2 }\n[variables]\nx = 0\n[[scenarios]]\nname = \"s\"\n\
    when = [{ input = \"b\", to = \"on\", for = \"5s\" }]\nif = \"x < 5\"\n\
    do = [{ let = \"x\", be = \"x + 1\" }, { wait = \"1s\" }, { send = \"m\", text = \"{x}\" }]\n";

#[test]
fn a_scenario_keeps_its_hash_while_its_author_changes_other_things() {
    let hash = scenario_hash(TWO);
    for (what, text) in [
        ("an input before it", TWO.replace("a = { line = 1 }", "")),
        (
            "more variables",
            TWO.replace("x = 0", "w = 3\nx = 0").replace("be = \"x + 1\"", "be = \"x  +  1\""),
        ),
        ("another first value", TWO.replace("x = 0", "x = 7")),
        ("another line", TWO.replace("line = 2", "line = 22")),
        ("words for a constant", TWO.replace("x < 5", "x < 2 + 3")),
    ] {
        assert_eq!(scenario_hash(&text), hash, "{what}");
    }
}

#[test]
fn a_scenario_has_another_hash_when_it_does_something_else() {
    let hash = scenario_hash(TWO);
    for (from, to) in [
        ("name = \"s\"", "name = \"t\""),
        ("input = \"b\"", "input = \"a\""),
        ("to = \"on\"", "to = \"off\""),
        ("for = \"5s\"", "for = \"6s\""),
        ("x < 5", "x < 6"),
        ("x < 5", "x <= 5"),
        ("x + 1", "x + 2"),
        ("wait = \"1s\"", "wait = \"2s\""),
        ("{x}", "{x}!"),
        ("send = \"m\"", "send = \"n\""),
        ("do = [", "mode = \"restart\"\ndo = ["),
        ("do = [", "after-restart = \"resume\"\ndo = ["),
    ] {
        assert_ne!(scenario_hash(&TWO.replace(from, to)), hash, "{from} -> {to}");
    }
}

#[test]
fn a_line_keeps_its_hash_with_another_name() {
    let hash = |text: &str| read(&house(text)).inputs[0].line;
    let one = hash("[inputs.a]\nline = 1\n");
    assert_eq!(one, hash("[inputs.b]\nline = 1\npull = \"up\"\n"));
    assert_eq!(one, hash("[boards.pi]\n[inputs.b]\nboard = \"pi\"\nline = 1\n"));
    assert_ne!(one, hash("[inputs.a]\nline = 2\n"));
    assert_ne!(one, hash("[inputs.a]\nline = \"1\"\n"));
    assert_eq!(one, hash("[boards.x]\n[inputs.a]\nline = 1\n"));
    // What is another line for the daemon is another one for the engine: its level and its outputs begin anew.
    assert_ne!(one, hash("[boards.pi]\nchip = \"gpiochip4\"\n[inputs.a]\nline = 1\n"));
    assert_ne!(one, hash("[boards.pi]\nkind = \"virtual\"\n[inputs.a]\nline = 1\n"));
}

#[test]
fn triggers_of_one_occasion_stay_in_the_order_of_the_file() {
    let scenario = |name: &str, input: &str| {
        format!(
            "[[scenarios]]\nname = \"{name}\"\nwhen = [{{ input = \"{input}\" }}]\ndo = [{{ end = true }}]\n"
        )
    };
    let text = ["[inputs]\na = { line = 1 }\nb = { line = 2 }\n".to_owned()]
        .into_iter()
        .chain([("p", "b"), ("q", "a"), ("r", "b"), ("s", "a")].map(|(name, input)| scenario(name, input)));
    let triggers = read(&house(&text.collect::<String>())).triggers;
    let order: Vec<_> = triggers.iter().map(|trigger| trigger.scenario).collect();
    assert_eq!(order, [ScenarioId(1), ScenarioId(3), ScenarioId(0), ScenarioId(2)]);
}

#[test]
fn a_constant_condition_that_is_true_costs_nothing() {
    let text = "[[scenarios]]\nname = \"s\"\nwhen = [{ started = true }]\nif = true\ndo = [{ end = true }]\n";
    let parts = read(&house(text));
    assert_eq!((parts.scenarios[0].condition, parts.code.as_slice()), (0, [0].as_slice()));
}

#[test]
fn what_the_room_has_not_is_told_by_name() {
    let text = "node = { name = \"n\" }\n[inputs]\na = { line = 1 }\nb = { line = 2 }\n";
    let source = Source::new("test.toml", text);
    let mut report = Report::new(&source);
    let root = syntax::parse(&mut report);
    let root = Spanned::new(root.span(), DeValue::Table(root.into_inner()));
    let house = <House as crate::config::read::Read>::read(Node::from(&root), &mut report).unwrap();
    let room = Room { counts: image::Counts { inputs: 1, ..ROOM.counts }, ..ROOM };
    assert!(build(&house, &room, &mut report).is_none());
    let found = report.finish().unwrap_err();
    assert_eq!(found[0].message, "2 inputs, but this engine has room for 1");
    assert_eq!(&text[found[0].span.clone()], "b");
}

#[test]
fn depth_is_no_reason_to_overflow_the_stack() {
    for (open, close) in [
        ("[", "]"),
        ("{ a = ", "}"),
        ("{ repeat = 2, do = [", "] }"),
        ("{ if = on, do = [{ if = 1, do = [", "] }] }"),
    ] {
        let deep = format!("x = {}1{}", open.repeat(50_000), close.repeat(50_000));
        assert!(compile(&Source::new("test.toml", deep)).is_err());
    }
    let action = |depth: usize| {
        let (open, close) = ("{ if = \"on\", do = [".repeat(depth), "] }".repeat(depth));
        format!(
            "node = {{ name = \"n\" }}\n[[scenarios]]\nname = \"s\"\nwhen = [{{ started = true }}]\ndo = [{open}{close}]\n"
        )
    };
    assert!(compile(&Source::new("test.toml", action(16))).is_ok());
    let found = compile(&Source::new("test.toml", action(17))).unwrap_err();
    assert!(found[0].message.contains("more than 16"), "{found:?}");
}

/// Any block of actions, nested; some of them wrong.
fn actions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("{ set = \"o\", to = \"on\" }".to_owned()),
        Just("{ pulse = \"o\", for = \"1s\" }".to_owned()),
        Just("{ wait = \"0s\" }".to_owned()),
        Just("{ wait-until = \"x > 3\", timeout = \"2s\" }".to_owned()),
        Just("{ let = \"x\", be = \"x + 1\" }".to_owned()),
        Just("{ send = \"m\", text = \"{x} {i}\" }".to_owned()),
        Just("{ start = \"s\" }".to_owned()),
        Just("{ stop = \"s\" }".to_owned()),
        Just("{ end = true }".to_owned()),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        let block = prop::collection::vec(inner, 0..5).prop_map(|actions| actions.join(", "));
        prop_oneof![
            (block.clone(), block.clone())
                .prop_map(|(a, b)| format!("{{ if = \"i\", do = [{a}], else = [{b}] }}")),
            block.clone().prop_map(|a| format!("{{ if = \"x == 2\", do = [{a}] }}")),
            (0u32..90, block.clone()).prop_map(|(n, a)| format!("{{ repeat = {n}, do = [{a}] }}")),
            block.prop_map(|a| format!("{{ repeat = \"x\", do = [{a}] }}")),
        ]
    })
}

proptest! {
    #[test]
    fn any_body_is_compiled_or_refused_in_words(blocks in prop::collection::vec(actions(), 0..6)) {
        let text = format!(
            "node = {{ name = \"n\" }}\n[inputs]\ni = {{ line = 1 }}\n[outputs]\no = {{ line = 2 }}\n[variables]\nx = 0\n\
             [[scenarios]]\nname = \"s\"\nwhen = [{{ input = \"i\" }}]\ndo = [{}]\n",
            blocks.join(", ")
        );
        let source = Source::new("test.toml", text);
        if let Err(found) = compile(&source) {
            for diagnostic in found {
                let words = &diagnostic.message;
                let known =
                    ["steps without a wait", "a constant count", "nested", "starts itself again"];
                prop_assert!(known.iter().any(|part| words.contains(part)), "{}", words);
                prop_assert!(!diagnostic.span.is_empty());
            }
        }
    }

    #[test]
    fn no_text_is_a_reason_to_panic(text in any::<String>()) {
        let source = Source::new("test.toml", text);
        if let Err(found) = compile(&source) {
            prop_assert!(!found.is_empty());
            let _ = render(&source, &found, true);
        }
    }

    #[test]
    fn no_change_of_a_good_file_is_a_reason_to_panic(
        at in 0usize..4_000, len in 0usize..40, put in "[ -~\n\"{}=\\[\\]]{0,12}", which in 0usize..2,
    ) {
        let mut source = example(["doorbell.toml", "whole.toml"][which]);
        let floor = |at: usize| (0..=at.min(source.text.len())).rev().find(|at| source.text.is_char_boundary(*at)).unwrap_or(0);
        let (start, end) = (floor(at), floor(at + len));
        source.text.replace_range(start..end, &put);
        if let Err(found) = compile(&source) {
            prop_assert!(!found.is_empty());
            let _ = render(&source, &found, false);
            for diagnostic in &found {
                let _ = crate::config::source::to_json(&source, diagnostic);
            }
        }
    }
}
