//! What sets a scenario off: a trigger, a command, or another scenario.

use campanile_core::decision::Cause;
use campanile_core::id::ScenarioId;
use campanile_core::time::Instant;

/// A reason for a scenario to run.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    pub(super) scenario: ScenarioId,
    pub(super) cause: Cause,
    /// When it began in the world.
    pub(super) onset: Instant,
}
