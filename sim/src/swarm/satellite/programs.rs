//! The programs that a board may be given, whatever the satellite is called then, and what their files promise.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use campanile_core::id::{Level, OutputId};
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::time::Duration;
use campanile_delivery::satellite::Program;
use campanile_delivery::symbols::Symbols;
use campanile_flash::Wired;

use crate::house::{House, Houses, SatelliteHouse};
use crate::swarm::ports;
use crate::swarm::rules::{Rulebook, Rules};

/// See the [module](self).
pub(in crate::swarm) struct Programs {
    pub(in crate::swarm) houses: Rc<Houses>,
    bundles: Vec<Program>,
    /// Outputs that are safe without the link, and their safe levels, by program.
    safe: BTreeMap<u64, BTreeMap<OutputId, Level>>,
    /// The lines of all outputs: the place of each is its pin.
    pins: Vec<String>,
    pub(super) rulebook: Rulebook,
}

impl Programs {
    /// Of all programs of the satellites at this port.
    ///
    /// # Errors
    /// One is no program, or none for a satellite.
    fn new(houses: &[House], port: &str) -> Result<Self, String> {
        let found: Vec<&SatelliteHouse> = ports::at(houses, port).collect();
        let bundle =
            |found: &&SatelliteHouse| Program::new(&found.image, &found.symbols, &found.safe_without_link);
        let bundles =
            found.iter().map(bundle).collect::<Result<Vec<_>, _>>().map_err(|why| why.to_string())?;
        let own = |found: &&SatelliteHouse| House::new(found.image.clone(), found.symbols.clone());
        let own: Vec<House> = found.iter().map(own).collect();
        let rulebook = Rulebook::new(&own).map_err(|why| format!("no image of a satellite: {why:?}"))?;
        let houses = bundles.iter().map(Program::hash).zip(own).collect();
        let safe = bundles.iter().map(Program::hash).zip(found.iter().map(|found| safe(found))).collect();
        let outputs = bundles.iter().filter_map(|program| Bundle::open(program.bundle()));
        let lines = outputs.flat_map(|bundle| bundle.outputs()).map(|output| output.line.to_owned());
        let pins = lines.collect::<BTreeSet<_>>().into_iter().collect();
        Ok(Self { houses: Rc::new(houses), bundles, safe, pins, rulebook })
    }

    /// The program with this hash.
    pub(in crate::swarm) fn bundle(&self, hash: u64) -> Option<&Program> {
        self.bundles.iter().find(|program| program.hash() == hash)
    }

    /// The names in the program with this hash.
    pub(super) fn symbols(&self, program: u64) -> Option<&Symbols> {
        self.houses.get(&program).map(|house| &house.symbols)
    }

    /// The lines of the inputs in the program with this hash, and their names.
    pub(super) fn inputs(&self, program: u64) -> impl Iterator<Item = (usize, &str)> {
        let both = self.rulebook.of(program).zip(self.symbols(program));
        both.into_iter().flat_map(|(rules, symbols)| {
            rules.lines.iter().copied().zip(symbols.inputs.iter().map(|input| input.name.as_str()))
        })
    }

    /// An output of the program with this hash.
    pub(super) fn output(&self, program: u64, output: OutputId) -> Option<Wired> {
        let bundle = Bundle::open(self.bundle(program)?.bundle())?;
        let bundle::Output { line, safe_on, safe_without_link, .. } = bundle.outputs().nth(output.index())?;
        let pin = self.pins.iter().position(|pin| pin == line)?;
        let safe_without_link = safe_without_link.then_some(Level::from_bool(safe_on));
        Some(Wired { pin: u8::try_from(pin).ok()?, safe_without_link })
    }

    /// Outputs that a program's file wants safe without the link.
    pub(super) fn safe(&self, program: u64) -> BTreeMap<OutputId, Level> {
        self.safe.get(&program).cloned().unwrap_or_default()
    }

    /// The longest time that any program needs until it reports what is.
    pub(in crate::swarm) fn quiet(&self) -> Duration {
        self.rulebook.quiet()
    }

    pub(super) fn rules(&self, program: u64) -> Result<&Rules, String> {
        self.rulebook
            .of(program)
            .ok_or_else(|| format!("the program {program:016x} runs, and nobody gave it"))
    }
}

fn safe(house: &SatelliteHouse) -> BTreeMap<OutputId, Level> {
    let outputs = (0u8..).map(OutputId).zip(&house.symbols.outputs).zip(&house.safe_without_link);
    outputs.filter(|(_, safe)| **safe).map(|((id, output), _)| (id, output.safe)).collect()
}

/// The programs of the board at each port.
pub(in crate::swarm) fn programs(houses: &[House]) -> Result<Vec<Rc<Programs>>, String> {
    ports::ports(houses).into_iter().map(|port| Programs::new(houses, port).map(Rc::new)).collect()
}
