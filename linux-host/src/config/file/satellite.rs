//! Satellites: nodes of their own at the other end of a serial line.

use super::super::read::{At, Entries, Needed, table};
use super::super::scalar::{Number, Text};
use super::{Input, Output, Scenario};

table! {
    /// A satellite: a microcontroller that runs its own scenarios, also while nobody is at the other end of its line. Its
    /// inputs and outputs are known to all scenarios by its name and theirs, such as "porch.button".
    pub struct Satellite("a satellite") {
        /// The board of kind serial that it is on; the one of its own name without it.
        "board" board (optional): At<Text>,
        /// Its inputs: lines that are watched there.
        "inputs" inputs (empty): Entries<Input>,
        /// Its outputs: lines that are driven there.
        "outputs" outputs (empty): Entries<Output>,
        /// Its variables.
        "variables" variables (empty): Entries<Number>,
        /// What it does by itself.
        "scenarios" scenarios (empty): Needed<Vec<Scenario>>,
    }
}

/// What an output of a satellite does when the link dies over which it was switched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithoutLink {
    /// It stays as it is.
    #[default]
    Hold,
    /// It takes its safe level.
    Safe,
}

super::words!(WithoutLink, "what to do when the link dies", {
    "hold" => WithoutLink::Hold, "safe" => WithoutLink::Safe,
});
