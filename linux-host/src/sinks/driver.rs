//! What makes delivery reliable, once for all sinks: from the journal through the window to the receiver, and the
//! cursor behind it.
//!
//! * A message is done when the receiver says so, and only then the cursor moves; it is on disk a second later.
//! * After a failure everything behind the cursor goes again, after a wait that doubles and has jitter in it.
//! * What the receiver refuses for good is written into the journal as a dead letter, and passed. One that hangs
//!   up and says that something was wrong with what it got has one message at a time until it is clear with which; one
//!   that only hangs up is an outage, as a broker that restarts does the same, unless it answers all else and does so time
//!   and again over the same message.
//! * On a stop it gets a second to take what is still there.

mod arrivals;
mod gauge;
mod heartbeat;
mod late;
mod letters;
mod opening;
mod refusal;
#[cfg(test)]
mod tests;
mod window;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use campanile_delivery::{
    CursorFile, Feed, OpenError, Outbox, OutboxOptions, Position, SinkName, Storage, Ticket,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::figures::{Board, State};
use super::keeper::{Keeper, now};
use super::message::Message;
use super::render::{Form, Render};
use super::source::{Around, Source};
use super::states::States;
use super::{Failure, Sink, source};
use gauge::Gauge;
use heartbeat::Heartbeat;
use late::Late;
pub use late::{Retried, RetryRequest};
use letters::first;

/// The wait after the first failure, and the longest.
const RETRY: (u64, u64) = (250, 30_000);
/// A connection that held for so long was a good one, also where nothing was delivered over it.
const SETTLED: Duration = Duration::from_secs(10);
/// On a stop, to take what is still there.
const FAREWELL: Duration = Duration::from_secs(1);

/// One sink at work.
pub struct Driver<K: Sink, S: Storage, A: Around> {
    name: SinkName,
    sink: K,
    source: Source<S, A>,
    feed: Feed<S>,
    render: Render<S>,
    keeper: Keeper<S>,
    board: Board,
    /// Made, and not with the sink yet: the window was full.
    made: VecDeque<(Parcel, Message)>,
    /// Under way, oldest first.
    under_way: VecDeque<Parcel>,
    letters: Letters,
    /// What the receiver takes at once.
    window: usize,
    states: States,
    /// The receiver hung up over something up to here, which goes one at a time now.
    suspect: Option<Position>,
    /// The oldest message when a receiver that answers otherwise failed, and how often it did over this one.
    stuck: Option<(Position, u32)>,
    gate: arrivals::Gate,
    heartbeat: Option<Heartbeat>,
    gauge: Option<Gauge>,
    late: Late<S>,
    /// Of topics and payloads, handed to the sink.
    bytes: u64,
}

/// How often a sink tells of itself; never, where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// A sign of life.
    pub heartbeat: Option<Duration>,
    /// Its figures, as a state: at the most.
    pub figures: Option<Duration>,
}

/// Words about dead letters and losses that are on their way into the journal.
type Letters = VecDeque<(Option<Ticket>, Pin<Box<dyn Future<Output = ()> + Send>>)>;

/// What there is to know about a message under way.
struct Parcel {
    /// Of its record.
    at: Position,
    /// When that was written, if it is news.
    recorded: Option<Instant>,
    what: What,
}

