//! Hashes that tell the engine, at a swap of programs, what is still the same.

use campanile_core::id::Level;
use campanile_core::program::code::{Op, Step};
use campanile_core::program::verify::expressions;
use campanile_core::program::{Mode, On, image};
use campanile_core::wire::{Reader, Wire};
use campanile_delivery::symbols::{Line, Symbols};

use super::code::bytes;

/// The hash of a name, or of anything else in bytes.
pub(super) fn of(bytes: &[u8]) -> u32 {
    let hash = image::hash(bytes);
    // Both halves: either alone has all of a CRC's qualities, the sum of them no fewer.
    (hash >> 32) as u32 ^ hash as u32
}

/// The hash of a sensor. With other decimals it is another one: the same integer would be another value.
pub(super) fn sensor(name: &str, decimals: u8) -> u32 {
    match decimals {
        0 => of(name.as_bytes()),
        _ => of(format!("{name}\0{decimals}").as_bytes()),
    }
}

/// The hash of a line of a board with this [hardware](super::super::file::Board::hardware): what is another line for
/// the daemon is another one for the engine.
pub(super) fn line(hardware: &str, line: &Line) -> u32 {
    let kind = match line {
        Line::Offset(_) => "offset",
        Line::Name(_) => "name",
    };
    of(format!("{hardware}\0{kind}\0{line}").as_bytes())
}

/// Collects what a scenario is, with names instead of ids: an id may change though the scenario does not.
pub(super) struct Text<'s> {
    symbols: &'s Symbols,
    bytes: Vec<u8>,
}

impl<'s> Text<'s> {
    pub(super) fn new(symbols: &'s Symbols, name: &str) -> Self {
        let mut text = Self { symbols, bytes: Vec::new() };
        text.word(name);
        text
    }

    /// Words of any length stay apart.
    fn word(&mut self, word: &str) {
        self.bytes.extend((word.len() as u32).to_le_bytes());
        self.bytes.extend(word.as_bytes());
    }

    /// A value that has a form of its own in JSON.
    fn json(&mut self, value: &impl serde::Serialize) {
        self.word(&serde_json::to_string(value).unwrap_or_default());
    }

    fn named(&mut self, kind: &str, name: &str) {
        self.word(kind);
        self.word(name);
    }

    pub(super) fn settings(&mut self, mode: Mode, after: campanile_core::program::AfterRestart) {
        self.json(&(mode, after));
    }

    pub(super) fn trigger(&mut self, on: &On, schedule: Option<&campanile_core::calendar::Schedule>) {
        let symbols = self.symbols;
        match *on {
            On::Input { input, to, hold } => {
                self.named("input", symbols.input(input));
                self.word(&format!("{} {}", level(to), hold.micros()));
            }
            On::Output { output, to } => {
                self.named("output", symbols.output(output));
                self.word(level(to));
            }
            On::Variable { var } => self.named("variable", symbols.variable(var)),
            On::Above { sensor, limit, hysteresis } => {
                self.named("above", symbols.sensor(sensor));
                self.word(&format!("{limit} {hysteresis}"));
            }
            On::Below { sensor, limit, hysteresis } => {
                self.named("below", symbols.sensor(sensor));
                self.word(&format!("{limit} {hysteresis}"));
            }
            On::Sensor { sensor } => self.named("sensor", symbols.sensor(sensor)),
            On::Every { period } => self.named("every", &period.micros().to_string()),
            On::Schedule { .. } => self.json(&schedule),
            On::Link { peer, up } => self.named(if up { "up" } else { "down" }, symbols.peer(peer)),
            On::Message { message } => self.named("message", symbols.heard(message)),
            On::Started => self.word("started"),
        }
    }

    pub(super) fn condition(&mut self, code: &[u8]) {
        self.word("if");
        if !code.is_empty() {
            self.expression(&mut Reader::new(code));
        }
    }

    pub(super) fn body(&mut self, code: &[u8]) {
        self.word("do");
        let mut r = Reader::new(code);
        while let Some(step) = Step::get(&mut r) {
            let symbols = self.symbols;
            match step {
                Step::Let { var } => self.named("let", symbols.variable(var)),
                Step::Set { output, .. } => self.named("set", symbols.output(output)),
                Step::Send { template, .. } => self.json(&symbols.messages.get(template.index())),
                Step::Start { scenario } | Step::Stop { scenario } => {
                    self.named("scenario", symbols.scenario(scenario));
                }
                _ => {}
            }
            // Of steps with an id the rest follows from the tag and the name.
            match step {
                Step::Set { level, .. } => self.item(&level),
                Step::Let { .. } | Step::Send { .. } => {}
                Step::Start { .. } | Step::Stop { .. } => self.bytes.push(step.tag()),
                step => self.item(&step),
            }
            for _ in 0..expressions(&step) {
                self.expression(&mut r);
            }
        }
    }

    fn expression(&mut self, r: &mut Reader<'_>) {
        while let Some(op) = Op::get(r) {
            let symbols = self.symbols;
            match op {
                Op::Input { input } => self.named("input", symbols.input(input)),
                Op::Output { output } => self.named("output", symbols.output(output)),
                Op::Sensor { sensor } => self.named("sensor", symbols.sensor(sensor)),
                Op::Var { var } => self.named("variable", symbols.variable(var)),
                Op::WhileUp { peer } => self.named("while up", symbols.peer(peer)),
                op => self.item(&op),
            }
            if op == (Op::End {}) {
                return;
            }
        }
    }

    fn item(&mut self, item: &impl Wire) {
        self.bytes.extend(bytes(item));
    }

    pub(super) fn finish(self) -> u32 {
        of(&self.bytes)
    }
}

const fn level(to: Option<Level>) -> &'static str {
    match to {
        None => "any",
        Some(Level::On) => "on",
        Some(Level::Off) => "off",
    }
}
