//! What happens when: inputs in the order of their stamps, what is due at or before them first, the agenda in between.

use campanile_core::decision::{Decision, ReplyResult, Source};
use campanile_core::id::{InputId, Level, OutputId, RunId, SensorId, TriggerId};
use campanile_core::input::{Input, LevelWhy, Op, Origin};
use campanile_core::program::code;
use campanile_core::time::{Duration, Instant};

use super::{COMMANDS_KEPT, Reference};

const MINUTE: i64 = 60_000_000;

/// Whose deadline it is: of equal ones the first of these comes first, and of those the smaller id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    MaxOn(OutputId),
    Line(InputId),
    Trigger(TriggerId),
    Run(RunId),
    /// Runs that wait for the clock look again.
    Minute,
}

/// What the last `Clock` said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) at: Instant,
    pub(super) unix: i64,
    pub(super) offset: i32,
    pub(super) trusted: bool,
}

impl Clock {
    /// Microseconds since 1970, local time.
    fn local(&self, now: Instant) -> i64 {
        let passed = i64::try_from(now.since(self.at).micros()).unwrap_or(i64::MAX);
        self.unix.saturating_add(passed).saturating_add(i64::from(self.offset) * 1_000_000)
    }

    /// When the next minute begins.
    fn next_minute(&self, now: Instant) -> Instant {
        let left = MINUTE - self.local(now).rem_euclid(MINUTE);
        now.plus(Duration::from_micros(left.unsigned_abs()))
    }
}

/// Whether an operand is read off the clock.
pub(super) const fn is_clock(op: &code::Op) -> bool {
    matches!(op, code::Op::Hour {} | code::Op::Minute {} | code::Op::Weekday {})
}

impl Reference {
    /// Takes an input, after all that is due at or before it. One that names what the program has not is not taken.
    pub fn feed(&mut self, at: Instant, input: &Input) {
        let late = self.now.since(at);
        let at = self.now.max(at);
        self.advance(at);
        if !self.has(input) {
            return;
        }
        self.now = at;
        let of_start = matches!(
            input,
            Input::Boot { .. }
                | Input::Restore { .. }
                | Input::Level { why: LevelWhy::Start, .. }
                | Input::Link { .. }
                | Input::Install { .. }
                | Input::Stop {}
        );
        if self.starting && !of_start {
            self.starting = false;
            self.started();
        }
        // Behind a stop nothing follows, but the fault of an output that refuses.
        if !self.stopped || matches!(input, Input::Done { .. }) {
            self.apply(input, late);
        }
        self.do_agenda();
    }

    /// Does all that is due at or before `until`.
    pub fn advance(&mut self, until: Instant) {
        self.do_agenda();
        while let Some((due, whose)) = self.first_deadline().filter(|(due, _)| *due <= until) {
            self.now = self.now.max(due);
            self.meet(whose);
            self.do_agenda();
        }
    }

    fn first_deadline(&self) -> Option<(Instant, Whose)> {
        if self.stopped {
            return None;
        }
        let outputs = (0..).map(OutputId).zip(&self.outputs);
        let max_on = outputs.filter_map(|(id, output)| Some((output.limit?, Whose::MaxOn(id))));
        let lines = (0..).map(InputId).zip(&self.lines);
        let lines = lines.filter_map(|(id, line)| Some((line.due()?, Whose::Line(id))));
        let triggers = (0..).map(TriggerId).zip(&self.triggers);
        let triggers = triggers.filter_map(|(id, trigger)| Some((trigger.due?, Whose::Trigger(id))));
        // Runs that outlived a restart go on when the inputs have been read, not before.
        let runs = self.all_runs().filter(|_| !self.starting);
        let runs = runs.filter_map(|(slot, run)| Some((run.due(self.now)?, Whose::Run(slot))));
        let minutes = self.all_runs().filter_map(|(_, run)| Some((run.minute?, Whose::Minute)));
        max_on.chain(lines).chain(triggers).chain(runs).chain(minutes).min()
    }

    fn meet(&mut self, whose: Whose) {
        match whose {
            Whose::MaxOn(output) => self.max_on(output),
            Whose::Line(input) => self.report(input),
            Whose::Trigger(trigger) => self.timer(trigger),
            Whose::Run(slot) => self.go_on(slot),
            Whose::Minute => self.look_at_clock(),
        }
    }

    fn has(&self, input: &Input) -> bool {
        match *input {
            Input::Edge { input, .. }
            | Input::Level { input, .. }
            | Input::Late { input, .. }
            | Input::Overrun { input: Some(input), .. } => input.index() < self.lines.len(),
            Input::Reading { sensor, .. } => sensor.index() < self.sensors.len(),
            Input::Done { output, .. } => output.index() < self.outputs.len(),
            Input::Install { hash } => self.programs.contains_key(&hash),
            _ => true,
        }
    }

    fn apply(&mut self, input: &Input, late: Duration) {
        match *input {
            Input::Edge { input, level } => self.edge(input, level, late),
            Input::Late { input, level, by } => self.edge(input, level, by),
            Input::Level { input, level, why } => self.level(input, level, why),
            Input::Reading { sensor, value } => self.reading(sensor, value),
            Input::Command { origin, id, op } => self.command(origin, id, op),
            Input::Tick { trigger } => self.fire(trigger, self.now),
            Input::Clock { unix, offset, trusted } => {
                self.clock = Some(Clock { at: self.now, unix, offset, trusted });
                if trusted {
                    self.catch_up(unix);
                }
                self.look_at_clock();
            }
            Input::Done { output, ok } => self.done(output, ok),
            Input::Overrun { input: Some(input), lost, .. } => {
                self.lines[input.index()].overrun(self.now, lost);
            }
            Input::Overrun { input: None, .. } => {}
            Input::Stall { until } => self.stall = until,
            Input::Link { peer, up } => self.link(peer, up),
            Input::Install { hash } => {
                if let Some(program) = self.programs.get(&hash).cloned() {
                    self.install(program);
                }
            }
            Input::Boot { off, .. } => self.boot(off),
            Input::Restore { item } => self.recall(&item),
            Input::Stop {} => self.stop(),
        }
    }

