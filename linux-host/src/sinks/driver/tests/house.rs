//! What the driver is tried in: a house that is nothing but its journal, on a real disk, and a receiver in memory.

use std::sync::Mutex;

use campanile_core::decision::Decision;
use campanile_core::id::VarId;
use campanile_core::input::Input;
use campanile_core::record::{MAX_RECORD, Record};
use campanile_core::restore::Restore;
use campanile_core::time::{Duration as Span, Instant as At};
use campanile_delivery::symbols::Symbols;
use campanile_delivery::{Batch, Directory, HostRecord, Journal, Options, StoredProgram};
use tokio::sync::watch;

use crate::sinks::arrival::Wish;
use crate::sinks::driver::*;
use crate::sinks::figures::Figures;
use crate::sinks::message::Renderer;
use crate::sinks::only::Only;
use crate::sinks::topics::Topics;
use crate::sinks::{Failure, Outcome};

pub(super) const PROGRAM: u64 = 7;

pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A house that only has two variables, with its journal.
pub(super) struct House {
    pub(super) dir: tempfile::TempDir,
    pub(super) storage: Arc<Directory>,
    pub(super) journal: Mutex<Journal<Directory>>,
    pub(super) published: watch::Receiver<()>,
    pub(super) boot: campanile_delivery::Boot,
    seq: Mutex<u64>,
    pub(super) links: Mutex<Vec<bool>>,
    pub(super) wishes: Mutex<Vec<Wish>>,
    /// The first variable's value.
    last: Mutex<i32>,
}

impl Around for House {
    async fn record(&self, word: HostRecord) {
        let mut journal = self.journal.lock().unwrap();
        journal.record(&word, now());
        journal.commit(now());
    }

    fn checkpoint(&self) {
        let value = *self.last.lock().unwrap();
        let mut buf = [0; MAX_RECORD];
        let item = Restore::Var { var: VarId(0), value };
        let len = Record::Input(Input::Restore { item }).encode(Span::ZERO, &mut buf).unwrap();
        let mut journal = self.journal.lock().unwrap();
        journal.checkpoint(&buf[..len], now()).unwrap();
        journal.commit(now());
    }

    fn arrive(&self, _: &SinkName, _: &str, wish: Wish, _: &Board) -> bool {
        self.wishes.lock().unwrap().push(wish);
        true
    }

    fn lost(&self) -> u64 {
        5
    }

    fn link(&self, _: &SinkName, up: bool) {
        self.links.lock().unwrap().push(up);
    }
}

impl House {
    pub(super) fn open(dir: tempfile::TempDir, random: u32) -> Arc<Self> {
        let house = Self::open_before_its_start(dir, random);
        house.begin();
        house
    }

    /// The journal has no record of the start yet.
    pub(super) fn open_before_its_start(dir: tempfile::TempDir, random: u32) -> Arc<Self> {
        let storage = Arc::new(Directory::open(dir.path()).unwrap());
        let node = "front-door".parse().unwrap();
        let (mut journal, opened) =
            Journal::open(&storage, &node, Options::default(), random, now()).unwrap();
        let (wake, published) = watch::channel(());
        journal.index().on_publish(move || wake.send_replace(()));
        let mut symbols = Symbols::new("front-door");
        symbols.variables = vec!["rings".into(), "quiet".into()];
        let stored = StoredProgram { image: Vec::new(), symbols: symbols.encode() };
        journal.keep_program(PROGRAM, &stored).unwrap();
        Arc::new(Self {
            dir,
            storage,
            journal: Mutex::new(journal),
            published,
            boot: opened.boot,
            seq: Mutex::new(0),
            links: Mutex::default(),
            wishes: Mutex::default(),
            last: Mutex::default(),
        })
    }

    pub(super) fn begin(&self) {
        self.append(&[
            Record::Input(Input::Boot { boot: self.boot.0, core_rev: 1, hash: PROGRAM, off: None }),
            Record::Input(Input::Clock { unix: 1_795_246_200_000_000, offset: 0, trusted: true }),
        ]);
    }

    fn append(&self, records: &[Record]) {
        let mut seq = self.seq.lock().unwrap();
        let mut bytes = Vec::new();
        for record in records {
            let mut buf = [0; MAX_RECORD];
            let len = record.encode(Span::from_micros(10), &mut buf).unwrap();
            bytes.extend_from_slice(&buf[..len]);
        }
        let base = At::from_micros(1_000 * (*seq + 1));
        let batch = Batch { first_seq: *seq + 1, base, bytes: &bytes, count: records.len() as u64 };
        let mut journal = self.journal.lock().unwrap();
        journal.append(&batch, false, now()).unwrap();
        journal.commit(now());
        *seq += records.len() as u64;
    }

