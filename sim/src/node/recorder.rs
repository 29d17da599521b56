//! The journal's inlet: what ships, but on the loop's own thread and never late.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use campanile_core::decision::{Decision, Source};
use campanile_core::input::Input;
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, MAX_RECORD, Record};
use campanile_core::restore::Restore;
use campanile_core::runner::Recorder;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{Batch, Journal, StoredProgram};

use super::{Houses, Witness, catch_up, now};

/// Programs that a disk in trouble did not take, to be offered again.
#[derive(Clone, Default)]
pub(crate) struct Unkept(Rc<RefCell<Vec<(u64, StoredProgram)>>>);

impl Unkept {
    pub(super) fn keep(&self, journal: &mut Journal<Disk>, hash: u64, program: StoredProgram) {
        if journal.keep_program(hash, &program).is_err() {
            self.0.borrow_mut().push((hash, program));
        }
    }

    fn retry(&self, journal: &mut Journal<Disk>) {
        self.0.borrow_mut().retain(|(hash, program)| journal.keep_program(*hash, program).is_err());
    }
}

pub(crate) struct Inbox<W> {
    pub(super) journal: Rc<RefCell<Journal<Disk>>>,
    pub(super) witness: Rc<RefCell<W>>,
    pub(super) houses: Rc<Houses>,
    /// The program that is to run.
    pub(super) program: Rc<Cell<u64>>,
    /// The program that the records are of.
    pub(super) running: Option<u64>,
    pub(super) unkept: Unkept,
    pub(super) checkpoint: Vec<u8>,
    /// What is copied out of the log on the way into the journal; kept, because nearly every edge comes this way.
    pub(super) page: Vec<u8>,
}

/// So much of the log is copied at once.
pub(super) const PAGE: usize = 4096;

impl<W: Witness> Inbox<W> {
    /// Shows the records to the witness. Says whether anything of it is about a `durable` input, as the daemon's journal
    /// thread would see it.
    fn show(&mut self, base: Instant, mut bytes: &[u8]) -> bool {
        let mut witness = self.witness.borrow_mut();
        let (mut durable, mut at) = (false, base);
        while let Some((frame, rest)) = Frame::split(bytes) {
            at = at.plus(frame.dt);
            bytes = rest;
            let Some(record) = frame.record() else { continue };
            if let Record::Input(Input::Boot { hash, .. } | Input::Install { hash }) = record {
                self.running = Some(hash);
                // A start may begin with the program before the one that is wanted.
                if matches!(record, Record::Input(Input::Install { .. })) {
                    self.program.set(hash);
                }
            }
            let house = self.running.and_then(|hash| self.houses.get(&hash));
            if let Record::Decision(Decision::Event { source: Source::Input { input }, .. }) = record {
                let symbols = house.and_then(|house| house.symbols.inputs.get(input.index()));
                durable |= symbols.is_some_and(|input| input.durable);
            }
            witness.see(at, &frame, &record, house);
        }
        durable
    }
}

impl<W: Witness> Recorder for Inbox<W> {
    fn record(&mut self, log: &EventLog<'_>, mut from: Cursor) -> Cursor {
        let now = now();
        let mut page = std::mem::take(&mut self.page);
        catch_up(&mut self.journal.borrow_mut(), now);
        loop {
            match log.copy(from, &mut page) {
                Ok((0, _)) => break,
                Ok((len, next)) => {
                    let batch = Batch {
                        first_seq: from.seq,
                        base: from.at,
                        bytes: &page[..len],
                        count: next.seq - from.seq,
                    };
                    let durable = self.show(from.at, &page[..len]);
                    let taken = self.journal.borrow_mut().append(&batch, durable, now);
                    taken.expect("the log's own bytes are whole");
                    from = next;
                }
                Err(lagged) => {
                    self.witness.borrow_mut().overwritten(lagged.resume.seq - from.seq);
                    from = lagged.resume;
                }
            }
        }
        self.page = page;
        let mut journal = self.journal.borrow_mut();
        journal.tick(now);
        self.unkept.retry(&mut journal);
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
        self.witness.borrow_mut().refused(why);
    }
}
