//! The journal against a list: whatever the disk does, what comes out was put in, in order, and what is missing is
//! accounted for.

mod ops;

use std::collections::{BTreeMap, BTreeSet};

use campanile_core::id::Level;
use campanile_core::record::Record;
use proptest::prelude::*;

use super::*;
use crate::disk::{Disk, Faults, PowerCut};
use crate::options::Sync;
use crate::testing::*;
use ops::{Fault, Op, harm, op};

/// A record as it was put in.
type Put = (Instant, Vec<u8>);

struct World {
    disk: Arc<Disk>,
    options: Options,
    journal: Option<Journal<Disk>>,
    engine: Engine,
    now: Instant,
    /// All that was put in, in order.
    put: BTreeMap<(Boot, u64), Put>,
    /// Numbers that the core never handed over.
    never: u64,
    /// Up to here the kernel has everything; and the disk.
    handed: Position,
    synced: Position,
    /// What has reached a reader of this start, and where that reader is.
    reader: Option<Reader<Disk>>,
    faulty: bool,
    /// A power cut has kept later sectors and not earlier ones: nothing else may damage anything.
    may_damage: bool,
}

impl World {
    fn new(seed: u64, sync: Sync) -> Self {
        let disk = Arc::new(Disk::new(seed));
        // Segments of 4 KiB, and room for all of them: retention has tests of its own.
        let options = Options { size: 40 * 1024, memory: 6 * 1024, sync, ..Options::default() };
        let mut world = Self {
            disk,
            options,
            journal: None,
            engine: Engine::default(),
            now: ms(0),
            put: BTreeMap::new(),
            never: 0,
            handed: Position::START,
            synced: Position::START,
            reader: None,
            faulty: false,
            may_damage: false,
        };
        world.start();
        world
    }

    fn start(&mut self) {
        self.now = ms(0);
        self.engine = Engine::default();
        let random = 0x1000 + self.put.len() as u32;
        let (journal, _) =
            Journal::open(&self.disk, &node(), self.options.clone(), random, self.now).unwrap();
        self.reader = Some(journal.reader(Position::start_of(journal.boot())));
        self.journal = Some(journal);
        self.note_progress();
    }

    fn journal(&mut self) -> &mut Journal<Disk> {
        self.journal.as_mut().unwrap()
    }

    fn log(&mut self, records: &[Record], durable: bool) {
        let (first, boot) = (self.engine.seq + 1, self.journal().boot());
        let mut at = self.engine.time;
        for (n, record) in records.iter().enumerate() {
            at = at.plus(Duration::from_micros(100));
            let mut buf = [0; campanile_core::record::MAX_RECORD];
            let len = record.encode(Duration::from_micros(100), &mut buf).unwrap();
            self.put.insert((boot, first + n as u64), (at, buf[..len].to_vec()));
        }
        let journal = self.journal.as_mut().unwrap();
        self.engine.log(journal, records, durable);
        self.now = self.now.max(self.engine.time);
    }

