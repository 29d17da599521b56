//! The satellite's end of the link in its loop, as the firmware has it: it takes the log, and hands what the house wants to
//! the loop as messages.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use campanile_core::decision::{By, Decision, Origin};
use campanile_core::id::{Level, OutputId, PeerId};
use campanile_core::input::{Input, Op};
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::link::{About, Collector, Health, MAX_FRAME, Request, Satellite, Staging, Verdict};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::image;
use campanile_core::program::verify::{LoadError, Room, verify};
use campanile_core::record::{Frame, MAX_RECORD, Record};
use campanile_core::restore::Restore;
use campanile_core::runner::{Message, Recorder};
use campanile_core::time::Instant;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;

use crate::node::{self, Houses, Witness as _};
use crate::swarm::tape::Tape;

/// The longest bundle that is taken over the link.
const BUNDLE_MAX: u16 = 4096;

/// The house, to scenarios.
const HOUSE: PeerId = PeerId(0);

/// What goes in besides edges.
pub(super) type Messages = Channel<NoopRawMutex, Message, 4>;

/// What the world and the loop share: the serial line, and the link behind it.
pub(super) struct End {
    satellite: Satellite,
    collector: Collector,
    staging: Box<Staging<{ BUNDLE_MAX as usize }>>,
    /// The bundle that the loop is to install, and the hash of its image.
    installing: Option<(u64, u64)>,
    /// Each output's safe level, if it is to take it without the link.
    safe: Vec<Option<Level>>,
    room: Option<Room>,
    messages: Rc<Messages>,
    /// Whether scenarios believe that the house is there.
    up: bool,
    /// Outputs that the house wrote last, a bit each.
    held: u64,
    heard: VecDeque<u8>,
    sent: Vec<Vec<u8>>,
    /// Records before this number are gone.
    tail: u64,
    stirred: bool,
    waker: Option<Waker>,
}

