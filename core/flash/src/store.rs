//! The store: programs and log on one flash, and how it is.

use core::num::NonZeroU32;

use campanile_core::input::Input;
use campanile_core::link::{Health, Storage};
use campanile_core::record::{CORE_REV, Frame};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_core::wire::{Wire as _, Writer};

use crate::entry::{self, PAYLOAD_MAX};
use crate::medium::{Flash, Refused};
use crate::place::{Item, Named, Of, Place, STATE_HEAD, Start, State};
use crate::ring::Ring;
use crate::slots::{Program, Slots, Unstored};

/// The kind of the record with which another program takes over.
const INSTALL: u8 = Input::Install { hash: 0 }.tag();

/// Records in a row, one after the other.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let (frame, rest) = Frame::split(self.0)?;
        self.0 = rest;
        Some(frame)
    }
}

/// What a node keeps: two programs, and the log.
pub struct Store<F> {
    flash: F,
    slots: Slots,
    ring: Ring,
    /// Where the last checkpoint, or this start, begins, and the hash of its program. There is none before the start.
    base: Option<(Place, u64)>,
    /// What is behind it cannot be executed again from there: records are missing, or another program took over.
    stale: bool,
    /// Another program took over behind the base: to execute that again takes both.
    swapped: bool,
    /// The last thing was not taken.
    dead: bool,
    lost: u64,
}

/// The log has at least so many pages: one is erased while the others have the state.
const PAGES_MIN: u32 = 4;

impl<F: Flash> Store<F> {
    /// Opens what is there; blank flash is an empty store. The first `slot_pages` pages are for a program, as many again
    /// for another, and all that follow for the log. `None` if these are fewer than 4.
    pub fn open(flash: F, slot_pages: usize) -> Option<Self> {
        let pages = (flash.bytes().len() / F::ERASE_SIZE).checked_sub(2 * slot_pages)?;
        let pages = u32::try_from(pages).ok().filter(|pages| *pages >= PAGES_MIN)?;
        let ring = Ring::open(&flash, 2 * slot_pages, NonZeroU32::new(pages)?);
        let (slots, stale, swapped, dead) = (Slots::new(slot_pages), false, false, false);
        Some(Self { flash, slots, ring, base: None, stale, swapped, dead, lost: 0 })
    }

    /// The flash that it is in.
    pub const fn flash(&self) -> &F {
        &self.flash
    }

    /// Gives the flash back.
    pub fn close(self) -> F {
        self.flash
    }

    /// How it is, and what that has cost in this start.
    pub fn health(&self) -> Health {
        let (cycles, refused, dropped) = (self.ring.cycles(), self.ring.refused, self.ring.dropped);
        let storage = match () {
            () if self.dead => Storage::Dead,
            () if refused > 0 || cycles > F::CYCLES => Storage::Worn,
            () if dropped > 0 => Storage::Full,
            () => Storage::Good,
        };
        Health { storage, cycles, refused, lost: self.lost, dropped }
    }

    /// A number for the next start: the counter behind the last one and behind the number that a house has
    /// [given](Self::name) to one, above these random bits. The bits are for flash that forgets, or that somebody copies: no
    /// start has the number of another.
    pub fn next_boot(&self, random: u32) -> u64 {
        self.ring.next_boot(random)
    }

    /// Writes down that a start begins, before its first record. When this returns its number is taken for ever.
    ///
    /// # Errors
    /// The flash does not take it: a start without a number must not give its records to anybody.
    pub fn begin(&mut self, start: Start) -> Result<(), Refused> {
        self.append(entry::START, |w| start.put(w))?;
        self.set_base(self.ring.last(), start.of.program);
        Ok(())
    }

    /// Begins a start of this build's with the image of this hash, and gives its number: 0, as a node without storage has, if
    /// the flash does not take it.
    pub fn begin_next(&mut self, random: u32, program: u64) -> u64 {
        let boot = self.next_boot(random);
        let of = Of { program, core_rev: CORE_REV };
        self.begin(Start { boot, of }).map_or(0, |()| boot)
    }

    const fn set_base(&mut self, place: Place, program: u64) {
        (self.base, self.stale, self.swapped) = (Some((place, program)), false, false);
    }

    /// Appends whole records of this start, [`GROUP_MAX`] bytes at most. `seq` is the number of the first, and `since` the
    /// time of the one before it. Those between the [head](Self::head) and the first are said to be lost. When this
    /// returns, the records are there.
    ///
    /// # Errors
    /// The flash does not take them: try again later, or go on with later ones. It takes none before a start has
    /// [begun](Self::begin), and none that are not behind the head or, as the next ones, count from another time.
    pub fn append_records(&mut self, seq: u64, since: Instant, records: &[u8]) -> Result<(), Refused> {
        let head = self.head();
        if self.base.is_none() || seq < head.seq || (seq == head.seq && since != head.at) {
            return Err(Refused);
        }
        if seq > head.seq {
            self.append(entry::LOST, |w| {
                w.varint(seq);
                since.put(w);
            })?;
            (self.lost, self.stale) = (self.lost + (seq - head.seq), true);
        }
        self.append(entry::RECORDS, |w| w.bytes(records))?;
        self.swapped |= Records(records).any(|frame| frame.kind() == INSTALL);
        self.stale |= self.swapped;
        Ok(())
    }

