//! The satellite's recorder, as the firmware has it: it takes the log to the end of the link, and before that to the judges.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{Frame, MAX_RECORD};
use campanile_core::restore::Restore;
use campanile_core::runner;

use super::ground::End;
use crate::node::Witness as _;
use crate::swarm::tape::Tape;

/// See the [module](self).
pub(super) struct Recorder {
    end: Rc<RefCell<End>>,
    tape: Rc<RefCell<Tape>>,
    image: Vec<u8>,
    /// Up to here the judges have seen the log; `None` before the first record.
    seen: Option<Cursor>,
}

impl Recorder {
    pub(super) const fn new(end: Rc<RefCell<End>>, tape: Rc<RefCell<Tape>>) -> Self {
        Self { end, tape, image: Vec::new(), seen: None }
    }

    pub(super) fn refused(&self, why: LoadError) {
        self.tape.borrow_mut().refused(why);
    }

    /// Shows the records that are new to the judges.
    fn witness(&mut self, log: &EventLog<'_>, from: Cursor) {
        let mut from = self.seen.unwrap_or(from);
        self.seen = Some(log.head());
        let mut bytes = [0; 4 * MAX_RECORD];
        let mut tape = self.tape.borrow_mut();
        loop {
            match log.copy(from, &mut bytes) {
                Ok((0, _)) => return,
                Ok((len, next)) => {
                    let (mut at, mut rest) = (from.at, &bytes[..len]);
                    while let Some((frame, behind)) = Frame::split(rest) {
                        (at, rest) = (at.plus(frame.dt), behind);
                        let Some(record) = frame.record() else { continue };
                        tape.see(at, &frame, &record, None);
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

impl runner::Recorder for Recorder {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        if !self.end.borrow().port.has_power() {
            // The processor has stopped long before this.
            return log.head();
        }
        self.witness(log, from);
        let mut end = self.end.borrow_mut();
        let recorded = end.visit(log, from);
        end.port.recorded(recorded.seq);
        end.port.tail = log.tail().seq;
        recorded
    }

    fn is_stirred(&self) -> bool {
        is_stirred(&self.end.borrow())
    }

    async fn room(&mut self) {
        self.stirred().await;
    }

    async fn stirred(&mut self) {
        poll_fn(|context| {
            let mut end = self.end.borrow_mut();
            if is_stirred(&end) {
                return Poll::Ready(());
            }
            end.port.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn wants_checkpoint(&mut self) -> bool {
        let mut end = self.end.borrow_mut();
        end.port.has_power() && end.wants_checkpoint()
    }

    fn checkpoint(&mut self, item: Restore) {
        self.end.borrow_mut().checkpoint(&item);
    }

    fn checkpoint_done(&mut self) {
        self.end.borrow_mut().checkpoint_done();
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        let end = self.end.borrow();
        let staged = end.staged(hash).map(|bundle| bundle.image.to_vec());
        self.image = staged.or_else(|| end.port.image(hash))?;
        drop(end);
        Some(&self.image)
    }

    fn install_failed(&mut self, _: u64, why: LoadError) {
        self.tape.borrow_mut().refused(why);
        self.end.borrow_mut().install_failed();
    }
}

/// Whether the loop has to look at the link now.
pub(super) fn is_stirred(end: &End) -> bool {
    end.port.has_power() && end.is_stirred()
}
