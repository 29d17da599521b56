//! One start of a satellite: the loop as the firmware runs it.

use std::cell::RefCell;
use std::rc::Rc;

use campanile_core::capacity::Capacity;
use campanile_core::engine::Engine;
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::restore::Restore;
use campanile_core::runner::{self, Message, Options, Outputs, Refused, Start};

use super::ground::End;
use super::pins::Pins;
use super::programs::Programs;
use super::recorder::Recorder;
use crate::board::Board;
use crate::executor::{Executor, TaskId};
use crate::node::{self, Build};

/// The board, wired to whatever program runs.
pub(super) struct Wired {
    pub(super) board: Board,
    pub(super) pins: Rc<Pins>,
    pub(super) programs: Rc<Programs>,
    pub(super) end: Rc<RefCell<End>>,
}

impl Outputs for Wired {
    fn set(&mut self, output: OutputId, level: Level) -> Result<(), Refused> {
        self.board.set(output, level)
    }

    fn read(&mut self, input: InputId) -> Option<Level> {
        self.board.read(input)
    }

    fn installed(&mut self, hash: u64) {
        if let Some(house) = self.programs.houses.get(&hash) {
            // Of what moved before it, nobody asks behind it.
            self.pins.interrupt();
            self.board.wire(house);
            self.pins.installed(hash);
            self.end.borrow_mut().port.installed(hash);
        }
    }
}

/// All that one start is made of.
pub(super) struct Live {
    pub(super) image: Vec<u8>,
    /// Its number; 0 without storage.
    pub(super) boot: u64,
    /// What outlived the start before.
    pub(super) kept: Vec<Restore>,
    /// The program that takes over from it.
    pub(super) wanted: Option<u64>,
    pub(super) lines: Wired,
    pub(super) recorder: Recorder,
}

pub(super) struct Spawn<'e, 'a> {
    pub(super) executor: &'e mut Executor<'a>,
    pub(super) live: Live,
}

impl Build for Spawn<'_, '_> {
    type Made = TaskId;

    fn build<C: Capacity + 'static>(self) -> TaskId {
        self.executor.spawn(live::<C>(self.live))
    }
}

/// One start, as the firmware's.
async fn live<C: Capacity>(live: Live) {
    let Live { image, boot, kept, wanted, mut lines, mut recorder } = live;
    let mut engine = Box::new(Engine::<C>::new());
    let pins = Rc::clone(&lines.pins);
    let messages = lines.end.borrow().port.messages();
    if let Some(hash) = wanted {
        let _ = messages.try_send(Message::Install { hash });
    }
    let start = Start { image: &image, boot, off: None, clock: None };
    match runner::start(&mut engine, node::now(), start, kept, &mut lines, &mut recorder).await {
        Ok(recorded) => {
            let options = Options { recorded: Some(recorded), ..Options::INTERRUPTS };
            runner::run(&mut engine, &mut &*pins, messages.receiver(), &mut lines, &mut recorder, options)
                .await;
        }
        Err(why) => recorder.refused(why),
    }
}
