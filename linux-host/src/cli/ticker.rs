//! Where work of many minutes says how far it has come: on a terminal a line that is written over, elsewhere a plain line
//! now and then.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A line on a terminal changes this often at most.
const REDRAWN: Duration = Duration::from_millis(200);

/// So long a file, or another program, waits for the next line.
const PLAIN: Duration = Duration::from_secs(15);

/// A line on stderr, for any number of threads.
pub(super) struct Ticker {
    is_terminal: bool,
    /// When it is due; `None` if nobody wants to see it.
    next: Option<Mutex<Instant>>,
}

impl Ticker {
    /// Shows something only when it is `on`.
    pub(super) fn new(on: bool) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { is_terminal, next: on.then(|| Mutex::new(Instant::now() + every(is_terminal))) }
    }

    /// Shows the line, unless there was one just now.
    pub(super) fn show(&self, line: impl FnOnce() -> String) {
        // Whoever finds another thread at it goes on with its work.
        let Some(mut next) = self.next.as_ref().and_then(|next| next.try_lock().ok()) else { return };
        let now = Instant::now();
        if now < *next {
            return;
        }
        *next = now + every(self.is_terminal);
        let line = line();
        // A terminal that is gone is no reason to stop.
        let _ = if self.is_terminal {
            write!(io::stderr(), "\r\x1b[K{line}")
        } else {
            writeln!(io::stderr(), "{line}")
        };
    }

    /// Takes the line away from a terminal.
    pub(super) fn clear(&self) {
        if self.is_terminal && self.next.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

const fn every(is_terminal: bool) -> Duration {
    if is_terminal { REDRAWN } else { PLAIN }
}
