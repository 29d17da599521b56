//! Lines on the standard output: the trace, or JSON.

use std::io::{self, Write as _};

use super::Failure;
use super::blocking::Target;

/// The standard output.
#[derive(Debug)]
pub struct Console;

impl Target for Console {
    fn open(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(lines.as_bytes())?;
        out.flush()
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn explain(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::refused("nobody reads the output any more"),
            _ => Failure::retry(format!("cannot write to the standard output: {error}")),
        }
    }
}
