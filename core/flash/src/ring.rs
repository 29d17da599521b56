//! The log in flash: a ring of pages that are filled and erased in turn, so that all of them wear alike.
//!
//! Whatever is cut, in the middle of a write or an erase, what was there before is there afterwards: nothing is written
//! twice, and what is not whole ends its page. A page that does not take what is written to it is passed over, if another
//! takes something: where nothing is taken, as with a supply that is too weak to write, no more than one page is erased.

use core::num::NonZeroU32;

use campanile_core::wire::Writer;

use crate::entry::{self, ENTRY_MAX, PAYLOAD_MAX};
use crate::medium::{self, Flash, Refused, UNIT_MAX, is_blank, unit};
use crate::place::{Item, Named, Place};

/// So many pages are tried at a time, and not all of them: an erase takes as long as a short press.
const TRIES: usize = 3;

/// Units at the end of each page that no entry takes. When the next page takes nothing, one of them tells whether it is
/// the page, or the flash.
const SPARES: usize = 4;

/// Where the entries of a page end.
const fn end<F: Flash>() -> usize {
    F::ERASE_SIZE - SPARES * unit::<F>()
}

pub(crate) struct Ring {
    /// The first of its pages.
    first: usize,
    pages: NonZeroU32,
    /// Behind the last entry.
    head: Place,
    /// At the last entry that was appended since the log was opened.
    last: Place,
    /// The turn of the last page that took its head; 0 if there is none.
    good: u32,
    /// The start that a house has named last.
    pub(crate) named: Named,
    /// The last page was not in order when the log was opened: a start may have been on it.
    damaged: bool,
    /// Writes and erases that the flash did not take.
    pub(crate) refused: u32,
    /// Behind the records that somebody has fetched: boot and number of the next.
    pub(crate) fetched: (u64, u64),
    /// Records that were overwritten and that nobody had fetched.
    pub(crate) dropped: u64,
}

impl Ring {
    /// Finds the end of the log in these pages.
    pub(crate) fn open<F: Flash>(flash: &F, first: usize, pages: NonZeroU32) -> Self {
        let start = Place { offset: F::ERASE_SIZE, seq: 1, ..Place::default() };
        let (damaged, fetched) = (false, (0, 0));
        let mut ring = Self {
            first,
            pages,
            head: start,
            last: start,
            good: 0,
            named: Named::default(),
            damaged,
            refused: 0,
            fetched,
            dropped: 0,
        };
        let heads = (0..pages.get()).filter_map(|index| ring.page_at(flash, index));
        let Some((newest, named)) = heads.max_by_key(|(place, _)| place.turn) else { return ring };
        (ring.head, ring.good) = (Place { offset: F::ERASE_SIZE, ..newest }, newest.turn);
        ring.name(named);
        let mut place = newest;
        while let Some((item, behind)) = ring.item(flash, place) {
            if let Item::Named(named) = item {
                ring.name(named);
            }
            place = behind;
        }
        ring.head = place;
        let rest = ring.page(flash, place.turn).get(place.offset..end::<F>()).unwrap_or_default();
        if !is_blank(rest) {
            ring.head.offset = F::ERASE_SIZE;
        }
        // The next page may have been the last, too.
        let behind = (place.turn + 1) % pages;
        let lost = ring.page_at(flash, behind).is_none() && !is_blank(ring.page(flash, behind));
        ring.damaged = lost || !is_blank(rest);
        ring
    }

    pub(crate) const fn head(&self) -> Place {
        self.head
    }

    /// At the last entry that was appended since the log was opened.
    pub(crate) const fn last(&self) -> Place {
        self.last
    }

    /// How often each page was erased.
    pub(crate) fn cycles(&self) -> u32 {
        self.head.turn / self.pages
    }

    /// Pages turned since a place.
    pub(crate) const fn turns_since(&self, place: Place) -> u32 {
        self.head.turn.saturating_sub(place.turn)
    }

    pub(crate) const fn pages(&self) -> u32 {
        self.pages.get()
    }

    /// A house has named a start: it has all records of those before.
    pub(crate) fn name(&mut self, named: Named) {
        self.named = named;
        self.fetched = self.fetched.max((named.boot, 0));
    }

    /// A number for the next start that no start has had, here or where a house has named one. Behind damage one is left out:
    /// it may have been given away.
    pub(crate) fn next_boot(&self, random: u32) -> u64 {
        let counter = (self.head.boot.max(self.named.number) >> 32) + 1 + u64::from(self.damaged);
        // One that is beyond all counting stays so, for a house to see it, and does not begin at 0 again.
        counter.min(u64::from(u32::MAX)) << 32 | random as u64
    }

    /// At the oldest record that is left.
    pub(crate) fn tail<F: Flash>(&self, flash: &F) -> Place {
        (self.oldest()..=self.head.turn).find_map(|turn| self.page_head(flash, turn)).unwrap_or(self.head)
    }

    /// The turn of the oldest page.
    pub(crate) fn oldest(&self) -> u32 {
        (self.head.turn + 1).saturating_sub(self.pages.get()).max(1)
    }

