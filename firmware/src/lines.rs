//! The loop's hands: it drives and reads the program's lines through the board.

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::runner::{Outputs, Refused};

use crate::{edges, wiring};

/// The lines of the program.
pub(crate) struct Lines;

impl Outputs for Lines {
    fn set(&mut self, output: OutputId, level: Level) -> Result<(), Refused> {
        wiring::output(output).ok_or(Refused)?.drive(level.is_on());
        Ok(())
    }

    fn read(&mut self, input: InputId) -> Option<Level> {
        wiring::input(input).map(|input| edges::level(&input))
    }

    fn installed(&mut self, _: u64) {
        wiring::swap();
    }
}
