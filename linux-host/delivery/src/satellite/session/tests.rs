//! A satellite that offers its starts, word by word: where the journal has them, and what the house hears of them.

use std::cell::RefCell;
use std::sync::Arc;

use campanile_core::decision::{Decision, Source, Values};
use campanile_core::id::{InputId, ScenarioId, TemplateId};
use campanile_core::input::Input;
use campanile_core::link::{Collector, Hello, Lines, MAX_MESSAGE, Message, Records};
use campanile_core::program::image::Counts;
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
    sent: RefCell<Vec<(String, u64)>>,
    random: u32,
}

impl World for House {
    fn lines<R>(&self, look: impl FnOnce(&mut Mirror) -> R) -> R {
        look(&mut self.lines.borrow_mut())
    }

    fn stir(&self) {}

    fn sent(&self, message: &str, at: RecordId) {
        self.sent.borrow_mut().push((message.to_owned(), at.seq));
    }

    fn random(&mut self) -> Result<u32, String> {
        self.random += 1;
        Ok(self.random)
    }
}

impl House {
    /// The records of the messages that it has heard of.
    fn rung(&self) -> Vec<u64> {
        self.sent.borrow().iter().map(|(_, seq)| *seq).collect()
    }
}

/// The house's end, and the satellite's words as the test has them.
struct Bench {
    disk: Arc<Disk>,
    session: Session<Disk>,
    house: House,
    now: Instant,
    token: u32,
    nonce: u32,
    /// The bundle that it runs.
    bundle: u64,
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
        let program =
            Program { hash: IMAGE, image: Vec::new(), symbols, bundle: vec![1], bundle_hash: BUNDLE };
        let mut house = House::default();
        house.lines.get_mut().open_input("button");
        house.lines.get_mut().open_output("lamp", Level::Off);
        let disk = Arc::new(Disk::new(1));
        let book = Book::open(Arc::clone(&disk), node(), small()).unwrap();
        let session = Session::new(program, book, &mut house).unwrap();
        Self {
            disk,
            session,
            house,
            now: ms(1),
            token: 0,
            nonce: 0,
            bundle: BUNDLE,
            looks: 0,
            commanded: None,
            unjudged: 0,
        }
    }

    /// The house starts anew, with the journal that it has.
    fn start_house_anew(&mut self) {
        let program = self.session.program().clone();
        let book = Book::open(Arc::clone(&self.disk), node(), small()).unwrap();
        self.session = Session::new(program, book, &mut self.house).unwrap();
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

    /// As above, again within the session.
    fn hello(&mut self, boot: u64, over: bool, head: u64) -> Vec<Asked> {
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
            bundle_max: 64,
            node: "",
            board: "test board",
        }))
    }

    /// It tells how the button is, as of this record.
    fn tells(&mut self, seq: u64, button: Level) -> Vec<Asked> {
        let inputs_on = u64::from(button.is_on());
        self.says(Message::Lines(Lines { seq, inputs: 1, inputs_on, outputs: 0, outputs_on: 0 }))
    }

    /// It sends a record that says nothing of the button, and that those before it are gone.
    fn sends_behind_a_gap(&mut self, first: u64) -> Vec<Asked> {
        let record = Record::Input(Input::Clock { unix: 0, offset: 0, trusted: false });
        let mut bytes = [0; MAX_RECORD];
        let len = record.encode(Duration::ZERO, &mut bytes).unwrap();
        self.says(Message::Records(Records { first, gap: true, base: Instant::ZERO, bytes: &bytes[..len] }))
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
        self.says(Message::Records(Records { first, gap: false, base, bytes: &bytes }))
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

#[test]
fn starts_that_outlived_are_taken_in_order_and_passed_over_when_they_come_again() {
    use Level::{Off, On};
    let mut bench = Bench::new();
    bench.plug();
    assert_eq!(bench.offers(start(5), true, 4), [Asked::From(1)]);
    assert_eq!(bench.sends(1, &[On]), [Asked::From(2)]);
    // The cable was out: it goes on where it was.
    bench.plug();
    assert_eq!(bench.offers(start(5), true, 4), [Asked::From(2)]);
    assert_eq!(bench.sends(2, &[Off, On]), [Asked::From(4)]);
    assert_eq!(bench.offers(start(6), false, 2), [Asked::From(1)]);
    bench.plug();
    assert_eq!(bench.offers(start(5), true, 4), [Asked::From(4)], "it is there");
    assert_eq!(bench.offers(start(6), false, 2), [Asked::From(1)]);
}

#[test]
fn of_a_start_that_the_journal_has_to_its_end_nothing_is_asked_for() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), true, 4);
    assert_eq!(bench.sends(1, &[Level::On; 3]), [Asked::From(4)]);
    for head in [4, 3] {
        bench.plug();
        assert_eq!(bench.offers(start(5), true, head), [Asked::From(head)]);
    }
}

