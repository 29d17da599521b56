//! Refusals: what is wrong with a program, with the ids concerned, so that the host can say it in names.

mod words;

/// What a program has too much of, or what an id does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum What {
    /// Inputs.
    Inputs,
    /// Outputs.
    Outputs,
    /// Sensors.
    Sensors,
    /// Variables.
    Variables,
    /// Triggers.
    Triggers,
    /// Schedules.
    Schedules,
    /// Scenarios.
    Scenarios,
    /// Slots of the pool of runs.
    Runs,
    /// Bytes of code.
    Code,
    /// Peers.
    Peers,
}

/// Why a program is refused. Ids are those of the image; the host turns them into names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are something else.
    NotAnImage,
    /// An image of another version.
    Version {
        /// The image's.
        have: u8,
        /// The one that this engine reads.
        want: u8,
    },
    /// The bytes end too soon, or a part does not decode.
    Truncated,
    /// More bytes than parts.
    TrailingBytes,
    /// The checksum does not fit.
    Checksum,
    /// More than this engine has room for.
    TooMany {
        /// Of what.
        what: What,
        /// In the program.
        have: u16,
        /// In the engine.
        max: u16,
    },
    /// A trigger names something that the program has not, or of which it makes no sense.
    Trigger {
        /// Which trigger.
        trigger: u8,
        /// What is wrong.
        why: TriggerError,
    },
    /// An input whose debounce makes no sense.
    Debounce {
        /// Which input.
        input: u8,
    },
    /// A schedule that is none.
    Schedule {
        /// Which.
        schedule: u8,
    },
    /// A scenario with a mode of no runs.
    Mode {
        /// Which scenario.
        scenario: u8,
    },
    /// A scenario whose code is wrong.
    Code {
        /// Which scenario.
        scenario: u8,
        /// Where in its code, in bytes.
        at: u16,
        /// What is wrong there.
        why: CodeError,
    },
}

/// What is wrong with a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TriggerError {
    /// No such id.
    Unknown {
        /// Of what.
        what: What,
        /// The id.
        id: u8,
    },
    /// The table is not sorted by key.
    Unsorted,
    /// A period of zero.
    NoPeriod,
    /// A negative hysteresis.
    Hysteresis,
}

/// What is wrong with code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CodeError {
    /// No instruction.
    NotAnInstruction,
    /// No such id.
    Unknown {
        /// Of what.
        what: What,
        /// The id.
        id: u8,
    },
    /// The stack of an expression runs over or dry.
    Stack,
    /// Blocks that do not nest.
    Nesting,
    /// Blocks nested too deep.
    TooDeep,
    /// Loops nested too deep, or with the wrong counter.
    Loops,
    /// More steps than allowed between two waits.
    TooManySteps {
        /// At the most.
        have: u32,
    },
    /// A loop without a wait whose count is not a constant.
    UnboundedLoop,
    /// More values than a message has.
    TooManyValues,
    /// The code is not as long as its scenario says.
    Length,
}
