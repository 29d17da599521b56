//! Reads a timeline: every so often, and at once when something tells of a post.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::watch::{Receiver, channel};
use tokio::time::{Instant, sleep, sleep_until};

use super::alerts::{Heard, listen};
use super::{Bookmark, Follow, Found, Post, Task, Timeline, is_newer};
use crate::sinks::arrival::{Arrival, number};

/// A post that was told of and is not in the timeline yet is looked for again after these: servers have copies of their
/// databases that lag behind. Then it counts as taken back.
const LATE_MS: [u64; 5] = [200, 500, 1_000, 2_000, 4_000];
/// When the timeline cannot be read and there is reason to believe that something is in it: the first wait, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What is known of a timeline.
pub(super) struct Watch<T: Timeline> {
    timeline: T,
    follow: Follow,
    out: Sender<Found>,
    bookmark: Bookmark,
    /// The highest number that was seen; nothing before the first look of all.
    newest: Option<String>,
    told: Told,
    alerts: Option<(Receiver<Heard>, Task)>,
    /// As much of what was told as was acted upon.
    seen: Heard,
    /// The highest number that was told, and looked for in vain: a post that was taken back.
    given_up: Option<String>,
    /// A post that a look by the clock found, and of which an open stream had said nothing so far.
    unheard: Option<String>,
}

/// Trouble that was told, each once as long as it lasts.
#[derive(Default)]
struct Told {
    timeline: Option<String>,
    stream: Option<String>,
    /// That the stream has nothing of this account; once for all.
    unheard: bool,
}

/// Nobody listens any more.
struct Gone;

/// Why the timeline is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Clock,
    Alert,
}

impl<T: Timeline> Watch<T> {
    pub(super) fn new(timeline: T, follow: Follow, out: Sender<Found>, bookmark: Bookmark) -> Self {
        let newest = bookmark.get(&timeline.name());
        Self {
            timeline,
            follow,
            out,
            bookmark,
            newest,
            told: Told::default(),
            alerts: None,
            seen: Heard::default(),
            given_up: None,
            unheard: None,
        }
    }

    /// Until nobody listens any more.
    pub(super) async fn run(mut self) {
        let mut reason = Reason::Clock;
        while let Ok(next) = self.turn(reason).await {
            reason = next;
        }
    }

    /// Looks until there is nothing more to be found, and waits for a reason to look again.
    async fn turn(&mut self, reason: Reason) -> Result<Reason, Gone> {
        let mut late = LATE_MS.into_iter().map(Duration::from_millis);
        let mut again = AGAIN.0;
        loop {
            match self.look(reason).await? {
                Ok(()) if self.is_behind() => match late.next() {
                    Some(wait) => sleep(wait).await,
                    None => {
                        self.given_up.clone_from(&self.seen.newest);
                        break;
                    }
                },
                Ok(()) => break,
                Err(least) => {
                    let wait = if reason == Reason::Alert {
                        again.min(self.follow.every)
                    } else {
                        self.follow.every
                    };
                    again = (again * 2).min(AGAIN.1);
                    sleep(wait.max(least)).await;
                }
            }
        }
        self.listen();
        self.wait().await
    }

    /// Reads all that is new. What cannot be read is told once, and gives the least wait.
    async fn look(&mut self, reason: Reason) -> Result<Result<(), Duration>, Gone> {
        let mut found = false;
        loop {
            let page = match self.timeline.read(self.newest.as_deref()).await {
                Ok(page) => page,
                Err(failure) => {
                    if self.told.timeline.as_ref() != Some(&failure.why) {
                        self.tell(format!("its posts cannot be read: {}", failure.why)).await?;
                        self.told.timeline = Some(failure.why);
                    }
                    return Ok(Err(failure.after.unwrap_or_default()));
                }
            };
            self.told.timeline = None;
            let is_full = page.is_full;
            if page.is_cut {
                let read = page.posts.len();
                self.tell(format!(
                    "more posts since the last look than are read at once: of the newest {read} each rings, the older \
                     ones do not"
                ))
                .await?;
            }
            let is_new = self.take(page.posts).await?;
            found |= is_new;
            // A server that does not know where to begin gives the same page again and again.
            if !is_full || !is_new {
                break;
            }
        }
        if reason == Reason::Clock {
            self.compare(found).await?;
        }
        Ok(Ok(()))
    }

