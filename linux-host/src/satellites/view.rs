//! A satellite at a glance: what its thread knows, for `status` and `link info`. Fields may be added, never renamed.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// One satellite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SatelliteStatus {
    /// Its name.
    pub name: String,
    /// The board of the file that it is on.
    pub board: String,
    /// Where that is.
    pub port: String,
    /// In words: `connected`, `retrying in 4 s: no such device`.
    pub state: String,
    /// Whether it is there.
    pub up: bool,
    /// What kind of machine it says it is.
    pub machine: String,
    /// Its start: the counter of starts and 32 random bits.
    pub boot: String,
    /// The number of its last record in the journal.
    pub seq: u64,
    /// Records that were gone before they came here.
    pub lost: u64,
    /// Frames that came and were not whole.
    pub broken_frames: u32,
    /// The hash of the program that it has from here; empty if it has another one.
    pub program: String,
    /// Bytes of its program that are there, and all of them, while it is brought over.
    pub installing: Option<(u16, u16)>,
    /// Seconds since its clock began.
    pub uptime_s: Option<f64>,
    /// What is wrong with it, and what to do.
    pub problems: Vec<String>,
    /// Where its journal is.
    pub journal: String,
    /// Why its program cannot be brought to the board that was there last: one of the problems.
    #[serde(skip)]
    pub misfit: Option<String>,
}

impl SatelliteStatus {
    /// How it is in a line, without its name and its problems.
    pub fn glance(&self) -> String {
        let mut line = self.state.clone();
        if self.up {
            let _ = write!(line, "  {} at {}", self.machine, self.port);
            let _ = write!(line, "  start {}, record {}", self.boot, self.seq);
            if let Some((have, all)) = self.installing {
                let _ = write!(line, "  installing {have} of {all} bytes");
            }
        }
        line
    }
}

impl SatelliteStatus {
    /// Why it cannot be told anything now: it is not there, or does not run the program that it has from here.
    pub(super) fn why_away(&self) -> Option<String> {
        if !self.up {
            return Some(self.state.clone());
        }
        let why = match (self.installing, self.problems.first()) {
            (None, Some(problem)) => problem,
            _ => "its program is on the way",
        };
        self.program.is_empty().then(|| why.to_owned())
    }
}

/// Shared between the thread and whoever looks.
#[derive(Clone, Debug, Default)]
pub(super) struct View(Arc<Mutex<SatelliteStatus>>);

impl View {
    pub(super) fn new(name: &str, board: &str, port: &str) -> Self {
        let status = SatelliteStatus {
            name: name.to_owned(),
            board: board.to_owned(),
            port: port.to_owned(),
            state: "starting".to_owned(),
            ..SatelliteStatus::default()
        };
        Self(Arc::new(Mutex::new(status)))
    }

    fn lock(&self) -> MutexGuard<'_, SatelliteStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> SatelliteStatus {
        self.lock().clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut SatelliteStatus)) {
        change(&mut self.lock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_nothing_to_do_with_its_program_is_no_reason_why_it_cannot_be_told() {
        let problem = |why: &str, installing| SatelliteStatus {
            up: true,
            problems: vec![why.to_owned()],
            installing,
            ..SatelliteStatus::default()
        };
        let why = |status: SatelliteStatus| status.why_away().unwrap();
        assert_eq!(why(problem("no clock", Some((64, 300)))), "its program is on the way");
        assert_eq!(why(problem("it is too small for its program", None)), "it is too small for its program");
        let runs = SatelliteStatus { program: "7".to_owned(), ..problem("no clock", None) };
        assert_eq!(runs.why_away(), None);
    }
}
