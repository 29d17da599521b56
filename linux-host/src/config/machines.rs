//! Kinds of boards that satellites are, as far as a file can be wrong about their pins. The boards themselves are in
//! `firmware/src/board`, and have the last word; a test holds what stands here to that.

use campanile_delivery::symbols::Line;

/// A kind of board.
#[derive(Debug)]
pub struct Machine {
    /// As its firmware calls itself.
    pub name: &'static str,
    /// How many pins it has: they are numbered from 0 on.
    pub pins: u32,
    /// The lines that have names, and their pins.
    pub lines: &'static [(&'static str, u32)],
    /// The pins that it needs for itself: its serial line.
    pub reserved: &'static [u32],
}

/// Those that are known here.
pub const MACHINES: [Machine; 4] = [
    Machine { name: "hifive1", pins: 32, lines: &[("BUTTON", 18), ("CHIME", 19)], reserved: &[16, 17] },
    Machine { name: "lm3s6965evb", pins: 56, lines: &[("BUTTON", 41), ("CHIME", 40)], reserved: &[0, 1] },
    Machine { name: "microbit", pins: 32, lines: &[("BUTTON", 17), ("CHIME", 3)], reserved: &[24, 25] },
    Machine { name: "mps2_an386", pins: 3, lines: &[("BUTTON", 2), ("CHIME", 0)], reserved: &[] },
];

impl Machine {
    /// The one of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        MACHINES.iter().find(|machine| machine.name == name)
    }

    /// The pin of a line, by its name or its number; `None` if it has none.
    pub fn pin(&self, line: &Line) -> Option<u32> {
        let number = match line {
            Line::Offset(number) => Some(*number),
            Line::Name(name) => {
                let named = self.lines.iter().find(|(known, _)| known == name);
                named.map(|(_, pin)| *pin).or_else(|| name.parse().ok())
            }
        };
        number.filter(|pin| *pin < self.pins)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::{Path, PathBuf};

    use super::*;

    /// The value of an expression of a board's file: numbers, products, and constants of the file.
    fn value(text: &str, file: &str) -> u32 {
        text.split('*')
            .map(str::trim)
            .map(|factor| {
                factor.parse::<u32>().unwrap_or_else(|_| {
                    let of = format!("const {factor}: u8 = ");
                    let (_, rest) = file.split_once(&of).unwrap_or_else(|| panic!("what is {factor}?"));
                    rest.split_once(';').unwrap().0.parse().unwrap()
                })
            })
            .product()
    }

    /// What a board's file says behind `const NAME: .. = `, if it does not leave that to the trait.
    fn said<'f>(name: &str, file: &'f str) -> Option<&'f str> {
        let (_, rest) = file.split_once(&format!("    const {name}: "))?;
        let (line, _) = rest.split_once(';').unwrap();
        let (_, text) = line.split_once(" = ").unwrap();
        Some(text.trim().trim_start_matches("&[").trim_end_matches(']'))
    }

    fn boards() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/src/board")
    }

    #[test]
    fn no_board_is_missing() {
        let files = std::fs::read_dir(boards()).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        assert_eq!(names, MACHINES.map(|machine| machine.name));
    }

    #[test]
    fn the_boards_say_so_themselves() {
        for machine in &MACHINES {
            let file = std::fs::read_to_string(boards().join(machine.name).with_extension("rs")).unwrap();
            let numbers = |text: &str| text.split(',').map(|part| value(part, &file)).collect::<Vec<_>>();
            assert_eq!(value(said("PINS", &file).unwrap(), &file), machine.pins, "{}", machine.name);
            let mut reserved = said("RESERVED", &file).map(numbers).unwrap_or_default();
            reserved.sort_unstable();
            assert_eq!(reserved, machine.reserved, "{}", machine.name);
            let lines: HashMap<_, _> = said("LINES", &file)
                .unwrap()
                .split("),")
                .map(|line| line.trim().trim_matches(['(', ')']).split_once(", ").unwrap())
                .map(|(name, pin)| (name.trim_matches('"'), value(pin, &file)))
                .collect();
            assert_eq!(lines, machine.lines.iter().copied().collect(), "{}", machine.name);
        }
    }

    #[test]
    fn a_line_is_a_name_or_a_number_and_no_more_than_there_are() {
        let machine = Machine::find("microbit").unwrap();
        let pin = |line: &str| machine.pin(&Line::Name(line.to_owned()));
        assert_eq!((pin("BUTTON"), pin("17"), pin("32"), pin("LAMP")), (Some(17), Some(17), None, None));
        assert_eq!((machine.pin(&Line::Offset(31)), machine.pin(&Line::Offset(32))), (Some(31), None));
    }
}
