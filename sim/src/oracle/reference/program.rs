//! A program as the reference reads it: expressions are trees, steps stand at their places.

use std::collections::BTreeMap;
use std::rc::Rc;

use campanile_core::program::code::{Op, Step};
use campanile_core::program::image::{Image, hash};
use campanile_core::program::refusal::LoadError;
use campanile_core::program::{
    AfterRestart, InputDef, OutputDef, ScenarioDef, SensorDef, TriggerDef, VarDef,
};
use campanile_core::wire::{Reader, Wire};

use super::expr::Expr;

/// Programs by the hash of their image: those that an `Install` may name.
pub type Programs = Rc<BTreeMap<u64, Program>>;

/// Reads images, so that a log can name their programs.
///
/// # Errors
/// The first that is none; see [`Program::read`].
pub fn programs<'a>(images: impl IntoIterator<Item = &'a [u8]>) -> Result<Programs, LoadError> {
    let programs =
        images.into_iter().map(|image| Program::read(image).map(|program| (program.hash, program)));
    programs.collect::<Result<BTreeMap<_, _>, _>>().map(Rc::new)
}

/// A program, taken apart. It is believed to be one that the engine accepts.
#[derive(Clone, Debug)]
pub struct Program {
    /// Of its image.
    pub hash: u64,
    pub(super) inputs: Vec<InputDef>,
    pub(super) outputs: Vec<OutputDef>,
    pub(super) sensors: Vec<SensorDef>,
    pub(super) variables: Vec<VarDef>,
    pub(super) triggers: Vec<TriggerDef>,
    pub(super) scenarios: Vec<Scenario>,
}

/// A scenario with its code.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) def: ScenarioDef,
    pub(super) condition: Option<Expr>,
    /// Steps by their places in the body.
    pub(super) body: BTreeMap<u16, Line>,
}

/// One step, the expressions that belong to it, and the place behind them.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) step: Step,
    pub(super) exprs: Vec<Expr>,
    pub(super) next: u16,
}

impl Program {
    /// Reads an image.
    ///
    /// # Errors
    /// What is wrong with its frame. Code that the engine's check would refuse reads as [`LoadError::Truncated`] at the
    /// best, and as anything at the worst.
    pub fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut image = Image::open(bytes)?;
        let counts = image.counts;
        let inputs = (0..counts.inputs).map(|_| image.item()).collect::<Result<_, _>>()?;
        let outputs = (0..counts.outputs).map(|_| image.item()).collect::<Result<_, _>>()?;
        let sensors = (0..counts.sensors).map(|_| image.item()).collect::<Result<_, _>>()?;
        let variables = (0..counts.variables).map(|_| image.item()).collect::<Result<_, _>>()?;
        let triggers = (0..counts.triggers).map(|_| image.item()).collect::<Result<_, _>>()?;
        for _ in 0..counts.schedules {
            image.item::<campanile_core::calendar::Schedule>()?;
        }
        let defs: Vec<ScenarioDef> = (0..counts.scenarios).map(|_| image.item()).collect::<Result<_, _>>()?;
        let mut code = image.code()?;
        let mut scenarios = Vec::new();
        for def in defs {
            let condition = take(&mut code, def.condition)?;
            let body = take(&mut code, def.body)?;
            let condition = if condition.is_empty() {
                None
            } else {
                Some(Expr::read(&mut Reader::new(condition)).ok_or(LoadError::Truncated)?)
            };
            scenarios.push(Scenario { def, condition, body: lines(body).ok_or(LoadError::Truncated)? });
        }
        Ok(Self { hash: hash(bytes), inputs, outputs, sensors, variables, triggers, scenarios })
    }
}

impl Scenario {
    /// Whether its runs and timers outlive a restart.
    pub(super) fn is_durable(&self) -> bool {
        self.def.after_restart != AfterRestart::Cancel
    }
}

fn take<'a>(code: &mut &'a [u8], len: u16) -> Result<&'a [u8], LoadError> {
    let (first, rest) = code.split_at_checked(len.into()).ok_or(LoadError::Truncated)?;
    *code = rest;
    Ok(first)
}

fn lines(body: &[u8]) -> Option<BTreeMap<u16, Line>> {
    let place = |r: &Reader<'_>| u16::try_from(body.len() - r.rest().len()).ok();
    let (mut lines, mut r) = (BTreeMap::new(), Reader::new(body));
    while !r.is_empty() {
        let at = place(&r)?;
        let step = Step::get(&mut r)?;
        let exprs = match step {
            Step::Until { .. } | Step::Let { .. } | Step::If { .. } | Step::Repeat { .. } => 1,
            Step::Send { values, .. } => values,
            _ => 0,
        };
        let exprs = (0..exprs).map(|_| Expr::read(&mut r)).collect::<Option<_>>()?;
        lines.insert(at, Line { step, exprs, next: place(&r)? });
    }
    Some(lines)
}

impl Expr {
    /// Postfix: an operation follows what it works on.
    fn read(r: &mut Reader<'_>) -> Option<Self> {
        let mut stack: Vec<Box<Self>> = Vec::new();
        loop {
            let op = Op::get(r)?;
            let expr = match op.arity() {
                (1, 0) => return stack.pop().map(|expr| *expr),
                (0, _) => Self::Leaf(op),
                (1, _) => Self::Unary(op, stack.pop()?),
                _ => {
                    let right = stack.pop()?;
                    Self::Binary(op, stack.pop()?, right)
                }
            };
            stack.push(Box::new(expr));
        }
    }
}
