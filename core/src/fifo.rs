//! A queue of few places: first in, first out. What it counts with takes two bytes, as a microcontroller has few of them.

/// A queue of `N` places: a power of two, 128 at most.
#[derive(Clone, Debug)]
pub(crate) struct Fifo<T, const N: usize> {
    items: [T; N],
    /// Counts on over the end of the places, which divides what a byte counts to.
    first: u8,
    len: u8,
}

impl<T: Copy, const N: usize> Fifo<T, N> {
    /// Nothing waits; free places hold `empty`.
    pub(crate) const fn new(empty: T) -> Self {
        const { assert!(N.is_power_of_two() && N <= 128, "see there") };
        Self { items: [empty; N], first: 0, len: 0 }
    }

    /// The place of the one behind so many.
    const fn place(&self, behind: u8) -> usize {
        self.first.wrapping_add(behind) as usize & N.wrapping_sub(1)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.len as usize >= N
    }

    /// False if there is no room.
    #[must_use]
    pub(crate) fn push(&mut self, item: T) -> bool {
        if self.is_full() {
            return false;
        }
        let place = self.place(self.len);
        if let Some(place) = self.items.get_mut(place) {
            *place = item;
        }
        self.len = self.len.wrapping_add(1);
        true
    }

    /// Takes the one that has waited longest.
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let item = self.items.get(self.place(0)).copied();
        self.first = self.first.wrapping_add(1);
        self.len = self.len.wrapping_sub(1);
        item
    }

    /// All that wait, the first one first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = T> {
        (0..self.len).filter_map(|behind| self.items.get(self.place(behind)).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    #[test]
    fn is_a_queue_of_that_many_places() {
        let (mut fifo, mut model) = (Fifo::<u32, 4>::new(0), VecDeque::new());
        for step in 0..600u32 {
            // Two pushes to one pop, and the other way round: full and empty come again and again, at every place.
            if (step / 12 % 2 == 0) == (step % 3 != 0) {
                let room = model.len() < 4;
                assert_eq!(fifo.push(step), room);
                if room {
                    model.push_back(step);
                }
            } else {
                assert_eq!(fifo.pop(), model.pop_front());
            }
            assert_eq!((fifo.is_empty(), fifo.is_full()), (model.is_empty(), model.len() == 4));
            assert_eq!(fifo.iter().collect::<Vec<_>>(), Vec::from(model.clone()));
        }
    }
}
