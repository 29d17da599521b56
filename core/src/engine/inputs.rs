//! Inputs: each is recorded, then does what it does. All of them are processed at once; what they set off is left
//! on the agenda.

use crate::decision::{By, Cause, Decision, ReplyResult, Source};
use crate::engine::Rejected;
use crate::engine::state::{CommandKey, Phase};
use crate::engine::view::View;
use crate::engine::wall::WallClock;
use crate::id::{InputId, Level, MAX_PEERS, SensorId, TriggerId};
use crate::input::{Input, LevelWhy, Op, Origin};
use crate::program::{On, code};
use crate::scenario::run::{LOOK, UNTIL};
use crate::time::{Duration, Instant, div_rem_floor};
use crate::watcher::Watcher;

impl View<'_> {
    /// See [`Engine::handle`](crate::engine::Engine::handle), and there the way of most edges.
    pub(crate) fn handle(&mut self, at: Instant, input: Input) -> Result<Instant, Rejected> {
        if self.s.phase == Phase::Empty {
            return Err(Rejected::NoProgram);
        }
        if !self.s.is_free(at.max(self.s.now)) {
            return Err(Rejected::Busy);
        }
        self.check_ids(&input)?;
        let by = self.s.now.since(at);
        let at = at.max(self.s.now);
        self.s.now = at;
        let is_start = matches!(
            input,
            Input::Boot { .. }
                | Input::Restore { .. }
                | Input::Level { why: LevelWhy::Start, .. }
                | Input::Link { .. }
                | Input::Stop {}
        );
        let input = match input {
            Input::Edge { input, level } if !by.is_zero() => Input::Late { input, level, by },
            other => other,
        };
        self.note(input);
        if self.s.phase == Phase::Starting && !is_start {
            self.s.phase = Phase::Running;
            self.s.wake_at(at);
            self.started();
        }
        if self.s.phase != Phase::Stopped || matches!(input, Input::Done { .. }) {
            self.apply(input);
        }
        self.s.settle();
        Ok(at)
    }

    fn check_ids(&self, input: &Input) -> Result<(), Rejected> {
        let counts = &self.s.counts;
        let (id, count) = match *input {
            Input::Edge { input, .. } | Input::Level { input, .. } | Input::Late { input, .. } => {
                (input.0, counts.inputs)
            }
            Input::Overrun { input: Some(input), .. } => (input.0, counts.inputs),
            Input::Reading { sensor, .. } => (sensor.0, counts.sensors),
            Input::Tick { trigger } => {
                let on = self.triggers.get(trigger.index()).map(|cell| cell.on);
                return if matches!(on, Some(On::Schedule { .. })) { Ok(()) } else { Err(Rejected::Unknown) };
            }
            Input::Done { output, .. } => (output.0, counts.outputs),
            Input::Link { peer, .. } => (peer.0, MAX_PEERS),
            Input::Install { .. } => return Err(Rejected::NeedsImage),
            _ => return Ok(()),
        };
        if id < count { Ok(()) } else { Err(Rejected::Unknown) }
    }

    #[cfg_attr(feature = "small", inline(never))]
    fn apply(&mut self, input: Input) {
        match input {
            Input::Edge { input, level } => self.edge(input, level, Duration::ZERO),
            Input::Late { input, level, by } => self.edge(input, level, by),
            Input::Level { input, level, why } => self.level(input, level, why),
            Input::Reading { sensor, value } => self.reading(sensor, value),
            Input::Command { origin, id, op } => self.command(origin, id, op),
            Input::Tick { trigger } => self.tick(trigger),
            Input::Clock { unix, offset, trusted } => self.clock(unix, offset, trusted),
            Input::Done { output, ok } => self.done(output, ok),
            Input::Overrun { input: Some(input), lost, .. } => self.overrun(input, lost),
            // Commands and messages that were lost concern no line; the record is all there is to do.
            Input::Overrun { input: None, .. } | Input::Install { .. } => {}
            Input::Stall { until } => self.s.stall = until,
            Input::Link { peer, up } => self.link_changed(peer, up),
            Input::Boot { off, .. } => self.boot(off),
            Input::Restore { item } => self.recall(&item),
            Input::Stop {} => self.stop(),
        }
    }

    fn edge(&mut self, input: InputId, level: Level, late: Duration) {
        let now = self.s.now;
        self.know(input, level.opposite());
        if let Some(watcher) = self.inputs.get_mut(input.index()) {
            let due = watcher.edge(now, level, now.minus(late));
            self.s.watch(input, due);
        }
    }

    fn play(&mut self, input: InputId, level: Level) {
        let now = self.s.now;
        self.know(input, level.opposite());
        if let Some(watcher) = self.inputs.get_mut(input.index()) {
            watcher.play(now, level);
            self.s.watch(input, watcher.due());
        }
    }

    fn level(&mut self, input: InputId, level: Level, why: LevelWhy) {
        let raw = self.inputs.get(input.index()).and_then(Watcher::raw);
        if !self.know(input, level) && (why != LevelWhy::Start || raw != Some(level)) {
            self.edge(input, level, Duration::ZERO);
        }
    }

    /// The first that is known of a line: its level, or an edge, in front of which it was at the other level. False if
    /// something was known.
    fn know(&mut self, input: InputId, level: Level) -> bool {
        let now = self.s.now;
        if !self.inputs.get_mut(input.index()).is_some_and(|watcher| watcher.start(now, level)) {
            return false;
        }
        self.decide(Decision::Event {
            source: Source::Input { input },
            value: Some(level.into()),
            onset_ago: Duration::ZERO,
            bounces: 0,
        });
        self.input_known(input, level);
        true
    }

    fn overrun(&mut self, input: InputId, lost: u32) {
        let now = self.s.now;
        if let Some(watcher) = self.inputs.get_mut(input.index()) {
            watcher.overrun(now, lost);
            self.s.watch(input, watcher.due());
        }
    }

    fn reading(&mut self, sensor: SensorId, value: Option<i32>) {
        let Some(cell) = self.sensors.get_mut(sensor.index()) else { return };
        let old = core::mem::replace(&mut cell.value, value);
        if old == value {
            return;
        }
        self.decide(Decision::Event {
            source: Source::Sensor { sensor },
            value,
            onset_ago: Duration::ZERO,
            bounces: 0,
        });
        self.sensor_changed(sensor, old, value);
    }

    fn tick(&mut self, trigger: TriggerId) {
        let now = self.s.now;
        self.fire(trigger.index(), now);
    }

    fn clock(&mut self, unix: i64, offset: i32, trusted: bool) {
        let now = self.s.now;
        self.s.clock = WallClock::new(now, unix, offset, trusted);
        if trusted {
            self.catch_up(unix);
        }
        self.look_at_clock();
    }

    fn command(&mut self, origin: Origin, id: u32, op: Op) {
        let known = self.s.commands.iter().any(|seen| seen == CommandKey { origin, id });
        let result = if known {
            ReplyResult::Duplicate
        } else {
            self.remember_command(origin, id);
            self.carry_out(origin, op)
        };
        self.decide(Decision::Reply { origin, id, result });
    }

    pub(crate) fn remember_command(&mut self, origin: Origin, id: u32) {
        if self.s.commands.is_full() {
            self.s.commands.pop();
        }
        // There is room now; a full queue only makes a repeat look new.
        let _ = self.s.commands.push(CommandKey { origin, id });
    }

    fn carry_out(&mut self, origin: Origin, op: Op) -> ReplyResult {
        let now = self.s.now;
        match op {
            Op::Set { output, level } if output.index() < self.outputs.len() => {
                if !self.write(output, level, By::Command { origin }) {
                    return ReplyResult::Refused;
                }
            }
            Op::Start { scenario } if scenario.index() < self.scenarios.len() => {
                self.occur(scenario, Cause::Command { origin }, now);
            }
            Op::Stop { scenario } if scenario.index() < self.scenarios.len() => self.stop_scenario(scenario),
            Op::Let { var, value } if var.index() < self.variables.len() => self.assign(var, value),
            Op::Play { input, level } if input.index() < self.inputs.len() => self.play(input, level),
            Op::Expired {} => return ReplyResult::Expired,
            Op::Message { message } if self.message_came(message) => {}
            _ => return ReplyResult::Unknown,
        }
        ReplyResult::Done
    }

    /// Runs that wait for one of these look again at this instant.
    #[inline]
    pub(crate) fn look(&mut self, named: &[code::Op]) {
        if self.s.until {
            self.look_all(named);
        }
    }

    #[inline(never)]
    fn look_all(&mut self, named: &[code::Op]) {
        self.s.until = false;
        for index in 0..self.live().len() {
            let concerned = self.waits_for(index, named);
            let Some(run) = self.runs.get_mut(index) else { continue };
            self.s.until |= run.has(UNTIL);
            if concerned {
                run.set(LOOK, true);
                let now = self.s.now;
                self.s.wake_at(now);
            }
        }
    }

    /// The minute changed, or the clock did.
    pub(crate) fn look_at_clock(&mut self) {
        self.look(&CLOCK);
        self.plan_minute();
    }

    pub(crate) fn waits_for_clock(&self) -> bool {
        (0..self.live().len()).any(|index| self.waits_for(index, &CLOCK))
    }

    /// When the next minute begins, if a run waits for that.
    pub(crate) fn plan_minute(&mut self) {
        const MINUTE: u32 = 60_000_000;
        let waits = self.waits_for_clock();
        let minute = self.s.trusted_clock().filter(|_| waits).map(|clock| {
            // Of local time: some offsets of old were not whole minutes.
            let (_, into) = div_rem_floor(clock.local_at(self.s.now), MINUTE);
            self.s.now.plus(Duration::from_micros(MINUTE.saturating_sub(into).into()))
        });
        self.s.minute = minute.unwrap_or(Instant::NEVER);
        self.s.wake_at(self.s.minute);
    }
}

/// What a condition reads of the clock.
const CLOCK: [code::Op; 3] = [code::Op::Hour {}, code::Op::Minute {}, code::Op::Weekday {}];
