//! Code: expressions that keep their stack, blocks that nest, and slices that end (I8).

use super::count::{Count, Steps};
use crate::decision::Values;
use crate::id::MAX_PEERS;
use crate::program::code::{MAX_BLOCKS, MAX_LOOPS, MAX_STACK, MAX_STEPS, Op, Step};
use crate::program::image::Counts;
use crate::program::refusal::{CodeError, What};
use crate::wire::{Reader, Wire};

/// Whether an id names something; if not, what it does not name.
pub(super) fn known(what: What, id: u8, count: u8) -> Result<(), (What, u8)> {
    if id < count { Ok(()) } else { Err((what, id)) }
}

const fn unknown((what, id): (What, u8)) -> CodeError {
    CodeError::Unknown { what, id }
}

/// Checks one expression and gives its value if it is a constant.
pub(super) fn check_expression(r: &mut Reader<'_>, counts: &Counts) -> Result<Option<i32>, CodeError> {
    let mut depth = 0usize;
    let mut constant = None;
    let mut ops = 0u32;
    loop {
        let op = Op::read(r);
        if r.failed() {
            return Err(CodeError::NotAnInstruction);
        }
        match op {
            Op::Input { input } => known(What::Inputs, input.0, counts.inputs),
            Op::Output { output } => known(What::Outputs, output.0, counts.outputs),
            Op::Sensor { sensor } => known(What::Sensors, sensor.0, counts.sensors),
            Op::Var { var } => known(What::Variables, var.0, counts.variables),
            Op::WhileUp { peer } => known(What::Peers, peer.0, MAX_PEERS),
            _ => Ok(()),
        }
        .map_err(unknown)?;
        let (takes, gives) = op.arity();
        depth = depth.checked_sub(takes).ok_or(CodeError::Stack)?.saturating_add(gives);
        if depth > MAX_STACK {
            return Err(CodeError::Stack);
        }
        match op {
            Op::End {} if depth != 0 => return Err(CodeError::Stack),
            Op::End {} => return Ok(if ops == 1 { constant } else { None }),
            Op::Const { value } => constant = Some(value),
            _ => constant = None,
        }
        ops = ops.saturating_add(1);
    }
}

/// A block of a body: where it ends, and what it is.
struct Block {
    end: usize,
    /// What was counted up to it, in the block around it.
    before: Count,
    kind: Kind,
}

enum Kind {
    /// With the block that an `Else` ended, if this is its alternative.
    Condition {
        then: Count,
    },
    Loop {
        slot: u8,
        start: usize,
        rounds: Option<u32>,
    },
}

/// Walks a body once, in the order of its bytes, with the stack of blocks it is in.
pub(super) struct Body<'a> {
    code: &'a [u8],
    at: usize,
    counts: &'a Counts,
    blocks: heapless::Vec<Block, MAX_BLOCKS>,
    /// Of the innermost block so far.
    count: Count,
    /// The most steps between two waits so far.
    longest: u32,
}

impl<'a> Body<'a> {
    pub(super) const fn new(code: &'a [u8], counts: &'a Counts) -> Self {
        Self { code, at: 0, counts, blocks: heapless::Vec::new(), count: Count::NOTHING, longest: 0 }
    }

    /// Gives the steps of the longest slice.
    pub(super) fn check(mut self) -> Result<u32, (usize, CodeError)> {
        while self.at < self.code.len() {
            let at = self.at;
            self.step().map_err(|why| (at, why))?;
        }
        if self.blocks.is_empty() { Ok(self.longest) } else { Err((self.at, CodeError::Nesting)) }
    }

