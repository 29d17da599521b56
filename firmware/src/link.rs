//! The satellite's end of the link, over the serial line: it stands where the log's way out is otherwise. A host takes the
//! log; what the host wants goes to the loop as messages. Without a host the log goes on without it, and overwrites its
//! oldest records.

use campanile_core::decision::{By, Decision, Origin};
use campanile_core::id::{Level, OutputId, PeerId};
use campanile_core::input::{Input, Op};
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::link::{About, Collector, Health, MAX_FRAME, Request, Satellite, Staging, Verdict};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::image;
use campanile_core::program::verify::{LoadError, Room, verify};
use campanile_core::record::Record;
use campanile_core::runner::{Message, Recorder};
use campanile_core::time::{Duration, Instant};
use embassy_futures::select::select3;
use embassy_time::Timer;

use crate::wiring::Wiring;
use crate::{BUNDLE, MESSAGES, clock, serial, wiring};

/// The longest bundle that is taken over the link.
const BUNDLE_MAX: u16 = 1024;

/// The host, to scenarios.
const HOST: PeerId = PeerId(0);

/// Takes the log, and the host's words.
pub(crate) struct Link {
    satellite: Satellite,
    collector: Collector,
    staging: Staging<{ BUNDLE_MAX as usize }>,
    /// The bundle that the loop is to install, and the hash of its image.
    installing: Option<(u64, u64)>,
    room: Room,
    /// Whether scenarios believe that the host is there.
    up: bool,
    /// Outputs that the host wrote last, a bit each.
    held: u64,
    /// There is more to send than the line takes now.
    more: bool,
}

impl Link {
    pub(crate) fn new(room: Room) -> Self {
        Self {
            satellite: Satellite::new(0, bundle::hash(BUNDLE), 0),
            collector: Collector::new(),
            staging: Staging::new(),
            installing: None,
            room,
            up: false,
            held: 0,
            more: false,
        }
    }

    /// Looks at the records that are new.
    fn observe(&mut self, log: &EventLog<'_>, mut from: Cursor) {
        while let Ok(Some((entry, next))) = log.read(from) {
            from = next;
            match entry.record {
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
                        self.satellite.committed(bundle, Verdict::Runs);
                    }
                }
                _ => {}
            }
        }
    }

    fn listen(&mut self, log: &EventLog<'_>) {
        while let Some(byte) = serial::take() {
            let Some(message) = self.collector.push(byte) else { continue };
            match self.satellite.receive(clock::now(), message, log) {
                Some(Request::Command { origin, id, op, issued }) => {
                    if MESSAGES.try_send(Message::Command { origin, id, op, issued }).is_err() {
                        self.satellite.put_off(id);
                    }
                }
                Some(Request::Clock { unix, offset, trusted }) => {
                    // With no room for it now, the next one comes within minutes.
                    let _ = MESSAGES.try_send(Message::Input(Input::Clock { unix, offset, trusted }));
                }
                Some(Request::Image { hash, len, offset, bytes }) => {
                    let have = self.staging.take(hash, len, offset, bytes);
                    self.satellite.stored(hash, have);
                }
                Some(Request::Commit { hash }) => {
                    if let Err(verdict) = self.commit(hash) {
                        self.satellite.committed(hash, verdict);
                    }
                }
                Some(Request::Assigned { .. } | Request::Taken { .. }) | None => {}
            }
        }
    }

    /// Checks a bundle, and asks the loop to take it over.
    fn commit(&mut self, hash: u64) -> Result<(), Verdict> {
        let bytes = self.staging.whole(hash).ok_or(Verdict::Incomplete)?;
        let bundle = Bundle::open(bytes).ok_or(Verdict::Malformed)?;
        Wiring::of(&bundle)?;
        verify(bundle.image, &self.room).map_err(|error| match error {
            LoadError::TooMany { .. } => Verdict::NoRoom,
            _ => Verdict::Refused,
        })?;
        let image = image::hash(bundle.image);
        if self.installing == Some((hash, image)) {
            return Ok(());
        }
        MESSAGES.try_send(Message::Install { hash: image }).map_err(|_| Verdict::Incomplete)?;
        self.installing = Some((hash, image));
        Ok(())
    }

    /// Tells the scenarios that the host came or went; outputs that it held take their safe levels, if the file says so.
    fn notice(&mut self, log: &EventLog<'_>) {
        let up = self.satellite.is_up();
        if up == self.up || MESSAGES.free_capacity() == 0 {
            return;
        }
        if !up && let Some((output, level)) = self.next_held() {
            self.held &= !(1 << output.0);
            let id = (log.head().seq & 0xffff_ffff) as u32;
            let op = Op::Set { output, level };
            let _ =
                MESSAGES.try_send(Message::Command { origin: Origin::Local, id, op, issued: clock::now() });
            return;
        }
        let _ = MESSAGES.try_send(Message::Input(Input::Link { peer: HOST, up }));
        self.up = up;
    }

    /// An output that the host held and that is to be safe without it, and that level.
    fn next_held(&self) -> Option<(OutputId, Level)> {
        (0..crate::OUTPUTS as u8).map(OutputId).find_map(|id| {
            let output = wiring::output(id).filter(|output| output.safe_without_link)?;
            (self.held & 1 << id.0 != 0).then(|| (id, Level::from_bool(output.safe)))
        })
    }

    fn speak(&mut self, log: &EventLog<'_>) {
        let (room, health) = (self.room, Health::NO_STORAGE);
        let about = About { node: "", board: env!("BOARD"), room, bundle_max: BUNDLE_MAX, health };
        let mut frame = [0; MAX_FRAME];
        self.more = true;
        while serial::free() >= MAX_FRAME {
            let Some(len) = self.satellite.transmit(clock::now(), &about, log, &mut frame) else {
                self.more = false;
                break;
            };
            serial::push(frame.get(..len).unwrap_or_default());
        }
    }

    /// When there is something to say, or to notice, though nothing happens.
    fn due(&self) -> Instant {
        // A host that has gone is noticed at once; who could not be told of it is told soon.
        if self.up != self.satellite.is_up() {
            return clock::now().plus(Duration::from_millis(1));
        }
        self.satellite.due()
    }
}

impl Recorder for Link {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        self.observe(log, from);
        self.listen(log);
        self.speak(log);
        self.notice(log);
        log.head()
    }

    fn is_stirred(&self) -> bool {
        serial::has_heard() || self.due() <= clock::now() || self.more && serial::free() >= MAX_FRAME
    }

    async fn stirred(&mut self) {
        let due = self.due().to_option();
        let more = self.more;
        select3(
            serial::heard(),
            async {
                match due {
                    Some(due) => Timer::at(embassy_time::Instant::from_micros(due.micros())).await,
                    None => core::future::pending().await,
                }
            },
            async {
                if more {
                    serial::room(MAX_FRAME).await;
                } else {
                    core::future::pending::<()>().await;
                }
            },
        )
        .await;
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        let (bundle, _) = self.installing.filter(|(_, image)| *image == hash)?;
        let opened = Bundle::open(self.staging.whole(bundle)?)?;
        // It was checked when it came: the engine takes it.
        wiring::prepare(Wiring::of(&opened).ok()?);
        Some(opened.image)
    }

    fn install_failed(&mut self, _: u64, _: LoadError) {
        if let Some((bundle, _)) = self.installing.take() {
            self.satellite.committed(bundle, Verdict::Refused);
        }
    }
}
