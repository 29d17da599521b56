//! What the end of a satellite's link stands on here: a flash, a wire that the world shares, and lines that programs know by
//! their names. Without power nothing of it does anything.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use campanile_core::id::OutputId;
use campanile_core::link::Verdict;
use campanile_core::link::bundle::Bundle;
use campanile_core::program::image;
use campanile_core::program::verify::{Room, verify};
use campanile_core::runner::Message;
use campanile_core::time::Instant;
use campanile_delivery::satellite::Program;
use campanile_flash::{News, Port, Store, Wired};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;

use super::chip::{Chip, Supply};
use super::programs::Programs;
use crate::node;
use crate::swarm::tape::Tape;

/// The longest bundle that is taken over the link where there is no flash for it.
const BUNDLE_MAX: usize = 4096;

/// As many outputs as any program may have.
const OUTPUTS: usize = 64;

/// The end that ships.
pub(super) type End = campanile_flash::End<Ground, BUNDLE_MAX, OUTPUTS>;

/// What goes in besides edges.
pub(super) type Messages = Channel<NoopRawMutex, Message, 4>;

/// See the [module](self). Of one start.
pub(super) struct Ground {
    store: Option<RefCell<Store<Chip>>>,
    supply: Rc<Supply>,
    /// The number of this start in the store; 0: nothing is kept in it.
    own: u64,
    programs: Rc<Programs>,
    /// The program that is linked in.
    factory: u64,
    /// The program that runs.
    running: u64,
    /// How many have taken over.
    generation: u32,
    messages: Rc<Messages>,
    tape: Rc<RefCell<Tape>>,
    heard: VecDeque<u8>,
    sent: Vec<Vec<u8>>,
    /// The serial port has not yet sent what it was given: as on a board, it takes one frame at a time.
    is_sending: bool,
    /// Records before this number are known to be kept.
    pub(super) kept: u64,
    /// Records before this number are gone from its memory.
    pub(super) tail: u64,
    pub(super) waker: Option<Waker>,
}

impl Ground {
    /// Of the start `own`, 0 without storage, in which `running` goes on first.
    pub(super) fn new(
        (store, supply): (Option<Store<Chip>>, &Rc<Supply>),
        own: u64,
        programs: &Rc<Programs>,
        (factory, running): (u64, u64),
        tape: &Rc<RefCell<Tape>>,
    ) -> Self {
        Self {
            store: store.map(RefCell::new),
            supply: Rc::clone(supply),
            own,
            programs: Rc::clone(programs),
            factory,
            running,
            generation: 0,
            messages: Rc::new(Messages::new()),
            tape: Rc::clone(tape),
            heard: VecDeque::new(),
            sent: Vec::new(),
            is_sending: false,
            kept: 1,
            tail: 1,
            waker: None,
        }
    }

    pub(super) fn messages(&self) -> Rc<Messages> {
        Rc::clone(&self.messages)
    }

    /// Whether there is still power: without it nothing happens any more.
    pub(super) fn has_power(&self) -> bool {
        self.supply.has_power()
    }

    /// Bytes have come.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.heard.extend(bytes);
        self.wake();
    }

    /// The frames that it has sent.
    pub(super) fn sent(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.sent)
    }

    /// The serial port has sent all that it was given.
    pub(super) const fn has_sent(&mut self) {
        self.is_sending = false;
    }

    /// The loop has to look at the link.
    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Another program has taken over.
    pub(super) const fn installed(&mut self, program: u64) {
        (self.running, self.generation) = (program, self.generation.wrapping_add(1));
    }

    /// The loop was told that records before this number need not be in its memory any more: they are kept, or given up.
    pub(super) fn recorded(&mut self, seq: u64) {
        let store = self.store.as_ref().filter(|_| self.own != 0);
        if store.is_some_and(|store| store.borrow().head().seq >= seq) {
            self.kept = seq;
        }
    }

    /// The oldest record that is kept: of which start, and its number.
    pub(super) fn oldest(&self) -> Option<(u64, u64)> {
        let tail = self.store.as_ref().filter(|_| self.own != 0)?.borrow().tail();
        Some((tail.boot, tail.seq))
    }

    /// The image with this hash, in the store or linked in.
    pub(super) fn image(&self, hash: u64) -> Option<Vec<u8>> {
        let store = self.store.as_ref().map(RefCell::borrow);
        let bundles = campanile_flash::programs(store.as_deref(), self.linked_in()).filter_map(Bundle::open);
        let mut images = bundles.map(|bundle| bundle.image);
        images.find(|image| image::hash(image) == hash).map(<[u8]>::to_vec)
    }

    /// The start is over: gives the flash back.
    pub(super) fn close(&mut self) -> Option<Chip> {
        self.store.take().map(|store| store.into_inner().close())
    }
}

impl Port for Ground {
    type Flash = Chip;

    const BOARD: &'static str = "simulated";

    fn now(&self) -> Instant {
        node::now()
    }

    fn store(&self) -> Option<&RefCell<Store<Chip>>> {
        self.store.as_ref()
    }

    fn linked_in(&self) -> impl Iterator<Item = &[u8]> {
        self.programs.bundle(self.factory).map(Program::bundle).into_iter()
    }

    fn has_heard(&self) -> bool {
        self.has_power() && !self.heard.is_empty()
    }

    fn hear(&mut self) -> Option<u8> {
        if self.has_power() { self.heard.pop_front() } else { None }
    }

    fn takes_frame(&self) -> bool {
        self.has_power() && !self.is_sending
    }

    fn say(&mut self, frame: &[u8]) {
        self.is_sending = true;
        self.sent.push(frame.to_vec());
    }

    fn takes_message(&self) -> bool {
        self.messages.free_capacity() > 0
    }

    fn tell(&mut self, message: Message) {
        let _ = self.messages.try_send(message);
    }

    fn check(&self, bundle: &Bundle<'_>, room: &Room) -> Result<(), Verdict> {
        // The lines of others are lines that this board has not.
        self.programs.houses.get(&image::hash(bundle.image)).ok_or(Verdict::UnknownLine)?;
        Ok(verify(bundle.image, room)?)
    }

    fn program(&self) -> u64 {
        self.running
    }

    fn generation(&self) -> u32 {
        self.generation
    }

    fn output(&self, output: OutputId) -> Option<Wired> {
        self.programs.output(self.running, output)
    }

    fn note(&mut self, news: News) {
        if let News::Assigned { own, number } = news {
            self.tape.borrow_mut().assigned(own, number);
        }
    }
}
