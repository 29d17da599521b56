//! `follow = { account = "bell", message = "doorbell" }`: what an account posts comes in as a message, so that a post of
//! one house rings in another.
//!
//! The timeline is asked every so often for what is newer than the newest known, and at once when the platform says that
//! there is something, where it can: what comes in is always what the timeline has, so that nothing is lost when such a
//! stream breaks, and nothing comes twice. What was there before the first look, and what was posted while the node was
//! off, rings nothing: nobody stands at the door any more.

pub mod alerts;
mod bookmark;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use self::alerts::Alerts;
pub use self::bookmark::Bookmark;
use self::watch::Watch;

use super::arrival::Arrival;
use super::aws_iot::price::Use;
use super::endpoint::Endpoint;
use super::message::Message;
use super::quota::Memory;
use super::{Failure, Outcome, Sink};

/// Posts that wait to be taken.
const WAITING: usize = 16;
/// Of a page of a timeline, so many bytes are read: a post brings its whole account along, and pictures, cards and names with
/// it, often ten thousand bytes and sometimes more. They are held only until the numbers and texts are taken out.
pub const PAGE_MAX: usize = 1 << 20;

/// Whom to follow, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The account, as its platform names it.
    pub account: String,
    /// The message that a post stands for.
    pub message: String,
    /// Only posts with this in their text.
    pub containing: Option<String>,
    /// The timeline is asked so often, whatever else tells of posts.
    pub every: Duration,
}

/// One post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// A number that rises with each post, in digits.
    pub id: String,
    /// What it says, perhaps with HTML around it.
    pub text: String,
}

/// Some of a timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In any order.
    pub posts: Vec<Post>,
    /// Behind these there may be more, which another reading finds.
    pub is_full: bool,
    /// Between the place and the oldest of these there are more, which no reading finds any more: too many at once.
    pub is_cut: bool,
}

/// What comes of a timeline.
#[derive(Debug, PartialEq)]
struct Found {
    /// None of a post that stands for nothing, which is only counted as seen: its number comes in its turn.
    arrival: Option<Arrival>,
    /// The number of the post that it is.
    post: Option<String>,
}

/// The timeline of one account.
pub trait Timeline: Send + 'static {
    /// What tells of its posts at once.
    type Alerts: Alerts;

    /// Which one it is: no other has this name.
    fn name(&self) -> String;

    /// The posts behind `since`, or the newest of all.
    ///
    /// # Errors
    /// It cannot be read now.
    fn read(&mut self, since: Option<&str>) -> impl Future<Output = Result<Page, Failure>> + Send;

    /// What tells of its posts at once, if anything does. Asked for once it has been read.
    fn alerts(&self) -> Option<Self::Alerts>;
}

/// A sink over which posts come in as well.
pub struct Following<K: Sink, T: Timeline> {
    sink: K,
    /// Until it is at work.
    timeline: Option<(T, Follow)>,
    at_work: Option<AtWork>,
    bookmark: Bookmark,
}

struct AtWork {
    found: Receiver<Found>,
    timeline: String,
    _task: Task,
}

/// Ends with whoever holds it.
struct Task(AbortHandle);

impl Task {
    fn of(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work).abort_handle())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<K: Sink, T: Timeline> Following<K, T> {
    /// A sink, and whom it follows, if anybody.
    pub fn new(sink: K, timeline: Option<(T, Follow)>) -> Self {
        let bookmark = Bookmark::default();
        Self { sink, timeline, at_work: None, bookmark }
    }
}

impl<K: Sink, T: Timeline> Sink for Following<K, T> {
    async fn open(&mut self) -> Result<usize, Failure> {
        let window = self.sink.open().await?;
        if let Some((timeline, follow)) = self.timeline.take() {
            let (out, found) = channel(WAITING);
            let name = timeline.name();
            let watch = Watch::new(timeline, follow, out, self.bookmark.clone());
            self.at_work = Some(AtWork { found, timeline: name, _task: Task::of(watch.run()) });
        }
        Ok(window)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        self.sink.send(message)
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        let bookmark = &self.bookmark;
        let arrival = async {
            match &mut self.at_work {
                Some(AtWork { found, timeline, .. }) => loop {
                    let Found { arrival, post } = found.recv().await?;
                    // Only now: what waits is found again by whoever comes after this one.
                    if let Some(post) = post {
                        bookmark.set(timeline, post);
                    }
                    if arrival.is_some() {
                        break arrival;
                    }
                },
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            outcome = self.sink.outcome() => outcome,
            Some(arrival) = arrival => Ok(Outcome::Came(arrival)),
        }
    }

    fn keeps_states(&self) -> bool {
        self.sink.keeps_states()
    }

    fn remember(&mut self, memory: std::sync::Arc<dyn Memory>) {
        self.sink.remember(memory);
    }

    fn go_on(&mut self, from: Bookmark) {
        // What is posted while nobody follows this timeline rings nothing when somebody does again.
        if self.timeline.as_ref().and_then(|(timeline, _)| from.get(&timeline.name())).is_none() {
            from.forget();
        }
        self.bookmark = from;
    }

    fn held_until(&self) -> Option<Instant> {
        self.sink.held_until()
    }

    fn used(&self) -> Option<Use> {
        self.sink.used()
    }

    async fn endpoint(&mut self) -> Result<Option<Endpoint>, Failure> {
        self.sink.endpoint().await
    }

    async fn listen(&mut self) -> Result<Option<String>, Failure> {
        // Who looks once does not follow.
        let Some((mut timeline, Follow { account, every, .. })) = self.timeline.take() else {
            return Ok(None);
        };
        timeline.read(None).await?;
        let words = match timeline.alerts() {
            None => format!("the posts of {account} can be read, and are every {every:?}"),
            Some(mut alerts) => match alerts.open().await {
                Ok(()) => format!("the posts of {account} can be read, and a stream tells of them"),
                Err(failure) => format!(
                    "the posts of {account} can be read, and are every {every:?}, as no stream tells of them: {}",
                    failure.why
                ),
            },
        };
        Ok(Some(words))
    }

    fn remark(&self) -> Option<String> {
        self.sink.remark()
    }

    fn stand_aside(&mut self) {
        // The posts are the other process's business.
        self.timeline = None;
        self.sink.stand_aside();
    }

    async fn close(&mut self) {
        self.at_work = None;
        self.sink.close().await;
    }
}

/// Whether a number is the higher one: numbers too long for any integer, by their digits.
fn is_newer(id: &str, than: &str) -> bool {
    (id.len(), id) > (than.len(), than)
}
