use campanile_core::decision::{By, Cause, SafetyWhy};
use campanile_core::id::{OutputId, RunId, ScenarioId, TriggerId};
use campanile_core::input::LevelWhy;

use super::*;
use crate::config::{Source as Text, compile};

const BUTTON: InputId = InputId(0);

fn symbols() -> Symbols {
    let text = include_str!("../house.toml").to_owned();
    compile(&Text::new("house.toml".to_owned(), text)).expect("the demo's own file").symbols
}

fn at(us: u64) -> Instant {
    Instant::from_micros(1_000_000 + us)
}

fn edge(level: Level) -> Record {
    Record::Input(Input::Edge { input: BUTTON, level })
}

fn event(value: i32) -> Record {
    let source = Source::Input { input: BUTTON };
    Record::Decision(Decision::Event { source, value: Some(value), onset_ago: Duration::ZERO, bounces: 0 })
}

#[test]
fn a_press_is_told_in_the_order_in_which_it_happened() {
    let symbols = symbols();
    let mut story = Story::new(&symbols, Glyphs::Ascii, Paint(false), at(0));
    story.say(at(500_000), "someone presses the bell");
    for (us, level) in [(500_000, Level::On), (500_200, Level::Off), (500_500, Level::On)] {
        story.record(at(us), &edge(level));
    }
    story.record(at(501_000), &event(1));
    let cause = Cause::Trigger { trigger: TriggerId(0) };
    let run = Decision::Run {
        run: RunId(0),
        scenario: ScenarioId(0),
        cause,
        how: RunHow::Started,
        onset_ago: Duration::ZERO,
    };
    story.record(at(501_000), &Record::Decision(run));
    let by = By::Run { run: RunId(0), scenario: ScenarioId(0) };
    story.record(at(501_000), &Record::Decision(Decision::Set { output: OutputId(0), level: Level::On, by }));
    assert!(story.tell(at(510_000)).is_empty(), "it may still bounce");
    story.delivered(at(511_000), r#"{"topic":"campanile/demo/input/button","value":"on","bounces":2}"#);
    let told = story.tell(at(540_000));
    assert_eq!(
        told,
        [
            "",
            "  0.50 s someone presses the bell",
            "  pin        ____|\"\"\"\"\"\"\"|____________|\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"  3 edges in 0.5 ms",
            "  debounce   button on after 1.0 ms, 2 bounces suppressed ^",
            "  scenario   ring started - chime on",
            "  delivered  input/button on",
            r#"             {"topic":"campanile/demo/input/button","value":"on","bounces":2}"#,
        ]
    );
    let later = Decision::Set { output: OutputId(0), level: Level::Off, by };
    story.record(at(1_101_000), &Record::Decision(later));
    assert_eq!(story.tell(at(1_110_000)), ["  scenario   chime off"]);
    let expected = Totals {
        edges: 3,
        events: 1,
        runs: 1,
        due: 3,
        delivered: 1,
        slowest_press: Duration::from_micros(1_000),
        ..Totals::default()
    };
    assert_eq!(story.totals, expected);
}

#[test]
fn a_spike_is_ignored_in_words() {
    let symbols = symbols();
    let mut story = Story::new(&symbols, Glyphs::Ascii, Paint(false), at(0));
    story.record(at(0), &edge(Level::On));
    story.record(at(90), &edge(Level::Off));
    assert!(story.tell(at(50_000)).is_empty());
    let told = story.tell(at(200_000)).join("\n");
    assert!(told.contains("ignored") && told.contains("button moves"), "{told}");
    assert_eq!(story.totals.ignored, 1);
}

#[test]
fn how_things_are_found_at_the_start_is_due_but_not_told() {
    let symbols = symbols();
    let mut story = Story::new(&symbols, Glyphs::Ascii, Paint(false), at(0));
    let by = By::Safety { why: SafetyWhy::Start };
    story.record(at(0), &Record::Decision(Decision::Set { output: OutputId(0), level: Level::Off, by }));
    story.record(
        at(0),
        &Record::Input(Input::Level { input: BUTTON, level: Level::Off, why: LevelWhy::Start }),
    );
    story.record(at(0), &event(0));
    assert!(story.tell(at(500_000)).is_empty());
    assert_eq!(story.totals, Totals { due: 2, ..Totals::default() });
}
