//! Appending to a place that is long enough, as a record's is. All that there is to it is the rest of a slice, which every
//! step takes and gives back: so it stays in registers, and what lies at a fixed distance is stored without a question.

use core::mem::take;

use super::{Out, Wire};

/// Appends to a slice. What does not fit is left out, and nothing tells: the longest form has to fit.
pub(crate) struct Place<'a> {
    rest: &'a mut [u8],
}

impl<'a> Place<'a> {
    /// Writes from the start of `rest`.
    #[inline(always)]
    pub(crate) const fn new(rest: &'a mut [u8]) -> Self {
        Self { rest }
    }

    /// How many bytes are left.
    #[inline(always)]
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }
}

impl Out for Place<'_> {
    #[inline(always)]
    fn u8(&mut self, byte: u8) {
        self.rest = match take(&mut self.rest) {
            [place, rest @ ..] => {
                *place = byte;
                rest
            }
            full => full,
        };
    }

    #[inline(always)]
    fn varint(&mut self, value: u64) {
        self.rest = varint(take(&mut self.rest), value);
    }

    #[inline(always)]
    fn option<T: Wire>(&mut self, value: &Option<T>) {
        self.rest = option(take(&mut self.rest), value);
    }
}

/// Appends an optional value; apart, as with little flash one is for all.
#[cfg_attr(feature = "small", inline(never))]
#[cfg_attr(not(feature = "small"), inline(always))]
fn option<'a, T: Wire>(rest: &'a mut [u8], value: &Option<T>) -> &'a mut [u8] {
    let mut w = Place::new(rest);
    w.u8(value.is_some().into());
    if let Some(value) = value {
        value.put(&mut w);
    }
    w.rest
}

/// Appends an unsigned number as [`Out::varint`] does, and gives the rest. With much flash, most are written without a loop.
#[cfg_attr(feature = "small", inline(never))]
#[cfg_attr(not(feature = "small"), inline(always))]
pub(crate) fn varint(rest: &mut [u8], value: u64) -> &mut [u8] {
    let seven = |shift: u32| (value >> shift & 0x7f) as u8;
    match (value, rest) {
        (_, rest) if cfg!(feature = "small") => long_varint(rest, value),
        (0..0x80, [a, rest @ ..]) => {
            *a = seven(0);
            rest
        }
        (0x80..0x4000, [a, b, rest @ ..]) => {
            (*a, *b) = (seven(0) | 0x80, seven(7));
            rest
        }
        (0x4000..0x20_0000, [a, b, c, rest @ ..]) => {
            (*a, *b, *c) = (seven(0) | 0x80, seven(7) | 0x80, seven(14));
            rest
        }
        (_, rest) => long_varint(rest, value),
    }
}

#[cfg_attr(feature = "small", inline(always))]
#[cfg_attr(not(feature = "small"), inline(never))]
fn long_varint(mut rest: &mut [u8], mut value: u64) -> &mut [u8] {
    // What is left in the end is shifted in one word, where a word has 32 bits.
    while value > u64::from(u32::MAX) {
        let Some((place, left)) = rest.split_first_mut() else { return &mut [] };
        *place = (value & 0x7f) as u8 | 0x80;
        rest = left;
        value >>= 7;
    }
    let mut value = (value & 0xffff_ffff) as u32;
    loop {
        let Some((place, left)) = rest.split_first_mut() else { return &mut [] };
        rest = left;
        *place = (value & 0xff) as u8;
        if value <= 0x7f {
            return rest;
        }
        *place |= 0x80;
        value >>= 7;
    }
}
