//! What comes before the loop: the state directory, the lines, the journal, and what outlived the last run.

use std::path::Path;
use std::sync::Arc;

use campanile_core::restore::Restore;
use campanile_core::time::Duration;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Boot, Directory, Journal, Opened, Recall};

use super::lines::now;
use super::loaded::Loaded;
use super::programs::Program;
use super::wall::Sample;
use super::wiring::Wiring;
use crate::random;

/// An open journal, and the state that it remembers.
pub struct Memory {
    /// The state directory, which this process holds.
    pub storage: Arc<Directory>,
    /// Open, with this start's number.
    pub journal: Journal<Directory>,
    /// This start.
    pub boot: Boot,
    /// The program that ran before, if it was another one and there is state of it.
    pub before: Option<Program>,
    /// What outlived the last run, in ids of the program that ran.
    pub kept: Vec<Restore>,
    /// How long the node was off, if the kernel runs since then or both clocks were trusted.
    pub off: Option<Duration>,
}

/// Opens the journal of a node in its state directory.
///
/// # Errors
/// The journal is another node's, or of a later version, or cannot be read; in words.
pub fn remember(storage: Directory, loaded: &Loaded, clock: &Sample) -> Result<Memory, String> {
    let storage = Arc::new(storage);
    let (journal, opened) =
        Journal::open(&storage, &loaded.node, loaded.journal.clone(), random::bits32()?, now())
            .map_err(|error| format!("{}: {error}", storage.path().display()))?;
    say(storage.path(), &opened);
    let recall = Recall::read(journal.index()).unwrap_or_else(|error| {
        tracing::error!("the state before this start cannot be read: {error}; the house starts without it");
        Recall::default()
    });
    let program = &loaded.program;
    let (before, kept) = match recall.program.filter(|&hash| hash != program.hash) {
        None => (None, recall.items),
        Some(hash) => match earlier(&journal, hash, loaded) {
            Some(before) => (Some(before), recall.items),
            None => {
                tracing::warn!("the previous program is missing: its state cannot be restored");
                (None, Vec::new())
            }
        },
    };
    let by_wall = recall
        .unix
        .filter(|_| clock.trusted)
        .map(|unix| Duration::from_micros(u64::try_from(clock.unix.saturating_sub(unix)).unwrap_or(0)));
    let off = recall.off.or(by_wall);
    Ok(Memory { storage, boot: opened.boot, journal, before, kept, off })
}

fn earlier(journal: &Journal<Directory>, hash: u64, loaded: &Loaded) -> Option<Program> {
    let stored = journal.index().program(hash).ok()??;
    let symbols = Symbols::decode(&stored.symbols).ok()?;
    let wiring = Wiring::of(&symbols, &loaded.boards);
    Program::new(stored.image, symbols, wiring).ok()
}

/// Says what is worth knowing of how the journal was found.
fn say(path: &Path, opened: &Opened) {
    let path = path.display();
    if let Some(error) = &opened.boot_unsynced {
        tracing::warn!("{path}: the number of this start is not on the disk: {error}");
    }
    if let Some((segment, offset)) = opened.torn {
        tracing::warn!(
            "{path}: the last write of segment {segment} was cut off at byte {offset}; the rest is whole"
        );
    }
    for (from, to) in &opened.damaged {
        if from == to {
            tracing::error!(
                "{path}: the journal is damaged at {from}, where no record is known to be missing; the bytes are kept \
                 as *.bad"
            );
        } else {
            tracing::error!(
                "{path}: the records behind {from} up to {to} cannot be read; the bytes are kept as *.bad"
            );
        }
    }
    if let Some(error) = &opened.repair {
        tracing::error!("{path}: the journal could not be put in order: {error}; it goes on from memory");
    }
    if opened.previous.is_some() && !opened.clean {
        tracing::info!("{path}: the last start did not stop in order; its state goes on");
    }
}
