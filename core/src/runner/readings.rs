//! Readings that are owed: at the start, after a gap, and at the end of an episode. A bit for each input.

use crate::bits::{Bits, bit, take_lowest};
use crate::id::{InputId, Level};
use crate::input::{Input, LevelWhy};
use crate::time::{Duration, Instant};

/// What is to be read, and what a reading said that no edge has explained yet.
#[derive(Clone, Copy, Default)]
pub(super) struct Readings {
    /// Never read.
    start: Bits,
    /// Edges were lost.
    gap: Bits,
    /// An episode is over.
    quiet: Bits,
    /// Read after an episode, and different from the last edge.
    suspects: Bits,
    /// What these readings said.
    levels: Bits,
    /// When.
    since: Instant,
}

/// What the readings need of the rest.
pub(super) trait Lines {
    /// The level of a line now.
    fn read(&mut self, input: InputId) -> Option<Level>;
    /// The level that was fed last.
    fn raw(&self, input: InputId) -> Option<Level>;
}

impl Readings {
    /// Nothing is known of these inputs.
    pub(super) fn start(&mut self, inputs: Bits) {
        *self = Self { start: inputs, ..Self::default() };
    }

    /// Edges of this input were lost.
    pub(super) fn gap(&mut self, input: InputId) {
        self.gap |= bit(input.0);
    }

    /// The engine asks.
    pub(super) fn quiet(&mut self, inputs: Bits) {
        self.quiet |= inputs;
    }

    /// An edge came: the engine will ask again when its episode is over.
    pub(super) fn edge(&mut self, input: InputId) {
        self.quiet &= !bit(input.0);
        self.suspects &= !bit(input.0);
    }

    /// The source gave a level itself.
    pub(super) fn level(&mut self, input: InputId) {
        self.edge(input);
        self.start &= !bit(input.0);
        self.gap &= !bit(input.0);
    }

    /// When [`next`](Self::next) has something to do; `NEVER` if nothing is owed.
    pub(super) fn due(&self, slack: Duration) -> Instant {
        if self.start | self.gap != 0 {
            Instant::ZERO
        } else if self.suspects != 0 {
            self.since.plus(slack)
        } else if self.quiet != 0 {
            Instant::ZERO
        } else {
            Instant::NEVER
        }
    }

    /// The next level to feed, if a reading says that there is one. To be called when the edge source was drained at
    /// `now` or later.
    pub(super) fn next(&mut self, now: Instant, slack: Duration, lines: &mut impl Lines) -> Option<Input> {
        while let Some(input) = take_lowest(&mut self.start).map(InputId) {
            if let Some(level) = lines.read(input) {
                return Some(Input::Level { input, level, why: LevelWhy::Start });
            }
        }
        while let Some(input) = take_lowest(&mut self.gap).map(InputId) {
            if let Some(level) = lines.read(input) {
                return Some(Input::Level { input, level, why: LevelWhy::Gap });
            }
        }
        if now >= self.since.plus(slack) {
            while let Some(input) = take_lowest(&mut self.suspects).map(InputId) {
                // No edge came that explains the first reading, and a second one agrees with it.
                let level = Level::from_bool(self.levels & bit(input.0) != 0);
                if lines.read(input) == Some(level) && lines.raw(input) != Some(level) {
                    return Some(Input::Level { input, level, why: LevelWhy::Quiet });
                }
            }
        }
        // One round of suspects at a time: new ones would put off the old.
        if self.suspects == 0 {
            while let Some(input) = take_lowest(&mut self.quiet).map(InputId) {
                if let Some(level) = lines.read(input)
                    && lines.raw(input) != Some(level)
                {
                    self.suspects |= bit(input.0);
                    self.levels =
                        if level.is_on() { self.levels | bit(input.0) } else { self.levels & !bit(input.0) };
                    self.since = now;
                }
            }
        }
        None
    }
}
