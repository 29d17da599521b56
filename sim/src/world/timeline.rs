//! What is still to happen, in the order of time; at one time, in the order in which it was said.

use std::collections::BTreeMap;

use campanile_core::id::{InputId, Level};
use campanile_core::time::Instant;

use crate::script::{Action, Script};

/// One thing that happens at one instant.
pub(super) enum Event<'a> {
    /// As the script says.
    Step(&'a Action),
    /// A line moves: a bounce, an edge of a storm.
    Move { input: &'a str, to: Level },
    /// A `press` comes to its end.
    Play { input: InputId, to: Level },
    /// A sensor's value that came too soon may enter.
    Release { sensor: &'a str },
    /// The process starts again, and may know how long it was off.
    Begin { known: bool },
}

pub(super) struct Timeline<'a> {
    events: BTreeMap<(u64, u64), Event<'a>>,
    said: u64,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(script: &'a Script) -> Self {
        let mut timeline = Self { events: BTreeMap::new(), said: 0 };
        for step in &script.steps {
            timeline.add(step.at, Event::Step(&step.action));
        }
        timeline
    }

    pub(super) fn add(&mut self, at: Instant, event: Event<'a>) {
        self.said += 1;
        self.events.insert((at.micros(), self.said), event);
    }

    /// Takes the next event, if it comes at `until` or before.
    pub(super) fn next(&mut self, until: u64) -> Option<(u64, Event<'a>)> {
        let first = self.events.first_entry()?;
        let at = first.key().0;
        (at <= until).then(|| (at, first.remove()))
    }
}
