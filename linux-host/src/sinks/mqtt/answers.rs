//! What a broker answers to the messages under way, in the terms of the driver: oldest first, none skipped.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::sinks::{Failure, Outcome};

/// The least wait after a quota of the broker's is used up.
const TOO_MUCH: Duration = Duration::from_secs(15);

/// What became of a message, once it is known.
pub(in crate::sinks) type Answer = Pin<Box<dyn Future<Output = Result<(), NotTaken>> + Send>>;

/// Why a message was not taken.
#[derive(Debug)]
pub(in crate::sinks) enum NotTaken {
    /// The broker will never take it.
    ForGood(String),
    /// The broker cannot take it now.
    Now(String),
    /// The broker has had too much for now.
    TooMuch(String),
    /// The connection ended first, for a reason of its own.
    Ended,
}

/// Of the messages under way, oldest first. The broker answers in order.
pub(super) struct Answers {
    expected: VecDeque<Answer>,
    /// What became of the oldest message, while those before it are reported: an answer can be had once only.
    next: Option<Result<Outcome, Failure>>,
}

impl Answers {
    pub(super) fn with_capacity(window: usize) -> Self {
        Self { expected: VecDeque::with_capacity(window), next: None }
    }

    pub(super) fn len(&self) -> usize {
        self.expected.len()
    }

    pub(super) fn expect(&mut self, answer: Answer) {
        self.expected.push_back(answer);
    }

    /// What became of the oldest messages; `Pending` while nothing is known, and once the connection has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Outcome, Failure>> {
        let mut done = 0;
        while self.next.is_none() {
            let Some(Poll::Ready(answer)) = self.expected.front_mut().map(|front| front.as_mut().poll(cx))
            else {
                break;
            };
            self.expected.pop_front();
            match answer {
                Ok(()) => done += 1,
                Err(NotTaken::ForGood(why)) => self.next = Some(Ok(Outcome::Refused(why))),
                Err(NotTaken::Now(why)) => self.next = Some(Err(Failure::retry(why).unexplained())),
                Err(NotTaken::TooMuch(why)) => {
                    self.next = Some(Err(Failure::retry(why).after(Some(TOO_MUCH))));
                }
                Err(NotTaken::Ended) => break,
            }
        }
        match done {
            0 => self.next.take().map_or(Poll::Pending, Poll::Ready),
            _ => Poll::Ready(Ok(Outcome::Done(done))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    fn answers(script: impl IntoIterator<Item = Result<(), NotTaken>>) -> Answers {
        let mut answers = Answers::with_capacity(8);
        for answer in script {
            answers.expect(Box::pin(ready(answer)));
        }
        answers
    }

    #[test]
    fn what_is_put_off_or_refused_is_told_behind_what_was_taken_before_it_and_never_skipped() {
        let refused = || Err(NotTaken::ForGood("no".to_owned()));
        let later = || Err(NotTaken::Now("later".to_owned()));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut answers = answers([Ok(()), refused(), Ok(()), Ok(()), later(), Ok(())]);
        let mut told = || answers.poll(&mut cx);
        assert_eq!(told(), Poll::Ready(Ok(Outcome::Done(1))));
        assert_eq!(told(), Poll::Ready(Ok(Outcome::Refused("no".to_owned()))));
        assert_eq!(told(), Poll::Ready(Ok(Outcome::Done(2))));
        // The connection is given up with this, and what is behind it goes again.
        assert_eq!(told(), Poll::Ready(Err(Failure::retry("later").unexplained())));
    }

    #[test]
    fn the_end_of_a_connection_is_told_by_whoever_knows_its_reason() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut answers = answers([Ok(()), Err(NotTaken::Ended)]);
        assert_eq!(answers.poll(&mut cx), Poll::Ready(Ok(Outcome::Done(1))));
        assert_eq!(answers.poll(&mut cx), Poll::Pending);
    }
}
