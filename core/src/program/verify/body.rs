//! Code: expressions that keep their stack, blocks that nest, and slices that end (I8).

use crate::decision::Values;
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
        let op = Op::get(r).ok_or(CodeError::NotAnInstruction)?;
        match op {
            Op::Input { input } => known(What::Inputs, input.0, counts.inputs),
            Op::Output { output } => known(What::Outputs, output.0, counts.outputs),
            Op::Sensor { sensor } => known(What::Sensors, sensor.0, counts.sensors),
            Op::Var { var } => known(What::Variables, var.0, counts.variables),
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
    /// Steps of this slice before the loop, for a loop.
    repeat: Option<Loop>,
}

struct Loop {
    slot: u8,
    start: usize,
    /// Steps since the last wait when the loop began.
    before: u32,
    /// Steps of a round up to its first sure wait, once there was one.
    head: Option<u32>,
    rounds: Option<u32>,
}

/// Walks a body once, in the order of its bytes, with the stack of blocks it is in.
pub(super) struct Body<'a> {
    code: &'a [u8],
    at: usize,
    counts: &'a Counts,
    blocks: heapless::Vec<Block, MAX_BLOCKS>,
    /// Steps since the last sure wait, within the innermost loop.
    steps: u32,
    /// The most steps between two waits so far.
    longest: u32,
}

impl<'a> Body<'a> {
    pub(super) const fn new(code: &'a [u8], counts: &'a Counts) -> Self {
        Self { code, at: 0, counts, blocks: heapless::Vec::new(), steps: 0, longest: 0 }
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
        let step = Step::get(&mut r).ok_or(CodeError::NotAnInstruction)?;
        let mut constant = None;
        for _ in 0..expressions(&step) {
            constant = check_expression(&mut r, self.counts)?;
        }
        self.at = self.code.len().saturating_sub(r.rest().len());
        self.check_ids(&step)?;
        self.steps = self.steps.saturating_add(1);
        self.check_slice()?;
        match step {
            Step::Wait { .. } => self.sure_wait()?,
            Step::If { skip } => self.open(skip, None)?,
            Step::Else { skip } => {
                let then = self.blocks.pop().ok_or(CodeError::Nesting)?;
                if then.repeat.is_some() || then.end != self.at {
                    return Err(CodeError::Nesting);
                }
                self.open(skip, None)?;
            }
            Step::Repeat { slot, skip } => {
                let outer = self.blocks.iter().filter(|block| block.repeat.is_some()).count();
                if outer >= MAX_LOOPS || usize::from(slot) != outer {
                    return Err(CodeError::Loops);
                }
                let rounds = constant.map(|n| n.clamp(0, i32::from(u16::MAX)).cast_unsigned());
                let (start, before) = (self.at, self.steps);
                self.open(skip, Some(Loop { slot, start, before, head: None, rounds }))?;
                self.steps = 0;
            }
            Step::Again { slot, back } => self.close_loop(slot, back)?,
            _ => {}
        }
        // A block of conditions ends where its bytes do; a loop ends with its `Again`, and only so.
        while let Some(block) = self.blocks.last() {
            match block.end {
                end if end == self.at && block.repeat.is_none() => drop(self.blocks.pop()),
                end if end <= self.at => return Err(CodeError::Nesting),
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

    fn open(&mut self, skip: u16, repeat: Option<Loop>) -> Result<(), CodeError> {
        let end = self.at.saturating_add(usize::from(skip));
        let limit = self.blocks.last().map_or(self.code.len(), |outer| outer.end);
        if end > limit {
            return Err(CodeError::Nesting);
        }
        self.blocks.push(Block { end, repeat }).map_err(|_| CodeError::TooDeep)
    }

    /// A wait that every path through the innermost loop, or through the body, comes by.
    fn sure_wait(&mut self) -> Result<(), CodeError> {
        match self.blocks.last_mut() {
            None => self.steps = 0,
            Some(Block { repeat: Some(repeat), .. }) => {
                repeat.head = repeat.head.or(Some(self.steps));
                self.steps = 0;
            }
            Some(Block { repeat: None, .. }) => {}
        }
        Ok(())
    }

    fn close_loop(&mut self, slot: u8, back: u16) -> Result<(), CodeError> {
        let Some(Block { end, repeat: Some(repeat) }) = self.blocks.pop() else {
            return Err(CodeError::Nesting);
        };
        if end != self.at || slot != repeat.slot || usize::from(back) != self.at.saturating_sub(repeat.start)
        {
            return Err(CodeError::Nesting);
        }
        self.steps = match (repeat.head, repeat.rounds) {
            (Some(head), _) => {
                let round = head.saturating_add(self.steps);
                self.slice(round)?;
                self.steps.max(repeat.before)
            }
            (None, Some(rounds)) => repeat.before.saturating_add(self.steps.saturating_mul(rounds)),
            (None, None) => return Err(CodeError::UnboundedLoop),
        };
        self.check_slice()
    }

    /// The steps since the last wait, the loops around included that have not waited yet.
    fn check_slice(&mut self) -> Result<(), CodeError> {
        let mut have = self.steps;
        for repeat in self.blocks.iter().rev().filter_map(|block| block.repeat.as_ref()) {
            if repeat.head.is_some() {
                break;
            }
            have = have.saturating_add(repeat.before);
        }
        self.slice(have)
    }

    fn slice(&mut self, have: u32) -> Result<(), CodeError> {
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
