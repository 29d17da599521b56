//! A microcontroller as far as its serial line shows it: engine and link as they ship, behind a TCP port. Its lines are
//! in memory.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration as StdDuration, Instant as StdInstant};

use campanile_core::decision::Decision;
use campanile_core::effect::Effect;
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::link::bundle::Bundle;
use campanile_core::link::{
    About, Collector, Health, MAX_FRAME, Request, Runs, Satellite, Staging, Storage, VERSION, Verdict, seal,
};
use campanile_core::log::Cursor;
use campanile_core::program::{Parts, image};
use campanile_core::record::{CORE_REV, Record};
use campanile_core::time::Instant;

campanile_core::capacity! {
    /// As the firmware's.
    Small {
        inputs: 4, outputs: 4, sensors: 2, variables: 8, triggers: 16, schedules: 2, scenarios: 16, runs: 16,
        code: 160, log: 2048,
    }
}

/// The outputs of a board by the names of their lines.
type Outputs = Arc<Mutex<Vec<(String, bool)>>>;

/// What a test does with a board.
enum Deed {
    Move(u8, bool),
    /// Its flash is so from now on.
    Ail(Storage),
    /// Whether its flash takes programs from now on.
    Store(bool),
    Unplug,
    Restart,
    End,
}

/// A board that runs.
pub(crate) struct Board {
    pub(crate) port: u16,
    outputs: Outputs,
    deeds: Sender<Deed>,
    thread: Option<JoinHandle<()>>,
}

impl Board {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (deeds, todo) = channel();
        let outputs = Outputs::default();
        let shared = outputs.clone();
        let thread = std::thread::Builder::new().stack_size(4 << 20);
        let thread = thread.spawn(move || while live(&listener, &todo, &shared) {}).unwrap();
        Self { port, outputs, deeds, thread: Some(thread) }
    }

    /// Moves an input.
    pub(crate) fn set(&self, input: u8, on: bool) {
        self.deeds.send(Deed::Move(input, on)).unwrap();
    }

    /// Its flash is so from now on.
    pub(crate) fn ail(&self, storage: Storage) {
        self.deeds.send(Deed::Ail(storage)).unwrap();
    }

    /// Whether its flash takes programs from now on.
    pub(crate) fn stores(&self, programs: bool) {
        self.deeds.send(Deed::Store(programs)).unwrap();
    }

    /// The cable is pulled out, and put in again.
    pub(crate) fn unplug(&self) {
        self.deeds.send(Deed::Unplug).unwrap();
    }

    /// The power goes and comes.
    pub(crate) fn restart(&self) {
        self.deeds.send(Deed::Restart).unwrap();
    }

    /// Whether the output on a line is on; `None` if the program has none there.
    pub(crate) fn output(&self, line: &str) -> Option<bool> {
        self.outputs.lock().unwrap().iter().find(|(name, _)| name == line).map(|(_, on)| *on)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.deeds.send(Deed::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A board of another version of the link, for as long as the test runs; its port.
pub(crate) fn stranger() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut frame = [0; MAX_FRAME];
            // Of a hello: the token, and the version, which are the same in all of them.
            let len = seal(&[1, 7, VERSION + 1, 9, 9], &mut frame).unwrap();
            while matches!(stream.read(&mut [0; 64]), Ok(1..)) && stream.write_all(&frame[..len]).is_ok() {}
        }
    });
    port
}

