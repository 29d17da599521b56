//! Where work of many minutes says how far it has come: on a terminal a line that is written over, elsewhere a plain line
//! now and then.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use campanile_sim::span::span;

/// A line on a terminal changes this often at most.
const REDRAWN: Duration = Duration::from_millis(200);

/// So long a file, or another program, waits for the next line.
const PLAIN: Duration = Duration::from_secs(15);

/// Cells of a bar.
const WIDTH: u64 = 24;

/// A line on stderr, for any number of threads; gone from a terminal when it is dropped.
pub(super) struct Progress {
    is_terminal: bool,
    began: Instant,
    /// When the next line is due; `None` if nobody wants to see one.
    next: Option<Mutex<Instant>>,
}

impl Progress {
    /// Shows something only when it is `on`, and nothing of work that is done at once.
    pub(super) fn new(on: bool) -> Self {
        let (is_terminal, began) = (io::stderr().is_terminal(), Instant::now());
        Self { is_terminal, began, next: on.then(|| Mutex::new(began + every(is_terminal))) }
    }

    /// Shows the line, made with the time spent so far, unless there was one just now.
    pub(super) fn show(&self, line: impl FnOnce(Duration) -> String) {
        // Whoever finds another thread at it goes on with its work.
        let Some(mut next) = self.next.as_ref().and_then(|next| next.try_lock().ok()) else { return };
        let now = Instant::now();
        if now < *next {
            return;
        }
        *next = now + every(self.is_terminal);
        let line = line(now - self.began);
        // A terminal that is gone is no reason to stop.
        let _ = if self.is_terminal {
            write!(io::stderr(), "\r\x1b[K{line}")
        } else {
            writeln!(io::stderr(), "{line}")
        };
    }

    /// How long it has been.
    pub(super) fn spent(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let Some(next) = self.next.take().filter(|_| self.is_terminal) else { return };
        let next = next.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Nothing has been shown if the first line is still due.
        if next > self.began + every(true) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

const fn every(is_terminal: bool) -> Duration {
    if is_terminal { REDRAWN } else { PLAIN }
}

/// A line with a bar, of which this part is full, what there is to say, and how long it takes still; the two where they
/// are known.
pub(super) fn line(part: Option<f64>, what: &str, left: Option<Duration>) -> String {
    let bar = part.map(|part| part.clamp(0.0, 1.0)).map_or_else(String::new, |part| {
        let full = (part * WIDTH as f64) as u64;
        let cells = (0..WIDTH).map(|cell| if cell < full { '#' } else { '.' });
        format!("{} {:3.0} %  ", cells.collect::<String>(), part * 100.0)
    });
    let left = left.map_or_else(String::new, |left| format!(", {} left", took(left)));
    format!("{bar}{what}{left}")
}

/// The same of work of which so much of so much was done in this time.
pub(super) fn line_of(done: u64, of: u64, what: &str, spent: Duration) -> String {
    let part = done as f64 / of.max(1) as f64;
    line(Some(part), what, left(spent.as_secs_f64() * (1.0 - part).max(0.0) / part))
}

/// So many seconds; `None` if that is for ever, or not known.
pub(super) fn left(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// How long something took, in words.
pub(super) fn took(time: Duration) -> String {
    span(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_what_and_how_long_still() {
        let second = Duration::from_secs(1);
        let line = |done, of| line_of(done, of, "12 inputs", second);
        assert_eq!(line(1, 4), "######..................  25 %  12 inputs, 3 s left");
        assert_eq!(line(0, 4), "........................   0 %  12 inputs");
        assert_eq!(line(5, 4), "######################## 100 %  12 inputs, 0 µs left");
        assert_eq!(super::line(None, "12 inputs", None), "12 inputs");
    }
}
