//! Boards: what has lines.

use super::super::read::{At, kinds, table};
use super::super::scalar::{Int, SerialPort, Text, Word};

impl Default for Board {
    /// The one of a file that names none.
    fn default() -> Self {
        let chip = At { value: Word("auto".to_owned()), span: 0..0 };
        Self::Gpiochip(Box::new(GpiochipBoard { chip, span: 0..0 }))
    }
}

impl Board {
    /// What tells its lines from those of another board, whatever the file calls it, as for the daemon: the lines of another
    /// chip are others, and virtual lines are all on one board. A satellite is what the file calls it, on whatever port it is.
    pub fn hardware(&self, name: &str) -> String {
        match self {
            Self::Gpiochip(board) => format!("gpiochip {}", board.chip.value.0),
            Self::Rppal(_) => "rppal".to_owned(),
            Self::Virtual(_) => "virtual".to_owned(),
            Self::Serial(_) => format!("serial {name}"),
        }
    }
}

kinds! {
    /// A board: what has lines.
    pub enum Board("a board", "gpiochip") {
        /// The kernel's GPIO: every Pi and most other boards.
        "gpiochip" => Gpiochip(GpiochipBoard),
        /// The registers of a Pi, in builds with the feature `rppal`.
        "rppal" => Rppal(RppalBoard),
        /// Lines in memory: for demonstrations and simulations.
        "virtual" => Virtual(VirtualBoard),
        /// A serial line with a satellite at its other end.
        "serial" => Serial(SerialBoard),
    }
}

table! {
    /// The kernel's GPIO.
    pub struct GpiochipBoard("a board of kind gpiochip") {
        /// The chip: its name, its label or the path of its device; "auto" looks for the lines on all of them.
        "chip" chip (= "auto"): At<Word>,
    }
}

table! {
    /// The registers of a Pi.
    pub struct RppalBoard("a board of kind rppal") {}
}

table! {
    /// Lines in memory.
    pub struct VirtualBoard("a board of kind virtual") {}
}

table! {
    /// A serial line with a satellite at its other end.
    pub struct SerialBoard("a board of kind serial") {
        /// The line: the path of its device, "usb:VVVV:PPPP" for the one with this USB id, "usb:VVVV:PPPP:SERIAL" where
        /// several have it, or "tcp://HOST:PORT".
        "port" port (required): At<SerialPort>,
        /// Bits per second.
        "baud" baud (= 115200): At<Int<1200, 1000000>>,
        /// What kind of board the satellite is, such as "microbit", so that its pins are checked with the file; without it
        /// the board says what it has not when the program comes.
        "machine" machine (optional): At<Text>,
    }
}
