//! The house: session and journal as the daemon puts them together, on a disk that forgets what was not synced.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use campanile_core::input::Input;
use campanile_core::link::{Collector, MAX_FRAME, Wall, bundle};
use campanile_core::program::{Parts, image};
use campanile_core::record::Record;
use campanile_core::time::Instant;
use campanile_delivery::disk::{Disk, PowerCut};
use campanile_delivery::satellite::{Book, Memory, Mirror, Program, Session, World};
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Archive, Body, Boot, Journal, Next, NodeName, Options, Position, RecordId, Start};
use proptest::prelude::*;

/// Of the program that both ends have: so none is brought over.
pub(crate) const IMAGE: u64 = 9;

/// That program, and what it is called over the link.
pub(crate) fn program() -> &'static (Program, u64) {
    static PROGRAM: OnceLock<(Program, u64)> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut bytes = [0; 256];
        let len = image::encode(&Parts::default(), &mut bytes).expect("an empty program is short");
        let program = Program::new(&bytes[..len], &Symbols::new("porch"), &[]).expect("it has no lines");
        let name = bundle::hash(program.bundle());
        (program, name)
    })
}

/// The journal has so many starts of the board that was there before.
const BEFORE: u64 = 5 << 32 | 0xABCD;

fn node() -> NodeName {
    "porch".parse().expect("a name")
}

fn options() -> Options {
    Options { size: 400 << 10, ..Options::default() }
}

struct House {
    lines: RefCell<Mirror>,
    random: u32,
}

impl World for House {
    fn lines<R>(&self, look: impl FnOnce(&mut Mirror) -> R) -> R {
        look(&mut self.lines.borrow_mut())
    }

    fn stir(&self) {}

    fn sent(&self, _: &str, _: RecordId) {}

    fn random(&mut self) -> Result<u32, String> {
        self.random = self.random.wrapping_mul(0x9e37_79b1).wrapping_add(1);
        Ok(self.random)
    }
}

/// One start of the daemon.
pub(crate) struct Hall {
    disk: Arc<Disk>,
    house: House,
    session: Session<Disk>,
    collector: Collector,
}

impl Hall {
    pub(crate) fn new() -> Self {
        let disk = Arc::new(Disk::new(1));
        let journal = Journal::open_for(&disk, &node(), options(), Start::Of(Boot(BEFORE)), Instant::ZERO);
        let (journal, _) = journal.expect("the disk is empty");
        assert!(journal.close(Instant::ZERO).is_ok());
        Self::start(disk, House { lines: RefCell::default(), random: 1 })
    }

    fn start(disk: Arc<Disk>, mut house: House) -> Self {
        let book = Book::open(disk.clone(), node(), options()).expect("what it wrote itself");
        let session = Session::new(program().0.clone(), book, Memory::default(), &mut house)
            .expect("there is a random number");
        Self { disk, house, session, collector: Collector::new() }
    }

    /// The process is killed, or the machine loses its power; another begins.
    pub(crate) fn dies(self, how: u8) -> Self {
        let Self { disk, house, session, .. } = self;
        drop(session);
        match how % 4 {
            0 => disk.power_cut(PowerCut::Nothing),
            1 => disk.power_cut(PowerCut::Sectors),
            2 => disk.power_cut(PowerCut::Bytes(usize::from(how))),
            _ => {}
        }
        Self::start(disk, house)
    }

    pub(crate) fn say(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.session.tick(now, None);
        let wall = Wall { unix: now.micros().cast_signed(), offset: 0, trusted: true };
        let mut out = [0; MAX_FRAME];
        let len = self.session.transmit(now, wall, &mut out)?;
        Some(out[..len].to_vec())
    }

    pub(crate) fn hear(&mut self, now: Instant, frame: &[u8]) -> Result<(), TestCaseError> {
        for &byte in frame {
            let Some(message) = self.collector.push(byte) else { continue };
            let heard = self.session.receive(now, message, &mut self.house);
            prop_assert!(heard.is_ok(), "{:?}", heard.err());
        }
        self.session.heard_all(now, &self.house);
        Ok(())
    }

    /// Whether the records of the start `boot` are there up to, and without, this one.
    pub(crate) fn has_all_of(&self, boot: u64, head: u64) -> bool {
        self.session.is_up()
            && self.session.book().boot() == Some(Boot(boot))
            && self.session.book().last() + 1 == head
    }

    /// Gives the numbers in the journal.
    pub(crate) fn read(self, mut give: impl FnMut(i64)) {
        drop(self.session);
        let archive = Archive::open(&self.disk).expect("what it wrote itself");
        let mut reader = archive.index.reader(Position::START);
        loop {
            match reader.next().expect("the disk is good") {
                Next::Item(item) => {
                    if let Body::Engine(frame) = item.body
                        && let Some(Record::Input(Input::Clock { unix, .. })) = frame.record()
                    {
                        give(unix);
                    }
                }
                Next::Lagged(_) => {}
                Next::End => return,
            }
        }
    }
}
