//! `campanile schema`.

use std::io::{self, Write as _};

use super::Failure;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile schema > campanile.schema.json\n\n\
    Editors with a TOML language server use it if the file begins with:\n  #:schema ./campanile.schema.json")]
pub(super) struct Args {}

/// Prints the JSON Schema of the file.
pub(super) fn run(_: &Args) -> Result<(), Failure> {
    let schema = serde_json::to_string_pretty(&crate::config::schema::schema()).map_err(Failure::says)?;
    Ok(writeln!(io::stdout(), "{schema}")?)
}
