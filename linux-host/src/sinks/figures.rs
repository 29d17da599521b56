//! What `status` shows of a sink.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How a sink is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It tries to connect for the first time, or anew after a wait.
    #[default]
    Connecting,
    /// Messages go out.
    Connected,
    /// An outage.
    Retrying {
        /// What happened.
        why: String,
        /// The next attempt.
        at: Instant,
    },
    /// Someone has to do something.
    Refused {
        /// What happened, and what to do.
        why: String,
        /// The next attempt, in case someone did.
        at: Instant,
    },
    /// It cannot run at all: why.
    Broken(String),
    /// It was told to stop.
    Stopped,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |at: &Instant| at.saturating_duration_since(Instant::now()).as_secs() + 1;
        match self {
            Self::Connecting => write!(f, "connecting"),
            Self::Connected => write!(f, "connected"),
            Self::Retrying { why, at } => write!(f, "retrying in {} s: {why}", seconds(at)),
            Self::Refused { why, at } => write!(f, "refused: {why} (next try in {} s)", seconds(at)),
            Self::Broken(why) => write!(f, "does not run: {why}"),
            Self::Stopped => write!(f, "stopped"),
        }
    }
}

/// The figures of one sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How it is doing.
    pub state: State,
    /// Messages that the receiver has acknowledged since the start.
    pub delivered: u64,
    /// Messages sent again after a failure, since the start.
    pub repeated: u64,
    /// Messages that the receiver refused for good, since the start: dead letters.
    pub refused: u64,
    /// Messages under way.
    pub under_way: usize,
    /// Records behind the cursor; `None` while it is in an earlier start of the node.
    pub behind: Option<u64>,
    /// How long the oldest message under way has been so.
    pub oldest: Option<Duration>,
    /// Records that were gone before this sink had read them, as far as they could be counted, since the start.
    pub lost: u64,
}

/// The figures of a sink as its task writes and `status` reads them.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Figures>>);

impl Board {
    /// As they are now.
    pub fn read(&self) -> Figures {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes them.
    pub(super) fn write(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_as_sentences() {
        let at = Instant::now() + Duration::from_millis(3_500);
        let why = "nobody listens there".to_owned();
        assert_eq!(State::Retrying { why, at }.to_string(), "retrying in 4 s: nobody listens there");
        let why = "wrong user or password".to_owned();
        assert!(State::Refused { why, at }.to_string().starts_with("refused: wrong user or password"));
    }
}
