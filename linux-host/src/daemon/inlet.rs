//! The journal's inlet: bounded memory between the loop, which must not wait, and the journal's thread, which may.
//!
//! The loop copies whole records in; the journal's thread takes them out. While the inlet is full the loop takes no
//! input (its own log holds what is decided meanwhile); what that log overwrites is missing in the numbers, and the
//! journal records the gap.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use campanile_core::log::{Cursor, EventLog, Lagged};
use campanile_core::record::MAX_RECORD;
use campanile_core::time::Instant;
use campanile_delivery::{Batch, HostRecord, Status, StoredProgram};
use tokio::sync::oneshot;

use super::lines::now;
use crate::boards::WakeSlot;

/// Bytes of records that wait for the journal's thread: several seconds of the worst storm.
const CAPACITY: usize = 128 * 1024;

/// The loop takes input again when so much is free.
const ROOM: usize = CAPACITY / 4;

/// Bytes copied out of the log at once.
const CHUNK: usize = 4096;

/// Whole records in a row, as [`Batch`] has them.
#[derive(Debug)]
pub struct OwnedBatch {
    from: Cursor,
    to: Cursor,
    bytes: Vec<u8>,
}

impl OwnedBatch {
    /// As the journal takes it.
    pub fn as_batch(&self) -> Batch<'_> {
        Batch {
            first_seq: self.from.seq,
            base: self.from.at,
            bytes: &self.bytes,
            count: self.to.seq - self.from.seq,
        }
    }
}

/// Something for the journal's thread, in the order in which it came.
#[derive(Debug)]
pub enum Parcel {
    /// Records of the loop's.
    Records(OwnedBatch),
    /// The engine's state behind the records before: `Restore` records in a row.
    Checkpoint(Vec<u8>),
    /// A record of the host's own, and whom to tell once the journal has it.
    Host(HostRecord, oneshot::Sender<()>),
    /// A program that is about to become active.
    Program(u64, StoredProgram),
    /// Somebody wants to know how the journal is.
    Ask(oneshot::Sender<Status>),
}

/// The inlet. One loop puts in, one journal's thread takes out.
#[derive(Default)]
pub struct Inlet {
    state: Mutex<State>,
    news: Condvar,
    room: WakeSlot,
}

#[derive(Default)]
struct State {
    parcels: VecDeque<Parcel>,
    /// Of all records in the parcels.
    bytes: usize,
    /// The journal's thread sleeps.
    sleeping: bool,
    /// The journal has something to do besides what comes in here.
    nudged: bool,
    /// The loop is over: nothing more will come.
    closed: bool,
}

