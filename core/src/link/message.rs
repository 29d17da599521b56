//! What the ends say to each other. Numbers and fields are append-only; a change that an older end would misread
//! raises [`VERSION`](super::VERSION). `Greet` and the first two fields of `Hello` are the same in all versions, so that
//! ends of different ones can say so.

use crate::decision::ReplyResult;
use crate::input::{Op, Origin};
use crate::program::verify::Room;
use crate::time::{Duration, Instant};
use crate::wire::{Reader, Wire, Writer, wire_enum, wire_struct};

/// A name on the wire is not longer.
const NAME_MAX: usize = 32;

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
        /// Counter of starts and 32 random bits.
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
    /// The time of the record before the first.
    pub base: Instant,
    /// The records.
    pub bytes: &'a [u8],
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

wire_struct!(Room { counts, runs });
wire_struct!(Health { storage, cycles, refused, lost, dropped });

impl<'a> Message<'a> {
    /// Writes it; gives its length, or `None` if it is longer than `out`.
    pub fn encode(&self, token: u32, out: &mut [u8]) -> Option<usize> {
        let mut w = Writer::new(out);
        let put = |w: &mut Writer<'_>, tag: u8| {
            w.u8(tag);
            token.put(w);
        };
        match *self {
            Self::Greet { version, nonce } => {
                w.u8(0);
                nonce.put(&mut w);
                w.u8(version);
            }
            Self::Hello(hello) => {
                w.u8(1);
                hello.put(&mut w);
            }
            Self::Assign { boot } => {
                put(&mut w, 2);
                boot.put(&mut w);
            }
            Self::Ack { seq } => {
                put(&mut w, 3);
                seq.put(&mut w);
            }
            Self::Records(Records { first, gap, base, bytes }) => {
                put(&mut w, 4);
                first.put(&mut w);
                gap.put(&mut w);
                base.put(&mut w);
                w.bytes(bytes);
            }
            Self::Command { origin, id, op, ttl } => {
                put(&mut w, 5);
                origin.put(&mut w);
                id.put(&mut w);
                op.put(&mut w);
                ttl.put(&mut w);
            }
            Self::Reply { id, result } => {
                put(&mut w, 6);
                id.put(&mut w);
                result.put(&mut w);
            }
            Self::Image { hash, len, offset, bytes } => {
                put(&mut w, 7);
                hash.put(&mut w);
                len.put(&mut w);
                offset.put(&mut w);
                w.bytes(bytes);
            }
            Self::Stored { hash, offset } => {
                put(&mut w, 8);
                hash.put(&mut w);
                offset.put(&mut w);
            }
            Self::Commit { hash } => {
                put(&mut w, 9);
                hash.put(&mut w);
            }
            Self::Committed { hash, verdict } => {
                put(&mut w, 10);
                hash.put(&mut w);
                verdict.put(&mut w);
            }
            Self::Ping { unix, offset, trusted } => {
                put(&mut w, 11);
                unix.put(&mut w);
                offset.put(&mut w);
                trusted.put(&mut w);
            }
            Self::Pong { at } => {
                put(&mut w, 12);
                at.put(&mut w);
            }
            Self::Health(health) => {
                put(&mut w, 13);
                health.put(&mut w);
            }
            Self::Trace { frames } => {
                put(&mut w, 14);
                w.bytes(frames);
            }
        }
        w.finish()
    }

    /// Reads one, and the token that it carries.
    ///
    /// # Errors
    /// The bytes are none, or not to their end, or of another version.
    pub fn decode(bytes: &'a [u8]) -> Result<(u32, Self), Misread> {
        let mut r = Reader::new(bytes);
        if let [0 | 1, ..] = bytes
            && let Some(other) = other_version(bytes)
        {
            return Err(other);
        }
        let (token, message) = Self::get(&mut r).ok_or(Misread::Unknown)?;
        if r.is_empty() { Ok((token, message)) } else { Err(Misread::Unknown) }
    }

    fn get(r: &mut Reader<'a>) -> Option<(u32, Self)> {
        let tag = r.u8()?;
        if tag == 1 {
            let hello = Hello::get(r)?;
            return Some((hello.token, Self::Hello(hello)));
        }
        let token = u32::get(r)?;
        let message = match tag {
            0 => Self::Greet { nonce: token, version: r.u8()? },
            2 => Self::Assign { boot: Wire::get(r)? },
            3 => Self::Ack { seq: Wire::get(r)? },
            4 => Self::Records(Records {
                first: Wire::get(r)?,
                gap: Wire::get(r)?,
                base: Wire::get(r)?,
                bytes: take_rest(r),
            }),
            5 => Self::Command {
                origin: Wire::get(r)?,
                id: Wire::get(r)?,
                op: Wire::get(r)?,
                ttl: Wire::get(r)?,
            },
            6 => Self::Reply { id: Wire::get(r)?, result: Wire::get(r)? },
            7 => Self::Image {
                hash: Wire::get(r)?,
                len: Wire::get(r)?,
                offset: Wire::get(r)?,
                bytes: take_rest(r),
            },
            8 => Self::Stored { hash: Wire::get(r)?, offset: Wire::get(r)? },
            9 => Self::Commit { hash: Wire::get(r)? },
            10 => Self::Committed { hash: Wire::get(r)?, verdict: Wire::get(r)? },
            11 => Self::Ping { unix: Wire::get(r)?, offset: Wire::get(r)?, trusted: Wire::get(r)? },
            12 => Self::Pong { at: Wire::get(r)? },
            13 => Self::Health(Wire::get(r)?),
            14 => Self::Trace { frames: take_rest(r) },
            _ => return None,
        };
        Some((token, message))
    }
}

