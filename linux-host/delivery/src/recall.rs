//! What outlives a power cut: the last value per key, folded from a checkpoint and the records behind it.
//!
//! Nothing is executed again, so that this also works across revisions of the engine. The result is fed behind a
//! `Boot`, in order; the engine takes of it what its program lets live on.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use campanile_core::decision::{By, Cause, Decision, ReplyResult, Rounds, RunHow, SafetyWhy, Source};
use campanile_core::id::{InputId, Level, OutputId, RunId, ScenarioId, TriggerId, VarId};
use campanile_core::input::{Input, Origin};
use campanile_core::record::Record;
use campanile_core::restore::{Restore, RunState};
use campanile_core::time::{Duration, Instant};
use campanile_core::watcher::Watcher;

use crate::group::Frames;
use crate::index::{Before, Index};
use crate::position::{Boot, Position};
use crate::reader::{Body, Next};
use crate::storage::Storage;

/// So many commands are kept, as the engine keeps them.
const COMMANDS_MAX: usize = 16;

/// The state before this start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    /// The program that the ids below belong to; `None` if there is no state. Load it for the start, even if another
    /// one is to run: the swap knows what goes on under other ids.
    pub program: Option<u64>,
    /// To be fed behind `Boot`, in this order.
    pub items: Vec<Restore>,
    /// The engine's time at the last record.
    pub at: Instant,
    /// Wall-clock time at the last record, microseconds since 1970, if the clock was trusted in that start.
    pub unix: Option<i64>,
    /// How long `at` lay back when the journal was opened, if the machine has been on since then: its clock tells, even
    /// if nobody trusts the time of day.
    pub off: Option<Duration>,
}

impl Recall {
    /// Reads the end of a journal. A segment, as a rule: as far back as the last checkpoint.
    ///
    /// # Errors
    /// The disk fails.
    pub fn read<S: Storage>(index: &Arc<Index<S>>) -> io::Result<Self> {
        let starts: Vec<Position> = index.lock().segments.iter().map(|entry| entry.start.at).collect();
        let mut back = 1;
        loop {
            let from = starts.len().saturating_sub(back);
            let mut fold = Fold::default();
            let whole = fold.follow(index, starts.get(from).copied().unwrap_or_default())?;
            if whole || from == 0 {
                return Ok(fold.finish(index.before.as_ref()));
            }
            back *= 2;
        }
    }
}

/// A span that was so long at a moment, and grows.
#[derive(Clone, Copy, Debug)]
struct Ago {
    at: Instant,
    span: Duration,
}

/// A span that was left at a moment, and shrinks.
#[derive(Clone, Copy, Debug)]
struct Left {
    at: Instant,
    span: Duration,
}

impl Ago {
    fn now(self, now: Instant) -> Duration {
        self.span.plus(now.since(self.at))
    }
}

impl Left {
    fn now(self, now: Instant) -> Duration {
        self.span.minus(now.since(self.at))
    }
}

#[derive(Clone, Debug)]
struct Run {
    scenario: ScenarioId,
    cause: Cause,
    onset: Ago,
    place: u16,
    /// Where it waits; `None` before its first wait.
    wait: Option<Wait>,
    timed_out: bool,
    queued: bool,
    /// Records are missing behind its last one: what its slot does from there on may be another run's.
    doubtful: bool,
}

#[derive(Clone, Debug)]
struct Wait {
    state: RunState,
    pc: u16,
    left: Option<Left>,
    rounds: Rounds,
}

/// The state so far.
#[derive(Default)]
struct Fold {
    /// The start that `now` belongs to.
    boot: Boot,
    now: Instant,
    program: Option<u64>,
    commands: VecDeque<(Origin, u32)>,
    inputs: BTreeMap<InputId, Level>,
    vars: BTreeMap<VarId, i32>,
    triggers: BTreeMap<TriggerId, Left>,
    runs: BTreeMap<RunId, Run>,
    outputs: BTreeMap<OutputId, (Level, By)>,
    /// The last trusted clock of this start.
    clock: Option<(Instant, i64)>,
    /// The wall clock at an earlier stop, while the time off is not known.
    stopped: Option<i64>,
    place: u16,
    /// A swap has begun another set of ids, and its checkpoint has not come: the state stays that before the swap.
    swapping: bool,
}

impl Fold {
    /// Takes everything behind a place; says whether a checkpoint was among it.
    fn follow<S: Storage>(&mut self, index: &Arc<Index<S>>, from: Position) -> io::Result<bool> {
        let mut reader = index.reader(from);
        let mut whole = false;
        loop {
            match reader.next()? {
                Next::End => return Ok(whole),
                Next::Lagged(_) => self.miss(),
                Next::Item(item) => {
                    match item.body {
                        Body::Engine(frame) => {
                            if let Some(record) = frame.record() {
                                self.take(&record, item.time);
                            }
                        }
                        Body::Checkpoint(items) => {
                            whole |= self.take_checkpoint(items, item.time, item.program)
                        }
                        // The first records of a start are the host's, and in a time of their own.
                        Body::Host(_) if item.at.boot != self.boot => continue,
                        Body::Host(_) => {}
                    }
                    (self.boot, self.now) = (item.at.boot, item.time);
                }
            }
        }
    }

