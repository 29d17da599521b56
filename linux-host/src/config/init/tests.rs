//! Whatever the machine is like, the file is right.

use super::*;
use crate::config::source::render;
use crate::config::{Source, compile};

fn machine(names: &[&str]) -> Machine {
    let lines = names.iter().zip(0..).map(|(name, offset)| LineInfo {
        chip: "gpiochip0".into(),
        offset,
        name: (*name).into(),
        used_by: name.starts_with("ID_").then(|| "kernel".into()),
        ..LineInfo::default()
    });
    Machine { host: "Raspberry_Pi.local".into(), lines: lines.collect(), why_none: None }
}

fn written(machine: &Machine) -> String {
    let text = house(machine);
    let source = Source::new("campanile.toml", text.clone());
    let compiled =
        compile(&source).unwrap_or_else(|found| panic!("{text}\n{}", render(&source, &found, false)));
    assert_eq!(compiled.warnings, [], "{text}");
    text
}

#[test]
fn a_pi_gets_free_lines_of_its_header() {
    let names = ["ID_SDA", "ID_SCL", "GPIO2", "GPIO17", "GPIO27", "GPIO4"];
    let text = written(&machine(&names));
    assert!(text.contains("name = \"raspberry-pi\""), "{text}");
    assert!(text.contains("line = \"GPIO17\"") && text.contains("line = \"GPIO27\""), "{text}");
    assert!(text.contains("asym 20ms 30ms") && text.contains("# gpiochip0: (ID_SDA)"), "{text}");
}

#[test]
fn other_boards_get_their_own_names_or_offsets() {
    let text = written(&machine(&["", "PA1", "ID_X", "PA2"]));
    assert!(text.contains("line = \"PA1\"") && text.contains("line = \"PA2\""), "{text}");
    let text = written(&machine(&["", "", ""]));
    assert!(text.contains("line = 14"), "{text}");
}

#[test]
fn a_machine_without_lines_gets_virtual_ones_and_the_reason() {
    let why = Some("no GPIO chip may be opened\nadd yourself to the group gpio".to_owned());
    let text = written(&Machine { host: String::new(), lines: Vec::new(), why_none: why });
    assert!(text.contains("kind = \"virtual\"") && text.contains("# add yourself to the group"), "{text}");
    assert!(text.contains("name = \"home\""), "{text}");
}

/// What stands in the comments of the file, a block each, without its `# `.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix('#') {
            Some(line) => {
                *blocks.last_mut().unwrap() += &format!("{}\n", line.strip_prefix(' ').unwrap_or(line))
            }
            None => blocks.push(String::new()),
        }
    }
    // A sentence is none.
    blocks.retain(|block| block.starts_with('['));
    blocks
}

#[test]
fn each_block_that_is_commented_out_holds_by_itself_and_with_all_others() {
    for machine in [machine(&["GPIO17", "GPIO27"]), Machine::default()] {
        let text = written(&machine);
        let blocks = blocks(&text);
        for kind in ["mqtt", "aws-iot", "webhook", "ntfy", "mastodon", "x", "exec", "chime", "file"] {
            assert!(
                blocks.iter().any(|block| block.contains(&format!("kind = \"{kind}\""))),
                "{kind}: {text}"
            );
        }
        for house in blocks.iter().cloned().chain([blocks.concat()]) {
            let source = Source::new("campanile.toml", format!("{text}\n{house}"));
            let compiled = compile(&source)
                .unwrap_or_else(|found| panic!("{house}\n{}", render(&source, &found, false)));
            assert_eq!(compiled.warnings, [], "{house}");
        }
    }
}
