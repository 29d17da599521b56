//! What writer and readers share: the segments, how far they may be read, and where the sinks are.
//!
//! The lock is held for a look or a change of a few words, never across a call of the system, so that no reader
//! delays the writer.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use campanile_core::time::Instant;

use crate::boot::Sign;
use crate::entry::{Damage, DamageReports, Entry};
use crate::group::Group;
use crate::name::SinkName;
use crate::position::{Cursor, Mark, Position};
use crate::program::{self, StoredProgram};
use crate::storage::{Machine, Storage};
use crate::tail::Tail;

/// The journal as its readers see it. Cheap to share; every sink has a [`Reader`](crate::Reader) of its own on it.
pub struct Index<S: Storage> {
    pub(crate) storage: Arc<S>,
    /// What is known of the time before this start.
    pub(crate) before: Option<Before>,
    state: Mutex<State>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// A reader has reported damage that the journal has not taken note of.
    damaged: AtomicBool,
    on_damage: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

pub(crate) struct State {
    /// Oldest first, in a row.
    pub segments: VecDeque<Entry>,
    /// Where what may be read of the last segment ends, as far as the writer has said so.
    pub tip: Option<Mark>,
    pub tail: Tail,
    /// The disk does not take what the tail has: readers get it from there.
    pub from_memory: bool,
    /// The last place that readers may see.
    pub head: Position,
    /// How far each sink has delivered.
    pub places: BTreeMap<SinkName, Cursor>,
    pub damage: DamageReports,
}

/// The last sign of life of the start before, and the moment of this one.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    pub sign: Sign,
    pub machine: Machine,
    pub now: Instant,
}

impl Before {
    /// Whether all that can be read of the start before is on the disk for sure; `newest` is the counter of the last
    /// start that the journal knows. What a process left to a kernel that still runs may be there and not on the disk:
    /// a sync may have failed, and the kernel does not say so twice.
    pub(crate) fn is_on_disk(&self, newest: u32) -> bool {
        let read_back = self.sign.machine.is_known() && self.machine.is_known() && !self.is_same_run();
        read_back || (self.sign.settled && self.sign.counter >= newest)
    }

    fn is_same_run(&self) -> bool {
        self.sign.machine.is_same_run(&self.machine)
    }
}

impl State {
    /// What the memory has next behind a place, while the disk does not take it.
    pub(crate) fn in_memory(&self, after: Position) -> Option<Arc<Group>> {
        if self.from_memory { self.tail.behind(after).map(Arc::clone) } else { None }
    }

    /// Where what may be read of a segment ends, if that is known without reading it.
    pub(crate) fn end_of(&self, segment: u64) -> Option<Mark> {
        let at = self.segments.partition_point(|entry| entry.id <= segment);
        self.segments.get(at).map(|next| next.start).or(self.tip)
    }
}

impl<S: Storage> Index<S> {
    pub(crate) fn new(
        storage: Arc<S>,
        segments: VecDeque<Entry>,
        head: Position,
        before: Option<Before>,
    ) -> Self {
        let state = State {
            segments,
            tip: None,
            tail: Tail::default(),
            from_memory: false,
            head,
            places: BTreeMap::new(),
            damage: DamageReports::default(),
        };
        Self {
            storage,
            before,
            state: Mutex::new(state),
            wake: OnceLock::new(),
            damaged: AtomicBool::new(false),
            on_damage: OnceLock::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what to call whenever there is more to read; once, before the first reader waits. It runs on the
    /// journal's thread and must not block.
    pub fn on_publish(&self, wake: impl Fn() + Send + Sync + 'static) {
        // A second call would take the wake-ups from whoever made the first.
        let first = self.wake.set(Box::new(wake)).is_ok();
        debug_assert!(first, "on_publish is called once");
    }

    /// Sets what to call when a reader comes upon damage: the journal is [due](crate::Journal::due) then, whatever its
    /// thread waits for. Once, before the first reader; it runs on the reader's thread and must not block.
    pub fn on_damage(&self, tell: impl Fn() + Send + Sync + 'static) {
        let first = self.on_damage.set(Box::new(tell)).is_ok();
        debug_assert!(first, "on_damage is called once");
    }

    /// A reader has come upon damage, and goes on behind it: the word on it must not wait for the next record.
    pub(crate) fn report(&self, damage: Damage) {
        self.lock().damage.report(damage);
        self.damaged.store(true, Ordering::Release);
        if let Some(tell) = self.on_damage.get() {
            tell();
        }
    }

    /// Whether there is damage to take note of.
    pub(crate) fn has_damage(&self) -> bool {
        self.damaged.load(Ordering::Acquire)
    }

    /// Damage that readers came upon.
    pub(crate) fn take_damage(&self) -> Vec<Damage> {
        if self.damaged.swap(false, Ordering::AcqRel) { self.lock().damage.take() } else { Vec::new() }
    }

    pub(crate) fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// The last place that readers may see.
    pub fn head(&self) -> Position {
        self.lock().head
    }

    /// Before the oldest record that there still is.
    pub fn oldest(&self) -> Position {
        let state = self.lock();
        let tail = || state.tail.unwritten().next().map(|group| group.start.at);
        state.segments.front().map(|entry| entry.start.at).or_else(tail).unwrap_or(state.head)
    }

    /// About how many bytes of the journal lie before a place, and how many there are.
    pub fn bytes_before(&self, place: Position) -> (u64, u64) {
        let state = self.lock();
        let bytes =
            |entries: &mut dyn Iterator<Item = &Entry>| entries.map(|entry| u64::from(entry.end)).sum();
        let passed = state.segments.partition_point(|entry| entry.start.at <= place).saturating_sub(1);
        (bytes(&mut state.segments.iter().take(passed)), bytes(&mut state.segments.iter()))
    }

    /// Tells retention how far a sink has delivered. One that has a cursor is known from the start on; one that never says
    /// is not waited for.
    pub fn set_place(&self, sink: &SinkName, place: Cursor) {
        let mut state = self.lock();
        match state.places.get_mut(sink) {
            Some(at) => *at = place,
            None => {
                state.places.insert(sink.clone(), place);
            }
        }
    }

    /// Sinks that are no longer there need not be waited for.
    pub fn keep_places(&self, is_there: impl Fn(&SinkName) -> bool) {
        self.lock().places.retain(|sink, _| is_there(sink));
    }

    /// The program with this hash, as long as a segment names it.
    ///
    /// # Errors
    /// The disk fails, or what it has is damaged.
    pub fn program(&self, hash: u64) -> io::Result<Option<StoredProgram>> {
        program::load(&*self.storage, hash)
    }

    /// Adds a program that was linked into a board's firmware, so that nobody has brought it here: as
    /// [`Journal::keep_program`](crate::Journal::keep_program) does. For one that is not
    /// there, or is damaged: what is whole belongs to the journal's writer.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn add_program(&self, hash: u64, program: &StoredProgram) -> io::Result<()> {
        let newest = self.lock().segments.back().map_or(0, |entry| entry.id);
        program::save(&*self.storage, hash, newest, program)
    }
}
