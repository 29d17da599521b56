//! The sinks of a file: started, looked at, exchanged on a reload, stopped.

use std::time::Duration;

use campanile_delivery::Storage;
use campanile_delivery::symbols::Symbols;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::driver::RetryRequest;
use super::figures::{Board, Figures};
use super::kinds::{Post, Spec};
use super::source::{Around, Source};
use crate::config::file;

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
    /// A sign of life so often.
    heartbeat: Option<Duration>,
}

struct Running {
    name: String,
    kind: &'static str,
    what: What,
    board: Board,
    stop: watch::Sender<bool>,
    retries: mpsc::Sender<RetryRequest>,
    task: JoinHandle<()>,
}

/// The sinks that run, each a task of the current runtime.
pub struct Sinks<S: Storage, A: Around> {
    node: String,
    source: Source<S, A>,
    running: Vec<Running>,
}

impl<S: Storage, A: Around> Sinks<S, A> {
    /// None yet.
    pub fn new(node: impl Into<String>, source: Source<S, A>) -> Self {
        Self { node: node.into(), source, running: Vec::new() }
    }

    /// Runs the sinks of a file, with the names of its program, and no others: those that it does not change go on without a break.
    pub async fn apply(&mut self, sinks: &[(String, file::Sink)], symbols: &Symbols) {
        let spec = |(name, sink): &(String, file::Sink)| {
            let heartbeat = sink.common().heartbeat().map(|every| Duration::from_micros(every.micros()));
            (name.clone(), sink.kind(), What { spec: Spec::new(&self.node, name, sink, symbols), heartbeat })
        };
        let specs: Vec<_> = sinks.iter().map(spec).collect();
        let wanted = |running: &Running| {
            specs.iter().any(|(name, _, what)| *name == running.name && *what == running.what)
        };
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running).into_iter().partition(wanted);
        self.running = kept;
        stop_all(gone).await;
        // Nothing is kept back for a sink that is gone for good, or that an earlier file had.
        self.source.index.keep_places(|sink| specs.iter().any(|(name, ..)| name == sink.as_str()));
        for (name, kind, what) in specs {
            if self.running.iter().all(|running| running.name != name) {
                self.start(name, kind, what);
            }
        }
        // In the order of the file, for `status`.
        self.running.sort_by_key(|running| sinks.iter().position(|(name, _)| *name == running.name));
    }

    /// All of them, in the order of the file.
    pub fn glance(&self) -> Vec<Glance> {
        let head = self.source.index.head();
        let glance = |running: &Running| Glance {
            name: running.name.clone(),
            kind: running.kind,
            figures: running.board.read(head),
        };
        self.running.iter().map(glance).collect()
    }

    /// Where to ask one of them for what it has set aside; without one of this name, the names that there are.
    ///
    /// # Errors
    /// There is none.
    pub fn retries(&self, name: &str) -> Result<mpsc::Sender<RetryRequest>, Vec<String>> {
        let found = self.running.iter().find(|running| running.name == name);
        found
            .map(|running| running.retries.clone())
            .ok_or_else(|| self.running.iter().map(|running| running.name.clone()).collect())
    }

    /// Lets all of them deliver what they can within a second, all at once, and ends them.
    pub async fn stop(&mut self) {
        stop_all(std::mem::take(&mut self.running)).await;
    }

    fn start(&mut self, name: String, kind: &'static str, what: What) {
        let (board, (stop, stopped)) = (Board::default(), watch::channel(false));
        let source = Source { stop: stopped, ..self.source.clone() };
        // One at a time; the next waits here.
        let (retries, asked) = mpsc::channel(1);
        let heartbeat = what.heartbeat;
        let post =
            Post { node: &self.node, name: &name, source, board: board.clone(), heartbeat, retries: asked };
        let task = what.spec.start(post);
        self.running.push(Running { name, kind, what, board, stop, retries, task });
    }
}

async fn stop_all(sinks: Vec<Running>) {
    for running in &sinks {
        running.stop.send_replace(true);
    }
    for running in sinks {
        if running.task.await.is_err() {
            tracing::error!("sink {} panicked", running.name);
        }
    }
}