/// If a greeting or a hello is of another version: what of it is the same in all of them.
fn other_version(bytes: &[u8]) -> Option<Misread> {
    let mut r = Reader::new(bytes);
    let tag = r.u8()?;
    let first = u32::get(&mut r)?;
    let theirs = r.u8()?;
    (theirs != super::VERSION).then_some(Misread::Version { theirs, greeting: (tag == 0).then_some(first) })
}

fn take_rest<'a>(r: &mut Reader<'a>) -> &'a [u8] {
    r.bytes(r.rest().len()).unwrap_or_default()
}

impl<'a> Hello<'a> {
    fn put(&self, w: &mut Writer<'_>) {
        self.token.put(w);
        w.u8(super::VERSION);
        self.nonce.put(w);
        self.boot.put(w);
        self.core_rev.put(w);
        self.bundle.put(w);
        self.tail.put(w);
        self.head.put(w);
        self.room.put(w);
        self.bundle_max.put(w);
        put_text(w, self.node);
        put_text(w, self.board);
        self.over.put(w);
    }

    fn get(r: &mut Reader<'a>) -> Option<Self> {
        let token = Wire::get(r)?;
        let _version = r.u8()?;
        Some(Self {
            token,
            nonce: Wire::get(r)?,
            boot: Wire::get(r)?,
            core_rev: Wire::get(r)?,
            bundle: Wire::get(r)?,
            tail: Wire::get(r)?,
            head: Wire::get(r)?,
            room: Wire::get(r)?,
            bundle_max: Wire::get(r)?,
            node: get_text(r)?,
            board: get_text(r)?,
            over: Wire::get(r)?,
        })
    }
}

/// Names are ASCII, and cut where they are longer than they may be.
fn put_text(w: &mut Writer<'_>, text: &str) {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..NAME_MAX).unwrap_or(bytes);
    w.u8(u8::try_from(bytes.len()).unwrap_or(0));
    w.bytes(bytes);
}

fn get_text<'a>(r: &mut Reader<'a>) -> Option<&'a str> {
    let len = usize::from(r.u8()?);
    core::str::from_utf8(r.bytes(len).filter(|bytes| bytes.len() <= NAME_MAX)?).ok()
}

#[cfg(test)]
mod tests;
