//! What `status` shows of a sink.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use campanile_delivery::Position;
use tokio::time::Instant;

use super::aws_iot::price::Use;

/// How a sink is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It tries to connect for the first time.
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

impl State {
    /// Why it does not deliver.
    pub(super) fn why(&self) -> Option<&str> {
        match self {
            Self::Retrying { why, .. } | Self::Refused { why, .. } | Self::Broken(why) => Some(why),
            Self::Connecting | Self::Connected | Self::Stopped => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = |at: &Instant| match at.checked_duration_since(Instant::now()) {
            Some(left) => format!("in {} s", left.as_secs() + 1),
            None => "now".to_owned(),
        };
        match self {
            Self::Connecting => write!(f, "connecting"),
            Self::Connected => write!(f, "connected"),
            Self::Retrying { why, at } => write!(f, "retrying {}: {why}", when(at)),
            Self::Refused { why, at } => write!(f, "refused: {why} (next try {})", when(at)),
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
    /// Bytes of topics and payloads that went out, repeats included, since the start.
    pub bytes: u64,
    /// What was used of a service that is paid for, this month since the start.
    pub used: Option<Use>,
    /// Messages sent again after a failure, since the start.
    pub repeated: u64,
    /// Messages that the receiver refused for good, since the start: dead letters.
    pub refused: u64,
    /// Why, of the last of these.
    pub last_refused: Option<String>,
    /// Until when what is under way waits, as the sink's quota is used up.
    pub held_until: Option<Instant>,
    /// Messages under way.
    pub under_way: usize,
    /// How far it has delivered.
    pub place: Position,
    /// Records that the journal has behind that, as of the look; `None` while the place is in an earlier start.
    pub behind: Option<u64>,
    /// Since when the oldest message under way has been so: it grows older also while the sink's task sleeps.
    pub oldest: Option<Instant>,
    /// Records that were gone before this sink had read them, as far as they could be counted, since the start.
    pub lost: u64,
    /// Commands and messages that came in and were carried out, or had been before, since the start.
    pub taken: u64,
    /// What came in and was not carried out: not understood, not allowed, unknown, too late, too many at once.
    pub turned_away: u64,
    /// Why, of the last of these.
    pub last_turned_away: Option<String>,
}

/// The figures of a sink as its task writes and `status` reads them.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Figures>>);

impl Board {
    /// As they are now, where the journal ends at `head`: it grows also while a sink does nothing.
    pub fn read(&self, head: Position) -> Figures {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Figures { behind: figures.place.records_to(head), ..figures }
    }

    /// What came in was carried out.
    pub fn take(&self) {
        self.write(|figures| figures.taken += 1);
    }

    /// What came in was not carried out.
    pub fn turn_away(&self, why: String) {
        self.write(|figures| {
            figures.turned_away += 1;
            figures.last_turned_away = Some(why);
        });
    }

    /// Changes them.
    pub(super) fn write(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn states_read_as_sentences() {
        let at = Instant::now() + Duration::from_millis(3_500);
        let why = "nobody listens there".to_owned();
        assert_eq!(State::Retrying { why, at }.to_string(), "retrying in 4 s: nobody listens there");
        let (past, why) = (Instant::now(), "the broker shuts down".to_owned());
        assert_eq!(State::Retrying { why, at: past }.to_string(), "retrying now: the broker shuts down");
        let why = "wrong user or password".to_owned();
        assert!(State::Refused { why, at }.to_string().starts_with("refused: wrong user or password"));
    }
}
