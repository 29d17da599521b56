//! From the file's types to an image, a symbol table and settings.

mod body;
mod cascade;
mod code;
mod hash;
mod lines;
mod message;
mod names;
mod refuse;
mod room;
mod satellites;
mod scenario;
mod sinks;
#[cfg(test)]
mod tests;
mod trigger;

use campanile_core::program::verify::{Room, verify};
use campanile_core::program::{Parts, image};
use campanile_delivery::symbols::Symbols;
use campanile_sim::world::SatelliteHouse;
use toml::Spanned;
use toml::de::DeValue;

use super::file::{Board, House, Journal, Sink};
use super::read::{Entries, Node, Read, Report};
use super::resources::{ROOM, Resource};
use super::source::{Diagnostic, Source};
use super::syntax;
use names::Tables;

pub(super) use names::word_for_peers;
pub use satellites::SatelliteProgram;

/// All that a file says.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program, as the engine loads it.
    pub image: Vec<u8>,
    /// Its name: what `Install` and `Boot` records carry.
    pub hash: u64,
    /// The names behind its ids.
    pub symbols: Symbols,
    /// What the host has to know besides.
    pub settings: Settings,
    /// How much of the engine it takes.
    pub resources: Vec<Resource>,
    /// What works and is likely not what was meant.
    pub warnings: Vec<Diagnostic>,
}

impl Compiled {
    /// The house as the simulator takes it.
    pub fn simulated(&self) -> campanile_sim::world::House {
        let port = |board: &str| match self.settings.boards.iter().find(|(name, _)| name == board) {
            Some((_, Board::Serial(serial))) => serial.port.value.to_string(),
            // None that a file compiles to.
            _ => board.to_owned(),
        };
        let satellites = self.settings.satellites.iter().map(|satellite| SatelliteHouse {
            name: satellite.name.clone(),
            board: satellite.board.clone(),
            port: port(&satellite.board),
            image: satellite.image.clone(),
            symbols: satellite.symbols.clone(),
            safe_without_link: satellite.safe_without_link.clone(),
        });
        campanile_sim::world::House {
            image: self.image.clone(),
            symbols: self.symbols.clone(),
            satellites: satellites.collect(),
        }
    }
}

/// What the host has to know besides the program.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The node's name.
    pub node: String,
    /// An IANA time zone; `None` for the system's.
    pub timezone: Option<String>,
    /// The journal.
    pub journal: Journal,
    /// Boards by name.
    pub boards: Vec<(String, Board)>,
    /// Sinks by name, in the order of their peer ids.
    pub sinks: Vec<(String, Sink)>,
    /// Satellites; their peer ids follow those of the sinks.
    pub satellites: Vec<SatelliteProgram>,
}

/// Compiles a file for the engine of this host.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text. Without the warnings: some would be wrong themselves.
pub fn compile(source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
    read_and_compile(source).1
}

/// What a text says, as far as it could be read, and what it compiles to.
pub(super) fn read_and_compile(source: &Source) -> (Option<House>, Result<Compiled, Vec<Diagnostic>>) {
    let mut report = Report::new(source);
    let root = syntax::parse(&mut report);
    if let (Some((wish, _)), None) = (root.get_ref().get_key_value("wish"), root.get_ref().get("node")) {
        let script = Diagnostic::error(wish.span(), "this is a script, not a house").label("a script's key");
        report.push(
            script.help(
                "`campanile sim HOUSE SCRIPT` runs it; if the script has a house, give only the script",
            ),
        );
        return (None, report.finish().and(Err(Vec::new())));
    }
    let span = root.span();
    let root = Spanned::new(span, DeValue::Table(root.into_inner()));
    let house = House::read(Node::from(&root), &mut report);
    let (house, compiled) = house.map(|house| with_satellites(&house, &mut report)).unzip();
    let compiled = compiled.flatten();
    let compiled = report
        .finish()
        .and_then(|warnings| compiled.map(|compiled| Compiled { warnings, ..compiled }).ok_or_else(Vec::new));
    (house, compiled)
}

/// Compiles a house and its satellites: the house with their lines among its own, and what it compiles to if it had no
/// errors.
pub(super) fn with_satellites(house: &House, report: &mut Report<'_>) -> (House, Option<Compiled>) {
    let programs = satellites::all(house, report);
    let joined = satellites::joined(house);
    let compiled = build(&joined, &ROOM, report);
    let compiled = compiled.map(|mut compiled| {
        compiled.settings.satellites = programs;
        compiled
    });
    (joined, compiled)
}

/// Compiles what has been read; `None` if it had errors.
fn build(house: &House, room: &Room, report: &mut Report<'_>) -> Option<Compiled> {
    let names = Tables::new(house, room, report);
    let program = scenario::all(house, &names, room, report);
    cascade::check(house, report);
    sinks::check(house, report);
    let node = house.node.0.as_ref()?;
    if report.has_errors() {
        return None;
    }
    let mut symbols = names.symbols(&node.name.value.0);
    symbols.triggers = program.trigger_names;
    symbols.messages = program.messages;
    let parts = Parts {
        names: hash::of(symbols.encode().as_ref()),
        inputs: &names.inputs,
        outputs: &names.outputs,
        sensors: &names.sensors,
        variables: &names.variables,
        triggers: &program.triggers,
        schedules: &program.schedules,
        scenarios: &program.scenarios,
        code: &program.code,
    };
    // Definitions take some ten bytes each; the code comes as it is.
    let mut image = vec![0; 65_536 + program.code.len()];
    let checked = image::encode(&parts, &mut image).and_then(|len| {
        image.truncate(len);
        verify(&image, room)
    });
    if let Err(error) = checked {
        report.push(refuse::program(error));
        return None;
    }
    let row = |name, have, max: u16| Resource { name, have, max: max.into() };
    let resources = vec![
        row("inputs", parts.inputs.len(), room.counts.inputs.into()),
        row("outputs", parts.outputs.len(), room.counts.outputs.into()),
        row("sensors", parts.sensors.len(), room.counts.sensors.into()),
        row("variables", parts.variables.len(), room.counts.variables.into()),
        row("triggers", parts.triggers.len(), room.counts.triggers.into()),
        row("schedules", parts.schedules.len(), room.counts.schedules.into()),
        row("scenarios", parts.scenarios.len(), room.counts.scenarios.into()),
        row("runs", program.runs, room.runs.into()),
        row("code bytes", parts.code.len(), room.counts.code),
        row("steps a slice", program.longest_slice as usize, campanile_core::program::code::MAX_STEPS),
    ];
    Some(Compiled {
        hash: image::hash(&image),
        image,
        symbols,
        settings: Settings {
            node: node.name.value.0.clone(),
            timezone: node.timezone.as_ref().map(|zone| zone.value.0.clone()),
            journal: house.journal.clone(),
            boards: names.boards,
            sinks: owned(&house.sinks),
            satellites: Vec::new(),
        },
        resources,
        warnings: Vec::new(),
    })
}

fn owned<T: Clone>(entries: &Entries<T>) -> Vec<(String, T)> {
    entries.iter().filter_map(|(name, value)| Some((name.value.clone(), value?.clone()))).collect()
}
