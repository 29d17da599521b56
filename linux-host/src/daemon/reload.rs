//! `reload`: compile, check, open what is new, swap. Whatever goes wrong, the old program goes on.

use std::sync::Arc;

use campanile_core::runner::Message;
use campanile_delivery::Directory;
use tokio::sync::Mutex;

use super::around::Surroundings;
use super::board_set::BoardSet;
use super::house::House;
use super::inlet::{Inlet, Parcel};
use super::intake::Intake;
use super::links::Links;
use super::loaded::{Loaded, Origin};
use super::programs::Program;
use crate::boards::{LineError, WakeSlot};
use crate::satellites::{Satellites, Spec};
use crate::sinks::start::Sinks;

/// The sinks, which a reload exchanges and `status` looks at.
pub type SharedSinks = Arc<Mutex<Sinks<Directory, Surroundings>>>;

/// What a reload works with, and what it knows of the program that runs.
pub struct Reloader {
    /// Where the house comes from.
    pub origin: Origin,
    /// As it was at the start: what needs a restart still is so.
    pub loaded: Loaded,
    /// The program that runs.
    pub running: Arc<Program>,
    /// The boards.
    pub boards: BoardSet,
    /// What the lines wake.
    pub wake: Arc<WakeSlot>,
    /// The house.
    pub house: Arc<House>,
    /// The sinks that run.
    pub sinks: SharedSinks,
    /// The satellites that run.
    pub satellites: Arc<Satellites>,
    /// Which of them are there.
    pub peers: Arc<Links>,
    /// The way to the journal.
    pub inlet: Arc<Inlet>,
    /// The way to the loop.
    pub intake: Intake,
}

impl Reloader {
    /// Swaps the program, if the file is right and its lines can be had.
    ///
    /// # Errors
    /// Everything that is wrong, for a person.
    pub async fn reload(&mut self) -> Result<String, String> {
        let loaded = self.origin.load(false)?;
        let later = self.loaded.needs_restart(&loaded);
        let mut note = match later.as_slice() {
            [] => String::new(),
            later => format!("; a restart is needed for {}", later.join(" and ")),
        };
        if !loaded.warnings.is_empty() {
            note.push('\n');
            note.push_str(loaded.warnings.trim_end());
        }
        if loaded.node != self.loaded.node {
            return Err(format!(
                "the node is {} and the file says {}: a node keeps its name while it runs; restart with another --state",
                self.loaded.node, loaded.node
            ));
        }
        let program = Arc::clone(&loaded.program);
        let hash = program.hash;
        if program.is_same(&self.running) {
            let changed = self.apply(&loaded).await;
            return Ok(format!("the program is the same{changed}{note}"));
        }
        let wired = &self.running.wiring;
        let opened = self.boards.open(wired, &program.wiring, &self.wake).map_err(|errors| list(&errors))?;
        self.house.programs.add(program.clone(), opened);
        self.inlet.put(Parcel::Program(hash, program.stored()));
        // What is sent behind the swap with an id of the old program would mean something else.
        let mut names = self.house.rename().await;
        let answer = self.house.expect_install(hash);
        self.intake.send(Message::Install { hash }).await;
        match answer.await {
            Ok(Ok(())) => {
                names.clone_from(&program);
                self.peers.tell_again(&program.symbols, &self.intake).await;
                drop(names);
                self.running = program;
                let failed = self.house.programs.take_failed(hash);
                if !failed.is_empty() {
                    note.push_str("\nsome of its lines are not as the file says until the next start:\n");
                    note.push_str(&list(&failed));
                }
                let changed = self.apply(&loaded).await;
                Ok(format!("program {hash:016x} runs{changed}{note}"))
            }
            Ok(Err(why)) => Err(format!("the engine refuses the program: {why}; the old one keeps running")),
            Err(_) => Err("another reload took its place, or the daemon is stopping".to_owned()),
        }
    }

    /// Sinks and satellites of the file beside the program that runs now; what became of those that are not as they were.
    async fn apply(&mut self, loaded: &Loaded) -> String {
        let mut words = self.sinks.lock().await.apply(&loaded.sinks, &self.running.symbols).await;
        words.extend(apply_satellites(&self.satellites, &mut self.boards, &loaded.satellites).await);
        words.iter().map(|word| format!("; {word}")).collect()
    }
}

/// Runs the satellites of a file. Says in words what becomes of those that run and are not as it says.
pub async fn apply_satellites(
    running: &Arc<Satellites>,
    boards: &mut BoardSet,
    specs: &[Spec],
) -> Vec<String> {
    let mut lines = |spec: &Spec| boards.satellite(&spec.program.board);
    let wanted: Vec<_> = specs.iter().map(|spec| (spec.clone(), lines(spec))).collect();
    with_satellites(running, move |satellites| satellites.apply(&wanted)).await
}

/// Threads that end are waited for where nobody else waits.
pub async fn with_satellites<R: Default + Send + 'static>(
    running: &Arc<Satellites>,
    work: impl FnOnce(&Satellites) -> R + Send + 'static,
) -> R {
    let running = running.clone();
    tokio::task::spawn_blocking(move || work(&running)).await.unwrap_or_else(|_| {
        tracing::error!("the satellites could not be started or ended in order");
        R::default()
    })
}

/// Every line that could not be had, one below the other; what is wrong with the board of all of them is said once.
pub fn list(errors: &[LineError]) -> String {
    let mut words: Vec<_> = errors.iter().map(ToString::to_string).collect();
    words.dedup();
    words.join("\n")
}
