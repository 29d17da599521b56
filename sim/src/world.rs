//! The world of one node: a script moves its lines, speaks to it, cuts its power, and the trace tells what it did.
//!
//! Time is virtual and stands while anything is ready; what is due at the time of a step happens before it. All that is
//! random comes from the seed: the same script, house and seed give the same trace and the same bytes of log.

mod steps;
mod tape;
#[cfg(test)]
mod tests;
mod timeline;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use campanile_clock::Virtual;
use campanile_core::id::InputId;
use campanile_core::input::{Input, Op};
use campanile_core::program::image;
use campanile_core::runner::Message;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::gate::Gates;
use campanile_delivery::symbols::Symbols;

use crate::executor::Executor;
use crate::node::{self, Knowledge, Node, Setup};
use crate::prng::Prng;
use crate::script::Script;
use crate::trace::Trace;

pub use crate::error::SimError;
pub use crate::house::{House, SatelliteHouse};
pub use crate::node::Size;

use tape::Tape;
use timeline::{Event, Timeline};

/// How a script is played.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Instead of the script's own.
    pub seed: Option<u64>,
    /// The trace shows raw edges and bookkeeping too.
    pub verbose: bool,
    /// How long after its stamp an edge may reach the loop; see the runner.
    pub slack: Duration,
    /// The loop is woken up to this much later than it could be, at random. The log does not depend on it.
    pub wake_delay: Duration,
}

/// What a script led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The lines of the trace, each with its end.
    pub trace: String,
    /// The bytes of the engine's log, a piece for each start.
    pub logs: Vec<Vec<u8>>,
}

/// Plays a script. `others` are the houses that its `swap`s name.
///
/// # Errors
/// A name that the house has not, a program that is refused, a journal that does not open: see [`SimError`].
///
/// # Panics
/// If this thread holds a virtual clock already.
pub fn play(
    script: &Script,
    house: &House,
    others: &BTreeMap<String, House>,
    options: &Options,
) -> Result<Outcome, SimError> {
    play_and_keep(script, house, others, options).map(|(outcome, _)| outcome)
}

/// As [`play`]; gives the node's disk too, with the journal on it.
///
/// # Errors
/// As [`play`].
///
/// # Panics
/// As [`play`].
pub fn play_and_keep(
    script: &Script,
    house: &House,
    others: &BTreeMap<String, House>,
    options: &Options,
) -> Result<(Outcome, Arc<Disk>), SimError> {
    let clock = Virtual::enter(0);
    let mut world = World::new(&clock, script, house, others, options)?;
    world.run(script)?;
    if let Some(life) = &world.node.life {
        // Lonely edges wait for company, and the end is none.
        life.journal.borrow_mut().commit(node::now());
    }
    let (tape, disk) = (world.node.witness.take(), Arc::clone(&world.node.disk));
    drop(world);
    Ok((Outcome { trace: tape.lines, logs: tape.logs }, disk))
}

struct World<'a> {
    clock: &'a Virtual,
    executor: Executor<'a>,
    options: &'a Options,
    /// Hashes of the houses that a swap may name.
    names: BTreeMap<&'a str, u64>,
    node: Node<Tape>,
    timeline: Timeline<'a>,
    /// The process stands still until then, whatever wakes it.
    asleep: Option<u64>,
    wall: Option<Wall>,
    /// In front of the sensors, as in the daemon.
    gates: Gates,
    commands: u32,
    /// For contacts, for wake-up delays.
    bounces: Prng,
    delays: Prng,
}

/// The wall clock of the house.
#[derive(Clone, Copy)]
struct Wall {
    at: Instant,
    unix: i64,
    offset: i32,
    trusted: bool,
}

impl Wall {
    fn input(self, now: Instant) -> Input {
        let unix = self.unix.saturating_add_unsigned(now.since(self.at).micros());
        Input::Clock { unix, offset: self.offset, trusted: self.trusted }
    }
}

