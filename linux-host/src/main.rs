//! The binary `campanile`: wiring only.

use std::process::ExitCode;

fn main() -> ExitCode {
    campanile::cli::main()
}