    fn step(&mut self) -> Result<(), CodeError> {
        let mut r = Reader::new(self.code.get(self.at..).unwrap_or_default());
        let step = Step::read(&mut r);
        if r.failed() {
            return Err(CodeError::NotAnInstruction);
        }
        let mut constant = None;
        for _ in 0..expressions(&step) {
            constant = check_expression(&mut r, self.counts)?;
        }
        self.at = self.code.len().saturating_sub(r.rest().len());
        self.check_ids(&step)?;
        self.count = self.count.then(Count::STEP);
        self.check_slice(self.open_at(self.blocks.len()))?;
        match step {
            Step::Wait { .. } => self.count = self.count.then(Count::WAIT),
            Step::If { skip } => self.open(skip, Kind::Condition { then: Count::NOTHING })?,
            Step::Else { skip } => {
                let Some(Block { end, before, kind: Kind::Condition { .. } }) = self.blocks.pop() else {
                    return Err(CodeError::Nesting);
                };
                if end != self.at {
                    return Err(CodeError::Nesting);
                }
                let then = core::mem::replace(&mut self.count, before);
                self.open(skip, Kind::Condition { then })?;
            }
            Step::Repeat { slot, skip } => {
                let outer =
                    self.blocks.iter().filter(|block| matches!(block.kind, Kind::Loop { .. })).count();
                if outer >= MAX_LOOPS || usize::from(slot) != outer {
                    return Err(CodeError::Loops);
                }
                let rounds = constant.map(|n| n.clamp(0, i32::from(u16::MAX)).cast_unsigned());
                self.open(skip, Kind::Loop { slot, start: self.at, rounds })?;
            }
            Step::Again { slot, back } => self.close_loop(slot, back)?,
            _ => {}
        }
        // A block of conditions ends where its bytes do; a loop ends with its `Again`, and only so.
        while let Some(&Block { end, before, ref kind }) = self.blocks.last() {
            match *kind {
                Kind::Condition { then } if end == self.at => {
                    self.count = before.then(self.count.or(then));
                    self.blocks.pop();
                }
                _ if end <= self.at => return Err(CodeError::Nesting),
                _ => break,
            }
        }
        Ok(())
    }

    fn check_ids(&self, step: &Step) -> Result<(), CodeError> {
        match *step {
            Step::Set { output, .. } => known(What::Outputs, output.0, self.counts.outputs),
            Step::Let { var } => known(What::Variables, var.0, self.counts.variables),
            Step::Start { scenario } | Step::Stop { scenario } => {
                known(What::Scenarios, scenario.0, self.counts.scenarios)
            }
            Step::Send { values, .. } if usize::from(values) > Values::MAX => {
                return Err(CodeError::TooManyValues);
            }
            _ => Ok(()),
        }
        .map_err(unknown)
    }

    fn open(&mut self, skip: u16, kind: Kind) -> Result<(), CodeError> {
        let end = self.at.saturating_add(usize::from(skip));
        let limit = self.blocks.last().map_or(self.code.len(), |outer| outer.end);
        if end > limit {
            return Err(CodeError::Nesting);
        }
        let before = core::mem::replace(&mut self.count, Count::NOTHING);
        self.blocks.push(Block { end, before, kind }).map_err(|_| CodeError::TooDeep)
    }

    fn close_loop(&mut self, slot: u8, back: u16) -> Result<(), CodeError> {
        let Some(Block { end, before, kind: Kind::Loop { slot: own, start, rounds } }) = self.blocks.pop()
        else {
            return Err(CodeError::Nesting);
        };
        if end != self.at || slot != own || usize::from(back) != self.at.saturating_sub(start) {
            return Err(CodeError::Nesting);
        }
        let round = core::mem::replace(&mut self.count, before);
        let before = self.open_at(self.blocks.len());
        self.check_slice(round.longest_across(rounds, before).ok_or(CodeError::UnboundedLoop)?)?;
        self.count = self.count.then(round.times(rounds));
        self.check_slice(self.open_at(self.blocks.len()))
    }

    /// The most steps since a wait, or since the run went on, up to here: within so many blocks.
    fn open_at(&self, depth: usize) -> u32 {
        let outer = self.blocks.iter().take(depth).map(|block| &block.before);
        outer
            .chain([&self.count])
            .fold(0, |open, count| count.through.then(Steps::of(open)).max(count.tail).known().unwrap_or(0))
    }

    fn check_slice(&mut self, have: u32) -> Result<(), CodeError> {
        self.longest = self.longest.max(have);
        if have > u32::from(MAX_STEPS) { Err(CodeError::TooManySteps { have }) } else { Ok(()) }
    }
}

/// How many expressions stand behind a step.
pub const fn expressions(step: &Step) -> u8 {
    match step {
        Step::Until { .. } | Step::Let { .. } | Step::If { .. } | Step::Repeat { .. } => 1,
        Step::Send { values, .. } => *values,
        _ => 0,
    }
}
