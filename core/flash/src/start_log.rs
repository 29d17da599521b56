//! The records of one start, as a link reads them: a start that is over, or the one that runs as far as the flash has it.

use campanile_core::link::Source;
use campanile_core::log::{Cursor, Lagged};
use campanile_core::record::Frame;

use crate::medium::Flash;
use crate::place::{Item, Place};
use crate::store::Store;

/// Places in flash are told from those in an engine's log by this bit of [`Cursor::pos`].
const IN_FLASH: u64 = 1 << 63;
/// Behind it: the turn of the page, the entry's place on it, and the record's in the entry.
const TURN: u32 = 31;
const OFFSET: u32 = 8;

/// The records of a start that are in the flash. A cursor of another log is understood by its number.
pub struct StartLog<'a, F> {
    store: &'a Store<F>,
    boot: u64,
}

impl<F: Flash> Store<F> {
    /// The records of this start.
    pub const fn log_of(&self, boot: u64) -> StartLog<'_, F> {
        StartLog { store: self, boot }
    }

    /// The oldest start from this number on that has records; the one that runs if there is none.
    pub fn start_from(&self, boot: u64) -> u64 {
        self.seek(boot, 0).boot
    }
}

impl<F: Flash> StartLog<'_, F> {
    /// The first record that is left.
    fn first(&self) -> Option<Place> {
        Some(self.store.seek(self.boot, 0)).filter(|place| place.boot == self.boot)
    }

    fn place(&self, cursor: Cursor) -> Result<Place, Lagged> {
        if cursor.pos & IN_FLASH == 0 {
            return self.place(self.seek(cursor.seq)?);
        }
        let pos = cursor.pos & !IN_FLASH;
        Ok(Place {
            turn: (pos >> TURN) as u32,
            offset: (pos >> OFFSET) as usize & ((1 << (TURN - OFFSET)) - 1),
            inside: pos as usize & ((1 << OFFSET) - 1),
            boot: self.boot,
            seq: cursor.seq,
            at: cursor.at,
        })
    }
}

fn cursor(place: &Place) -> Cursor {
    let pos = u64::from(place.turn) << TURN | (place.offset as u64) << OFFSET | place.inside as u64;
    Cursor { pos: IN_FLASH | pos, seq: place.seq, at: place.at }
}

impl<F: Flash> Source for StartLog<'_, F> {
    fn tail(&self) -> Cursor {
        self.first().as_ref().map_or_else(|| self.head(), cursor)
    }

    fn head(&self) -> Cursor {
        // Of a start that is not there any more nothing is to come: as behind no record at all.
        self.store.end_of(self.boot).as_ref().map_or(Cursor { pos: IN_FLASH, ..Cursor::default() }, cursor)
    }

    fn seek(&self, seq: u64) -> Result<Cursor, Lagged> {
        let place = self.store.seek(self.boot, seq);
        let found = if place.boot == self.boot { cursor(&place) } else { self.head() };
        if found.seq > seq { Err(Lagged { resume: found }) } else { Ok(found) }
    }

    fn copy(&self, from: Cursor, buf: &mut [u8]) -> Result<(usize, Cursor), Lagged> {
        let (mut place, mut len) = (self.place(from)?, 0);
        let mut next = cursor(&place);
        while let Some((at, item, behind)) = self.store.next(place) {
            place = behind;
            match item {
                _ if behind.boot > self.boot => break,
                Item::Records(bytes) if at.boot == self.boot => {
                    if at.seq != next.seq && len == 0 {
                        return Err(Lagged { resume: cursor(&at) });
                    }
                    let room = buf.get_mut(len..).unwrap_or_default();
                    let (fits, count) = whole(bytes, room.len());
                    if at.seq != next.seq || fits == 0 && !bytes.is_empty() {
                        break;
                    }
                    room.iter_mut().zip(bytes).take(fits).for_each(|(place, byte)| *place = *byte);
                    len += fits;
                    next = cursor(&at.step_to(bytes, at.seq + count));
                    if fits < bytes.len() {
                        break;
                    }
                }
                _ => {}
            }
        }
        Ok((len, next))
    }
}

/// The whole records that fit: their bytes, and how many there are.
fn whole(bytes: &[u8], room: usize) -> (usize, u64) {
    let (mut rest, mut fits, mut count) = (bytes, 0, 0);
    while let Some((frame, behind)) = Frame::split(rest) {
        if fits + frame.bytes.len() > room {
            break;
        }
        (rest, fits, count) = (behind, fits + frame.bytes.len(), count + 1);
    }
    (fits, count)
}
