//! Sets of ids, a bit each: what there is to look at, without a walk over the tables.

/// Takes the lowest bit out of a set.
#[cfg_attr(feature = "small", inline(never))]
pub(crate) fn take_lowest(set: &mut u64) -> Option<u8> {
    if *set == 0 {
        return None;
    }
    let index = set.trailing_zeros();
    *set &= set.wrapping_sub(1);
    u8::try_from(index).ok()
}

/// The bit of an id in a set.
pub(crate) const fn bit(index: u8) -> u64 {
    1u64.wrapping_shl(index as u32)
}

/// The id of a place in a table; tables have 255 places at most.
pub(crate) fn id(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}