/// One start of a board; whether there is another.
fn live(listener: &TcpListener, todo: &Receiver<Deed>, outputs: &Outputs) -> bool {
    let mut node = Node::new(outputs.clone());
    listener.set_nonblocking(true).unwrap();
    let mut wire: Option<TcpStream> = None;
    loop {
        if wire.is_none() {
            wire = listener.accept().ok().map(|(stream, _)| stream);
            wire.iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
        }
        match todo.try_recv() {
            Ok(Deed::Move(input, on)) => {
                let level = Level::from_bool(on);
                node.feed(Input::Edge { input: InputId(input), level });
            }
            Ok(Deed::Ail(storage)) => node.health.storage = storage,
            Ok(Deed::Store(programs)) => node.stores = programs,
            Ok(Deed::Unplug) => wire = None,
            Ok(Deed::Restart) => return true,
            Ok(Deed::End) | Err(std::sync::mpsc::TryRecvError::Disconnected) => return false,
            Err(_) => {}
        }
        node.settle();
        if let Some(stream) = &mut wire {
            let mut bytes = [0; 512];
            match stream.read(&mut bytes) {
                Ok(0) => wire = None,
                Ok(len) => node.hear(&bytes[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => wire = None,
            }
        }
        while let Some(frame) = node.say() {
            if wire.as_mut().is_some_and(|stream| stream.write_all(&frame).is_err()) {
                wire = None;
            }
        }
        std::thread::sleep(StdDuration::from_millis(1));
    }
}

/// Engine and link, as the firmware puts them together.
struct Node {
    engine: Box<Engine<Small>>,
    cursor: Cursor,
    satellite: Satellite,
    runs: Runs,
    collector: Collector,
    staging: Box<Staging<1024>>,
    outputs: Outputs,
    health: Health,
    stores: bool,
    began: StdInstant,
    asked: VecDeque<InputId>,
}

impl Node {
    fn new(outputs: Outputs) -> Self {
        let mut bytes = [0; 64];
        let len = image::encode(&Parts::default(), &mut bytes).unwrap();
        let mut engine = Box::new(Engine::<Small>::new());
        let cursor = engine.log().head();
        engine.load(Instant::ZERO, &bytes[..len]).unwrap();
        outputs.lock().unwrap().clear();
        let noise = std::process::id() ^ StdInstant::now().elapsed().subsec_nanos();
        let mut node = Self {
            engine,
            cursor,
            satellite: Satellite::new(0, 0, noise),
            runs: Runs { program: image::hash(&bytes[..len]), since: 0 },
            collector: Collector::new(),
            staging: Box::default(),
            outputs,
            health: Health::NO_STORAGE,
            stores: true,
            began: StdInstant::now(),
            asked: VecDeque::new(),
        };
        node.feed(Input::Boot { boot: 0, core_rev: CORE_REV, hash: image::hash(&bytes[..len]), off: None });
        node
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.began.elapsed().as_micros() as u64)
    }

    fn feed(&mut self, input: Input) {
        self.settle();
        let handled = self.engine.handle(self.now(), input);
        assert!(handled.is_ok(), "{handled:?}: {input:?}");
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            match self.engine.poll(self.now()) {
                Step::Do(Effect::SetOutput { output, level }) => {
                    if let Some(line) = self.outputs.lock().unwrap().get_mut(output.index()) {
                        line.1 = level.is_on();
                    }
                }
                Step::Do(Effect::ReadInput { input }) => self.asked.push_back(input),
                Step::Do(_) | Step::Again => {}
                Step::Idle { .. } => break,
            }
        }
        while let Ok(Some((entry, next))) = self.engine.log().read(self.cursor) {
            if let Record::Decision(Decision::Reply { id, result, .. }) = entry.record {
                self.satellite.reply(id, result);
            }
            self.cursor = next;
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let now = self.now();
            let Some(message) = self.collector.push(byte) else { continue };
            match self.satellite.receive(now, message, &self.engine.log()) {
                Some(Request::Command { origin, id, op, .. }) => self.feed(Input::Command { origin, id, op }),
                Some(Request::Clock { unix, offset, trusted }) => {
                    self.feed(Input::Clock { unix, offset, trusted });
                }
                Some(Request::Image { hash, len, offset, bytes }) => {
                    let have = self.staging.take(hash, len, offset, bytes);
                    self.satellite.stored(hash, have);
                }
                Some(Request::Commit { hash }) => self.install(hash),
                Some(Request::Assigned { .. } | Request::Taken { .. }) | None => {}
            }
        }
    }

    fn install(&mut self, hash: u64) {
        let (now, since) = (self.now(), self.engine.log().head().seq);
        let verdict = match self.staging.whole(hash).map(Bundle::open) {
            None => Verdict::Incomplete,
            Some(_) if !self.stores => Verdict::Unstored,
            Some(None) => Verdict::Malformed,
            Some(Some(bundle)) => match self.engine.install(now, bundle.image) {
                Ok(_) => {
                    self.runs = Runs { program: image::hash(bundle.image), since };
                    let lines = bundle.outputs().map(|output| (output.line.to_owned(), output.safe_on));
                    *self.outputs.lock().unwrap() = lines.collect();
                    Verdict::Runs
                }
                Err(_) => Verdict::Refused,
            },
        };
        if verdict == Verdict::Runs {
            let inputs =
                self.staging.whole(hash).and_then(Bundle::open).map_or(0, |bundle| bundle.inputs().count());
            for input in (0..inputs as u8).map(InputId) {
                self.feed(Input::Level { input, level: Level::Off, why: LevelWhy::Start });
            }
        }
        self.satellite.committed(hash, verdict);
    }

    fn say(&mut self) -> Option<Vec<u8>> {
        let (room, health) = (self.engine.room(), self.health);
        let about = About { node: "", board: "test board", room, bundle_max: 1024, runs: self.runs, health };
        let mut out = [0; MAX_FRAME];
        let now = self.now();
        if self.satellite.wants_checkpoint() {
            self.engine.checkpoint(|item| self.satellite.checkpoint(&item));
            self.satellite.checkpoint_done();
        }
        let len = self.satellite.transmit(now, &about, &self.engine.log(), &mut out)?;
        Some(out[..len].to_vec())
    }
}
