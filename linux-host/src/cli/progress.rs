//! Progress of long work, on a terminal only: one line that is written over, with rate and time left.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// The line changes this often at most.
const EVERY: Duration = Duration::from_millis(100);

/// Work of less than this needs no progress.
const PATIENCE: Duration = Duration::from_millis(300);

/// A line on stderr; gone when it is dropped.
pub(super) struct Progress {
    shown: bool,
    enabled: bool,
    began: Instant,
    next: Instant,
}

impl Progress {
    /// Nothing is shown yet, and nothing ever if stderr is no terminal.
    pub(super) fn new() -> Self {
        let began = Instant::now();
        Self { shown: false, enabled: io::stderr().is_terminal(), began, next: began + PATIENCE }
    }

    /// So much of so much is done; `what` says how much that is for a person.
    pub(super) fn show(&mut self, done: u64, of: u64, what: impl FnOnce(Duration) -> String) {
        let now = Instant::now();
        if !self.enabled || now < self.next {
            return;
        }
        self.next = now + EVERY;
        let spent = now - self.began;
        let share = done as f64 / of.max(1) as f64;
        let left = if share > 0.0 { spent.mul_f64((1.0 - share).max(0.0) / share) } else { Duration::ZERO };
        let bar: String = (0..20).map(|at| if f64::from(at) < share * 20.0 { '█' } else { '░' }).collect();
        let line = format!("{bar} {:3.0} %  {}  {} left", share * 100.0, what(spent), span(left));
        self.shown |= write!(io::stderr(), "\r\x1b[K{line}").is_ok();
    }

    /// How long it has been.
    pub(super) fn spent(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// A span for a person who waits.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..10 => format!("{:.1} s", span.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}
