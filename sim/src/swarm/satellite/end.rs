//! What the world and a satellite's loop share: the serial line, and the link behind it, as the firmware has it. What the
//! house wants goes to the loop as messages.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::task::Waker;

use campanile_core::decision::{By, Decision, Origin};
use campanile_core::id::{Level, OutputId, PeerId};
use campanile_core::input::{Input, Op};
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::link::{About, Collector, MAX_FRAME, Request, Satellite, Verdict, own_command};
use campanile_core::log::EventLog;
use campanile_core::program::image;
use campanile_core::program::verify::{LoadError, Room, verify};
use campanile_core::record::Record;
use campanile_core::runner::Message;
use campanile_core::time::Instant;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;

use super::chip::{Chip, Supply};
use super::storage::Storage;
use crate::node::{self, Houses};
use crate::swarm::tape::Tape;

/// The house, to scenarios.
const HOUSE: PeerId = PeerId(0);

/// What goes in besides edges.
pub(super) type Messages = Channel<NoopRawMutex, Message, 4>;

/// See the [module](self).
pub(super) struct End {
    pub(super) satellite: Satellite,
    collector: Collector,
    pub(super) storage: Storage,
    supply: Rc<Supply>,
    /// The bundle that the loop is to install, and the hash of its image.
    pub(super) installing: Option<(u64, u64)>,
    /// The outputs of the program that runs.
    outputs: Vec<Output>,
    room: Option<Room>,
    messages: Rc<Messages>,
    /// Whether scenarios believe that the house is there.
    up: bool,
    /// Lines that the house switched last: another program may know one that it takes over by another id.
    held: BTreeSet<String>,
    heard: VecDeque<u8>,
    sent: Vec<Vec<u8>>,
    /// Records before this number are gone.
    pub(super) tail: u64,
    pub(super) stirred: bool,
    pub(super) waker: Option<Waker>,
}

impl End {
    /// Of the start `own`, 0 without storage, in which the program runs that this bundle is of.
    pub(super) fn new(storage: Storage, bundle: &[u8], own: u64, noise: u32, supply: &Rc<Supply>) -> Self {
        let mut satellite = Satellite::new(own, bundle::hash(bundle), noise);
        if let Some((number, over)) = storage.offers() {
            satellite.offer(Instant::ZERO, number, over);
        }
        Self {
            satellite,
            collector: Collector::new(),
            storage,
            supply: Rc::clone(supply),
            installing: None,
            outputs: Bundle::open(bundle).map(|bundle| outputs(&bundle)).unwrap_or_default(),
            room: None,
            messages: Rc::new(Messages::new()),
            up: false,
            held: BTreeSet::new(),
            heard: VecDeque::new(),
            sent: Vec::new(),
            tail: 1,
            stirred: false,
            waker: None,
        }
    }

    /// The engine is there, with this room.
    pub(super) const fn begin(&mut self, room: Room) {
        self.room = Some(room);
    }

    pub(super) fn messages(&self) -> Rc<Messages> {
        Rc::clone(&self.messages)
    }

    /// Records before this number are gone from its memory.
    pub(super) const fn tail(&self) -> u64 {
        self.tail
    }

