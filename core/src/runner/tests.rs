//! The loop on a virtual clock. Whole stories are in the simulator's tests and the scenario files.

mod pressure;
mod swaps;

use core::cell::{Cell, RefCell};
use core::future::Future;
use std::rc::Rc;
use std::vec::Vec;

use campanile_clock::Virtual;
use embassy_futures::join::join;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::Timer;

use super::*;
use crate::capacity::Tiny;
use crate::debounce::{Algorithm, Debounce};
use crate::decision::{By, Decision, FaultKind, SafetyWhy, Source};
use crate::id::ScenarioId;
use crate::input::OverrunWhy;
use crate::program::code::Step;
use crate::program::{InputDef, On, OutputDef, Parts, ScenarioDef, TriggerDef};
use crate::record::Record;
use crate::wire::{Wire, Writer};

const DOOR: InputId = InputId(0);
const LAMP: OutputId = OutputId(0);

/// The door, debounced by 10 ms, lights the lamp.
fn program() -> Vec<u8> {
    let door = On::Input { input: DOOR, to: Some(Level::On), hold: Duration::ZERO };
    lighting(&[TriggerDef { scenario: ScenarioId(0), on: door }], 0)
}

/// These light the lamp. The door has a guard that lets so many edges a second through.
fn lighting(triggers: &[TriggerDef], storm: u16) -> Vec<u8> {
    lighting_on(2, triggers, storm)
}

/// The same with the lamp on another line.
fn lighting_on(lamp: u32, triggers: &[TriggerDef], storm: u16) -> Vec<u8> {
    let mut code = [0; 16];
    let mut w = Writer::new(&mut code);
    Step::Set { output: LAMP, level: Level::On }.put(&mut w);
    let len = w.finish().unwrap();
    let defer = Algorithm::Defer { t_us: 10_000 };
    image_of(&Parts {
        inputs: &[InputDef {
            line: 1,
            debounce: Debounce { press: defer, release: defer, max_wait_us: 0 },
            storm,
        }],
        outputs: &[OutputDef { line: lamp, safe: Level::Off, max_on: Duration::ZERO }],
        triggers,
        scenarios: &[ScenarioDef { body: len as u16, ..Default::default() }],
        code: &code[..len],
        ..Default::default()
    })
}

fn image_of(parts: &Parts<'_>) -> Vec<u8> {
    let mut bytes = [0; 256];
    let len = image::encode(parts, &mut bytes).unwrap();
    bytes[..len].to_vec()
}

/// Everything around the loop, as seen from outside.
struct Bench {
    queue: EdgeQueue<NoopRawMutex, 4, 1>,
    messages: Channel<NoopRawMutex, Message, 8>,
    line: Cell<Level>,
    lamp: Cell<Level>,
    broken: Cell<bool>,
    /// The recorder takes nothing.
    blocked: Cell<bool>,
    lagged: Cell<bool>,
    records: RefCell<Vec<(u64, Record)>>,
    checkpoints: RefCell<Vec<(usize, Vec<Restore>)>>,
    failed: RefCell<Vec<(u64, LoadError)>>,
    /// Those that can be installed.
    programs: RefCell<Vec<Vec<u8>>>,
}

struct Lines(Rc<Bench>);

impl Outputs for Lines {
    fn set(&mut self, _: OutputId, level: Level) -> Result<(), Refused> {
        if self.0.broken.get() {
            return Err(Refused);
        }
        self.0.lamp.set(level);
        Ok(())
    }
    fn read(&mut self, _: InputId) -> Option<Level> {
        Some(self.0.line.get())
    }
}

struct Memory {
    bench: Rc<Bench>,
    /// Of the checkpoint under way.
    items: Vec<Restore>,
    /// The program of the last request.
    image: Option<Vec<u8>>,
}

impl Recorder for Memory {
    fn record(&mut self, log: &EventLog<'_>, mut from: Cursor) -> Cursor {
        while !self.bench.blocked.get() {
            match log.read(from) {
                Ok(Some((entry, next))) => {
                    self.bench.records.borrow_mut().push((entry.at.micros(), entry.record));
                    from = next;
                }
                Ok(None) => break,
                Err(lagged) => {
                    self.bench.lagged.set(true);
                    from = lagged.resume;
                }
            }
        }
        from
    }
    async fn room(&mut self) {
        while self.bench.blocked.get() {
            Timer::after_millis(1).await;
        }
    }
    fn checkpoint(&mut self, item: Restore) {
        self.items.push(item);
    }
    fn checkpoint_done(&mut self) {
        let records = self.bench.records.borrow().len();
        self.bench.checkpoints.borrow_mut().push((records, core::mem::take(&mut self.items)));
    }
    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        let programs = self.bench.programs.borrow();
        self.image = programs.iter().find(|program| image::hash(program) == hash).cloned();
        self.image.as_deref()
    }
    fn install_failed(&mut self, hash: u64, why: LoadError) {
        self.bench.failed.borrow_mut().push((hash, why));
    }
}

