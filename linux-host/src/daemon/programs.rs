//! The programs of this process: the one that runs, and the one that is about to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_core::program::image::{self, Image};
use campanile_core::program::verify::LoadError;
use campanile_core::program::{InputDef, OutputDef, SensorDef, VarDef};
use campanile_delivery::StoredProgram;
use campanile_delivery::symbols::Symbols;

use super::board_set::Opened;
use super::wiring::Wiring;
use crate::boards::LineError;

/// A program with its names and what it needs of the boards.
#[derive(Debug)]
pub struct Program {
    /// Of the image.
    pub hash: u64,
    /// What the engine loads.
    pub image: Vec<u8>,
    /// The names of its ids.
    pub symbols: Arc<Symbols>,
    /// Its lines.
    pub wiring: Wiring,
    /// The first values of its variables.
    pub initial: Vec<i32>,
    /// Inputs whose events are on the disk before they are published: one bit each.
    pub durable: u64,
}

impl Program {
    /// Puts one together.
    ///
    /// # Errors
    /// The image is none.
    pub fn new(image: Vec<u8>, symbols: Symbols, wiring: Wiring) -> Result<Self, LoadError> {
        let initial = initial_values(&image)?;
        let bits = symbols.inputs.iter().enumerate().filter(|(_, input)| input.durable);
        let durable = bits.fold(0, |bits, (id, _)| bits | 1_u64.checked_shl(id as u32).unwrap_or(0));
        Ok(Self { hash: image::hash(&image), image, symbols: Arc::new(symbols), wiring, initial, durable })
    }

    /// Whether nothing would be different with the other one. Polarities and pulls are not in the image.
    pub fn is_same(&self, other: &Self) -> bool {
        self.hash == other.hash && self.wiring == other.wiring && self.symbols == other.symbols
    }

    /// As the journal keeps it.
    pub fn stored(&self) -> StoredProgram {
        StoredProgram { image: self.image.clone(), symbols: self.symbols.encode() }
    }
}

fn initial_values(bytes: &[u8]) -> Result<Vec<i32>, LoadError> {
    let mut image = Image::open(bytes)?;
    let counts = image.counts;
    for _ in 0..counts.inputs {
        image.item::<InputDef>()?;
    }
    for _ in 0..counts.outputs {
        image.item::<OutputDef>()?;
    }
    for _ in 0..counts.sensors {
        image.item::<SensorDef>()?;
    }
    (0..counts.variables).map(|_| image.item::<VarDef>().map(|variable| variable.initial)).collect()
}

/// What waits for the loop to take it over.
struct Pending {
    program: Arc<Program>,
    opened: Option<Opened>,
    /// Lines that could not be had when it took over.
    failed: Vec<LineError>,
}

/// The programs by the hash of their images. At most the one that runs and one more.
#[derive(Default)]
pub struct Programs(Mutex<HashMap<u64, Pending>>);

impl Programs {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a program with the lines that were opened for it.
    pub fn add(&self, program: Arc<Program>, opened: Opened) {
        self.lock().insert(program.hash, Pending { program, opened: Some(opened), failed: Vec::new() });
    }

    /// The program of this hash.
    pub fn get(&self, hash: u64) -> Option<Arc<Program>> {
        self.lock().get(&hash).map(|pending| pending.program.clone())
    }

    /// Takes the lines that were opened for it.
    pub fn take_lines(&self, hash: u64) -> Opened {
        self.lock().get_mut(&hash).and_then(|pending| pending.opened.take()).unwrap_or_default()
    }

    /// It runs, without these lines.
    pub fn runs_without(&self, hash: u64, failed: Vec<LineError>) {
        if let Some(pending) = self.lock().get_mut(&hash) {
            pending.failed = failed;
        }
    }

    /// The lines that it runs without; once.
    pub fn take_failed(&self, hash: u64) -> Vec<LineError> {
        self.lock().get_mut(&hash).map(|pending| std::mem::take(&mut pending.failed)).unwrap_or_default()
    }

    /// It will not run: forgotten, its lines closed.
    pub fn forget(&self, hash: u64) {
        let gone = self.lock().remove(&hash);
        // Closed outside the lock: letting go of a line may take the kernel a while.
        drop(gone);
    }

    /// Only this one is left.
    pub fn keep_only(&self, hash: u64) {
        self.lock().retain(|other, _| *other == hash);
    }
}
