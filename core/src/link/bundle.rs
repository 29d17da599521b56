//! A bundle: a program as it goes to a satellite, with the lines that it is about. The image knows lines by their hash
//! alone; a board has to know which pin each is.
//!
//! ```text
//! 1 inputs:u8 outputs:u8 (flags:u8 len:u8 line)* image
//! ```
//! The flags of an input: 1 active low, 2 pull up, 4 pull down; of an output: 1 active low, 2 safe when on, 4 safe when
//! the link dies that switched it.

use crate::program::image;
use crate::wire::{Reader, Writer};

/// The form's version.
const VERSION: u8 = 1;

/// The longest name of a line.
pub const LINE_MAX: usize = 32;

/// The resistor of an input's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// None, or as it is.
    None,
    /// To the supply.
    Up,
    /// To ground.
    Down,
}

/// The bundle of a program that does nothing, without any line: with it a board waits for its host's if it can run no other.
pub const EMPTY: &[u8] = b"\x01\0\0CmpP\x01\0\0\0\0\0\0\0\0\0\x23\x26\x8a\x16";

/// A line: its name, or its number as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    /// Which line.
    pub line: &'a str,
    /// Low means on.
    pub active_low: bool,
    /// Its resistor.
    pub pull: Pull,
}

/// A line that is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output<'a> {
    /// Which line.
    pub line: &'a str,
    /// Low means on.
    pub active_low: bool,
    /// Its safe level is on.
    pub safe_on: bool,
    /// It takes its safe level when the link dies over which it was switched.
    pub safe_without_link: bool,
}

/// The name of a bundle: what `Image`, `Commit` and `Hello` carry.
pub fn hash(bundle: &[u8]) -> u64 {
    image::hash(bundle)
}

/// Writes all of a bundle but the image, which follows; gives its length, or `None` if it does not fit, or a line's name
/// is longer than [`LINE_MAX`], or there are more than 255 of each.
pub fn encode<'a>(
    inputs: impl ExactSizeIterator<Item = Input<'a>>,
    outputs: impl ExactSizeIterator<Item = Output<'a>>,
    out: &mut [u8],
) -> Option<usize> {
    let mut w = Writer::new(out);
    w.u8(VERSION);
    w.u8(u8::try_from(inputs.len()).ok()?);
    w.u8(u8::try_from(outputs.len()).ok()?);
    for Input { line, active_low, pull } in inputs {
        let pull = match pull {
            Pull::None => 0,
            Pull::Up => 2,
            Pull::Down => 4,
        };
        put_line(line, u8::from(active_low) | pull, &mut w)?;
    }
    for Output { line, active_low, safe_on, safe_without_link } in outputs {
        let flags = u8::from(active_low) | u8::from(safe_on) << 1 | u8::from(safe_without_link) << 2;
        put_line(line, flags, &mut w)?;
    }
    w.finish()
}

fn put_line(line: &str, flags: u8, w: &mut Writer<'_>) -> Option<()> {
    w.u8(flags);
    w.u8(u8::try_from(line.len()).ok().filter(|len| usize::from(*len) <= LINE_MAX)?);
    w.bytes(line.as_bytes());
    Some(())
}

/// A bundle, taken apart.
#[derive(Clone, Copy)]
pub struct Bundle<'a> {
    lines: Reader<'a>,
    inputs: u8,
    outputs: u8,
    /// The program; not looked at.
    pub image: &'a [u8],
}

impl<'a> Bundle<'a> {
    /// Takes one apart; `None` if it is none.
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return None;
        }
        let (inputs, outputs) = (r.u8()?, r.u8()?);
        let lines = r;
        for _ in 0..inputs {
            input(&mut r)?;
        }
        for _ in 0..outputs {
            output(&mut r)?;
        }
        Some(Self { lines, inputs, outputs, image: r.rest() })
    }

    /// Its inputs, in the order of their ids.
    pub fn inputs(&self) -> impl Iterator<Item = Input<'a>> + use<'a> {
        let mut r = self.lines;
        (0..self.inputs).map_while(move |_| input(&mut r))
    }

    /// Its outputs, in the order of their ids.
    pub fn outputs(&self) -> impl Iterator<Item = Output<'a>> + use<'a> {
        let mut r = self.lines;
        (0..self.inputs).for_each(|_| {
            let _ = input(&mut r);
        });
        (0..self.outputs).map_while(move |_| output(&mut r))
    }
}

fn input<'a>(r: &mut Reader<'a>) -> Option<Input<'a>> {
    let flags = r.u8()?;
    let pull = match flags & !1 {
        0 => Pull::None,
        2 => Pull::Up,
        4 => Pull::Down,
        _ => return None,
    };
    Some(Input { line: line(r)?, active_low: flags & 1 != 0, pull })
}

fn output<'a>(r: &mut Reader<'a>) -> Option<Output<'a>> {
    let flags = r.u8().filter(|flags| *flags < 8)?;
    Some(Output {
        line: line(r)?,
        active_low: flags & 1 != 0,
        safe_on: flags & 2 != 0,
        safe_without_link: flags & 4 != 0,
    })
}

fn line<'a>(r: &mut Reader<'a>) -> Option<&'a str> {
    let len = usize::from(r.u8()?);
    core::str::from_utf8(r.bytes(len).filter(|line| line.len() <= LINE_MAX)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Parts;
    use proptest::prelude::*;
    use std::vec::Vec;

    const INPUTS: [Input<'_>; 2] = [
        Input { line: "BUTTON", active_low: true, pull: Pull::Up },
        Input { line: "7", active_low: false, pull: Pull::None },
    ];
    const OUTPUT: Output<'_> =
        Output { line: "CHIME", active_low: false, safe_on: false, safe_without_link: true };

    fn bundle() -> Vec<u8> {
        let mut bytes = [0; 64];
        let len = encode(INPUTS.into_iter(), [OUTPUT].into_iter(), &mut bytes).unwrap();
        [&bytes[..len], b"image"].concat()
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(bundle(), b"\x01\x02\x01\x03\x06BUTTON\x00\x017\x04\x05CHIMEimage");
        let bytes = bundle();
        let opened = Bundle::open(&bytes).unwrap();
        assert!(opened.inputs().eq(INPUTS));
        assert!(opened.outputs().eq([OUTPUT]));
        assert_eq!(opened.image, b"image");
    }

    #[test]
    fn the_empty_one_is_made_of_nothing() {
        let mut bytes = [0; 64];
        let lines = encode([].into_iter(), [].into_iter(), &mut bytes).unwrap();
        let len = lines + image::encode(&Parts::default(), &mut bytes[lines..]).unwrap();
        assert_eq!(EMPTY, &bytes[..len]);
    }

    #[test]
    fn names_that_are_too_long_are_refused() {
        let long = "x".repeat(LINE_MAX + 1);
        let input = Input { line: &long, ..INPUTS[0] };
        assert_eq!(encode([input].into_iter(), [].into_iter(), &mut [0; 64]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_bundle_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(opened) = Bundle::open(&bytes) {
                prop_assert_eq!(opened.inputs().count(), usize::from(opened.inputs));
                prop_assert_eq!(opened.outputs().count(), usize::from(opened.outputs));
            }
        }
    }
}
