//! The bytes of records, programs and code: LEB128 varints, zigzag for signed numbers, fixed order, nothing implicit.
//!
//! A reader never looks past its slice and never panics. One that comes upon what is not there, and a writer that runs out of
//! room, say so at the end: nothing is asked after every byte.

mod forms;
mod place;

use crate::id::{
    InputId, Level, MessageId, OutputId, PeerId, RunId, ScenarioId, SensorId, TemplateId, TriggerId, VarId,
};
use crate::time::{Duration, Instant};

pub(crate) use forms::{wire_enum, wire_struct, wire_union, wire_variants};
pub(crate) use place::{Place, varint};

/// Something with a fixed form in bytes.
pub trait Wire: Sized {
    /// Appends the form of `self`.
    fn put(&self, w: &mut impl Out);
    /// Takes one from the front. If the bytes are none it is anything, and [`Reader::failed`] tells.
    fn read(r: &mut Reader<'_>) -> Self;
    /// Takes one from the front; `None` if the bytes are none.
    fn get(r: &mut Reader<'_>) -> Option<Self> {
        let value = Self::read(r);
        r.checked(value)
    }
}

/// Where the bytes of a form go.
pub trait Out: Sized {
    /// Appends one byte.
    fn u8(&mut self, byte: u8);

    /// Appends an unsigned number, seven bits a byte, low bits first.
    fn varint(&mut self, value: u64);

    /// Appends a value that may be missing: whether it is there, then the value.
    fn option<T: Wire>(&mut self, value: &Option<T>) {
        self.u8(value.is_some().into());
        if let Some(value) = value {
            value.put(self);
        }
    }
}

/// Appends to a slice; what does not fit is counted and left out, and [`finish`](Self::finish) tells.
pub struct Writer<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Writes from the start of `buf`.
    pub const fn new(buf: &'a mut [u8]) -> Self {
        Self { buf, len: 0 }
    }

    /// Appends one byte.
    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline)]
    pub fn u8(&mut self, byte: u8) {
        if let Some(place) = self.buf.get_mut(self.len) {
            *place = byte;
        }
        self.len = self.len.wrapping_add(1);
    }

    /// Leaves room for `n` bytes that are known later.
    pub const fn skip(&mut self, n: usize) {
        self.len = self.len.wrapping_add(n);
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.u8(byte));
    }

    /// Appends an unsigned number, seven bits a byte, low bits first.
    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline)]
    pub fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.u8((value & 0x7f) as u8);
    }

    /// The bytes so far; `None` if something did not fit.
    pub const fn finish(self) -> Option<usize> {
        if self.len > self.buf.len() { None } else { Some(self.len) }
    }
}

impl Out for Writer<'_> {
    fn u8(&mut self, byte: u8) {
        self.u8(byte);
    }
    fn varint(&mut self, value: u64) {
        self.varint(value);
    }
}

/// Takes from the front of a slice. Behind its end, and behind what is none of the forms here, it has failed, for good.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, failed: false }
    }

    /// What has not been taken.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been taken.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether something that was read was not there.
    pub const fn failed(&self) -> bool {
        self.failed
    }

    /// What was read is none.
    pub(crate) const fn fail(&mut self) {
        self.failed = true;
    }

    /// What was read, if it was there.
    #[inline]
    pub(crate) fn checked<T>(&self, value: T) -> Option<T> {
        if self.failed { None } else { Some(value) }
    }

    /// Reads one byte: 0 if there is none.
    #[cfg_attr(feature = "small", inline(never))]
    #[cfg_attr(not(feature = "small"), inline)]
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else {
            self.fail();
            return 0;
        };
        self.rest = rest;
        first
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Option<u8> {
        u8::get(self)
    }

    /// Takes `n` bytes.
    pub fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(n) else {
            self.fail();
            return None;
        };
        self.rest = rest;
        self.checked(taken)
    }

    /// Takes an unsigned number. More than 64 bits are refused, and so are superfluous zero bytes: every number
    /// has one form, or equal logs could differ in bytes.
    pub fn varint(&mut self) -> Option<u64> {
        u64::get(self)
    }

    /// Takes a signed number.
    pub fn zigzag(&mut self) -> Option<i64> {
        i64::get(self)
    }
}

