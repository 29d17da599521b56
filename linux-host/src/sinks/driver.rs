//! What makes delivery reliable, once for all sinks: from the journal through the window to the receiver, and the
//! cursor behind it.
//!
//! * A message is done when the receiver says so, and only then the cursor moves; it is on disk a second later.
//! * After a failure everything behind the cursor goes again, after a wait that doubles and has jitter in it.
//! * What the receiver refuses for good is written into the journal as a dead letter, and passed. A receiver that only
//!   hangs up gets one message at a time until it is clear which one it dislikes.
//! * On a stop it gets a second to take what is still there.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use campanile_delivery::{
    Body, CursorFile, Feed, FeedStep, HostRecord, OpenError, Outbox, OutboxOptions, Position, SinkName,
    Storage, Ticket,
};
use tokio::time::{Instant, sleep, sleep_until};

use super::context::Opening;
use super::figures::{Board, State};
use super::keeper::{Keeper, now, until};
use super::message::Message;
use super::render::{Form, Made, Render};
use super::source::{Around, Source};
use super::states::States;
use super::{Failure, Outcome, Sink, Then, source};

/// The wait after the first failure, and the longest.
const RETRY: (u64, u64) = (250, 30_000);
/// The least wait after a refusal, which only a person can heal.
const REFUSED: Duration = Duration::from_secs(15);
/// At the start the clock is read within a moment; without it the first states would have no time.
const CLOCK_PATIENCE: Duration = Duration::from_secs(1);
/// For the journal to have the first records of the start: the machine and its disk may be slow just then.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// After a failure of the disk that the journal is read from.
const DISK_PATIENCE: Duration = Duration::from_secs(1);
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
}

/// Words about dead letters and losses that are on their way into the journal.
type Letters = VecDeque<(Option<Ticket>, Pin<Box<dyn Future<Output = ()> + Send>>)>;

