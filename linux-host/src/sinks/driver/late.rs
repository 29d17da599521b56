//! `campanile sink retry NAME`: what was set aside goes out once more, beside the news.
//!
//! One at a time, and each with a word that it is late. What is refused again becomes a dead letter again, behind the end
//! of this walk, and so is set aside as before. Only when all is done the place up to which that holds is written: a
//! walk that is broken off begins anew when it is asked for again. Behind it states are told as they are now, so that no
//! receiver is left with a late one.

use std::fmt;
use std::sync::Arc;

use campanile_delivery::{CursorFile, HostRecord, OpenError, Position, SinkName, Storage};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::{Driver, Parcel, What};
use crate::sinks::Sink;
use crate::sinks::aside::{Aside, Step};
use crate::sinks::keeper::now;
use crate::sinks::message::Message;
use crate::sinks::source::Around;

/// So many records are looked at before something else has its turn.
const STEP: usize = 1024;

/// Someone wants what was set aside to be sent again, and to hear what became of it.
pub type RetryRequest = oneshot::Sender<Retried>;

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// The receiver has these now.
    pub taken: u64,
    /// These were refused once more.
    pub refused: u64,
    /// The sink sends these no more: by its file, or as only the last of a state counts, which is told as it is now.
    pub passed: u64,
    /// The journal has these records no more.
    pub gone: u64,
    /// It could not be read or kept to its end: why.
    pub failed: Option<String>,
}

impl fmt::Display for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taken, refused, passed, gone, .. } = self;
        if taken + refused + passed + gone == 0 {
            return f.write_str("nothing was set aside");
        }
        write!(f, "{taken} delivered, {refused} refused again")?;
        if *passed > 0 {
            write!(f, ", {passed} passed, as the sink sends them no more or tells the state as it is now")?;
        }
        if *gone > 0 {
            write!(f, ", {gone} that the journal has no more")?;
        }
        Ok(())
    }
}

/// What is asked for, and how far it has come.
pub(super) struct Late<S: Storage> {
    requests: Option<mpsc::Receiver<RetryRequest>>,
    walk: Option<Walk<S>>,
}

struct Walk<S: Storage> {
    aside: Aside<S>,
    answer: RetryRequest,
    so_far: Retried,
    /// The one that is with the receiver.
    under_way: Option<Position>,
    /// One that has to go once more, as the connection ended over it.
    again: Option<Position>,
    /// All letters were seen.
    is_read: bool,
    /// A state was among them.
    with_states: bool,
}

impl<S: Storage> Late<S> {
    pub(super) const fn new(requests: Option<mpsc::Receiver<RetryRequest>>) -> Self {
        Self { requests, walk: None }
    }

    /// The next request, while none is carried out; waits for ever if nobody can ask.
    pub(super) async fn asked(&mut self) -> RetryRequest {
        match &mut self.requests {
            Some(requests) if self.walk.is_none() => match requests.recv().await {
                Some(request) => request,
                None => std::future::pending().await,
            },
            _ => std::future::pending().await,
        }
    }

    /// Whether there is something to do that waits for nobody.
    pub(super) fn is_ready(&self) -> bool {
        let waits = |walk: &Walk<S>| walk.under_way.is_none() && (!walk.is_read || walk.again.is_some());
        self.walk.as_ref().is_some_and(waits)
    }

    /// The connection ended.
    pub(super) fn put_back(&mut self) {
        if let Some(walk) = &mut self.walk {
            walk.again = walk.under_way.take().or(walk.again);
        }
    }

    /// The receiver has the one that was under way.
    pub(super) fn taken(&mut self) {
        if let Some(walk) = &mut self.walk {
            walk.under_way = None;
            walk.so_far.taken += 1;
        }
    }