#[test]
fn a_start_with_a_counter_behind_the_journals_gets_a_number_and_its_records_are_taken() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 4);
    bench.sends(1, &[Level::On; 3]);
    // Another board, which has counted to 2.
    bench.plug();
    let asked = bench.offers(start(1), true, 3);
    let [Asked::Assign(boot)] = asked[..] else { panic!("{asked:?}") };
    assert!(boot > start(5));
    assert_eq!(bench.hello(boot, true, 3), [Asked::From(1)]);
    assert_eq!(bench.sends(1, &[Level::On]), [Asked::From(2)]);
    assert_eq!((bench.session.book().boot(), bench.session.book().last()), (Some(Boot(boot)), 1));
    // It starts once more: the rest of it is taken, and the start behind.
    bench.plug();
    assert_eq!(bench.offers(start(1), true, 3), [Asked::Assign(boot)]);
    assert_eq!(bench.hello(boot, true, 3), [Asked::From(2)]);
    assert_eq!(bench.sends(2, &[Level::On]), [Asked::From(3)]);
    let asked = bench.offers(start(2), false, 2);
    let [Asked::Assign(next)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(bench.hello(next, false, 2), [Asked::From(1)]);
    bench.plug();
    assert_eq!(bench.offers(start(1), true, 3), [Asked::From(3)], "it is there by its other number");
    assert_eq!(bench.session.book().lost(), 0);
}

#[test]
fn what_a_start_did_that_is_over_is_for_the_journal_alone() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), true, 3);
    assert_eq!(bench.sends_install(1, IMAGE), [Asked::From(2)]);
    assert!(!bench.session.runs_ours() && !bench.session.is_up(), "that was then");
    bench.sends(2, &[Level::On]);
    assert_eq!(bench.moves(), []);
    bench.offers(start(6), false, 2);
    bench.sends(1, &[Level::Off]);
    bench.tells(2, Level::Off);
    assert!(bench.session.runs_ours() && bench.session.is_up());
    assert!(
        matches!(bench.moves()[..], [Move::Found { level: Level::Off, .. }]),
        "as the one that runs has it"
    );
}

#[test]
fn what_is_old_is_no_news_wherever_a_frame_ends() {
    use Level::{Off, On};
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 2);
    bench.sends(1, &[Off]);
    bench.tells(2, Off);
    assert!(matches!(bench.moves()[..], [Move::Found { level: Off, .. }]));
    // Presses of a night, and then one that is held: the house hears of that, once.
    bench.now = ms(9 * 3_600_000);
    bench.plug();
    bench.offers(start(5), false, 6);
    for (first, level) in [(2, On), (3, Off), (4, On)] {
        bench.sends(first, &[level]);
        assert_eq!(bench.moves(), [], "before all of it is there");
    }
    bench.sends(5, &[Off]);
    bench.tells(6, Off);
    assert_eq!(bench.moves(), [], "it is where it was");
    bench.plug();
    bench.offers(start(5), false, 9);
    bench.tells(9, On);
    bench.sends(6, &[On, Off]);
    assert_eq!(bench.moves(), [], "that was said of a record that has not come yet");
    bench.sends(8, &[On]);
    assert!(matches!(bench.moves()[..], [Move::Edge { level: On, .. }]));
}

