//! A satellite that offers its starts, word by word: where the journal has them, and what the house hears of them.

mod commands;
mod lines;
mod messages;
mod names;
mod refusals;
mod starts;

use std::cell::RefCell;
use std::sync::Arc;

use campanile_core::decision::{Decision, Source, Values};
use campanile_core::id::{InputId, ScenarioId, TemplateId};
use campanile_core::input::Input;
use campanile_core::link::{Collector, Hello, Lines, MAX_MESSAGE, Message, Records};
use campanile_core::program::Parts;
use campanile_core::program::image::{self, Counts};
use campanile_core::program::verify::Room;
use campanile_core::record::{CORE_REV, MAX_RECORD, Record};
use campanile_core::time::Duration;

use super::*;
use crate::disk::Disk;
use crate::satellite::{Move, Outcome};
use crate::symbols::{self, Symbols};
use crate::testing::{ms, node, small};

const WALL: Wall = Wall { unix: 0, offset: 0, trusted: false };
const BUNDLE: u64 = 7;
/// Of another program, whose first input is not the button; its image, too.
const OTHERS: u64 = 8;
const IMAGE: u64 = 9;

#[derive(Default)]
struct House {
    lines: RefCell<Mirror>,
    sent: RefCell<Vec<(String, RecordId)>>,
    random: u32,
}

impl World for House {
    fn lines<R>(&self, look: impl FnOnce(&mut Mirror) -> R) -> R {
        look(&mut self.lines.borrow_mut())
    }

    fn stir(&self) {}

    fn sent(&self, message: &str, at: RecordId) {
        self.sent.borrow_mut().push((message.to_owned(), at));
    }

    fn random(&mut self) -> Result<u32, String> {
        self.random += 1;
        Ok(self.random)
    }
}

impl House {
    /// The records of the messages that it has heard of.
    fn rung(&self) -> Vec<u64> {
        self.sent.borrow().iter().map(|(_, at)| at.seq).collect()
    }
}

/// The house's end, and the satellite's words as the test has them.
struct Bench {
    disk: Arc<Disk>,
    memory: Memory,
    session: Session<Disk>,
    house: House,
    now: Instant,
    token: u32,
    nonce: u32,
    /// The bundle that it runs, and how many bytes of another it has room for.
    bundle: u64,
    bundle_max: u16,
    /// The program that it says to have written the records of its next frame, if it says so.
    wrote: Option<u64>,
    /// Pieces of a bundle that it was sent.
    pieces: usize,
    /// How often it was asked how the button is.
    looks: usize,
    /// The number of the command that it was given last.
    commanded: Option<u32>,
    /// Messages that were given up, as it was not known how old they are.
    unjudged: usize,
}

impl Bench {
    fn new() -> Self {
        let mut symbols = Symbols::new("porch");
        symbols.inputs.push(symbols::Input {
            name: "button".to_owned(),
            board: "porch".to_owned(),
            line: symbols::Line::Offset(1),
            active: symbols::Active::High,
            pull: symbols::Pull::None,
            class: String::new(),
            durable: false,
            report: symbols::Report::default(),
        });
        symbols.outputs.push(symbols::Output {
            name: "lamp".to_owned(),
            board: "porch".to_owned(),
            line: symbols::Line::Offset(2),
            active: symbols::Active::High,
            drive: symbols::Drive::PushPull,
            safe: Level::Off,
        });
        symbols.messages.push(symbols::Message {
            name: "doorbell".to_owned(),
            values: Vec::new(),
            text: None,
            data: Vec::new(),
        });
        let mut image = vec![0; 64];
        let len = image::encode(&Parts::default(), &mut image).unwrap();
        image.truncate(len);
        let program = Program { hash: IMAGE, image, symbols, bundle: vec![1], bundle_hash: BUNDLE };
        let mut house = House::default();
        house.lines.get_mut().open_input("button");
        house.lines.get_mut().open_output("lamp", Level::Off);
        let disk = Arc::new(Disk::new(1));
        let book = Book::open(Arc::clone(&disk), node(), small()).unwrap();
        let memory = Memory::default();
        let session = Session::new(program, book, memory.clone(), &mut house).unwrap();
        Self {
            disk,
            memory,
            session,
            house,
            now: ms(1),
            token: 0,
            nonce: 0,
            bundle: BUNDLE,
            bundle_max: 64,
            wrote: None,
            pieces: 0,
            looks: 0,
            commanded: None,
            unjudged: 0,
        }
    }

    /// The satellite is there for the first time.
    fn plugged() -> Self {
        let mut bench = Self::new();
        bench.plug();
        bench
    }

    /// The house starts anew, with the journal that it has.
    fn start_house_anew(&mut self) {
        let program = self.session.program().clone();
        let book = Book::open(Arc::clone(&self.disk), node(), small()).unwrap();
        self.memory = Memory::default();
        self.session = Session::new(program, book, self.memory.clone(), &mut self.house).unwrap();
    }

    /// The board has another name from here on, with this journal; gives the disk of the journal before.
    fn is_named_anew(&mut self, disk: Arc<Disk>) -> Arc<Disk> {
        let program = self.session.program().clone();
        let book = Book::open(Arc::clone(&disk), node(), small()).unwrap();
        self.session = Session::new(program, book, self.memory.clone(), &mut self.house).unwrap();
        std::mem::replace(&mut self.disk, disk)
    }

    /// The satellite has started, or the cable is in again.
    fn plug(&mut self) {
        self.session.end();
        self.session.begin(self.now);
        self.asked();
    }