    /// What stands at a place or, where that is the end of a page, on the next.
    pub(crate) fn next<'a, F: Flash>(
        &self,
        flash: &'a F,
        mut place: Place,
    ) -> Option<(Place, Item<'a>, Place)> {
        loop {
            if let Some((item, behind)) = self.item(flash, place) {
                return Some((place, item, behind));
            }
            place = (place.turn + 1..=self.head.turn).find_map(|turn| self.page_head(flash, turn))?;
        }
    }

    /// What stands at a place of a page.
    fn item<'a, F: Flash>(&self, flash: &'a F, place: Place) -> Option<(Item<'a>, Place)> {
        if place.turn == self.head.turn && place.offset >= self.head.offset {
            return None;
        }
        let entry = entry::read(self.page(flash, place.turn), place.offset, place.turn, unit::<F>())?;
        place.take(&entry)
    }

    /// The place behind the head of the page of a turn.
    pub(crate) fn page_head<F: Flash>(&self, flash: &F, turn: u32) -> Option<Place> {
        Some(self.page_at(flash, turn % self.pages)?.0).filter(|place| place.turn == turn)
    }

    /// As above, of the page that has this index, whatever its turn.
    fn page_at<F: Flash>(&self, flash: &F, index: u32) -> Option<(Place, Named)> {
        Place::of_page(self.page(flash, index), unit::<F>())
            .filter(|(place, _)| place.turn % self.pages == index)
    }

    fn page<'a, F: Flash>(&self, flash: &'a F, turn: u32) -> &'a [u8] {
        medium::slice(flash, self.address::<F>(turn), F::ERASE_SIZE)
    }

    /// Where the page of a turn is.
    fn address<F: Flash>(&self, turn: u32) -> usize {
        (self.first + (turn % self.pages) as usize) * F::ERASE_SIZE
    }

    /// Appends an entry. When this returns, it is in the flash.
    pub(crate) fn append<F: Flash>(
        &mut self,
        flash: &mut F,
        kind: u8,
        put: impl Fn(&mut Writer<'_>),
    ) -> Result<(), Refused> {
        let mut payload = [0; PAYLOAD_MAX];
        let mut w = Writer::new(&mut payload);
        put(&mut w);
        let len = w.finish().ok_or(Refused)?;
        let payload = payload.get(..len).unwrap_or_default();
        let size = entry::size(len, unit::<F>());
        for _ in 0..TRIES {
            if self.head.offset + size > end::<F>() {
                self.turn(flash)?;
            }
            if self.write(flash, self.head, kind, payload).is_ok() {
                let page = self.page(flash, self.head.turn);
                let entry =
                    entry::read(page, self.head.offset, self.head.turn, unit::<F>()).ok_or(Refused)?;
                (self.last, self.head) = (self.head, self.head.take(&entry).ok_or(Refused)?.1);
                return Ok(());
            }
            // What follows on this page would not be found.
            self.head.offset = F::ERASE_SIZE;
        }
        Err(Refused)
    }

    fn write<F: Flash>(&mut self, flash: &mut F, at: Place, kind: u8, payload: &[u8]) -> Result<(), Refused> {
        let mut buf = [0; ENTRY_MAX];
        let bytes = entry::write(&mut buf, (at.turn, at.offset), kind, payload, unit::<F>());
        let done = medium::write(flash, self.address::<F>(at.turn) + at.offset, bytes);
        self.refused += u32::from(done.is_err());
        done
    }

    /// Begins the next page that takes it, in place of the oldest. One that does not is passed over only if the flash takes
    /// something elsewhere; else it is the one that is tried again, and has nothing left to lose.
    fn turn<F: Flash>(&mut self, flash: &mut F) -> Result<(), Refused> {
        for _ in 0..TRIES {
            let turn = self.head.turn + 1;
            self.count_unfetched(flash, turn.saturating_sub(self.pages.get()));
            let next = Place { turn, offset: 0, inside: 0, ..self.head };
            let mut payload = [0; 60];
            let mut w = Writer::new(&mut payload);
            next.put_page(self.named, &mut w);
            let payload = w.finish().and_then(|len| payload.get(..len)).unwrap_or_default();
            let erased = medium::erase(flash, self.address::<F>(turn));
            self.refused += u32::from(erased.is_err());
            if erased.is_ok() && self.write(flash, next, entry::PAGE, payload).is_ok() {
                self.head = Place { offset: entry::size(payload.len(), unit::<F>()), ..next };
                self.good = turn;
                return Ok(());
            }
            if !self.takes_something(flash) {
                return Err(Refused);
            }
            self.head = Place { offset: F::ERASE_SIZE, ..next };
        }
        Err(Refused)
    }

    /// Whether a page that has taken its head takes something more, in one of its spare units. An empty log has nothing to
    /// lose, and no such page.
    fn takes_something<F: Flash>(&self, flash: &mut F) -> bool {
        let spares = (end::<F>()..F::ERASE_SIZE).step_by(unit::<F>());
        let spare = spares
            .map(|offset| self.address::<F>(self.good) + offset)
            .find(|&at| is_blank(medium::slice(flash, at, unit::<F>())));
        let zeros = [0; UNIT_MAX];
        let mark = zeros.get(..unit::<F>()).unwrap_or_default();
        self.good == 0 || spare.is_some_and(|at| medium::write(flash, at, mark).is_ok())
    }

    /// Counts what is overwritten and nobody has fetched.
    fn count_unfetched<F: Flash>(&mut self, flash: &F, turn: u32) {
        let Some(mut place) = self.page_head(flash, turn) else { return };
        while let Some((item, behind)) = self.item(flash, place) {
            if let Item::Records(_) = item {
                let known =
                    if behind.boot == self.fetched.0 { self.fetched.1.max(place.seq) } else { place.seq };
                let is_new = behind.boot >= self.fetched.0;
                self.dropped += if is_new { behind.seq.saturating_sub(known) } else { 0 };
            }
            place = behind;
        }
    }
}
