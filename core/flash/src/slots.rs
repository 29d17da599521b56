//! The two places for programs: one has what runs, the other takes what is to run next. A program counts from the moment
//! on at which the head of its slot is whole, and that is written last.

use campanile_core::program::image;

use crate::medium::{self, Flash, Refused, UNIT_MAX, unit};

/// The head of a slot: what it is, which one is newer, the program's length and hash, a checksum.
const HEAD: usize = 32;
const MAGIC: [u8; 4] = *b"CmS\x01";

/// A program that is stored. What its bytes mean is not looked at here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Their hash, as [`image::hash`] makes it.
    pub hash: u64,
}

/// Why a program cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstored {
    /// It is longer than a slot.
    TooLong {
        /// So many bytes have room.
        max: usize,
    },
    /// Not all of it has come, or something else has.
    Incomplete,
    /// The flash did not take it.
    Refused,
    /// What is in its place is still needed to execute what was recorded again. It is not any more once a
    /// [checkpoint](crate::Checkpoint) of what runs is written.
    Needed,
}

impl From<Refused> for Unstored {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

#[derive(Clone, Copy)]
struct Head {
    generation: u32,
    len: usize,
    hash: u64,
}

/// A program that is coming in.
struct Staging {
    slot: usize,
    len: usize,
    hash: u64,
    /// Bytes that have come.
    received: usize,
    /// Those of them that are no whole unit yet.
    part: [u8; UNIT_MAX],
}

pub(crate) struct Slots {
    /// Pages of each.
    pages: usize,
    staging: Option<Staging>,
}

impl Slots {
    pub(crate) const fn new(pages: usize) -> Self {
        Self { pages, staging: None }
    }

    const fn address<F: Flash>(&self, slot: usize) -> usize {
        slot * self.pages * F::ERASE_SIZE
    }

    /// The longest program.
    pub(crate) const fn max<F: Flash>(&self) -> usize {
        (self.pages * F::ERASE_SIZE).saturating_sub(HEAD)
    }

    fn head<F: Flash>(&self, flash: &F, slot: usize) -> Option<Head> {
        let head = medium::slice(flash, self.address::<F>(slot), HEAD);
        let (magic, rest) = head.split_first_chunk::<4>()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (hash, rest) = rest.split_first_chunk()?;
        let (sum, _) = rest.split_first_chunk()?;
        let covered = head.get(..HEAD - 12)?;
        if *magic != MAGIC || image::hash(covered) != u64::from_le_bytes(*sum) {
            return None;
        }
        Some(Head {
            generation: u32::from_le_bytes(*generation),
            len: u32::from_le_bytes(*len) as usize,
            hash: u64::from_le_bytes(*hash),
        })
    }

    fn program<'a, F: Flash>(&self, flash: &'a F, slot: usize) -> Option<(u32, Program<'a>)> {
        let Head { generation, len, hash } = self.head(flash, slot)?;
        let bytes = medium::slice(flash, self.address::<F>(slot) + HEAD, len.min(self.max::<F>()));
        (image::hash(bytes) == hash).then_some((generation, Program { bytes, hash }))
    }

