//! The link: how a satellite's log, commands, programs and the time of day cross a wire that loses, doubles, swaps,
//! corrupts, delays and cuts bytes, between ends that may restart at any moment.
//!
//! Sans-IO: bytes and times go in, frames and requests come out. [`Satellite`] is the end with the engine, [`Host`] the
//! end with the journal. What a port does around them, for a satellite `campanile_flash::End` and for a host the delivery
//! package's session:
//!
//! 1. Every byte that comes in goes to a [`Collector`]; each whole message it gives goes to `receive`, which may give
//!    something to do.
//! 2. Whenever the wire takes a frame, `transmit` is asked for one, until it gives none.
//! 3. Then both wait for a byte, for something to send, or until `due`.
//!
//! # A frame
//!
//! A [`Message`], its CRC-32 (ISO-HDLC, low byte first), both as COBS, and a zero: 256 bytes at most. What is no whole
//! frame is thrown away, and whoever sent it sends it again.
//!
//! # A session
//!
//! The host begins: [`Greet`](Message::Greet) until a [`Hello`](Message::Hello) answers it. With each hello the satellite
//! makes up a token that it has never used, and from then on takes only what carries it. One greeting is good for one
//! session: to a hello with another token the host greets anew. So nothing from before a restart of either end can mean
//! anything after it. A satellite without storage has no number of its start (it says 0) and publishes nothing until
//! [`Assign`](Message::Assign) gives it one; the host may also give another to one that has.
//!
//! - Records: the host's first [`Ack`](Message::Ack) says from which number on it wants them.
//!   [`Records`](Message::Records) follow, up to [`WINDOW`] frames ahead of what is acknowledged; when nothing is
//!   acknowledged for [`RETRY`], or an acknowledgement comes twice, as it does where records are missing, all behind it
//!   is read from the log again (go-back-N). What is gone from the log is said with the next record that is left. The
//!   first frame of a session and the one behind a gap say which program wrote their first record, if that is the one that
//!   runs. A satellite with storage also offers what outlived earlier starts: one start after the other, from the oldest
//!   that nobody is known to have, each with a hello and a session of its own, the one that runs as the last.
//! - Commands: one at a time, sent again until its [`Reply`](Message::Reply) comes. Within a session their numbers rise,
//!   and the satellite does nothing for a number that is not higher than the last. One that is not answered when the
//!   satellite restarts is never sent again: nobody knows whether it was carried out.
//! - Lines: to [`Look`](Message::Look), again until it comes, [`Lines`](Message::Lines) answers: how the inputs are
//!   reported, and what of the outputs the host holds, as of a record. The host asks when it does not know, as behind a
//!   gap.
//! - Programs: [`Image`](Message::Image) in pieces, each answered by how much is there; [`Commit`](Message::Commit)
//!   swaps.
//! - [`Ping`](Message::Ping) has the time of day, [`Pong`](Message::Pong) the satellite's, and
//!   [`Health`](Message::Health) how its storage is. An end that hears nothing for [`PATIENCE`] takes the link for down.

pub mod bundle;
mod cobs;
mod frame;
mod host;
mod lines;
mod message;
mod satellite;
mod source;
mod staging;

use crate::time::Duration;

pub use frame::{Collector, MAX_FRAME, MAX_MESSAGE, seal};
pub use host::{Delivery, Heard, Host, Wall};
pub use lines::Lines;
pub use message::{Health, Hello, Message, Misread, Records, Runs, Storage, Verdict};
pub use satellite::{About, Request, Satellite};
pub use source::Source;
pub use staging::Staging;

/// The version of what is said over the link. Ends of different versions tell each other so, and nothing else. Version 1 had
/// no [`Look`](Message::Look), and version 2 no [`program`](Records::program).
pub const VERSION: u8 = 3;

/// The highest counter of starts that a number may have: a start a second for 68 years. A number beyond comes from memory
/// that is damaged; one that was taken would leave none for the starts to come.
pub const MAX_STARTS: u32 = i32::MAX.unsigned_abs();

/// Whether a number of a start is within [`MAX_STARTS`]; its counter is the high half.
pub const fn is_countable(boot: u64) -> bool {
    boot >> 32 <= MAX_STARTS as u64
}

/// The number of the `nth` command that a satellite gives itself in the start `boot` by its own count: 0 without storage. The
/// engine carries out no command twice, and what it has done outlives a start: so the number is of the start, too. It comes
/// again after 4096 starts.
pub const fn own_command(boot: u64, nth: u32) -> u32 {
    let start = ((boot >> 32) & 0xfff) as u32;
    (start << 20) | (nth & 0xf_ffff)
}

/// Frames of records that may be under way.
pub const WINDOW: usize = 4;

/// What was not answered for so long is said again.
pub const RETRY: Duration = Duration::from_millis(500);

/// The host says where it is every now and then.
pub const PING_EVERY: Duration = Duration::from_secs(1);

/// Nothing was heard for so long: the other end is gone.
pub const PATIENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::own_command;

    #[test]
    fn no_two_commands_of_a_satellites_own_have_one_number_in_whichever_starts() {
        let starts = (0..4096).map(|starts: u64| starts << 32 | 0xdead_beef);
        let numbers: BTreeSet<u32> =
            starts.flat_map(|boot| (1..=16).map(move |nth| own_command(boot, nth))).collect();
        assert_eq!(numbers.len(), 4096 * 16);
    }
}
