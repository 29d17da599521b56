//! A node in the swarm: what ships, with its own clock, its sinks, and the judges beside it.

mod checks;
mod outposts;
pub(super) mod wall;
mod work;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use campanile_clock::{Lens, Virtual};
use campanile_core::id::{InputId, OutputId};
use campanile_core::input::Input;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::{Disk, Faults, PowerCut};
use campanile_delivery::gate::Gates;
use campanile_delivery::{Journal, Options as JournalOptions, Position, SinkName, Sync, WhenFull};

use self::outposts::Outposts;
pub(super) use self::wall::Wall;
use super::courier::Courier;
use super::judge::{
    self, age::Age, commands::Commands, journal, lines::Lines, messages::Messages, outputs::Outputs,
    runs::Runs, schedules::Schedules, steps::Steps, window::Window,
};
use super::line::Stuck;
use super::plan::{JournalPlan, NodePlan};
use super::receiver::Receiver;
use super::rules::{Rulebook, Rules};
use super::satellite::Programs;
use super::talk::Talk;
use super::tape::{Tape, mix};
use super::turns::Turns;
use crate::error::SimError;
use crate::executor::Executor;
use crate::house::{House, Houses};
use crate::node::{self, Knowledge, Node, Setup};
use crate::prng::Prng;

/// One way out of the node: the sink while the process lives, and the receiver at the other end.
pub(super) struct Way {
    pub(super) name: SinkName,
    pub(super) courier: Option<Courier>,
    pub(super) receiver: Receiver,
    /// What the sink has under way over its connection.
    pub(super) window: Window,
}

/// What all nodes of a world have in common.
pub(super) struct Given<'a> {
    pub(super) houses: &'a Rc<Houses>,
    /// The one with which they begin.
    pub(super) program: u64,
    pub(super) rulebook: &'a Rc<Rulebook>,
    /// The files that each may have.
    pub(super) files: &'a Rc<[House]>,
    /// The programs of the boards at each port.
    pub(super) boards: &'a [Rc<Programs>],
}

pub(super) struct Station<'a> {
    pub(super) plan: &'a NodePlan,
    pub(super) node: Node<Tape>,
    pub(super) executor: Executor<'a>,
    clock: &'a Virtual,
    lens: Lens,
    rulebook: Rc<Rulebook>,
    turns: Turns,
    pub(super) wall: Option<Wall>,
    pub(super) gates: Gates,
    pub(super) ways: Vec<Way>,
    pub(super) lines: Lines,
    outputs: Outputs,
    stalls: judge::turns::Turns,
    pub(super) commands: Commands,
    messages: Messages,
    steps: Steps,
    runs: Runs,
    schedules: Schedules,
    age: Age,
    /// When the process began, in the world's time.
    begun: u64,
    /// Something on its disk has changed by itself.
    pub(super) rotten: bool,
    /// Lines that stick.
    pub(super) stuck: Stuck,
    pub(super) floor: journal::Floor,
    /// What the host has said in the journal, over all lives.
    pub(super) words: journal::Words,
    /// Lives are executed again.
    pub(super) thorough: bool,
    /// The program that the last judged record is of.
    running: u64,
    /// Which life runs, for what comes back late.
    pub(super) life: u32,
    captures: Prng,
    /// Until then the disk is in trouble.
    pub(super) trouble: u64,
    /// Until then the journal's thread stands still, if it does.
    pub(super) lags: u64,
    /// Its disks have been in trouble: what they had taken may be gone.
    pub(super) lies: bool,
    /// The disk can be read.
    readable: bool,
    /// The journal of this life has lost records from memory.
    gave_up: bool,
    /// The process ends in the middle of a write, with what the power does, and is gone for so long.
    pub(super) doom: Option<(Option<PowerCut>, u64)>,
    /// It was told to end, and starts again so long behind that.
    pub(super) stopping: Option<u64>,
    /// Its ends of the links to its satellites, by their ports, while the process lives.
    pub(super) talks: BTreeMap<usize, Talk>,
    outposts: Outposts,
}

