//! Instructions: what the body of a scenario and its expressions are made of.
//!
//! A scenario's code is its condition (an expression, or nothing) and its body (steps). Steps follow each other;
//! an expression stands right behind the step that it belongs to and ends with [`Op::End`]. Jumps go forward, but
//! for [`Step::Again`] at the end of a loop's body; [`verify`](super::verify) checks that blocks nest.

use crate::id::{InputId, Level, OutputId, PeerId, ScenarioId, SensorId, TemplateId, VarId};
use crate::time::Duration;
use crate::wire::wire_union;

/// The most steps that a run makes between two waits.
pub const MAX_STEPS: u16 = 255;
/// The deepest stack of an expression.
pub const MAX_STACK: usize = 8;
/// The deepest nesting of loops.
pub const MAX_LOOPS: usize = 2;
/// The deepest nesting of blocks, conditions and loops together.
pub const MAX_BLOCKS: usize = 16;

wire_union! {
    /// One step of a body. The numbers are those of the image; append only.
    Step {
        /// The run is over.
        0 End {},
        /// Drive an output.
        1 Set { /** Which. */ output: OutputId, /** To. */ level: Level },
        /// Go on so much later; zero: when the agenda is done.
        2 Wait { /** So much later. */ span: Duration },
        /// An expression follows: go on when it is true.
        3 Until { /** Or after this. */ timeout: Option<Duration> },
        /// An expression follows: its value goes into a variable.
        4 Let { /** Which. */ var: VarId },
        /// An expression follows, then the block: stepped over unless the expression is true.
        5 If { /** Bytes of the block. */ skip: u16 },
        /// Last in the block of an `If`: steps over the block that follows, its alternative.
        6 Else { /** Bytes of the alternative. */ skip: u16 },
        /// An expression follows, then the block: executed so many times, 0 to 65535.
        7 Repeat { /** Place of its counter: 0 for an outer loop, 1 for one within. */ slot: u8, /** Bytes of the block. */ skip: u16 },
        /// Last in the block of a `Repeat`: back to the block's start while rounds are left.
        8 Again { /** Of the `Repeat`. */ slot: u8, /** Bytes from the block's start to behind this step. */ back: u16 },
        /// So many expressions follow: a message with their values.
        9 Send { /** Which. */ template: TemplateId, /** 0 to 4. */ values: u8 },
        /// Start a scenario, as by a trigger.
        10 Start { /** Which. */ scenario: ScenarioId },
        /// End all runs of a scenario.
        11 Stop { /** Which. */ scenario: ScenarioId },
    }
}

wire_union! {
    /// One operation of an expression, in postfix order. Truth is "not 0"; comparisons and logic give 0 or 1.
    /// The numbers are those of the image; append only.
    Op {
        /// The expression is over; its value is the one on the stack.
        0 End {},
        /// A number.
        1 Const { /** The number. */ value: i32 },
        /// The reported level of an input; unknown before the first reading.
        2 Input { /** Which. */ input: InputId },
        /// The level of an output.
        3 Output { /** Which. */ output: OutputId },
        /// The value of a sensor; unknown before the first reading and when lost.
        4 Sensor { /** Which. */ sensor: SensorId },
        /// The value of a variable.
        5 Var { /** Which. */ var: VarId },
        /// Hour of the day, 0 to 23, local; unknown while the clock is not trusted.
        6 Hour {},
        /// Minute of the hour, 0 to 59; likewise.
        7 Minute {},
        /// Day of the week, 1 for Monday to 7 for Sunday; likewise.
        8 Weekday {},
        /// Whether the run's last `wait-until` ended by its timeout.
        9 TimedOut {},
        /// Saturating.
        10 Neg {},
        /// Not.
        11 Not {},
        /// Saturating.
        12 Add {},
        /// Saturating.
        13 Sub {},
        /// Saturating.
        14 Mul {},
        /// Truncating; by zero is a fault.
        15 Div {},
        /// Sign of the dividend; by zero is a fault.
        16 Rem {},
        /// Equal.
        17 Eq {},
        /// Not equal.
        18 Ne {},
        /// Less.
        19 Lt {},
        /// Less or equal.
        20 Le {},
        /// Greater.
        21 Gt {},
        /// Greater or equal.
        22 Ge {},
        /// Both; false if either is false, even if the other is unknown.
        23 And {},
        /// Either; true if either is true, even if the other is unknown.
        24 Or {},
        /// The value as it is while a peer is there: that peer is who knows it. Unknown while it is away.
        25 WhileUp { /** Which. */ peer: PeerId },
    }
}

impl Op {
    /// How many values the operation takes off the stack, and how many it puts there.
    pub const fn arity(&self) -> (usize, usize) {
        match self.tag() {
            0 => (1, 0),
            1..=9 => (0, 1),
            10..=11 | 25 => (1, 1),
            _ => (2, 1),
        }
    }
}
