//! The sinks of a file: started, tried, looked at, exchanged on a reload, stopped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use campanile_core::time::Duration as Span;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Index, Position, Storage};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::driver::{RetryRequest, Signs};
use super::figures::{Board, Figures};
use super::follow::Bookmark;
use super::kinds::{Post, Spec};
use super::source::{Around, Source};
use super::trial::Trial;
use crate::config::file;

/// For sinks that are told to stop, all of them together: each gives its receiver a second, and itself another for the disk.
/// What is more than both is a disk that hangs, and the service manager waits for no more than 20 s (`TimeoutStopSec`).
const PATIENCE: Duration = Duration::from_secs(5);

/// A sink at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// Its name.
    pub name: String,
    /// The word under `kind`.
    pub kind: &'static str,
    /// How it is doing.
    pub figures: Figures,
}

/// What a sink is to do; while this is the same, a reload lets it go on.
#[derive(Clone, PartialEq)]
struct What {
    spec: Spec,
    /// How often it tells of itself.
    signs: Signs,
}

struct Running {
    what: What,
    bookmark: Bookmark,
    shown: Shown,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What others see of a sink.
#[derive(Clone)]
struct Shown {
    name: String,
    kind: &'static str,
    board: Board,
    retries: mpsc::Sender<RetryRequest>,
}

/// The sinks that run, to look at and to ask something of, without a wait for one that comes or goes just now.
pub struct Showcase<S: Storage> {
    index: Arc<Index<S>>,
    shown: Arc<Mutex<Vec<Shown>>>,
}

impl<S: Storage> Clone for Showcase<S> {
    fn clone(&self) -> Self {
        Self { index: Arc::clone(&self.index), shown: Arc::clone(&self.shown) }
    }
}

impl<S: Storage> Showcase<S> {
    fn lock(&self) -> MutexGuard<'_, Vec<Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, in the order of the file.
    pub fn glance(&self) -> Vec<Glance> {
        let head = self.index.head();
        let glance = |shown: &Shown| Glance {
            name: shown.name.clone(),
            kind: shown.kind,
            figures: shown.board.read(head),
        };
        self.lock().iter().map(glance).collect()
    }

    /// Where to ask one of them for what it has set aside.
    ///
    /// # Errors
    /// There is none of this name: the names that there are.
    pub fn retries(&self, name: &str) -> Result<mpsc::Sender<RetryRequest>, Vec<String>> {
        let all = self.lock();
        let found = all.iter().find(|shown| shown.name == name).map(|shown| shown.retries.clone());
        found.ok_or_else(|| all.iter().map(|shown| shown.name.clone()).collect())
    }
}

/// The sinks that run, each a task of the current runtime.
pub struct Sinks<S: Storage, A: Around> {
    node: String,
    source: Source<S, A>,
    running: Vec<Running>,
    showcase: Showcase<S>,
    /// A file's sinks have been started.
    is_applied: bool,
}

impl<S: Storage, A: Around> Sinks<S, A> {
    /// None yet.
    pub fn new(node: impl Into<String>, source: Source<S, A>) -> Self {
        let showcase = Showcase { index: Arc::clone(&source.index), shown: Arc::default() };
        Self { node: node.into(), source, running: Vec::new(), showcase, is_applied: false }
    }