impl Inlet {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, state: &mut State) {
        // A wake-up is a system call even if nobody sleeps.
        if std::mem::take(&mut state.sleeping) {
            self.news.notify_one();
        }
    }

    /// Copies what is new in the log behind `from`, as much as there is room for; gives the place it got to.
    pub fn copy(&self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let mut chunk = [0; CHUNK];
        let mut at = from;
        let mut state = self.lock();
        loop {
            let room = CAPACITY.saturating_sub(state.bytes).min(CHUNK);
            if room < MAX_RECORD {
                break;
            }
            match log.copy(at, &mut chunk[..room]) {
                Ok((0, _)) => break,
                Ok((len, next)) => {
                    state.append(at, next, &chunk[..len]);
                    at = next;
                }
                Err(Lagged { resume }) => at = resume,
            }
        }
        if at != from {
            self.wake(&mut state);
        }
        at
    }

    /// Puts something else in, behind what is there.
    pub fn put(&self, parcel: Parcel) {
        let mut state = self.lock();
        state.parcels.push_back(parcel);
        self.wake(&mut state);
    }

    /// Asks how the journal is once it has what is there before. Whoever has given up on an answer takes no room, so that
    /// a disk that hangs costs no more memory than there are people who wait.
    pub fn ask(&self) -> oneshot::Receiver<Status> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        state.parcels.retain(|parcel| !matches!(parcel, Parcel::Ask(other) if other.is_closed()));
        state.parcels.push_back(Parcel::Ask(sender));
        self.wake(&mut state);
        receiver
    }

    /// Resolves when a good part is free again.
    pub async fn room(&self) {
        poll_fn(|context| {
            // Registered first: the journal's thread takes, then wakes.
            self.room.register(context.waker());
            if self.lock().bytes + ROOM <= CAPACITY { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// The journal's thread looks again for what is due.
    pub fn nudge(&self) {
        let mut state = self.lock();
        state.nudged = true;
        self.wake(&mut state);
    }

    /// The loop is over; what is in the inlet is the last.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(&mut state);
    }

    /// Takes everything, waiting for it until `due` or a nudge; `None` at the end.
    pub fn take(&self, due: Option<Instant>) -> Option<VecDeque<Parcel>> {
        let mut state = self.lock();
        while state.parcels.is_empty() && !state.closed && !std::mem::take(&mut state.nudged) {
            state.sleeping = true;
            state = match due {
                None => self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let left = due.since(now());
                    if left.is_zero() {
                        break;
                    }
                    let left = Duration::from_micros(left.micros());
                    self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.sleeping = false;
        if state.parcels.is_empty() && state.closed {
            return None;
        }
        let was_full = std::mem::take(&mut state.bytes) + ROOM > CAPACITY;
        let parcels = std::mem::take(&mut state.parcels);
        drop(state);
        if was_full {
            self.room.wake();
        }
        Some(parcels)
    }
}

impl State {
    fn append(&mut self, from: Cursor, to: Cursor, bytes: &[u8]) {
        self.bytes += bytes.len();
        match self.parcels.back_mut() {
            Some(Parcel::Records(batch)) if batch.to == from => {
                batch.bytes.extend_from_slice(bytes);
                batch.to = to;
            }
            _ => self.parcels.push_back(Parcel::Records(OwnedBatch { from, to, bytes: bytes.to_vec() })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::capacity::Tiny;
    use campanile_core::engine::{Engine, Step};
    use campanile_core::id::VarId;
    use campanile_core::input::{Input, Op, Origin};
    use campanile_core::program::{Parts, VarDef, image};

    fn engine() -> Engine<Tiny> {
        let mut buf = [0; 64];
        let variables = [VarDef::default()];
        let len = image::encode(&Parts { variables: &variables, ..Parts::default() }, &mut buf).unwrap();
        let mut engine = Engine::new();
        engine.load(Instant::ZERO, &buf[..len]).unwrap();
        engine
    }

    fn set_variable(engine: &mut Engine<Tiny>, at: u64, id: u32) {
        let at = Instant::from_micros(at);
        while let Step::Do(_) | Step::Again = engine.poll(at) {}
        let op = Op::Let { var: VarId(0), value: id as i32 };
        engine.handle(at, Input::Command { origin: Origin::Local, id, op }).unwrap();
        while let Step::Do(_) | Step::Again = engine.poll(at) {}
    }

    #[test]
    fn records_come_out_as_they_went_in_and_a_row_is_one_batch() {
        let (inlet, mut engine) = (Inlet::default(), engine());
        let start = engine.log().tail();
        set_variable(&mut engine, 1, 1);
        let middle = inlet.copy(&engine.log(), start);
        set_variable(&mut engine, 2, 2);
        let end = inlet.copy(&engine.log(), middle);
        assert_eq!(end, engine.log().head());
        let parcels = inlet.take(None).unwrap();
        assert_eq!(parcels.len(), 1);
        let Some(Parcel::Records(batch)) = parcels.front() else { panic!("no records") };
        let batch = batch.as_batch();
        assert_eq!((batch.first_seq, batch.count), (start.seq, end.seq - start.seq));
        let mut bytes = vec![0; 512];
        let (len, _) = engine.log().copy(start, &mut bytes).unwrap();
        assert_eq!(batch.bytes, &bytes[..len]);
    }

    #[test]
    fn what_the_log_overwrote_is_missing_in_the_numbers() {
        let (inlet, mut engine) = (Inlet::default(), engine());
        let start = engine.log().tail();
        for id in 1..200 {
            set_variable(&mut engine, u64::from(id), id);
        }
        inlet.copy(&engine.log(), start);
        let parcels = inlet.take(None).unwrap();
        let Some(Parcel::Records(batch)) = parcels.front() else { panic!("no records") };
        assert!(batch.as_batch().first_seq > start.seq);
    }

    #[test]
    fn a_nudge_ends_a_wait_and_counts_once() {
        let inlet = Inlet::default();
        inlet.nudge();
        assert_eq!(inlet.take(None).map(|parcels| parcels.len()), Some(0));
        assert_eq!(inlet.take(Some(Instant::ZERO)).map(|parcels| parcels.len()), Some(0), "by its time");
        inlet.close();
        assert!(inlet.take(None).is_none());
    }

    #[test]
    fn the_taker_wakes_at_its_time_and_ends_after_the_last_parcel() {
        let inlet = Inlet::default();
        assert!(inlet.take(Some(Instant::ZERO)).unwrap().is_empty());
        inlet.put(Parcel::Checkpoint(vec![1]));
        inlet.close();
        assert_eq!(inlet.take(None).unwrap().len(), 1);
        assert!(inlet.take(None).is_none());
    }

    #[test]
    fn whoever_gave_up_on_an_answer_takes_no_room_however_long_nobody_answers() {
        let inlet = Inlet::default();
        let kept = inlet.ask();
        for _ in 0..100 {
            drop(inlet.ask());
        }
        let parcels = inlet.take(None).unwrap();
        assert!(parcels.len() <= 2, "{}", parcels.len());
        let waits = |parcel: &&Parcel| matches!(parcel, Parcel::Ask(answer) if !answer.is_closed());
        assert_eq!(parcels.iter().filter(waits).count(), 1, "one that still waits is not forgotten");
        drop(kept);
    }
}
