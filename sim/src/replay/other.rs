//! Another program at the inputs of a journal: they are found by their names, whatever ids they had.

use std::collections::VecDeque;

use campanile_core::calendar::ZoneTable;
use campanile_core::engine::{Engine, Rejected, Step};
use campanile_core::id::{InputId, Level, MessageId, OutputId, PeerId, ScenarioId, SensorId, VarId};
use campanile_core::input::{Input, LevelWhy, Op};
use campanile_core::log::Cursor;
use campanile_core::program::verify::LoadError;
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::runner::{Ticks, Wall};
use campanile_core::time::Instant;
use campanile_delivery::symbols::Symbols;

use crate::house::House;
use crate::node::Room;

/// The other program at work.
pub(super) struct Other<'a> {
    engine: Box<Engine<Room>>,
    house: &'a House,
    names: Names,
    zone: Option<ZoneTable<'a>>,
    ticks: Ticks<'a>,
    /// What its log says up to here has been taken out of it.
    taken: Cursor,
    /// What it has done and nobody has been told: its log holds a few seconds of it only.
    untold: VecDeque<(Instant, Record)>,
    /// What was due up to here is done.
    done: Instant,
}

/// Which ids of the other program stand for the ids of the journal's.
#[derive(Default)]
pub(super) struct Names {
    inputs: Vec<Option<InputId>>,
    outputs: Vec<Option<OutputId>>,
    /// And by how many decimals more a value is written.
    sensors: Vec<Option<(SensorId, i32)>>,
    variables: Vec<Option<VarId>>,
    scenarios: Vec<Option<ScenarioId>>,
    peers: Vec<Option<PeerId>>,
    heard: Vec<Option<MessageId>>,
}

impl Names {
    fn new(journal: &Symbols, other: &Symbols) -> Self {
        Self {
            inputs: journal.inputs.iter().map(|input| other.find_input(&input.name)).collect(),
            outputs: journal.outputs.iter().map(|output| other.find_output(&output.name)).collect(),
            sensors: journal
                .sensors
                .iter()
                .map(|sensor| {
                    let id = other.find_sensor(&sensor.name)?;
                    let decimals = other.sensors.get(id.index())?.decimals;
                    Some((id, i32::from(decimals) - i32::from(sensor.decimals)))
                })
                .collect(),
            variables: journal.variables.iter().map(|name| other.find_variable(name)).collect(),
            scenarios: journal.scenarios.iter().map(|name| other.find_scenario(name)).collect(),
            peers: journal.peers.iter().map(|name| other.find_peer(name)).collect(),
            heard: journal.heard.iter().map(|name| other.find_heard(name)).collect(),
        }
    }

    /// An input of the journal under the ids of the other program; `None` if it has no such thing.
    fn translate(&self, input: Input) -> Option<Input> {
        fn of<T: Copy>(ids: &[Option<T>], index: usize) -> Option<T> {
            ids.get(index).copied().flatten()
        }
        let line = |input: InputId| of(&self.inputs, input.index());
        Some(match input {
            Input::Edge { input, level } => Input::Edge { input: line(input)?, level },
            Input::Level { input, level, why } => Input::Level { input: line(input)?, level, why },
            Input::Late { input, level, by } => Input::Late { input: line(input)?, level, by },
            Input::Overrun { input: Some(input), lost, why } => {
                Input::Overrun { input: Some(line(input)?), lost, why }
            }
            Input::Reading { sensor, value } => {
                let (sensor, decimals) = of(&self.sensors, sensor.index())?;
                Input::Reading { sensor, value: value.map(|value| scaled(value, decimals)) }
            }
            Input::Command { origin, id, op } => {
                let op = match op {
                    Op::Set { output, level } => {
                        Op::Set { output: of(&self.outputs, output.index())?, level }
                    }
                    Op::Start { scenario } => Op::Start { scenario: of(&self.scenarios, scenario.index())? },
                    Op::Stop { scenario } => Op::Stop { scenario: of(&self.scenarios, scenario.index())? },
                    Op::Let { var, value } => Op::Let { var: of(&self.variables, var.index())?, value },
                    Op::Play { input, level } => Op::Play { input: line(input)?, level },
                    Op::Expired {} => Op::Expired {},
                    Op::Message { message } => Op::Message { message: of(&self.heard, message.index())? },
                };
                Input::Command { origin, id, op }
            }
            Input::Done { output, ok } => Input::Done { output: of(&self.outputs, output.index())?, ok },
            Input::Link { peer, up } => Input::Link { peer: of(&self.peers, peer.index())?, up },
            // The other program has moments of its own, is installed once, and remembers its own past.
            Input::Tick { .. } | Input::Install { .. } | Input::Restore { .. } | Input::Boot { .. } => {
                return None;
            }
            other => other,
        })
    }
}