    /// Whether it takes nothing: what is recorded is in memory alone.
    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// Whether the state should be written: what was is on its way to be overwritten, or there is a gap or another
    /// program behind it.
    pub fn wants_checkpoint(&self) -> bool {
        let is_old = |(place, _)| self.ring.turns_since(place) >= self.ring.pages() / 2;
        !self.dead && (self.stale || self.base.is_some_and(is_old))
    }

    /// Somebody has all records up to this one, and this one.
    pub fn fetched(&mut self, boot: u64, seq: u64) {
        self.ring.fetched = (boot, seq.saturating_add(1));
    }

    /// A house knows the start `boot` by another number than its own, from now on and over all restarts. It has all records of
    /// the starts before that one.
    ///
    /// # Errors
    /// The flash does not take it: behind a restart the start has its own number again.
    pub fn name(&mut self, boot: u64, number: u64) -> Result<(), Refused> {
        let named = Named { boot, number };
        self.append(entry::NAMED, |w| named.put(w))?;
        self.ring.name(named);
        Ok(())
    }

    /// The start that a house has named last.
    pub(crate) const fn named(&self) -> Named {
        self.ring.named
    }

    /// Behind the last record.
    pub const fn head(&self) -> Place {
        self.ring.head()
    }

    /// At the oldest record that is left.
    pub fn tail(&self) -> Place {
        self.ring.tail(&self.flash)
    }

    /// What follows a place: where it stands, what it is, and the place behind it. Where records before it are gone, as
    /// they were overwritten or damaged, its own place is not the one that was asked for: the numbers tell how many.
    pub fn next(&self, place: Place) -> Option<(Place, Item<'_>, Place)> {
        self.ring.next(&self.flash, place)
    }

    /// The place of a record, or of the first behind it that is left; the head if there is none.
    pub fn seek(&self, boot: u64, seq: u64) -> Place {
        let mut place = self.page_of(boot, seq);
        while let Some((at, item, behind)) = self.next(place) {
            let is_here = (behind.boot, behind.seq) > (boot, seq);
            match item {
                Item::Records(bytes) if is_here && at.boot == boot => return at.step_to(bytes, seq),
                Item::Records(_) if is_here => return at,
                _ => place = behind,
            }
        }
        self.head()
    }

    /// Behind the head of the page that has this record, if it is there.
    fn page_of(&self, boot: u64, seq: u64) -> Place {
        let is_before = |place: &Place| (place.boot, place.seq) <= (boot, seq);
        let heads =
            (self.ring.oldest()..=self.head().turn).filter_map(|turn| self.ring.page_head(&self.flash, turn));
        heads.take_while(is_before).last().unwrap_or_else(|| self.tail())
    }

    /// Behind the last record of a start that is there, if any is. What was said to be lost behind that does not count:
    /// nothing follows that anybody could fetch.
    pub(crate) fn end_of(&self, boot: u64) -> Option<Place> {
        if boot == self.head().boot {
            return Some(self.head());
        }
        let last = self.page_of(boot, u64::MAX).turn;
        (self.ring.oldest()..=last).rev().find_map(|turn| self.end_on(turn, boot))
    }

    /// As above, of the records that are on the page of a turn.
    fn end_on(&self, turn: u32, boot: u64) -> Option<Place> {
        let (mut place, mut end) = (self.ring.page_head(&self.flash, turn)?, None);
        let is_on = |at: &Place, behind: &Place| at.turn == turn && behind.boot <= boot;
        while let Some((at, item, behind)) = self.next(place).filter(|(at, _, behind)| is_on(at, behind)) {
            if at.boot == boot && matches!(item, Item::Records(_)) {
                end = Some(behind);
            }
            place = behind;
        }
        end
    }

    /// Where the pages begin that may have the last start or checkpoint, and so many of the newest.
    pub(crate) fn newest(&self, pages: u32) -> Place {
        let from = self.ring.head().turn.saturating_sub(pages.saturating_sub(1)).max(self.ring.oldest());
        (from..=self.head().turn)
            .find_map(|turn| self.ring.page_head(&self.flash, turn))
            .unwrap_or_else(|| self.head())
    }

    pub(crate) const fn pages(&self) -> u32 {
        self.ring.pages()
    }

