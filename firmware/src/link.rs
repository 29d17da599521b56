//! The satellite's end of the link, over the serial line: it stands where the log's way out is otherwise. A host takes the
//! log; what the host wants goes to the loop as messages. Without a host the log goes on without it, and overwrites its
//! oldest records: those in flash where the board has some, from which nothing goes that a power cut could take back.

mod held;
mod incoming;

use core::cell::RefCell;
use core::future::pending;

use campanile_core::decision::{By, Decision, Origin};
use campanile_core::id::PeerId;
use campanile_core::input::{Input, Op};
use campanile_core::link::bundle::Bundle;
use campanile_core::link::{About, Collector, Health, MAX_FRAME, Request, Satellite, Verdict, own_command};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::image;
use campanile_core::program::verify::{LoadError, Room};
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::runner::{Message, Recorder};
use campanile_core::time::{Duration, Instant};
use campanile_flash::{Offered, Served};
use embassy_futures::select::select3;

use crate::board::{Board, This};
use crate::keeper::{Keeper, WINDOW};
use crate::storage::{self, Storage};
use crate::trace;
use crate::{MESSAGES, choice, clock, serial, wiring};
use held::Held;
use incoming::Incoming;

/// Bytes of what the firmware says of itself in one frame.
#[cfg(feature = "defmt")]
const TRACES: usize = 96;

/// The host, to scenarios.
const HOST: PeerId = PeerId(0);

/// Takes the log, and the host's words.
pub(crate) struct Link<'a> {
    satellite: Satellite,
    collector: Collector,
    store: Option<&'a RefCell<Storage>>,
    /// The same, if this start has a number there: without one nothing is kept in it, and nothing read.
    stored: Option<&'a RefCell<Storage>>,
    keeper: Keeper<'a>,
    /// The checkpoint under way is one that the store wants, too.
    keeps_checkpoint: bool,
    /// Up to here the log was looked at; `None` before the first record.
    seen: Option<Cursor>,
    /// The start whose records the store offers; `None` without storage.
    offered: Option<Offered>,
    incoming: Incoming<'a>,
    /// The bundle that the loop is to install, and the hash of its image.
    installing: Option<(u64, u64)>,
    room: Room,
    /// Whether scenarios believe that the host is there.
    up: bool,
    held: Held,
    /// There is more to send than the line takes now.
    more: bool,
}

impl<'a> Link<'a> {
    /// Of the start `own`, 0 without storage, in which the image with the hash `program` runs.
    pub(crate) fn new(store: Option<&'a RefCell<Storage>>, own: u64, program: u64, room: Room) -> Self {
        let bundle = storage::name_of(store.map(RefCell::borrow).as_deref(), program);
        let stored = store.filter(|_| own != 0);
        let offered = stored.map(|store| Offered::first(&store.borrow(), own));
        trace::info!("start {=u64:#x} with program {=u64:016x}", own, program);
        let mut satellite = Satellite::new(own, bundle, This::random());
        if let Some(offered) = offered {
            satellite.offer(Instant::ZERO, offered.number(), offered.is_over());
        }
        Self {
            satellite,
            collector: Collector::new(),
            store,
            stored,
            keeper: Keeper::new(stored),
            keeps_checkpoint: false,
            seen: None,
            offered,
            incoming: Incoming::new(store),
            installing: None,
            room,
            up: false,
            held: Held::new(),
            more: false,
        }
    }

    /// Looks at the records that are new.
    fn observe(&mut self, log: &EventLog<'_>, from: Cursor) {
        let mut from = self.seen.unwrap_or(from);
        loop {
            let (entry, next) = match log.read(from) {
                Ok(Some(read)) => read,
                Ok(None) => break,
                Err(lagged) => {
                    self.overlooked();
                    from = lagged.resume;
                    continue;
                }
            };
            from = next;
            match entry.record {
                Record::Decision(Decision::Reply { origin: Origin::Link, id, result }) => {
                    self.satellite.reply(id, result);
                }
                Record::Decision(Decision::Set { output, by, .. }) => {
                    self.held.switched(output, by == (By::Command { origin: Origin::Link }));
                }
                Record::Input(Input::Install { hash }) => self.installed(hash),
                _ => {}
            }
        }
        self.seen = Some(log.head());
    }