#[test]
fn a_message_that_was_sent_just_now_is_told_once() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), true, 2);
    bench.says(Message::Pong { at: bench.now });
    bench.sends_message(1);
    bench.offers(start(6), false, 1);
    bench.says(Message::Pong { at: ms(0) });
    bench.tells(1, Level::Off);
    bench.sends_message(1);
    bench.sends_message(1);
    bench.sends_message(2);
    // One of long ago comes when the cable is in again.
    bench.now = ms(3_600_000);
    bench.plug();
    bench.offers(start(6), false, 4);
    bench.says(Message::Pong { at: ms(3_600_000) });
    bench.sends_message(3);
    let doorbell = |seq| ("doorbell".to_owned(), seq);
    assert_eq!(*bench.house.sent.borrow(), [doorbell(1), doorbell(2)]);
}

#[test]
fn a_message_waits_until_it_is_known_how_old_it_is() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 3);
    bench.tells(1, Level::Off);
    bench.sends_message(1);
    assert!(bench.house.rung().is_empty());
    // The cable is out before its clock was heard.
    bench.plug();
    bench.offers(start(5), false, 3);
    bench.sends_message(2);
    bench.says(Message::Pong { at: ms(30_001) });
    assert_eq!(bench.house.rung(), [2], "the first is 30 s old");
    bench.says(Message::Pong { at: ms(30_001) });
    assert_eq!(bench.house.rung(), [2], "told once");
}

#[test]
fn of_messages_of_an_unknown_age_the_newest_wait() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 20);
    bench.tells(1, Level::Off);
    (1..20).for_each(|seq| drop(bench.sends_message(seq)));
    assert_eq!(bench.unjudged, 3);
    bench.says(Message::Pong { at: ms(20) });
    assert_eq!(bench.house.rung(), (4..20).collect::<Vec<_>>());
}

#[test]
fn what_waits_of_a_start_is_not_judged_by_the_clock_of_the_next() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 2);
    bench.tells(1, Level::Off);
    bench.sends_message(1);
    bench.plug();
    bench.offers(start(6), false, 1);
    bench.says(Message::Pong { at: ms(1) });
    assert!(bench.house.rung().is_empty());
}

#[test]
fn a_satellite_that_runs_for_longer_than_the_house_tells_of_what_is_old_as_such() {
    use Level::{Off, On};
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 1);
    bench.tells(1, Off);
    assert!(matches!(bench.moves()[..], [Move::Found { level: Off, .. }]));
    // The house starts anew, and its clock with it: the bell was rung days ago by the satellite's.
    bench.plug();
    bench.offers(start(5), false, 4);
    bench.says(Message::Pong { at: ms(5 * 86_400_000) });
    bench.sends(1, &[On, Off]);
    bench.sends_message(3);
    bench.tells(4, Off);
    assert_eq!((bench.moves(), bench.house.sent.borrow().len()), (vec![], 0));
    // By a clock that is heard now it is news, and so is what came behind that.
    bench.says(Message::Pong { at: ms(2) });
    bench.now = bench.now.plus(Duration::from_millis(500));
    bench.sends(4, &[On]);
    bench.sends_message(5);
    assert!(matches!(bench.moves()[..], [Move::Edge { level: On, .. }]));
    assert_eq!(bench.house.sent.borrow().len(), 1);
}

