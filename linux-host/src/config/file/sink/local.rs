//! `kind = "file"` and `kind = "console"`: on this machine.

use std::path::PathBuf;

use super::{Common, Filters};
use crate::config::read::{At, table};

table! {
    /// JSON lines in a file.
    pub struct FileSink("a sink of kind file") {
        /// The file; lines are appended.
        "path" path (required): At<PathBuf>,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
    }
}

impl Common for FileSink {
    fn only(&self) -> &Filters {
        &self.only
    }
}

table! {
    /// Lines for people on the standard output.
    pub struct ConsoleSink("a sink of kind console") {
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
    }
}

impl Common for ConsoleSink {
    fn only(&self) -> &Filters {
        &self.only
    }
}
