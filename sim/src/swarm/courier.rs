//! A sink of a node: what ships of the delivery (reader, outbox, cursor file), with the thin loop around it that every
//! sink has, over a way that fails.

use std::io;
use std::sync::Arc;

use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{
    Body, CursorFile, Feed, FeedStep, HostRecord, Item, Journal, Lagged, Outbox, OutboxOptions, Position,
    SinkName, Ticket,
};

use super::plan::{SinkPlan, Wants};
use super::receiver::{Content, Letter};

/// A receiver that says nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a failure of the disk that the journal is read from.
const DISK_PATIENCE: Duration = Duration::from_secs(1);

/// A sink at work; it goes with its process.
pub(super) struct Courier {
    pub(super) name: SinkName,
    wants: Wants,
    feed: Feed<Disk>,
    file: CursorFile<Disk>,
    /// The connection with the receiver, while there is one.
    pub(super) connection: Option<u64>,
    /// When the receiver last said anything, or when the first letter went after a time with none under way.
    heard: Instant,
    /// Nothing to do before.
    rest: Option<Instant>,
    /// There may be something to send.
    stirred: bool,
    /// The last place that the journal showed.
    head: Position,
}

/// What the courier asks of the world.
pub(super) enum Errand {
    /// A connection, now.
    Connect,
    /// This letter is to go.
    Send(Ticket, Letter),
    /// Records are gone: the word on them, if the sink owes one, is to go into the journal.
    Pass(Lagged, Option<HostRecord>),
    /// Nothing for now.
    Rest,
}

impl Courier {
    /// As the daemon's sinks begin.
    pub(super) fn new(
        name: &SinkName,
        plan: &SinkPlan,
        disk: &Arc<Disk>,
        journal: &Journal<Disk>,
        now: Instant,
    ) -> Option<Self> {
        let mut file = CursorFile::open(disk, name).ok()?;
        let place = file.place().unwrap_or_else(|| {
            if file.is_damaged() { Position::START } else { Position::start_of(journal.boot()) }
        });
        file.set(place);
        // A disk that refuses costs repeats.
        let _ = file.save(now);
        journal.index().set_place(name, place);
        let options = OutboxOptions {
            window: plan.window as usize,
            retry_min: Duration::from_micros(plan.retry),
            retry_max: Duration::from_micros(plan.retry.saturating_mul(20)),
            per_second: Some(plan.pace).filter(|pace| *pace > 0),
        };
        let outbox = Outbox::new(&options, place, journal.boot().0);
        Some(Self {
            name: name.clone(),
            wants: plan.wants,
            feed: Feed::new(journal.reader(place), outbox),
            file,
            connection: None,
            heard: now,
            rest: None,
            stirred: true,
            head: Position::START,
        })
    }