#[test]
fn what_came_before_our_program_took_over_is_not_read_by_its_names() {
    use Level::{Off, On};
    let mut bench = Bench::new();
    bench.plug();
    bench.bundle = OTHERS;
    bench.offers(start(5), false, 6);
    bench.says(Message::Pong { at: ms(1) });
    bench.sends_install(1, OTHERS);
    // It takes over, and says so before its records are here.
    assert!(!bench.session.runs_ours());
    bench.session.install(bench.now);
    bench.says(Message::Committed { hash: BUNDLE, verdict: Verdict::Runs });
    assert!(bench.session.runs_ours());
    bench.sends(2, &[On, Off]);
    bench.sends_message(4);
    assert_eq!((bench.moves(), bench.house.sent.borrow().len()), (vec![], 0), "of other lines");
    bench.sends_install(5, IMAGE);
    bench.sends(6, &[Off]);
    bench.sends_message(7);
    assert!(matches!(bench.moves()[..], [Move::Found { level: Off, .. }]));
    assert_eq!(bench.house.sent.borrow().len(), 1);
}

#[test]
fn that_our_program_took_over_shows_in_how_the_lines_are_where_the_record_is_gone() {
    use Level::{Off, On};
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 9);
    bench.says(Message::Pong { at: ms(1) });
    bench.sends_install(1, OTHERS);
    bench.sends(2, &[On]);
    bench.sends_behind_a_gap(8);
    assert!(bench.session.runs_ours(), "as it has said");
    bench.tells(9, Off);
    assert!(matches!(bench.moves()[..], [Move::Found { level: Off, .. }]));
    bench.sends(9, &[On]);
    assert!(matches!(bench.moves()[..], [Move::Edge { level: On, .. }]));
}

#[test]
fn a_house_that_starts_anew_goes_on_reading_by_the_program_that_its_journal_ends_with() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 2);
    for (program, seq) in [(IMAGE, 1), (OTHERS, 3)] {
        bench.sends_install(seq, program);
        bench.start_house_anew();
        bench.plug();
        bench.offers(start(5), false, seq + 2);
        bench.says(Message::Pong { at: ms(1) });
        bench.sends_message(seq + 1);
    }
    assert_eq!(*bench.house.sent.borrow(), [("doorbell".to_owned(), 2)]);
}

#[test]
fn what_it_told_of_an_output_does_not_undo_what_it_was_commanded_since() {
    use Level::{Off, On};
    for (result, again) in [(ReplyResult::Done, false), (ReplyResult::Expired, true)] {
        let mut bench = Bench::new();
        bench.plug();
        bench.offers(start(5), false, 3);
        bench.says(Message::Lines(Lines { seq: 3, inputs: 0, inputs_on: 0, outputs: 1, outputs_on: 0 }));
        bench.house.lines(|lines| lines.set("lamp", On));
        bench.session.work(bench.now, &bench.house);
        bench.asked();
        let id = bench.commanded.take().unwrap();
        bench.says(Message::Reply { id, result });
        bench.sends(1, &[On, Off]);
        let lamp = bench.house.lines(|lines| lines.next_output());
        assert_eq!(lamp, again.then(|| ("lamp".to_owned(), On)), "{result:?}");
    }
}

#[test]
fn behind_a_gap_it_is_asked_how_its_lines_are() {
    use Level::{Off, On};
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 2);
    bench.sends(1, &[On]);
    bench.tells(2, On);
    assert!(matches!(bench.moves()[..], [Move::Found { level: On, .. }]));
    assert_eq!(bench.looks, 1);
    // Nobody will hear any more that it was released.
    bench.sends_behind_a_gap(5);
    assert_eq!((bench.looks, bench.moves()), (2, vec![]));
    bench.tells(5, Off);
    assert_eq!(bench.moves(), [], "as old as what is missing");
    bench.now = bench.now.plus(Duration::from_millis(600));
    bench.asked();
    assert_eq!(bench.looks, 3, "so it is asked once more");
    bench.tells(6, Off);
    assert!(matches!(bench.moves()[..], [Move::Edge { level: Off, .. }]));
    bench.now = bench.now.plus(Duration::from_millis(600));
    bench.asked();
    assert_eq!(bench.looks, 3, "it is known");
}

