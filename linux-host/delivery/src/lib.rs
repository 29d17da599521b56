//! Journal, cursors and outbox of Campanile, over small traits and with time as a parameter, so that the simulator runs
//! the shipped code.
//!
//! * [`Journal`]: the log of a node on disk. It writes, publishes, then syncs within the window. Torn tails are cut off,
//!   damage is set aside, bounded memory stands in for a failing disk, and every loss is recorded.
//! * [`Reader`]: reads from any position to the live end, on any thread.
//! * [`CursorFile`]: how far a sink has delivered; never ahead of the acknowledgement. [`SpentFile`]: how much of its
//!   quota it has used.
//! * [`Outbox`] and [`Feed`]: messages under way to a receiver, at least once and in order.
//! * [`satellite`]: a remote node over the link: its journal, and its lines as the house knows them.
//! * [`Directory`]: the real disk; [`disk::Disk`]: a simulated disk that fails, tears writes and loses unsynced data.
//!
//! The bytes on disk are described in `FORMAT.md`.

mod archive;
mod backoff;
mod batch;
mod boot;
mod checksum;
mod context;
mod cursor;
mod directory;
pub mod disk;
mod entry;
mod error;
mod feed;
mod foreign;
pub mod gate;
mod group;
mod health;
mod host;
mod index;
mod journal;
mod name;
mod open;
mod options;
mod outbox;
mod pending;
mod position;
mod program;
mod reader;
mod recall;
mod refusal;
mod repair;
mod retention;
pub mod satellite;
mod scan;
mod segment;
mod signs;
mod slots;
mod spent;
mod status;
mod storage;
mod survey;
pub mod symbols;
mod sync;
mod tail;
#[cfg(test)]
mod testing;
mod unheard;
mod unwritten;
mod walk;
mod writer;

pub use archive::{Archive, Newer};
pub use backoff::{Backoff, Random};
pub use batch::{AppendError, Batch};
pub use context::Wall;
pub use cursor::{CURSOR_EVERY, CursorFile, sinks};
pub use directory::{Directory, DirectoryFile};
pub use error::OpenError;
pub use feed::{Feed, FeedStep};
pub use foreign::is_journals_own;
pub use health::Degraded;
pub use host::{CHECKPOINT_KIND, GapWhy, HostRecord};
pub use index::Index;
pub use journal::Journal;
pub use name::{BadName, Name, NodeName, SinkName};
pub use open::{Opened, Start};
pub use options::{Options, SEGMENT_LEN, Sync, WhenFull};
pub use outbox::{DeadLetter, Lag, Outbox, OutboxOptions, Ticket, Turn};
pub use position::{BadBoot, Boot, Cursor, Mark, Position, RecordId};
pub use program::StoredProgram;
pub use reader::{Body, Item, Lagged, Move, Next, Reader};
pub use recall::Recall;
pub use refusal::DirectoryError;
pub use spent::{SPENT_MAX, SpentFile};
pub use status::{Counts, Status};
pub use storage::{File, Machine, Storage};
pub use unwritten::Unwritten;
