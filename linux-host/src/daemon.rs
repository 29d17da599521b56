//! The daemon: the loop on a thread of its own, the journal on another, and around them, on one more, what starts,
//! feeds, watches and stops them.
//!
//! ```text
//! boards ─edges─▶ loop ─records─▶ inlet ─▶ journal's thread ─▶ disk ─▶ sinks, log
//!                  ▲                             └─▶ mirror (status), answers
//!               intake ◀─ control socket, wall clock, reload, sinks' links
//! ```

pub mod around;
pub mod board_set;
pub mod boot;
pub mod event_loop;
pub mod footprint;
pub mod hearing;
pub mod house;
pub mod inlet;
pub mod intake;
pub mod journal_thread;
pub mod lines;
pub mod links;
pub mod loaded;
pub mod mirror;
pub mod park;
pub mod pins;
pub mod programs;
pub mod recorder;
pub mod reload;
pub mod report;
pub mod safety;
pub mod state_dir;
pub mod supervise;
mod unkept;
pub mod wall;
pub mod wiring;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use campanile_core::runner::Message;
use campanile_delivery::{Directory, Index, Position, Unwritten};
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};

use crate::boards::{VirtualBoard, WakeSlot};
use crate::control::service::{ReloadRequest, Service};
use crate::control::socket::ControlSocket;
use crate::satellites::{self, Satellites};
use crate::sinks::source::Source;
use crate::sinks::start::Sinks;
use crate::words::count;

use around::Surroundings;
use board_set::{BoardSet, Opened};
use boot::Memory;
use event_loop::{LoopError, Running, Setup};
use house::House;
use inlet::{Inlet, Parcel};
use intake::Intake;
use journal_thread::JournalThread;
use lines::Lines;
use links::Links;
use loaded::Origin;
use reload::{Reloader, SharedSinks, list};
use report::Report;
use safety::SafetyNet;
use wall::Sample;
use wiring::Wiring;

/// The engine is fixed arrays, and a start moves it once.
const LOOP_STACK: usize = 8 * 1024 * 1024;

/// A loop that is well stops within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to run, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The house.
    pub origin: Origin,
    /// The state directory.
    pub state: PathBuf,
    /// Errors may have colours.
    pub color: bool,
    /// When the process began, for the log.
    pub began: Instant,
}

/// A house that runs. Dropped without [`stop`](Self::stop), its outputs are safe all the same.
pub struct Daemon {
    /// The one way in for whoever is outside.
    pub service: Service<Report>,
    /// The lines that live in this process.
    pub virtual_board: Arc<VirtualBoard>,
    /// The journal, for readers.
    pub index: Arc<Index<Directory>>,
    /// Changes whenever there is more to read.
    pub published: watch::Receiver<()>,
    /// The loop's pulse.
    pub pulse: park::Pulse,
    inlet: Arc<Inlet>,
    intake: Intake,
    sinks: SharedSinks,
    satellites: Arc<Satellites>,
    net: SafetyNet,
    event_loop: Option<JoinHandle<Result<(), LoopError>>>,
    journal: Option<JoinHandle<Result<(), Unwritten>>>,
    /// Each thread sends when it is over, however that came.
    over: mpsc::Receiver<()>,
    tasks: Vec<tokio::task::AbortHandle>,
}

