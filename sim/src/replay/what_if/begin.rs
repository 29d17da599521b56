//! Where a comparison can begin: at a checkpoint or a start the journal's own program is followed, until the other takes
//! over from it.

use campanile_core::engine::Engine;
use campanile_core::input::Input;
use campanile_core::program::verify::LoadError;
use campanile_core::record::{CORE_REV, Frame};
use campanile_core::restore::Restore;
use campanile_core::time::Instant;
use campanile_delivery::Storage;

use super::{Course, State};
use crate::node::Room;
use crate::replay::other::Other;
use crate::replay::read;
use crate::replay::report::Why;
use crate::replay::stretch::items;

impl<'a, S: Storage> Course<'a, S> {
    pub(super) fn begin_at_checkpoint(&mut self, program: u64, bytes: &[u8]) -> Result<(), LoadError> {
        self.learn_names(program);
        let mut engine = match self.engine(self.rev, program, Instant::ZERO) {
            Ok(engine) => engine,
            Err(why) => {
                self.wait(why);
                return Ok(());
            }
        };
        self.pieces.forget_early();
        self.pieces.close();
        let mut starting = false;
        for item in items(bytes) {
            starting |= matches!(item, Restore::Head { starting: true, .. });
            engine.restore(&item);
            self.tally.journal.restore(self.here.time, item, &self.symbols);
        }
        let at = engine.now();
        self.state = State::Before { engine, started: !starting };
        if self.in_range && !starting { self.take_over(at) } else { Ok(()) }
    }

    /// A start says which program it runs.
    pub(super) fn open(&mut self, boot: Input) -> Result<(), LoadError> {
        let Input::Boot { core_rev, hash, .. } = boot else { return Ok(()) };
        let State::Opening { held, other } = self.wait(Why::NoCheckpoint) else { return Ok(()) };
        self.learn_names(hash);
        let at = held.first().map_or(self.here.time, |(first, _)| first.time);
        // Its clock may have begun anew.
        self.from = Instant::ZERO;
        self.state = match (self.engine(Some(core_rev), hash, at), other) {
            (Err(why), _) => {
                self.give_up(&held, hash, why);
                return Ok(());
            }
            (Ok(_), Some(mut other)) => {
                other.learn_names(&self.symbols);
                other.start(at, &boot)?;
                other.tell_state(|item, symbols| self.tally.other.learn(item, symbols));
                State::Beside(other)
            }
            (Ok(engine), None) => State::Before { engine, started: false },
        };
        for (place, bytes) in &held {
            let Some((frame, _)) = Frame::split(bytes) else { continue };
            let Some(record) = frame.record() else { continue };
            self.step(place.time, &frame, &record)?;
        }
        Ok(())
    }

    /// An engine for the journal's own program, if what that did can be followed here.
    fn engine(&self, rev: Option<u16>, program: u64, at: Instant) -> Result<Box<Engine<Room>>, Why> {
        if let Some(rev) = rev.filter(|&rev| rev != CORE_REV) {
            return Err(Why::CoreRev(rev));
        }
        let stored = read::program(self.index, program)?;
        let mut engine = Box::new(Engine::new());
        engine.load(at, &stored.image).map_err(|why| read::refused(program, why))?;
        Ok(engine)
    }

    pub(super) fn take_over(&mut self, at: Instant) -> Result<(), LoadError> {
        let State::Before { mut engine, .. } = self.wait(Why::NoCheckpoint) else { return Ok(()) };
        engine.checkpoint(|item| self.tally.journal.learn(item, &self.symbols));
        let mut other = Other::take_over(engine, at, self.house, &self.symbols, self.zone)?;
        self.found.first.get_or_insert(self.here);
        self.from = at;
        self.tally.other.begin_as(&self.tally.journal, &self.house.symbols);
        other.tell_state(|item, symbols| self.tally.other.learn(item, symbols));
        self.state = State::Beside(Box::new(other));
        Ok(())
    }
}
