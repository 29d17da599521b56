//! Refusals in words, as far as they go without names. Each goes on a sentence: "the engine refuses the program: ...".

use core::fmt::{self, Display, Formatter};

use super::{CodeError, LoadError, TriggerError, What};

impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Sensors => "sensors",
            Self::Variables => "variables",
            Self::Triggers => "triggers",
            Self::Schedules => "schedules",
            Self::Scenarios => "scenarios",
            Self::Runs => "runs at once",
            Self::Code => "bytes of code",
            Self::Peers => "peers",
        })
    }
}

impl Display for LoadError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotAnImage => f.write_str("it is not a program image"),
            Self::Version { have, want } => {
                write!(f, "it has version {have} of the image format, and the engine reads version {want}")
            }
            Self::Truncated => f.write_str("it is incomplete"),
            Self::TrailingBytes => f.write_str("it has bytes behind its end"),
            Self::Checksum => f.write_str("its checksum does not match"),
            Self::TooMany { what, have, max } => {
                write!(f, "it has {have} {what}, and the engine has room for {max}")
            }
            Self::Trigger { trigger, why } => write!(f, "trigger {trigger}: {why}"),
            Self::Debounce { input } => write!(f, "the debounce of input {input} is not valid"),
            Self::Schedule { schedule } => write!(f, "schedule {schedule} is not valid"),
            Self::Mode { scenario } => write!(f, "the mode of scenario {scenario} allows no runs"),
            Self::Code { scenario, at, why } => {
                write!(f, "scenario {scenario}, byte {at} of its code: {why}")
            }
        }
    }
}

impl Display for TriggerError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unknown { what, id } => no_such(f, what, id),
            Self::Unsorted => f.write_str("it is not where its key belongs in the table"),
            Self::NoPeriod => f.write_str("its period is zero"),
            Self::Hysteresis => f.write_str("its hysteresis is negative"),
        }
    }
}

impl Display for CodeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::NotAnInstruction => "it is not an instruction",
            Self::Unknown { what, id } => return no_such(f, what, id),
            Self::Stack => "an expression takes more values than there are, or leaves more than fit",
            Self::Nesting => "blocks overlap",
            Self::TooDeep => "blocks are nested too deep",
            Self::Loops => "loops are nested too deep, or have the wrong counter",
            Self::TooManySteps { have } => return write!(f, "{have} steps without a wait are too many"),
            Self::UnboundedLoop => "a loop without a wait has no constant count",
            Self::TooManyValues => "a message has too many values",
            Self::Length => "the code is not as long as its scenario says",
        })
    }
}

fn no_such(f: &mut Formatter<'_>, what: What, id: u8) -> fmt::Result {
    write!(f, "there is no number {id} among the {what}")
}
