//! `follow = { account = "bell", message = "doorbell" }`: what an account posts comes in as a message, so that a post of
//! one house rings in another.
//!
//! The timeline is asked every so often for what is newer than the newest known. What was there before the first look,
//! and what was posted while the node was off, rings nothing: nobody stands at the door any more.

use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::arrival::Arrival;
use super::aws_iot::price::Use;
use super::message::Message;
use super::quota::Memory;
use super::trial::Endpoint;
use super::{Failure, Outcome, Sink};

/// Posts that wait to be taken.
const WAITING: usize = 16;

/// Whom to follow, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The account, as its platform names it.
    pub account: String,
    /// The message that a post stands for.
    pub message: String,
    /// Only posts with this in their text.
    pub containing: Option<String>,
    /// The timeline is asked so often.
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

/// The timeline of one account.
pub trait Timeline: Send + 'static {
    /// The newest posts, in any order: of those behind `since`, or of all.
    ///
    /// # Errors
    /// It cannot be read now.
    fn read(&mut self, since: Option<&str>) -> impl Future<Output = Result<Vec<Post>, Failure>> + Send;
}

/// A sink over which posts come in as well.
pub struct Following<K: Sink, T: Timeline> {
    sink: K,
    /// Until it is at work.
    timeline: Option<(T, Follow)>,
    arrivals: Option<(Receiver<Arrival>, Task)>,
}

struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<K: Sink, T: Timeline> Following<K, T> {
    /// A sink, and whom it follows, if anybody.
    pub const fn new(sink: K, timeline: Option<(T, Follow)>) -> Self {
        Self { sink, timeline, arrivals: None }
    }
}

impl<K: Sink, T: Timeline> Sink for Following<K, T> {
    async fn open(&mut self) -> Result<usize, Failure> {
        let window = self.sink.open().await?;
        if let Some((timeline, follow)) = self.timeline.take() {
            let (out, arrivals) = channel(WAITING);
            let task = tokio::spawn(watch(timeline, follow, out)).abort_handle();
            self.arrivals = Some((arrivals, Task(task)));
        }
        Ok(window)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        self.sink.send(message)
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        let arrival = async {
            match &mut self.arrivals {
                Some((arrivals, _)) => arrivals.recv().await,
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

    fn used(&self) -> Option<Use> {
        self.sink.used()
    }

    fn endpoint(&self) -> Option<Endpoint> {
        self.sink.endpoint()
    }

    fn stand_aside(&mut self) {
        // The posts are the other process's business.
        self.timeline = None;
        self.sink.stand_aside();
    }

    async fn close(&mut self) {
        self.arrivals = None;
        self.sink.close().await;
    }
}

/// Reads a timeline until nobody listens any more.
async fn watch(mut timeline: impl Timeline, follow: Follow, out: Sender<Arrival>) {
    let (mut newest, mut trouble) = (None::<String>, None::<String>);
    loop {
        let mut wait = follow.every;
        match timeline.read(newest.as_deref()).await {
            Ok(mut posts) => {
                trouble = None;
                posts.retain(|post| newest.as_deref().is_none_or(|newest| is_newer(&post.id, newest)));
                posts.sort_by(|a, b| (a.id.len(), &a.id).cmp(&(b.id.len(), &b.id)));
                let is_first = newest.is_none();
                // An account without a post has a beginning too.
                newest = Some(
                    posts.last().map(|post| post.id.clone()).or(newest).unwrap_or_else(|| "0".to_owned()),
                );
                let wanted =
                    |post: &&Post| follow.containing.as_ref().is_none_or(|word| post.text.contains(word));
                for post in posts.iter().filter(wanted).filter(|_| !is_first) {
                    let from = format!("{}, post {}", follow.account, post.id);
                    if out.send(Arrival::message(from.clone(), &*follow.message, Some(&from))).await.is_err()
                    {
                        return;
                    }
                }
            }
            Err(failure) => {
                wait = wait.max(failure.after.unwrap_or_default());
                if trouble.as_ref() != Some(&failure.why) {
                    let words = format!("its posts cannot be read: {}", failure.why);
                    trouble = Some(failure.why);
                    if out.send(Arrival::unclear(&*follow.account, words)).await.is_err() {
                        return;
                    }
                }
            }
        }
        sleep(wait).await;
    }
}

/// Numbers too long for any integer, by their digits.
fn is_newer(id: &str, than: &str) -> bool {
    (id.len(), id) > (than.len(), than)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::sinks::arrival::What;

    /// A timeline that says these in turn, and then nothing more.
    struct Scripted(VecDeque<Result<Vec<Post>, Failure>>);

    impl Timeline for Scripted {
        async fn read(&mut self, since: Option<&str>) -> Result<Vec<Post>, Failure> {
            let _ = since;
            self.0.pop_front().unwrap_or_else(|| Ok(Vec::new()))
        }
    }

    fn posts(ids: &[&str]) -> Result<Vec<Post>, Failure> {
        Ok(ids.iter().map(|id| Post { id: (*id).into(), text: format!("<p>ring {id}</p>") }).collect())
    }

    async fn seen(
        script: Vec<Result<Vec<Post>, Failure>>,
        containing: Option<&str>,
        count: usize,
    ) -> Vec<String> {
        let (out, mut arrivals) = channel(WAITING);
        let follow = Follow {
            account: "bell".into(),
            message: "doorbell".into(),
            containing: containing.map(str::to_owned),
            every: Duration::from_secs(60),
        };
        let _task = Task(tokio::spawn(watch(Scripted(script.into()), follow, out)).abort_handle());
        let mut seen = Vec::new();
        for _ in 0..count {
            let arrival = arrivals.recv().await.unwrap();
            seen.push(match arrival.what {
                What::Wish(_) => arrival.from,
                What::Unclear(why) => why,
                What::Lost(_) => panic!(),
            });
        }
        assert_eq!(arrivals.try_recv().ok(), None);
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_new_comes_in_once_and_in_order_and_what_was_there_does_not() {
        let script = vec![posts(&["9", "8"]), posts(&[]), posts(&["11", "10", "9"]), posts(&["11", "12"])];
        assert_eq!(seen(script, None, 3).await, ["bell, post 10", "bell, post 11", "bell, post 12"]);
        let script = vec![posts(&[]), posts(&["10", "20"])];
        assert_eq!(
            seen(script, Some("ring 2"), 1).await,
            ["bell, post 20"],
            "an empty timeline is a beginning"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_is_told_once_and_over_when_it_is_over() {
        let away = || Err(Failure::retry("away"));
        let script = vec![away(), away(), posts(&["1"]), away(), posts(&["2"])];
        let why = "its posts cannot be read: away";
        assert_eq!(seen(script, None, 3).await, [why, why, "bell, post 2"]);
    }
}