    /// The programs that are whole, the newest first.
    pub(crate) fn programs<'a, F: Flash>(&self, flash: &'a F) -> [Option<Program<'a>>; 2] {
        let (one, other) = (self.program(flash, 0), self.program(flash, 1));
        let generation = |stored: &Option<(u32, Program<'a>)>| stored.map(|(generation, _)| generation);
        let (first, second) =
            if generation(&one) >= generation(&other) { (one, other) } else { (other, one) };
        [first, second].map(|stored| stored.map(|(_, program)| program))
    }

    /// Makes room for a program, in the slot that does not have the one to `keep`, unless what it has is `needed`.
    pub(crate) fn stage<F: Flash>(
        &mut self,
        flash: &mut F,
        len: usize,
        hash: u64,
        keep: Option<u64>,
        needed: impl Fn(&[u8]) -> bool,
    ) -> Result<(), Unstored> {
        let max = self.max::<F>();
        if len > max {
            return Err(Unstored::TooLong { max });
        }
        let keeps = |slot| self.head(flash, slot).is_some_and(|head| keep == Some(head.hash));
        // Of two that nobody needs the older one goes.
        let newest = usize::from(
            self.head(flash, 1).map(|head| head.generation) > self.head(flash, 0).map(|head| head.generation),
        );
        let slot = if keeps(0) {
            1
        } else if keeps(1) {
            0
        } else {
            1 - newest
        };
        if self.program(flash, slot).is_some_and(|(_, program)| needed(program.bytes)) {
            return Err(Unstored::Needed);
        }
        self.staging = None;
        for page in 0..self.pages {
            medium::erase(flash, self.address::<F>(slot) + page * F::ERASE_SIZE)?;
        }
        self.staging = Some(Staging { slot, len, hash, received: 0, part: [u8::MAX; UNIT_MAX] });
        Ok(())
    }

    /// Takes the piece that belongs at `offset`, if what is before it is there; gives what is to come next.
    pub(crate) fn write<F: Flash>(
        &mut self,
        flash: &mut F,
        hash: u64,
        offset: usize,
        piece: &[u8],
    ) -> Result<usize, Unstored> {
        let place = self.staging.as_ref().map_or(0, |staging| self.address::<F>(staging.slot) + HEAD);
        let Some(staging) = self.staging.as_mut().filter(|staging| staging.hash == hash) else {
            return Err(Unstored::Incomplete);
        };
        if offset != staging.received || piece.len() > staging.len - offset {
            return Ok(staging.received);
        }
        let unit = unit::<F>();
        for &byte in piece {
            let within = staging.received % unit;
            if let Some(place) = staging.part.get_mut(within) {
                *place = byte;
            }
            staging.received += 1;
            if within + 1 == unit || staging.received == staging.len {
                let part = staging.part.get(..unit).unwrap_or_default();
                medium::write(flash, place + staging.received - within - 1, part)?;
                staging.part = [u8::MAX; UNIT_MAX];
            }
        }
        Ok(staging.received)
    }

    /// The program that came in is the newest from now on, if it is all there.
    pub(crate) fn commit<F: Flash>(&mut self, flash: &mut F, hash: u64) -> Result<(), Unstored> {
        let staged = self.staged(flash, hash).ok_or(Unstored::Incomplete)?;
        let len = staged.len();
        let slot = self.staging.as_ref().map_or(0, |staging| staging.slot);
        let newest =
            [0, 1].into_iter().filter_map(|slot| self.head(flash, slot)).map(|head| head.generation).max();
        let mut head = [u8::MAX; HEAD];
        let fields = MAGIC
            .into_iter()
            .chain((newest.unwrap_or(0) + 1).to_le_bytes())
            .chain((len as u32).to_le_bytes())
            .chain(hash.to_le_bytes());
        head.iter_mut().zip(fields).for_each(|(place, byte)| *place = byte);
        let sum = image::hash(head.get(..HEAD - 12).unwrap_or_default()).to_le_bytes();
        head.iter_mut().skip(HEAD - 12).zip(sum).for_each(|(place, byte)| *place = byte);
        medium::write(flash, self.address::<F>(slot), &head)?;
        self.staging = None;
        Ok(())
    }

    /// The bytes of the program that came in, if it is all there.
    pub(crate) fn staged<'a, F: Flash>(&self, flash: &'a F, hash: u64) -> Option<&'a [u8]> {
        let staging = self.staging.as_ref().filter(|staging| staging.received == staging.len)?;
        let bytes = medium::slice(flash, self.address::<F>(staging.slot) + HEAD, staging.len);
        (staging.hash == hash && image::hash(bytes) == hash).then_some(bytes)
    }
}
