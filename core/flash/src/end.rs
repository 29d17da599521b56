//! A satellite's end of the link, between the wire, the loop and the store: it stands where the log's way out is otherwise. A
//! host takes the log; what the host wants goes to the loop as messages. Without a host the log goes on without it, and
//! overwrites its oldest records: those in flash where there is some, from which nothing goes that a power cut could take back.

mod held;
mod programs;

use core::cell::RefCell;

use campanile_core::decision::{Decision, Origin};
use campanile_core::id::PeerId;
use campanile_core::input::{Input, Op};
use campanile_core::link::{
    About, Collector, Health, MAX_FRAME, Request, Runs, Satellite, Staging, Verdict, own_command,
};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::verify::Room;
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::runner::Message;
use campanile_core::time::Instant;

use crate::keeper::Keeper;
use crate::offered::Offered;
use crate::port::{News, Port};
use crate::served::Served;
use crate::store::Store;
use held::Held;
use programs::name;

/// The host, to scenarios.
const HOST: PeerId = PeerId(0);

/// See the [module](self). `BUNDLE` is the longest bundle that is taken over the link where there is no flash for it; `OUTPUTS`
/// is how many a program may have.
///
/// A loop's [`Recorder`](campanile_core::runner::Recorder) calls these in its own functions of the same names, and has `visit` for
/// `record`.
pub struct End<P: Port, const BUNDLE: usize, const OUTPUTS: usize> {
    /// What it stands on.
    pub port: P,
    satellite: Satellite,
    collector: Collector,
    keeper: Keeper,
    /// The number of this start in the store; 0: nothing is kept in it, and nothing read.
    own: u64,
    /// The start whose records the store offers; `None` without storage.
    offered: Option<Offered>,
    /// Bundles that come, where there is no flash for them.
    staging: Staging<BUNDLE>,
    /// The bundle that the loop is to install, and the hash of its image.
    installing: Option<(u64, u64)>,
    /// The program whose records are looked at. The port's may be the next one already.
    runs: Runs,
    /// The [generation](Port::generation) of the program that was looked at last.
    generation: u32,
    room: Room,
    held: Held<OUTPUTS>,
    /// Up to here the log was looked at; `None` before the first record.
    seen: Option<Cursor>,
    /// The checkpoint under way is one that the store wants, too.
    keeps_checkpoint: bool,
    /// Whether scenarios believe that the host is there.
    up: bool,
    /// There is more to send than the wire takes now.
    more: bool,
    /// So many commands has it given the loop by itself.
    commands: u32,
}

impl<P: Port, const BUNDLE: usize, const OUTPUTS: usize> End<P, BUNDLE, OUTPUTS> {
    /// Of the start `own`, 0 without storage, with the port's program, in an engine with this room. `noise` is different at each
    /// start.
    pub fn new(port: P, own: u64, noise: u32, room: Room) -> Self {
        let (program, generation) = (port.program(), port.generation());
        let (bundle, runs) = (name(&port, program), Runs { program, since: 0 });
        let offered = stored(&port, own).map(|store| Offered::first(&store.borrow(), own));
        let mut satellite = Satellite::new(own, bundle, noise);
        if let Some(offered) = offered {
            satellite.offer(Instant::ZERO, offered.number(), offered.is_over());
        }
        Self {
            held: Held::new(&port),
            port,
            satellite,
            collector: Collector::new(),
            keeper: Keeper::new(),
            own,
            offered,
            staging: Staging::new(),
            installing: None,
            runs,
            generation,
            room,
            seen: None,
            keeps_checkpoint: false,
            up: false,
            more: false,
            commands: 0,
        }
    }

    /// Keeps and looks at what is new, listens and speaks; the first record is behind `from`. Gives the place up to which the
    /// log may be overwritten.
    pub fn visit(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        let window = if self.satellite.is_up() { Keeper::HURRY } else { Keeper::WINDOW };
        let store = stored(&self.port, self.own);
        let mut store = store.map(RefCell::borrow_mut);
        let kept = self.keeper.keep(store.as_deref_mut(), log, from, (self.port.now(), window));
        // What flash does not take nobody waits for: the link has it from memory, and the keeper tries again on its own.
        let is_dead = store.as_deref().is_some_and(Store::is_dead);
        drop(store);
        self.observe(log, from);
        self.listen(log);
        self.speak(log);
        self.notice();
        if is_dead { log.head() } else { kept }
    }

