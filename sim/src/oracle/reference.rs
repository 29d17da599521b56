//! The reference: every decision of the engine once more, slow and obvious, written from core/SEMANTICS.md.
//!
//! It shares with the engine the types of records and programs, the frame of an image, and nothing else: what an
//! expression is worth, when a contact is believed, whose turn it is, is all said here a second time, with vectors,
//! trees and linear searches instead of tables, bits and deadlines kept in order. Fed with the stamped inputs of a log
//! it says which decisions must stand between them, each with its time; [`check`] compares the two.
//!
//! ```text
//! inputs ─► lines (debounce) ─► triggers ─► agenda ─► runs ─► outputs ─► decisions
//! ```
//!
//! | idea | file |
//! |---|---|
//! | a program, its expressions as trees | `program` |
//! | what an expression is worth | `expr` |
//! | when a line is believed | `debounce` |
//! | what happens when: inputs, deadlines and their order | `time` |
//! | what a change sets off | `triggers` |
//! | what sets a scenario off | `occurrence` |
//! | whose turn it is, and limits of an instant | `agenda` |
//! | the steps of a run | `run` |
//! | who may write an output | `outputs` |
//! | what a power cut leaves | `restart` |
//! | what a swap of programs leaves | `swap` |
//! | from a checkpoint in the middle of a log | `resume` |
//! | a log against all of it | `check` |
//!
//! # What it does not cover
//!
//! - What a checkpoint must hold: it goes on from one that was given, and believes it.
//! - Effects: what is asked of the host (drive a line, read a line once it is quiet) is not in the log; a reading that
//!   came is taken as it came.
//! - Which moments the calendar gives, the gates in front of sensors and the storm guard: they are in front of the
//!   engine, and enter as `Tick`, `Reading` and `Overrun`.
//! - What an engine refuses: a program that [`verify`](campanile_core::program::verify) would not let pass, an input
//!   that names what the program has not (nothing is recorded of it), a pool of runs that is too small.
//! - The bytes of records: it compares what they say.

mod agenda;
pub mod check;
pub mod debounce;
pub mod expr;
mod occurrence;
mod outputs;
mod program;
mod restart;
mod resume;
mod run;
mod swap;
mod time;
mod triggers;

use std::collections::VecDeque;

use campanile_core::decision::{Decision, Origin};
use campanile_core::id::{PeerId, RunId};
use campanile_core::time::Instant;

pub use program::{Program, Programs, programs};

use agenda::Agenda;
use debounce::Line;
use outputs::Output;
use restart::Boot;
use run::Run;
use time::Clock;
use triggers::Trigger;

/// How many commands are kept to recognise a repeat.
const COMMANDS_KEPT: usize = 16;

/// A house as it must be, after the inputs so far.
#[derive(Clone, Debug)]
pub struct Reference {
    /// For `Install`.
    programs: Programs,
    program: Program,
    now: Instant,
    /// The start is not over yet.
    starting: bool,
    /// Outputs stay safe, and nothing is decided any more.
    stopped: bool,
    /// In the order of the program's inputs; likewise those that follow.
    lines: Vec<Line>,
    sensors: Vec<Option<i32>>,
    variables: Vec<i32>,
    triggers: Vec<Trigger>,
    outputs: Vec<Output>,
    /// By slot.
    runs: Vec<Option<Run>>,
    agenda: Agenda,
    /// The last few, oldest first.
    commands: VecDeque<(Origin, u32)>,
    /// Who is there.
    peers: Vec<PeerId>,
    clock: Option<Clock>,
    /// Moments of an `every` up to here fell into a stall.
    stall: Instant,
    boot: Option<Boot>,
    /// What was decided and not yet asked for.
    decided: VecDeque<(Instant, Decision)>,
}

impl Reference {
    /// Loads a program: its outputs take their safe levels, and `every` counts from `at`.
    #[must_use]
    pub fn load(at: Instant, program: Program, programs: Programs) -> Self {
        let mut reference = Self {
            now: at,
            starting: true,
            stopped: false,
            lines: program.inputs.iter().map(|def| Line::new(def.debounce)).collect(),
            sensors: vec![None; program.sensors.len()],
            variables: program.variables.iter().map(|def| def.initial).collect(),
            triggers: program.triggers.iter().map(|def| Trigger::new(def, at)).collect(),
            outputs: program.outputs.iter().map(|def| Output::new(*def)).collect(),
            runs: Vec::new(),
            agenda: Agenda::default(),
            commands: VecDeque::new(),
            peers: Vec::new(),
            clock: None,
            stall: Instant::ZERO,
            boot: None,
            decided: VecDeque::new(),
            programs,
            program,
        };
        reference.outputs_at_load();
        reference
    }

    /// The decisions so far that were not asked for yet, in their order, each with its time.
    pub fn expected(&mut self) -> impl Iterator<Item = (Instant, Decision)> + '_ {
        self.decided.drain(..)
    }

    fn decide(&mut self, decision: Decision) {
        self.decided.push_back((self.now, decision));
    }

    fn run(&self, slot: RunId) -> Option<&Run> {
        self.runs.get(slot.index())?.as_ref()
    }

    fn run_mut(&mut self, slot: RunId) -> Option<&mut Run> {
        self.runs.get_mut(slot.index())?.as_mut()
    }

    /// All runs with their slots.
    fn all_runs(&self) -> impl Iterator<Item = (RunId, &Run)> {
        (0..).map(RunId).zip(&self.runs).filter_map(|(slot, run)| Some((slot, run.as_ref()?)))
    }
}