impl End {
    pub(super) fn new(linked_in: &[u8], noise: u32) -> Self {
        Self {
            satellite: Satellite::new(0, bundle::hash(linked_in), noise),
            collector: Collector::new(),
            staging: Box::default(),
            installing: None,
            safe: Bundle::open(linked_in).map(|bundle| safe(&bundle)).unwrap_or_default(),
            room: None,
            messages: Rc::new(Messages::new()),
            up: false,
            held: 0,
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

    /// When it has something to say, or to notice, though nothing happens.
    pub(super) fn due(&self) -> Instant {
        self.satellite.due()
    }

    /// Whether the loop has to look at the link now.
    fn wants(&self) -> bool {
        let can_tell = self.up != self.satellite.is_up() && self.messages.free_capacity() > 0;
        self.stirred || self.due() <= node::now() || can_tell
    }

    /// Looks at a record that is new.
    fn observe(&mut self, record: &Record) {
        match *record {
            Record::Decision(Decision::Reply { origin: Origin::Link, id, result }) => {
                self.satellite.reply(id, result);
            }
            Record::Decision(Decision::Set { output, by, .. }) => {
                let bit = 1 << output.0;
                self.held &= !bit;
                if by == (By::Command { origin: Origin::Link }) {
                    self.held |= bit;
                }
            }
            Record::Input(Input::Install { hash }) => {
                if let Some((bundle, _)) = self.installing.take_if(|(_, image)| *image == hash) {
                    if let Some(opened) = self.staging.whole(bundle).and_then(Bundle::open) {
                        self.safe = safe(&opened);
                    }
                    self.satellite.committed(bundle, Verdict::Runs);
                }
            }
            _ => {}
        }
    }

    fn listen(&mut self, log: &EventLog<'_>, tape: &RefCell<Tape>, houses: &Houses) {
        while let Some(byte) = self.heard.pop_front() {
            let Some(message) = self.collector.push(byte) else { continue };
            match self.satellite.receive(node::now(), message, log) {
                Some(Request::Assigned { boot }) => {
                    if let Some(life) = tape.borrow_mut().lives.last_mut() {
                        life.boot = boot;
                    }
                }
                Some(Request::Command { origin, id, op, issued }) => {
                    if self.messages.try_send(Message::Command { origin, id, op, issued }).is_err() {
                        self.satellite.put_off(id);
                    }
                }
                Some(Request::Clock { unix, offset, trusted }) => {
                    // With no room for it now, the next one comes within minutes.
                    let _ = self.messages.try_send(Message::Input(Input::Clock { unix, offset, trusted }));
                }
                Some(Request::Image { hash, len, offset, bytes }) => {
                    let have = self.staging.take(hash, len, offset, bytes);
                    self.satellite.stored(hash, have);
                }
                Some(Request::Commit { hash }) => {
                    if let Err(verdict) = self.commit(hash, houses) {
                        self.satellite.committed(hash, verdict);
                    }
                }
                Some(Request::Taken { .. }) | None => {}
            }
        }
    }

    /// Checks a bundle, and asks the loop to take it over.
    fn commit(&mut self, hash: u64, houses: &Houses) -> Result<(), Verdict> {
        let bytes = self.staging.whole(hash).ok_or(Verdict::Incomplete)?;
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
        if self.installing == Some((hash, image)) {
            return Ok(());
        }
        self.messages.try_send(Message::Install { hash: image }).map_err(|_| Verdict::Incomplete)?;
        self.installing = Some((hash, image));
        Ok(())
    }

    /// Tells the scenarios that the house came or went; outputs that it held take their safe levels, if they are to.
    fn notice(&mut self, log: &EventLog<'_>) {
        let up = self.satellite.is_up();
        while up != self.up && self.messages.free_capacity() > 0 {
            if !up && let Some((output, level)) = self.next_held() {
                self.held &= !(1 << output.0);
                let id = (log.head().seq & 0xffff_ffff) as u32;
                let op = Op::Set { output, level };
                let issued = node::now();
                let _ = self.messages.try_send(Message::Command { origin: Origin::Local, id, op, issued });
            } else {
                let _ = self.messages.try_send(Message::Input(Input::Link { peer: HOUSE, up }));
                self.up = up;
            }
        }
    }

    /// An output that the house held and that is to be safe without it, and that level.
    fn next_held(&self) -> Option<(OutputId, Level)> {
        let outputs = (0u8..).map(OutputId).zip(&self.safe);
        outputs.filter(|(id, _)| self.held & 1 << id.0 != 0).find_map(|(id, safe)| Some((id, (*safe)?)))
    }

    fn speak(&mut self, log: &EventLog<'_>) {
        let Some(room) = self.room else { return };
        let health = Health::NO_STORAGE;
        let about = About { node: "", board: "simulated", room, bundle_max: BUNDLE_MAX, health };
        let mut frame = [0; MAX_FRAME];
        while let Some(len) = self.satellite.transmit(node::now(), &about, log, &mut frame) {
            self.sent.push(frame[..len].to_vec());
        }
    }
}

fn safe(bundle: &Bundle<'_>) -> Vec<Option<Level>> {
    let safe =
        |output: bundle::Output<'_>| output.safe_without_link.then_some(Level::from_bool(output.safe_on));
    bundle.outputs().map(safe).collect()
}

/// Takes the log: for the link, and for the judges.
pub(super) struct Port {
    end: Rc<RefCell<End>>,
    tape: Rc<RefCell<Tape>>,
    houses: Rc<Houses>,
    image: Vec<u8>,
}

impl Port {
    pub(super) const fn new(end: Rc<RefCell<End>>, tape: Rc<RefCell<Tape>>, houses: Rc<Houses>) -> Self {
        Self { end, tape, houses, image: Vec::new() }
    }

    pub(super) fn refused(&self, why: LoadError) {
        self.tape.borrow_mut().refused(why);
    }

    /// Shows the records that are new to the judges, and to the link.
    fn observe(&self, log: &EventLog<'_>, mut from: Cursor) {
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
        self.observe(log, from);
        let mut end = self.end.borrow_mut();
        end.stirred = false;
        end.listen(log, &self.tape, &self.houses);
        end.speak(log);
        end.notice(log);
        end.tail = log.tail().seq;
        log.head()
    }

    fn is_stirred(&self) -> bool {
        self.end.borrow().wants()
    }

    fn wants_checkpoint(&mut self) -> bool {
        self.end.borrow().satellite.wants_checkpoint()
    }

    fn checkpoint(&mut self, item: Restore) {
        self.end.borrow_mut().satellite.checkpoint(&item);
    }

    fn checkpoint_done(&mut self) {
        let mut end = self.end.borrow_mut();
        end.satellite.checkpoint_done();
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
        let (bundle, _) = end.installing.filter(|(_, image)| *image == hash)?;
        self.image = Bundle::open(end.staging.whole(bundle)?)?.image.to_vec();
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
