//! What became of a command, for whoever asked.

use campanile_core::decision::ReplyResult;
use tokio::sync::oneshot;

use super::PATIENCE;
use crate::control::protocol::Response;

/// Why a command was not carried out, for a person.
pub(super) enum NotDone {
    /// It was not, and will not be.
    Surely(&'static str),
    /// Nobody knows.
    Perhaps(&'static str),
}

impl NotDone {
    pub(super) const fn words(&self) -> &'static str {
        let (Self::Surely(words) | Self::Perhaps(words)) = self;
        words
    }
}

/// How a command was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// Now.
    Now,
    /// It is the repeat of one that was.
    Before,
}

/// Waits for the engine's answer to a command.
pub(super) async fn carried_out(reply: oneshot::Receiver<ReplyResult>) -> Result<Carried, NotDone> {
    match tokio::time::timeout(PATIENCE, reply).await {
        Ok(Ok(result)) => judged(result),
        Ok(Err(_)) => Err(NotDone::Perhaps("another request with the same number took its place")),
        Err(_) => Err(NotDone::Perhaps(
            "the house has not confirmed it, and may still carry it out within half a minute; see `campanile status`",
        )),
    }
}

/// What an engine's answer means.
pub(super) const fn judged(result: ReplyResult) -> Result<Carried, NotDone> {
    match result {
        ReplyResult::Done => Ok(Carried::Now),
        ReplyResult::Duplicate => Ok(Carried::Before),
        ReplyResult::Unknown => Err(NotDone::Surely("the program has changed meanwhile; try again")),
        ReplyResult::Expired => Err(NotDone::Surely("it came too late, and was not carried out")),
        ReplyResult::Refused => Err(NotDone::Surely("safety forbids it at this moment; see `campanile log`")),
    }
}

/// The answer for whoever asked; `text` says what is so now.
pub(super) fn respond(carried: Result<Carried, NotDone>, text: String) -> Result<Response, String> {
    match carried {
        Ok(Carried::Now) => Ok(Response::done(text)),
        Ok(Carried::Before) => Ok(Response::done(format!("{text} (it was carried out before)"))),
        Err(not_done) => Err(not_done.words().to_owned()),
    }
}
