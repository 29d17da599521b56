//! What is wrong with a satellite, in words, as `status` and `link info` show it: a satellite's own end of the link against
//! a session, on a wire that takes no time.

use campanile_core::capacity::{Host, Tiny};
use campanile_core::engine::Engine;
use campanile_core::link::{
    About, Collector, Health, Request, Runs, Satellite, Storage, VERSION, Verdict, seal,
};
use campanile_core::program::verify::Room;
use campanile_core::time::Duration;
use campanile_delivery::Options;
use campanile_delivery::satellite::Memory;
use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::*;
use crate::config::{Source, compile};
use crate::satellites::view::SatelliteStatus;

const HOUSE: &str = r#"
[node]
name = "hall"
[boards.porch]
kind = "serial"
port = "/dev/ttyACM0"
[satellites.porch.inputs.button]
line = "BUTTON"
"#;

struct Bench {
    session: Session,
    view: View,
    engine: Box<Engine<Tiny>>,
    satellite: Satellite,
    /// What of the satellite's the test is about.
    room: Room,
    health: Health,
    /// Whether its port takes what comes of its program.
    takes: bool,
    verdict: Verdict,
    trusted: bool,
    /// Pieces of its program that came, and how often it was to run it.
    pieces: usize,
    installs: usize,
    to_host: Collector,
    to_satellite: Collector,
    now: Instant,
    _folder: TempDir,
}

impl Bench {
    fn new(more: &str) -> Self {
        Self::with("", more)
    }

    /// As above, of a board with more keys.
    fn with(board: &str, more: &str) -> Self {
        let house = HOUSE.replace("[satellites", &format!("{board}\n[satellites"));
        let folder = TempDir::new().unwrap();
        let file = compile(&Source::new("house.toml", format!("{house}{more}"))).unwrap();
        let program = file.settings.satellites.into_iter().next().unwrap();
        let view = View::new("porch", "porch", "/dev/ttyACM0");
        let around = Around {
            folder: folder.path().to_owned(),
            journal: Options { size: 400 * 1024, ..Options::default() },
            zone: TimeZone::UTC,
            links: mpsc::unbounded_channel().0,
            messages: mpsc::channel(1).0,
            memory: Memory::default(),
        };
        let lines = SatelliteLines::new("porch");
        let session = Session::new(&program, &around, lines, view.clone()).unwrap();
        let engine = Box::new(Engine::new());
        Self {
            session,
            view,
            room: engine.room(),
            engine,
            satellite: Satellite::new(0, 0, 7),
            health: Health::NO_STORAGE,
            takes: true,
            verdict: Verdict::Runs,
            trusted: true,
            pieces: 0,
            installs: 0,
            to_host: Collector::new(),
            to_satellite: Collector::new(),
            now: Instant::from_micros(1_000_000),
            _folder: folder,
        }
    }

    /// The cable is put in, or again.
    fn plug(&mut self) {
        self.session.end();
        self.session.begin(self.now);
        self.talk();
    }

    /// Another start of the satellite.
    fn restart(&mut self) {
        self.satellite = Satellite::new(0, 0, 8 + u32::from(self.installs as u8));
        self.plug();
    }

    /// Both say what they have to say, for a while.
    fn talk(&mut self) {
        for _ in 0..200 {
            self.now = self.now.plus(Duration::from_millis(10));
            let wall = Wall { unix: 1, offset: 0, trusted: self.trusted };
            self.session.work(self.now, &wall);
            let mut frame = [0; MAX_FRAME];
            while let Some(len) = self.session.transmit(self.now, wall, &mut frame) {
                self.hear(&frame[..len]);
            }
            let (room, health) = (self.room, self.health);
            let about = About {
                node: "",
                board: "test board",
                room,
                bundle_max: 1024,
                runs: Runs::default(),
                health,
            };
            while let Some(len) = self.satellite.transmit(self.now, &about, &self.engine.log(), &mut frame) {
                self.tell(&frame[..len]).unwrap();
            }
        }
    }

