//! What a receiver does not take: for good, for now, or it hangs up without a word on which message it was.

use std::time::Duration;

use campanile_delivery::{HostRecord, Storage};
use tokio::time::Instant;

use super::gauge::Gauge;
use super::letters::first;
use super::{Driver, Parcel, What};
use crate::sinks::figures::State;
use crate::sinks::keeper::{now, until};
use crate::sinks::source::Around;
use crate::sinks::{FAILURES, Failure, Sink, Then};

/// The least wait after a refusal, which only a person can heal.
const REFUSED: Duration = Duration::from_secs(15);

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// Nothing is suspect any more once everything up to there is done.
    pub(super) fn clear_suspicion(&mut self) {
        let idle = self.under_way.is_empty() && self.made.is_empty();
        if idle && self.suspect.is_some_and(|last| last <= self.feed.outbox.cursor()) {
            self.suspect = None;
            self.feed.outbox.set_window(self.window);
        }
    }

    /// The oldest message will never be taken.
    pub(super) fn refuse(&mut self, why: &str) {
        let Some(Parcel { at: record, what, .. }) = self.under_way.pop_front() else { return };
        let (ticket, about_dead) = match what {
            What::News { ticket, about_dead } => (ticket, about_dead),
            What::Late => return self.refuse_late(record, why),
            What::Gauge => return tracing::warn!("{}: its figures are refused: {why}", self.name),
            What::Beat => return tracing::warn!("{}: the heartbeat is refused: {why}", self.name),
            What::Again(topic) => {
                tracing::warn!("{}: {topic}: the state is refused from now on: {why}", self.name);
                return self.states.refuse(&topic);
            }
        };
        if ticket.is_some_and(|ticket| self.feed.outbox.refused(ticket, why).is_none()) {
            return;
        }
        self.board.write(|figures| figures.last_refused = Some(why.to_owned()));
        self.states.refuse_news(record);
        self.gauge.iter_mut().for_each(Gauge::touch);
        tracing::warn!("{}: {record} is refused for good: {why}", self.name);
        if about_dead {
            self.recorded(ticket);
            return;
        }
        let word = HostRecord::DeadLetter { sink: self.name.clone(), record, why: why.to_owned() };
        self.say(ticket, word);
    }

    /// Whether a receiver that answers all else ends the connection so often with the same message in front, and without a
    /// reason, that it may be the message's fault.
    fn is_stuck(&mut self, failure: &Failure) -> bool {
        let news = |parcel: &&Parcel| matches!(parcel.what, What::News { .. });
        let oldest = self.under_way.iter().find(news).map(|parcel| parcel.at);
        let by_message = failure.unexplained && self.sink.worked();
        let Some(oldest) = oldest.filter(|_| by_message) else { return false };
        let before = self.stuck.filter(|(at, _)| *at == oldest).map_or(0, |(_, times)| times);
        self.stuck = Some((oldest, before + 1));
        before + 1 >= FAILURES
    }

    /// A failure: all that was under way goes again later. Gives the time of the next attempt.
    pub(super) async fn note(&mut self, failure: &Failure) -> Instant {
        if failure.then == Then::Suspect || self.is_stuck(failure) {
            if self.under_way.len() == 1 {
                self.refuse(&failure.why);
            } else {
                let last = self.under_way.iter().map(|parcel| parcel.at).max();
                self.suspect = self.suspect.max(last);
            }
        }
        self.made.clear();
        self.under_way.clear();
        self.late.put_back();
        // The words that are on their way to the journal let the cursor pass before the rest goes again.
        while !self.letters.is_empty() {
            let ticket = first(&mut self.letters).await;
            self.recorded(ticket);
        }
        self.keep();
        self.feed.outbox.failed(now());
        let retry = self.feed.outbox.lag(self.source.index.head(), now()).retry.map_or(Duration::ZERO, until);
        let retry = retry.max(failure.after.unwrap_or_default());
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
        // An outage of a month is one line, as long as its reason is the same.
        let known = self.board.read(self.source.index.head()).state;
        if known.why() != state.why() {
            tracing::warn!("{}: {state}", self.name);
        }
        self.set_state(state);
        at
    }
}
