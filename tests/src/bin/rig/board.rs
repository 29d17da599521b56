//! The boards that the rig can hold.

/// Where QEMU has the pins of a board.
#[derive(Debug)]
pub(crate) struct Board {
    name: &'static str,
    /// QEMU's name of the whole machine.
    pub(crate) machine: &'static str,
    /// The device with the pins.
    pub(crate) gpio: &'static str,
    /// The button's pin there; it is low while the button is pressed.
    pub(crate) button: u8,
    /// The chime's pin.
    pub(crate) chime: u8,
}

const BOARDS: [Board; 3] = [
    Board { name: "microbit", machine: "microbit", gpio: "/machine/nrf51", button: 17, chime: 3 },
    Board {
        name: "lm3s6965evb",
        machine: "lm3s6965evb",
        // Port F: QEMU gives its ports no names.
        gpio: "/machine/unattached/device[13]",
        button: 1,
        chime: 0,
    },
    Board { name: "hifive1", machine: "sifive_e,revb=true", gpio: "/machine/soc", button: 18, chime: 19 },
];

impl Board {
    pub(crate) fn named(name: &str) -> Result<&'static Self, String> {
        BOARDS.iter().find(|board| board.name == name).ok_or_else(|| {
            format!("there is no such board; there are {}", BOARDS.map(|board| board.name).join(", "))
        })
    }
}