/// What there is to know about a message under way.
struct Parcel {
    /// Of its record.
    at: Position,
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
}

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// A sink that goes on where its cursor stands. One without a cursor begins with this start of the node, and has
    /// one from now on, so that an outage at the very beginning loses nothing. One whose cursor is damaged begins
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
                Position::start_of(source.boot)
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
        })
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
                    self.set_state(State::Connected);
                    tracing::info!("{}: connected", self.name);
                    self.source.around.link(&self.name, true);
                    let ended = self.session().await;
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
            let done = idle.is_none() && self.under_way.is_empty() && self.letters.is_empty();
            if farewell.is_some_and(|end| done || end <= Instant::now()) {
                return Ok(());
            }
            self.keep();
            self.show();
            let again = self.states.due().filter(|_| self.under_way.len() < self.room());
            tokio::select! {
                biased;
                outcome = self.sink.outcome() => self.take(outcome)?,
                ticket = first(&mut self.letters) => self.recorded(ticket),
                // Nothing more is published once the journal is closed.
                Ok(()) = self.source.published.changed() => {}
                () = source::stopped(&mut stop), if farewell.is_none() => {}
                () = self.keeper.tend() => {}
                () = sleep_until(farewell.unwrap_or_else(Instant::now)), if farewell.is_some() => {}
                () = sleep(idle.unwrap_or_default()), if idle.is_some() => {}
                () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {}
            }
        }
    }

    /// So many messages may be under way.
    const fn room(&self) -> usize {
        if self.suspect.is_some() { 1 } else { self.window }
    }

    /// A receiver that keeps states may have lost them since the last connection: they go first.
    fn tell_states(&mut self) {
        if self.sink.keeps_states() {
            let told = self.states.told(self.feed.outbox.cursor());
            self.made.extend(told.into_iter().map(again));
        }
    }

    /// Hands over all that the window takes. Gives the wait until more may be tried, if it is only that.
    async fn fill(&mut self) -> Result<Option<Duration>, Failure> {
        // What is published from here on wakes the session again.
        self.source.published.borrow_and_update();
        // Once for all that the window takes: the clock would be asked as often as everything else is done.
        let mut time = (now(), Instant::now());
        loop {
            self.clear_suspicion();
            self.hand_over(time.1)?;
            if self.under_way.len() >= self.room() {
                return Ok(None);
            }
            let mut made = Made::Nothing;
            let step = self.feed.step(time.0, |item| {
                made = match self.render.made(item) {
                    Made::States(all) => self.states.untold(all, item.at),
                    other => other,
                };
                !matches!(made, Made::Nothing)
            });
            match step {
                Ok(FeedStep::Send(ticket, item)) => {
                    let about_dead = matches!(item.body, Body::Host(Some(HostRecord::DeadLetter { .. })));
                    let news = |ticket| Parcel { at: item.at, what: What::News { ticket, about_dead } };
                    match made {
                        Made::Nothing => {}
                        Made::Message(message) => self.made.push_back((news(Some(ticket)), message)),
                        Made::States(states) => {
                            self.made.extend(states.into_iter().map(|message| (news(None), message)));
                            if let Some((last, _)) = self.made.back_mut() {
                                *last = news(Some(ticket));
                            }
                        }
                    }
                }
                Ok(FeedStep::Lagged(lagged)) => {
                    let lost = lagged.dropped.unwrap_or(0);
                    tracing::warn!("{}: {lost} records were gone before they were delivered", self.name);
                    self.board.write(|figures| figures.lost += lost);
                    if let Some(word) = lagged.word(&self.name) {
                        self.say(None, word);
                    }
                }
                Ok(FeedStep::Again) => {
                    tokio::task::yield_now().await;
                    time = (now(), Instant::now());
                }
                Ok(FeedStep::Wait(then)) => return Ok(then.map(until)),
                Ok(FeedStep::Idle) => return Ok(None),
                Err(error) => {
                    self.complain(&error);
                    return Ok(Some(DISK_PATIENCE));
                }
            }
        }
    }

    /// Gives the sink what was made, as far as the window allows, and then states whose time has come once more.
    fn hand_over(&mut self, now: Instant) -> Result<(), Failure> {
        while self.under_way.len() < self.room() {
            let next = self.made.pop_front().or_else(|| self.states.take(now).map(again));
            let Some((parcel, message)) = next else { break };
            if let What::News { .. } = parcel.what {
                self.states.note(&message, parcel.at, now);
            }
            self.under_way.push_back(parcel);
            self.sink.send(message)?;
        }
        Ok(())
    }

    /// What became of the oldest messages.
    fn take(&mut self, outcome: Result<Outcome, Failure>) -> Result<(), Failure> {
        match outcome? {
            Outcome::Done(count) => {
                for _ in 0..count {
                    let Some(Parcel { what, .. }) = self.under_way.pop_front() else { break };
                    if let What::News { ticket: Some(ticket), .. } = what {
                        self.feed.outbox.acked(ticket);
                    }
                }
            }
            Outcome::Refused(why) => self.refuse(&why),
        }
        Ok(())
    }

    /// Nothing is suspect any more once everything up to there is done.
    fn clear_suspicion(&mut self) {
        let idle = self.under_way.is_empty() && self.made.is_empty();
        if idle && self.suspect.is_some_and(|last| last <= self.feed.outbox.cursor()) {
            self.suspect = None;
            self.feed.outbox.set_window(self.window);
        }
    }

    /// The oldest message will never be taken.
    fn refuse(&mut self, why: &str) {
        let Some(Parcel { at: record, what }) = self.under_way.pop_front() else { return };
        let (ticket, about_dead) = match what {
            What::News { ticket, about_dead } => (ticket, about_dead),
            What::Again(topic) => {
                tracing::warn!("{}: {topic}: the state is refused from now on: {why}", self.name);
                return self.states.refuse(&topic);
            }
        };
        if ticket.is_some_and(|ticket| self.feed.outbox.refused(ticket, why).is_none()) {
            return;
        }
        self.states.refuse_news(record);
        tracing::warn!("{}: {record} is refused for good: {why}", self.name);
        if about_dead {
            self.recorded(ticket);
            return;
        }
        let word = HostRecord::DeadLetter { sink: self.name.clone(), record, why: why.to_owned() };
        self.say(ticket, word);
    }

    /// Has the cursor kept, but not past a loss on which the journal has no word yet.
    fn keep(&mut self) {
        if self.letters.iter().all(|(ticket, _)| ticket.is_some()) {
            self.keeper.set(self.feed.outbox.cursor());
        }
    }

    /// Has the journal take a word.
    fn say(&mut self, ticket: Option<Ticket>, word: HostRecord) {
        let around = Arc::clone(&self.source.around);
        self.letters.push_back((ticket, Box::pin(async move { around.record(word).await })));
    }

    /// The journal has the word on a message that was refused.
    fn recorded(&mut self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.feed.outbox.recorded(ticket);
        }
    }

    /// A failure: all that was under way goes again later. Gives the time of the next attempt.
    async fn note(&mut self, failure: &Failure) -> Instant {
        if failure.then == Then::Suspect {
            if self.under_way.len() == 1 {
                self.refuse(&failure.why);
            } else {
                let last = self.under_way.iter().map(|parcel| parcel.at).max();
                self.suspect = self.suspect.max(last);
            }
        }
        self.made.clear();
        self.under_way.clear();
        // The words that are on their way to the journal let the cursor pass before the rest goes again.
        while !self.letters.is_empty() {
            let ticket = first(&mut self.letters).await;
            self.recorded(ticket);
        }
        self.keep();
        self.feed.outbox.failed(now());
        let retry = self.feed.outbox.lag(self.source.index.head(), now()).retry.map_or(Duration::ZERO, until);
        let why = failure.why.clone();
        let (state, at) = match failure.then {
            Then::Refused => {
                let at = Instant::now() + retry.max(REFUSED);
                (State::Refused { why, at }, at)
            }
            Then::Retry | Then::Suspect => {
                let at = Instant::now() + retry;
                (State::Retrying { why, at }, at)
            }
        };
        tracing::warn!("{}: {state}", self.name);
        self.set_state(state);
        at
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

    /// Until the journal says which program the start began with, as its first records have no names before, and what
    /// time it was.
    async fn wait_for_start(&mut self) {
        let mut stop = self.source.stop.clone();
        tokio::select! {
            biased;
            () = source::stopped(&mut stop) => {}
            _ = tokio::time::timeout(START_PATIENCE, self.opening(|opening| opening.program.is_some())) => {
                let _ = tokio::time::timeout(CLOCK_PATIENCE, self.opening(|opening| opening.wall.is_some())).await;
            }
        }
    }

    async fn opening(&mut self, holds: impl Fn(&Opening) -> bool) {
        loop {
            self.source.published.borrow_and_update();
            let opening = Opening::find(&self.source.index, self.source.boot);
            if holds(&opening) || self.source.published.changed().await.is_err() {
                return;
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
        self.board.write(|figures| {
            figures.delivered = lag.delivered;
            figures.repeated = lag.repeated;
            figures.refused = lag.refused;
            figures.under_way = lag.in_flight;
            figures.place = place;
            figures.oldest = lag.oldest.map(|span| Duration::from_micros(span.micros()));
        });
    }

    fn complain(&self, error: &io::Error) {
        tracing::warn!("{}: the journal cannot be read: {error}", self.name);
    }
}

/// A state that was told before.
fn again((message, at): (Message, Position)) -> (Parcel, Message) {
    (Parcel { at, what: What::Again(message.topic.clone()) }, message)
}

/// The first letter that the journal has; waits for ever if there is none under way.
async fn first(letters: &mut Letters) -> Option<Ticket> {
    match letters.front_mut() {
        Some((ticket, letter)) => {
            letter.as_mut().await;
            let ticket = *ticket;
            letters.pop_front();
            ticket
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
