//! The bytes of records, programs and code: LEB128 varints, zigzag for signed numbers, fixed order, nothing implicit.
//!
//! A reader never looks past its slice and never panics; a writer that runs out of room says so at the end.

use crate::id::{
    InputId, Level, MessageId, OutputId, PeerId, RunId, ScenarioId, SensorId, TemplateId, TriggerId, VarId,
};
use crate::time::{Duration, Instant};

/// Something with a fixed form in bytes.
pub trait Wire: Sized {
    /// Appends the form of `self`.
    fn put(&self, w: &mut Writer<'_>);
    /// Takes one from the front; `None` if the bytes are none.
    fn get(r: &mut Reader<'_>) -> Option<Self>;
}

/// An enum whose form is a tag and the fields of the variant that it stands for.
pub(crate) trait Union {
    /// Appends the fields without the tag, and gives the tag.
    fn put_fields(&self, w: &mut Writer<'_>) -> u8;
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

    /// Appends a signed number, small magnitudes short.
    pub fn zigzag(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// The bytes so far; `None` if something did not fit.
    pub const fn finish(self) -> Option<usize> {
        if self.len > self.buf.len() { None } else { Some(self.len) }
    }
}

/// Takes from the front of a slice.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been taken.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been taken.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes one byte.
    #[cfg_attr(feature = "small", inline(never))]
    pub fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Takes `n` bytes.
    pub fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    /// Takes an unsigned number. More than 64 bits are refused, and so are superfluous zero bytes: every number
    /// has one form, or equal logs could differ in bytes.
    pub fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        let mut shift = 0u32;
        loop {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits.checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { None } else { Some(value) };
            }
            shift = shift.saturating_add(7);
        }
    }

    /// Takes a signed number.
    pub fn zigzag(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1).cast_signed() ^ (raw & 1).cast_signed().wrapping_neg())
    }
}

impl Wire for u8 {
    fn put(&self, w: &mut Writer<'_>) {
        w.u8(*self);
    }
    fn get(r: &mut Reader<'_>) -> Option<Self> {
        r.u8()
    }
}

