//! What happens to the journal of the model, drawn at random.

use std::io::ErrorKind;

use proptest::prelude::*;

use crate::disk::{Faults, PowerCut};

/// What happens, drawn at random.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Edges(u64),
    Durable,
    Commit,
    Wait(u64),
    Checkpoint,
    Overrun(u64),
    Read,
    Fault(Fault),
    Heal,
    /// The process dies; the kernel keeps what it has.
    Kill,
    PowerCut(PowerCut),
    Close,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Full,
    ReadOnly,
    Syncs,
    Writes,
    Torn(u64),
    Sometimes,
}

impl Fault {
    pub(super) fn faults(self) -> Faults {
        let none = Faults::default();
        match self {
            Self::Full => Faults { room: Some(0), ..none },
            Self::ReadOnly => Faults::read_only(),
            Self::Syncs => Faults { syncs: Some(ErrorKind::Other), ..none },
            Self::Writes => Faults { writes: Some(ErrorKind::Other), ..none },
            Self::Torn(budget) => Faults { write_budget: Some(budget), ..none },
            Self::Sometimes => Faults { one_in: 5, ..none },
        }
    }
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let fault = prop_oneof![
        Just(Fault::Full),
        Just(Fault::ReadOnly),
        Just(Fault::Syncs),
        Just(Fault::Writes),
        (0u64..200).prop_map(Fault::Torn),
        Just(Fault::Sometimes),
    ];
    let cut = prop_oneof![
        Just(PowerCut::Nothing),
        (0usize..400).prop_map(PowerCut::Bytes),
        Just(PowerCut::Sectors),
    ];
    prop_oneof![
        12 => (1u64..60).prop_map(Op::Edges),
        3 => Just(Op::Durable),
        12 => Just(Op::Commit),
        5 => (0u64..400).prop_map(Op::Wait),
        2 => Just(Op::Checkpoint),
        1 => (1u64..9).prop_map(Op::Overrun),
        4 => Just(Op::Read),
        2 => fault.prop_map(Op::Fault),
        3 => Just(Op::Heal),
        2 => Just(Op::Kill),
        2 => cut.prop_map(Op::PowerCut),
        1 => Just(Op::Close),
    ]
}

/// What somebody does to the files behind the journal's back: which file, where, what.
pub(super) fn harm() -> impl Strategy<Value = (usize, usize, Vec<u8>, bool)> {
    (0usize..16, 0usize..9000, proptest::collection::vec(any::<u8>(), 1..600), proptest::bool::weighted(0.1))
}
