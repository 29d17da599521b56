//! Code while it is made: the bytes of steps and expressions, and where the author wrote them.

use std::ops::Range;

use campanile_core::program::code::Step;
use campanile_core::wire::{Wire, Writer};

use super::super::expr::Scope;

/// The bytes of a step or an operation.
pub(super) fn bytes(item: &impl Wire) -> Vec<u8> {
    let mut buf = [0; 32];
    let mut w = Writer::new(&mut buf);
    item.put(&mut w);
    // The longest has a tag, two ids and a number of ten bytes.
    let len = w.finish().unwrap_or_default();
    buf[..len].to_vec()
}

/// The bytes of an expression.
pub(super) fn ops(scope: &Scope) -> Vec<u8> {
    scope.ops.iter().flat_map(bytes).collect()
}

/// The length of a block. One that is too long makes the whole code too long, which is refused by its sum.
pub(super) fn length(code: &[u8]) -> u16 {
    u16::try_from(code.len()).unwrap_or(u16::MAX)
}

/// Where the author wrote what stands at a place of the code, by rising places.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Vec<(usize, Range<usize>)>);

impl Marks {
    /// The same, so many bytes further on.
    pub(super) fn behind(mut self, bytes: usize) -> Self {
        self.0.iter_mut().for_each(|(at, _)| *at += bytes);
        self
    }

    /// What the author wrote for a place of the code.
    pub(super) fn at(&self, place: usize) -> Option<Range<usize>> {
        self.0.iter().rev().find(|(at, _)| *at <= place).map(|(_, span)| span.clone())
    }
}

/// A block of steps.
#[derive(Default)]
pub(super) struct Block {
    pub(super) code: Vec<u8>,
    pub(super) marks: Marks,
    /// Every path through it comes by a wait.
    pub(super) waits: bool,
}

impl Block {
    pub(super) fn step(&mut self, span: &Range<usize>, step: &Step, expressions: &[u8]) {
        self.marks.0.push((self.code.len(), span.clone()));
        self.code.extend(bytes(step));
        self.code.extend(expressions);
    }

    pub(super) fn append(&mut self, block: &Self) {
        let offset = self.code.len();
        self.marks.0.extend(block.marks.0.iter().map(|(at, span)| (at + offset, span.clone())));
        self.code.extend(&block.code);
    }
}