    /// Looks at the records that are new.
    fn observe(&mut self, log: &EventLog<'_>, from: Cursor) {
        let mut from = self.seen.unwrap_or(from);
        loop {
            let (entry, next) = match log.read(from) {
                Ok(Some(read)) => read,
                Ok(None) => break,
                Err(lagged) => {
                    from = lagged.resume;
                    self.overlooked(from.seq);
                    continue;
                }
            };
            let seq = from.seq;
            from = next;
            match entry.record {
                Record::Decision(Decision::Reply { origin: Origin::Link, id, result }) => {
                    self.satellite.reply(id, result);
                }
                Record::Decision(Decision::Set { output, by, .. }) => self.held.switched(output, by),
                Record::Input(Input::Install { hash }) => self.installed(hash, seq),
                _ => {}
            }
        }
        self.seen = Some(log.head());
    }

    /// Another program has taken over, with the record of this number: one that came over the link, or that was stored in the
    /// start before.
    fn installed(&mut self, image: u64, since: u64) {
        let is_asked = self.installing.is_some_and(|(_, installing)| installing == image);
        let is_known = image == self.runs.program && !is_asked;
        self.runs = Runs { program: image, since };
        if is_known {
            // Behind what was overwritten comes the record of what is known already.
            return;
        }
        self.port.note(News::Runs { program: image });
        self.generation = self.port.generation();
        self.held.rewired(&self.port);
        let asked = self.installing.take_if(|(_, installing)| *installing == image).map(|(bundle, _)| bundle);
        self.satellite.committed(asked.unwrap_or_else(|| name(&self.port, image)), Verdict::Runs);
    }

    /// More was recorded at once than the log has room for, and the record of this number is the next that is left: what was
    /// under way may have come to its end there, and somebody else may have switched what the host held.
    fn overlooked(&mut self, next: u64) {
        if self.port.generation() != self.generation {
            // If it took over later than that, its record is still to come.
            self.installed(self.port.program(), next);
        }
        self.satellite.overlooked();
        self.held.doubt();
    }

    fn listen(&mut self, log: &EventLog<'_>) {
        while let Some(byte) = self.port.hear() {
            let Some(message) = self.collector.push(byte) else { continue };
            let store = stored(&self.port, self.own).map(RefCell::borrow);
            let served = Served::new(store.as_deref().zip(self.offered), log);
            let request = self.satellite.receive(self.port.now(), message, &served);
            drop(store);
            match request {
                Some(Request::Command { origin, id, op, issued }) => {
                    if self.port.takes_message() {
                        self.port.tell(Message::Command { origin, id, op, issued });
                    } else {
                        self.satellite.put_off(id);
                    }
                }
                Some(Request::Clock { unix, offset, trusted }) => {
                    if self.port.takes_message() {
                        self.port.tell(Message::Input(Input::Clock { unix, offset, trusted }));
                    } else {
                        self.satellite.clock_missed();
                    }
                }
                Some(Request::Image { hash, len, offset, bytes }) => {
                    // What is being installed stays where it is until it runs.
                    let have = match (self.installing, self.port.store()) {
                        (Some(_), _) => Ok(0),
                        (None, None) => Ok(self.staging.take(hash, len, offset, bytes)),
                        (None, Some(store)) => {
                            let runs = self.satellite.bundle();
                            store.borrow_mut().take_piece(runs, (hash, len), offset, bytes)
                        }
                    };
                    match have {
                        Ok(have) => self.satellite.stored(hash, have),
                        Err(verdict) => self.satellite.committed(hash, verdict),
                    }
                }
                Some(Request::Commit { hash }) => {
                    if let Err(verdict) = self.commit(hash) {
                        self.port.note(News::NotTaken { bundle: hash, verdict });
                        self.satellite.committed(hash, verdict);
                    }
                }
                Some(Request::Taken { seq, .. }) => self.taken(seq),
                Some(Request::Assigned { boot }) => self.assigned(boot),
                None => {}
            }
        }
    }

    /// The host calls the start whose records are offered by this number.
    fn assigned(&mut self, number: u64) {
        if let (Some(store), Some(offered)) = (stored(&self.port, self.own), &mut self.offered) {
            offered.assigned(&mut store.borrow_mut(), number);
        }
        let own = self.offered.map_or(0, |offered| offered.own());
        self.port.note(News::Assigned { own, number });
    }

    /// The host has all records of the offered start before this one.
    fn taken(&mut self, seq: u64) {
        if let (Some(store), Some(offered)) = (stored(&self.port, self.own), &mut self.offered)
            && offered.taken(&mut store.borrow_mut(), seq)
        {
            self.satellite.offer(self.port.now(), offered.number(), offered.is_over());
        }
    }