enum What {
    /// One that the receiver has not had yet. A record that comes to several has its ticket with the last.
    News {
        ticket: Option<Ticket>,
        /// It is itself about a dead letter: a refusal of it makes no other, or two sinks would keep each other busy.
        about_dead: bool,
    },
    /// The state of this topic once more: the journal does not wait for it.
    Again(String),
    /// One that was set aside before.
    Late,
    /// A sign of life: nobody waits for it.
    Beat,
    /// How the sink is doing: nobody waits for that either.
    Gauge,
}

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// A sink that goes on where its cursor stands. One without a cursor begins where the source says, and has one from now
    /// on, so that an outage at the very beginning loses nothing. One whose cursor is damaged begins
    /// with the oldest record: repeats do less harm than a loss that nobody sees.
    ///
    /// # Errors
    /// The cursor cannot be read, or a later version wrote it.
    pub fn new(
        name: SinkName,
        sink: K,
        form: Form,
        node: &str,
        source: Source<S, A>,
        board: Board,
    ) -> Result<Self, OpenError> {
        let mut file = CursorFile::open(&source.storage, &name)?;
        let place = file.place().unwrap_or_else(|| {
            if file.is_damaged() {
                tracing::error!(
                    "{name}: the place reached cannot be read; all that the journal has goes once more"
                );
                Position::START
            } else {
                source.begin
            }
        });
        file.set(place);
        if let Err(error) = file.save(now()) {
            tracing::warn!("{name}: the place to begin with cannot be written: {error}");
        }
        let (retry_min, retry_max) = RETRY;
        let options = OutboxOptions {
            retry_min: campanile_core::time::Duration::from_millis(retry_min),
            retry_max: campanile_core::time::Duration::from_millis(retry_max),
            ..OutboxOptions::default()
        };
        board.write(|figures| figures.place = place);
        let outbox = Outbox::new(&options, place, source.boot.0 ^ now().micros());
        Ok(Self {
            sink,
            feed: Feed::new(source.index.reader(place), outbox),
            render: Render::new(Arc::clone(&source.index), node, form),
            keeper: Keeper::new(name.clone(), Arc::clone(&source.index), file, place),
            name,
            source,
            board,
            made: VecDeque::new(),
            under_way: VecDeque::new(),
            letters: VecDeque::new(),
            window: 1,
            states: States::default(),
            suspect: None,
            stuck: None,
            gate: arrivals::Gate::default(),
            heartbeat: None,
            gauge: None,
            late: Late::new(None),
            bytes: 0,
        })
    }

    /// The same, telling of itself so often.
    #[must_use]
    pub fn with_signs(self, signs: Signs) -> Self {
        let Signs { heartbeat, figures } = signs;
        Self { heartbeat: heartbeat.map(Heartbeat::new), gauge: figures.map(Gauge::new), ..self }
    }

    /// The same for somebody who may ask for what was set aside.
    #[must_use]
    pub fn with_retries(self, requests: mpsc::Receiver<RetryRequest>) -> Self {
        Self { late: Late::new(Some(requests)), ..self }
    }

    /// Delivers until it is told to stop.
    pub async fn run(mut self) {
        self.wait_for_start().await;
        let place = self.feed.outbox.cursor();
        if place.boot == self.source.boot && place != Position::start_of(place.boot) {
            // What was told before this place was told to another receiver, as far as this one can know.
            self.source.around.checkpoint();
        }
        let mut stop = self.source.stop.clone();
        while !source::is_stopped(&stop) {
            let opened = tokio::select! {
                biased;
                () = source::stopped(&mut stop) => break,
                opened = self.sink.open() => opened,
            };
            let failure = match opened {
                Ok(window) => {
                    self.window = window;
                    self.feed.outbox.set_window(self.room());
                    self.tell_states();
                    self.gauge.iter_mut().for_each(Gauge::renew);
                    self.set_state(State::Connected);
                    tracing::info!("{}: connected", self.name);
                    self.source.around.link(&self.name, true);
                    let began = Instant::now();
                    let ended = self.session().await;
                    if began.elapsed() >= SETTLED {
                        self.answered();
                    }
                    self.source.around.link(&self.name, false);
                    let Err(failure) = ended else { break };
                    failure
                }
                Err(failure) => failure,
            };
            let again = self.note(&failure).await;
            tokio::select! {
                biased;
                () = source::stopped(&mut stop) => break,
                () = self.wait_to_retry(again) => {}
            }
        }
        self.set_state(State::Stopped);
        self.sink.close().await;
        self.keep();
        self.keeper.close().await;
    }

    /// Delivers over one connection; `Ok` when everything is done and it was told to stop.
    async fn session(&mut self) -> Result<(), Failure> {
        let mut stop = self.source.stop.clone();
        let mut farewell = None;
        loop {
            let idle = self.fill().await?;
            if farewell.is_none() && source::is_stopped(&stop) {
                farewell = Some(Instant::now() + FAREWELL);
            }
            if farewell.is_some() || self.under_way.len() >= self.room() {
                self.sink.flush()?;
            }
            let done = idle.is_none() && self.under_way.is_empty() && self.letters.is_empty();
            if farewell.is_some_and(|end| done || end <= Instant::now()) {
                return Ok(());
            }
            self.keep();
            self.show();
            self.end_retry().await;
            let beat = self.heartbeat.as_ref().map(Heartbeat::due);
            let gauge = self.gauge.as_ref().and_then(Gauge::due);
            let again = [self.states.due(), beat, gauge].into_iter().flatten().min();
            let again = again.filter(|_| self.under_way.len() < self.room());
            let is_ready = self.late.is_ready() && self.under_way.len() < self.room();
            tokio::select! {
                biased;
                // These first: they come seldom, and what comes in may come without a pause.
                () = self.keeper.tend() => {}
                ticket = first(&mut self.letters) => self.recorded(ticket),
                outcome = self.sink.outcome() => self.take(outcome)?,
                request = self.late.asked() => self.retry(request).await,
                // Nothing more is published once the journal is closed.
                Ok(()) = self.source.published.changed() => {}
                () = source::stopped(&mut stop), if farewell.is_none() => {}
                () = sleep_until(farewell.unwrap_or_else(Instant::now)), if farewell.is_some() => {}
                () = sleep(idle.unwrap_or_default()), if idle.is_some() => {}
                () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {}
                () = tokio::task::yield_now(), if is_ready => {}
            }
        }
    }

    /// The cursor is kept meanwhile.
    async fn wait_to_retry(&mut self, end: Instant) {
        while Instant::now() < end {
            tokio::select! {
                () = sleep_until(end) => break,
                () = self.keeper.tend() => {}
            }
        }
    }

    fn set_state(&self, state: State) {
        self.board.write(|figures| figures.state = state);
        self.show();
    }

    fn show(&self) {
        let (place, head) = (self.feed.outbox.cursor(), self.source.index.head());
        let lag = self.feed.outbox.lag(head, now());
        let (bytes, used, held_until) = (self.bytes, self.sink.used(), self.sink.held_until());
        self.board.write(|figures| {
            (figures.bytes, figures.used, figures.held_until) = (bytes, used, held_until);
            figures.delivered = lag.delivered;
            figures.repeated = lag.repeated;
            figures.refused = lag.refused;
            figures.under_way = lag.in_flight;
            figures.place = place;
            figures.oldest =
                lag.oldest.and_then(|span| Instant::now().checked_sub(Duration::from_micros(span.micros())));
        });
    }
}