    /// The satellite says a thing, in a frame of its own; then the house's answers.
    fn says(&mut self, message: Message<'_>) -> Vec<Asked> {
        let mut bytes = [0; MAX_MESSAGE];
        let len = message.encode(self.token, &mut bytes).unwrap();
        let news = self.session.receive(self.now, &bytes[..len], &mut self.house).unwrap();
        if let Some(News::Unjudged { messages }) = news {
            self.unjudged += messages;
        }
        self.session.heard_all(self.now, &self.house);
        self.asked()
    }

    /// It offers the records of a start up to, and without, this number; once more if it is greeted anew for that.
    fn offers(&mut self, boot: u64, over: bool, head: u64) -> Vec<Asked> {
        let greeted = self.nonce;
        self.token += 1;
        let asked = self.hello(boot, over, head);
        if self.nonce == greeted {
            return asked;
        }
        self.token += 1;
        self.hello(boot, over, head)
    }

    /// As above, again within the session. If the start runs, all its records are of the program that it runs.
    fn hello(&mut self, boot: u64, over: bool, head: u64) -> Vec<Asked> {
        self.wrote = (!over).then_some(if self.bundle == BUNDLE { IMAGE } else { OTHERS });
        let counts = Counts { inputs: 1, ..Counts::default() };
        self.says(Message::Hello(Hello {
            token: self.token,
            nonce: self.nonce,
            boot,
            over,
            core_rev: CORE_REV,
            bundle: self.bundle,
            tail: 1,
            head,
            room: Room { counts, runs: 1 },
            bundle_max: self.bundle_max,
            node: "",
            board: "test board",
        }))
    }

    /// It tells how the button is, as of this record.
    fn tells(&mut self, seq: u64, button: Level) -> Vec<Asked> {
        let inputs_on = u64::from(button.is_on());
        self.says(Message::Lines(Lines { seq, inputs: 1, inputs_on, outputs: 0, outputs_on: 0 }))
    }

    /// It sends a record that says nothing of the button, and that those before it are gone; whoever wrote it.
    fn sends_behind_a_gap(&mut self, first: u64) -> Vec<Asked> {
        let record = Record::Input(Input::Clock { unix: 0, offset: 0, trusted: false });
        let mut bytes = [0; MAX_RECORD];
        let len = record.encode(Duration::ZERO, &mut bytes).unwrap();
        let (program, base, bytes) = (self.wrote.take(), Instant::ZERO, &bytes[..len]);
        self.says(Message::Records(Records { first, gap: true, program, base, bytes }))
    }

    /// It sends what the button did, from this record on.
    fn sends(&mut self, first: u64, levels: &[Level]) -> Vec<Asked> {
        let event = |level: &Level| Decision::Event {
            source: Source::Input { input: InputId(0) },
            value: Some((*level).into()),
            onset_ago: Duration::ZERO,
            bounces: 0,
        };
        self.sends_records(first, levels.iter().map(event).map(Record::Decision))
    }

    /// As above, of a message.
    fn sends_message(&mut self, seq: u64) -> Vec<Asked> {
        let (template, values) = (TemplateId(0), Values::default());
        let send = Decision::Send { template, values, onset_ago: Duration::ZERO };
        self.sends_records(seq, [Record::Decision(send)].into_iter())
    }

    /// As above, that another program is active from there on.
    fn sends_install(&mut self, seq: u64, hash: u64) -> Vec<Asked> {
        self.sends_records(seq, [Record::Input(Input::Install { hash })].into_iter())
    }

    fn sends_records(&mut self, first: u64, records: impl Iterator<Item = Record>) -> Vec<Asked> {
        let mut bytes = Vec::new();
        for said in records {
            let mut record = [0; MAX_RECORD];
            let len = said.encode(Duration::from_millis(1), &mut record).unwrap();
            bytes.extend_from_slice(&record[..len]);
        }
        let base = Instant::from_micros((first - 1) * 1_000);
        let program = self.wrote.take();
        self.says(Message::Records(Records { first, gap: false, program, base, bytes: &bytes }))
    }

    /// What the house asks for, now.
    fn asked(&mut self) -> Vec<Asked> {
        let (mut asked, mut frame) = (Vec::new(), [0; MAX_FRAME]);
        let mut collector = Collector::new();
        while let Some(len) = self.session.transmit(self.now, WALL, &mut frame) {
            for &byte in &frame[..len] {
                match collector.push(byte).map(Message::decode) {
                    Some(Ok((_, Message::Greet { nonce, .. }))) => self.nonce = nonce,
                    Some(Ok((_, Message::Assign { boot }))) => asked.push(Asked::Assign(boot)),
                    Some(Ok((_, Message::Ack { seq }))) => asked.push(Asked::From(seq)),
                    Some(Ok((_, Message::Command { id, .. }))) => self.commanded = Some(id),
                    Some(Ok((_, Message::Look))) => self.looks += 1,
                    Some(Ok((_, Message::Image { .. }))) => self.pieces += 1,
                    _ => {}
                }
            }
        }
        asked
    }

    /// Somebody asks that its scenario is started; the number of the command that it is given.
    fn is_to_start(&mut self, ticket: u32) -> Option<u32> {
        self.session.ask(ticket, Op::Start { scenario: ScenarioId(0) }, self.now);
        self.works()
    }

    /// The number of the command that it is given, now.
    fn works(&mut self) -> Option<u32> {
        self.session.work(self.now, &self.house);
        self.asked();
        self.commanded.take()
    }

    /// What the house hears of the button.
    fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        self.house.lines(|lines| lines.take("button", |moved| moves.push(moved)));
        moves
    }
}

#[derive(Debug, PartialEq)]
enum Asked {
    Assign(u64),
    From(u64),
}

/// A number of the satellite's own.
const fn start(counter: u64) -> u64 {
    counter << 32 | 0xabcd
}