    /// Another program has taken over: one that came over the link, or that was stored in the start before.
    fn installed(&mut self, image: u64) {
        trace::info!("program {=u64:016x} has taken over", image);
        self.held.rewired();
        let asked = self.installing.take_if(|(_, installing)| *installing == image).map(|(bundle, _)| bundle);
        let name = || storage::name_of(self.store.map(RefCell::borrow).as_deref(), image);
        self.satellite.committed(asked.unwrap_or_else(name), Verdict::Runs);
    }

    /// More was recorded at once than the log has room for: what was under way may have come to its end there.
    fn overlooked(&mut self) {
        let runs = wiring::with(|wiring| wiring.program);
        if self.installing.is_some_and(|(_, image)| image == runs) {
            self.installed(runs);
        }
    }

    fn listen(&mut self, log: &EventLog<'_>) {
        while let Some(byte) = serial::take() {
            let Some(message) = self.collector.push(byte) else { continue };
            let stored = self.stored.map(RefCell::borrow);
            let served = Served::new(stored.as_deref().zip(self.offered), log);
            let request = self.satellite.receive(clock::now(), message, &served);
            drop(stored);
            match request {
                Some(Request::Command { origin, id, op, issued }) => {
                    if MESSAGES.try_send(Message::Command { origin, id, op, issued }).is_err() {
                        self.satellite.put_off(id);
                    }
                }
                Some(Request::Clock { unix, offset, trusted }) => {
                    let clock = Message::Input(Input::Clock { unix, offset, trusted });
                    if MESSAGES.try_send(clock).is_err() {
                        self.satellite.clock_missed();
                    }
                }
                Some(Request::Image { hash, len, offset, bytes }) => {
                    // What is being installed stays where it is until it runs.
                    let have = match self.installing {
                        Some(_) => Ok(0),
                        None => self.incoming.take(self.satellite.bundle(), (hash, len), offset, bytes),
                    };
                    match have {
                        Ok(have) => self.satellite.stored(hash, have),
                        Err(verdict) => self.satellite.committed(hash, verdict),
                    }
                }
                Some(Request::Commit { hash }) => {
                    if let Err(verdict) = self.commit(hash) {
                        #[cfg(feature = "defmt")]
                        defmt::warn!("bundle {=u64:016x} is not taken: {}", hash, verdict);
                        self.satellite.committed(hash, verdict);
                    }
                }
                Some(Request::Taken { seq, .. }) => self.taken(seq),
                Some(Request::Assigned { boot }) => {
                    if let (Some(store), Some(offered)) = (self.stored, &mut self.offered) {
                        offered.assigned(&mut store.borrow_mut(), boot);
                    }
                }
                None => {}
            }
        }
    }

    /// The host has all records of the offered start before this one.
    fn taken(&mut self, seq: u64) {
        if let (Some(store), Some(offered)) = (self.stored, &mut self.offered)
            && offered.taken(&mut store.borrow_mut(), seq)
        {
            self.satellite.offer(clock::now(), offered.number(), offered.is_over());
        }
    }

    /// Checks a bundle, stores it, and asks the loop to take it over.
    fn commit(&mut self, hash: u64) -> Result<(), Verdict> {
        let bytes = self.incoming.whole(hash).ok_or(Verdict::Incomplete)?;
        let bundle = Bundle::open(bytes).ok_or(Verdict::Malformed)?;
        choice::check(&bundle, &self.room)?;
        let image = image::hash(bundle.image);
        if MESSAGES.free_capacity() == 0 {
            return Err(Verdict::Incomplete);
        }
        self.incoming.commit(hash)?;
        self.installing = Some((hash, image));
        let _ = MESSAGES.try_send(Message::Install { hash: image });
        Ok(())
    }

    /// Tells the scenarios that the host came or went; outputs that it held take their safe levels, if the file says so.
    fn notice(&mut self, log: &EventLog<'_>) {
        let up = self.satellite.is_up();
        // The outputs of a program that is about to take over may have other ids.
        if up == self.up || self.installing.is_some() || MESSAGES.free_capacity() == 0 {
            return;
        }
        if !up && let Some((output, level)) = self.held.take_unsafe() {
            let start = self.offered.map_or(0, |offered| offered.runs());
            let id = own_command(start, log.head().seq);
            let op = Op::Set { output, level };
            let _ =
                MESSAGES.try_send(Message::Command { origin: Origin::Local, id, op, issued: clock::now() });
            return;
        }
        let _ = MESSAGES.try_send(Message::Input(Input::Link { peer: HOST, up }));
        trace::info!("the host is there: {=bool}", up);
        self.up = up;
    }