    /// Hands over what is new of these posts, oldest first; whether anything is.
    async fn take(&mut self, mut posts: Vec<Post>) -> Result<bool, Gone> {
        posts.retain(|post| self.newest.as_ref().is_none_or(|newest| is_newer(&post.id, newest)));
        posts.sort_by(|a, b| (a.id.len(), &a.id).cmp(&(b.id.len(), &b.id)));
        let is_first = self.newest.is_none();
        if let Some(last) = posts.last() {
            self.newest = Some(last.id.clone());
        } else if is_first {
            // An account without a post has a beginning too.
            self.newest = Some("0".to_owned());
        }
        if is_first {
            let place = self.newest.clone().unwrap_or_default();
            self.bookmark.set(&self.timeline.name(), place);
            return Ok(false);
        }
        for post in &posts {
            let is_wanted = self.follow.containing.as_ref().is_none_or(|word| post.text.contains(word));
            let arrival = is_wanted.then(|| {
                let from = format!("{}, post {}", self.follow.account, post.id);
                Arrival::message(from.clone(), &*self.follow.message, Some(&from))
            });
            self.send(Found { arrival, post: Some(post.id.clone()) }).await?;
        }
        Ok(!posts.is_empty())
    }

    /// A stream that is open and says nothing of what is there is not one that has this account.
    async fn compare(&mut self, found: bool) -> Result<(), Gone> {
        let heard = self.heard();
        let is_heard = |post: &String| heard.newest.as_ref().is_some_and(|newest| !is_newer(post, newest));
        // A look later, so that what comes a moment after its post is not missed.
        if self.unheard.take().is_some_and(|post| heard.is_up && !is_heard(&post)) && !self.told.unheard {
            let (account, every) = (&self.follow.account, self.follow.every);
            let why = format!(
                "its posts are not in the stream, and come with a look every {every:?}: follow {account} with the account \
                 of the token, and they come at once"
            );
            self.tell(why).await?;
            self.told.unheard = true;
        }
        if found && heard.is_up && heard.opened == self.seen.opened {
            self.unheard = self.newest.clone().filter(|post| !is_heard(post));
        }
        Ok(())
    }

    /// Whether a post was told of that was neither seen nor given up.
    fn is_behind(&self) -> bool {
        let told = self.seen.newest.as_ref();
        let is_beyond =
            |told, known: &Option<String>| known.as_ref().is_none_or(|known| is_newer(told, known));
        told.is_some_and(|told| is_beyond(told, &self.newest) && is_beyond(told, &self.given_up))
    }

    /// Listens from now on, once the timeline is known.
    fn listen(&mut self) {
        if self.alerts.is_none()
            && let Some(alerts) = self.timeline.alerts()
        {
            let (told, heard) = channel(Heard::default());
            // So that nodes that a server lets go at once do not all come back at once.
            let seed = u64::from(number(&self.follow.account)) ^ u64::from(std::process::id());
            self.alerts = Some((heard, Task::of(listen(alerts, seed, told))));
        }
    }

    fn heard(&mut self) -> Heard {
        self.alerts.as_mut().map_or_else(Heard::default, |(heard, _)| heard.borrow_and_update().clone())
    }

    /// Until it is time to look again.
    async fn wait(&mut self) -> Result<Reason, Gone> {
        let end = Instant::now() + self.follow.every;
        loop {
            let heard = self.heard();
            if heard.trouble != self.told.stream {
                if let Some(why) = &heard.trouble {
                    let every = self.follow.every;
                    self.tell(format!(
                        "no stream tells of its posts, so they come with a look every {every:?}: {why}"
                    ))
                    .await?;
                }
                self.told.stream.clone_from(&heard.trouble);
            }
            let is_news = heard.opened != self.seen.opened
                || heard.unclear != self.seen.unclear
                || heard.newest != self.seen.newest;
            self.seen = heard;
            if is_news {
                return Ok(Reason::Alert);
            }
            let changed = async {
                match &mut self.alerts {
                    Some((heard, _)) => heard.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep_until(end) => return Ok(Reason::Clock),
                Ok(()) = changed => {}
            }
        }
    }

    async fn tell(&mut self, trouble: String) -> Result<(), Gone> {
        let arrival = Some(Arrival::unclear(&*self.follow.account, trouble));
        self.send(Found { arrival, post: None }).await
    }

    async fn send(&mut self, found: Found) -> Result<(), Gone> {
        self.out.send(found).await.map_err(|_| Gone)
    }
}
