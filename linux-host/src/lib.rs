//! Campanile on Linux: the compiler of the file, the boards, the loop, the sinks and the command line.
//!
//! The binary is a few lines around [`cli::main`]; everything else is here, so that tests reach it.

pub mod boards;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod demo;
pub mod install;
mod nearest;
mod random;
pub mod satellites;
pub mod schedule_text;
pub mod secret;
pub mod sinks;
pub mod words;
pub mod zone;
