//! A difference in words: the lines of the trace before it, what the journal has there and what the replay came to.

use std::fmt;
use std::io;
use std::sync::Arc;

use campanile_core::engine::Rejected;
use campanile_core::input::Input;
use campanile_core::record::{FIRST_DECISION, Record, class};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Body, Index, Next, Position, Storage};

use crate::replay::place::Place;
use crate::replay::stretch::{Difference, Divergence, items};
use crate::trace::{Trace, seconds};

/// How many lines before the difference are shown.
const CONTEXT: usize = 4;

/// What is said of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The lines of the trace before, which agree; the last few, bookkeeping included.
    pub before: Vec<String>,
    /// What the journal has.
    pub expected: String,
    /// What the replay came to.
    pub found: String,
}

impl Words {
    /// Reads the stretch again up to the difference, for the names and for what came before.
    ///
    /// # Errors
    /// The disk fails.
    pub fn of<S: Storage>(
        index: &Arc<Index<S>>,
        stretch: Position,
        at: &Place,
        divergence: &Divergence,
    ) -> io::Result<Self> {
        // The checkpoint, or the first `Boot`, is read too.
        let mut reader = index.reader(Position { host: stretch.host.saturating_sub(1), ..stretch });
        let mut telling = Telling::default();
        let last = match divergence.what {
            Difference::State { .. } => at.at.seq,
            _ => at.at.seq.saturating_sub(1),
        };
        while let Next::Item(item) = reader.next()? {
            if item.at.boot != at.at.boot || item.at.seq > last {
                break;
            }
            telling.learn_names(index, item.program);
            match &item.body {
                Body::Engine(frame) => {
                    if let Some(record) = frame.record() {
                        telling.tell(item.time, &record);
                    }
                }
                Body::Checkpoint(bytes) => items(bytes).for_each(|item| telling.restore(item)),
                Body::Host(_) => {}
            }
        }
        Ok(telling.end(divergence))
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.before {
            writeln!(f, "    {line}")?;
        }
        write!(f, "  - {}\n  + {}\n  - in the journal, + in the replay", self.expected, self.found)
    }
}

/// Follows the records and keeps the last few lines.
struct Telling {
    trace: Trace,
    symbols: Symbols,
    program: u64,
    lines: Vec<String>,
}

impl Default for Telling {
    fn default() -> Self {
        Self { trace: Trace::new().verbose(), symbols: Symbols::new(""), program: 0, lines: Vec::new() }
    }
}

impl Telling {
    fn learn_names<S: Storage>(&mut self, index: &Index<S>, program: u64) {
        if program == self.program {
            return;
        }
        self.program = program;
        let stored = index.program(program).ok().flatten();
        // Without names the numbers have to do.
        self.symbols = stored
            .and_then(|stored| Symbols::decode(&stored.symbols).ok())
            .unwrap_or_else(|| Symbols::new(""));
    }

    fn tell(&mut self, at: Instant, record: &Record) {
        let line = line(&mut self.trace, at, record, &self.symbols);
        if self.lines.len() == CONTEXT {
            self.lines.remove(0);
        }
        self.lines.push(line);
    }

    /// What a checkpoint says of runs is needed to name them at their end.
    fn restore(&mut self, item: Restore) {
        let record = Record::Input(Input::Restore { item });
        let _ = self.trace.what(Instant::ZERO, &record, &self.symbols);
    }

    fn end(self, divergence: &Divergence) -> Words {
        let nothing = || "(nothing more)".to_owned();
        // Each from the same past: a trace remembers what it has told.
        let say = |of: &Option<(Instant, Record)>| {
            let mut trace = self.trace.clone();
            of.as_ref().map(|(at, record)| line(&mut trace, *at, record, &self.symbols))
        };
        let (expected, found) = match &divergence.what {
            Difference::Record { expected, found } => {
                let (one, other) = (say(expected), say(found));
                // Some differences are in what a trace does not show.
                if one == other {
                    let raw =
                        |of: &Option<(Instant, Record)>| of.as_ref().map(|(at, record)| raw(*at, record));
                    (raw(expected), raw(found))
                } else {
                    (one, other)
                }
            }
            Difference::State { expected, found } => {
                let say = |item: &Option<Restore>| item.as_ref().map(|item| self.state(item));
                (say(expected), say(found))
            }
            Difference::Refused { input, why } => {
                let record = Record::Input(*input);
                let taken = line(&mut self.trace.clone(), divergence.time, &record, &self.symbols);
                (Some(taken), Some(format!("(refused: {})", refusal(*why))))
            }
            Difference::Install { hash, why } => {
                (Some(format!("program {hash:016x} installed")), Some(format!("(refused: {why})")))
            }
            Difference::Unreadable { kind, bytes, found } => {
                let text = format!("{}  {}", seconds(divergence.time), unreadable(*kind, bytes));
                // What is not fed leads to nothing.
                let unfed = (*kind < FIRST_DECISION)
                    .then(|| "(an input that cannot be read cannot be fed)".to_owned());
                (Some(text), say(found).or(unfed))
            }
        };
        Words {
            before: self.lines,
            expected: expected.unwrap_or_else(nothing),
            found: found.unwrap_or_else(nothing),
        }
    }

    fn state(&self, item: &Restore) -> String {
        let symbols = &self.symbols;
        let name = match *item {
            Restore::Input { input, .. } | Restore::Watch { input, .. } => symbols.input(input),
            Restore::Sensor { sensor, .. } => symbols.sensor(sensor),
            Restore::Var { var, .. } => symbols.variable(var),
            Restore::Trigger { trigger, .. } => symbols.trigger(trigger),
            Restore::Run { scenario, .. } => symbols.scenario(scenario),
            Restore::Output { output, .. } => symbols.output(output),
            Restore::Link { peer } => symbols.peer(peer),
            _ => "the engine",
        };
        format!("state of {name}: {item:?}")
    }
}

/// The line of a trace, also of what a trace does not show.
fn line(trace: &mut Trace, at: Instant, record: &Record, symbols: &Symbols) -> String {
    trace.line(at, record, symbols).unwrap_or_else(|| raw(at, record))
}

fn raw(at: Instant, record: &Record) -> String {
    let text = match record {
        Record::Input(input) => format!("{input:?}"),
        Record::Decision(decision) => format!("{decision:?}"),
    };
    format!("{}  {text}", seconds(at))
}

/// Why a record cannot be read, and its bytes: with those somebody else may.
fn unreadable(kind: u8, bytes: &[u8]) -> String {
    let why = match class(kind) {
        Some(_) => "whose content is not what this kind has",
        None => "which this campanile does not know: a later one may have written it",
    };
    let bytes: String = bytes.iter().map(|byte| format!(" {byte:02x}")).collect();
    format!("a record of kind {kind}, {why}:{bytes}")
}

const fn refusal(why: Rejected) -> &'static str {
    match why {
        Rejected::Busy => "the engine has not settled",
        Rejected::NoProgram => "there is no program",
        Rejected::Unknown => "the program has no such input, output, sensor or trigger",
        Rejected::NeedsImage => "the program is missing",
    }
}
