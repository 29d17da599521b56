//! Sets of ids, a bit each: what there is to look at, without a walk over the tables.

use core::num::NonZero;

/// A set of ids of inputs, outputs or peers. With little flash it is what the processor can take at a time.
#[cfg(feature = "small")]
pub(crate) type Bits = u32;
/// A set of ids of inputs, outputs or peers.
#[cfg(not(feature = "small"))]
pub(crate) type Bits = u64;

/// The most ids of one kind in a set.
pub(crate) const MOST: u8 = (Bits::BITS & 0xff) as u8;

/// Takes the lowest bit out of a set.
#[inline(always)]
pub(crate) fn take_lowest(set: &mut Bits) -> Option<u8> {
    let index = lowest(NonZero::new(*set)?);
    *set &= set.wrapping_sub(1);
    Some(index)
}

/// A microcontroller may have no instruction for it.
#[cfg_attr(feature = "small", inline(never))]
const fn lowest(set: NonZero<Bits>) -> u8 {
    (set.trailing_zeros() & 0xff) as u8
}

/// The bit of an id in a set.
pub(crate) const fn bit(index: u8) -> Bits {
    (1 as Bits).wrapping_shl(index as u32)
}

/// The id of a place in a table; tables have 255 places at most.
pub(crate) fn id(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}