    /// Runs the sinks of a file, with the names of its program, and no others: those that it does not change go on without
    /// a break. Says in words what became of the others.
    pub async fn apply(&mut self, sinks: &[(String, file::Sink)], symbols: &Symbols) -> Vec<String> {
        let spec = |(name, sink): &(String, file::Sink)| {
            let often = |every: Option<Span>| every.map(|every| Duration::from_micros(every.micros()));
            let table = sink.common();
            let signs = Signs { heartbeat: often(table.heartbeat()), figures: often(table.figures()) };
            (name.clone(), sink.kind(), What { spec: Spec::new(&self.node, name, sink, symbols), signs })
        };
        let mut specs: Vec<_> = sinks.iter().map(spec).collect();
        for place in 0..specs.len() {
            let (earlier, rest) = specs.split_at_mut(place);
            let Some((name, _, what)) = rest.first_mut() else { break };
            if let Some(before) = self.running.iter().find(|running| running.shown.name == *name) {
                what.spec.take_over(&before.what.spec);
            }
            earlier.iter().for_each(|(.., first)| what.spec.yield_to(&first.spec));
        }
        let begin = self.begin();
        let wanted = |running: &Running| {
            specs.iter().any(|(name, _, what)| *name == running.shown.name && *what == running.what)
        };
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running).into_iter().partition(wanted);
        self.running = kept;
        let is_wanted = |name: &str| specs.iter().any(|(wanted, ..)| wanted == name);
        let ended = gone.iter().map(|running| &running.shown.name).filter(|name| !is_wanted(name));
        let mut words: Vec<_> = ended.map(|name| format!("sink {name} is removed")).collect();
        let bookmark = |running: &Running| (running.shown.name.clone(), running.bookmark.clone());
        let mut bookmarks: HashMap<_, _> = gone.iter().map(bookmark).collect();
        stop_all(gone).await;
        // Nothing is kept back for a sink that is gone for good, or that an earlier file had.
        self.source.index.keep_places(|sink| is_wanted(sink.as_str()));
        for (name, kind, what) in specs {
            if self.running.iter().all(|running| running.shown.name != name) {
                let bookmark = bookmarks.remove(&name);
                words.push(match bookmark {
                    Some(_) => format!("sink {name} is restarted"),
                    None => format!("sink {name} is new"),
                });
                let bookmark = bookmark.unwrap_or_default();
                self.start(name, kind, what, bookmark, begin);
            }
        }
        // In the order of the file, for `status`.
        self.running.sort_by_key(|running| sinks.iter().position(|(name, _)| *name == running.shown.name));
        self.is_applied = true;
        self.show();
        words
    }

    /// For those who look at them.
    pub fn showcase(&self) -> Showcase<S> {
        self.showcase.clone()
    }

    fn show(&self) {
        *self.showcase.lock() = self.running.iter().map(|running| running.shown.clone()).collect();
    }

    /// Lets all of them deliver what they can within a second, all at once, and ends them.
    pub async fn stop(&mut self) {
        stop_all(std::mem::take(&mut self.running)).await;
    }

    /// Where a sink begins that is new: with the start of the node, and by a reload with what happens from then on, as what
    /// happened before is no news.
    fn begin(&self) -> Position {
        if self.is_applied { self.source.index.head() } else { self.source.begin }
    }

    fn start(&mut self, name: String, kind: &'static str, what: What, bookmark: Bookmark, begin: Position) {
        let (board, (stop, stopped)) = (Board::default(), watch::channel(false));
        let source = Source { stop: stopped, begin, ..self.source.clone() };
        // One at a time; the next waits here.
        let (retries, asked) = mpsc::channel(1);
        let signs = what.signs;
        let post = Post {
            node: &self.node,
            name: &name,
            source,
            board: board.clone(),
            signs,
            retries: asked,
            bookmark: bookmark.clone(),
        };
        let task = what.spec.start(post);
        self.running.push(Running {
            what,
            bookmark,
            shown: Shown { name, kind, board, retries },
            stop,
            task,
        });
    }
}

/// Sends one message through a sink of a file, which nobody started; whether it arrived.
pub async fn try_one(node: &str, name: &str, sink: &file::Sink, trial: Trial<'_>) -> bool {
    // Of the program it takes nothing: what would come in is for a daemon.
    Box::pin(Spec::new(node, name, sink, &Symbols::new(node)).trial(node, trial)).await
}

async fn stop_all(sinks: Vec<Running>) {
    for running in &sinks {
        running.stop.send_replace(true);
    }
    end_all(sinks.into_iter().map(|running| (running.shown.name, running.task)).collect()).await;
}

/// Waits for tasks of these names until all had the same time to end.
async fn end_all(tasks: Vec<(String, JoinHandle<()>)>) {
    let end = Instant::now() + PATIENCE;
    for (name, mut task) in tasks {
        match timeout_at(end, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("sink {name} panicked"),
            Err(_) => {
                tracing::error!(
                    "sink {name} does not stop, as the disk takes nothing: it is given up; what it has delivered since its place was written goes again"
                );
                task.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sinks_on_a_disk_that_hangs_are_given_up_together() {
        let began = Instant::now();
        let ended = Arc::new(());
        let held = Arc::clone(&ended);
        let hung = (0..4).map(|number| (format!("hung-{number}"), tokio::spawn(pending())));
        let slow = tokio::spawn(async move {
            tokio::time::sleep(PATIENCE / 2).await;
            drop(held);
        });
        end_all(hung.chain([("slow".to_owned(), slow)]).collect()).await;
        assert_eq!(Arc::strong_count(&ended), 1, "one that is only slow is waited for");
        assert_eq!(began.elapsed(), PATIENCE, "on a clock that does not run by itself");
    }
}
