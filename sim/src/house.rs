//! What a house's file becomes: the program of its node with its names, and those of its satellites.

use std::collections::BTreeMap;

use campanile_core::decision::{Decision, Source};
use campanile_core::record::Record;
use campanile_delivery::StoredProgram;
use campanile_delivery::symbols::Symbols;
use serde::{Deserialize, Serialize};

/// A program with its names.
#[derive(Clone, Debug, PartialEq)]
pub struct House {
    /// What the engine loads.
    pub image: Vec<u8>,
    /// The names of its ids.
    pub symbols: Symbols,
    /// The satellites of its file.
    pub satellites: Vec<SatelliteHouse>,
}

/// The program of a satellite, and what the house calls it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SatelliteHouse {
    /// Its name.
    pub name: String,
    /// The board that its lines are on, to the house.
    pub board: String,
    /// The serial line at whose other end it is: whatever it is called, there it is the same microcontroller.
    pub port: String,
    /// What its engine loads.
    pub image: Vec<u8>,
    /// The names of its ids.
    pub symbols: Symbols,
    /// Whether each output takes its safe level when the link dies over which it was switched.
    pub safe_without_link: Vec<bool>,
}

impl House {
    /// A house without satellites.
    #[must_use]
    pub const fn new(image: Vec<u8>, symbols: Symbols) -> Self {
        Self { image, symbols, satellites: Vec::new() }
    }

    /// The satellite on a board.
    pub(crate) fn satellite_on(&self, board: &str) -> Option<usize> {
        self.satellites.iter().position(|satellite| satellite.board == board)
    }

    /// Whether a record is an event of a `durable` input, which nobody is told of before it is on the disk.
    pub(crate) fn is_durable(&self, record: &Record) -> bool {
        let Record::Decision(Decision::Event { source: Source::Input { input }, .. }) = record else {
            return false;
        };
        self.symbols.inputs.get(input.index()).is_some_and(|input| input.durable)
    }

    pub(crate) fn stored(&self) -> StoredProgram {
        StoredProgram { image: self.image.clone(), symbols: self.symbols.encode() }
    }
}

/// Houses by the hash of their image.
pub(crate) type Houses = BTreeMap<u64, House>;
