//! Figures of the engine: instructions (under callgrind), bytes of log, edges a second, sizes.
//!
//! `ci/bench.sh` runs each part twice under callgrind, with N and 2 N rounds, and divides the difference: start-up
//! costs cancel out. By hand: `cargo bench -p campanile-core --bench engine`.

// A benchmark is no firmware: it may fail loudly, and prints fractions.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing
)]

use std::hint::black_box;
use std::time::Instant as Stopwatch;

use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level, OutputId, ScenarioId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::program::code::Step as Code;
use campanile_core::program::{InputDef, On, OutputDef, Parts, ScenarioDef, TriggerDef, image};
use campanile_core::time::{Duration, Instant};
use campanile_core::wire::{Wire, Writer};

campanile_core::capacity! {
    /// The capacity that the budgets speak of: 16 inputs, 16 scenarios, 2 KiB of log. What they leave open: a run for each
    /// scenario, as the check at load asks for one, a trigger for each, and code enough to pulse an output.
    Sixteen {
        inputs: 16, outputs: 8, sensors: 2, variables: 8, triggers: 16, schedules: 2, scenarios: 16, runs: 16,
        code: 160, log: 2048,
    }
}

const DOORBELL: Debounce = Debounce {
    press: Algorithm::Eager { t_us: 20_000, after_us: 1_000 },
    release: Algorithm::Defer { t_us: 30_000 },
    max_wait_us: 0,
};

/// Its edges come shortly before the line counts as quiet: no reading falls between two of them.
const KEY: Debounce = Debounce {
    press: Algorithm::Eager { t_us: 20_000, after_us: 1_000 },
    release: Algorithm::Eager { t_us: 20_000, after_us: 1_000 },
    max_wait_us: 0,
};

/// Gaps between the edges of a press and of a release, in microseconds, as switches make them.
const PRESS: [u64; 9] = [0, 310, 140, 620, 95, 205, 340, 110, 180];
const RELEASE: [u64; 7] = [90_000, 450, 260, 130, 520, 75, 160];

fn image() -> Vec<u8> {
    let steps = [
        Code::Set { output: OutputId(0), level: Level::On },
        Code::Set { output: OutputId(0), level: Level::Off },
    ];
    let mut body = [0; 16];
    let mut w = Writer::new(&mut body);
    steps.iter().for_each(|step| step.put(&mut w));
    let len = w.finish().expect("two steps fit");
    let mut inputs = [InputDef { line: 1, debounce: DOORBELL, storm: 0 }; 16];
    inputs[2].debounce = KEY;
    let parts = Parts {
        inputs: &inputs,
        outputs: &[OutputDef::default(); 8],
        triggers: &[
            TriggerDef {
                scenario: ScenarioId(0),
                on: On::Input { input: InputId(0), to: Some(Level::On), hold: Duration::ZERO },
            },
            TriggerDef {
                scenario: ScenarioId(0),
                on: On::Input { input: InputId(2), to: None, hold: Duration::ZERO },
            },
        ],
        scenarios: &[ScenarioDef { body: u16::try_from(len).expect("short"), ..Default::default() }],
        code: &body[..len],
        ..Default::default()
    };
    let mut buf = [0; 1024];
    let len = image::encode(&parts, &mut buf).expect("the program is small");
    buf[..len].to_vec()
}

fn started() -> Box<Engine<Sixteen>> {
    let mut engine = Box::new(Engine::new());
    engine.load(Instant::ZERO, &image()).expect("the program is right");
    settle(&mut engine, Instant::ZERO);
    for input in 0..16 {
        let start = Input::Level { input: InputId(input), level: Level::Off, why: LevelWhy::Start };
        feed(&mut engine, Instant::ZERO, start);
    }
    feed(&mut engine, Instant::ZERO, Input::Clock { unix: 0, offset: 0, trusted: false });
    engine
}

fn settle(engine: &mut Engine<Sixteen>, now: Instant) {
    while !matches!(engine.poll(now), Step::Idle { .. }) {}
}

/// What the runner does for an input: hand it in, behind what is due by then, and learn the next deadline.
#[inline]
fn feed(engine: &mut Engine<Sixteen>, at: Instant, input: Input) {
    while engine.handle(at, input).is_err() {
        settle(engine, at);
    }
    settle(engine, at);
}

/// Edges that decide nothing: a line that chatters faster than its glitch guard.
fn raw(rounds: u64) -> u64 {
    let mut engine = started();
    let begin = engine.log().head();
    for round in 0..rounds {
        let at = Instant::from_micros(1_000_000 + round * 300);
        feed(
            &mut engine,
            at,
            Input::Edge { input: black_box(InputId(3)), level: Level::from_bool(round % 2 == 0) },
        );
    }
    black_box(engine).log().head().pos - begin.pos
}

/// From press to end: edge, event, run, two sets with their effects, end. With `quiet`, the line is read in between too.
fn press(rounds: u64, quiet: bool) -> u64 {
    let mut engine = started();
    let begin = engine.log().head();
    let period = if quiet { 30_000 } else { 20_500 };
    for round in 0..rounds {
        let start = 1_000_000 + round * period;
        let level = Level::from_bool(round % 2 == 0);
        feed(&mut engine, Instant::from_micros(start), Input::Edge { input: InputId(2), level });
        settle(&mut engine, Instant::from_micros(start + 2_000));
        if quiet {
            settle(&mut engine, Instant::from_micros(start + 25_000));
        }
    }
    black_box(engine).log().head().pos - begin.pos
}

/// Whole rings, every bounce; gives edges and bytes.
fn rings(rounds: u64) -> (u64, u64) {
    let mut engine = started();
    let begin = engine.log().head();
    let mut edges = 0;
    for round in 0..rounds {
        let mut at = 1_000_000 + round * 1_000_000;
        for (index, gap) in PRESS.iter().chain(&RELEASE).enumerate() {
            at += gap;
            let level = Level::from_bool(index % 2 == 0);
            feed(&mut engine, Instant::from_micros(at), Input::Edge { input: InputId(0), level });
            edges += 1;
        }
        settle(&mut engine, Instant::from_micros(at + 200_000));
    }
    (edges, black_box(engine).log().head().pos - begin.pos)
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let part = args.next();
    let rounds = args.next().and_then(|arg| arg.parse().ok()).unwrap_or(200_000);
    match part.as_deref() {
        Some("raw") => drop(black_box(raw(rounds))),
        Some("press") => drop(black_box(press(rounds, false))),
        Some("press-quiet") => drop(black_box(press(rounds, true))),
        Some("rings") => drop(black_box(rings(rounds))),
        _ => report(rounds),
    }
}

fn report(rounds: u64) {
    let per = |total: u64, of: u64| total as f64 / of as f64;
    println!("bytes per raw edge            {:.2}", per(raw(rounds), rounds));
    println!("bytes per press               {:.2}", per(press(rounds, false), rounds));
    let (edges, bytes) = rings(rounds);
    println!("bytes per edge of a ring      {:.2}", per(bytes, edges));
    println!("size_of the 16/16 engine      {} bytes", size_of::<Engine<Sixteen>>());
    let mut rates: Vec<u64> = (0..9)
        .map(|_| {
            let watch = Stopwatch::now();
            let (edges, _) = rings(rounds / 4);
            (edges as f64 / watch.elapsed().as_secs_f64()) as u64
        })
        .collect();
    rates.sort_unstable();
    println!("edges per second, median of 9 {} ({} to {})", rates[4], rates[0], rates[8]);
}