impl Bench {
    fn new() -> Rc<Self> {
        Rc::new(Self {
            queue: EdgeQueue::new(),
            messages: Channel::new(),
            line: Cell::new(Level::Off),
            lamp: Cell::new(Level::On),
            broken: Cell::new(false),
            blocked: Cell::new(false),
            lagged: Cell::new(false),
            records: RefCell::default(),
            checkpoints: RefCell::default(),
            failed: RefCell::default(),
            programs: RefCell::default(),
        })
    }

    fn edge(&self, us: u64, level: Level) {
        self.line.set(level);
        self.queue.push(at(us), DOOR, level);
    }

    async fn say(&self, message: Message) {
        self.messages.send(message).await;
    }

    /// The records from `us` on.
    fn since(&self, us: u64) -> Vec<(u64, Record)> {
        self.records.borrow().iter().copied().filter(|(at, _)| *at >= us).collect()
    }

    fn count(&self, is: impl Fn(&Record) -> bool) -> usize {
        self.records.borrow().iter().filter(|(_, record)| is(record)).count()
    }
}

const fn at(us: u64) -> Instant {
    Instant::from_micros(us)
}

const fn edge(level: Level) -> Record {
    Record::Input(Input::Edge { input: DOOR, level })
}

const fn event(value: i32, onset_ago: u64, bounces: u16) -> Record {
    let source = Source::Input { input: DOOR };
    Record::Decision(Decision::Event {
        source,
        value: Some(value),
        onset_ago: Duration::from_micros(onset_ago),
        bounces,
    })
}

/// Runs the loop beside a story, which begins at 100 ms, and stops it when the story is over.
fn play<F: Future<Output = ()>>(slack_us: u64, story: impl FnOnce(Rc<Bench>) -> F) -> Rc<Bench> {
    play_in(&program(), slack_us, story)
}

fn play_in<F: Future<Output = ()>>(
    image: &[u8],
    slack_us: u64,
    story: impl FnOnce(Rc<Bench>) -> F,
) -> Rc<Bench> {
    play_on(Bench::new(), image, slack_us, story)
}

fn play_on<F: Future<Output = ()>>(
    bench: Rc<Bench>,
    image: &[u8],
    slack_us: u64,
    story: impl FnOnce(Rc<Bench>) -> F,
) -> Rc<Bench> {
    let clock = Virtual::enter(0);
    let mut lines = Lines(bench.clone());
    let mut memory = Memory { bench: bench.clone(), items: Vec::new(), image: None };
    let mut engine = Engine::<Tiny>::new();
    let mut edges = &bench.queue;
    let begin = Start { image, boot: 1 << 32, off: None, clock: None };
    let all = async {
        let recorded = start(&mut engine, at(0), begin, [], &mut lines, &mut memory).await.unwrap();
        let options =
            Options { slack: Duration::from_micros(slack_us), zone: None, recorded: Some(recorded) };
        let messages = bench.messages.receiver();
        let run = run(&mut engine, &mut edges, messages, &mut lines, &mut memory, options);
        let story = async {
            Timer::at(embassy_time::Instant::from_millis(100)).await;
            story(bench.clone()).await;
            bench.say(Message::Stop).await;
        };
        join(run, story).await
    };
    let (stopped, ()) = clock.block_on(all).unwrap();
    assert_eq!(stopped.recorded, engine.log().head());
    bench
}

async fn until(us: u64) {
    Timer::at(embassy_time::Instant::from_micros(us)).await;
}

#[test]
fn an_edge_that_comes_late_within_the_slack_still_comes_before_the_deadline() {
    let story = |bench: Rc<Bench>| async move {
        bench.edge(100_000, Level::On);
        until(110_300).await;
        // Captured 100 us before the deadline, seen 300 us behind it.
        bench.edge(109_900, Level::Off);
        until(150_000).await;
    };
    let with_slack = play(500, story);
    assert_eq!(with_slack.since(100_000)[..2], [(100_000, edge(Level::On)), (109_900, edge(Level::Off))]);
    assert_eq!(with_slack.count(|record| matches!(record, Record::Decision(Decision::Event { .. }))), 1);

    let without = play(0, story);
    let late = Input::Late { input: DOOR, level: Level::Off, by: Duration::from_micros(100) };
    assert_eq!(without.since(110_000)[0], (110_000, event(1, 10_000, 0)));
    assert!(without.since(110_000).contains(&(110_000, Record::Input(late))));
}

#[test]
fn a_message_waits_aside_until_no_edge_can_come_before_it() {
    let bench = play(500, |bench| async move {
        bench.edge(100_000, Level::On);
        until(110_100).await;
        bench.say(Message::Input(Input::Overrun { input: None, lost: 1, why: OverrunWhy::Queue })).await;
        until(110_300).await;
        bench.edge(109_900, Level::Off);
        until(150_000).await;
    });
    let overrun = Input::Overrun { input: None, lost: 1, why: OverrunWhy::Queue };
    assert_eq!(
        bench.since(100_000)[..3],
        [(100_000, edge(Level::On)), (109_900, edge(Level::Off)), (110_100, Record::Input(overrun)),]
    );
}

