//! Slots: arrays of places that begin empty, as fits a static.

use crate::calendar::Schedule;

/// A value that a place holds while nothing is in it.
pub trait Empty {
    /// The value.
    const EMPTY: Self;
}

impl Empty for u8 {
    const EMPTY: Self = 0;
}

impl Empty for Schedule {
    const EMPTY: Self = Self::at(0, 0, 0, Self::ALL_WEEKDAYS);
}

/// An array of places.
pub trait Slots<T>: AsRef<[T]> + AsMut<[T]> + Clone {
    /// All places empty.
    const EMPTY: Self;
}

impl<T: Empty + Clone, const N: usize> Slots<T> for [T; N] {
    const EMPTY: Self = [const { T::EMPTY }; N];
}
