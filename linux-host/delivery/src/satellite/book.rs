//! A satellite's journal: a directory of its own, as a node's is.

use std::fmt;
use std::io;
use std::sync::Arc;

use campanile_core::link::Delivery;
use campanile_core::time::Instant;

use crate::{
    AppendError, Archive, Batch, Boot, Degraded, Journal, Next, NodeName, OpenError, Options, Position,
    Start, Storage, StoredProgram,
};

/// See the [module](self).
pub struct Book<S: Storage> {
    storage: Arc<S>,
    node: NodeName,
    options: Options,
    /// The newest start in it.
    newest: Option<Boot>,
    journal: Option<Journal<S>>,
}

/// Why a journal cannot go on.
#[derive(Debug)]
pub enum BookError {
    /// It does not open.
    Open(OpenError),
    /// It does not take what came.
    Append(AppendError),
    /// It cannot be read.
    Read(io::Error),
    /// There is no random number for another start: why.
    Random(String),
}

impl fmt::Display for BookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Append(error) => error.fmt(f),
            Self::Read(error) => error.fmt(f),
            Self::Random(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for BookError {}

impl<S: Storage> Book<S> {
    /// Opens the directory, without the journal yet: the satellite has to say which start it is in.
    ///
    /// # Errors
    /// The directory cannot be read, or was written by a later version.
    pub fn open(storage: Arc<S>, node: NodeName, options: Options) -> Result<Self, BookError> {
        let newest = Archive::open(&storage).map_err(BookError::Open)?.end.map(|end| end.boot);
        Ok(Self { storage, node, options, newest, journal: None })
    }

    /// The journal, once a start has said its number.
    pub const fn journal(&self) -> Option<&Journal<S>> {
        self.journal.as_ref()
    }

    /// The start that is being written.
    pub fn boot(&self) -> Option<Boot> {
        self.journal.as_ref().map(Journal::boot)
    }

    /// Whether a start of this number may be written: none that is older than what stands there.
    pub(super) fn takes(&self, boot: Boot) -> bool {
        self.newest.is_none_or(|newest| newest <= boot)
    }

    /// Whether a record of a start stands there with this number, or a later one; with 0, whether anything of it does.
    pub(super) fn reaches(&self, boot: Boot, seq: u64) -> Result<bool, BookError> {
        let index = match &self.journal {
            Some(journal) => Arc::clone(journal.index()),
            None => Archive::open(&self.storage).map_err(BookError::Open)?.index,
        };
        let before = match seq.checked_sub(1) {
            Some(seq) => Position { boot, seq, host: u64::MAX },
            None => Position::start_of(boot),
        };
        let mut reader = index.reader(before);
        loop {
            match reader.next().map_err(BookError::Read)? {
                Next::Item(item) => return Ok(item.at.boot == boot),
                Next::Lagged(_) => {}
                Next::End => return Ok(false),
            }
        }
    }

    /// Begins a start that has no number yet; `random` is the low half of what it gets.
    pub(super) fn begin(&mut self, random: u32, now: Instant) -> Result<Boot, BookError> {
        self.journal = None;
        let start = Start::New(random);
        let opened = Journal::open_for(&self.storage, &self.node, self.options.clone(), start, now);
        let (journal, opened) = opened.map_err(BookError::Open)?;
        (self.newest, self.journal) = (Some(opened.boot), Some(journal));
        Ok(opened.boot)
    }

    /// Goes on with a start, or begins one that has its number.
    pub(super) fn resume(&mut self, boot: Boot, now: Instant) -> Result<(), BookError> {
        if self.boot() == Some(boot) {
            return Ok(());
        }
        self.journal = None;
        let opened = Journal::open_for(&self.storage, &self.node, self.options.clone(), Start::Of(boot), now);
        let (journal, _) = opened.map_err(BookError::Open)?;
        (self.newest, self.journal) = (Some(boot), Some(journal));
        Ok(())
    }

    /// Keeps a program whose names the journal's readers need.
    pub(super) fn keep_program(&mut self, hash: u64, program: &StoredProgram) -> io::Result<()> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.keep_program(hash, program))
    }

    /// The number of the last record.
    pub fn last(&self) -> u64 {
        self.journal.as_ref().map_or(0, Journal::last_seq)
    }

    /// The program that was active at the last record; `None` if nobody knows, as the records that tell are gone.
    pub(super) fn program(&self) -> Option<u64> {
        self.journal.as_ref().and_then(Journal::program)
    }

    /// Takes records, and hands them to the kernel. Those of a start that is `over` are on the disk behind this, if that takes
    /// anything.
    pub(super) fn append(
        &mut self,
        delivery: &Delivery<'_>,
        over: bool,
        now: Instant,
    ) -> Result<(), BookError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let Delivery { first, count, program, base, bytes } = *delivery;
        if !over {
            // Which program wrote the records of a start that is over no satellite knows: the one of those before is the best guess.
            journal.miss_before(first, program.unwrap_or(0), now);
        }
        journal
            .append(&Batch { first_seq: first, base, bytes, count }, over, now)
            .map_err(BookError::Append)?;
        journal.commit(now);
        Ok(())
    }

    /// Records that never came.
    pub fn lost(&self) -> u64 {
        self.journal.as_ref().map_or(0, |journal| journal.status().counts.lost)
    }

    /// Does what is due; `unix` is the time of day where it can be trusted.
    pub(super) fn tick(&mut self, now: Instant, unix: Option<i64>) {
        if let Some(journal) = &mut self.journal {
            journal.set_clock(now, unix);
            journal.tick(now);
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(super) fn due(&self) -> Instant {
        self.journal.as_ref().and_then(Journal::due).unwrap_or(Instant::NEVER)
    }

    /// How it goes on from memory, if it does.
    pub fn degraded(&self) -> Option<&Degraded> {
        self.journal.as_ref()?.degraded()
    }
}