    /// Tells the scenarios that the host came or went; outputs that it held take their safe levels, if the file says so. One
    /// message at a time: the loop looks here again behind each.
    fn notice(&mut self) {
        if !self.has_notice() {
            return;
        }
        let up = self.satellite.has_host();
        if !up && let Some((output, level)) = self.held.take_unsafe(&self.port) {
            self.commands = self.commands.wrapping_add(1);
            let (id, op) = (own_command(self.own, self.commands), Op::Set { output, level });
            let issued = self.port.now();
            return self.port.tell(Message::Command { origin: Origin::Local, id, op, issued });
        }
        self.port.tell(Message::Input(Input::Link { peer: HOST, up }));
        self.port.note(News::Host { up });
        self.up = up;
    }

    /// Whether the scenarios are to be told that the host came or went, and can be. The outputs of a program that is about to
    /// take over may have other ids.
    fn has_notice(&self) -> bool {
        let is_news = self.up != self.satellite.has_host();
        is_news && self.installing.is_none() && self.held.is_known() && self.port.takes_message()
    }

    fn speak(&mut self, log: &EventLog<'_>) {
        let mut frame = [0; MAX_FRAME];
        // Whether or not the wire takes anything.
        self.satellite.look(self.port.now());
        self.more = true;
        while self.port.takes_frame() {
            let Some(len) = self.transmit(log, &mut frame) else {
                self.more = false;
                break;
            };
            self.port.say(frame.get(..len).unwrap_or_default());
        }
    }

    fn transmit(&mut self, log: &EventLog<'_>, frame: &mut [u8; MAX_FRAME]) -> Option<usize> {
        let (room, bundle_max) = (self.room, self.bundle_max());
        let health = self.port.store().map_or(Health::NO_STORAGE, |store| store.borrow().health());
        let about = About { node: "", board: P::BOARD, room, bundle_max, runs: self.runs, health };
        let store = stored(&self.port, self.own).map(RefCell::borrow);
        let served = Served::new(store.as_deref().zip(self.offered), log);
        self.satellite.transmit(self.port.now(), &about, &served, frame)
    }

    /// Whether a host is there, nothing else is to be said, and there is room for it.
    pub fn takes_trace(&self) -> bool {
        !self.more && self.satellite.is_up() && self.port.takes_frame()
    }

    /// Sends what the firmware says of itself, if it [can be](Self::takes_trace).
    pub fn trace(&mut self, frames: &[u8]) {
        if frames.is_empty() {
            return;
        }
        let mut frame = [0; MAX_FRAME];
        if let Some(len) = self.satellite.trace(frames, &mut frame) {
            self.port.say(frame.get(..len).unwrap_or_default());
        }
    }

    /// When there is something to say, to keep, or to notice, though nothing happens. What the wire does not take is not due
    /// before it does: nobody could sleep meanwhile.
    pub fn due(&self) -> Instant {
        if self.has_notice() {
            return Instant::ZERO;
        }
        let link = match (self.is_choked(), self.port.takes_frame()) {
            (false, _) => self.satellite.due(),
            (true, true) => Instant::ZERO,
            (true, false) => self.satellite.host_gone_at(),
        };
        self.keeper.due().min(link)
    }

    /// Whether it is to be visited though nothing is new.
    pub fn is_stirred(&self) -> bool {
        self.port.has_heard() || self.due() <= self.port.now()
    }

    /// Whether it has to wait until the wire takes another frame.
    pub const fn is_choked(&self) -> bool {
        self.more
    }

    /// Whether the state is to follow as soon as there can be a checkpoint: for the store, for the host that asks how the lines
    /// are, or for itself.
    pub fn wants_checkpoint(&mut self) -> bool {
        let store = stored(&self.port, self.own);
        self.keeps_checkpoint = store.is_some_and(|store| store.borrow().wants_checkpoint());
        self.keeps_checkpoint || self.satellite.wants_checkpoint() || !self.held.is_known()
    }

    /// Takes an item of it.
    pub fn checkpoint(&mut self, item: &Restore) {
        self.satellite.checkpoint(item);
        self.held.checkpoint(item);
        if let Some(store) = stored(&self.port, self.own).filter(|_| self.keeps_checkpoint) {
            self.keeper.checkpoint(&mut store.borrow_mut(), self.runs.program, item);
        }
    }

    /// That was the last item.
    pub fn checkpoint_done(&mut self) {
        self.satellite.checkpoint_done();
        self.held.checkpoint_done();
        self.more = true;
        if let Some(store) = stored(&self.port, self.own).filter(|_| self.keeps_checkpoint) {
            self.keeper.checkpoint_done(&mut store.borrow_mut());
        }
    }
}

/// The store, if this start has a number there.
fn stored<P: Port>(port: &P, own: u64) -> Option<&RefCell<Store<P::Flash>>> {
    port.store().filter(|_| own != 0)
}
