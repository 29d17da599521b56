//! The compiler of the file: TOML to the engine's image, the symbol table and the settings of the host.
//!
//! [`compile()`] tells every error of a file, each with its place; a file with an error gives nothing else. The schema of
//! the file comes from the declarations that read it ([`mod@file`]).

pub mod compile;
pub mod debounce_text;
pub mod expr;
pub mod file;
mod habits;
pub mod init;
pub mod machines;
pub mod read;
pub mod resources;
pub mod scalar;
pub mod schema;
pub mod script;
mod secrets;
pub mod source;
pub mod syntax;

use std::io::Read as _;
use std::path::Path;

pub use compile::{Compiled, SatelliteProgram, Settings, compile};
pub use read::{At, Entries};
pub use resources::{ROOM, Resource};
pub use source::{Diagnostic, Severity, Source};

/// No file that people write is longer.
pub const LONGEST_FILE: u64 = 1 << 20;

/// Reads a file to compile.
///
/// # Errors
/// In words: which file, why not, what to do.
pub fn load(path: &Path) -> Result<Source, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("there is no file {}: `campanile init` writes one", path.display())
        }
        _ => cannot(&error),
    })?;
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(format!("{} is longer than {LONGEST_FILE} bytes: is it the right file?", path.display()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(path.display().to_string(), text)),
        Err(error) => {
            let line =
                error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count()
                    + 1;
            Err(format!("{}: line {line} is not UTF-8 text: is it the right file?", path.display()))
        }
    }
}