impl Wire for u8 {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.u8(*self);
    }
    fn read(r: &mut Reader<'_>) -> Self {
        r.byte()
    }
}

impl Wire for bool {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.u8(u8::from(*self));
    }
    fn read(r: &mut Reader<'_>) -> Self {
        let byte = r.byte();
        if byte > 1 {
            r.fail();
        }
        byte != 0
    }
}

macro_rules! varint_wire {
    ($($ty:ty)*) => {$(
        impl Wire for $ty {
            #[inline(always)]
    fn put(&self, w: &mut impl Out) {
                w.varint(u64::from(*self));
            }
            fn read(r: &mut Reader<'_>) -> Self {
                let Ok(value) = Self::try_from(u64::read(r)) else {
                    r.fail();
                    return 0;
                };
                value
            }
        }
    )*};
}
varint_wire!(u16 u32);

impl Wire for u64 {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.varint(*self);
    }
    fn read(r: &mut Reader<'_>) -> Self {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = r.byte();
            let bits = Self::from(byte & 0x7f);
            // The last of ten bytes has room for one bit, and no byte but the only one is zero and the last.
            if shift == 63 && byte > 1 || byte == 0 && shift > 0 {
                r.fail();
                return 0;
            }
            value |= bits.wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return value;
            }
            shift = shift.wrapping_add(7);
        }
    }
}

impl Wire for i64 {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.varint(((self << 1) ^ (self >> 63)).cast_unsigned());
    }
    fn read(r: &mut Reader<'_>) -> Self {
        let raw = u64::read(r);
        (raw >> 1).cast_signed() ^ (raw & 1).cast_signed().wrapping_neg()
    }
}

impl Wire for i32 {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.varint(u64::from(((self << 1) ^ (self >> 31)).cast_unsigned()));
    }
    fn read(r: &mut Reader<'_>) -> Self {
        let raw = u32::read(r);
        (raw >> 1).cast_signed() ^ (raw & 1).cast_signed().wrapping_neg()
    }
}

macro_rules! id_wire {
    ($($ty:ident)*) => {$(
        impl Wire for $ty {
            #[inline(always)]
    fn put(&self, w: &mut impl Out) {
                w.u8(self.0);
            }
            fn read(r: &mut Reader<'_>) -> Self {
                Self(r.byte())
            }
        }
    )*};
}
id_wire!(InputId OutputId SensorId VarId ScenarioId TriggerId RunId TemplateId MessageId PeerId);

impl Wire for Level {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        self.is_on().put(w);
    }
    fn read(r: &mut Reader<'_>) -> Self {
        Self::from_bool(bool::read(r))
    }
}

impl Wire for Duration {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.varint(self.micros());
    }
    fn read(r: &mut Reader<'_>) -> Self {
        Self::from_micros(u64::read(r))
    }
}

impl Wire for Instant {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.varint(self.micros());
    }
    fn read(r: &mut Reader<'_>) -> Self {
        Self::from_micros(u64::read(r))
    }
}

impl<T: Wire> Wire for Option<T> {
    #[inline(always)]
    fn put(&self, w: &mut impl Out) {
        w.option(self);
    }
    fn read(r: &mut Reader<'_>) -> Self {
        bool::read(r).then(|| T::read(r))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes what is not there.
    type Take = fn(&mut Reader<'_>) -> bool;

    #[test]
    fn whatever_was_not_there_nothing_is_behind_it() {
        let takes: [(Take, &[u8]); 4] = [
            (|r| r.u8().is_none(), &[]),
            (|r| r.bytes(3).is_none(), &[1, 2]),
            (|r| r.varint().is_none(), &[0x80]),
            (|r| r.zigzag().is_none(), &[0x80, 0x80]),
        ];
        for (case, (take, bytes)) in takes.into_iter().enumerate() {
            let mut r = Reader::new(bytes);
            assert!(take(&mut r) && r.failed(), "{case}");
            assert_eq!((r.bytes(0), r.bytes(1), r.checked(())), (None, None, None), "{case}");
        }
        let mut r = Reader::new(&[1, 2]);
        assert_eq!((r.bytes(2), r.bytes(0)), (Some([1, 2].as_slice()), Some([].as_slice())));
        assert!(r.is_empty() && !r.failed());
    }
}