fn scaled(value: i32, decimals: i32) -> i32 {
    let factor = 10_i64.pow(decimals.unsigned_abs().min(9));
    let value = i64::from(value);
    let value = if decimals >= 0 { value * factor } else { value / factor };
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

impl<'a> Other<'a> {
    /// Takes over from the journal's program, as a reload would.
    pub(super) fn take_over(
        mut engine: Box<Engine<Room>>,
        at: Instant,
        house: &'a House,
        journal: &Symbols,
        zone: Option<ZoneTable<'a>>,
    ) -> Result<Self, LoadError> {
        settle(&mut engine, at);
        let before = lines(&mut engine);
        match engine.install(at, &house.image) {
            Ok(_) => {}
            Err(campanile_core::engine::InstallError::Load(why)) => return Err(why),
            // A house that has stopped does nothing more until its next start.
            Err(_) => engine.load(at, &house.image)?,
        }
        settle(&mut engine, at);
        let taken = engine.log().head();
        let names = Names::new(journal, &house.symbols);
        let (ticks, untold) = (Ticks::new(zone), VecDeque::new());
        let mut other = Self { engine, house, names, zone, ticks, taken, untold, done: at };
        if let Some((set, Input::Clock { unix, offset, trusted })) = other.engine.clock() {
            other.ticks.set(Wall { at: set, unix, offset, trusted }, other.engine.schedules());
            other.ticks.swap(at, other.engine.schedules());
        }
        other.read_lines(at, before);
        Ok(other)
    }

    /// Where the house has another line for an input, it is as the one was that had its name; what was about to be
    /// reported is decided anew.
    fn read_lines(&mut self, at: Instant, before: Vec<Line>) {
        let known = lines(&mut self.engine);
        for line in before {
            let input = self.names.inputs.get(line.input.index()).copied().flatten();
            let Some(input) = input.filter(|input| known.iter().all(|known| known.input != *input)) else {
                continue;
            };
            self.put(at, Input::Level { input, level: line.reported, why: LevelWhy::Quiet });
            if line.raw != line.reported {
                self.put(at, Input::Edge { input, level: line.raw });
            }
        }
    }

    /// Starts again, with what it remembers of itself.
    pub(super) fn start(&mut self, at: Instant, boot: &Input) -> Result<(), LoadError> {
        let mut kept = Vec::new();
        self.engine.checkpoint(|item| kept.push(item));
        *self.engine = Engine::new();
        self.engine.load(at, &self.house.image)?;
        (self.taken, self.done) = (self.engine.log().head(), at);
        if let Input::Boot { boot, core_rev, off, .. } = *boot {
            let hash = self.engine.program().unwrap_or_default();
            self.put(at, Input::Boot { boot, core_rev, hash, off });
        }
        for item in kept.into_iter().filter(|item| !matches!(item, Restore::Head { .. })) {
            self.put(at, Input::Restore { item });
        }
        // Another start counts from zero, and waits for its own clock.
        self.ticks = Ticks::new(self.zone);
        Ok(())
    }

    /// The journal's ids stand for other names from now on.
    pub(super) fn learn_names(&mut self, journal: &Symbols) {
        self.names = Names::new(journal, &self.house.symbols);
    }

    /// Lets time pass, and feeds an input of the journal; false if it is of something that the program has not.
    pub(super) fn feed(&mut self, at: Instant, input: Input) -> bool {
        self.advance(at);
        let Some(input) = self.names.translate(input) else {
            return matches!(
                input,
                Input::Tick { .. } | Input::Install { .. } | Input::Restore { .. } | Input::Boot { .. }
            );
        };
        self.put(at, input);
        match input {
            Input::Clock { unix, offset, trusted } => {
                self.ticks.set(Wall { at, unix, offset, trusted }, self.engine.schedules());
            }
            Input::Stall { until } => self.ticks.slept(until),
            _ => {}
        }
        true
    }

    /// Does what is due at or before `to`, the moments of `at` and `cron` among it.
    pub(super) fn advance(&mut self, to: Instant) {
        self.done = to;
        loop {
            let tick = self.ticks.due();
            self.settle(tick.min(to));
            if tick > to {
                return;
            }
            let Some(trigger) = self.ticks.take(self.engine.schedules()) else { return };
            self.put(tick, Input::Tick { trigger });
        }
    }

    fn put(&mut self, at: Instant, input: Input) {
        self.settle(at);
        // What it has not is refused, and so told apart from what it has.
        let _: Result<Instant, Rejected> = self.engine.handle(at, input);
        self.settle(at);
    }

    /// Up to when it has done what was due.
    pub(super) const fn done(&self) -> Instant {
        self.done
    }

    fn settle(&mut self, at: Instant) {
        loop {
            self.take();
            if let Step::Idle { .. } = self.engine.poll(at) {
                return self.take();
            }
        }
    }

    /// Takes what it has done out of its log, before that comes round.
    fn take(&mut self) {
        loop {
            match self.engine.log().read(self.taken) {
                Ok(Some((entry, next))) => {
                    self.untold.push_back((entry.at, entry.record));
                    self.taken = next;
                }
                Ok(None) => return,
                Err(_) => unreachable!("one step writes less than the log holds"),
            }
        }
    }

    /// Tells its state, as a checkpoint would have it.
    pub(super) fn tell_state(&mut self, mut to: impl FnMut(Restore, &Symbols)) {
        let symbols = &self.house.symbols;
        self.engine.checkpoint(|item| to(item, symbols));
    }

    /// Tells what it has done since the last time.
    pub(super) fn tell(&mut self, mut to: impl FnMut(Instant, &Record, &Symbols)) {
        for (at, record) in self.untold.drain(..) {
            to(at, &record, &self.house.symbols);
        }
    }
}

/// What an engine knows of the line of an input.
struct Line {
    input: InputId,
    raw: Level,
    reported: Level,
}

fn lines(engine: &mut Engine<Room>) -> Vec<Line> {
    let mut lines = Vec::new();
    engine.checkpoint(|item| {
        if let Restore::Input { input, raw, reported } = item {
            lines.push(Line { input, raw, reported });
        }
    });
    lines
}

pub(super) fn settle(engine: &mut Engine<Room>, at: Instant) {
    while !matches!(engine.poll(at), Step::Idle { .. }) {}
}

/// Whether an input leaves a start a start.
pub(super) const fn is_start(input: &Input) -> bool {
    matches!(
        input,
        Input::Boot { .. }
            | Input::Restore { .. }
            | Input::Level { why: LevelWhy::Start, .. }
            | Input::Link { .. }
    )
}