    /// The satellite's port takes every bundle as whole, or nothing of it, and says of it what the test wants.
    fn hear(&mut self, frame: &[u8]) {
        for &byte in frame {
            let Some(message) = self.to_satellite.push(byte) else { continue };
            match self.satellite.receive(self.now, message, &self.engine.log()) {
                Some(Request::Image { hash, len, .. }) => {
                    self.pieces += 1;
                    self.satellite.stored(hash, if self.takes { len } else { 0 });
                }
                Some(Request::Commit { hash }) => {
                    self.installs += 1;
                    self.satellite.committed(hash, self.verdict);
                }
                _ => {}
            }
        }
    }

    /// The host hears a frame.
    fn tell(&mut self, frame: &[u8]) -> Result<(), String> {
        for &byte in frame {
            if let Some(message) = self.to_host.push(byte) {
                self.session.receive(self.now, message)?;
            }
        }
        self.session.heard_all(self.now, 0);
        Ok(())
    }

    fn status(&self) -> SatelliteStatus {
        self.view.read()
    }

    fn problems(&self) -> String {
        self.status().problems.join("; ")
    }
}

#[test]
fn a_satellite_that_is_well_has_its_program_and_no_problem() {
    let mut bench = Bench::new("");
    bench.plug();
    let status = bench.status();
    assert!(status.up && !status.program.is_empty(), "{status:?}");
    assert_eq!((status.machine.as_str(), bench.problems().as_str(), bench.installs), ("test board", "", 1));
    bench.plug();
    assert_eq!(bench.installs, 1, "it has it");
}

/// With the button one more than the engine has room for.
fn too_many_inputs() -> String {
    (0..8).map(|n| format!("[satellites.porch.inputs.more{n}]\nline = {n}\n")).collect()
}

#[test]
fn one_that_is_too_small_says_so_as_long_as_it_is() {
    let mut bench = Bench::new(&too_many_inputs());
    // With each start, and when a person asks for it.
    for asks in [false, false, true] {
        if asks {
            bench.session.house.lines.ask_install();
            bench.talk();
        } else {
            bench.plug();
        }
        assert!(bench.status().up);
        assert!(bench.problems().contains("too small for its program: 9 inputs"), "{}", bench.problems());
    }
    assert_eq!(bench.installs, 0);
}

#[test]
fn one_that_is_too_small_gets_nothing_of_what_was_on_its_way_to_the_one_before_it() {
    let mut bench = Bench::new(&too_many_inputs());
    let small = std::mem::replace(&mut bench.room, Engine::<Host>::new().room());
    bench.takes = false;
    bench.plug();
    let status = bench.status();
    assert!(status.installing.is_some() && status.problems.is_empty() && bench.pieces > 0, "{status:?}");
    (bench.room, bench.pieces) = (small, 0);
    bench.restart();
    let status = bench.status();
    assert!(status.up && status.installing.is_none(), "{status:?}");
    assert!(bench.problems().contains("too small for its program: 9 inputs"), "{}", bench.problems());
    assert_eq!((bench.pieces, bench.installs), (0, 0));
}

#[test]
fn one_that_refuses_its_program_is_asked_again_with_its_next_start_or_by_a_person() {
    let mut bench = Bench::new("");
    bench.verdict = Verdict::UnknownLine;
    for _ in 0..2 {
        bench.plug();
        assert!(bench.problems().contains("names a line that its board has not"), "{}", bench.problems());
        assert_eq!(bench.installs, 1);
    }
    bench.session.house.lines.ask_install();
    bench.talk();
    assert_eq!(bench.installs, 2);
    bench.verdict = Verdict::Runs;
    bench.restart();
    assert_eq!((bench.problems().as_str(), bench.installs), ("", 3));
}

#[test]
fn flash_that_is_full_or_worn_or_dead_is_told_until_it_is_not() {
    let mut bench = Bench::new("");
    bench.plug();
    let words =
        [(Storage::Full, "flash is full"), (Storage::Worn, "is worn"), (Storage::Dead, "takes nothing")];
    for (storage, words) in words {
        bench.health = Health { storage, ..Health::NO_STORAGE };
        bench.talk();
        assert!(
            bench.problems().contains(words) && bench.status().problems.len() == 1,
            "{}",
            bench.problems()
        );
        assert!(bench.status().up);
    }
    bench.health.storage = Storage::Good;
    bench.talk();
    assert_eq!(bench.problems(), "");
}