impl<'a> World<'a> {
    fn new(
        clock: &'a Virtual,
        script: &'a Script,
        house: &'a House,
        others: &'a BTreeMap<String, House>,
        options: &'a Options,
    ) -> Result<Self, SimError> {
        let first = image::hash(&house.image);
        let names = others.iter().map(|(name, house)| (name.as_str(), image::hash(&house.image))).collect();
        let houses = others.values().chain([house]).map(|house| (image::hash(&house.image), house.clone()));
        let name = house.symbols.node.parse().map_err(|_| SimError::NodeName(house.symbols.node.clone()))?;
        let trace = if options.verbose { Trace::new().verbose() } else { Trace::new() };
        let seed = Prng::new(options.seed.unwrap_or(script.seed));
        let setup = Setup { slack: options.slack, ..Setup::default() };
        let tape = Tape { trace, ..Tape::default() };
        Ok(Self {
            clock,
            executor: Executor::new(clock, seed.fork("order")),
            options,
            names,
            node: Node::new(name, setup, Rc::new(houses.collect()), first, tape, &seed),
            timeline: Timeline::new(script),
            asleep: None,
            wall: None,
            gates: Gates::default(),
            commands: 0,
            bounces: seed.fork("bounces"),
            delays: seed.fork("delays"),
        })
    }

    fn run(&mut self, script: &Script) -> Result<(), SimError> {
        self.begin(false)?;
        let until = script.until.micros();
        while let Some((at, event)) = self.timeline.next(until) {
            self.run_to(at)?;
            self.happen(event)?;
        }
        self.run_to(until)?;
        match self.node.witness.borrow().refused.first() {
            Some(why) => Err(SimError::Program(*why)),
            None => Ok(()),
        }
    }

    /// Lets time pass; what is due at `time` itself is done.
    fn run_to(&mut self, time: u64) -> Result<(), SimError> {
        loop {
            if let Some(until) = self.asleep {
                if until > time {
                    self.clock.advance_to(time);
                    return Ok(());
                }
                self.clock.advance_to(until);
                self.asleep = None;
            } else if !self.options.wake_delay.is_zero() && self.executor.is_ready() {
                // Time goes on, and with it the lines, before the process has its turn.
                self.asleep = Some(self.clock.now() + self.delays.below(self.options.wake_delay.micros()));
                continue;
            }
            self.executor.settle()?;
            if self.node.own_up() {
                continue;
            }
            match self.clock.next_deadline() {
                Some(deadline) if deadline <= time => {
                    self.clock.advance_to(deadline);
                }
                _ => {
                    self.clock.advance_to(time);
                    return Ok(());
                }
            }
        }
    }

    /// The process starts.
    fn begin(&mut self, known: bool) -> Result<(), SimError> {
        let knowledge = Knowledge {
            clock: self.wall.map(|wall| wall.input(node::now())),
            // As a host knows it: since the last record, which is all that tells when the power went.
            off: known.then_some(|recall, _| recall.program.is_some().then(|| node::now().since(recall.at))),
        };
        self.node.begin(&mut self.executor, knowledge).map(drop)
    }

    /// The process is gone, in the middle of whatever it did.
    fn end(&mut self) {
        self.node.end(&mut self.executor);
        self.gates.clear();
    }

    fn happen(&mut self, event: Event<'a>) -> Result<(), SimError> {
        match event {
            Event::Step(action) => self.act(action),
            Event::Move { input, to } => {
                // A bounce of a line that no program watches any more moves nothing that anybody would see.
                if let Some(input) = self.symbols()?.find_input(input) {
                    self.node.board.move_input(node::now(), input, to);
                }
                Ok(())
            }
            Event::Play { input, to } => self.command(&Op::Play { input, level: to }, None, Duration::ZERO),
            Event::Release { sensor } => {
                let symbols = self.symbols()?;
                let found = symbols.find_sensor(sensor);
                let kept = found.and_then(|id| Some((id, symbols.sensors.get(id.index())?.clone())));
                if let Some((id, kept)) = kept
                    && let Some(value) = self.gates.release(&kept, node::now())
                {
                    self.node.send(Message::Input(Input::Reading { sensor: id, value }));
                }
                Ok(())
            }
            Event::Begin { known } => self.begin(known),
        }
    }

    fn input(&self, name: &str) -> Result<InputId, SimError> {
        self.symbols()?.find_input(name).ok_or_else(|| SimError::unknown("input", name))
    }

    /// The names of the program that runs.
    fn symbols(&self) -> Result<&Symbols, SimError> {
        Ok(&self.node.house()?.symbols)
    }
}
