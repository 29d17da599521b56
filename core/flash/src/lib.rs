//! Storage for a node without files, in NOR flash: its programs, log, state and number of starts. And a satellite's end
//! of the link, which serves them.
//!
//! * [`Flash`]: what a port provides: the `NorFlash` of its HAL, readable as memory.
//! * [`Store`]: two slots for programs, and a ring of pages for the log, with starts and checkpoints among the
//!   records. It needs a few words of RAM, and 240 bytes while it writes an entry. All pages wear evenly.
//! * [`StartLog`]: the records of one stored start, in the form that a link reads.
//! * [`Offered`]: which start that is, and under which number the house knows it.
//! * [`Served`]: its records for the link, from RAM if the flash accepts no writes.
//! * [`Keeper`]: stores the log of the running start.
//! * [`recall()`]: the state that survived the last start, for the next one.
//! * [`End`]: a satellite's end of the link, between all of these, the loop and a [`Port`].
//!
//! # Guarantees
//!
//! The power may fail in the middle of any write and any erase:
//! - What a call has answered with `Ok` is there at the next start. An interrupted operation is there completely or not
//!   at all, and harms nothing before it.
//! - Start numbers are unique; the number is in flash before the first record. A number that a house gave instead is in
//!   flash before any record is sent under it. If the flash does not accept the number, the link continues, and after a
//!   restart the start has its own number again.
//! - Either the old program is there or the new one, never half of one. A program is not overwritten as long as stored
//!   records need it for a replay.
//! - A checkpoint counts only if all of its pieces are there.
//!
//! A failed write is repeated on another page, as long as any page accepts writes. If none does, for example because the
//! supply is too weak, one page has been erased and the others are untouched. [`Store::health`] counts records that the flash
//! did not accept and records that were overwritten before a host fetched them. A damaged entry loses the rest of its
//! page, which readers see by the record numbers.
//!
//! # Format
//!
//! Two slots of several pages each, then the log. The format of entries is in `entry.rs`, their meaning in `place.rs`, the
//! head of a slot in `slots.rs`. Everything has a version or an append-only kind; pages and slots of another version count
//! as empty.
//!
//! `sequential-storage` was considered. Its queue is read from the oldest item and consumed, but a link must return to any
//! record; its map rewrites what it keeps.
#![no_std]

mod bundles;
mod end;
mod entry;
mod incoming;
mod keeper;
mod medium;
mod offered;
mod place;
mod port;
mod recall;
mod ring;
mod served;
mod slots;
mod start_log;
mod store;

pub use bundles::programs;
pub use end::End;
pub use keeper::Keeper;
pub use medium::{Flash, Refused};
pub use offered::Offered;
pub use place::{Item, Named, Of, Place, Start, State};
pub use port::{News, Port, Wired};
pub use recall::{Items, Recalled, recall};
pub use served::Served;
pub use slots::{Program, Unstored};
pub use start_log::StartLog;
pub use store::{Checkpoint, GROUP_MAX, Store};
