//! The binary `campanile`: wiring only.

use std::process::ExitCode;

fn main() -> ExitCode {
    // One provider of cryptography for all of the process, chosen before anything could ask for it; nobody was faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    campanile::cli::main()
}
