//! Figures of engine, loop, simulator and replay: `cargo run --release -p campanile-sim --example figures`. Each is the
//! median of several runs, beside the same work without the engine, in one process.

mod engine;
mod house;
mod journal;

use std::collections::BTreeMap;
use std::hint::black_box;

use campanile_core::id::Level;
use campanile_core::time::{Duration, Instant};
use campanile_sim::bounce::Model;
use campanile_sim::prng::Prng;
use campanile_sim::script::{Action, Bounce, Script, Step};
use campanile_sim::swarm::{self, draw};
use campanile_sim::world::{House, Options, play};

const EDGES: u64 = 2_000_000;
const JOURNAL: u64 = 100_000_000;
const SEEDS: std::ops::Range<u64> = 0..100;

fn main() {
    let house = house::doorbell();
    let image = &house.image;
    let alone = median(9, || engine::engine(image, EDGES));
    let nothing = median(9, || engine::no_engine(EDGES));
    say("engine, edges a second, each with all it leads to", &rate(EDGES, alone));
    say("the same loop without an engine", &rate(EDGES, nothing));
    let looped = median(9, || assert_eq!(engine::runner(image, EDGES), EDGES));
    let drained = median(9, || assert_eq!(engine::no_runner(EDGES), EDGES));
    say("firmware loop under the virtual clock, edges a second", &rate(EDGES, looped));
    say("the same source and clock without loop and engine", &rate(EDGES, drained));

    let (script, edges) = visits(1, 715);
    let took = median(9, || play_all(&script, &house));
    let drawn = median(9, || draw_all(&script));
    say(&format!("a day with {edges} edges, journal and trace included"), &format!("{:.1} ms", took * 1e3));
    say("its edges, drawn and put in order only", &format!("{:.2} ms", drawn * 1e3));
    let (script, edges) = visits(365, 40);
    let took = median(3, || play_all(&script, &house));
    let drawn = median(3, || draw_all(&script));
    say(&format!("a year of a doorbell, 40 rings a day, {edges} edges"), &format!("{took:.2} s"));
    say("its edges, drawn and put in order only", &format!("{drawn:.3} s"));

    let houses = [house];
    let [house] = &houses;
    let took = median(3, || SEEDS.for_each(|seed| live(seed, &houses)));
    let planned = median(3, || SEEDS.for_each(|seed| drop(black_box(draw(seed, &houses)))));
    let speed = |seconds: f64| format!("{:.0}", (SEEDS.end - SEEDS.start) as f64 / seconds);
    say("swarm, seeds a second and core, a doorbell's, each twice", &speed(took));
    say("their plans, drawn only", &speed(planned));

    let journal = journal::Big::new(house, JOURNAL);
    let mut report = journal.replay();
    let took = median(3, || report = journal.replay());
    let read = median(3, || journal.read());
    let speed = |seconds: f64| {
        let (megabytes, records) = (report.bytes as f64 / 1e6, report.records as f64 / 1e6);
        format!("{:.0} MB/s, {:.1} million records/s", megabytes / seconds, records / seconds)
    };
    say(&format!("replay of a journal of {} MB", report.bytes / 1_000_000), &speed(took));
    say("the same journal, read and taken apart only", &speed(read));
}

fn say(what: &str, figure: &str) {
    println!("{what:70}  {figure}");
}

fn rate(count: u64, seconds: f64) -> String {
    format!("{:.1} million", count as f64 / seconds / 1e6)
}

/// What this thread has run so far, in seconds: as long as an idle machine would take, whatever else runs on this one.
fn spent() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts it");
    let nanoseconds = stat.split(' ').next().and_then(|ran| ran.parse::<f64>().ok());
    nanoseconds.expect("nanoseconds come first") / 1e9
}

/// The median of so many runs, in seconds.
fn median<T>(runs: usize, mut run: impl FnMut() -> T) -> f64 {
    let mut took: Vec<f64> = (0..runs)
        .map(|_| {
            let began = spent();
            black_box(run());
            spent() - began
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[runs / 2]
}

fn play_all(script: &Script, house: &House) {
    black_box(play(script, house, &BTreeMap::new(), &Options::default()).expect("the script plays"));
}

/// The edges of a script as its switches make them, in the order of time, and nobody there to take them.
fn draw_all(script: &Script) {
    let mut prng = Prng::new(script.seed);
    let mut edges = Vec::new();
    for Step { at, action } in &script.steps {
        let Action::Input { to, bounce: Bounce::Drawn(model), .. } = action else { continue };
        let bounces = model.draw(to.is_on(), &mut prng);
        let mut level = *to;
        for after in std::iter::once(0).chain(bounces) {
            edges.push((at.plus(Duration::from_micros(after.into())), level));
            level = Level::from_bool(!level.is_on());
        }
    }
    edges.sort_by_key(|(at, _)| *at);
    black_box(edges);
}

/// A seed of the swarm. What it finds is a bug, and no figure.
fn live(seed: u64, houses: &[House]) {
    let outcome = swarm::run(&draw(seed, houses), houses);
    assert_eq!(outcome.finding, None, "seed {seed}");
}

/// So many rings a day for so many days, each with the bounces of a switch, and how many edges these have.
fn visits(days: u64, a_day: u64) -> (Script, u64) {
    let mut steps = Vec::new();
    for visit in 0..days * a_day {
        let at = visit * (86_400_000_000 / a_day);
        for (at, to) in [(at, Level::On), (at + 200_000, Level::Off)] {
            let action = Action::Input { input: "button".into(), to, bounce: Bounce::Drawn(Model::Switch) };
            steps.push(Step { at: Instant::from_micros(at), action });
        }
    }
    let until = Duration::from_secs(days * 86_400);
    let script = Script { seed: 1, until, steps, ..Script::default() };
    let log = play(&script, &house::doorbell(), &BTreeMap::new(), &Options::default()).expect("it plays");
    let edges = log.logs.iter().map(|log| edges_in(log)).sum();
    (script, edges)
}

fn edges_in(mut log: &[u8]) -> u64 {
    let mut edges = 0;
    while let Some((frame, rest)) = campanile_core::record::Frame::split(log) {
        edges += u64::from(frame.kind() == 0);
        log = rest;
    }
    edges
}