impl<'a> Station<'a> {
    pub(super) fn new(
        clock: &'a Virtual,
        index: usize,
        plan: &'a NodePlan,
        given: &Given<'_>,
        seed: &Prng,
    ) -> Result<Self, SimError> {
        let Given { houses, program, rulebook, files, boards } = *given;
        let seed = seed.fork(&format!("node {index}"));
        let name = format!("node-{index}").parse().map_err(|_| SimError::NoProgram)?;
        let setup = Setup {
            size: plan.size,
            slack: Duration::from_micros(plan.slack),
            journal: journal_options(&plan.journal),
            zone: Some((plan.zone.offset, plan.zone.changes.clone())),
        };
        let ways = plan.sinks.iter().zip(0..).map(|(sink, place)| Way {
            name: format!("sink-{place}").parse().unwrap_or_else(|_| unreachable!("a name")),
            courier: None,
            receiver: Receiver::new(sink.latency, seed.fork(&format!("receiver {place}"))),
            window: Window::default(),
        });
        Ok(Self {
            plan,
            node: Node::new(name, setup, Rc::clone(houses), program, Tape::default(), &seed),
            executor: Executor::new(clock, seed.fork("order")),
            clock,
            lens: Lens { since: clock.now(), showed: plan.clock, drift_ppm: plan.drift },
            rulebook: Rc::clone(rulebook),
            turns: Turns::new(plan.wake, seed.fork("wakes")),
            wall: None,
            gates: Gates::default(),
            ways: ways.collect(),
            lines: Lines::new(rulebook.lines, Duration::from_micros(plan.capture), is_prompt(plan)),
            outputs: Outputs::default(),
            stalls: judge::turns::Turns::new(Duration::from_micros(plan.slack)),
            commands: Commands::default(),
            messages: Messages::new(rulebook.sensors),
            steps: Steps::default(),
            runs: Runs::default(),
            schedules: Schedules::default(),
            age: Age::default(),
            begun: 0,
            rotten: false,
            stuck: Stuck::default(),
            floor: journal::Floor::default(),
            words: journal::Words::default(),
            thorough: true,
            running: program,
            life: 0,
            captures: seed.fork("captures"),
            trouble: 0,
            doom: None,
            lags: 0,
            lies: false,
            readable: true,
            gave_up: false,
            stopping: None,
            talks: BTreeMap::new(),
            outposts: Outposts::new(files, boards, &seed),
        })
    }

    /// Everything that asks for the time from now on asks this node's clock.
    pub(super) fn enter(&self) -> Instant {
        self.clock.look_through(self.lens);
        node::now()
    }

    /// What the world's clock shows when this node's shows `local`.
    pub(super) fn world(&self, local: Instant) -> u64 {
        self.lens.world(local.micros())
    }

    pub(super) fn is_alive(&self) -> bool {
        self.node.life.is_some()
    }

    /// The process starts.
    pub(super) fn begin(&mut self) -> Result<(), String> {
        let now = self.enter();
        self.life += 1;
        self.begun = self.clock.now();
        self.turns.begin();
        self.stalls.begin();
        self.stopping = None;
        self.lines.begin(now);
        self.commands.begin();
        self.messages.begin();
        self.steps = Steps::default();
        self.runs = Runs::default();
        self.schedules = Schedules::new(&self.plan.zone);
        self.meet_satellites()?;
        let clock = self.shows();
        let knowledge = Knowledge { clock, off: Some(wall::off) };
        let healthy = match self.node.begin(&mut self.executor, knowledge) {
            Ok(opened) => {
                let healthy = opened.boot_unsynced.is_none() && opened.repair.is_none();
                healthy && self.clock.now() >= self.trouble
            }
            Err(SimError::Open(_)) if self.clock.now() <= self.trouble => return Ok(()),
            Err(why) => return Err(format!("the node does not start: {why}")),
        };
        self.floor.opened(healthy);
        let Some(journal) = self.journal() else { return Ok(()) };
        let journal = journal.borrow();
        if self.readable {
            self.check_start(&journal, healthy)?;
        }
        if healthy {
            self.floor.settled();
        }
        for (way, plan) in self.ways.iter_mut().zip(&self.plan.sinks) {
            way.courier = Courier::new(&way.name, plan, &self.node.disk, &journal, now);
        }
        drop(journal);
        self.judge()
    }

    /// The process is gone, and with `power` all that only the kernel had.
    pub(super) fn end(&mut self, power: Option<PowerCut>) -> Result<(), String> {
        let now = self.enter();
        if self.is_alive() {
            self.floor_up(now);
            self.node.end(&mut self.executor);
            self.floor.died(now, self.window());
            self.judge()?;
            self.check_replay(None)?;
        }
        self.gates.clear();
        for way in &mut self.ways {
            way.courier = None;
        }
        self.talks.clear();
        self.turns.begin();
        if let Some(what) = power {
            self.floor.dark();
            self.node.board.power_off();
            self.node.disk.power_cut(what);
            self.outposts.disks().for_each(|disk| disk.power_cut(what));
        }
        Ok(())
    }

    /// Whether it was told to end and has done so: then it is gone, and this long.
    pub(super) fn stopped(&mut self) -> Result<Option<u64>, String> {
        if !self.node.is_over(&self.executor) {
            return Ok(None);
        }
        let now = self.enter();
        self.floor_up(now);
        self.judge()?;
        let board = &self.node.board;
        self.outputs.check_end(|output: OutputId| board.output(output))?;
        self.check_replay(None)?;
        for courier in self.ways.iter_mut().filter_map(|way| way.courier.take()) {
            // A disk that refuses costs repeats.
            let _ = courier.close(now);
        }
        self.talks.clear();
        self.node.close();
        self.gates.clear();
        self.floor.died(now, self.window());
        self.stopping.take().ok_or_else(|| "the loop has ended, and nobody told it to".to_owned()).map(Some)
    }

