//! A satellite with one button, a lamp and a horn, without flash, its host, and a wire between them that is good or cut.

use std::cell::RefCell;
use std::collections::VecDeque;

use campanile_core::capacity::Tiny;
use campanile_core::decision::ReplyResult;
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{COMMAND_TTL, Input, Op, Origin};
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::link::{Collector, Heard, Host, MAX_FRAME, Verdict, Wall};
use campanile_core::log::Cursor;
use campanile_core::program::verify::Room;
use campanile_core::program::{InputDef, OutputDef, Parts, VarDef, image};
use campanile_core::runner::Message;
use campanile_core::time::{Duration, Instant};
use campanile_flash::{End, Port, Store, Wired};

use crate::model::Model;

pub(crate) const BUTTON: InputId = InputId(0);
pub(crate) const LAMP: OutputId = OutputId(0);
pub(crate) const HORN: OutputId = OutputId(1);

const STEP: Duration = Duration::from_millis(10);

/// A program with the button, the lamp and the horn, which are safe when they are off; each choice is another.
pub(crate) fn bundle(choice: u32) -> Vec<u8> {
    wired(choice, true)
}

/// Such a program, of which the outputs go safe without the link or stay as they are.
pub(crate) fn wired(choice: u32, safe_without_link: bool) -> Vec<u8> {
    let button = bundle::Input { line: "BUTTON", active_low: false, pull: bundle::Pull::None };
    let output = |line| bundle::Output { line, active_low: false, safe_on: false, safe_without_link };
    let def = |line| OutputDef { line, safe: Level::Off, max_on: Duration::ZERO };
    let parts = Parts {
        inputs: &[InputDef { line: 1, ..InputDef::default() }],
        outputs: &[def(2), def(3)],
        variables: &[VarDef { name: choice, initial: 0 }],
        ..Parts::default()
    };
    let mut bytes = [0; 256];
    let lines =
        bundle::encode([button].into_iter(), ["LAMP", "HORN"].map(output).into_iter(), &mut bytes).unwrap();
    let len = lines + image::encode(&parts, &mut bytes[lines..]).unwrap();
    bytes[..len].to_vec()
}

/// What a bundle's outputs do when the link dies.
fn without_link(bundle: &Bundle<'_>) -> [Option<Level>; 2] {
    let mut outputs = bundle.outputs();
    [(); 2].map(|()| outputs.next().filter(|output| output.safe_without_link).map(|_| Level::Off))
}

/// The hash of a bundle's image.
pub(crate) fn image_of(bundle: &[u8]) -> u64 {
    image::hash(Bundle::open(bundle).unwrap().image)
}

/// What the end stands on.
pub(crate) struct Ground {
    linked_in: Vec<u8>,
    pub(crate) program: u64,
    generation: u32,
    /// What the outputs do when the link dies.
    without_link: [Option<Level>; 2],
    pub(crate) now: Instant,
    heard: VecDeque<u8>,
    said: Vec<Vec<u8>>,
    /// The wire takes nothing.
    pub(crate) is_full: bool,
    /// What the loop has not come to.
    pub(crate) messages: VecDeque<Message>,
}

impl Ground {
    /// Nothing waits for the wire.
    pub(crate) fn is_silent(&self) -> bool {
        self.said.is_empty()
    }

    /// For a message.
    pub(crate) fn has_room(&self) -> bool {
        self.messages.len() < 4
    }
}

impl Port for Ground {
    type Flash = Model<4, 1024>;

    const BOARD: &'static str = "test";

    fn now(&self) -> Instant {
        self.now
    }

    fn store(&self) -> Option<&RefCell<Store<Self::Flash>>> {
        None
    }

    fn linked_in(&self) -> impl Iterator<Item = &[u8]> {
        [self.linked_in.as_slice()].into_iter()
    }

    fn has_heard(&self) -> bool {
        !self.heard.is_empty()
    }

    fn hear(&mut self) -> Option<u8> {
        self.heard.pop_front()
    }

    fn takes_frame(&self) -> bool {
        !self.is_full
    }

    fn say(&mut self, frame: &[u8]) {
        self.said.push(frame.to_vec());
    }

    fn takes_message(&self) -> bool {
        self.has_room()
    }

    fn tell(&mut self, message: Message) {
        assert!(self.has_room());
        self.messages.push_back(message);
    }

    fn check(&self, _: &Bundle<'_>, _: &Room) -> Result<(), Verdict> {
        Ok(())
    }

    fn program(&self) -> u64 {
        self.program
    }

    fn generation(&self) -> u32 {
        self.generation
    }

    fn output(&self, output: OutputId) -> Option<Wired> {
        let pin = [7, 8].get(output.index()).copied()?;
        Some(Wired { pin, safe_without_link: *self.without_link.get(output.index())? })
    }
}

