//! A sink over a receiver that takes one delivery after the other: a web server, a program.
//!
//! * A delivery is a task of its own, so that nothing is lost when the driver looks elsewhere meanwhile.
//! * Where the receiver has a [`Quota`], what comes beyond it waits and goes out as one, with the next that is free. What the
//!   receiver may know goes again together, under the same key; what is not taken as one is tried in halves, so that no
//!   message pays for another.
//! * A message over which the receiver fails time and again, while it takes the one behind it, is set aside: it is the
//!   message that is wrong, and no outage. As long as nothing is behind it, it holds nobody up and is tried on.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::io;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::message::Message;
use super::quota::{Memory, Quota};
use super::{FAILURES, Failure, Outcome, Sink, Then};

/// Messages that are taken over at once: their text is all the memory that this takes.
const WINDOW: usize = 256;

/// Who takes messages.
pub trait Receiver: Send + 'static {
    /// Looks whether the receiver is there, as far as that can be known without a message.
    ///
    /// # Errors
    /// It is not, or something that it needs is missing.
    fn open(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Delivers a message, or several that a quota has gathered, as one.
    ///
    /// # Errors
    /// It is not delivered, and not because of what it says: it goes again.
    fn deliver(&mut self, messages: &[Message]) -> impl Future<Output = Result<Verdict, Failure>> + Send;

    /// See [`Sink::endpoint`].
    ///
    /// # Errors
    /// See there.
    fn endpoint(&mut self) -> impl Future<Output = Result<Option<Endpoint>, Failure>> + Send {
        std::future::ready(Ok(None))
    }

    /// See [`Sink::remark`].
    fn remark(&self) -> String;
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Taken,
    /// The receiver will never take it: why, in plain words.
    Refused(String),
    /// The receiver failed, perhaps over this: how, in plain words.
    Failed(String),
}

/// The sink.
pub struct Sequential<R: Receiver> {
    /// Here, or with the job.
    receiver: Option<R>,
    quota: Option<Quota>,
    queue: VecDeque<Message>,
    job: Option<Job<R>>,
    /// What the last delivery came to, and was not told yet.
    outcomes: VecDeque<Outcome>,
    /// The message that the receiver failed over, and how often.
    failing: Option<(Message, u32)>,
    /// What the receiver may know as one, by its first, and how many these are.
    together: Option<(Message, usize)>,
    /// More are not taken as one, as far as was seen; twice as many are tried behind each that is taken.
    most: usize,
}

struct Job<R: Receiver> {
    handle: JoinHandle<(R, Result<Verdict, Failure>)>,
    /// How many of the queue it delivers.
    messages: usize,
    /// It tries the second of the queue, as the first has failed so often: so.
    instead: Option<String>,
}

impl<R: Receiver> Drop for Job<R> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl<R: Receiver> Sequential<R> {
    /// Does nothing yet.
    pub const fn new(receiver: R, quota: Option<Quota>) -> Self {
        Self {
            receiver: Some(receiver),
            quota,
            queue: VecDeque::new(),
            job: None,
            outcomes: VecDeque::new(),
            failing: None,
            together: None,
            most: WINDOW,
        }
    }

    /// Delivers so many from a place of the queue on. Without a receiver, which is with a job then, nothing.
    fn start(&mut self, from: usize, messages: usize, instead: Option<String>) {
        let batch: Vec<_> = self.queue.iter().skip(from).take(messages).cloned().collect();
        let Some(mut receiver) = self.receiver.take() else { return };
        let record = self.quota.as_mut().map(Quota::spend);
        let handle = tokio::spawn(async move {
            // First the record: a quota that is spent twice may cost the account.
            let kept = match record {
                Some(record) => {
                    spawn_blocking(record).await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
                }
                None => Ok(()),
            };
            let result = match kept {
                Ok(()) => receiver.deliver(&batch).await,
                Err(error) => Err(Failure::retry(format!(
                    "cannot keep a record of the quota, without which nothing goes out: {error}"
                ))),
            };
            (receiver, result)
        });
        self.job = Some(Job { handle, messages, instead });
    }

    /// Starts the next delivery, once the quota allows it. May be dropped.
    async fn next(&mut self) {
        let messages = match &mut self.quota {
            Some(quota) => {
                let spent_up = quota.wait().await;
                // The last one that is free takes all that is there: the next may be a day away.
                let all = if spent_up || quota.left() == 1 { self.queue.len() } else { 1 };
                match (&self.together, self.queue.front()) {
                    (Some((first, count)), Some(front)) if first == front => (*count).min(self.queue.len()),
                    _ => all.min(self.most),
                }
            }
            None => 1,
        };
        self.start(0, messages, None);
    }