    /// What the journal promises to keep from now on.
    fn note_progress(&mut self) {
        let journal = self.journal.as_ref().unwrap();
        if journal.health.degraded().is_some() {
            return;
        }
        let head = journal.index.head();
        self.handed = self.handed.max(head);
        if journal.durability.is_synced() {
            self.synced = self.synced.max(head);
        }
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Edges(count) => {
                let edges: Vec<Record> = (0..count).map(|n| edge(Level::from_bool(n % 3 == 0))).collect();
                self.log(&edges, false);
            }
            Op::Durable => self.log(&[letting(7)], true),
            Op::Commit => {
                let now = self.now;
                self.journal().commit(now);
                self.note_progress();
            }
            Op::Wait(span) => {
                let until = self.now.plus(Duration::from_millis(span));
                while let Some(due) = self.journal().due().filter(|&due| due <= until) {
                    let before = self.now;
                    self.now = self.now.max(due);
                    let now = self.now;
                    self.journal().tick(now);
                    if self.journal().due().is_some_and(|again| again <= before.max(due)) {
                        self.now = self.now.plus(Duration::from_millis(1));
                    }
                }
                self.now = self.now.max(until);
                self.note_progress();
            }
            Op::Checkpoint => {
                let now = self.now;
                self.journal().checkpoint(&checkpoint(1), now).unwrap();
            }
            Op::Overrun(count) => {
                self.engine.seq += count;
                self.never += count;
                self.log(&[letting(8)], false);
            }
            Op::Read => self.read_live(),
            Op::Fault(fault) => {
                self.disk.set_faults(fault.faults());
                self.faulty = true;
            }
            Op::Heal => self.heal(),
            Op::Kill => self.restart(|world| world.handed, |_| {}),
            Op::PowerCut(cut) => {
                self.may_damage |= cut == PowerCut::Sectors;
                self.restart(|world| world.synced, |disk| disk.power_cut(cut));
            }
            Op::Close => {
                let now = self.now;
                let journal = self.journal.take().unwrap();
                let boot = journal.boot();
                let head = Position { boot, seq: self.engine.seq, host: 0 };
                if journal.close(now).is_ok() && !self.faulty {
                    (self.handed, self.synced) = (self.handed.max(head), self.synced.max(head));
                }
                self.restart(|world| world.synced, |disk| disk.power_cut(PowerCut::Nothing));
            }
        }
    }

    fn heal(&mut self) {
        self.disk.set_faults(Faults::default());
        self.faulty = false;
    }

    /// The reader of this start has seen everything in order, or was told what it has not.
    fn read_live(&mut self) {
        self.check_damage();
        let boot = self.journal().boot();
        let head = self.journal().index.head();
        let mut reader = self.reader.take().unwrap();
        let before = reader.place();
        let read = read_all(&mut reader);
        self.check(&read, before.seq, boot);
        assert!(reader.place() >= head, "{} is not {head}", reader.place());
        self.reader = Some(reader);
    }

    fn check_damage(&mut self) {
        let damaged = self.journal().counts.damaged;
        assert!(damaged == 0 || self.may_damage, "{damaged} damaged parts, and nothing has done damage");
    }

    /// Every record is one that was put in; what lies between two of a start is accounted for.
    fn check(&self, read: &Read, after: u64, first_boot: Boot) {
        let mut last = (first_boot, after);
        for (at, time, bytes) in &read.engine {
            assert_eq!(self.put.get(&(at.boot, at.seq)), Some(&(*time, bytes.clone())), "{at}");
            let before = if at.boot == last.0 { last.1 } else { 0 };
            let missing = at.seq - before - 1;
            let told = read
                .lagged
                .iter()
                .any(|lagged| lagged.resume.seq + 1 == at.seq && lagged.resume.boot == at.boot)
                || read.host.iter().any(|(place, record)| {
                    place.boot == at.boot
                        && matches!(record, HostRecord::JournalGap { to, .. } if *to + 1 == at.seq)
                });
            assert!(
                missing == 0 || told,
                "{missing} before {at} in silence: {:?} {:?}",
                read.lagged,
                read.hosts()
            );
            last = (at.boot, at.seq);
        }
    }

    /// The process is gone. What was promised by then is there afterwards.
    fn restart(&mut self, promised: impl Fn(&Self) -> Position, harm: impl FnOnce(&Disk)) {
        self.journal = None;
        self.reader = None;
        harm(&self.disk);
        self.heal();
        let promised = promised(self);
        self.start();
        let read = read_from(self.journal.as_ref().unwrap(), Position::START);
        self.check(&read, 0, Boot::default());
        let found: BTreeSet<(Boot, u64)> = read.engine.iter().map(|(at, ..)| (at.boot, at.seq)).collect();
        let gaps: Vec<(Boot, u64, u64)> = read
            .host
            .iter()
            .filter_map(|(at, record)| match record {
                HostRecord::JournalGap { from, to, .. } => Some((at.boot, *from, *to)),
                _ => None,
            })
            .collect();
        for &(boot, seq) in self.put.keys() {
            let place = Position { boot, seq, host: u64::MAX };
            let gap = gaps.iter().any(|&(b, from, to)| b == boot && (from..=to).contains(&seq));
            let kept = found.contains(&(boot, seq)) || gap;
            assert!(kept || place > promised, "{boot}/{seq} is lost, promised up to {promised}");
        }
        // What is lost stays lost: later starts need not find it again.
        self.put.retain(|key, _| found.contains(key));
        (self.handed, self.synced) = (self.journal().index.head(), self.journal().index.head());
    }

    /// The faults end, and everything settles.
    fn settle(&mut self) {
        self.heal();
        self.step(&Op::Wait(40_000));
        assert_eq!(self.journal().health.degraded(), None);
        self.log(&[letting(9)], true);
        self.step(&Op::Commit);
        self.read_live();
        // What readers came upon is recorded by now.
        self.step(&Op::Commit);
        self.check_damage();
        assert_eq!(self.synced.seq, self.engine.seq);
        assert_eq!(self.journal().status().memory, 0);
        self.step(&Op::PowerCut(PowerCut::Nothing));
    }
}

