mod looks;
mod reloads;
mod stream;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::sinks::arrival::What;

/// Longer than any test, so that no look by the clock finds what the stream should tell of.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// A platform with one account.
#[derive(Clone, Default)]
struct Platform(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    posts: Vec<u64>,
    /// Posts from this number on show after so many readings.
    late: (u64, usize),
    /// The next readings fail.
    failures: VecDeque<Failure>,
    readings: usize,
    /// It gives the newest posts, wherever it is to begin.
    is_simple: bool,
    /// It leaves out what is older than a page.
    is_cut: bool,
    stream: Option<Script>,
}

enum Step {
    Opens,
    Refuses,
    Waits(Failure),
    Tells(Option<u64>),
    Breaks,
}

struct Script(UnboundedReceiver<Step>);

impl Timeline for Platform {
    type Alerts = Script;

    fn name(&self) -> String {
        "platform/bell".to_owned()
    }

    async fn read(&mut self, since: Option<&str>) -> Result<Page, Failure> {
        const PAGE: usize = 3;
        let mut state = self.0.lock().unwrap();
        state.readings += 1;
        if let Some(failure) = state.failures.pop_front() {
            return Err(failure);
        }
        let (from, wait) = state.late;
        state.late.1 = wait.saturating_sub(1);
        let post = |id: &u64| Post { id: id.to_string(), text: format!("<p>ring {id}</p>") };
        let shown = state.posts.iter().filter(|id| wait == 0 || **id < from);
        let Some(since) = since else {
            return Ok(Page { posts: shown.map(post).collect(), ..Page::default() });
        };
        let since: u64 = since.parse().unwrap();
        let behind: Vec<_> = shown.filter(|id| state.is_simple || **id > since).map(post).collect();
        let newest = behind.len().saturating_sub(PAGE);
        let (from, is_cut) = if state.is_simple { (newest, state.is_cut && newest > 0) } else { (0, false) };
        let mut posts: Vec<_> = behind.into_iter().skip(from).take(PAGE).collect();
        posts.reverse();
        Ok(Page { is_full: posts.len() == PAGE, is_cut, posts })
    }

    fn alerts(&self) -> Option<Script> {
        self.0.lock().unwrap().stream.take()
    }
}

impl Alerts for Script {
    async fn open(&mut self) -> Result<(), Failure> {
        match self.0.recv().await {
            Some(Step::Opens) => Ok(()),
            Some(Step::Refuses) => Err(Failure::refused("nobody may listen (401)")),
            Some(Step::Waits(failure)) => Err(failure),
            Some(Step::Breaks | Step::Tells(_)) => panic!("not open"),
            None => std::future::pending().await,
        }
    }

    async fn next(&mut self) -> Result<Option<String>, Failure> {
        match self.0.recv().await {
            Some(Step::Tells(post)) => Ok(post.map(|post| post.to_string())),
            Some(Step::Breaks) => Err(Failure::retry("broke")),
            Some(Step::Opens | Step::Refuses | Step::Waits(_)) => panic!("open"),
            None => std::future::pending().await,
        }
    }
}

/// A node that follows the account.
struct Node {
    platform: Platform,
    found: Receiver<Found>,
    stream: UnboundedSender<Step>,
    _task: Task,
}

impl Node {
    /// Of a platform that has the posts 8 and 9.
    fn new(every: Duration, containing: Option<&str>) -> Self {
        let platform = Platform::default();
        let (stream, steps) = unbounded_channel();
        let mut state = platform.0.lock().unwrap();
        (state.posts, state.stream) = (vec![8, 9], Some(Script(steps)));
        drop(state);
        let (out, found) = channel(WAITING);
        let (account, message) = ("bell".into(), "doorbell".into());
        let follow = Follow { account, message, containing: containing.map(str::to_owned), every };
        let _task = Task::of(Watch::new(platform.clone(), follow, out, Bookmark::default()).run());
        Self { platform, found, stream, _task }
    }

    fn posts(&self, ids: impl IntoIterator<Item = u64>) {
        self.platform.0.lock().unwrap().posts.extend(ids);
    }

    fn step(&self, step: Step) {
        assert!(self.stream.send(step).is_ok());
    }

    /// Has looked for the first time.
    async fn looked(&self) {
        while self.readings() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }

    fn readings(&self) -> usize {
        self.platform.0.lock().unwrap().readings
    }

    /// What came in next; posts that stand for nothing are passed over.
    async fn seen(&mut self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let Found { arrival, .. } = self.found.recv().await.unwrap();
            seen.extend(arrival.map(|arrival| match arrival.what {
                What::Wish(_) => arrival.from,
                What::Unclear(why) => why,
                What::Lost(_) => panic!(),
            }));
        }
        seen
    }

    /// Nothing more comes for so long.
    async fn quiet(&mut self, time: Duration) {
        sleep(time).await;
        assert_eq!(self.found.try_recv().ok(), None);
    }
}

/// A sink that sends nothing.
struct Mute;

impl Sink for Mute {
    async fn open(&mut self) -> Result<usize, Failure> {
        Ok(1)
    }
    fn send(&mut self, _: Message) -> Result<(), Failure> {
        Ok(())
    }
    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        std::future::pending().await
    }
    async fn close(&mut self) {}
}