    fn append(&mut self, kind: u8, put: impl Fn(&mut Writer<'_>)) -> Result<(), Refused> {
        let done = self.ring.append(&mut self.flash, kind, put);
        self.dead = done.is_err();
        done
    }

    /// The programs that are whole, the newest first.
    pub fn programs(&self) -> [Option<Program<'_>>; 2] {
        self.slots.programs(&self.flash)
    }

    /// The longest program, in bytes.
    pub const fn program_max(&self) -> usize {
        self.slots.max::<F>()
    }

    /// A program of this length and hash is coming. The one to `keep`, which runs, stays. `image` gives the hash of the image
    /// in the bytes of a stored program, which is what starts and checkpoints know it by. To be asked for when the start has
    /// [begun](Self::begin): before that nobody knows what it needs.
    ///
    /// # Errors
    /// It is too long, the flash cannot be erased, or what is there is needed until a checkpoint is written.
    pub fn stage(
        &mut self,
        len: usize,
        hash: u64,
        keep: Option<u64>,
        image: impl Fn(&[u8]) -> Option<u64>,
    ) -> Result<(), Unstored> {
        let (base, swapped) = (self.base, self.swapped);
        let is_base = |stored: &[u8]| base.is_some_and(|(_, program)| image(stored) == Some(program));
        self.slots.stage(&mut self.flash, len, hash, keep, |stored| swapped || is_base(stored))
    }

    /// Takes the piece of it that belongs at `offset`; gives the offset that it waits for.
    ///
    /// # Errors
    /// No program of this hash is coming, or the flash does not take it.
    pub fn write_program(&mut self, hash: u64, offset: usize, piece: &[u8]) -> Result<usize, Unstored> {
        self.slots.write(&mut self.flash, hash, offset, piece)
    }

    /// The program that has come, if it is whole: to be looked at before it counts.
    pub fn staged(&self, hash: u64) -> Option<&[u8]> {
        self.slots.staged(&self.flash, hash)
    }

    /// The program that has come is the newest from now on.
    ///
    /// # Errors
    /// It is not whole, or the flash does not take it.
    pub fn commit(&mut self, hash: u64) -> Result<(), Unstored> {
        self.slots.commit(&mut self.flash, hash)
    }
}

/// The most bytes of records in one entry.
pub const GROUP_MAX: usize = PAYLOAD_MAX;

/// Writes a checkpoint, item by item, with as little memory as an entry takes.
pub struct Checkpoint {
    of: Of,
    outlived: bool,
    /// Where its first piece is; `None` until there is one.
    begin: Option<Place>,
    /// Of the next piece.
    index: u16,
    items: [u8; PAYLOAD_MAX - STATE_HEAD],
    len: usize,
    /// A piece was not taken: those behind it must not stand there without it.
    failed: bool,
}

impl Checkpoint {
    /// Of a program with this hash, under this build's revision of the engine.
    pub const fn of(program: u64) -> Self {
        let of = Of { program, core_rev: CORE_REV };
        let items = [0; PAYLOAD_MAX - STATE_HEAD];
        Self { of, outlived: false, begin: None, index: 0, items, len: 0, failed: false }
    }

    /// What outlived a start, for the next one.
    pub const fn outlived(program: u64) -> Self {
        Self { outlived: true, ..Self::of(program) }
    }

    /// Adds an item.
    pub fn push<F: Flash>(&mut self, store: &mut Store<F>, item: &Restore) {
        for _ in 0..2 {
            let mut w = Writer::new(self.items.get_mut(self.len..).unwrap_or_default());
            item.put(&mut w);
            if let Some(len) = w.finish() {
                self.len += len;
                return;
            }
            self.flush(store, false);
        }
        // No item is longer than an entry.
        self.failed = true;
    }

    /// Ends it: from now on it counts.
    ///
    /// # Errors
    /// The flash did not take all of it: the one before counts.
    pub fn finish<F: Flash>(mut self, store: &mut Store<F>) -> Result<Place, Refused> {
        self.flush(store, true);
        let begin = self.begin.filter(|_| !self.failed).ok_or(Refused)?;
        // What outlived belongs to the start that is to begin.
        if !self.outlived {
            store.set_base(begin, self.of.program);
        }
        Ok(begin)
    }

    fn flush<F: Flash>(&mut self, store: &mut Store<F>, last: bool) {
        let items = self.items.get(..self.len).unwrap_or_default();
        let first = self.begin.is_none().then_some(self.of);
        let state = State { items, index: self.index, first, last, outlived: self.outlived };
        let done = match self.failed {
            true => Err(Refused),
            false => store.append(entry::STATE, |w| {
                state.put_head(w);
                w.bytes(items);
            }),
        };
        self.len = 0;
        match (done, self.index.checked_add(1)) {
            (Ok(()), Some(index)) => {
                (self.begin, self.index) = (self.begin.or(Some(store.ring.last())), index);
            }
            _ => self.failed = true,
        }
    }
}
