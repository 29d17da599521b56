//! One node as it ships: engine, loop, journal, over a virtual board and a disk in memory. A [`Node`] is what outlives
//! its process; a [`Life`] is the process.

mod recorder;
mod relay;
mod size;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use campanile_core::calendar::ZoneTable;
use campanile_core::capacity::Capacity;
use campanile_core::engine::Engine;
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{Input, OverrunWhy};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::runner::{self, Message, Options, Outputs, Refused, Start};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{Journal, NodeName, Opened, Options as JournalOptions, Recall};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;

use crate::board::Board;
use crate::error::SimError;
use crate::executor::{Executor, TaskId};
use crate::house::{House, Houses};
use crate::prng::Prng;

pub(crate) use recorder::{Inbox, Unkept};
pub(crate) use relay::Relay;
pub(crate) use size::Build;
pub(crate) use size::Room;
pub use size::Size;

/// The way into the loop.
pub(crate) type Inlet = Channel<NoopRawMutex, Message, 64>;

/// Who watches what the engine writes, over all lives of a node.
pub(crate) trait Witness {
    /// A life begins.
    fn begin(&mut self, boot: u64);

    /// The engine has written a record. `house` is the program that it is of.
    fn see(&mut self, at: Instant, frame: &Frame<'_>, record: &Record, house: Option<&House>);

    /// So many records were overwritten in memory before anybody read them.
    fn overwritten(&mut self, count: u64);

    /// Behind all that was seen and overwritten so far the engine's state is this, as `Restore` records in a row.
    fn checkpoint(&mut self, program: u64, items: &[u8]) {
        let _ = (program, items);
    }

    /// Somebody hands the loop a message, whether it finds room or not.
    fn sent(&mut self, at: Instant, message: &Message) {
        let _ = (at, message);
    }

    /// A program was refused.
    fn refused(&mut self, why: LoadError);
}

/// How a node is built.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    /// What its engine has room for.
    pub(crate) size: Size,
    /// How long after its stamp an edge may reach the loop; see the runner.
    pub(crate) slack: Duration,
    pub(crate) journal: JournalOptions,
    /// Seconds that local time is ahead of UTC, and from which seconds since 1970 on it is another number.
    /// `None`: local time is as far ahead as the clock says.
    pub(crate) zone: Option<(i32, Vec<(i64, i32)>)>,
}

/// Tells how long a node was off, by what outlived that time and by the wall clock, as far as it can.
pub(crate) type Off = fn(&Recall, Option<Input>) -> Option<Duration>;

/// What a start knows of the world.
#[derive(Clone, Copy, Default)]
pub(crate) struct Knowledge {
    /// The wall clock, an `Input::Clock`.
    pub(crate) clock: Option<Input>,
    /// How long the node was off.
    pub(crate) off: Option<Off>,
}

/// A node: all of it that is left when its process is gone.
pub(crate) struct Node<W> {
    pub(crate) name: NodeName,
    pub(crate) setup: Setup,
    pub(crate) board: Board,
    pub(crate) disk: Arc<Disk>,
    pub(crate) houses: Rc<Houses>,
    /// The program that is to run.
    pub(crate) program: Rc<Cell<u64>>,
    pub(crate) witness: Rc<RefCell<W>>,
    /// Low halves of the numbers of its starts.
    boots: Prng,
    pub(crate) life: Option<Life>,
}

/// A process that runs.
pub(crate) struct Life {
    pub(crate) task: TaskId,
    pub(crate) journal: Rc<RefCell<Journal<Disk>>>,
    /// From the loop to the journal.
    pub(crate) relay: Relay,
    inlet: Rc<Inlet>,
    /// Programs that the disk has not taken yet.
    unkept: Unkept,
    /// Messages that found the inlet full.
    lost: u32,
}