    /// Waits for the delivery under way. May be dropped: it goes on.
    async fn finish(&mut self) -> Result<(), Failure> {
        let Some(job) = &mut self.job else { return Ok(()) };
        let joined = (&mut job.handle).await;
        let (messages, instead) = (job.messages, job.instead.take());
        self.job = None;
        let (receiver, result) = joined.map_err(|_| Failure::retry("the task that delivers died"))?;
        self.receiver = Some(receiver);
        let may_count = match &result {
            Ok(verdict) => *verdict == Verdict::Taken,
            Err(failure) => failure.unsure,
        };
        if !may_count {
            // What it has not taken is not counted by the receiver either.
            self.quota.iter_mut().for_each(Quota::refund);
        }
        if result.as_ref().is_err_and(|failure| failure.unsure) && instead.is_none() {
            self.keep_together(messages);
        }
        let result = match result {
            // The receiver may have something against this message and nothing against the one behind it.
            Err(failure) if failure.then == Then::Refused && instead.is_none() => {
                return self.failed(failure, messages);
            }
            result => result?,
        };
        match (result, instead) {
            (Verdict::Taken, None) => self.done(messages),
            (Verdict::Refused(why), None) if messages > 1 => {
                self.halve(messages);
                // With a pause: who refuses everything is not asked again and again.
                return Err(Failure::retry(why));
            }
            (Verdict::Refused(why), None) => {
                self.queue.drain(..messages.min(self.queue.len()));
                self.outcomes.push_back(Outcome::Refused(why));
            }
            (Verdict::Failed(why), None) => return self.failed(Failure::retry(why), messages),
            (Verdict::Failed(why), Some(_)) => return Err(Failure::retry(why)),
            // It takes, or judges, what is behind: so the first is at fault.
            (verdict, Some(why)) => {
                self.failing = None;
                self.queue.pop_front();
                self.outcomes
                    .push_back(Outcome::Refused(format!("the receiver fails over this one alone: {why}")));
                match verdict {
                    Verdict::Refused(why) => {
                        self.queue.pop_front();
                        self.outcomes.push_back(Outcome::Refused(why));
                    }
                    _ => self.done(1),
                }
            }
        }
        Ok(())
    }

    fn done(&mut self, messages: usize) {
        (self.failing, self.together) = (None, None);
        self.most = (2 * self.most).min(WINDOW);
        self.queue.drain(..messages.min(self.queue.len()));
        self.outcomes.push_back(Outcome::Done(messages));
    }

    /// The receiver has been given so many as one, and may know their key.
    fn keep_together(&mut self, messages: usize) {
        self.together = self.queue.front().map(|first| (first.clone(), messages));
    }

    /// What is not taken as one may be taken in parts.
    fn halve(&mut self, messages: usize) {
        (self.together, self.most) = (None, messages.div_ceil(2));
    }

    /// The receiver failed over the first of the queue, or lets nobody in with it.
    fn failed(&mut self, failure: Failure, messages: usize) -> Result<(), Failure> {
        let Some(first) = self.queue.front().cloned() else { return Err(failure) };
        let before =
            self.failing.take().filter(|(message, _)| *message == first).map_or(0, |(_, times)| times);
        let times = before + 1;
        // Whoever lets nobody in knows nothing of what stood at the door, and has nothing against how much it was.
        if failure.then != Then::Refused {
            if messages > 1 && times.is_multiple_of(FAILURES) {
                self.halve(messages);
            } else {
                self.keep_together(messages);
            }
        }
        let is_due = times.is_multiple_of(FAILURES) && messages == 1 && self.queue.len() > 1;
        self.failing = Some((first, times));
        if is_due && self.quota.as_mut().is_none_or(|quota| quota.left() > 0) {
            self.start(1, 1, Some(failure.why));
            return Ok(());
        }
        Err(failure)
    }
}

impl<R: Receiver> Sink for Sequential<R> {
    async fn open(&mut self) -> Result<usize, Failure> {
        // What an earlier failure left is sent again from the cursor.
        self.queue.clear();
        self.outcomes.clear();
        if let Some(job) = &mut self.job {
            // Midway nobody knows what became of it: its end is waited for, and then it goes again.
            if let Ok((receiver, _)) = (&mut job.handle).await {
                self.receiver = Some(receiver);
            }
            self.job = None;
        }
        let Some(receiver) = &mut self.receiver else {
            return Err(Failure::refused("the task that delivers died: a restart is needed"));
        };
        receiver.open().await?;
        Ok(WINDOW)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        self.queue.push_back(message);
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        loop {
            if let Some(outcome) = self.outcomes.pop_front() {
                return Ok(outcome);
            }
            if self.job.is_some() {
                self.finish().await?;
            } else if self.queue.is_empty() {
                return pending().await;
            } else {
                self.next().await;
            }
        }
    }

    fn held_until(&self) -> Option<Instant> {
        let is_waiting = self.job.is_none() && !self.queue.is_empty();
        self.quota.as_ref().filter(|_| is_waiting)?.used_up()
    }

    fn remember(&mut self, memory: Arc<dyn Memory>) {
        if let Some(quota) = &mut self.quota {
            quota.remember(memory);
        }
    }

    async fn endpoint(&mut self) -> Result<Option<Endpoint>, Failure> {
        match &mut self.receiver {
            Some(receiver) => receiver.endpoint().await,
            None => Ok(None),
        }
    }

    fn remark(&self) -> Option<String> {
        self.receiver.as_ref().map(Receiver::remark)
    }

    async fn close(&mut self) {
        // A delivery that is under way is broken off, and goes again after the next start.
        self.job = None;
    }
}
