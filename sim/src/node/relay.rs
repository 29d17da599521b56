//! From the loop to the journal's thread. What the loop hands over is in the journal at once, unless that thread stands
//! still: then it waits in bounded memory, as the daemon's inlet has it, and when that is full the loop takes no input.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Poll, Waker};

use campanile_core::log::{Cursor, EventLog};
use campanile_core::record::MAX_RECORD;
use campanile_core::time::Instant;
use campanile_delivery::disk::Disk;
use campanile_delivery::{Batch, Journal};

/// So much of the log is copied at once.
pub(super) const PAGE: usize = 4096;

/// The way; clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Relay(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    /// So many bytes of records may wait; `None` while the journal's thread works.
    room: Option<usize>,
    parcels: VecDeque<Parcel>,
    /// Of all parcels.
    bytes: usize,
    /// The loop, which waits for room.
    waker: Option<Waker>,
}

/// Whole records in a row.
struct Parcel {
    from: Cursor,
    count: u64,
    bytes: Vec<u8>,
    /// An event of a `durable` input is among them.
    durable: bool,
}

impl Relay {
    /// The journal's thread stands still from now on; so many bytes of records may wait for it.
    pub(crate) fn hold(&self, room: usize) {
        let mut state = self.0.borrow_mut();
        state.room = Some(room);
        // There may be more room than before.
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Whether the journal's thread stands still.
    pub(crate) fn stands(&self) -> bool {
        self.0.borrow().room.is_some()
    }

    /// Whether it stands still, and no record of any length finds room.
    pub(crate) fn is_full(&self) -> bool {
        let state = self.0.borrow();
        state.room.is_some_and(|room| state.free(room) < MAX_RECORD)
    }

    /// Takes what is new in the log behind `from`, as much as there is room for; gives the place it got to.
    pub(super) fn put(&self, log: &EventLog<'_>, mut from: Cursor, durable: bool) -> Cursor {
        let mut state = self.0.borrow_mut();
        let mut page = [0; PAGE];
        loop {
            let free = state.free(state.room.unwrap_or(0)).min(PAGE);
            if free < MAX_RECORD {
                return from;
            }
            match log.copy(from, &mut page[..free]) {
                Ok((0, _)) => return from,
                Ok((len, next)) => {
                    let bytes = page[..len].to_vec();
                    state.parcels.push_back(Parcel { from, count: next.seq - from.seq, bytes, durable });
                    state.bytes += len;
                    from = next;
                }
                // The journal sees by the numbers that records are missing.
                Err(lagged) => from = lagged.resume,
            }
        }
    }

    /// The journal's thread goes on, and takes what waits.
    pub(crate) fn release(&self, journal: &mut Journal<Disk>, now: Instant) {
        let mut state = self.0.borrow_mut();
        if state.room.take().is_none() {
            return;
        }
        state.bytes = 0;
        for Parcel { from, count, bytes, durable } in state.parcels.drain(..) {
            let batch = Batch { first_seq: from.seq, base: from.at, bytes: &bytes, count };
            journal.append(&batch, durable, now).expect("the log's own bytes are whole");
        }
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        drop(state);
        journal.tick(now);
    }

    /// Resolves when the journal's thread works, or there is room for a record of any length.
    pub(super) async fn room(&self) {
        std::future::poll_fn(|context| {
            let mut state = self.0.borrow_mut();
            if state.room.is_none_or(|room| state.free(room) >= MAX_RECORD) {
                return Poll::Ready(());
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl State {
    fn free(&self, room: usize) -> usize {
        room.saturating_sub(self.bytes)
    }
}