#[test]
fn old_commands_are_answered_and_not_carried_out() {
    let bench = play(0, |bench| async move {
        until(40_000_000).await;
        for (id, issued_s) in [(1, 9), (2, 10)] {
            let op = Op::Set { output: LAMP, level: Level::On };
            let issued = at(issued_s * 1_000_000);
            bench.say(Message::Command { origin: Origin::Local, id, op, issued }).await;
        }
        until(40_000_001).await;
        assert_eq!(bench.lamp.get(), Level::On);
    });
    let expired = Input::Command { origin: Origin::Local, id: 1, op: Op::Expired {} };
    assert_eq!(bench.since(40_000_000)[0], (40_000_000, Record::Input(expired)));
    let on =
        |record: &Record| matches!(record, Record::Decision(Decision::Set { by: By::Command { .. }, .. }));
    assert_eq!(bench.count(on), 1);
}

#[test]
fn a_line_that_moved_without_an_edge_is_found_out_when_its_episode_is_over() {
    let bench = play(500, |bench| async move {
        bench.edge(100_000, Level::On);
        until(105_000).await;
        bench.line.set(Level::Off);
        until(150_000).await;
    });
    let found = Input::Level { input: DOOR, level: Level::Off, why: LevelWhy::Quiet };
    // Asked for at the decision, read when the slack had passed, and again behind the slack.
    assert!(bench.since(110_000).contains(&(111_000, Record::Input(found))), "{:?}", bench.since(110_000));
    assert!(bench.since(110_000).contains(&(121_000, event(0, 10_000, 0))));
}

#[test]
fn a_reading_that_an_edge_explains_is_no_news() {
    let bench = play(500, |bench| async move {
        bench.edge(100_000, Level::On);
        until(110_450).await;
        // The line has moved; its edge is still on the way when the loop reads it.
        bench.line.set(Level::Off);
        until(110_700).await;
        bench.edge(110_450, Level::Off);
        until(150_000).await;
    });
    assert_eq!(
        bench.count(|record| matches!(record, Record::Input(Input::Level { why: LevelWhy::Quiet, .. }))),
        0
    );
    assert!(bench.since(110_000).contains(&(120_450, event(0, 10_000, 0))));
}

#[test]
fn a_checkpoint_stands_behind_all_records_and_holds_while_the_recorder_is_behind() {
    let bench = play(0, |bench| async move {
        bench.edge(100_000, Level::On);
        until(120_000).await;
        bench.blocked.set(true);
        bench.edge(120_000, Level::Off);
        bench.say(Message::Checkpoint).await;
        until(125_000).await;
        assert_eq!(bench.checkpoints.borrow().len(), 0);
        bench.blocked.set(false);
        until(128_000).await;
        let checkpoints = bench.checkpoints.borrow();
        let (records, items) = &checkpoints[0];
        assert_eq!(*records, bench.records.borrow().len());
        assert!(
            items
                .iter()
                .any(|item| matches!(item, Restore::Input { raw: Level::Off, reported: Level::On, .. }))
        );
    });
    assert_eq!(bench.checkpoints.borrow().len(), 1);
}

#[test]
fn a_program_that_is_not_there_is_said_and_the_old_one_goes_on() {
    let bench = play(0, |bench| async move {
        bench.say(Message::Install { hash: 9 }).await;
        until(101_000).await;
        bench.edge(101_000, Level::On);
        until(150_000).await;
    });
    assert_eq!(bench.failed.borrow()[..], [(9, LoadError::NotAnImage)]);
    assert!(bench.since(101_000).contains(&(111_000, event(1, 10_000, 0))));
}

#[test]
fn hardware_that_refuses_is_recorded_once_and_so_is_its_recovery() {
    let bench = play(0, |bench| async move {
        bench.broken.set(true);
        let set = |id, level| Message::Command {
            origin: Origin::Local,
            id,
            op: Op::Set { output: LAMP, level },
            issued: at(100_000),
        };
        bench.say(set(1, Level::On)).await;
        bench.say(set(2, Level::Off)).await;
        until(110_000).await;
        bench.broken.set(false);
        bench.say(set(3, Level::On)).await;
        until(120_000).await;
        assert_eq!(bench.lamp.get(), Level::On);
    });
    let done = |ok| move |record: &Record| *record == Record::Input(Input::Done { output: LAMP, ok });
    assert_eq!((bench.count(done(false)), bench.count(done(true))), (1, 1));
}

#[test]
fn at_the_end_outputs_are_safe_and_the_recorder_has_everything() {
    let bench = play(500, |bench| async move {
        bench.edge(100_000, Level::On);
        until(120_000).await;
        assert_eq!(bench.lamp.get(), Level::On);
    });
    assert_eq!(bench.lamp.get(), Level::Off);
    let by = By::Safety { why: SafetyWhy::Stop };
    let last = Record::Decision(Decision::Set { output: LAMP, level: Level::Off, by });
    let end = [(120_000, Record::Input(Input::Stop {})), (120_000, last)];
    assert!(bench.records.borrow().ends_with(&end));
}