#[test]
fn one_that_is_another_board_than_the_file_says_is_told() {
    let mut bench = Bench::with("machine = \"microbit\"", "");
    bench.plug();
    assert!(
        bench.problems().contains("it is a test board, and the file says machine = \"microbit\""),
        "{}",
        bench.problems()
    );
}

#[test]
fn without_a_clock_here_its_schedules_wait_and_that_is_told() {
    let mut bench = Bench::new("");
    bench.trusted = false;
    bench.plug();
    assert!(bench.problems().contains("no clock"), "{}", bench.problems());
    assert!(bench.status().up && !bench.status().program.is_empty(), "it goes on without");
    bench.trusted = true;
    bench.talk();
    assert_eq!(bench.problems(), "");
}

#[test]
fn all_that_is_wrong_at_once_is_told_the_gravest_first() {
    let mut bench = Bench::with("machine = \"microbit\"", &too_many_inputs());
    bench.health = Health { storage: Storage::Worn, ..Health::NO_STORAGE };
    bench.trusted = false;
    bench.plug();
    let problems = bench.status().problems;
    let words = ["it is a test board", "too small for its program", "flash is worn", "no clock"];
    assert_eq!(problems.len(), words.len(), "{problems:#?}");
    assert!(problems.iter().zip(words).all(|(problem, words)| problem.contains(words)), "{problems:#?}");
}

#[test]
fn one_of_another_version_is_named_with_what_is_to_be_brought_up_to_date() {
    let mut bench = Bench::new("");
    bench.session.begin(bench.now);
    // Version 1 is of before a satellite could be asked for its lines.
    for (version, which) in [(VERSION + 1, "bring this campanile"), (1, "bring the satellite's firmware")] {
        let mut frame = [0; MAX_FRAME];
        // Of a hello: the token, and the version, which are the same in all of them.
        let len = seal(&[1, 7, version, 9, 9, 9], &mut frame).unwrap();
        let why = bench.tell(&frame[..len]).unwrap_err();
        assert!(why.contains(which) && why.contains(&format!("version {version} of the link")), "{why}");
    }
}

#[test]
fn one_whose_count_of_starts_is_damaged_is_named_and_nothing_of_it_is_taken() {
    let mut bench = Bench::new("");
    bench.session.begin(bench.now);
    bench.satellite = Satellite::new(u64::MAX << 32, 0, 7);
    let mut frame = [0; MAX_FRAME];
    let wall = Wall { unix: 1, offset: 0, trusted: true };
    let len = bench.session.transmit(bench.now, wall, &mut frame).unwrap();
    bench.hear(&frame[..len]);
    let about = About {
        node: "",
        board: "test board",
        room: bench.room,
        bundle_max: 1024,
        runs: Runs::default(),
        health: bench.health,
    };
    let len = bench.satellite.transmit(bench.now, &about, &bench.engine.log(), &mut frame).unwrap();
    let why = bench.tell(&frame[..len]).unwrap_err();
    assert!(why.contains("its start 4294967295") && why.contains("erase its flash"), "{why}");
}

#[test]
fn what_was_wrong_with_it_is_not_told_of_a_port_at_which_nobody_is() {
    let mut bench = Bench::new("");
    bench.plug();
    bench.health = Health { storage: Storage::Dead, ..Health::NO_STORAGE };
    bench.talk();
    assert!(bench.problems().contains("takes nothing"), "{}", bench.problems());
    bench.session.end();
    assert_eq!(bench.problems(), "", "another board may be there next");
    bench.session.begin(bench.now);
    bench.talk();
    assert!(bench.problems().contains("takes nothing"), "it is back: {}", bench.problems());
}

#[test]
fn a_message_is_the_same_one_under_another_name_of_its_satellite() {
    let sent = |satellite: &str| {
        let (messages, mut sent) = mpsc::channel(1);
        let house = House { lines: SatelliteLines::new("porch"), satellite: satellite.to_owned(), messages };
        house.sent("doorbell", RecordId { boot: Boot(5), seq: 7 });
        sent.try_recv().unwrap()
    };
    let (porch, gate) = (sent("porch"), sent("gate"));
    assert_eq!((porch.message.as_str(), gate.message.as_str()), ("porch.doorbell", "gate.doorbell"));
    assert_eq!(porch.identity, gate.identity);
}
