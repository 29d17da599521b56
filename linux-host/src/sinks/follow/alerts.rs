//! What tells at once that an account has posted: a stream that is held open, opened again when it breaks, and never more
//! than a reason to look.

use std::time::Duration;

use campanile_core::time::Duration as Span;
use campanile_delivery::{Backoff, Random};
use tokio::sync::watch::Sender;
use tokio::time::{Instant, sleep};

use super::is_newer;
use crate::sinks::{Failure, Then};

/// The wait after a stream broke, and the longest after it could not be opened again and again.
const RETRY: (u64, u64) = (1, 300);
/// The least wait where someone has to change something first.
const SELDOM: Duration = Duration::from_secs(900);
/// A stream that lasted for so long was a good one.
const GOOD: Duration = Duration::from_secs(60);

/// A stream that tells of posts.
pub trait Alerts: Send + 'static {
    /// Opens it.
    ///
    /// # Errors
    /// There is none, or none now.
    fn open(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The number of the account's next post; nothing if something came of which nobody can tell what it is.
    ///
    /// # Errors
    /// The stream broke.
    fn next(&mut self) -> impl Future<Output = Result<Option<String>, Failure>> + Send;
}

/// Where no platform tells of anything.
#[derive(Debug)]
pub enum Silence {}

impl Alerts for Silence {
    async fn open(&mut self) -> Result<(), Failure> {
        match *self {}
    }

    async fn next(&mut self) -> Result<Option<String>, Failure> {
        match *self {}
    }
}

/// All that was told so far, so that whoever looks late misses nothing, and nothing piles up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The stream is open.
    pub(super) is_up: bool,
    /// It was opened so often: what was posted before is to be looked for each time.
    pub(super) opened: u64,
    /// The highest number that was told.
    pub(super) newest: Option<String>,
    /// So often something came without a number.
    pub(super) unclear: u64,
    /// Why it cannot be opened.
    pub(super) trouble: Option<String>,
}

/// Listens for ever.
pub(super) async fn listen(mut alerts: impl Alerts, seed: u64, heard: Sender<Heard>) {
    let (least, most) = RETRY;
    let mut backoff = Backoff::new(Span::from_secs(least), Span::from_secs(most));
    let mut random = Random::new(seed);
    loop {
        let failure = match alerts.open().await {
            Ok(()) => {
                heard.send_modify(|heard| {
                    (heard.is_up, heard.trouble) = (true, None);
                    heard.opened += 1;
                });
                let opened = Instant::now();
                let broken = take(&mut alerts, &heard).await;
                if opened.elapsed() >= GOOD {
                    backoff.reset();
                }
                // That streams end is no trouble: the next one is opened, and the timeline looked at.
                tracing::debug!("the stream of posts ended: {}", broken.why);
                heard.send_modify(|heard| heard.is_up = false);
                broken
            }
            Err(failure) => {
                heard.send_modify(|heard| heard.trouble = Some(failure.why.clone()));
                failure
            }
        };
        let least = if failure.then == Then::Refused { SELDOM } else { failure.after.unwrap_or_default() };
        let wait = backoff.next_spread(&mut random);
        sleep(Duration::from_micros(wait.micros()).max(least)).await;
    }
}

/// Takes what an open stream tells, until it breaks.
async fn take(alerts: &mut impl Alerts, heard: &Sender<Heard>) -> Failure {
    loop {
        match alerts.next().await {
            Ok(Some(post)) => heard.send_if_modified(|heard| {
                let is_new = heard.newest.as_ref().is_none_or(|newest| is_newer(&post, newest));
                if is_new {
                    heard.newest = Some(post);
                }
                is_new
            }),
            Ok(None) => {
                heard.send_modify(|heard| heard.unclear += 1);
                true
            }
            Err(failure) => return failure,
        };
    }
}
