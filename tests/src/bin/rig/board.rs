//! The boards that the rig can hold.

/// A board.
#[derive(Debug)]
pub(crate) struct Board {
    name: &'static str,
    /// QEMU's name of the whole machine.
    pub(crate) machine: &'static str,
    /// `None`: QEMU lets nobody reach them, and the board presses its button by itself, again and again.
    pub(crate) pins: Option<Pins>,
    /// Its flash for programs and log, where QEMU models it.
    pub(crate) store: Option<Part>,
}

/// A part of a board's memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) address: usize,
    pub(crate) len: usize,
}

/// Where QEMU has the pins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pins {
    /// The device that they are on.
    pub(crate) gpio: &'static str,
    /// The button's pin there; it is low while the button is pressed.
    pub(crate) button: u8,
    /// The chime's pin.
    pub(crate) chime: u8,
    /// The button's pin interrupts; if not, the board looks at it every now and then.
    pub(crate) interrupts: bool,
}

const BOARDS: [Board; 4] = [
    Board {
        name: "microbit",
        machine: "microbit",
        pins: Some(Pins { gpio: "/machine/nrf51", button: 17, chime: 3, interrupts: false }),
        store: Some(Part { address: 0x3_0000, len: 0x1_0000 }),
    },
    Board {
        name: "lm3s6965evb",
        machine: "lm3s6965evb",
        // Port F: QEMU gives its ports no names.
        pins: Some(Pins { gpio: "/machine/unattached/device[13]", button: 1, chime: 0, interrupts: true }),
        store: None,
    },
    Board { name: "mps2_an386", machine: "mps2-an386", pins: None, store: None },
    Board {
        name: "hifive1",
        machine: "sifive_e,revb=true",
        pins: Some(Pins { gpio: "/machine/soc", button: 18, chime: 19, interrupts: true }),
        store: None,
    },
];

impl Board {
    pub(crate) fn named(name: &str) -> Result<&'static Self, String> {
        BOARDS.iter().find(|board| board.name == name).ok_or_else(|| {
            format!("there is no such board; there are {}", BOARDS.map(|board| board.name).join(", "))
        })
    }
}