    /// The first variable takes these values.
    pub(super) fn count(&self, values: impl Iterator<Item = i32>) {
        let let_to = |value| {
            *self.last.lock().unwrap() = value;
            Record::Decision(Decision::Let { var: VarId(0), value })
        };
        self.append(&values.map(let_to).collect::<Vec<_>>());
    }

    /// The second variable takes this one.
    pub(super) fn quiet(&self, value: i32) {
        self.append(&[Record::Decision(Decision::Let { var: VarId(1), value })]);
    }

    /// Runs a sink on it.
    pub(super) fn run(self: &Arc<Self>, sink: Fake) -> Running {
        let got = Arc::clone(&sink.got);
        self.run_any(sink, got)
    }

    /// Runs any sink on it; what `got` has is what it was given.
    pub(super) fn run_any(
        self: &Arc<Self>,
        sink: impl Sink + 'static,
        got: Arc<Mutex<Vec<Message>>>,
    ) -> Running {
        self.run_telling(sink, got, Signs::default())
    }

    /// The same, telling of itself so often.
    pub(super) fn run_telling(
        self: &Arc<Self>,
        sink: impl Sink + 'static,
        got: Arc<Mutex<Vec<Message>>>,
        signs: Signs,
    ) -> Running {
        let (stop, stopped) = watch::channel(false);
        let source = Source {
            storage: Arc::clone(&self.storage),
            index: Arc::clone(self.journal.lock().unwrap().index()),
            published: self.published.clone(),
            boot: self.boot,
            begin: Position::start_of(self.boot),
            around: Arc::clone(self),
            stop: stopped,
        };
        let board = Board::default();
        let form = Form::Json(Renderer::new("front-door", Topics::default(), Only::default()));
        let driver =
            Driver::new("home".parse().unwrap(), sink, form, "front-door", source, board.clone()).unwrap();
        let (retries, asked) = mpsc::channel(1);
        let task = tokio::spawn(driver.with_signs(signs).with_retries(asked).run());
        Running { got, board, stop, retries, task }
    }
}

pub(super) struct Running {
    pub(super) got: Arc<Mutex<Vec<Message>>>,
    pub(super) board: Board,
    stop: watch::Sender<bool>,
    retries: mpsc::Sender<RetryRequest>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// The values that the receiver has, once they are so many.
    pub(super) async fn values(&self, count: usize) -> Vec<i64> {
        until("they are so many", || self.got.lock().unwrap().len() >= count).await;
        self.got.lock().unwrap().iter().map(value).collect()
    }

    pub(super) fn figures(&self) -> Figures {
        self.board.read(Position::START)
    }

    /// Asks for what was set aside, and waits for what becomes of it.
    pub(super) async fn retry(&self) -> Retried {
        let (answer, retried) = tokio::sync::oneshot::channel();
        self.retries.try_send(answer).expect("nobody else asks");
        tokio::time::timeout(PATIENCE, retried).await.expect("an end").expect("an answer")
    }

    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

/// Waits, on a machine that may be slow, for what takes milliseconds.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let holds = async {
        while !holds() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"));
}

pub(super) fn value(message: &Message) -> i64 {
    let object: serde_json::Value = serde_json::from_str(&message.payload).unwrap();
    object["value"].as_i64().unwrap_or(-1)
}

/// What the receiver does with a message.
pub(super) type Temper = dyn FnMut(&Message) -> Result<Outcome, Failure> + Send;

/// A receiver in memory. It answers one message at a time, in order.
pub(super) struct Fake {
    pub(super) got: Arc<Mutex<Vec<Message>>>,
    waiting: VecDeque<Message>,
    temper: Box<Temper>,
    window: usize,
    pub(super) most: Arc<Mutex<usize>>,
    pub(super) keeps_states: bool,
    /// It answers all else, whatever it fails over.
    pub(super) works: bool,
}

impl Fake {
    pub(super) fn new(temper: impl FnMut(&Message) -> Result<Outcome, Failure> + Send + 'static) -> Self {
        let (got, most) = (Arc::default(), Arc::default());
        Self {
            got,
            waiting: VecDeque::new(),
            temper: Box::new(temper),
            window: 10,
            most,
            keeps_states: false,
            works: false,
        }
    }

    pub(super) fn willing() -> Self {
        Self::new(|_| Ok(Outcome::Done(1)))
    }
}

impl Sink for Fake {
    async fn open(&mut self) -> Result<usize, Failure> {
        self.waiting.clear();
        Ok(self.window)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        self.waiting.push_back(message);
        let mut most = self.most.lock().unwrap();
        *most = self.waiting.len().max(*most);
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        let Some(message) = self.waiting.pop_front() else { return std::future::pending().await };
        let outcome = (self.temper)(&message);
        if matches!(outcome, Ok(Outcome::Done(_))) {
            self.got.lock().unwrap().push(message);
        }
        outcome
    }

    fn keeps_states(&self) -> bool {
        self.keeps_states
    }

    fn worked(&self) -> bool {
        self.works
    }

    async fn close(&mut self) {}
}
