//! The board: store and link as the firmware puts them together. Its records are numbers, one each.

use campanile_core::input::Input;
use campanile_core::link::{About, Collector, Health, MAX_FRAME, Request, Runs, Satellite, Storage};
use campanile_core::program::image::Counts;
use campanile_core::program::verify::Room;
use campanile_core::record::{CORE_REV, MAX_RECORD, Record};
use campanile_core::time::Instant;
use campanile_flash::{Of, Offered, Start, Store};

use crate::hall;
use crate::model::Model;

/// One start of it.
pub(crate) struct Board<'f> {
    store: Store<&'f mut Model<4>>,
    offered: Offered,
    satellite: Satellite,
    collector: Collector,
    began: Instant,
    /// How often the house gave a number.
    pub(crate) named: usize,
}

impl<'f> Board<'f> {
    /// `None` if the power failed before it had a number.
    pub(crate) fn start(flash: &'f mut Model<4>, now: Instant, noise: u8) -> Option<Self> {
        let mut store = Store::open(flash, 1).expect("it is large enough");
        let boot = store.next_boot(u32::from(noise));
        store.begin(Start { boot, of: Of { program: hall::IMAGE, core_rev: CORE_REV } }).ok()?;
        let offered = Offered::first(&store, boot);
        let mut satellite =
            Satellite::new(boot, hall::program().1, u32::from(noise).wrapping_mul(0x1234_5677));
        satellite.offer(Instant::ZERO, offered.number(), offered.is_over());
        Some(Self { store, offered, satellite, collector: Collector::new(), began: now, named: 0 })
    }

    /// Whether the power lasts.
    pub(crate) fn has_power(&self) -> bool {
        self.store.health().refused == 0
    }

    /// What the house calls the start whose records are offered.
    pub(crate) fn number(&self) -> u64 {
        self.offered.number()
    }

    /// Whether the start whose records are offered is the one that runs.
    pub(crate) fn offers_its_last(&self) -> bool {
        !self.offered.is_over()
    }

    /// The number of the record that it will write next.
    pub(crate) fn head(&self) -> u64 {
        self.store.head().seq
    }

    fn clock(&self, now: Instant) -> Instant {
        Instant::ZERO.plus(now.since(self.began))
    }

    /// Keeps a record; whether it is kept for sure.
    pub(crate) fn record(&mut self, now: Instant, number: i64) -> bool {
        let record = Record::Input(Input::Clock { unix: number, offset: 0, trusted: true });
        let (mut bytes, head) = ([0; MAX_RECORD], self.store.head());
        let len = record.encode(self.clock(now).since(head.at), &mut bytes).expect("a clock fits");
        self.store.append_records(head.seq, head.at, &bytes[..len]).is_ok()
    }

    pub(crate) fn hear(&mut self, now: Instant, frame: &[u8]) {
        for &byte in frame {
            let clock = self.clock(now);
            let Some(message) = self.collector.push(byte).filter(|_| self.store.health().refused == 0) else {
                continue;
            };
            match self.satellite.receive(clock, message, &self.offered.log(&self.store)) {
                Some(Request::Assigned { boot }) => {
                    self.offered.assigned(&mut self.store, boot);
                    self.named += 1;
                }
                Some(Request::Taken { seq, .. }) => self.taken(clock, seq),
                _ => {}
            }
        }
    }

    fn taken(&mut self, clock: Instant, seq: u64) {
        if self.offered.taken(&mut self.store, seq) {
            self.satellite.offer(clock, self.offered.number(), self.offered.is_over());
        }
    }

    pub(crate) fn say(&mut self, now: Instant) -> Option<Vec<u8>> {
        if !self.has_power() {
            return None;
        }
        let room = Room { counts: Counts::default(), runs: 0 };
        let health = Health { storage: Storage::Good, ..Health::NO_STORAGE };
        let about = About {
            node: "",
            board: "test",
            room,
            bundle_max: 1024,
            runs: Runs { program: hall::IMAGE, since: 0 },
            health,
        };
        let (mut out, clock) = ([0; MAX_FRAME], self.clock(now));
        let len = self.satellite.transmit(clock, &about, &self.offered.log(&self.store), &mut out)?;
        Some(out[..len].to_vec())
    }
}