    /// A reading: the first sets the reported level. A later one acts as an edge, but for that of a start that finds the
    /// line as it was.
    fn level(&mut self, input: InputId, level: Level, why: LevelWhy) {
        let raw = self.lines[input.index()].raw();
        if !self.first(input, level) && (why != LevelWhy::Start || raw != Some(level)) {
            self.edge(input, level, Duration::ZERO);
        }
    }

    /// A line moves. One of which nothing was known was at the other level, and that is its first.
    fn edge(&mut self, input: InputId, level: Level, late: Duration) {
        self.first(input, level.opposite());
        self.lines[input.index()].edge(self.now, level, late);
    }

    /// The first that is known of a line; false if something was known.
    fn first(&mut self, input: InputId, level: Level) -> bool {
        if !self.lines[input.index()].first(self.now, level) {
            return false;
        }
        self.event(Source::Input { input }, Some(level.into()), Duration::ZERO, 0);
        self.input_known(input, level);
        true
    }

    /// The pending change of a line is due.
    fn report(&mut self, input: InputId) {
        let Some(report) = self.lines[input.index()].report(self.now) else { return };
        let ago = self.now.since(report.onset);
        self.event(Source::Input { input }, Some(report.level.into()), ago, report.bounces);
        self.input_changed(input, report.level, report.onset);
    }

    fn reading(&mut self, sensor: SensorId, value: Option<i32>) {
        let old = std::mem::replace(&mut self.sensors[sensor.index()], value);
        if old != value {
            self.event(Source::Sensor { sensor }, value, Duration::ZERO, 0);
            self.sensor_changed(sensor, old, value);
        }
    }

    fn event(&mut self, source: Source, value: Option<i32>, onset_ago: Duration, bounces: u16) {
        self.decide(Decision::Event { source, value, onset_ago, bounces });
    }

    fn command(&mut self, origin: Origin, id: u32, op: Op) {
        let result = if self.commands.contains(&(origin, id)) {
            ReplyResult::Duplicate
        } else {
            self.remember_command(origin, id);
            self.carry_out(origin, op)
        };
        self.decide(Decision::Reply { origin, id, result });
    }

    pub(super) fn remember_command(&mut self, origin: Origin, id: u32) {
        self.commands.push_back((origin, id));
        if self.commands.len() > COMMANDS_KEPT {
            self.commands.pop_front();
        }
    }

    fn carry_out(&mut self, origin: Origin, op: Op) -> ReplyResult {
        match op {
            Op::Set { output, level } if output.index() < self.outputs.len() => {
                if !self.command_output(output, level, origin) {
                    return ReplyResult::Refused;
                }
            }
            Op::Start { scenario } if scenario.index() < self.program.scenarios.len() => {
                self.start_by_command(scenario, origin);
            }
            Op::Stop { scenario } if scenario.index() < self.program.scenarios.len() => {
                self.stop_scenario(scenario);
            }
            Op::Let { var, value } if var.index() < self.variables.len() => self.assign(var, value),
            // As if the line had moved: debounced as any other edge.
            Op::Play { input, level } if input.index() < self.lines.len() => {
                self.edge(input, level, Duration::ZERO);
            }
            Op::Message { message } if self.message(message) => {}
            Op::Expired {} => return ReplyResult::Expired,
            _ => return ReplyResult::Unknown,
        }
        ReplyResult::Done
    }

    /// Hour, minute or weekday of local time; unknown while the clock is not trusted.
    pub(super) fn clock_operand(&self, op: &code::Op) -> Option<i32> {
        let clock = self.clock.filter(|clock| clock.trusted)?;
        let minutes = clock.local(self.now).div_euclid(MINUTE);
        let value = match op {
            code::Op::Minute {} => minutes.rem_euclid(60),
            code::Op::Hour {} => minutes.div_euclid(60).rem_euclid(24),
            // The first of January 1970 was a Thursday.
            _ => (minutes.div_euclid(24 * 60) + 3).rem_euclid(7) + 1,
        };
        i32::try_from(value).ok()
    }

    /// A minute has begun, or the clock was set.
    fn look_at_clock(&mut self) {
        self.look(is_clock);
        self.plan_looks();
    }

    /// Who waits for the clock looks again at the next minute.
    pub(super) fn plan_looks(&mut self) {
        for slot in self.all_runs().map(|(slot, _)| slot).collect::<Vec<_>>() {
            let minute = self.next_look(slot);
            if let Some(run) = self.run_mut(slot) {
                run.minute = minute;
            }
        }
    }

    /// When a run looks at the clock again: at the next minute, if it waits for a condition that names it.
    pub(super) fn next_look(&self, slot: RunId) -> Option<Instant> {
        let clock = self.clock.filter(|clock| clock.trusted)?;
        self.waits_for(slot, &is_clock).then(|| clock.next_minute(self.now))
    }

    /// The end: all outputs are safe, and nothing is decided any more. Runs get no `End`.
    fn stop(&mut self) {
        self.stopped = true;
        self.outputs_at_stop();
    }
}