    /// Records are missing here.
    fn miss(&mut self) {
        self.runs.values_mut().for_each(|run| run.doubtful = true);
    }

    /// Begins anew with a checkpoint, unless it is one of a start that has not yet taken back its own state.
    fn take_checkpoint(&mut self, items: &[u8], at: Instant, program: u64) -> bool {
        let items = || {
            Frames(items).filter_map(|frame| match frame.record() {
                Some(Record::Input(Input::Restore { item })) => Some(item),
                _ => None,
            })
        };
        if items().any(|item| matches!(item, Restore::Head { starting: true, .. })) {
            return false;
        }
        let program = Some(program).filter(|&hash| hash != 0).or(self.program);
        *self = Self { now: at, program, ..Self::default() };
        items().for_each(|item| self.take_item(&item, at));
        true
    }

    fn take(&mut self, record: &Record, at: Instant) {
        match record {
            Record::Input(Input::Boot { hash, .. }) => self.take_boot(*hash, at),
            _ if self.swapping => {}
            Record::Input(Input::Install { .. }) => self.swapping = true,
            Record::Input(Input::Restore { item }) => self.take_item(item, at),
            Record::Input(Input::Clock { unix, trusted, .. }) => {
                self.clock = trusted.then_some((at, *unix));
                if *trusted {
                    self.stopped = None;
                }
            }
            Record::Input(_) => {}
            Record::Decision(decision) => self.take_decision(decision, at),
        }
    }

    /// Another start: what is left stays left, what is ago stays ago; the clock has to be learned anew.
    fn take_boot(&mut self, program: u64, at: Instant) {
        let before = self.now;
        self.stopped = self.unix().or(self.stopped);
        (self.clock, self.swapping) = (None, false);
        if self.program.is_some_and(|hash| hash != program) {
            // Other ids, and nobody has translated them.
            *self = Self { stopped: self.stopped, ..Self::default() };
        }
        self.program = Some(program);
        self.triggers.values_mut().for_each(|left| *left = Left { at, span: left.now(before) });
        for run in self.runs.values_mut() {
            run.onset = Ago { at, span: run.onset.now(before) };
            if let Some(left) = run.wait.as_mut().and_then(|wait| wait.left.as_mut()) {
                *left = Left { at, span: left.now(before) };
            }
        }
    }

    fn take_item(&mut self, item: &Restore, at: Instant) {
        match *item {
            Restore::Clock { unix, trusted, .. } => self.clock = trusted.then_some((at, unix)),
            Restore::Command { origin, id } => self.remember(origin, id),
            Restore::Input { input, reported, .. } => {
                self.inputs.insert(input, reported);
            }
            Restore::Watch { .. } => self.inputs.extend(Watcher::unread(item)),
            Restore::Var { var, value } => {
                self.vars.insert(var, value);
            }
            Restore::Trigger { trigger, left: Some(span), .. } => {
                self.triggers.insert(trigger, Left { at, span });
            }
            Restore::Trigger { trigger, left: None, .. } => {
                self.triggers.remove(&trigger);
            }
            Restore::Run { run, scenario, cause, state, pc, left, onset_ago, rounds, timed_out, place } => {
                self.place = self.place.max(place.saturating_add(1));
                let wait = Wait { state, pc, left: left.map(|span| Left { at, span }), rounds };
                let onset = Ago { at, span: onset_ago };
                let queued = state == RunState::Queued;
                self.runs.insert(
                    run,
                    Run {
                        scenario,
                        cause,
                        onset,
                        place,
                        wait: Some(wait),
                        timed_out,
                        queued,
                        doubtful: false,
                    },
                );
            }
            Restore::Output { output, level, by, .. } => {
                self.outputs.insert(output, (level, by));
            }
            Restore::Stopped { unix } => self.stopped = Some(unix),
            Restore::Head { .. }
            | Restore::Stall { .. }
            | Restore::Sensor { .. }
            | Restore::Link { .. }
            | Restore::Revived { .. }
            | Restore::Booted { .. }
            | Restore::Halted {} => {}
        }
    }

