//! The engine alone, and the firmware loop around it, at a line that rings without end.

use std::future::pending;
use std::hint::black_box;

use campanile_clock::Virtual;
use campanile_core::engine::{Engine, Rejected, Step};
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::record::{MAX_RECORD, Record};
use campanile_core::runner::{self, Captured, Edges, Message, Options, Outputs, Recorder, Refused, Start};
use campanile_core::time::{Duration, Instant};
use embassy_futures::select::select;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::Timer;

use crate::house::RING;

campanile_core::capacity! {
    Doorbell {
        inputs: 4, outputs: 4, sensors: 0, variables: 2, triggers: 4, schedules: 0, scenarios: 2, runs: 2,
        code: 256, log: 16384,
    }
}

const BUTTON: InputId = InputId(0);

/// The edges of one ring after the other.
#[derive(Default)]
struct Bell {
    given: u64,
    at: u64,
}

impl Bell {
    fn next(&mut self) -> (Instant, Level) {
        self.at += RING[(self.given % 16) as usize];
        // A press has nine edges and ends on, a release has seven and ends off.
        let on = self.given.is_multiple_of(2);
        self.given += 1;
        (Instant::from_micros(self.at), Level::from_bool(on))
    }
}

/// So many edges through the engine: each is taken, what is due is done, all is logged.
pub(crate) fn engine(image: &[u8], edges: u64) -> u64 {
    let mut engine = Box::new(Engine::<Doorbell>::new());
    engine.load(Instant::ZERO, image).expect("a valid program");
    settle(&mut engine, Instant::ZERO);
    let level = Input::Level { input: BUTTON, level: Level::Off, why: LevelWhy::Start };
    engine.handle(Instant::ZERO, level).expect("the first reading");
    settle(&mut engine, Instant::ZERO);
    let mut bell = Bell::default();
    for _ in 0..edges {
        let (at, level) = bell.next();
        let edge = Input::Edge { input: BUTTON, level };
        if engine.handle(at, edge) == Err(Rejected::Busy) {
            settle(&mut engine, at);
            engine.handle(at, edge).expect("settled");
        }
    }
    black_box(engine.log().head().pos)
}

fn settle(engine: &mut Engine<Doorbell>, at: Instant) {
    while !matches!(engine.poll(at), Step::Idle { .. }) {}
}

/// The same loop without an engine: each edge becomes the bytes of its record.
pub(crate) fn no_engine(edges: u64) -> u64 {
    let (mut bell, mut bytes, mut written, mut last) = (Bell::default(), [0; MAX_RECORD], 0, Instant::ZERO);
    for _ in 0..edges {
        let (at, level) = bell.next();
        let record = Record::Input(Input::Edge { input: BUTTON, level });
        written += record.encode(at.since(last), &mut bytes).expect("it fits") as u64;
        last = at;
        black_box(&bytes);
    }
    written
}

/// A kernel's buffer in front of the loop: what has come by the virtual time is there at once.
struct Source {
    bell: Bell,
    next: Option<(Instant, Level)>,
    left: u64,
}

impl Source {
    fn new(edges: u64) -> Self {
        let mut bell = Bell::default();
        Self { next: Some(bell.next()), bell, left: edges }
    }
}

impl Edges for Source {
    fn next(&mut self) -> Option<Captured> {
        let (at, level) = self.next?;
        if at.micros() > campanile_clock::now_us() {
            return None;
        }
        self.left -= 1;
        self.next = (self.left > 0).then(|| self.bell.next());
        Some(Captured { at, input: Input::Edge { input: BUTTON, level } })
    }

    async fn ready(&mut self) {
        match self.next {
            // As an interrupt: one edge wakes the loop, and the rest of a bounce is there by then.
            Some((at, _)) => Timer::at(embassy_time::Instant::from_micros(at.micros() + 3_000)).await,
            None => pending().await,
        }
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

/// So many edges through the loop that ships, under the virtual clock.
pub(crate) fn runner(image: &[u8], edges: u64) -> u64 {
    let clock = Virtual::enter(0);
    let (mut engine, mut source) = (Box::new(Engine::<Doorbell>::new()), Source::new(edges));
    let messages = Channel::<NoopRawMutex, Message, 4>::new();
    let (mut outputs, mut recorder) = (Nothing, Nothing);
    let end = RING.iter().sum::<u64>() * (edges / 16 + 1) + 2_000_000;
    let all = async {
        let begin = Start { image, boot: 1, off: None, clock: None };
        let begun = runner::start(&mut engine, Instant::ZERO, begin, [], &mut outputs, &mut recorder).await;
        begun.expect("a valid program");
        let options = Options { slack: Duration::from_millis(4), ..Options::INTERRUPTS };
        let messages = messages.receiver();
        let run = runner::run(&mut engine, &mut source, messages, &mut outputs, &mut recorder, options);
        select(run, Timer::at(embassy_time::Instant::from_micros(end))).await;
    };
    clock.block_on(all).expect("it ends");
    edges - source.left
}

/// The same without a loop and an engine: the source is drained and the virtual clock goes on.
pub(crate) fn no_runner(edges: u64) -> u64 {
    let clock = Virtual::enter(0);
    let (mut source, mut count) = (Source::new(edges), 0);
    let all = async {
        while count < edges {
            source.ready().await;
            while let Some(captured) = source.next() {
                black_box(captured);
                count += 1;
            }
        }
    };
    clock.block_on(all).expect("it ends");
    count
}
