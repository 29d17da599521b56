//! What a node without files keeps in its flash: its programs, its log, its state, and the number of its starts; and a
//! satellite's end of the link, which serves that.
//!
//! * [`Flash`]: what a port gives: the `NorFlash` of its HAL, readable as memory.
//! * [`Store`]: two places for programs, and a ring of pages for the log, in which starts and checkpoints stand among the
//!   records. Memory: its own few words, and an entry of 240 bytes while it writes. No page wears faster than another.
//! * [`StartLog`]: the records of one start of it, as a link takes them.
//! * [`Offered`]: which start that is, and by which number the house has it.
//! * [`Served`]: its records as they go over the link, from memory where the flash takes nothing.
//! * [`Keeper`]: takes the log of the start that runs.
//! * [`recall()`]: what outlived the last start, for the next one.
//! * [`End`]: a satellite's end of the link, between all of these, the loop and a [`Port`].
//!
//! # What holds
//!
//! The power may fail in the middle of any write and any erase:
//! - What a call has answered with `Ok` is there at the next start. The one thing that was under way is there whole or not
//!   at all, and nothing before it is harmed.
//! - No start has the number of another; it is in the flash before the first record. A number that a house gave one instead is
//!   there before any record goes out under it, where the flash takes it: where it does not, the link goes on, and behind a
//!   restart the start has its own number again.
//! - Of programs the old one or the new one is there, never half of one; and as long as what was recorded cannot be executed
//!   again without a program, it is not overwritten.
//! - Of a checkpoint all pieces are there, or it does not count.
//!
//! What the flash does not take is tried on another page, as long as any page takes something; where none does, as with a
//! supply that is too weak to write, one page has been erased and the others stay. Records that it does not take are
//! counted, as are those that are overwritten before anybody has fetched them: [`Health`] has it in a word and in figures. A
//! damaged entry costs the rest of its page, which readers see by the numbers.
//!
//! # The form
//!
//! Two slots of some pages each, then the log. The form of entries is in `entry.rs`, what they say in `place.rs`, the head
//! of a slot in `slots.rs`. Everything has a version or a kind, append-only; pages and slots of another version count as
//! empty. `sequential-storage`, which has a queue and a map for such flash, was looked at: its queue is read from its oldest
//! item on and gives that up as it goes, where a link has to go back to any record; its map rewrites what it keeps.
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
pub use store::{Checkpoint, Condition, GROUP_MAX, Health, Store};
