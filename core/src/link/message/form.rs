//! A message as bytes: a tag, the token, and the fields one after the other.

use super::super::VERSION;
use super::{Health, Hello, Message, Misread, Records};
use crate::program::verify::Room;
use crate::wire::{Reader, Wire, Writer, wire_struct};

/// A name on the wire is not longer.
const NAME_MAX: usize = 32;

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
            Self::Records(Records { first, gap, program, base, bytes }) => {
                put(&mut w, 4);
                first.put(&mut w);
                gap.put(&mut w);
                program.put(&mut w);
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
            Self::Look => put(&mut w, 15),
            Self::Lines(lines) => {
                put(&mut w, 16);
                lines.put(&mut w);
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
                program: Wire::get(r)?,
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
            15 => Self::Look,
            16 => Self::Lines(Wire::get(r)?),
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
    (theirs != VERSION).then_some(Misread::Version { theirs, greeting: (tag == 0).then_some(first) })
}

fn take_rest<'a>(r: &mut Reader<'a>) -> &'a [u8] {
    r.bytes(r.rest().len()).unwrap_or_default()
}

impl<'a> Hello<'a> {
    fn put(&self, w: &mut Writer<'_>) {
        self.token.put(w);
        w.u8(VERSION);
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
