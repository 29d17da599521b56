//! Two slots of one preallocated file, for a value that is written again and again: the older one is overwritten, so a
//! torn write leaves the newer one. Used for cursors and for the counter of starts.
//!
//! ```text
//! slot = magic "CAMPSLOT" version:u16 zeros:u16 zeros:u32 generation:u64 payload:[u8; 36] crc:u32     64 bytes, at 0 and at 4096
//! ```

use std::io;
use std::sync::Arc;

use crate::checksum::CRC32C;
use crate::storage::{File as _, Storage};

/// What a slot holds.
pub(crate) type Payload = [u8; 36];

const MAGIC: [u8; 8] = *b"CAMPSLOT";
pub(crate) const VERSION: u16 = 1;
const SLOT_LEN: usize = 64;
const PAYLOAD_AT: usize = 24;
const CRC_AT: usize = SLOT_LEN - 4;
/// A block apart: one torn block must not take both.
const OFFSETS: [u64; 2] = [0, 4096];
const FILE_LEN: u64 = 8192;

/// A file with two slots. It is made at the first write, so that a read-only disk can be started from.
pub(crate) struct Slots<S: Storage> {
    storage: Arc<S>,
    name: String,
    file: Option<S::File>,
    /// Of the newest slot; 0 before the first.
    generation: u64,
    /// Which slot is the newest.
    newest: usize,
    /// There was a value, and no slot has a whole one.
    damaged: bool,
}

impl<S: Storage> Slots<S> {
    /// Opens the file, if there is one, and gives the newest whole value.
    pub(crate) fn open(storage: Arc<S>, name: String) -> Result<(Self, Option<Payload>), SlotsError> {
        let mut slots = Self { storage, name, file: None, generation: 0, newest: 1, damaged: false };
        let file = match slots.storage.open(&slots.name) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((slots, None)),
            Err(e) => return Err(SlotsError::Io(slots.name, e)),
        };
        let (mut value, mut spoiled) = (None, false);
        for (place, offset) in OFFSETS.into_iter().enumerate() {
            let mut bytes = [0; SLOT_LEN];
            // A slot that cannot be read is a slot that is torn.
            if !file.read_at(offset, &mut bytes).is_ok_and(|got| got == SLOT_LEN) {
                spoiled = true;
                continue;
            }
            match decode(&bytes) {
                Slot::Newer(version) => return Err(SlotsError::Newer(slots.name, version)),
                Slot::Value { generation, payload } if generation > slots.generation => {
                    (slots.generation, slots.newest, value) = (generation, place, Some(payload));
                }
                Slot::Value { .. } => {}
                Slot::None => spoiled |= bytes != [0; SLOT_LEN],
            }
        }
        slots.file = Some(file);
        slots.damaged = spoiled && value.is_none();
        Ok((slots, value))
    }

    /// Whether the value that was there cannot be read any more.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Writes a value over the older slot. It survives a power cut once this returns, as it must before the other slot
    /// is touched.
    pub(crate) fn write(&mut self, payload: &Payload) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = self.storage.create(&self.name, FILE_LEN)?;
                self.storage.sync_names()?;
                none.insert(file)
            }
        };
        let place = 1 - self.newest;
        let generation = self.generation + 1;
        file.write_at(OFFSETS[place], &encode(generation, payload))?;
        file.sync()?;
        (self.newest, self.generation) = (place, generation);
        Ok(())
    }
}

enum Slot {
    None,
    Newer(u16),
    Value { generation: u64, payload: Payload },
}

fn encode(generation: u64, payload: &Payload) -> [u8; SLOT_LEN] {
    let mut slot = [0; SLOT_LEN];
    slot[..8].copy_from_slice(&MAGIC);
    slot[8..10].copy_from_slice(&VERSION.to_le_bytes());
    slot[16..24].copy_from_slice(&generation.to_le_bytes());
    slot[PAYLOAD_AT..CRC_AT].copy_from_slice(payload);
    let crc = CRC32C.checksum(&slot[..CRC_AT]);
    slot[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
    slot
}

fn decode(slot: &[u8; SLOT_LEN]) -> Slot {
    let (covered, crc) = slot.split_at(CRC_AT);
    if slot[..8] != MAGIC || crc != CRC32C.checksum(covered).to_le_bytes() {
        return Slot::None;
    }
    let version = u16::from_le_bytes([slot[8], slot[9]]);
    if version > VERSION {
        return Slot::Newer(version);
    }
    let mut generation = [0; 8];
    generation.copy_from_slice(&slot[16..24]);
    let mut payload = [0; CRC_AT - PAYLOAD_AT];
    payload.copy_from_slice(&slot[PAYLOAD_AT..CRC_AT]);
    Slot::Value { generation: u64::from_le_bytes(generation), payload }
}

/// Why a file of slots cannot be used.
#[derive(Debug)]
pub(crate) enum SlotsError {
    /// The system refuses to open it.
    Io(String, io::Error),
    /// A later version wrote it.
    Newer(String, u16),
}
