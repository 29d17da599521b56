//! The loop's hands: it drives and reads the program's lines through the board.

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::runner::{Outputs, Refused};

use crate::board::{Board, This};
use crate::edges;
use crate::wiring::{INPUTS, OUTPUTS, Output};

/// The lines of the program.
pub(crate) struct Lines;

/// Sets up all pins; outputs have their safe levels from the first moment on.
pub(crate) fn start() {
    OUTPUTS.iter().for_each(|output| This::output(output.pin, output.safe != output.active_low));
    INPUTS.iter().for_each(|input| This::input(input.pin, input.pull));
}

/// Nobody decides any more.
pub(crate) fn make_safe() {
    OUTPUTS.iter().for_each(|output| drive(output, output.safe));
}

fn drive(output: &Output, on: bool) {
    This::drive(output.pin, on != output.active_low);
}

impl Outputs for Lines {
    fn set(&mut self, output: OutputId, level: Level) -> Result<(), Refused> {
        drive(OUTPUTS.get(output.index()).ok_or(Refused)?, level.is_on());
        Ok(())
    }

    fn read(&mut self, input: InputId) -> Option<Level> {
        INPUTS.get(input.index()).map(edges::level)
    }
}
