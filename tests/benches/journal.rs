//! What a day of a doorbell costs the disk: 40 rings and 20 moves of the door, with contacts that bounce, through engine,
//! loop and journal as they ship, in virtual time. A figure, no judgement: `cargo bench -p campanile-tests --bench journal`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use campanile::config::script::open;
use campanile_core::record::Frame;
use campanile_sim::world::{House, Options, play_and_keep};

const RINGS: u64 = 40;
const MOVES: u64 = 20;
const DAY: u64 = 86_400;

const HOUSE: &str = r#"
[inputs.button]
line = "GPIO14"
pull = "up"
active = "low"
debounce = "asym 20ms 30ms"

[inputs.door]
line = "GPIO15"
pull = "up"
debounce = "50ms"

[outputs.chime]
line = "GPIO23"
max-on = "5s"

[variables]
rings = 0

[[scenarios]]
name = "ring"
when = [{ input = "button", to = "on" }]
do = [
  { let = "rings", be = "rings + 1" },
  { pulse = "chime", for = "800ms" },
  { send = "doorbell", text = "Someone is at the door ({rings})" },
]
mode = "restart"
"#;

fn main() {
    // `cargo test` builds and runs benches too, with another argument: nothing is measured then.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (quiet, _) = play(dir.path(), "");
    let (written, edges) = play(dir.path(), &moves());
    // What a start costs is the same on both days: headers, the program, the numbers of starts.
    let day = written - quiet;
    let figure = |what: &str, figure: String| println!("{what:<58} {figure}");
    figure("journal, doorbell day: bytes an edge", format!("{:.1}", day as f64 / edges as f64));
    figure(
        "journal, doorbell day: the whole day",
        format!("{day} bytes for {edges} edges, and {quiet} for a start"),
    );
}

/// Rings spread over the day, and the door behind every other one.
fn moves() -> String {
    let mut steps = String::new();
    for ring in 0..RINGS {
        let at = (ring + 1) * DAY / (RINGS + 1);
        let mut step = |ms: u64, input: &str, to: &str, bounce: &str| {
            let at = at * 1_000 + ms;
            writeln!(
                steps,
                "  {{ at = \"{at}ms\", input = \"{input}\", to = \"{to}\", bounce = \"{bounce}\" }},"
            )
            .expect("memory takes it");
        };
        step(0, "button", "on", "switch");
        step(180, "button", "off", "switch");
        if ring % (RINGS / MOVES) == 0 {
            let open = (ring / (RINGS / MOVES)).is_multiple_of(2);
            step(20_000, "door", if open { "on" } else { "off" }, "reed");
        }
    }
    steps
}

/// Plays the day; what was written to the disk, without the zeros of new files, and how many edges there were.
fn play(dir: &Path, steps: &str) -> (u64, usize) {
    let script = dir.join("day.toml");
    let text = format!("wish = \"a day\"\nseed = 1\nuntil = \"{DAY}s\"\nsteps = [\n{steps}]\n{HOUSE}");
    fs::write(&script, text).expect("a script");
    let case = open(&script, None).unwrap_or_else(|failed| panic!("the script is wrong: {failed}"));
    let house = House::new(case.house.image, case.house.symbols);
    let (outcome, disk) = play_and_keep(&case.script, &house, &BTreeMap::new(), &Options::default())
        .unwrap_or_else(|error| panic!("the day cannot be played: {error}"));
    let edges = outcome.logs.iter().map(|log| {
        let (mut rest, mut edges) = (log.as_slice(), 0);
        while let Some((frame, behind)) = Frame::split(rest) {
            edges += usize::from(frame.kind() == 0);
            rest = behind;
        }
        edges
    });
    (disk.written(), edges.sum())
}
