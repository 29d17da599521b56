//! Figures of loop and simulator; `cargo run --release -p campanile-sim --example figures`. Each is the median of nine.

use std::collections::BTreeMap;
use std::future::pending;
use std::hint::black_box;
use std::time::Instant as Wall;

use campanile_clock::Virtual;
use campanile_core::capacity::Tiny;
use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::engine::Engine;
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::Input;
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::{InputDef, Parts, image};
use campanile_core::runner::{self, Captured, Edges, Message, Options, Outputs, Recorder, Refused, Start};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::symbols::{Active, Input as Named, Line, Pull, Report, Symbols};
use campanile_sim::bounce::Model;
use campanile_sim::script::{Action, Bounce, Script, Step};
use campanile_sim::world::{House, Options as Play, play};
use embassy_futures::select::select;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::Timer;

const EDGES: u64 = 1_000_000;

fn main() {
    let took = median(|| {
        let began = Wall::now();
        assert_eq!(black_box(run_edges()), EDGES);
        began.elapsed().as_nanos() as u64
    });
    println!("loop: {:.2} million raw edges/s ({} ns each)", 1e3 * EDGES as f64 / took as f64, took / EDGES);
    let (script, edges) = day();
    let house = House { image: program(), symbols: symbols() };
    let took = median(|| {
        let began = Wall::now();
        black_box(play(&script, &house, &BTreeMap::new(), &Play::default()).expect("the day plays"));
        began.elapsed().as_micros() as u64
    });
    println!(
        "simulator: a day of about {edges} edges, with journal and trace, in {:.1} ms",
        took as f64 / 1e3
    );
}

fn median(mut run: impl FnMut() -> u64) -> u64 {
    let mut took: Vec<u64> = (0..9).map(|_| run()).collect();
    took.sort_unstable();
    took[4]
}

fn program() -> Vec<u8> {
    let debounce = Debounce {
        press: Algorithm::Eager { t_us: 20_000, after_us: 1_000 },
        release: Algorithm::Defer { t_us: 30_000 },
        max_wait_us: 0,
    };
    let parts = Parts { inputs: &[InputDef { line: 1, debounce, storm: 0 }], ..Parts::default() };
    let mut bytes = [0; 128];
    let len = image::encode(&parts, &mut bytes).expect("it fits");
    bytes[..len].to_vec()
}

fn symbols() -> Symbols {
    let mut symbols = Symbols::new("figures");
    symbols.inputs.push(Named {
        name: "button".into(),
        board: "pi".into(),
        line: Line::Offset(1),
        active: Active::High,
        pull: Pull::AsIs,
        class: "button".into(),
        durable: false,
        report: Report::default(),
    });
    symbols
}

/// 500 presses and releases with the bounces of a switch, and how many edges these have, about.
fn day() -> (Script, u64) {
    let touch = |at_ms: u64, to| Step {
        at: Instant::from_micros(at_ms * 1_000),
        action: Action::Input { input: "button".into(), to, bounce: Bounce::Drawn(Model::Switch) },
    };
    let visits = 500;
    let steps = (0..2 * visits).map(|half| {
        let (visit, to) = (half / 2, Level::from_bool(half % 2 == 0));
        touch(visit * 172_000 + half % 2 * 200, to)
    });
    let script =
        Script { seed: 1, until: Duration::from_secs(86_400), steps: steps.collect(), ..Script::default() };
    // A press has one edge and two to twelve more, a release one and two to eight.
    (script, visits * (8 + 6))
}

/// Fifty edges every two milliseconds, as a bouncing contact would make them: at most some decide.
struct Source {
    left: u64,
    at: u64,
}

impl Edges for Source {
    fn next(&mut self) -> Option<Captured> {
        if self.left == 0 || self.at > campanile_clock::now_us() {
            return None;
        }
        self.left -= 1;
        let captured = Captured {
            at: Instant::from_micros(self.at),
            input: Input::Edge { input: InputId(0), level: Level::from_bool(self.left % 2 == 1) },
        };
        self.at += if self.left.is_multiple_of(50) { 1_951 } else { 1 };
        Some(captured)
    }

    async fn ready(&mut self) {
        if self.left == 0 {
            pending::<()>().await;
        }
        // Fifty are there at once, as after a read of the kernel's buffer.
        Timer::at(embassy_time::Instant::from_micros(self.at + 50)).await;
    }
}

struct Nothing;

impl Outputs for Nothing {
    fn set(&mut self, _: OutputId, _: Level) -> Result<(), Refused> {
        Ok(())
    }
    fn read(&mut self, _: InputId) -> Option<Level> {
        None
    }
}

impl Recorder for Nothing {
    fn record(&mut self, log: &EventLog<'_>, _: Cursor) -> Cursor {
        log.head()
    }
}

fn run_edges() -> u64 {
    let clock = Virtual::enter(0);
    let (mut engine, mut source) = (Engine::<Tiny>::new(), Source { left: EDGES, at: 1 });
    let messages = Channel::<NoopRawMutex, Message, 4>::new();
    let (mut outputs, mut recorder) = (Nothing, Nothing);
    let all = async {
        let begin = Start { image: &program(), boot: 1, off: None, clock: None };
        let begun = runner::start(&mut engine, Instant::ZERO, begin, [], &mut outputs, &mut recorder).await;
        begun.expect("a valid program");
        let messages = messages.receiver();
        let options = Options::INTERRUPTS;
        let run = runner::run(&mut engine, &mut source, messages, &mut outputs, &mut recorder, options);
        select(run, Timer::at(embassy_time::Instant::from_micros(EDGES * 40 + 100_000))).await;
    };
    clock.block_on(all).expect("it ends");
    u64::from(engine.log().counters()[0])
}
