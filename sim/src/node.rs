//! One node as it ships: engine, loop, journal, over a virtual board and a disk in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use campanile_core::decision::{Decision, Source};
use campanile_core::engine::Engine;
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::Input;
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, MAX_RECORD, Record};
use campanile_core::restore::Restore;
use campanile_core::runner::{self, Message, Options, Outputs, Recorder, Refused, Start};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Batch, Journal};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;

use crate::board::Board;
use crate::trace::Trace;

campanile_core::capacity! {
    /// What a Linux host has room for, with a smaller log: a journal in memory is never behind.
    pub Room {
        inputs: 64, outputs: 64, sensors: 64, variables: 255, triggers: 255, schedules: 64, scenarios: 255,
        runs: 254, code: 32768, log: 16384,
    }
}

/// A program with its names.
#[derive(Clone, Debug, PartialEq)]
pub struct House {
    /// What the engine loads.
    pub image: Vec<u8>,
    /// The names of its ids.
    pub symbols: Symbols,
}

/// The way into the loop.
pub(crate) type Inlet = Channel<NoopRawMutex, Message, 64>;

/// Houses by the hash of their image.
pub(crate) type Houses = BTreeMap<u64, House>;

/// What came out, over all lives of the node.
#[derive(Default)]
pub(crate) struct Tape {
    pub(crate) trace: Trace,
    pub(crate) lines: Vec<String>,
    /// The bytes of the log of each life.
    pub(crate) logs: Vec<Vec<u8>>,
    /// The program that the records are of.
    pub(crate) program: Option<u64>,
    /// Programs that were refused.
    pub(crate) refused: Vec<LoadError>,
}

impl Tape {
    /// Whether anything of it is about a `durable` input, as the daemon's journal thread would see it.
    fn take(&mut self, base: Instant, mut bytes: &[u8], houses: &Houses) -> bool {
        let mut durable = false;
        let mut at = base;
        if let Some(log) = self.logs.last_mut() {
            log.extend_from_slice(bytes);
        }
        while let Some((frame, rest)) = Frame::split(bytes) {
            at = at.plus(frame.dt);
            bytes = rest;
            let Some(record) = frame.record() else { continue };
            if let Record::Input(Input::Boot { hash, .. } | Input::Install { hash }) = record {
                self.program = Some(hash);
            }
            // What a start does comes before the record that names the program; nothing of it is shown.
            let Some(house) = self.program.and_then(|hash| houses.get(&hash)) else { continue };
            self.lines.extend(self.trace.line(at, &record, &house.symbols));
            if let Record::Decision(Decision::Event { source: Source::Input { input }, .. }) = record {
                durable |= house.symbols.inputs.get(input.index()).is_some_and(|input| input.durable);
            }
        }
        durable
    }
}

/// The journal's inlet: what ships, but on the loop's own thread and never late.
pub(crate) struct Inbox {
    pub(crate) journal: Rc<RefCell<Journal<Disk>>>,
    pub(crate) tape: Rc<RefCell<Tape>>,
    pub(crate) houses: Rc<Houses>,
    pub(crate) checkpoint: Vec<u8>,
}

impl Recorder for Inbox {
    fn record(&mut self, log: &EventLog<'_>, mut from: Cursor) -> Cursor {
        let mut bytes = [0; 4096];
        let now = now();
        catch_up(&mut self.journal.borrow_mut(), now);
        loop {
            match log.copy(from, &mut bytes) {
                Ok((0, _)) => break,
                Ok((len, next)) => {
                    let batch = Batch {
                        first_seq: from.seq,
                        base: from.at,
                        bytes: &bytes[..len],
                        count: next.seq - from.seq,
                    };
                    let durable = self.tape.borrow_mut().take(from.at, &bytes[..len], &self.houses);
                    let taken = self.journal.borrow_mut().append(&batch, durable, now);
                    taken.expect("the log's own bytes are whole");
                    from = next;
                }
                Err(lagged) => from = lagged.resume,
            }
        }
        self.journal.borrow_mut().tick(now);
        from
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.journal.borrow().wants_checkpoint()
    }

    fn checkpoint(&mut self, item: Restore) {
        let mut bytes = [0; MAX_RECORD];
        let record = Record::Input(Input::Restore { item });
        let len = record.encode(Duration::ZERO, &mut bytes).expect("a record fits");
        self.checkpoint.extend_from_slice(&bytes[..len]);
    }

    fn checkpoint_done(&mut self) {
        let items = std::mem::take(&mut self.checkpoint);
        self.journal.borrow_mut().checkpoint(&items, now()).expect("the state of one house fits");
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        self.houses.get(&hash).map(|house| house.image.as_slice())
    }

    fn install_failed(&mut self, _: u64, why: LoadError) {
        self.tape.borrow_mut().refused.push(why);
    }
}

/// The board, wired to whatever program runs.
pub(crate) struct Lines {
    pub(crate) board: Board,
    pub(crate) houses: Rc<Houses>,
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
            self.board.wire(&house.symbols);
        }
    }
}

/// How a life of the node begins.
pub(crate) struct Birth {
    pub(crate) image: Vec<u8>,
    pub(crate) boot: u64,
    pub(crate) off: Option<Duration>,
    pub(crate) clock: Option<Input>,
    pub(crate) kept: Vec<Restore>,
    pub(crate) slack: Duration,
}

/// One life: from a start until somebody kills it.
pub(crate) async fn live(birth: Birth, mut lines: Lines, mut inbox: Inbox, inlet: Rc<Inlet>) {
    let mut engine = Box::new(Engine::<Room>::new());
    let mut edges = lines.board.clone();
    let start = Start { image: &birth.image, boot: birth.boot, off: birth.off, clock: birth.clock };
    match runner::start(&mut engine, now(), start, birth.kept, &mut lines, &mut inbox).await {
        Ok(recorded) => {
            let options = Options { slack: birth.slack, zone: None, recorded: Some(recorded) };
            runner::run(&mut engine, &mut edges, inlet.receiver(), &mut lines, &mut inbox, options).await;
        }
        Err(why) => inbox.tape.borrow_mut().refused.push(why),
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

/// The virtual time.
pub(crate) fn now() -> Instant {
    Instant::from_micros(campanile_clock::now_us())
}
