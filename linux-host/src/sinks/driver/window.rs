//! The window: what is made of the journal's records, handed over, and acknowledged.

use std::io;
use std::time::Duration;

use campanile_delivery::{Body, FeedStep, HostRecord, Position, Storage};
use tokio::time::Instant;

use super::gauge::{self, Gauge};
use super::{Driver, Parcel, What};
use crate::sinks::keeper::{now, until};
use crate::sinks::message::Message;
use crate::sinks::render::Made;
use crate::sinks::source::Around;
use crate::sinks::{Failure, Outcome, Sink};

/// After a failure of the disk that the journal is read from.
const DISK_PATIENCE: Duration = Duration::from_secs(1);

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// So many messages may be under way.
    pub(super) const fn room(&self) -> usize {
        if self.suspect.is_some() { 1 } else { self.window }
    }

    /// A receiver that keeps states may have lost them since the last connection: they go first.
    pub(super) fn tell_states(&mut self) {
        if self.sink.keeps_states() {
            let told = self.states.told(self.feed.outbox.cursor());
            self.made.extend(told.into_iter().map(again));
        }
    }

    /// Hands over all that the window takes. Gives the wait until more may be tried, if it is only that.
    pub(super) async fn fill(&mut self) -> Result<Option<Duration>, Failure> {
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
                    let recorded =
                        self.gauge.as_ref().and_then(|_| gauge::recorded(&item, self.source.boot, time));
                    let news =
                        |ticket| Parcel { at: item.at, recorded, what: What::News { ticket, about_dead } };
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
                    self.gauge.iter_mut().for_each(Gauge::touch);
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
            let next =
                next.or_else(|| self.next_late()).or_else(|| self.beat(now)).or_else(|| self.gauge(now));
            let Some((parcel, message)) = next else { break };
            if let What::News { .. } = parcel.what {
                self.states.note(&message, parcel.at, now);
            }
            self.bytes += (message.topic.len() + message.payload.len()) as u64;
            let is_again = matches!(parcel.what, What::Again(_) | What::Gauge);
            let is_late = matches!(parcel.what, What::Late);
            self.under_way.push_back(parcel);
            if is_again { self.sink.send_again(message) } else { self.sink.send(message) }?;
            if is_late {
                self.sink.flush()?;
            }
        }
        Ok(())
    }

    /// What became of the oldest messages.
    pub(super) fn take(&mut self, outcome: Result<Outcome, Failure>) -> Result<(), Failure> {
        match outcome? {
            Outcome::Done(count) => {
                let now = self.gauge.as_ref().map(|_| Instant::now());
                for _ in 0..count {
                    let Some(parcel) = self.under_way.pop_front() else { break };
                    self.done(parcel, now);
                }
            }
            Outcome::Refused(why) => self.refuse(&why),
            Outcome::Came(arrival) => {
                self.answered();
                self.arrive(arrival);
            }
        }
        Ok(())
    }

    /// The receiver has it.
    fn done(&mut self, Parcel { recorded, what, .. }: Parcel, now: Option<Instant>) {
        match what {
            What::News { ticket, .. } => {
                if let Some(ticket) = ticket {
                    self.feed.outbox.acked(ticket);
                }
                if let Some((gauge, now)) = self.gauge.as_mut().zip(now) {
                    gauge.deliver(recorded, now);
                }
            }
            What::Late => self.late.taken(),
            What::Again(_) | What::Beat | What::Gauge => self.answered(),
        }
    }

    /// The receiver is there: the next failure is another one, and begins with the shortest wait. As long as news are under
    /// way, only these show that it takes them.
    pub(super) fn answered(&mut self) {
        if !self.under_way.iter().any(|parcel| matches!(parcel.what, What::News { .. })) {
            self.feed.outbox.answered();
        }
    }

    fn complain(&self, error: &io::Error) {
        tracing::warn!("{}: the journal cannot be read: {error}", self.name);
    }
}

/// A state that was told before.
pub(super) fn again((message, at): (Message, Position)) -> (Parcel, Message) {
    (Parcel { at, recorded: None, what: What::Again(message.topic.clone()) }, message)
}
