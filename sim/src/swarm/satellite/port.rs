//! The satellite's recorder, as the firmware has it: it takes the log into the storage and over the link, and for the judges.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use campanile_core::link::Verdict;
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, MAX_RECORD};
use campanile_core::restore::Restore;
use campanile_core::runner::Recorder;
use campanile_flash::Keeper;

use super::end::End;
use crate::node::{self, Houses, Witness as _};
use crate::swarm::tape::Tape;

/// See the [module](self).
pub(super) struct Port {
    end: Rc<RefCell<End>>,
    tape: Rc<RefCell<Tape>>,
    houses: Rc<Houses>,
    image: Vec<u8>,
    /// Up to here the judges have seen the log; `None` before the first record.
    seen: Option<Cursor>,
    /// The checkpoint under way is one that the flash wants, too.
    keeps_checkpoint: bool,
}

impl Port {
    pub(super) const fn new(end: Rc<RefCell<End>>, tape: Rc<RefCell<Tape>>, houses: Rc<Houses>) -> Self {
        Self { end, tape, houses, image: Vec::new(), seen: None, keeps_checkpoint: false }
    }

    pub(super) fn refused(&self, why: LoadError) {
        self.tape.borrow_mut().refused(why);
    }

    /// Shows the records that are new to the judges, and to the link.
    fn observe(&mut self, log: &EventLog<'_>, from: Cursor) {
        let mut from = self.seen.unwrap_or(from);
        self.seen = Some(log.head());
        let mut bytes = [0; 4 * MAX_RECORD];
        let (mut end, mut tape) = (self.end.borrow_mut(), self.tape.borrow_mut());
        loop {
            match log.copy(from, &mut bytes) {
                Ok((0, _)) => return,
                Ok((len, next)) => {
                    let (mut at, mut rest) = (from.at, &bytes[..len]);
                    while let Some((frame, behind)) = Frame::split(rest) {
                        (at, rest) = (at.plus(frame.dt), behind);
                        let Some(record) = frame.record() else { continue };
                        tape.see(at, &frame, &record, None);
                        end.observe(&record);
                    }
                    from = next;
                }
                Err(lagged) => {
                    tape.overwritten(lagged.resume.seq - from.seq);
                    from = lagged.resume;
                }
            }
        }
    }
}

impl Recorder for Port {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        if !self.end.borrow().has_power() {
            // The processor has stopped long before this.
            return log.head();
        }
        let kept = {
            let mut end = self.end.borrow_mut();
            let window = if end.satellite.is_up() { Keeper::HURRY } else { Keeper::WINDOW };
            end.storage.keep(log, from, (node::now(), window))
        };
        self.observe(log, from);
        let mut end = self.end.borrow_mut();
        end.stirred = false;
        end.listen(log, &self.tape, &self.houses);
        end.speak(log);
        end.notice(log);
        end.tail = log.tail().seq;
        kept
    }

    fn is_stirred(&self) -> bool {
        self.end.borrow().wants()
    }

    async fn room(&mut self) {
        self.stirred().await;
    }

    fn wants_checkpoint(&mut self) -> bool {
        let end = self.end.borrow();
        self.keeps_checkpoint = end.has_power() && end.storage.wants_checkpoint();
        self.keeps_checkpoint || end.satellite.wants_checkpoint()
    }

    fn checkpoint(&mut self, item: Restore) {
        let mut end = self.end.borrow_mut();
        end.satellite.checkpoint(&item);
        if self.keeps_checkpoint {
            end.storage.checkpoint(&item);
        }
    }

    fn checkpoint_done(&mut self) {
        let mut end = self.end.borrow_mut();
        end.satellite.checkpoint_done();
        if self.keeps_checkpoint {
            end.storage.checkpoint_done();
        }
        end.stir();
    }

    async fn stirred(&mut self) {
        poll_fn(|context| {
            let mut end = self.end.borrow_mut();
            if end.wants() {
                return Poll::Ready(());
            }
            end.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        let end = self.end.borrow();
        // Another is one that was stored in the start before.
        let name = end.installing.filter(|(_, image)| *image == hash).map_or(0, |(bundle, _)| bundle);
        self.image = end.storage.bundle(name, hash)?.image.to_vec();
        drop(end);
        Some(&self.image)
    }

    fn install_failed(&mut self, _: u64, why: LoadError) {
        self.tape.borrow_mut().refused(why);
        let mut end = self.end.borrow_mut();
        if let Some((bundle, _)) = end.installing.take() {
            end.satellite.committed(bundle, Verdict::Refused);
        }
    }
}