    fn speak(&mut self, log: &EventLog<'_>) {
        let stored = self.stored.map(RefCell::borrow);
        let (room, bundle_max) = (self.room, self.incoming.max());
        let health = self.store.map_or(Health::NO_STORAGE, |store| store.borrow().health().into());
        let about = About { node: "", board: env!("BOARD"), room, bundle_max, health };
        let served = Served::new(stored.as_deref().zip(self.offered), log);
        let mut frame = [0; MAX_FRAME];
        self.more = true;
        while serial::free() >= MAX_FRAME {
            let Some(len) = self.satellite.transmit(clock::now(), &about, &served, &mut frame) else {
                self.more = false;
                break;
            };
            serial::push(frame.get(..len).unwrap_or_default());
        }
        #[cfg(feature = "defmt")]
        self.speak_of_itself();
    }

    /// What the firmware says of itself, when nothing else is to be said.
    #[cfg(feature = "defmt")]
    fn speak_of_itself(&self) {
        let (mut frames, mut frame) = ([0; TRACES], [0; MAX_FRAME]);
        if self.more || !self.satellite.is_up() || serial::free() < MAX_FRAME {
            return;
        }
        let len = trace::take(&mut frames);
        let said = frames.get(..len).filter(|said| !said.is_empty());
        if let Some(len) = said.and_then(|said| self.satellite.trace(said, &mut frame)) {
            serial::push(frame.get(..len).unwrap_or_default());
        }
    }

    /// When there is something to say, to keep, or to notice, though nothing happens.
    fn due(&self) -> Instant {
        // A host that has gone is noticed at once; who could not be told of it is told soon.
        if self.up != self.satellite.is_up() {
            return clock::now().plus(Duration::from_millis(1));
        }
        self.keeper.due().min(self.satellite.due())
    }
}

impl Recorder for Link<'_> {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let window = if self.satellite.is_up() { campanile_flash::Keeper::HURRY } else { WINDOW };
        let kept = self.keeper.keep(log, from, window);
        self.observe(log, from);
        self.listen(log);
        self.speak(log);
        self.notice(log);
        // What flash does not take nobody waits for: the link has it from memory, and the keeper tries again on its own.
        let is_dead = self.stored.is_some_and(|store| store.borrow().is_dead());
        if is_dead { log.head() } else { kept }
    }

    fn is_stirred(&self) -> bool {
        serial::has_heard() || self.due() <= clock::now() || self.more && serial::free() >= MAX_FRAME
    }

    async fn room(&mut self) {
        self.stirred().await;
    }

    async fn stirred(&mut self) {
        let more = self.more;
        let room = async {
            if more {
                serial::room(MAX_FRAME).await;
            } else {
                pending::<()>().await;
            }
        };
        select3(serial::heard(), clock::wait_until(self.due()), room).await;
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.keeps_checkpoint = self.keeper.wants_checkpoint();
        self.keeps_checkpoint || self.satellite.wants_checkpoint()
    }

    fn checkpoint(&mut self, item: Restore) {
        self.satellite.checkpoint(&item);
        if self.keeps_checkpoint {
            self.keeper.checkpoint(&item);
        }
    }

    fn checkpoint_done(&mut self) {
        self.satellite.checkpoint_done();
        self.more = true;
        if self.keeps_checkpoint {
            self.keeper.checkpoint_done();
        }
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        // Another is one that was stored in the start before.
        let name = self.installing.filter(|(_, image)| *image == hash).map_or(0, |(bundle, _)| bundle);
        let opened = self.incoming.bundle(name, hash)?;
        // It was checked when it came: the engine takes it.
        wiring::prepare(opened)
    }

    fn install_failed(&mut self, _: u64, _: LoadError) {
        if let Some((bundle, _)) = self.installing.take() {
            self.satellite.committed(bundle, Verdict::Refused);
        }
    }
}
