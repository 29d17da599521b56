//! The engine with its hands: effects are carried out, and the recorder gets what is new.

use super::readings::Lines;
use super::{Outputs, Recorder};
use crate::bits::{Bits, bit, take_lowest};
use crate::capacity::Capacity;
use crate::effect::Effect;
use crate::engine::{Engine, Step};
use crate::fmt::warning;
use crate::id::{InputId, Level, OutputId};
use crate::input::Input;
use crate::log::Cursor;
use crate::time::Instant;

pub(super) struct Shell<'a, C: Capacity, O, R> {
    pub(super) engine: &'a mut Engine<C>,
    pub(super) outputs: &'a mut O,
    pub(super) recorder: &'a mut R,
    /// Up to where the recorder has the log.
    pub(super) recorded: Cursor,
    /// The engine's next deadline.
    pub(super) next: Instant,
    /// Inputs that the engine wants read, a bit each.
    pub(super) asked: Bits,
    /// Outputs of which the engine has yet to hear that the hardware refuses them now, or does no more; a bit each.
    changed: Bits,
    /// The start is not over: it would be with a `Done`, and what outlived the last run could not come any more.
    pub(super) starting: bool,
}

impl<'a, C: Capacity, O: Outputs, R: Recorder> Shell<'a, C, O, R> {
    pub(super) fn new(
        engine: &'a mut Engine<C>,
        outputs: &'a mut O,
        recorder: &'a mut R,
        recorded: Option<Cursor>,
    ) -> Self {
        let recorded = recorded.unwrap_or_else(|| engine.log().tail());
        Self {
            engine,
            outputs,
            recorder,
            recorded,
            next: Instant::NEVER,
            asked: 0,
            changed: 0,
            starting: false,
        }
    }

    /// Does everything that is due at `at`.
    pub(super) fn settle(&mut self, at: Instant) {
        let mut over = false;
        while !over {
            match self.engine.poll(at) {
                Step::Do(effect) => self.carry_out(effect),
                Step::Again => {}
                Step::Idle { next } => {
                    self.next = next.unwrap_or(Instant::NEVER);
                    match self.take_done() {
                        Some(done) => self.hand_in(self.engine.now(), done),
                        None => over = true,
                    }
                }
            }
            // Behind the last step, too: each edge of a batch may take no more than one.
            self.keep_up();
        }
    }

    /// Does what is due at or before `at`, feeds the input, and does what follows from it at once.
    pub(super) fn feed(&mut self, at: Instant, input: Input) {
        self.settle(at);
        self.hand_in(at, input);
        self.settle(at);
    }

    fn hand_in(&mut self, at: Instant, input: Input) {
        if let Err(why) = self.engine.handle(at, input) {
            warning!("input refused ({:?}): {:?}", why, input);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::SetOutput { output, level } => {
                let failed = self.outputs.set(output, level).is_err();
                let output_bit = bit(output.0);
                // The engine alone knows how it was before: ids are others behind a swap, and a start ends here too.
                if failed == self.has_failed(output) {
                    self.changed &= !output_bit;
                } else {
                    self.changed |= output_bit;
                }
            }
            // Read when the edge source is empty: before that, the line is ahead of the engine.
            Effect::ReadInput { input } => self.asked |= bit(input.0),
        }
    }

    fn take_done(&mut self) -> Option<Input> {
        if self.starting {
            return None;
        }
        let output = take_lowest(&mut self.changed).map(OutputId)?;
        Some(Input::Done { output, ok: self.has_failed(output) })
    }

    fn has_failed(&self, output: OutputId) -> bool {
        self.engine.output(output).is_some_and(|status| status.failed)
    }

    /// Gives the recorder what is new.
    pub(super) fn record(&mut self) {
        if !self.is_recorded() || self.recorder.is_stirred() {
            self.recorded = self.recorder.record(&self.engine.log(), self.recorded);
        }
    }

    /// Long work is recorded on the way, before the ring comes round.
    fn keep_up(&mut self) {
        let log = self.engine.log();
        if self.unread() > (log.capacity() as u64) / 4 {
            self.record();
        }
    }

    /// Whether the recorder has everything.
    pub(super) fn is_recorded(&self) -> bool {
        self.recorded == self.engine.log().head()
    }

    /// Less than a quarter of the log is free of records that the recorder has not taken.
    pub(super) fn is_full(&self) -> bool {
        let capacity = self.engine.log().capacity() as u64;
        capacity.saturating_sub(self.unread()) < capacity / 4
    }

    fn unread(&self) -> u64 {
        self.engine.log().head().pos.saturating_sub(self.recorded.pos)
    }

    /// Waits until there is room for more input.
    pub(super) async fn hand_over(&mut self) {
        self.record();
        while self.is_full() {
            self.recorder.room().await;
            self.record();
        }
    }

    /// Waits until the recorder has everything.
    pub(super) async fn hand_over_all(&mut self) {
        self.record();
        while !self.is_recorded() {
            self.recorder.room().await;
            self.record();
        }
    }

    /// The inputs of the program, a bit each.
    pub(super) fn inputs(&self) -> Bits {
        let count = self.engine.inputs();
        (1 as Bits).checked_shl(u32::from(count)).map_or(Bits::MAX, |bit| bit.wrapping_sub(1))
    }
}

impl<C: Capacity, O: Outputs, R: Recorder> Lines for Shell<'_, C, O, R> {
    fn read(&mut self, input: InputId) -> Option<Level> {
        self.outputs.read(input)
    }

    fn raw(&self, input: InputId) -> Option<Level> {
        self.engine.input(input).and_then(|state| state.raw)
    }
}