    /// The power is back: another monotonic clock.
    pub(super) fn power_on(&mut self) {
        self.lens = Lens { since: self.clock.now(), showed: 3_000_000, ..self.lens };
        self.wall = None;
    }

    /// What its wall clock shows, if it was set since the power came.
    pub(super) fn shows(&self) -> Option<Input> {
        self.wall.map(|wall| wall.read(self.clock.now(), &self.plan.zone.table()))
    }

    /// When its local time changes next, in the world's time.
    pub(super) fn zone_changes(&self) -> Option<u64> {
        self.wall?.changes(self.clock.now(), &self.plan.zone.table())
    }

    fn window(&self) -> Duration {
        Duration::from_micros(self.plan.journal.sync)
    }

    /// The last place that the journal shows.
    pub(super) fn head(&self) -> Position {
        self.node.life.as_ref().map_or(Position::START, |life| life.journal.borrow().index().head())
    }

    pub(super) fn journal(&self) -> Option<Rc<RefCell<Journal<Disk>>>> {
        self.node.life.as_ref().map(|life| Rc::clone(&life.journal))
    }

    pub(super) fn set_faults(&mut self, faults: Faults, until: u64) {
        self.trouble = self.trouble.max(until);
        self.doom = None;
        self.readable = faults.reads.is_none();
        // Theirs is the same disk, but that what ends a process in the middle of a write is about the house's.
        let theirs = Faults { ends_after: None, ..faults.clone() };
        self.outposts.befall(&theirs);
        self.node.disk.set_faults(faults);
    }

    /// Whether the write in which it ends has come: what its power does then, and how long it is gone. The disk is well
    /// again behind that.
    pub(super) fn doomed(&mut self) -> Option<(Option<PowerCut>, u64)> {
        let doom = self.doom.take_if(|_| self.node.disk.has_ended())?;
        self.node.disk.set_faults(Faults::default());
        // What was taken in this turn is not on the disk.
        self.trouble = self.clock.now() + 1;
        Some(doom)
    }

    /// A print of everything that the engine has written, and its disks have taken.
    pub(super) fn print(&self) -> u64 {
        let disks = std::iter::once(&*self.node.disk).chain(self.outposts.disks());
        let written = self.node.witness.borrow().print;
        disks.fold(written, |print, disk| mix(print, &disk.print().to_le_bytes()))
    }

    /// How many records the engine has written.
    pub(super) fn records(&self) -> u64 {
        self.node.witness.borrow().lives.iter().map(super::tape::Scroll::head).sum()
    }

    /// From the stamp of an edge to its reader.
    pub(super) fn capture_delay(&mut self) -> u64 {
        if self.plan.capture == 0 { 0 } else { self.captures.below(self.plan.capture + 1) }
    }

    /// The line of an input that the program of now has, if it is one of the node's own.
    pub(super) fn line(&self, input: &str) -> Option<usize> {
        let rules = self.rulebook.of(self.running)?;
        let house = self.node.houses.get(&self.running)?;
        let input = house.symbols.find_input(input)?;
        let board = &house.symbols.inputs.get(input.index())?.board;
        if self.is_elsewhere(board) { None } else { rules.line(input) }
    }

    /// The input on a line.
    pub(super) fn input_on(&self, line: usize) -> Option<InputId> {
        let rules = self.rulebook.of(self.running)?;
        let place = rules.lines.iter().position(|known| *known == line)?;
        u8::try_from(place).ok().map(InputId)
    }

    pub(super) fn symbols(&self) -> Option<&campanile_delivery::symbols::Symbols> {
        self.node.houses.get(&self.running).map(|house| &house.symbols)
    }
}

fn rules(book: &Rulebook, program: u64) -> Result<&Rules, String> {
    book.of(program).ok_or_else(|| format!("the program {program:016x} runs, and nobody gave it"))
}

fn journal_options(plan: &JournalPlan) -> JournalOptions {
    JournalOptions {
        size: plan.size,
        age: Some(plan.age).filter(|age| *age > 0).map(Duration::from_micros),
        sync: match plan.sync {
            0 => Sync::Always,
            window => Sync::Within(Duration::from_micros(window)),
        },
        when_full: if plan.keep { WhenFull::Keep } else { WhenFull::DropOldest },
        memory: usize::try_from(plan.memory).unwrap_or(usize::MAX),
        linger: Duration::from_micros(plan.linger),
    }
}

/// Whether every edge reaches the loop within the slack, on the node's own clock.
fn is_prompt(plan: &NodePlan) -> bool {
    let drifts = plan.capture.saturating_mul(plan.drift.unsigned_abs().into()).div_ceil(1_000_000);
    plan.capture + drifts <= plan.slack
}
