//! What the ends say to each other. Numbers and fields are append-only; a change that an older end would misread
//! raises [`VERSION`](super::VERSION). `Greet` and the first two fields of `Hello` are the same in all versions, so that
//! ends of different ones can say so.

mod form;

use super::lines::Lines;
use crate::decision::ReplyResult;
use crate::input::{Op, Origin};
use crate::program::verify::{LoadError, Room};
use crate::time::{Duration, Instant};
use crate::wire::wire_enum;

/// One message. All but `Greet` carry the token of their session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Host: who is there?
    Greet {
        /// The link's version.
        version: u8,
        /// Made up for this greeting.
        nonce: u32,
    },
    /// Satellite: it is I, and the session has begun.
    Hello(Hello<'a>),
    /// Host: the number of this start.
    Assign {
        /// Counter of starts and 32 random bits. Not answered beyond [`MAX_STARTS`](super::MAX_STARTS), which no host comes to.
        boot: u64,
    },
    /// Host: all records before this one are in the journal.
    Ack {
        /// The number of the record that it waits for.
        seq: u64,
    },
    /// Satellite: records.
    Records(Records<'a>),
    /// Host: somebody asks for something.
    Command {
        /// Who.
        origin: Origin,
        /// Their number for it; higher than that of the command before.
        id: u32,
        /// What.
        op: Op,
        /// Older than this, it is not carried out any more.
        ttl: Duration,
    },
    /// Satellite: what became of a command.
    Reply {
        /// Its number.
        id: u32,
        /// What became of it.
        result: ReplyResult,
    },
    /// Host: a piece of a [bundle](super::bundle).
    Image {
        /// Of the whole bundle.
        hash: u64,
        /// How long that is.
        len: u16,
        /// Where the piece belongs.
        offset: u16,
        /// The piece.
        bytes: &'a [u8],
    },
    /// Satellite: so much of a bundle is there.
    Stored {
        /// Of the whole bundle.
        hash: u64,
        /// What comes next.
        offset: u16,
    },
    /// Host: the bundle takes over.
    Commit {
        /// Which.
        hash: u64,
    },
    /// Satellite: what became of that.
    Committed {
        /// Which.
        hash: u64,
        /// What became of it.
        verdict: Verdict,
    },
    /// Host: it is still there, and what time it is.
    Ping {
        /// Microseconds since 1970, UTC.
        unix: i64,
        /// Seconds that local time is ahead of UTC.
        offset: i32,
        /// Whether the clock is synchronised.
        trusted: bool,
    },
    /// Satellite: it is still there, and what its own clock says. None comes for a start that is [over](Hello::over), whose
    /// clock stands.
    Pong {
        /// In the time of its records.
        at: Instant,
    },
    /// Satellite: how it is.
    Health(Health),
    /// Satellite: what its firmware says to whoever develops it, when there is nothing else to say; not said again if it is lost.
    Trace {
        /// Frames of defmt without a coding of their own, each behind its length, a byte.
        frames: &'a [u8],
    },
    /// Host: how are the lines?
    Look,
    /// Satellite: so they are.
    Lines(Lines),
}

/// Who a satellite is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Of the session that begins.
    pub token: u32,
    /// The greeting that it answers.
    pub nonce: u32,
    /// The number of the start whose records it offers; 0 if that has none yet.
    pub boot: u64,
    /// The revision of its engine.
    pub core_rev: u16,
    /// The bundle that runs; 0 if that came another way.
    pub bundle: u64,
    /// The number of the oldest record that is left.
    pub tail: u64,
    /// The number that the next record will have.
    pub head: u64,
    /// How much its engine has room for.
    pub room: Room,
    /// The longest bundle that it takes.
    pub bundle_max: u16,
    /// What its own program calls it; may be empty.
    pub node: &'a str,
    /// What kind of board it is.
    pub board: &'a str,
    /// The start is over: its records outlived it, and when they are acknowledged a hello follows for the next one.
    pub over: bool,
}

/// A row of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records<'a> {
    /// The number of the first.
    pub first: u64,
    /// Those before it are gone, if the host has not got them.
    pub gap: bool,
    /// The program that wrote the first, by the hash of its image. It is said where a session begins and behind a gap, as nothing
    /// that the host has heard leads up to that; `None` elsewhere, and where nobody knows any more.
    pub program: Option<u64>,
    /// The time of the record before the first.
    pub base: Instant,
    /// The records.
    pub bytes: &'a [u8],
}

/// Which program writes the records of the running start, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// The hash of its image.
    pub program: u64,
    /// The number of the record with which it took over; those before may be of another.
    pub since: u64,
}

wire_enum! {
    /// What became of a bundle.
    Verdict {
        /// It runs.
        Runs = 0,
        /// Not all of it is there: it is to be sent again.
        Incomplete = 1,
        /// It is no bundle, or damaged.
        Malformed = 2,
        /// The engine has no room for the program.
        NoRoom = 3,
        /// It names a line that the board has not.
        UnknownLine = 4,
        /// It asks for a pull that the line has not.
        UnknownPull = 5,
        /// The engine refuses the program for another reason.
        Refused = 6,
        /// The flash does not take it.
        Unstored = 7,
        /// It names a line that another has, by another name, or that the board needs for itself.
        TakenLine = 8,
    }
}

impl From<LoadError> for Verdict {
    /// Of a program that the engine does not take.
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::TooMany { .. } => Self::NoRoom,
            _ => Self::Refused,
        }
    }
}

wire_enum! {
    /// How what a satellite keeps over a reset is.
    Storage {
        /// It keeps nothing.
        None = 0,
        /// Nothing is wrong.
        Good = 1,
        /// The log came round, over records that nobody had fetched.
        Full = 2,
        /// It has been erased more often than it may, or did not take something and took it elsewhere.
        Worn = 3,
        /// It takes nothing: the satellite goes on without.
        Dead = 4,
    }
}

/// How a satellite is. It says so at the beginning of a session, when something changes, and to every `Ping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// In a word; the worst that holds.
    pub storage: Storage,
    /// How often each page of its log was erased.
    pub cycles: u32,
    /// Writes and erases that its storage did not take in this start.
    pub refused: u32,
    /// Records of this start that its storage did not take.
    pub lost: u64,
    /// Records that were overwritten in this start and that nobody had fetched.
    pub dropped: u64,
}

impl Health {
    /// Of a satellite without storage.
    pub const NO_STORAGE: Self = Self { storage: Storage::None, cycles: 0, refused: 0, lost: 0, dropped: 0 };
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misread {
    /// They are none of this version, or of a message that this version does not know.
    Unknown,
    /// A greeting or a hello of another version.
    Version {
        /// Which.
        theirs: u8,
        /// The host's greeting, which is to be answered.
        greeting: Option<u32>,
    },
}

#[cfg(test)]
mod tests;
