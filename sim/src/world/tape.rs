//! What came out of a node, over all of its lives: the trace for people, the bytes for comparisons.

use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, Record};
use campanile_core::time::Instant;

use crate::house::House;
use crate::node::Witness;
use crate::trace::Trace;

#[derive(Default)]
pub(super) struct Tape {
    pub(super) trace: Trace,
    /// The lines, each with its end.
    pub(super) lines: String,
    /// The bytes of the log of each life.
    pub(super) logs: Vec<Vec<u8>>,
    /// Programs that were refused.
    pub(super) refused: Vec<LoadError>,
}

impl Witness for Tape {
    fn begin(&mut self, _boot: u64) {
        self.logs.push(Vec::new());
    }

    fn see(&mut self, at: Instant, frame: &Frame<'_>, record: &Record, house: Option<&House>) {
        if let Some(log) = self.logs.last_mut() {
            log.extend_from_slice(frame.bytes);
        }
        if let Some(line) = house.and_then(|house| self.trace.line(at, record, &house.symbols)) {
            self.lines.push_str(&line);
            self.lines.push('\n');
        }
    }

    fn overwritten(&mut self, _count: u64) {}

    fn refused(&mut self, why: LoadError) {
        self.refused.push(why);
    }
}
