//! The sinks of a file: started, looked at, exchanged on a reload, stopped.

use std::path::PathBuf;

use campanile_delivery::Storage;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Sink;
use super::blocking::Blocking;
use super::console::Console;
use super::driver::Driver;
use super::figures::{Board, Figures, State};
use super::file::JsonLines;
use super::message::Renderer;
use super::mqtt::{Mqtt, Password, Settings};
use super::only::Only;
use super::render::{Form, Lines};
use super::source::{Around, Source};
use super::topics::Topics;
use crate::config::file;

/// What a sink is to do, as the file says it.
#[derive(Clone, Debug, PartialEq)]
enum Spec {
    Mqtt { settings: Box<Settings>, topics: Box<Topics>, only: Only },
    File { path: PathBuf, only: Only },
    Console { only: Only },
}

impl Spec {
    fn new(node: &str, name: &str, sink: &file::Sink) -> Self {
        match sink {
            file::Sink::Mqtt(mqtt) => {
                let topics = Topics::from(&mqtt.topics);
                let password = match (&mqtt.password_file, &mqtt.password_env) {
                    (Some(file), _) => Some(Password::File(file.value.clone())),
                    (None, Some(variable)) => Some(Password::Variable(variable.value.0.clone())),
                    (None, None) => None,
                };
                let client_id = mqtt.client_id.as_ref().map(|id| id.value.0.clone());
                let settings = Settings {
                    address: mqtt.url.value.clone(),
                    username: mqtt.username.as_ref().map(|name| name.value.0.clone()),
                    password,
                    ca: mqtt.ca.as_ref().map(|path| path.value.clone()),
                    client_id: client_id.unwrap_or_else(|| format!("campanile-{node}-{name}")),
                    status_topic: topics.status(node),
                    window: u16::try_from(mqtt.in_flight.0).unwrap_or(u16::MAX),
                };
                Self::Mqtt {
                    settings: Box::new(settings),
                    topics: Box::new(topics),
                    only: file::only(&mqtt.only),
                }
            }
            file::Sink::File(file) => {
                Self::File { path: file.path.value.clone(), only: file::only(&file.only) }
            }
            file::Sink::Console(console) => Self::Console { only: file::only(&console.only) },
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Mqtt { .. } => "mqtt",
            Self::File { .. } => "file",
            Self::Console { .. } => "console",
        }
    }
}

/// A sink at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct Glance {
    /// Its name.
    pub name: String,
    /// `mqtt`, `file` or `console`.
    pub kind: &'static str,
    /// How it is doing.
    pub figures: Figures,
}

struct Running {
    name: String,
    spec: Spec,
    board: Board,
    stop: watch::Sender<bool>,
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

    /// Runs the sinks of a file, and no others: those that it does not change go on without a break.
    pub async fn apply(&mut self, sinks: &[(String, file::Sink)]) {
        let specs: Vec<_> =
            sinks.iter().map(|(name, sink)| (name.clone(), Spec::new(&self.node, name, sink))).collect();
        let wanted = |running: &Running| {
            specs.iter().any(|(name, spec)| *name == running.name && *spec == running.spec)
        };
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running).into_iter().partition(wanted);
        self.running = kept;
        stop_all(gone).await;
        // Nothing is kept back for a sink that is gone for good, or that an earlier file had.
        self.source.index.keep_places(|sink| specs.iter().any(|(name, _)| name == sink.as_str()));
        for (name, spec) in specs {
            if self.running.iter().all(|running| running.name != name) {
                self.start(name, spec);
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
            kind: running.spec.kind(),
            figures: running.board.read(head),
        };
        self.running.iter().map(glance).collect()
    }

    /// Lets all of them deliver what they can within a second, all at once, and ends them.
    pub async fn stop(&mut self) {
        stop_all(std::mem::take(&mut self.running)).await;
    }

    fn start(&mut self, name: String, spec: Spec) {
        let node = self.node.clone();
        let json = |topics: Topics, only: Only| Form::Json(Renderer::new(node.clone(), topics, only));
        let (board, (stop, stopped)) = (Board::default(), watch::channel(false));
        let source = Source { stop: stopped, ..self.source.clone() };
        let task = match spec.clone() {
            Spec::Mqtt { settings, topics, only } => {
                run(&node, &name, Mqtt::new(*settings), json(*topics, only), source, &board)
            }
            Spec::File { path, only } => {
                let form = json(Topics::default(), only);
                run(&node, &name, Blocking::new(JsonLines::new(path)), form, source, &board)
            }
            Spec::Console { only } => {
                let shown =
                    (only != Only::default()).then(|| Renderer::new(node.clone(), Topics::default(), only));
                let form = Form::Trace(Box::new(Lines::new(shown)));
                run(&node, &name, Blocking::new(Console), form, source, &board)
            }
        };
        self.running.push(Running { name, spec, board, stop, task });
    }
}

fn run<K: Sink + 'static, S: Storage, A: Around>(
    node: &str,
    name: &str,
    sink: K,
    form: Form,
    source: Source<S, A>,
    board: &Board,
) -> JoinHandle<()> {
    let driver = name.parse().map_err(|error| format!("{name}: {error}")).and_then(|name| {
        Driver::new(name, sink, form, node, source, board.clone()).map_err(|error| error.to_string())
    });
    match driver {
        Ok(driver) => tokio::spawn(driver.run()),
        Err(why) => {
            // The rest of the house goes on; `status` shows it.
            tracing::error!("sink {name} does not run: {why}");
            board.write(|figures| figures.state = State::Broken(why));
            tokio::spawn(std::future::ready(()))
        }
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