impl Life {
    fn own_up(&mut self) -> bool {
        let overrun = Input::Overrun { input: None, lost: self.lost, why: OverrunWhy::Queue };
        let said = self.lost > 0 && self.inlet.try_send(Message::Input(overrun)).is_ok();
        if said {
            self.lost = 0;
        }
        said
    }
}

impl<W: Witness + 'static> Node<W> {
    /// A node that is switched off; `program` is one of `houses`.
    pub(crate) fn new(
        name: NodeName,
        setup: Setup,
        houses: Rc<Houses>,
        program: u64,
        witness: W,
        seed: &Prng,
    ) -> Self {
        let board = Board::default();
        if let Some(house) = houses.get(&program) {
            board.wire(house);
        }
        Self {
            name,
            setup,
            board,
            disk: Arc::new(Disk::new(seed.fork("disk").bits())),
            houses,
            program: Rc::new(Cell::new(program)),
            witness: Rc::new(RefCell::new(witness)),
            boots: seed.fork("boots"),
            life: None,
        }
    }

    /// The process starts: as the daemon does, but for what is Linux about it.
    pub(crate) fn begin(
        &mut self,
        executor: &mut Executor<'_>,
        knowledge: Knowledge,
    ) -> Result<Opened, SimError> {
        let now = now();
        let random = self.boots.bits() as u32;
        let (mut journal, opened) =
            Journal::open(&self.disk, &self.name, self.setup.journal.clone(), random, now)?;
        let wanted = self.program.get();
        // A disk that cannot be read costs the state, and not the start.
        let recall = Recall::read(journal.index()).unwrap_or_default();
        // The state has the ids of the program that ran, as far as the disk knows; the wanted one is swapped in behind.
        let first = recall.program.filter(|hash| self.houses.contains_key(hash)).unwrap_or(wanted);
        let house = self.houses.get(&first).ok_or(SimError::NoProgram)?;
        let unkept = Unkept::default();
        unkept.keep(&mut journal, first, house.stored());
        self.board.wire(house);
        self.board.listen(true);
        self.witness.borrow_mut().begin(opened.boot.0);
        let birth = Birth {
            image: house.image.clone(),
            boot: opened.boot.0,
            off: knowledge.off.and_then(|off| off(&recall, knowledge.clock)),
            clock: knowledge.clock,
            kept: recall.items,
            slack: self.setup.slack,
            zone: self.setup.zone.clone(),
        };
        let journal = Rc::new(RefCell::new(journal));
        let lines = Lines { board: self.board.clone(), houses: Rc::clone(&self.houses) };
        let relay = Relay::default();
        let inbox = Inbox {
            journal: Rc::clone(&journal),
            witness: Rc::clone(&self.witness),
            houses: Rc::clone(&self.houses),
            program: Rc::clone(&self.program),
            running: Some(first),
            unkept: unkept.clone(),
            checkpoint: Vec::new(),
            relay: relay.clone(),
            seen: None,
            durable: false,
            page: vec![0; relay::PAGE],
        };
        let inlet = Rc::new(Inlet::new());
        let task = self.setup.size.spawn(executor, birth, lines, inbox, Rc::clone(&inlet));
        self.life = Some(Life { task, inlet, journal, relay, unkept, lost: 0 });
        if first != wanted {
            self.install(wanted);
        }
        // `every` counts from the start, so that a start is never late.
        executor.settle()?;
        Ok(opened)
    }

    /// The process is gone, in the middle of whatever it did.
    pub(crate) fn end(&mut self, executor: &mut Executor<'_>) {
        let Some(life) = self.life.take() else { return };
        executor.kill(life.task);
        self.board.listen(false);
        if !life.relay.stands() {
            catch_up(&mut life.journal.borrow_mut(), now());
        }
    }

    /// Whether the process has come to its end by itself.
    pub(crate) fn is_over(&self, executor: &Executor<'_>) -> bool {
        self.life.as_ref().is_some_and(|life| executor.is_over(life.task))
    }

    /// What an orderly end does behind the loop: the journal gets its last word. A disk that refuses loses it.
    pub(crate) fn close(&mut self) {
        let Some(life) = self.life.take() else { return };
        self.board.listen(false);
        if let Ok(journal) = Rc::try_unwrap(life.journal) {
            let mut journal = journal.into_inner();
            life.relay.release(&mut journal, now());
            let _ = journal.close(now());
        }
    }

    /// Swaps another program in.
    pub(crate) fn install(&mut self, hash: u64) {
        let Some((life, house)) = self.life.as_ref().zip(self.houses.get(&hash)) else { return };
        life.unkept.keep(&mut life.journal.borrow_mut(), hash, house.stored());
        self.send(Message::Install { hash });
    }

    /// Hands a message to the process, if there is one. What finds no room is counted, and said when there is some.
    pub(crate) fn send(&mut self, message: Message) {
        let Some(life) = &mut self.life else { return };
        self.witness.borrow_mut().sent(now(), &message);
        life.own_up();
        // Behind a loss that nobody has been told of there is no room.
        if life.lost > 0 || life.inlet.try_send(message).is_err() {
            life.lost += 1;
        }
    }

    /// Says what found no room, as soon as there is some, for nobody may send anything behind it. True if it did.
    pub(crate) fn own_up(&mut self) -> bool {
        self.life.as_mut().is_some_and(Life::own_up)
    }

    /// The program that is to run, with its names.
    pub(crate) fn house(&self) -> Result<&House, SimError> {
        self.houses.get(&self.program.get()).ok_or(SimError::NoProgram)
    }
}

