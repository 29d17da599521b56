//! The journal's inlet: what ships, but on the loop's own thread, and late only where the journal's thread stands still.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use campanile_core::input::Input;
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, MAX_RECORD, Record};
use campanile_core::restore::Restore;
use campanile_core::runner::Recorder;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{Batch, Journal, StoredProgram};

use super::relay::Relay;
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
    /// The way to the journal's thread.
    pub(super) relay: Relay,
    /// Up to here the witness has seen the log; `None` before the first record.
    pub(super) seen: Option<Cursor>,
    /// Of what the witness has seen and the journal has not, something is of a `durable` input.
    pub(super) durable: bool,
    /// What is copied out of the log on the way into the journal; kept, because nearly every edge comes this way.
    pub(super) page: Vec<u8>,
}

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
            durable |= house.is_some_and(|house| house.is_durable(&record));
            witness.see(at, &frame, &record, house);
        }
        durable
    }
}

impl<W: Witness> Inbox<W> {
    /// Whether the witness has not seen what is behind `from`.
    fn is_new(&self, from: Cursor) -> bool {
        self.seen.is_none_or(|seen| seen == from)
    }

    /// Shows the witness what it has not seen, whatever the journal takes of it. `from`: where the log begins.
    fn watch(&mut self, log: &EventLog<'_>, from: Cursor) {
        let mut page = std::mem::take(&mut self.page);
        let mut at = self.seen.unwrap_or(from);
        loop {
            match log.copy(at, &mut page) {
                Ok((0, _)) => break,
                Ok((len, next)) => {
                    self.durable |= self.show(at.at, &page[..len]);
                    at = next;
                }
                Err(lagged) => {
                    self.witness.borrow_mut().overwritten(lagged.resume.seq - at.seq);
                    at = lagged.resume;
                }
            }
        }
        (self.page, self.seen) = (page, Some(at));
    }

    /// The log has overwritten what is between, before the journal has taken it.
    fn overwritten(&mut self, from: Cursor, resume: Cursor) {
        if self.is_new(from) {
            self.witness.borrow_mut().overwritten(resume.seq - from.seq);
            self.seen = Some(resume);
        }
    }
}

impl<W: Witness> Recorder for Inbox<W> {
    fn record(&mut self, log: &EventLog<'_>, mut from: Cursor) -> Cursor {
        if self.relay.stands() {
            self.watch(log, from);
            return self.relay.put(log, from, self.durable);
        }
        if self.seen.is_some_and(|seen| seen != from) {
            self.watch(log, from);
        }
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
                    if self.is_new(from) {
                        self.durable |= self.show(from.at, &page[..len]);
                        self.seen = Some(next);
                    }
                    let durable = self.durable;
                    let taken = self.journal.borrow_mut().append(&batch, durable, now);
                    taken.expect("the log's own bytes are whole");
                    from = next;
                }
                Err(lagged) => {
                    self.overwritten(from, lagged.resume);
                    from = lagged.resume;
                }
            }
        }
        (self.page, self.durable) = (page, false);
        let mut journal = self.journal.borrow_mut();
        journal.tick(now);
        self.unkept.retry(&mut journal);
        from
    }

    async fn room(&mut self) {
        self.relay.room().await;
    }

    fn wants_checkpoint(&mut self) -> bool {
        !self.relay.stands() && self.journal.borrow().wants_checkpoint()
    }

    fn checkpoint(&mut self, item: Restore) {
        let mut bytes = [0; MAX_RECORD];
        let record = Record::Input(Input::Restore { item });
        let len = record.encode(Duration::ZERO, &mut bytes).expect("a record fits");
        self.checkpoint.extend_from_slice(&bytes[..len]);
    }

    fn checkpoint_done(&mut self) {
        let items = std::mem::take(&mut self.checkpoint);
        if let Some(program) = self.running {
            self.witness.borrow_mut().checkpoint(program, &items);
        }
        self.journal.borrow_mut().checkpoint(&items, now()).expect("the state of one house fits");
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        self.houses.get(&hash).map(|house| house.image.as_slice())
    }

    fn install_failed(&mut self, _: u64, why: LoadError) {
        self.witness.borrow_mut().refused(why);
    }
}