fn live(seed: u64, sync: Sync, ops: &[Op]) {
    let mut world = World::new(seed, sync);
    for op in ops {
        world.step(op);
    }
    world.settle();
}

/// A segment that never came about left its groups in the spare one, and behind shorter ones they passed in the next.
#[test]
fn a_segment_that_never_came_about_leaves_nothing_behind() {
    use Fault::{Sometimes, Syncs};
    let before = [Op::Fault(Syncs), Op::Edges(1), Op::Commit, Op::Fault(Sometimes), Op::Edges(23), Op::Close];
    let behind = [Op::Fault(Sometimes), Op::Edges(1), Op::Commit, Op::Edges(1), Op::Wait(120), Op::Kill];
    live(10_431_213_550_465_320_833, Sync::Always, &[before, behind].concat());
}

/// The name of a segment was not synced when the process died, and the power cut behind the next start took it.
#[test]
fn a_start_syncs_the_name_of_the_segment_that_it_goes_on_with() {
    let ops = [Op::Fault(Fault::Sometimes), Op::Durable, Op::Wait(36), Op::Wait(264), Op::Kill];
    live(17_609_699_258_275_156_974, Sync::Within(Duration::from_millis(200)), &ops);
}

proptest! {
    #[test]
    fn what_comes_out_was_put_in_and_what_is_missing_is_accounted_for(
        seed in any::<u64>(),
        always in any::<bool>(),
        ops in proptest::collection::vec(op(), 1..80),
    ) {
        let sync = if always { Sync::Always } else { Sync::Within(Duration::from_millis(200)) };
        live(seed, sync, &ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_stands_in_the_files_only_what_was_put_in_comes_out(
        harm in proptest::collection::vec(harm(), 1..5),
    ) {
        let mut world = World::new(1, Sync::Within(Duration::from_millis(200)));
        for round in 0..60 {
            world.step(&Op::Edges(60));
            world.step(&Op::Commit);
            if round % 20 == 10 {
                world.step(&Op::Checkpoint);
                world.step(&Op::Close);
            }
        }
        world.journal = None;
        let names = world.disk.list().unwrap();
        for (file, at, bytes, truncate) in harm {
            world.disk.tamper(&names[file % names.len()], |content| {
                let at = at % content.len().max(1);
                let len = bytes.len().min(content.len() - at);
                content[at..at + len].copy_from_slice(&bytes[..len]);
                if truncate {
                    content.truncate(at);
                }
            }).unwrap();
        }
        for _ in 0..2 {
            let (mut journal, _) = Journal::open(&world.disk, &node(), world.options.clone(), 9, ms(0)).unwrap();
            let read = read_from(&journal, Position::START);
            for (at, time, bytes) in &read.engine {
                prop_assert_eq!(world.put.get(&(at.boot, at.seq)), Some(&(*time, bytes.clone())), "{}", at);
            }
            crate::Recall::read(journal.index()).unwrap();
            journal.commit(ms(500));
            journal.close(ms(501)).unwrap();
        }
    }
}