    /// Bytes have come.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.heard.extend(bytes);
        self.stir();
    }

    /// The frames that it has sent.
    pub(super) fn sent(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.sent)
    }

    /// The loop has to look at the link.
    pub(super) fn stir(&mut self) {
        self.stirred = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// When it has something to say, to keep, or to notice, though nothing happens.
    pub(super) fn due(&self) -> Instant {
        self.satellite.due().min(self.storage.due())
    }

    /// Whether there is still power: without it nothing happens any more.
    pub(super) fn has_power(&self) -> bool {
        self.supply.has_power()
    }

    /// The start is over: gives the flash back.
    pub(super) fn close(&mut self) -> Option<Chip> {
        self.storage.close()
    }

    /// Whether the loop has to look at the link now.
    pub(super) fn wants(&self) -> bool {
        let can_tell = self.up != self.satellite.is_up() && self.messages.free_capacity() > 0;
        self.has_power() && (self.stirred || self.due() <= node::now() || can_tell)
    }

    /// Looks at a record that is new.
    pub(super) fn observe(&mut self, record: &Record) {
        match *record {
            Record::Decision(Decision::Reply { origin: Origin::Link, id, result }) => {
                self.satellite.reply(id, result);
            }
            Record::Decision(Decision::Set { output, by, .. }) => {
                let Some(Output { line, .. }) = self.outputs.get(output.index()) else { return };
                if by == (By::Command { origin: Origin::Link }) {
                    self.held.insert(line.clone());
                } else {
                    self.held.remove(line);
                }
            }
            Record::Input(Input::Install { hash }) => {
                let asked = self.installing.take_if(|(_, image)| *image == hash).map(|(bundle, _)| bundle);
                let name = self.storage.installed(hash);
                if let Some(opened) = self.storage.bundle(asked.unwrap_or(name), hash) {
                    self.outputs = outputs(&opened);
                }
                let outputs = &self.outputs;
                self.held.retain(|held| outputs.iter().any(|output| output.line == *held));
                self.satellite.committed(asked.unwrap_or(name), Verdict::Runs);
            }
            _ => {}
        }
    }

    pub(super) fn listen(&mut self, log: &EventLog<'_>, tape: &RefCell<Tape>, houses: &Houses) {
        while let Some(byte) = self.heard.pop_front().filter(|_| self.supply.has_power()) {
            let Some(message) = self.collector.push(byte) else { continue };
            match self.satellite.receive(node::now(), message, &self.storage.served(log)) {
                Some(Request::Assigned { boot }) => {
                    let own = self.storage.assigned(boot);
                    tape.borrow_mut().assigned(own, boot);
                }
                Some(Request::Command { origin, id, op, issued }) => {
                    let sent = self.messages.try_send(Message::Command { origin, id, op, issued });
                    if sent.is_err() {
                        self.satellite.put_off(id);
                    }
                }
                Some(Request::Clock { unix, offset, trusted }) => {
                    // With no room for it now, the next one comes within minutes.
                    let _ = self.messages.try_send(Message::Input(Input::Clock { unix, offset, trusted }));
                }
                Some(Request::Image { hash, len, offset, bytes }) => {
                    // What is being installed stays where it is until it runs.
                    let have = match self.installing {
                        Some(_) => Ok(0),
                        None => self.storage.take_piece(self.satellite.bundle(), (hash, len), offset, bytes),
                    };
                    match have {
                        Ok(have) => self.satellite.stored(hash, have),
                        Err(verdict) => self.satellite.committed(hash, verdict),
                    }
                }
                Some(Request::Commit { hash }) => {
                    if let Err(verdict) = self.commit(hash, houses) {
                        self.satellite.committed(hash, verdict);
                    }
                }
                Some(Request::Taken { seq, .. }) => {
                    if self.storage.taken(seq)
                        && let Some((number, over)) = self.storage.offers()
                    {
                        self.satellite.offer(node::now(), number, over);
                    }
                }
                None => {}
            }
        }
    }

    /// Checks a bundle, and asks the loop to take it over.
    fn commit(&mut self, hash: u64, houses: &Houses) -> Result<(), Verdict> {
        let bytes = self.storage.whole(hash).ok_or(Verdict::Incomplete)?;
        let bundle = Bundle::open(bytes).ok_or(Verdict::Malformed)?;
        let image = image::hash(bundle.image);
        // The lines of others are lines that this board has not.
        houses.get(&image).ok_or(Verdict::UnknownLine)?;
        verify(bundle.image, self.room.as_ref().ok_or(Verdict::Incomplete)?).map_err(
            |error| match error {
                LoadError::TooMany { .. } => Verdict::NoRoom,
                _ => Verdict::Refused,
            },
        )?;
        if self.messages.free_capacity() == 0 {
            return Err(Verdict::Incomplete);
        }
        self.storage.commit(hash)?;
        self.installing = Some((hash, image));
        let _ = self.messages.try_send(Message::Install { hash: image });
        Ok(())
    }

    /// Tells the scenarios that the house came or went; outputs that it held take their safe levels, if they are to.
    pub(super) fn notice(&mut self, log: &EventLog<'_>) {
        let up = self.satellite.is_up();
        while up != self.up && self.messages.free_capacity() > 0 {
            if !up && let Some((output, level)) = self.next_held() {
                let id = own_command(self.storage.runs(), log.head().seq);
                let op = Op::Set { output, level };
                let issued = node::now();
                let _ = self.messages.try_send(Message::Command { origin: Origin::Local, id, op, issued });
            } else {
                let _ = self.messages.try_send(Message::Input(Input::Link { peer: HOUSE, up }));
                self.up = up;
            }
        }
    }

    /// An output that the house held and that is to be safe without it, and that level; it is held no more.
    fn next_held(&mut self) -> Option<(OutputId, Level)> {
        let mut outputs = (0u8..).map(OutputId).zip(&self.outputs);
        outputs.find_map(|(id, Output { line, safe })| {
            let safe = (*safe)?;
            self.held.remove(line).then_some((id, safe))
        })
    }

    pub(super) fn speak(&mut self, log: &EventLog<'_>) {
        let Some(room) = self.room else { return };
        let (bundle_max, health) = (self.storage.bundle_max(), self.storage.health());
        let about = About { node: "", board: "simulated", room, bundle_max, health };
        let served = self.storage.served(log);
        let mut frame = [0; MAX_FRAME];
        while let Some(len) = self
            .satellite
            .transmit(node::now(), &about, &served, &mut frame)
            .filter(|_| self.supply.has_power())
        {
            self.sent.push(frame[..len].to_vec());
        }
    }
}

/// An output, as the bundle has it.
struct Output {
    line: String,
    /// Its safe level, if it is to take it without the link.
    safe: Option<Level>,
}

fn outputs(bundle: &Bundle<'_>) -> Vec<Output> {
    let output = |output: bundle::Output<'_>| Output {
        line: output.line.to_owned(),
        safe: output.safe_without_link.then_some(Level::from_bool(output.safe_on)),
    };
    bundle.outputs().map(output).collect()
}