/// The board, wired to whatever program runs.
pub(crate) struct Lines {
    board: Board,
    houses: Rc<Houses>,
}

impl Outputs for Lines {
    fn set(&mut self, output: OutputId, level: Level) -> Result<(), Refused> {
        self.board.set(output, level)
    }

    fn read(&mut self, input: InputId) -> Option<Level> {
        self.board.read(input)
    }

    fn installed(&mut self, hash: u64) {
        if let Some(house) = self.houses.get(&hash) {
            self.board.wire(house);
        }
    }
}

/// How a life of the node begins.
pub(crate) struct Birth {
    image: Vec<u8>,
    boot: u64,
    off: Option<Duration>,
    clock: Option<Input>,
    kept: Vec<Restore>,
    slack: Duration,
    zone: Option<(i32, Vec<(i64, i32)>)>,
}

/// One life: from a start until somebody kills or stops it.
async fn live<C: Capacity, W: Witness>(
    birth: Birth,
    mut lines: Lines,
    mut inbox: Inbox<W>,
    inlet: Rc<Inlet>,
) {
    let mut engine = Box::new(Engine::<C>::new());
    let mut edges = lines.board.clone();
    let start = Start { image: &birth.image, boot: birth.boot, off: birth.off, clock: birth.clock };
    match runner::start(&mut engine, now(), start, birth.kept, &mut lines, &mut inbox).await {
        Ok(recorded) => {
            let zone = birth.zone.as_ref().and_then(|(offset, changes)| ZoneTable::new(*offset, changes));
            let options = Options { slack: birth.slack, zone, recorded: Some(recorded) };
            runner::run(&mut engine, &mut edges, inlet.receiver(), &mut lines, &mut inbox, options).await;
        }
        Err(why) => inbox.witness.borrow_mut().refused(why),
    }
}

/// Does what the journal's own thread would have done until `to`: it sleeps until the journal is due.
pub(crate) fn catch_up(journal: &mut Journal<Disk>, to: Instant) {
    let mut last = Instant::ZERO;
    while let Some(due) = journal.due().filter(|due| *due <= to && *due > last) {
        journal.tick(due);
        last = due;
    }
}

/// The virtual time, by the clock of whoever has the turn.
pub(crate) fn now() -> Instant {
    Instant::from_micros(campanile_clock::now_us())
}
