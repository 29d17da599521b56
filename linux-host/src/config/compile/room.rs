//! Whether a program fits into the engine, told at the first place that does not.

use std::ops::Range;

use super::super::read::Report;
use super::super::source::Diagnostic;

/// How much of one thing is taken.
pub(super) struct Gauge {
    of: &'static str,
    max: usize,
    have: usize,
    past: Option<Range<usize>>,
}

impl Gauge {
    pub(super) fn new(of: &'static str, max: impl Into<usize>) -> Self {
        Self { of, max: max.into(), have: 0, past: None }
    }

    /// Takes so many for what stands at a place.
    pub(super) fn take(&mut self, more: usize, place: &Range<usize>) {
        self.have += more;
        if self.have > self.max {
            self.past.get_or_insert_with(|| place.clone());
        }
    }

    /// How many are taken; says it if these are too many.
    pub(super) fn finish(self, help: &str, report: &mut Report<'_>) -> usize {
        let Self { of, max, have, past } = self;
        if let Some(place) = past {
            report.push(
                Diagnostic::error(place, format!("{have} {of}, but this engine has room for {max}"))
                    .label("too many from here on")
                    .help(help),
            );
        }
        have
    }
}

/// What to do about too many of most things.
pub(super) const SHARE: &str = "leave some out, or share them between two nodes";