impl Daemon {
    /// Starts a house; it runs when this returns.
    ///
    /// # Errors
    /// Everything that is wrong with the file, the lines or the state directory, for a person. Nothing runs then.
    pub async fn start(options: Options) -> Result<Self, String> {
        let Options { origin, state, color, began } = options;
        let loaded = origin.load(color)?;
        if !loaded.warnings.is_empty() {
            tracing::warn!("{}\n{}", origin.name(), loaded.warnings.trim_end());
        }
        let directory = Directory::open(&state).map_err(|error| error.to_string())?;

        // Watched from here on: what happens during the rest of the start waits in the kernel's buffers.
        let (mut boards, wake, net) = (BoardSet::default(), Arc::<WakeSlot>::default(), SafetyNet::default());
        let program = loaded.program.clone();
        let opened = boards.open(&Wiring::default(), &program.wiring, &wake).map_err(|e| list(&e))?;
        tracing::info!(
            "{}: {} watched after {:.1} ms",
            loaded.node,
            count(program.wiring.inputs.len() as u64, "input"),
            began.elapsed().as_secs_f64() * 1e3
        );
        let clock = Sample::take(&loaded.zone);
        let Memory { storage, journal, boot, before, kept, off } =
            boot::remember(directory, &loaded, &clock)?;

        let house = Arc::new(House::new(&program));
        let (inlet, intake) = (Arc::<Inlet>::default(), Intake::default());
        // Before the first record: whoever reads that one wants its names.
        inlet.put(Parcel::Program(program.hash, program.stored()));
        let (lines, first) = match before {
            None => {
                house.programs.add(program.clone(), Opened::default());
                let (inputs, outputs) = opened.into_parts();
                (Lines::new(inputs, outputs, wake.clone(), net.clone()), program.clone())
            }
            Some(before) => {
                let before = Arc::new(before);
                house.programs.add(before.clone(), Opened::default());
                house.programs.add(program.clone(), opened);
                intake.send(Message::Install { hash: program.hash }).await;
                (Lines::ghost(&before.wiring, wake.clone(), net.clone()), before)
            }
        };

        let published = watch_published(journal.index());
        let nudged = inlet.clone();
        journal.index().on_damage(move || nudged.nudge());
        let (ended, over) = mpsc::channel(1);
        let index = journal.index().clone();
        let journal_thread = JournalThread {
            journal,
            inlet: inlet.clone(),
            house: house.clone(),
            intake: intake.clone(),
            durable: first.durable,
        };
        let journal = spawn("campanile-journal", None, ended.clone(), move || journal_thread.run())?;
        let (started, running) = oneshot::channel();
        net.on_panic_of(event_loop::THREAD);
        let setup = Setup {
            first,
            boot: boot.0,
            off,
            clock: clock.input(),
            kept,
            lines,
            zone: crate::zone::ZoneOffsets::new(&loaded.zone, jiff::Timestamp::now()),
            house: house.clone(),
            inlet: inlet.clone(),
            intake: intake.clone(),
            started,
        };
        let event_loop = spawn(event_loop::THREAD, Some(LOOP_STACK), ended, move || event_loop::run(setup))?;
        let Ok(Running { realtime, pulse }) = running.await else {
            inlet.close();
            return Err(match event_loop.join() {
                Ok(Err(error)) => error.to_string(),
                _ => "the loop broke down at its start".to_owned(),
            });
        };

        let (links, comings) = mpsc::unbounded_channel();
        let (arrivals, arrived) = mpsc::channel(around::ARRIVALS);
        let peers = Arc::<Links>::default();
        let telling = peers.clone().tell(house.clone(), intake.clone(), comings);
        let mut tasks = vec![tokio::spawn(telling).abort_handle()];
        let source = Source {
            storage: storage.clone(),
            index: index.clone(),
            published: published.clone(),
            boot,
            begin: Position::start_of(boot),
            around: Arc::new(Surroundings {
                house: house.clone(),
                inlet: inlet.clone(),
                intake: intake.clone(),
                links: links.clone(),
                arrivals,
            }),
            stop: watch::channel(false).1,
        };
        let mut sinks = Sinks::new(loaded.node.as_str(), source);
        // All of them are new, and `status` names them.
        drop(sinks.apply(&loaded.sinks, &loaded.program.symbols).await);
        let showcase = sinks.showcase();
        let sinks = Arc::new(Mutex::new(sinks));
        let (messages, sent) = mpsc::channel(hearing::WAITING);
        let satellites = Arc::new(Satellites::new(satellites::Around {
            folder: state.join(satellites::FOLDER),
            journal: loaded.journal.clone(),
            zone: loaded.zone.clone(),
            links,
            messages,
            memory: campanile_delivery::satellite::Memory::default(),
        }));
        reload::apply_satellites(&satellites, &mut boards, &loaded.satellites).await;

        let (reload, requests) = mpsc::channel(1);
        let reloaded = Arc::new(Notify::new());
        let report = Report {
            boot,
            began,
            realtime,
            origin: origin.clone(),
            state: std::path::absolute(&state).unwrap_or(state),
            zone: loaded.zone.clone(),
            house: house.clone(),
            inlet: inlet.clone(),
            sinks: showcase,
            satellites: satellites.clone(),
        };
        let virtual_board = boards.virtual_board().clone();
        let seed = boot.0.rotate_left(32) ^ clock.unix.unsigned_abs();
        let service =
            Service::new(house.clone(), intake.clone(), virtual_board.clone(), reload, report, seed);
        tasks.push(tokio::spawn(around::carry_out(service.clone(), arrived)).abort_handle());
        tasks.push(tokio::spawn(hearing::hear(service.clone(), house.clone(), sent)).abort_handle());
        let zone = loaded.zone.clone();
        let reloader = Reloader {
            origin,
            loaded,
            running: program,
            boards,
            wake,
            house,
            sinks: sinks.clone(),
            satellites: satellites.clone(),
            peers,
            inlet: inlet.clone(),
            intake: intake.clone(),
        };
        tasks.push(tokio::spawn(wall::keep(intake.clone(), zone, clock)).abort_handle());
        tasks.push(tokio::spawn(serve_reloads(reloader, requests, reloaded.clone())).abort_handle());
        tasks.push(tokio::spawn(async move { footprint::keep_small(&reloaded).await }).abort_handle());
        match ControlSocket::open(storage.path()) {
            Ok(socket) => tasks.push(tokio::spawn(socket.serve(service.clone())).abort_handle()),
            Err(error) => {
                tracing::error!("no control socket, so no commands and no status; the house runs: {error}")
            }
        }
        tracing::info!("start {boot} runs after {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
        Ok(Self {
            service,
            virtual_board,
            index,
            published,
            pulse,
            inlet,
            intake,
            sinks,
            satellites,
            net,
            event_loop: Some(event_loop),
            journal: Some(journal),
            over,
            tasks,
        })
    }

    /// Resolves when a thread has ended that should not have.
    pub async fn broke_down(&mut self) {
        let _ = self.over.recv().await;
    }

    /// Stops in order: outputs safe, everything recorded and on the disk.
    ///
    /// # Errors
    /// A thread had broken down or hangs, or the disk did not take the end of the journal. The outputs are safe even
    /// so.
    pub async fn stop(mut self) -> Result<(), String> {
        let event_loop = self.event_loop.take();
        let stopped = async {
            // So that the next start goes on with this state, even if the disk takes no more than that.
            self.intake.send(Message::Checkpoint).await;
            self.intake.send(Message::Stop).await;
            match event_loop {
                Some(thread) => join(thread).await,
                None => Ok(Ok(())),
            }
        };
        let Ok(event_loop) = tokio::time::timeout(PATIENCE, stopped).await else {
            self.net.release();
            return Err("the loop does not stop; the outputs are safe".to_owned());
        };
        // The last records are in the inlet: published first, so that the sinks can take them along when they leave.
        // If the journal's thread is gone, what it has published is all there is.
        let _ = tokio::time::timeout(PATIENCE, self.inlet.ask()).await;
        self.sinks.lock().await.stop().await;
        // Their outputs are safe in the loop's eyes; they still have to hear of it.
        reload::with_satellites(&self.satellites, Satellites::stop).await;
        self.inlet.close();
        let journal = match self.journal.take().map(join) {
            Some(joined) => joined.await,
            None => Ok(Ok(())),
        };
        event_loop
            .map_err(|()| "the loop broke down; the outputs are safe".to_owned())?
            .map_err(|e| e.to_string())?;
        journal
            .map_err(|()| "the journal's thread broke down".to_owned())?
            .map_err(|unwritten| format!("the end of the journal is not on the disk: {unwritten}"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        // Not stopped in order: the loop ends by itself as soon as it comes to it.
        if self.event_loop.is_some() {
            self.intake.try_send(Message::Stop);
        }
        self.inlet.close();
    }
}

/// Something that changes whenever the journal has more to read.
fn watch_published(index: &Index<Directory>) -> watch::Receiver<()> {
    let (sender, receiver) = watch::channel(());
    index.on_publish(move || sender.send_modify(|()| {}));
    receiver
}

/// Starts a thread that tells `over` of its end, however that comes.
fn spawn<T: Send + 'static>(
    name: &str,
    stack: Option<usize>,
    over: mpsc::Sender<()>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, String> {
    let mut thread = std::thread::Builder::new().name(name.to_owned());
    if let Some(stack) = stack {
        thread = thread.stack_size(stack);
    }
    thread
        .spawn(move || {
            let _over = SendOnDrop(over);
            work()
        })
        .map_err(|error| format!("the system gives no thread: {error}"))
}

struct SendOnDrop(mpsc::Sender<()>);

impl Drop for SendOnDrop {
    fn drop(&mut self) {
        // Full: somebody was faster, and one is enough.
        let _ = self.0.try_send(());
    }
}

/// Waits for a thread without keeping the others waiting; an error if it panicked.
async fn join<T: Send + 'static>(handle: JoinHandle<T>) -> Result<T, ()> {
    tokio::task::spawn_blocking(move || handle.join()).await.map_err(|_| ())?.map_err(|_| ())
}

async fn serve_reloads(
    mut reloader: Reloader,
    mut requests: mpsc::Receiver<ReloadRequest>,
    reloaded: Arc<Notify>,
) {
    while let Some(answer) = requests.recv().await {
        let refused = |text| format!("reload refused, the old program goes on:\n{text}");
        let result = reloader.reload().await.map_err(refused);
        match &result {
            Ok(text) => tracing::info!("reload: {text}"),
            Err(text) => tracing::error!("{text}"),
        }
        reloaded.notify_one();
        // Whoever asked may be gone.
        let _ = answer.send(result);
    }
}
