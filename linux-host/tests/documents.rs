//! What the documents show is true: each trigger, action, debouncing and step in their tables compiles, and each path that
//! they name is there, and the first example is drawn as it stands there. The whole file of `FILE.md` is held by `schema.rs`.

use std::path::{Path, PathBuf};

use campanile::config::script::open;
use campanile::config::source::render;
use campanile::config::{Source, compile};
use campanile_sim::world::Options;

/// All that the tables speak of.
const HOUSE: &str = r#"
[node]
name = "front-door"
[boards.pi]
kind = "virtual"
[inputs.button]
line = 1
[inputs.door]
line = 2
[outputs.chime]
line = 3
[outputs.lamp]
line = 4
[sensors.tank]
decimals = 1
[variables]
rings = 0
[sinks.home]
kind = "mqtt"
url = "mqtt://127.0.0.1:1883"
[[scenarios]]
name = "ring"
do = [{ wait = "1s" }]
[[scenarios]]
name = "other"
do = [{ wait = "1s" }]
"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A section of a document, from its heading to the next.
fn section(document: &str, heading: &str) -> String {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// What stands between backticks.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of a table's rows, without its head.
fn rows(section: &str) -> Vec<Vec<String>> {
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines.map(|line| line.trim_matches(['|', ' ']).split(" | ").map(str::to_owned).collect()).collect()
}

fn compiles(what: &str, house: &str) {
    let source = Source::new("house.toml", house);
    compile(&source).unwrap_or_else(|found| panic!("{what}: {}", render(&source, &found, false)));
}

#[test]
fn every_trigger_of_the_table_compiles() {
    let rows = rows(&section("linux-host/FILE.md", "when"));
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        for trigger in codes(&row[0]) {
            let scenario =
                format!("[[scenarios]]\nname = \"row\"\nwhen = [{trigger}]\ndo = [{{ end = true }}]\n");
            compiles(trigger, &format!("{HOUSE}{scenario}"));
        }
    }
}

#[test]
fn every_action_of_the_table_compiles() {
    let rows = rows(&section("linux-host/FILE.md", "do"));
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        for action in codes(&row[0]) {
            let whole = action.replace("[..]", "[{ wait = \"1s\" }]").replace("{ .. }", "{}");
            let scenario = format!("[[scenarios]]\nname = \"row\"\ndo = [{whole}]\n");
            compiles(action, &format!("{HOUSE}{scenario}"));
        }
    }
}

#[test]
fn every_debouncing_compiles() {
    let section = section("linux-host/FILE.md", "debounce");
    let mut seen = 0;
    for code in codes(&section).filter(|code| code.starts_with(['"', '{'])) {
        let words = [
            ("SPEC", "\"10ms\""),
            ("T", "10ms"),
            ("P", "20ms"),
            ("R", "30ms"),
            ("G", "5ms"),
            ("D", "\"1s\""),
        ];
        let filled: String = code
            .split_inclusive(|c: char| !c.is_ascii_uppercase())
            .map(|part| {
                let word = part.trim_end_matches(|c: char| !c.is_ascii_uppercase());
                let value = words.iter().find(|(letter, _)| *letter == word);
                value.map_or_else(|| part.to_owned(), |(_, value)| part.replacen(word, value, 1))
            })
            .collect();
        compiles(code, &HOUSE.replace("line = 1\n", &format!("line = 1\ndebounce = {filled}\n")));
        seen += 1;
    }
    assert!(seen > 7, "{seen}");
}

#[test]
fn every_step_of_a_case_can_be_played() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(inside("cases")).unwrap();
    std::fs::create_dir_all(inside("houses")).unwrap();
    std::fs::write(inside("houses/other.toml"), HOUSE).unwrap();
    let rows = rows(&section("tests/scenarios/README.md", "Steps"));
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        let also = codes(&row[1]).filter(|code| code.starts_with('{'));
        let steps =
            codes(&row[0]).map(str::to_owned).chain(also.map(|command| format!("command = {command}")));
        for step in steps {
            let script = inside("cases/step.toml");
            let text = format!(
                "wish = \"It can be played\"\nuntil = \"1min\"\nsteps = [{{ at = \"1s\", {step} }}]\n"
            );
            std::fs::write(&script, text).unwrap();
            let case = open(&script, Some(&inside("houses/other.toml")))
                .unwrap_or_else(|why| panic!("{step}: {why}"));
            case.play(&Options::default()).unwrap_or_else(|why| panic!("{step}: {why}"));
        }
    }
}

/// The blocks of code of a text, without the indentation of the list that they stand in.
fn blocks(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let at_the_edge = |code: &str| {
        let indent = &code[..code.len() - code.trim_start_matches(' ').len()];
        code.lines().map(|line| line.strip_prefix(indent).unwrap_or(line).to_owned() + "\n").collect()
    };
    blocks.map(|(_, code)| at_the_edge(code)).collect()
}

/// As anybody tries it who reads it for the first time.
#[test]
fn the_example_of_the_first_page_is_drawn_as_it_stands_there() {
    let page = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&page);
    let with = |start: &str| {
        blocks.iter().find(|block| block.starts_with(start)).unwrap_or_else(|| panic!("{start}"))
    };
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name);
    std::fs::write(inside("house.toml"), with("[node]\n")).unwrap();
    std::fs::write(inside("ring.toml"), with("wish = ")).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_campanile"));
    command.args(["sim", "house.toml", "ring.toml", "--timeline", "--until", "1.5"]);
    let drawn = command.current_dir(folder.path()).env("COLUMNS", "60").output().unwrap();
    let drawn = String::from_utf8(drawn.stdout).unwrap();
    let expected = with("front-door, ");
    // Whose program it was is another thing with each version of its format.
    let lines = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.starts_with("records "))
            .map(|line| line.trim_end().to_owned())
            .collect()
    };
    let trace = drawn.find("front-door, ").unwrap_or_else(|| panic!("{drawn}"));
    assert_eq!(lines(&drawn[trace..]), lines(expected), "{drawn}");
}

/// `a/{b,c}.rs` is two.
fn alternatives(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (choices, behind) = rest.split_once('}').unwrap();
    choices.split(',').map(|choice| format!("{before}{choice}{behind}")).collect()
}

#[test]
fn every_path_of_the_map_is_there() {
    let mut seen = 0;
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "firmware/README.md"] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        let prose: String = text.split("```").step_by(2).collect();
        let beside = root().join(document).parent().unwrap().to_owned();
        // Where the text has named the folder already: the engine's modules are the core's.
        let folders = [root(), beside, root().join("core/src"), root().join("linux-host")];
        let path = |code: &&str| {
            code.contains('/') && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-{},".contains(&b))
        };
        // What a build or a porter makes, and places of a running system.
        let of_the_tree = |code: &&str| {
            !code.starts_with(['/', '.']) && !code.starts_with("target/") && !code.contains("NAME")
        };
        for code in codes(&prose).filter(path).filter(of_the_tree) {
            for path in alternatives(code) {
                let there = folders
                    .iter()
                    .any(|folder| folder.join(&path).exists() || folder.join(format!("{path}.rs")).exists());
                assert!(there, "{document} names {path}, which there is not");
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "{seen} paths");
}
