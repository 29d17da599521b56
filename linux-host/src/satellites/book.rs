//! A satellite's journal: a directory of its own, as a node's is.

use std::path::Path;
use std::sync::Arc;

use campanile_core::link::Delivery;
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_delivery::{
    Archive, Batch, Boot, Directory, Journal, NodeName, OpenError, Options, Recall, StoredProgram,
};

use crate::random;

/// See the [module](self).
pub(super) struct Book {
    storage: Arc<Directory>,
    node: NodeName,
    options: Options,
    /// The newest start in it.
    newest: Option<Boot>,
    journal: Option<Journal<Directory>>,
}

impl Book {
    /// Opens the directory, without the journal yet: the satellite has to say which start it is in.
    pub(super) fn open(folder: &Path, name: &str, options: Options) -> Result<Self, String> {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let storage = Arc::new(Directory::open(&path).map_err(|error| error.to_string())?);
        let said = |error: OpenError| format!("{}: {error}", path.display());
        let newest = Archive::open(&storage).map_err(said)?.end.map(|end| end.boot);
        let node = name.parse().map_err(|error| format!("{name}: {error}"))?;
        Ok(Self { storage, node, options, newest, journal: None })
    }

    /// The start that is being written.
    pub(super) fn boot(&self) -> Option<Boot> {
        self.journal.as_ref().map(Journal::boot)
    }

    /// Whether a start of this number may be written: none that is older than what stands there.
    pub(super) fn takes(&self, boot: Boot) -> bool {
        self.newest.is_none_or(|newest| newest <= boot)
    }

    /// Begins a start that has no number yet.
    pub(super) fn begin(&mut self, now: Instant) -> Result<Boot, String> {
        let random = random::bits32()?;
        self.journal = None;
        let opened = Journal::open(&self.storage, &self.node, self.options.clone(), random, now);
        let (journal, opened) = opened.map_err(|error| self.said(&error))?;
        (self.newest, self.journal) = (Some(opened.boot), Some(journal));
        Ok(opened.boot)
    }

    /// Goes on with a start, or begins one that has its number.
    pub(super) fn resume(&mut self, boot: Boot, now: Instant) -> Result<(), String> {
        if self.boot() == Some(boot) {
            return Ok(());
        }
        self.journal = None;
        let opened = Journal::open_for(&self.storage, &self.node, self.options.clone(), boot, now);
        let (journal, _) = opened.map_err(|error| self.said(&error))?;
        (self.newest, self.journal) = (Some(boot), Some(journal));
        Ok(())
    }

    fn said(&self, error: &OpenError) -> String {
        format!("{}: {error}", self.storage.path().display())
    }

    /// Keeps a program whose names the journal's readers need.
    pub(super) fn keep_program(&mut self, hash: u64, program: &StoredProgram) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.keep_program(hash, program)
        {
            tracing::warn!("{}: the program is not kept: {error}", self.storage.path().display());
        }
    }

    /// The number of the last record.
    pub(super) fn last(&self) -> u64 {
        self.journal.as_ref().map_or(0, Journal::last_seq)
    }

    /// Takes records, and hands them to the kernel.
    pub(super) fn append(&mut self, delivery: &Delivery<'_>, now: Instant) -> Result<(), String> {
        let Some(journal) = &mut self.journal else { return Err("no start has begun".to_owned()) };
        let Delivery { first, count, base, bytes } = *delivery;
        journal
            .append(&Batch { first_seq: first, base, bytes, count }, false, now)
            .map_err(|error| error.to_string())?;
        journal.commit(now);
        Ok(())
    }

    /// Records that never came.
    pub(super) fn lost(&self) -> u64 {
        self.journal.as_ref().map_or(0, |journal| journal.status().counts.lost)
    }

    /// What the records so far tell of the inputs, and the program that these ids are of.
    pub(super) fn recall(&self) -> Option<(u64, Vec<Restore>)> {
        let recall = Recall::read(self.journal.as_ref()?.index()).ok()?;
        Some((recall.program?, recall.items))
    }

    /// Does what is due; `unix` is the time of day where it can be trusted.
    pub(super) fn tick(&mut self, now: Instant, unix: Option<i64>) {
        if let Some(journal) = &mut self.journal {
            journal.set_clock(now, unix);
            journal.tick(now);
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.journal.as_ref().and_then(Journal::due).unwrap_or(Instant::NEVER)
    }

    /// Why it goes on from memory, if it does.
    pub(super) fn degraded(&self) -> Option<String> {
        self.journal.as_ref()?.degraded().map(|degraded| degraded.error.clone())
    }

    /// Where it is.
    pub(super) fn path(&self) -> String {
        self.storage.path().display().to_string()
    }
}
