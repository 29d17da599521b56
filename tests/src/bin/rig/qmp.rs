//! QEMU's machine protocol: the power of a board, and its memory.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::machine::{PATIENCE, connect};

/// A connection to a machine.
pub(crate) struct Qmp(BufReader<UnixStream>);

impl Qmp {
    pub(crate) fn of(socket: &Path) -> Result<Self, String> {
        let stream = connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        let mut qmp = Self(BufReader::new(stream));
        qmp.ask(r#"{"execute": "qmp_capabilities"}"#)?;
        Ok(qmp)
    }

    /// Has a command carried out.
    pub(crate) fn ask(&mut self, command: &str) -> Result<(), String> {
        let failed = |why: String| format!("{command}: {why}");
        self.0
            .get_mut()
            .write_all(format!("{command}\n").as_bytes())
            .map_err(|error| failed(error.to_string()))?;
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Ok(0) => return Err(failed("QEMU has ended".to_owned())),
                Ok(_) if line.starts_with(r#"{"return""#) => return Ok(()),
                Ok(_) if line.starts_with(r#"{"error""#) => return Err(failed(line)),
                // A greeting, or an event.
                Ok(_) => {}
                Err(error) => return Err(failed(error.to_string())),
            }
        }
    }
}
