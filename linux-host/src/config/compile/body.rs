//! Bodies: actions to steps. Blocks are compiled inside out, so that every jump knows how far it goes.

use std::collections::HashSet;
use std::ops::Range;

use campanile_core::id::{Level, ScenarioId};
use campanile_core::program::code::{MAX_BLOCKS, MAX_LOOPS, Op, Step};
use campanile_core::time::Duration;
use campanile_delivery::symbols::Message;

use super::super::expr::{self, Named, Scope};
use super::super::file::{Action, Condition, IfAction, PulseAction, RepeatAction, Scenario};
use super::super::read::Report;
use super::super::scalar::duration_text;
use super::super::source::Diagnostic;
use super::code::{Block, bytes, length, ops};
use super::message::Messages;
use super::names::Tables;

/// Where in a body we are.
#[derive(Clone, Copy, Default)]
struct Depth {
    loops: usize,
    blocks: usize,
}

/// Compiles bodies, and remembers across scenarios what they use.
pub(super) struct Bodies<'t> {
    tables: &'t Tables,
    messages: Messages,
    used: Vec<Named>,
    started: HashSet<ScenarioId>,
    /// Where the scenario at hand asks for `timed-out`, and whether anything in it can time out.
    asked: Option<Range<usize>>,
    times_out: bool,
}

impl<'t> Bodies<'t> {
    pub(super) fn new(tables: &'t Tables) -> Self {
        Self {
            tables,
            messages: Messages::default(),
            used: Vec::new(),
            started: HashSet::new(),
            asked: None,
            times_out: false,
        }
    }

    /// The messages of all scenarios so far.
    pub(super) fn messages(&self) -> Vec<Message> {
        self.messages.all()
    }

    /// Whether a scenario is started by one.
    pub(super) fn starts(&self, scenario: ScenarioId) -> bool {
        self.started.contains(&scenario)
    }

    /// Whether something is read or written.
    pub(super) fn uses(&self, named: Named) -> bool {
        self.used.contains(&named)
    }

    fn note(&mut self, named: Named) {
        if !self.used.contains(&named) {
            self.used.push(named);
        }
    }

    /// The body of a scenario.
    pub(super) fn body(&mut self, scenario: &Scenario, report: &mut Report<'_>) -> Block {
        if scenario.actions.is_empty() {
            report.push(
                Diagnostic::warning(
                    scenario.name.span.clone(),
                    format!("`{}` does nothing", scenario.name.value.0),
                )
                .label("`do` is empty"),
            );
        }
        let body = self.block(&scenario.actions, Depth::default(), report);
        let times_out = std::mem::take(&mut self.times_out);
        if let Some(asked) = self.asked.take().filter(|_| !times_out) {
            report.push(
                Diagnostic::warning(asked, "`timed-out` is always false here")
                    .label("nothing in this scenario can time out")
                    .help("it is true if the last `wait-until` of the run has timed out"),
            );
        }
        body
    }

    /// An expression; `None` after an error.
    pub(super) fn expression(&mut self, condition: &Condition, report: &mut Report<'_>) -> Option<Scope> {
        let text = &condition.0;
        if text.is_broken() {
            return None;
        }
        match expr::compile(&text.value, self.tables) {
            Ok(scope) => {
                scope.names.iter().for_each(|named| self.note(*named));
                if scope.timed_out {
                    self.asked.get_or_insert_with(|| text.span.clone());
                }
                Some(scope)
            }
            Err(errors) => {
                for error in errors {
                    let span = report.part(text, error.span);
                    let diagnostic = Diagnostic::error(span, error.what).label("here").help(error.help);
                    report.push(if error.unknown { diagnostic.may_follow() } else { diagnostic });
                }
                None
            }
        }
    }

    fn block(&mut self, actions: &[Action], depth: Depth, report: &mut Report<'_>) -> Block {
        let mut block = Block::default();
        let mut over: Option<Range<usize>> = None;
        for action in actions {
            if let Some(end) = over.take() {
                report.push(
                    Diagnostic::warning(action.span(), "this is never done")
                        .label("behind the end")
                        .other(end, "the run is over"),
                );
            }
            self.action(&mut block, action, depth, report);
            if let Action::End(end) = action {
                over = Some(end.span.clone());
            }
        }
        block
    }

    fn action(&mut self, block: &mut Block, action: &Action, depth: Depth, report: &mut Report<'_>) {
        let at = action.span();
        match action {
            Action::Set(set) => {
                if let Some(output) = self.tables.output(&set.output, report) {
                    self.note(Named::Output(output));
                    block.step(&at, &Step::Set { output, level: set.to }, &[]);
                }
            }
            Action::Pulse(pulse) => self.pulse(block, pulse, report),
            Action::Wait(wait) => self.wait(block, &at, wait.length.value),
            Action::Until(until) => {
                if let Some(scope) = self.expression(&until.condition, report) {
                    if scope.constant == Some(0) && until.timeout.is_none() {
                        report.push(
                            Diagnostic::warning(until.condition.0.span.clone(), "this waits for ever")
                                .label("always false"),
                        );
                    }
                    let timeout = until.timeout.as_ref().map(|timeout| timeout.value.0);
                    self.times_out |= timeout.is_some();
                    block.step(&at, &Step::Until { timeout }, &ops(&scope));
                }
            }
            Action::Let(set) => {
                let scope = self.expression(&set.value, report);
                if let (Some(var), Some(scope)) = (self.tables.variable(&set.variable, report), scope) {
                    self.note(Named::Variable(var));
                    block.step(&at, &Step::Let { var }, &ops(&scope));
                }
            }
            Action::If(branch) => self.branch(block, branch, depth, report),
            Action::Repeat(repeat) => self.repeat(block, repeat, depth, report),
            Action::Send(send) => {
                if let Some((template, values, named)) = self.messages.send(send, self.tables, report) {
                    named.into_iter().for_each(|named| self.note(named));
                    let count = u8::try_from(values.len()).unwrap_or(u8::MAX);
                    block.step(&at, &Step::Send { template, values: count }, &values.concat());
                }
            }
            Action::Start(start) => {
                if let Some(scenario) = self.tables.scenario(&start.scenario, report) {
                    self.started.insert(scenario);
                    block.step(&at, &Step::Start { scenario }, &[]);
                }
            }
            Action::Stop(stop) => {
                if let Some(scenario) = self.tables.scenario(&stop.scenario, report) {
                    block.step(&at, &Step::Stop { scenario }, &[]);
                }
            }
            Action::End(_) => block.step(&at, &Step::End {}, &[]),
            // It may have been a wait: then the steps around it are not too many.
            Action::Broken => self.wait(block, &at, Duration::ZERO),
        }
    }