#[test]
fn a_number_that_was_lost_on_the_wire_is_given_again_and_no_start_stays_empty() {
    let mut bench = Bench::new();
    // First of a satellite that has no number, then of one whose number the journal has passed.
    for theirs in [0, start(1)] {
        bench.plug();
        let asked = bench.offers(theirs, false, 2);
        let [Asked::Assign(boot)] = asked[..] else { panic!("{asked:?}") };
        bench.plug();
        assert_eq!(bench.offers(theirs, false, 2), [Asked::Assign(boot)], "it has not heard it");
        assert_eq!(bench.hello(boot, false, 2), [Asked::From(1)]);
        assert_eq!(bench.sends(1, &[Level::On]), [Asked::From(2)]);
        // It has heard it: this is another start, or it has no number of its own yet.
        bench.plug();
        let asked = bench.offers(theirs, false, 2);
        let [Asked::Assign(next)] = asked[..] else { panic!("{asked:?}") };
        assert_eq!(next >> 32, (boot >> 32) + 1);
        bench.hello(next, false, 2);
    }
}

#[test]
fn a_start_beyond_all_counting_is_named_and_not_taken() {
    let mut bench = Bench::new();
    bench.plug();
    let highest = u64::from(campanile_core::link::MAX_STARTS);
    assert_eq!(bench.offers(start(highest + 1), false, 2), [], "nothing is asked of it");
    assert_eq!(bench.session.book().boot(), None);
    assert_eq!(bench.offers(start(highest), false, 2), [Asked::From(1)], "the last that is one");
}

#[test]
fn what_is_asked_of_its_program_is_asked_once_of_who_is_there_and_has_an_outcome_always() {
    let mut bench = Bench::new();
    assert_eq!(bench.is_to_start(1), None);
    assert_eq!(bench.session.take_outcome(), Some((1, Outcome::Away)), "nobody was ever there");
    bench.plug();
    bench.offers(start(5), false, 1);
    let id = bench.is_to_start(2).unwrap();
    assert_eq!(bench.is_to_start(3), None, "one at a time");
    bench.says(Message::Reply { id, result: ReplyResult::Done });
    assert_eq!(bench.session.take_outcome(), Some((2, Outcome::Answered(ReplyResult::Done))));
    assert!(bench.works().is_some(), "the next one is");
    bench.plug();
    assert_eq!(bench.session.take_outcome(), Some((3, Outcome::Unanswered)), "it may have been carried out");
    bench.offers(start(6), false, 1);
    assert_eq!(bench.works(), None, "and so is not asked for again behind a start of the satellite");
    bench.bundle = OTHERS;
    bench.plug();
    bench.offers(start(7), false, 1);
    assert_eq!(bench.is_to_start(4), None);
    assert_eq!(bench.session.take_outcome(), Some((4, Outcome::Away)), "it runs another program");
    assert_eq!(bench.session.take_outcome(), None);
}

#[test]
fn an_output_comes_before_what_is_asked_and_what_is_too_much_is_turned_away() {
    let mut bench = Bench::new();
    bench.plug();
    bench.offers(start(5), false, 1);
    bench.house.lines(|lines| lines.set("lamp", Level::On));
    for ticket in 0..17 {
        bench.session.ask(ticket, Op::Start { scenario: ScenarioId(0) }, bench.now);
    }
    let lamp = bench.works().unwrap();
    bench.says(Message::Reply { id: lamp, result: ReplyResult::Done });
    assert_eq!(bench.session.take_outcome(), Some((16, Outcome::Crowded)));
    assert_eq!(bench.session.take_outcome(), None, "the first answer was the lamp's");
    for ticket in 0..16 {
        let id = bench.works().unwrap();
        bench.says(Message::Reply { id, result: ReplyResult::Done });
        assert_eq!(bench.session.take_outcome(), Some((ticket, Outcome::Answered(ReplyResult::Done))));
    }
}
