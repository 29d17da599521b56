//! Slots: arrays of places that begin empty, as fits a static.

use crate::calendar::Schedule;

/// A value that a place holds while nothing is in it: all zeros in memory.
pub trait Empty {
    /// The value.
    const EMPTY: Self;
}

impl Empty for u8 {
    const EMPTY: Self = 0;
}

impl Empty for Schedule {
    const EMPTY: Self = Self {
        minutes: 0,
        hours: 0,
        days: 0,
        months: 0,
        weekdays: 0,
        second: 0,
        either_day: false,
        repeating: false,
    };
}

/// An array of places.
pub trait Slots<T>: AsRef<[T]> + AsMut<[T]> + Clone {
    /// All places empty.
    const EMPTY: Self;
}

impl<T: Empty + Clone, const N: usize> Slots<T> for [T; N] {
    const EMPTY: Self = [const { T::EMPTY }; N];
}
