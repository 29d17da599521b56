//! `kind = "file"` and `kind = "console"`: on this machine.

use std::path::PathBuf;

use super::{Beat, Common, Filters};
use crate::config::read::{At, table};
use campanile_core::time::Duration;

table! {
    /// JSON lines in a file.
    pub struct FileSink("a sink of kind file") {
        /// The file; lines are appended.
        "path" path (required): At<PathBuf>,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): Beat,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
    }
}

impl Common for FileSink {
    fn only(&self) -> &Filters {
        &self.only
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat.map(|every| every.0)
    }
}

table! {
    /// Lines for people on the standard output.
    pub struct ConsoleSink("a sink of kind console") {
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): Beat,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
    }
}

impl Common for ConsoleSink {
    fn only(&self) -> &Filters {
        &self.only
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat.map(|every| every.0)
    }
}
