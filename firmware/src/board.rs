//! Boards: what a port is made of. A file for each, and the linker's memory map beside it; all else is the same
//! everywhere.

use campanile_core::link::bundle::Pull;
use campanile_flash::Flash;

#[cfg(feature = "hifive1")]
mod hifive1;
#[cfg(feature = "hifive1")]
pub(crate) use hifive1::Hifive1 as This;

#[cfg(feature = "lm3s6965evb")]
mod lm3s6965evb;
#[cfg(feature = "lm3s6965evb")]
pub(crate) use lm3s6965evb::Lm3s6965evb as This;

#[cfg(feature = "microbit")]
mod microbit;
#[cfg(feature = "microbit")]
pub(crate) use microbit::Microbit as This;

#[cfg(feature = "mps2_an386")]
mod mps2_an386;
#[cfg(feature = "mps2_an386")]
pub(crate) use mps2_an386::Mps2An386 as This;

/// A set of pins is 64 bits.
const _: () = assert!(This::PINS <= u64::BITS);

/// A board. There is one, so nothing here has a `self`; what is called when is said at each function.
///
/// A board calls back, from its interrupts: [`edges::on_pin_change`](crate::edges::on_pin_change) or, where pins have no
/// interrupt, [`edges::sample`](crate::edges::sample) every now and then; [`clock::on_alarm`](crate::clock::on_alarm) when an
/// alarm is due; [`serial::interrupt`](crate::serial::interrupt) when the transmitter takes bytes again or the receiver has
/// some.
///
/// All these interrupts have the same priority: edges are stamped before they are queued, and one handler in another would
/// turn them around. What is called with interrupts switched off returns at once and waits for nothing but a few cycles of
/// the hardware: while they are off, a byte comes every 87 us, and what the receiver cannot hold is lost (the link sends it
/// again), and the edges of pins are stamped that much later. Longest are they off where a program takes over: for one
/// [`input`](Self::input) or [`output`](Self::output) for each of its lines, 24 at the most.
pub(crate) trait Board {
    /// How many pins it has: they are numbered from 0 on. At most 64.
    const PINS: u32;

    /// The lines that a file may call by name, and their pins. A line that is a number is that pin.
    const LINES: &'static [(&'static str, u8)];

    /// The pins that it needs for itself: no program gets them.
    const RESERVED: &'static [u8] = &[];

    /// The resistors that its pins have.
    const PULLS: &'static [Pull] = &[Pull::Up, Pull::Down];

    /// Bytes of log in memory. Half of it on a chip with 16 KiB of RAM: while programs are swapped, the old one is on the stack.
    const LOG: usize = 2048;

    /// Bytes that may have come over the link while the loop is busy: two frames, and what comes while one is looked at.
    #[cfg_attr(not(feature = "link"), allow(dead_code, reason = "without a link nothing comes"))]
    const RX_BUFFER: usize = 600;

    /// The longest program that is taken over the link into memory, on a board without flash for it.
    #[cfg_attr(not(feature = "link"), allow(dead_code, reason = "without a link none comes"))]
    const RAM_BUNDLE_MAX: usize = 1024;

    /// Flash that outlives a reset and a power cut, for programs and the log; [`NoFlash`](crate::parts::no_flash::NoFlash)
    /// where there is none.
    type Flash: Flash;

    /// Pages of it for one program, of `Flash::ERASE_SIZE` bytes each; there is room for two, and the rest is for the log.
    /// A program, with its wiring and a head of 32 bytes, is no longer than that: 4 KiB where a page has 1 KiB.
    const SLOT_PAGES: usize = 4;

    /// That flash, which the memory map sets apart. Called once.
    fn flash() -> Option<Self::Flash> {
        None
    }

    /// Random bits, if the board has some: so that no start has the number of another even if its flash was copied.
    fn random() -> u32 {
        0
    }

    /// Starts clock, serial line (its receiver, too, if somebody [listens](crate::serial::LISTENS)) and, behind the pins'
    /// set-up, the interrupts. Called once, interrupts switched off.
    fn start();

    /// Makes a pin an input with this pull and no other, which interrupts if it can and drives nothing, whatever it was before.
    /// Called before [`start`](Self::start); where another program takes over, for inputs that both have, too; and for a pin
    /// whose interrupt was [released](Self::release). Interrupts are switched off.
    fn input(pin: u8, pull: Pull);

    /// Nobody asks [`edges::on_pin_change`](crate::edges::on_pin_change) about a pin from now on, so it must not interrupt,
    /// nor be about to; it can be [read](Self::read) as before. Called where another program takes over that has no such
    /// input, before [`output`](Self::output) if it becomes one; for a pin that moves too fast, within `on_pin_change`, too; and
    /// for every pin, whatever it is, where a RISC-V starts anew behind a fault, which resets nothing. Nothing to do where pins
    /// do not interrupt.
    fn release(_pin: u8) {}

    /// Makes a pin an output that has this level from the first moment on. Called before [`start`](Self::start), and where
    /// another program takes over, but not for outputs that both have. Interrupts are switched off.
    fn output(pin: u8, high: bool);

    /// The level of an input's pin.
    fn read(pin: u8) -> bool;

    /// Drives an output's pin.
    fn drive(pin: u8, high: bool);

    /// A count of microseconds that wraps at 2³². Called with interrupts switched off.
    fn micros() -> u32;

    /// From now on [`clock::on_alarm`](crate::clock::on_alarm) is to be called when the count is at `at`, less than half its
    /// range ahead, or sooner, or a little later. If that moment passes before this returns, the caller notices. Called
    /// with interrupts switched off.
    fn alarm(at: u32);

    /// Whether the transmitter takes a byte now. Called with interrupts switched off.
    fn can_send() -> bool;

    /// Sends a byte that the transmitter can take. Called with interrupts switched off.
    fn send(byte: u8);

    /// The next byte that the receiver has. Asked until there is none, behind an interrupt that was acknowledged.
    #[cfg_attr(not(feature = "link"), allow(dead_code, reason = "without a link the receiver is off"))]
    fn receive() -> Option<u8>;

    /// One of the board's own interrupts, by its number.
    fn interrupt(number: u16);
}
