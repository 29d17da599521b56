//! What a replay asks of a journal: its records, however often the disk has to be asked, and the programs kept with it.

use std::io;

use campanile_core::program::image;
use campanile_delivery::{Index, Move, Reader, Storage, StoredProgram};

use crate::replay::report::Why;

/// A reader that fails more often than this at one place fails for good.
const TRIES: u32 = 8;

/// What helps where the file of a program is not the one that the device wrote.
const AGAIN: &str = "copy its program-* file again";

/// Moves on to the next record.
pub(super) fn advance<S: Storage>(reader: &mut Reader<S>) -> io::Result<Move> {
    let mut failures = 0;
    loop {
        match reader.advance() {
            Err(_) if failures < TRIES => failures += 1,
            done => return done,
        }
    }
}

/// A program that the journal has kept.
pub(super) fn program<S: Storage>(index: &Index<S>, hash: u64) -> Result<StoredProgram, Why> {
    match index.program(hash) {
        Ok(Some(stored)) => match image::hash(&stored.image) {
            same if same == hash => Ok(stored),
            other => Err(Why::BadProgram(hash, format!("its file has program {other:016x} in it: {AGAIN}"))),
        },
        Ok(None) => Err(Why::NoProgram(hash)),
        Err(error) => {
            let help = match error.kind() {
                io::ErrorKind::InvalidData => AGAIN,
                io::ErrorKind::Unsupported => "replay with that one",
                _ => "the disk fails",
            };
            Err(Why::BadProgram(hash, format!("{error}: {help}")))
        }
    }
}

/// Why the engine does not take a program.
pub(super) fn refused(hash: u64, why: impl std::fmt::Display) -> Why {
    Why::BadProgram(hash, format!("this engine refuses it ({why}): replay with the campanile that wrote it"))
}