/// See the [module](self).
pub(crate) struct World {
    engine: Engine<Tiny>,
    pub(crate) end: End<Ground, 256, 4>,
    recorded: Cursor,
    host: Host,
    collector: Collector,
    /// What the host brings.
    bundle: Vec<u8>,
    /// The time of day.
    pub(crate) unix: i64,
    /// Nothing comes over the wire any more.
    pub(crate) is_cut: bool,
    /// The loop comes to no message.
    pub(crate) is_busy: bool,
    /// The messages that the loop has come to.
    pub(crate) done: Vec<Message>,
    /// What the host has heard.
    pub(crate) replies: Vec<(u32, ReplyResult)>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl World {
    /// In which the host is there and has all records.
    pub(crate) fn connected() -> Self {
        let linked_in = bundle(1);
        let mut engine = Engine::new();
        let recorded = engine.log().head();
        engine.load(Instant::ZERO, Bundle::open(&linked_in).unwrap().image).unwrap();
        let ground = Ground {
            program: image_of(&linked_in),
            generation: 0,
            without_link: without_link(&Bundle::open(&linked_in).unwrap()),
            linked_in,
            now: Instant::ZERO,
            heard: VecDeque::new(),
            said: Vec::new(),
            is_full: false,
            messages: VecDeque::new(),
        };
        let mut world = Self {
            end: End::new(ground, 0, 3, engine.room()),
            engine,
            recorded,
            host: Host::new(5),
            collector: Collector::new(),
            bundle: Vec::new(),
            unix: 1_000_000_000,
            is_cut: false,
            is_busy: false,
            done: Vec::new(),
            replies: Vec::new(),
            verdicts: Vec::new(),
        };
        world.run(Duration::from_secs(2));
        assert!(world.host.is_up());
        world
    }

    /// The loop comes to an input.
    pub(crate) fn feed(&mut self, input: Input) {
        let now = self.end.port.now;
        while !matches!(self.engine.poll(now), Step::Idle { .. }) {}
        self.engine.handle(now, input).unwrap();
        while !matches!(self.engine.poll(now), Step::Idle { .. }) {}
    }

    /// More is recorded than the log has room for, before the end looks at it.
    pub(crate) fn flood(&mut self) {
        for turn in 0..200 {
            self.feed(Input::Edge { input: BUTTON, level: Level::from_bool(turn % 2 == 0) });
        }
    }

    /// The end looks at the log and at the wire, and gets the state if it wants it.
    pub(crate) fn visit(&mut self) {
        self.recorded = self.end.visit(&self.engine.log(), self.recorded);
        if self.end.wants_checkpoint() {
            self.engine.checkpoint(|item| self.end.checkpoint(&item));
            self.end.checkpoint_done();
        }
    }

    /// The loop comes to the next message, if it is no program.
    pub(crate) fn do_message(&mut self) {
        let is_plain = |message: &Message| !matches!(message, Message::Install { .. });
        let Some(message) = self.end.port.messages.pop_front_if(|message| is_plain(message)) else { return };
        self.done.push(message);
        match message {
            Message::Input(input) => self.feed(input),
            Message::Command { origin, id, op, .. } => self.feed(Input::Command { origin, id, op }),
            _ => {}
        }
    }

    /// The loop comes to a program; whether there was one and it runs.
    pub(crate) fn install(&mut self) -> bool {
        let Some(Message::Install { hash }) = self.end.port.messages.pop_front() else { return false };
        let bundle = self.end.staged(hash).unwrap();
        let without_link = without_link(&bundle);
        while !matches!(self.engine.poll(self.end.port.now), Step::Idle { .. }) {}
        let is_taken = self.engine.install(self.end.port.now, bundle.image).is_ok();
        let port = &mut self.end.port;
        (port.program, port.generation, port.without_link) = (hash, port.generation + 1, without_link);
        is_taken
    }

    /// The host asks for something.
    pub(crate) fn ask(&mut self, id: u32, op: Op) {
        assert!(self.host.command(self.end.port.now, Origin::Link, id, op, COMMAND_TTL));
    }

    /// The host brings a program.
    pub(crate) fn bring(&mut self, new: &[u8]) {
        self.bundle = new.to_vec();
        self.host.install(self.end.port.now, bundle::hash(new), new.len() as u16);
    }

    /// What both have to say goes over the wire, and the end looks at what it has heard.
    pub(crate) fn carry(&mut self) {
        let (now, mut frame) = (self.end.port.now, [0; MAX_FRAME]);
        let wall = Wall { unix: self.unix + now.micros() as i64, offset: 0, trusted: true };
        while let Some(len) = self.host.transmit(now, wall, &self.bundle, &mut frame) {
            self.end.port.heard.extend(frame[..len].iter().filter(|_| !self.is_cut));
        }
        if self.end.is_stirred() || self.recorded != self.engine.log().head() {
            self.visit();
        }
        for byte in std::mem::take(&mut self.end.port.said).into_iter().flatten().filter(|_| !self.is_cut) {
            let Some(message) = self.collector.push(byte) else { continue };
            match self.host.receive(now, message) {
                Some(Heard::Hello(hello)) if hello.boot == 0 => self.host.assign(now, 1 << 32),
                Some(Heard::Hello(hello)) => self.host.pull(now, hello.tail),
                Some(Heard::Records(records)) => self.host.taken(now, records.first + records.count),
                Some(Heard::Reply { id, result }) => self.replies.push((id, result)),
                Some(Heard::Committed { verdict, .. }) => self.verdicts.push(verdict),
                _ => {}
            }
        }
    }

    /// So much time passes.
    pub(crate) fn run(&mut self, time: Duration) {
        let until = self.end.port.now.plus(time);
        while self.end.port.now < until {
            self.step();
        }
    }

    /// Until the end wants a program to take over.
    pub(crate) fn run_until_told(&mut self) {
        while !matches!(self.end.port.messages.front(), Some(Message::Install { .. })) {
            self.step();
        }
    }

    fn step(&mut self) {
        self.end.port.now = self.end.port.now.plus(STEP);
        self.carry();
        if !self.is_busy {
            self.do_message();
        }
    }

    pub(crate) fn output(&self, output: OutputId) -> Level {
        self.engine.output(output).unwrap().level
    }
}
