//! An input of the kernel's: edges with their stamps and numbers.

use std::os::fd::{AsFd as _, BorrowedFd};

use campanile_core::id::Level;
use campanile_core::time::Instant;
use gpiocdev::Request;
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Value};
use gpiocdev::request::Config;

use super::failed;
use crate::boards::{Active, InputLine, InputSpec, LineError, Pull, Taken};

/// Edges taken from the kernel with one read.
const EVENTS_PER_READ: usize = 64;

/// 64-bit words of one event of the kernel's interface, version 2.
const EVENT_WORDS: usize = 6;

pub(super) struct KernelInput {
    request: Request,
    offset: u32,
    line: String,
    spec: InputSpec,
    /// The number of the last edge read; `None` when the next one may have any.
    seen: Option<u32>,
}

impl KernelInput {
    pub(super) fn new(request: Request, offset: u32, spec: &InputSpec) -> Self {
        Self { request, offset, line: spec.line.to_string(), spec: spec.clone(), seen: None }
    }

    fn apply(&self, spec: &InputSpec, edges: bool) -> Result<(), LineError> {
        let mut config = Config::default();
        config.with_line(self.offset);
        configure(&mut config, spec, edges);
        self.request.reconfigure(&config).map_err(|e| failed(&self.line, "reconfigure", &e))
    }
}

impl InputLine for KernelInput {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.request.as_fd())
    }

    fn take(&mut self, _now: Instant, give: &mut dyn FnMut(Taken)) -> Result<(), LineError> {
        let mut words = [0; EVENTS_PER_READ * EVENT_WORDS];
        let event = self.request.edge_event_u64_size();
        let line = &self.line;
        let filled =
            self.request.read_edge_events_into_slice(&mut words).map_err(|e| failed(line, "read", &e))?;
        for words in words[..filled.min(words.len())].chunks_exact(event) {
            let edge = self.request.edge_event_from_slice(words).map_err(|e| failed(line, "read", &e))?;
            let at = Instant::from_micros(edge.timestamp_ns / 1_000);
            if let Some(count) = missing(self.seen, edge.line_seqno) {
                give(Taken::Lost { at, count });
            }
            self.seen = Some(edge.line_seqno);
            give(Taken::Edge { at, level: Level::from_bool(edge.kind == EdgeKind::Rising) });
        }
        Ok(())
    }

    fn level(&self) -> Result<Level, LineError> {
        let value = self.request.lone_value().map_err(|e| failed(&self.line, "read", &e))?;
        Ok(Level::from_bool(value == Value::Active))
    }

    fn reconfigure(&mut self, spec: &InputSpec) -> Result<(), LineError> {
        if *spec != self.spec {
            self.apply(spec, true)?;
            self.spec = spec.clone();
        }
        Ok(())
    }

    fn mask(&mut self, masked: bool) {
        // While it is refused, edges go on coming and the runner drops them, counted.
        let _ = self.apply(&self.spec, !masked);
        self.seen = None;
    }
}

pub(super) fn configure(config: &mut Config, spec: &InputSpec, edges: bool) {
    config.as_input();
    config.with_bias(match spec.pull {
        Pull::AsIs => None,
        Pull::Up => Some(Bias::PullUp),
        Pull::Down => Some(Bias::PullDown),
        Pull::None => Some(Bias::Disabled),
    });
    if spec.active == Active::Low {
        config.as_active_low();
    } else {
        config.as_active_high();
    }
    config.with_edge_detection(edges.then_some(EdgeDetection::BothEdges));
}

/// How many edges are missing between two numbers of the kernel, which wrap.
fn missing(seen: Option<u32>, next: u32) -> Option<u32> {
    let lost = next.wrapping_sub(seen?.wrapping_add(1));
    (lost != 0).then_some(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_in_the_kernels_numbers_counts_even_where_they_wrap() {
        assert_eq!(missing(None, 7), None);
        assert_eq!(missing(Some(7), 8), None);
        assert_eq!(missing(Some(7), 11), Some(3));
        assert_eq!(missing(Some(u32::MAX), 0), None);
        assert_eq!(missing(Some(u32::MAX - 1), 1), Some(2));
    }
}
