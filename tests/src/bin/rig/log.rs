//! The log of a board, from the bytes of its serial line. Their form: `firmware/src/recorder.rs`.

use std::fmt::Write as _;

use campanile_core::decision::{Decision, Source};
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, OverrunWhy};
use campanile_core::link::Verdict;
use campanile_core::record::{Frame, Record};
use campanile_core::time::Instant;
use campanile_core::wire::Reader;
use campanile_delivery::symbols::Symbols;
use campanile_sim::trace::Trace;

/// Why a board may refuse the program that is linked in.
const WHY_REFUSED: [(Verdict, &str); 6] = [
    (Verdict::Malformed, "it is no bundle"),
    (Verdict::NoRoom, "it has no room for it"),
    (Verdict::UnknownLine, "it names a line that this board has not"),
    (Verdict::TakenLine, "it names a line that is taken, by another name or by the board itself"),
    (Verdict::UnknownPull, "it asks for a pull that this board has not"),
    (Verdict::Refused, "the engine says that it is none"),
];

/// The doorbell's only input.
const BUTTON: InputId = InputId(0);
/// The doorbell's only output.
const CHIME: OutputId = OutputId(0);

/// A log, from a start on.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) records: Vec<Entry>,
}

/// One record.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    pub(crate) record: Record,
    /// As it came.
    pub(crate) bytes: Vec<u8>,
}

impl Log {
    /// Takes the stream of one start apart; what is not whole at its end has not come yet.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, String> {
        let mut log = Self::default();
        let mut rest = bytes;
        let mut at = Instant::ZERO;
        while let Some(first) = rest.first() {
            if *first == 0 {
                let mut r = Reader::new(rest);
                let (Some(_), Some(seq), Some(before)) = (r.u8(), r.varint(), r.varint()) else { break };
                (at, rest) = (Instant::from_micros(before), r.rest());
                log.begin(seq, before)?;
                continue;
            }
            let Some((frame, behind)) = Frame::split(rest) else { break };
            at = at.plus(frame.dt);
            let place = bytes.len() - rest.len();
            let record =
                frame.record().ok_or_else(|| format!("byte {place} of the stream begins no record"))?;
            log.records.push(Entry { at, record, bytes: frame.bytes.to_vec() });
            rest = behind;
        }
        Ok(log)
    }

    /// A mark with the number 0 has a reason in place of a time.
    fn begin(&self, seq: u64, before: u64) -> Result<(), String> {
        let next = self.records.len() as u64 + 1;
        match seq {
            _ if seq == next => Ok(()),
            0 => {
                let why = WHY_REFUSED.iter().find(|(why, _)| *why as u64 == before);
                Err(format!(
                    "the board refuses its program: {}",
                    why.map_or("nobody knows why", |(_, words)| words)
                ))
            }
            1 => Err(format!("the board started anew behind record {}", next - 1)),
            _ => Err(format!("records from {next} to {} were lost before they were sent", seq - 1)),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.records.iter().map(|entry| entry.bytes.len()).sum()
    }

    /// The first clock ends the start, and the button is known to be released: QEMU may have held its pin low until it
    /// was told better.
    pub(crate) fn is_ready(&self) -> bool {
        self.has_started() && self.records.iter().filter_map(Entry::event).next_back() == Some(Level::Off)
    }

    /// The first clock has ended the start.
    pub(crate) fn has_started(&self) -> bool {
        self.records.iter().any(|entry| matches!(entry.record, Record::Input(Input::Clock { .. })))
    }

    /// How often the chime was set on, and off behind that.
    pub(crate) fn chimes(&self) -> (usize, usize) {
        let sets: Vec<Level> = self.records.iter().filter_map(Entry::chime).collect();
        let moves = |to| sets.windows(2).filter(|pair| pair[0] != pair[1] && pair[1] == to).count();
        (moves(Level::On), moves(Level::Off))
    }

    pub(crate) fn text(&self, symbols: &Symbols) -> String {
        let mut trace = Trace::new().verbose();
        let mut text = String::new();
        for entry in &self.records {
            if let Some(line) = trace.line(entry.at, &entry.record, symbols) {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }
}

impl Entry {
    /// The button's line moved.
    pub(crate) fn is_edge(&self) -> bool {
        matches!(
            self.record,
            Record::Input(Input::Edge { input: BUTTON, .. } | Input::Late { input: BUTTON, .. })
        )
    }

    /// The button was decided to be pressed, or released.
    pub(crate) fn event(&self) -> Option<Level> {
        match self.record {
            Record::Decision(Decision::Event { source: Source::Input { input: BUTTON }, value, .. }) => {
                Some(Level::from_bool(value.is_some_and(|value| value != 0)))
            }
            _ => None,
        }
    }

    /// The chime was set.
    pub(crate) fn chime(&self) -> Option<Level> {
        match self.record {
            Record::Decision(Decision::Set { output: CHIME, level, .. }) => Some(level),
            _ => None,
        }
    }

    /// What the engine came to, by itself.
    pub(crate) fn is_decision(&self) -> bool {
        matches!(self.record, Record::Decision(_))
    }

    /// Something was lost in front of the engine.
    pub(crate) fn is_loss(&self) -> bool {
        self.lost().is_some()
    }

    /// So much was lost in front of the engine, and why.
    pub(crate) fn lost(&self) -> Option<(u32, OverrunWhy)> {
        match self.record {
            Record::Input(Input::Overrun { lost, why, .. }) => Some((lost, why)),
            _ => None,
        }
    }

    /// The board was late, as the machine that emulates it had other work.
    pub(crate) fn is_stall(&self) -> bool {
        matches!(self.record, Record::Input(Input::Stall { .. }))
    }
}