    fn take_decision(&mut self, decision: &Decision, at: Instant) {
        match *decision {
            Decision::Event { source: Source::Input { input }, value: Some(value), .. } => {
                self.inputs.insert(input, Level::from_bool(value != 0));
            }
            Decision::Run { run, scenario, cause, how, onset_ago } => {
                if let Cause::Trigger { trigger } = cause {
                    self.triggers.remove(&trigger);
                }
                let place = self.place;
                self.place = place.saturating_add(1);
                let onset = Ago { at, span: onset_ago };
                let queued = how == RunHow::Queued;
                // One that goes on after a start has what was taken back of it.
                let timed_out =
                    how == RunHow::Resumed && self.runs.get(&run).is_some_and(|before| before.timed_out);
                self.runs.insert(
                    run,
                    Run { scenario, cause, onset, place, wait: None, timed_out, queued, doubtful: false },
                );
            }
            // Of a run whose beginning is lost, so that nobody knows where in which text it stands.
            Decision::Wait { run, .. } | Decision::TimedOut { run, .. }
                if self.runs.get(&run).is_some_and(|run| run.doubtful) =>
            {
                self.runs.remove(&run);
            }
            Decision::Wait { run, pc, left, rounds } => {
                if let Some(run) = self.runs.get_mut(&run) {
                    // Only a `wait-until` can be without an end; the engine tells the others apart by its code.
                    let state = if left.is_some() { RunState::Waiting } else { RunState::Until };
                    let left = left.map(|span| Left { at, span });
                    run.wait = Some(Wait { state, pc, left, rounds });
                }
            }
            Decision::TimedOut { run, timed_out } => {
                self.runs.entry(run).and_modify(|run| run.timed_out = timed_out);
            }
            Decision::End { run, .. } => {
                self.runs.remove(&run);
                // It leaves its outputs as they are, and the next run in its slot has not written them.
                self.outputs
                    .retain(|_, (_, by)| !matches!(by, By::Run { run: writer, .. } if *writer == run));
            }
            // The run that wrote it goes on after a stop: what the stop did to the output is no change of mind.
            Decision::Set { by: By::Safety { why: SafetyWhy::Stop | SafetyWhy::Start }, .. } => {}
            Decision::Set { output, level, by } => {
                self.outputs.insert(output, (level, by));
            }
            Decision::Let { var, value } => {
                self.vars.insert(var, value);
            }
            Decision::Reply { origin, id, result } if result != ReplyResult::Duplicate => {
                self.remember(origin, id)
            }
            Decision::Arm { trigger, left: Some(span) } => {
                self.triggers.insert(trigger, Left { at, span });
            }
            Decision::Arm { trigger, left: None } => {
                self.triggers.remove(&trigger);
            }
            _ => {}
        }
    }

    fn remember(&mut self, origin: Origin, id: u32) {
        self.commands.retain(|&known| known != (origin, id));
        self.commands.push_back((origin, id));
        if self.commands.len() > COMMANDS_MAX {
            self.commands.pop_front();
        }
    }

    fn unix(&self) -> Option<i64> {
        self.clock.map(|(at, unix)| unix.saturating_add_unsigned(self.now.since(at).micros()))
    }

    /// The items, in the order in which the engine takes them.
    fn finish(mut self, before: Option<&Before>) -> Recall {
        // What is known of the start that all this belongs to, beyond its last record.
        let before = before.filter(|before| before.sign.counter == self.boot.counter());
        self.now = before.map_or(self.now, |before| self.now.max(before.sign.time));
        let now = self.now;
        let off = before.and_then(|before| before.sign.ago(now, &before.machine, before.now));
        let unix = self.unix();
        let mut items = Vec::new();
        items.extend(self.commands.iter().map(|&(origin, id)| Restore::Command { origin, id }));
        items.extend(self.inputs.iter().map(|(&input, &level)| Restore::Input {
            input,
            raw: level,
            reported: level,
        }));
        items.extend(self.vars.iter().map(|(&var, &value)| Restore::Var { var, value }));
        // What was due before the last record has fired then: the engine takes deadlines first.
        let armed = self.triggers.iter().filter(|(_, left)| left.at.plus(left.span) >= now);
        items.extend(armed.map(|(&trigger, left)| Restore::Trigger {
            trigger,
            armed: false,
            left: Some(left.now(now)),
        }));
        items.extend(self.runs.iter().map(|(&id, run)| run.item(id, now)));
        // All other outputs are safe after a start.
        let driven = self.outputs.iter().filter(|(_, (_, by))| match by {
            By::Run { run, scenario } => self.runs.get(run).is_some_and(|run| run.scenario == *scenario),
            _ => false,
        });
        items.extend(driven.map(|(&output, &(level, by))| Restore::Output {
            output,
            level,
            by,
            max_left: None,
            failed: false,
            held: false,
        }));
        items.extend(unix.or(self.stopped).map(|unix| Restore::Stopped { unix }));
        Recall { program: self.program, items, at: now, unix, off }
    }
}

impl Run {
    fn item(&self, run: RunId, now: Instant) -> Restore {
        // A run that had not come to its first wait begins anew, as one that waited for its turn and has it now.
        let start = Wait {
            state: RunState::Queued,
            pc: 0,
            left: (!self.queued).then_some(Left { at: now, span: Duration::ZERO }),
            rounds: Rounds::default(),
        };
        let wait = self.wait.as_ref().unwrap_or(&start);
        Restore::Run {
            run,
            scenario: self.scenario,
            cause: self.cause,
            state: wait.state,
            pc: wait.pc,
            left: wait.left.map(|left| left.now(now)),
            onset_ago: self.onset.now(now),
            rounds: wait.rounds,
            timed_out: self.timed_out,
            place: self.place,
        }
    }
}

#[cfg(test)]
mod tests;