    /// It was refused again.
    pub(super) fn refused(&mut self) {
        if let Some(walk) = &mut self.walk {
            walk.under_way = None;
            walk.so_far.refused += 1;
        }
    }
}

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// Begins with what was set aside by now.
    pub(super) async fn retry(&mut self, answer: RetryRequest) {
        let (storage, index) = (Arc::clone(&self.source.storage), Arc::clone(&self.source.index));
        let sink = self.name.clone();
        let opened = spawn_blocking(move || Aside::new(&storage, &index, sink)).await;
        match opened.map_err(|error| error.to_string()).and_then(|opened| opened.map_err(|e| e.to_string())) {
            Ok(aside) => {
                tracing::info!("{}: what was set aside goes once more", self.name);
                self.late.walk = Some(Walk {
                    aside,
                    answer,
                    so_far: Retried::default(),
                    under_way: None,
                    again: None,
                    is_read: false,
                    with_states: false,
                });
            }
            Err(why) => drop(answer.send(Retried { failed: Some(why), ..Retried::default() })),
        }
    }

    /// The next one, if it is time for it.
    pub(super) fn next_late(&mut self) -> Option<(Parcel, Message)> {
        let walk = self.late.walk.as_mut().filter(|walk| walk.under_way.is_none())?;
        let record = match walk.again.take() {
            Some(record) => record,
            None if walk.is_read => return None,
            None => match walk.aside.step(STEP) {
                Ok(Step::Letter(letter)) => letter.record,
                Ok(Step::Again) => return None,
                Ok(Step::End) => {
                    walk.is_read = true;
                    return None;
                }
                Err(error) => {
                    (walk.is_read, walk.so_far.failed) = (true, Some(error.to_string()));
                    return None;
                }
            },
        };
        let message = match walk.aside.record(record) {
            Ok(Some(item)) => self.render.late(&item),
            Ok(None) => {
                walk.so_far.gone += 1;
                return None;
            }
            Err(error) => {
                (walk.is_read, walk.so_far.failed) = (true, Some(error.to_string()));
                return None;
            }
        };
        let Some(message) = message else {
            (walk.with_states, walk.so_far.passed) = (true, walk.so_far.passed + 1);
            return None;
        };
        walk.with_states |= message.kind.is_state() && self.sink.keeps_states();
        walk.under_way = Some(record);
        Some((Parcel { at: record, recorded: None, what: What::Late }, message))
    }

    /// Ends the walk once all of it is done and the journal has a word on each that was refused.
    pub(super) async fn end_retry(&mut self) {
        let is_done = |walk: &mut Walk<S>| walk.is_read && walk.under_way.is_none() && walk.again.is_none();
        if !self.letters.is_empty() {
            return;
        }
        let Some(Walk { aside, answer, mut so_far, with_states, .. }) = self.late.walk.take_if(is_done)
        else {
            return;
        };
        if with_states {
            self.states.forgive();
            let told = self.states.told(self.source.index.head());
            self.made.extend(told.into_iter().map(super::window::again));
        }
        if so_far.failed.is_none() {
            let (storage, sink) = (Arc::clone(&self.source.storage), self.name.clone());
            let kept = spawn_blocking(move || keep(&storage, &sink, aside.end())).await;
            so_far.failed = kept.map_err(|error| error.to_string()).and_then(|kept| kept).err();
        }
        let Retried { taken, refused, gone, .. } = so_far;
        tracing::info!(
            "{}: set aside before: {taken} delivered, {refused} refused again, {gone} gone",
            self.name
        );
        // Whoever asked may be gone.
        drop(answer.send(so_far));
    }

    /// The word on a late one that was refused again.
    pub(super) fn refuse_late(&mut self, record: Position, why: &str) {
        self.late.refused();
        tracing::warn!("{}: {record} is refused once more: {why}", self.name);
        self.say(None, HostRecord::DeadLetter { sink: self.name.clone(), record, why: why.to_owned() });
    }
}

/// What was set aside up to here was sent again.
fn keep<S: Storage>(storage: &Arc<S>, sink: &SinkName, place: Position) -> Result<(), String> {
    let mut file = CursorFile::open_retried(storage, sink).map_err(|error: OpenError| error.to_string())?;
    file.set(place);
    file.close(now()).map_err(|error| format!("that it was sent cannot be written: {error}"))
}