impl Wire for bool {
    fn put(&self, w: &mut Writer<'_>) {
        w.u8(u8::from(*self));
    }
    fn get(r: &mut Reader<'_>) -> Option<Self> {
        match r.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

macro_rules! varint_wire {
    ($($ty:ty)*) => {$(
        impl Wire for $ty {
            fn put(&self, w: &mut Writer<'_>) {
                w.varint(u64::from(*self));
            }
            fn get(r: &mut Reader<'_>) -> Option<Self> {
                Self::try_from(r.varint()?).ok()
            }
        }
    )*};
}
varint_wire!(u16 u32 u64);

macro_rules! zigzag_wire {
    ($($ty:ty)*) => {$(
        impl Wire for $ty {
            fn put(&self, w: &mut Writer<'_>) {
                w.zigzag(i64::from(*self));
            }
            fn get(r: &mut Reader<'_>) -> Option<Self> {
                Self::try_from(r.zigzag()?).ok()
            }
        }
    )*};
}
zigzag_wire!(i32 i64);

macro_rules! id_wire {
    ($($ty:ident)*) => {$(
        impl Wire for $ty {
            fn put(&self, w: &mut Writer<'_>) {
                w.u8(self.0);
            }
            fn get(r: &mut Reader<'_>) -> Option<Self> {
                r.u8().map(Self)
            }
        }
    )*};
}
id_wire!(InputId OutputId SensorId VarId ScenarioId TriggerId RunId TemplateId MessageId PeerId);

impl Wire for Level {
    fn put(&self, w: &mut Writer<'_>) {
        self.is_on().put(w);
    }
    fn get(r: &mut Reader<'_>) -> Option<Self> {
        bool::get(r).map(Self::from_bool)
    }
}

impl Wire for Duration {
    fn put(&self, w: &mut Writer<'_>) {
        w.varint(self.micros());
    }
    fn get(r: &mut Reader<'_>) -> Option<Self> {
        r.varint().map(Self::from_micros)
    }
}

impl Wire for Instant {
    fn put(&self, w: &mut Writer<'_>) {
        w.varint(self.micros());
    }
    fn get(r: &mut Reader<'_>) -> Option<Self> {
        r.varint().map(Self::from_micros)
    }
}

impl<T: Wire> Wire for Option<T> {
    #[cfg_attr(not(feature = "small"), inline(always))]
    fn put(&self, w: &mut Writer<'_>) {
        self.is_some().put(w);
        if let Some(value) = self {
            value.put(w);
        }
    }
    fn get(r: &mut Reader<'_>) -> Option<Self> {
        if bool::get(r)? { T::get(r).map(Some) } else { Some(None) }
    }
}

/// Gives an enum without fields its bytes: `wire_enum! { Why { Start = 0, Gap = 1 } }`. Append only.
macro_rules! wire_enum {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $value:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum $name {
            $($(#[$vdoc])* $variant = $value),*
        }

        impl $crate::wire::Wire for $name {
            fn put(&self, w: &mut $crate::wire::Writer<'_>) {
                w.u8(*self as u8);
            }
            fn get(r: &mut $crate::wire::Reader<'_>) -> Option<Self> {
                match r.u8()? {
                    $($value => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}
pub(crate) use wire_enum;

/// Gives an enum with fields its bytes: a tag, then the fields in order. Append only.
macro_rules! wire_union {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$vdoc:meta])* $tag:literal $variant:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? }),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum $name {
            $($(#[$vdoc])* $variant { $($(#[$fdoc])* $field: $ty),* }),*
        }

        $crate::wire::wire_variants!($name { $($tag $variant { $($field),* }),* });
    };
}
pub(crate) use wire_union;

/// Gives an enum that stands elsewhere its bytes: a tag, then the fields in order. Append only.
macro_rules! wire_variants {
    ($name:ident { $($tag:literal $variant:ident { $($field:ident),* }),* $(,)? }) => {
        impl $name {
            /// The number that stands for the variant.
            pub const fn tag(&self) -> u8 {
                match self {
                    $(Self::$variant { .. } => $tag),*
                }
            }

            /// Takes the fields of the variant that `tag` stands for.
            #[cfg_attr(not(feature = "small"), inline(always))]
            pub(crate) fn get_fields(tag: u8, r: &mut $crate::wire::Reader<'_>) -> Option<Self> {
                let _ = &r;
                match tag {
                    $($tag => Some(Self::$variant { $($field: $crate::wire::Wire::get(r)?),* }),)*
                    _ => None,
                }
            }
        }

        impl $crate::wire::Union for $name {
            #[cfg_attr(not(feature = "small"), inline(always))]
            fn put_fields(&self, w: &mut $crate::wire::Writer<'_>) -> u8 {
                let _ = &w;
                match self {
                    $(Self::$variant { $($field),* } => {
                        $($crate::wire::Wire::put($field, w);)*
                        $tag
                    })*
                }
            }
        }

        impl $crate::wire::Wire for $name {
            #[cfg_attr(not(feature = "small"), inline(always))]
            fn put(&self, w: &mut $crate::wire::Writer<'_>) {
                w.u8(self.tag());
                $crate::wire::Union::put_fields(self, w);
            }
            fn get(r: &mut $crate::wire::Reader<'_>) -> Option<Self> {
                let tag = r.u8()?;
                Self::get_fields(tag, r)
            }
        }
    };
}
pub(crate) use wire_variants;

/// Gives a struct its bytes: the fields in order.
macro_rules! wire_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn put(&self, w: &mut $crate::wire::Writer<'_>) {
                // Copied: a field of a packed struct has no address of its own.
                $($crate::wire::Wire::put(&{ self.$field }, w);)*
            }
            fn get(r: &mut $crate::wire::Reader<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::wire::Wire::get(r)?),* })
            }
        }
    };
}
pub(crate) use wire_struct;