    /// When it has something to do without being told.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.rest, self.file.due(), self.patient_until()].into_iter().flatten().min()
    }

    /// When the receiver is given up if it says nothing before.
    fn patient_until(&self) -> Option<Instant> {
        (self.connection.is_some() && self.is_waiting()).then(|| self.heard.plus(PATIENCE))
    }

    /// Whether an answer is to come. Only the outbox knows: an answer may come twice, and counts once.
    fn is_waiting(&self) -> bool {
        self.feed.outbox.lag(Position::START, self.heard).in_flight > 0
    }

    /// Whether it has something to do now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.stirred || self.due().is_some_and(|due| due <= now)
    }

    /// The journal shows everything up to `head`.
    pub(super) fn published(&mut self, head: Position) {
        if self.head != head {
            self.head = head;
            self.stirred |= self.rest.is_none();
        }
    }

    /// The next thing to do.
    pub(super) fn turn(&mut self, journal: &Journal<Disk>, now: Instant) -> Errand {
        self.keep(journal, now);
        if self.patient_until().is_some_and(|until| until <= now) {
            self.broken(now);
        }
        if let Some(rest) = self.rest {
            if now < rest {
                self.stirred = false;
                return Errand::Rest;
            }
            // From here on it is due until it rests again.
            (self.rest, self.stirred) = (None, true);
        }
        if self.connection.is_none() {
            return Errand::Connect;
        }
        let (wants, was_waiting) = (self.wants, self.is_waiting());
        let errand = loop {
            match self.feed.step(now, |item| wanted(wants, item)) {
                Ok(FeedStep::Send(ticket, item)) => {
                    if !was_waiting {
                        self.heard = now;
                    }
                    return Errand::Send(ticket, letter(&item));
                }
                Ok(FeedStep::Lagged(lagged)) => {
                    return Errand::Pass(lagged, lagged.word(&self.name));
                }
                Ok(FeedStep::Again) => {}
                Ok(FeedStep::Wait(until)) => break until,
                Ok(FeedStep::Idle) => break None,
                Err(_) => break Some(now.plus(DISK_PATIENCE)),
            }
        };
        self.rest = errand;
        self.stirred = false;
        self.file.set(self.feed.outbox.cursor());
        Errand::Rest
    }

    /// Writes the cursor if that is due, and tells retention of it.
    fn keep(&mut self, journal: &Journal<Disk>, now: Instant) {
        let due = self.file.due().is_some_and(|due| due <= now);
        if due && self.file.save(now).is_ok() {
            self.tell(journal);
        }
    }

    fn tell(&self, journal: &Journal<Disk>) {
        if let Some(place) = self.file.place() {
            journal.index().set_place(&self.name, place);
        }
    }

    /// The connection came about, or did not.
    pub(super) fn connected(&mut self, connection: Option<u64>, now: Instant) {
        match connection {
            Some(connection) => {
                self.connection = Some(connection);
                (self.heard, self.stirred) = (now, true);
                self.feed.outbox.session_reset();
            }
            None => self.broken(now),
        }
    }

    /// The receiver has it; the answer may be one of an earlier connection.
    pub(super) fn acked(&mut self, ticket: Ticket, connection: u64, now: Instant) {
        self.feed.outbox.acked(ticket);
        if self.connection == Some(connection) {
            self.answered(now);
        }
    }

    /// The receiver will never take it: the journal has the word on it before the cursor passes.
    pub(super) fn refused(&mut self, ticket: Ticket, journal: &mut Journal<Disk>, now: Instant) {
        if let Some(dead) = self.feed.outbox.refused(ticket, "it will not have it") {
            let (sink, record, why) = (self.name.clone(), dead.record, dead.why);
            journal.record(&HostRecord::DeadLetter { sink, record, why }, now);
            journal.commit(now);
            self.feed.outbox.recorded(ticket);
        }
        self.answered(now);
    }

    fn answered(&mut self, now: Instant) {
        self.heard = now;
        self.file.set(self.feed.outbox.cursor());
        (self.stirred, self.rest) = (true, self.rest.filter(|_| self.connection.is_none()));
    }

    /// The connection is gone.
    pub(super) fn broken(&mut self, now: Instant) {
        self.connection = None;
        self.feed.outbox.failed(now);
        self.rest = self.feed.outbox.lag(Position::START, now).retry;
        self.stirred = false;
    }

    /// Everything up to here is done.
    pub(super) fn cursor(&self) -> Position {
        self.feed.outbox.cursor()
    }

    /// As at an orderly stop.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn close(self, now: Instant) -> io::Result<()> {
        self.file.close(now)
    }
}

/// Whether a sink sends a record. The words of the host always go: they account for what is missing.
pub(super) fn wanted(wants: Wants, item: &Item<'_>) -> bool {
    match &item.body {
        Body::Engine(frame) => wanted_kind(wants, frame.kind()),
        Body::Host(_) => true,
        Body::Checkpoint(_) => false,
    }
}

pub(super) const fn wanted_kind(wants: Wants, kind: u8) -> bool {
    match wants {
        Wants::Everything => true,
        Wants::Decisions => kind >= 64,
        Wants::Events => kind == 64,
    }
}

fn letter(item: &Item<'_>) -> Letter {
    let body = match &item.body {
        Body::Engine(frame) => Content::Engine(frame.bytes.to_vec()),
        Body::Host(record) => Content::Host(record.clone()),
        Body::Checkpoint(_) => Content::Host(None),
    };
    Letter { at: item.at, time: item.time, body }
}

#[cfg(test)]
mod tests;
