//! A file, compiled and made ready to run.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use campanile_delivery::{NodeName, Options, Sync, WhenFull};
use jiff::tz::TimeZone;

use super::programs::Program;
use super::wiring::Wiring;
use crate::boards::BoardSpec;
use crate::config::file::{Age, Board, Journal, Sink, Sync as FileSync, WhenFull as FileWhenFull};
use crate::config::source::render;
use crate::config::{Compiled, Source, compile, load};
use crate::satellites;

/// Where a house comes from: it is read again for every reload.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// A text that this program brings along.
    Text {
        /// What errors call it.
        name: String,
        /// The house.
        text: String,
    },
}

impl Origin {
    /// How people call it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text { name, .. } => name.clone(),
        }
    }

    /// Reads and compiles it.
    ///
    /// # Errors
    /// Everything that is wrong with it, for a person.
    pub fn load(&self, color: bool) -> Result<Loaded, String> {
        let source = match self {
            Self::File(path) => load(path)?,
            Self::Text { name, text } => Source::new(name.clone(), text.clone()),
        };
        match compile(&source) {
            Ok(compiled) => Loaded::new(&source, compiled, color),
            Err(found) => Err(render(&source, &found, color).trim_end().to_owned()),
        }
    }
}

/// A house that is ready to run.
pub struct Loaded {
    /// The node.
    pub node: NodeName,
    /// Its zone.
    pub zone: TimeZone,
    /// Its journal.
    pub journal: Options,
    /// Its boards, by name.
    pub boards: HashMap<String, BoardSpec>,
    /// Its sinks, in the order of their peer ids.
    pub sinks: Vec<(String, Sink)>,
    /// Its satellites, in the order of their peer ids.
    pub satellites: Vec<satellites::Spec>,
    /// Its program.
    pub program: Arc<Program>,
    /// What works and is likely not what was meant, for a person; empty if there is nothing.
    pub warnings: String,
}

impl Loaded {
    fn new(source: &Source, compiled: Compiled, color: bool) -> Result<Self, String> {
        let Compiled { image, symbols, settings, warnings, .. } = compiled;
        let node = settings.node.parse().map_err(|error| format!("node {}: {error}", settings.node))?;
        let zone = match &settings.timezone {
            Some(name) => crate::zone::named(name).map_err(|error| format!("{error}: {}", error.help()))?,
            None => TimeZone::system(),
        };
        let boards: HashMap<_, _> =
            settings.boards.iter().map(|(name, board)| (name.clone(), board_spec(name, board))).collect();
        let satellites = settings.satellites.into_iter().filter_map(|program| {
            let (_, board) = settings.boards.iter().find(|(name, _)| *name == program.board)?;
            let Board::Serial(board) = board else { return None };
            let baud = u32::try_from(board.baud.value.0).unwrap_or(0);
            Some(satellites::Spec { program, port: board.port.value.clone(), baud })
        });
        let satellites = satellites.collect();
        let wiring = Wiring::of(&symbols, &boards);
        let program = Program::new(image, symbols, wiring)
            .map_err(|error| format!("the compiled program cannot be read back: {error}"))?;
        Ok(Self {
            node,
            zone,
            journal: journal_options(&settings.journal),
            boards,
            sinks: settings.sinks,
            satellites,
            program: Arc::new(program),
            warnings: render(source, &warnings, color),
        })
    }

    /// What of `new` needs a restart to take effect; empty if nothing does.
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let mut needs = Vec::new();
        if self.zone != new.zone {
            needs.push("the time zone");
        }
        if self.journal != new.journal {
            needs.push("the journal's settings");
        }
        needs
    }
}

fn board_spec(name: &str, board: &Board) -> BoardSpec {
    match board {
        Board::Gpiochip(board) => BoardSpec::Gpiochip { chip: board.chip.value.0.clone() },
        Board::Rppal(_) => BoardSpec::Rppal,
        Board::Virtual(_) => BoardSpec::Virtual,
        Board::Serial(_) => BoardSpec::Serial { name: name.to_owned() },
    }
}

fn journal_options(journal: &Journal) -> Options {
    Options {
        size: journal.size.value.0,
        age: match journal.age.value {
            Age::Forever => None,
            Age::Most(age) => Some(age),
        },
        sync: match journal.sync.value {
            FileSync::Always => Sync::Always,
            FileSync::Every(window) => Sync::Within(window),
        },
        when_full: match journal.when_full {
            FileWhenFull::DropOldest => WhenFull::DropOldest,
            FileWhenFull::Keep => WhenFull::Keep,
        },
        ..Options::default()
    }
}