    fn wait(&self, block: &mut Block, at: &Range<usize>, span: Duration) {
        block.step(at, &Step::Wait { span }, &[]);
        block.waits = true;
    }

    fn pulse(&mut self, block: &mut Block, pulse: &PulseAction, report: &mut Report<'_>) {
        let Some(output) = self.tables.output(&pulse.output, report) else { return };
        self.note(Named::Output(output));
        let length = pulse.length.value.0;
        let limited = self.tables.outputs.get(output.index()).filter(|def| !def.max_on.is_zero());
        if let Some(def) = limited.filter(|def| !def.safe.is_on() && length > def.max_on)
            && !pulse.length.is_broken()
        {
            let max_on = duration_text(def.max_on);
            report.push(
                Diagnostic::error(
                    pulse.length.span.clone(),
                    format!("`{}` can be on for {max_on} at most", pulse.output.value),
                )
                .label("longer than its `max-on`")
                .help("a shorter pulse, or a longer `max-on`"),
            );
        }
        block.step(&pulse.span, &Step::Set { output, level: Level::On }, &[]);
        self.wait(block, &pulse.span, length);
        block.step(&pulse.span, &Step::Set { output, level: Level::Off }, &[]);
    }

    fn branch(&mut self, block: &mut Block, branch: &IfAction, depth: Depth, report: &mut Report<'_>) {
        let inner = deeper(depth, &branch.span, report);
        let scope = self.expression(&branch.condition, report);
        let (mut then, otherwise) =
            (self.block(&branch.then, inner, report), self.block(&branch.otherwise, inner, report));
        if !otherwise.code.is_empty() {
            then.step(&branch.span, &Step::Else { skip: length(&otherwise.code) }, &[]);
        }
        block.step(&branch.span, &Step::If { skip: length(&then.code) }, &ops_or_one(scope.as_ref()));
        block.append(&then);
        block.append(&otherwise);
        block.waits |= then.waits && otherwise.waits;
    }

    fn repeat(&mut self, block: &mut Block, repeat: &RepeatAction, depth: Depth, report: &mut Report<'_>) {
        let mut inner = deeper(depth, &repeat.span, report);
        inner.loops += 1;
        if depth.loops >= MAX_LOOPS {
            report.push(
                Diagnostic::error(repeat.span.clone(), format!("more than {MAX_LOOPS} nested loops"))
                    .label("one too deep")
                    .help("put the inner one into a scenario of its own and `start` it"),
            );
        }
        let scope = self.expression(&repeat.times, report);
        let mut body = self.block(&repeat.body, inner, report);
        let times = scope.as_ref().map_or(Some(1), |scope| scope.constant);
        if let Some(times) = times.filter(|times| !(0..=i32::from(u16::MAX)).contains(times)) {
            report.push(
                Diagnostic::error(repeat.times.0.span.clone(), format!("repeated {times} times"))
                    .label(format!("0 to {}", u16::MAX)),
            );
        }
        let slot = u8::try_from(depth.loops.min(MAX_LOOPS)).unwrap_or(0);
        if !body.waits && times.is_none() {
            report.push(
                Diagnostic::error(
                    repeat.times.0.span.clone(),
                    "a loop without a wait must have a constant count",
                )
                .label("this is not a constant")
                .help("put { wait = \"0s\" } into it, or write the count as a number"),
            );
        }
        block.waits |= body.waits && times.is_some_and(|times| times > 0);
        // The way back includes the step that goes it, whose length depends on the way.
        let mut back = length(&body.code);
        loop {
            let size = bytes(&Step::Again { slot, back }).len();
            let whole = u16::try_from(body.code.len() + size).unwrap_or(u16::MAX);
            if whole == back {
                break;
            }
            back = whole;
        }
        body.step(&repeat.span, &Step::Again { slot, back }, &[]);
        let count = ops_or_one(scope.as_ref());
        block.step(&repeat.span, &Step::Repeat { slot, skip: length(&body.code) }, &count);
        block.append(&body);
    }
}

/// The bytes of an expression; of a constant for one that is wrong, so that what depends on it can be looked at.
fn ops_or_one(scope: Option<&Scope>) -> Vec<u8> {
    scope.map_or_else(|| [bytes(&Op::Const { value: 1 }), bytes(&Op::End {})].concat(), ops)
}

/// One block further in.
fn deeper(depth: Depth, span: &Range<usize>, report: &mut Report<'_>) -> Depth {
    if depth.blocks >= MAX_BLOCKS {
        report.push(
            Diagnostic::error(span.clone(), format!("more than {MAX_BLOCKS} nested blocks"))
                .label("one too deep")
                .help("put the inner part into a scenario of its own and `start` it"),
        );
    }
    Depth { blocks: depth.blocks + 1, ..depth }
}
