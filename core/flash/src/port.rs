//! What a satellite's [end](crate::End) of the link stands on: a board, or what stands for one.

use core::cell::RefCell;

use campanile_core::id::{Level, OutputId};
use campanile_core::link::Verdict;
use campanile_core::link::bundle::Bundle;
use campanile_core::program::verify::Room;
use campanile_core::runner::Message;
use campanile_core::time::Instant;

use crate::medium::Flash;
use crate::store::Store;

/// See the [module](self). Nothing here waits.
pub trait Port {
    /// What it keeps things in.
    type Flash: Flash;

    /// What kind of board it is.
    const BOARD: &'static str;

    /// The time, on the clock that stamps records.
    fn now(&self) -> Instant;

    /// What is kept over a reset; `None` without flash for it.
    fn store(&self) -> Option<&RefCell<Store<Self::Flash>>>;

    /// Bundles that came with the firmware.
    fn linked_in(&self) -> impl Iterator<Item = &[u8]>;

    /// Whether a byte has come over the wire.
    fn has_heard(&self) -> bool;

    /// The next byte that has come.
    fn hear(&mut self) -> Option<u8>;

    /// Whether the wire takes a frame of [`MAX_FRAME`](campanile_core::link::MAX_FRAME) bytes now.
    fn takes_frame(&self) -> bool;

    /// Sends a frame, for which there is room.
    fn say(&mut self, frame: &[u8]);

    /// Whether the loop has room for a message.
    fn takes_message(&self) -> bool;

    /// Gives the loop a message, for which there is room.
    fn tell(&mut self, message: Message);

    /// Whether it could run the program of a bundle, in an engine with this room.
    ///
    /// # Errors
    /// Why it cannot.
    fn check(&self, bundle: &Bundle<'_>, room: &Room) -> Result<(), Verdict>;

    /// The hash of the image that runs.
    fn program(&self) -> u64;

    /// Changes whenever a program takes over, also one with the same image and other lines.
    fn generation(&self) -> u32;

    /// An output of the program that runs; `None` if it has no such output.
    fn output(&self, output: OutputId) -> Option<Wired>;

    /// Something has happened, for whoever looks on.
    fn note(&mut self, news: News) {
        let _ = news;
    }
}

/// An output on its pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wired {
    /// Which: less than 64, and the same for whatever program has that line.
    pub pin: u8,
    /// The level that it takes when the link dies over which it was switched; `None`: it stays as it is.
    pub safe_without_link: Option<Level>,
}

/// What happens at a satellite's end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The host calls a start by another number.
    Assigned {
        /// Its own number; 0 without storage.
        own: u64,
        /// The host's.
        number: u64,
    },
    /// A program has taken over.
    Runs {
        /// The hash of its image.
        program: u64,
    },
    /// A bundle that has come is not taken.
    NotTaken {
        /// What the host calls it.
        bundle: u64,
        /// Why.
        verdict: Verdict,
    },
    /// The scenarios are told that the host came or went.
    Host {
        /// It came.
        up: bool,
    },
}
