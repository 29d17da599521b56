//! Sinks: they take records out of the journal to where someone reads them.
//!
//! A sink is a few lines ([`Sink`]); all that makes delivery reliable is in one place, the [`driver`], and the same
//! for all: a window of messages under way, retries with backoff and jitter, a cursor that moves on the receiver's
//! acknowledgement only, dead letters for what a receiver refuses for good, figures for `status`. Each sink has its
//! own task, reader and cursor, so that a slow or dead one delays nobody else, and its memory is bounded by its window.

pub mod arrival;
pub mod aside;
pub mod aws_iot;
pub mod batch;
pub mod blocking;
mod checkpoint;
pub mod chime;
pub mod commands;
pub mod console;
pub mod context;
pub mod driver;
pub mod endpoint;
pub mod exec;
pub mod fields;
pub mod figures;
pub mod file;
pub mod follow;
pub mod http;
mod keeper;
mod kinds;
pub mod mastodon;
pub mod message;
pub mod mqtt;
pub mod names;
pub mod ntfy;
pub mod oauth;
pub mod only;
pub mod quota;
pub mod render;
pub mod sequential;
pub mod source;
pub mod start;
mod states;
pub mod tally;
pub mod template;
pub mod tls;
pub mod topics;
pub mod trial;
pub mod web;
pub mod webhook;
pub mod x;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::secret::NoSecret;
use arrival::Arrival;
use aws_iot::price::Use;
use endpoint::Endpoint;
use follow::Bookmark;
use message::Message;
use quota::Memory;
use tokio::time::Instant;

/// The most that a receiver can make anybody wait: it is asked again then, whatever it said.
const LONGEST: Duration = Duration::from_secs(86_400);

/// So often a receiver fails over the same message before it may be the message's fault.
const FAILURES: u32 = 5;

/// Where messages go. The driver calls [`open`](Sink::open), then `send` and `outcome` until one of them fails or it
/// is told to stop, then `close`; after a failure it waits, opens again, and begins anew behind the cursor.
pub trait Sink: Send {
    /// Connects, and says how many messages may be under way at once: at least one.
    fn open(&mut self) -> impl Future<Output = Result<usize, Failure>> + Send;

    /// Takes a message over. The driver never has more than the window under way.
    ///
    /// # Errors
    /// The connection is gone; every message under way is sent again after the next `open`.
    fn send(&mut self, message: Message) -> Result<(), Failure>;

    /// What became of the oldest messages under way; waits for ever while there are none, unless the connection
    /// goes. May be dropped before it is ready, without a loss.
    fn outcome(&mut self) -> impl Future<Output = Result<Outcome, Failure>> + Send;

    /// Whether a receiver keeps states for others, and may have lost them by the next [`open`](Self::open): it is told
    /// all of them again then.
    fn keeps_states(&self) -> bool {
        false
    }

    /// What it may keep across restarts besides its place; told once, before anything else.
    fn remember(&mut self, _: Arc<dyn Memory>) {}

    /// How far it followed a timeline before a reload made it anew; told once, before anything else. One that follows
    /// nobody forgets it.
    fn go_on(&mut self, from: Bookmark) {
        from.forget();
    }

    /// Whether the receiver has answered anything since the last [`open`](Self::open): then it is there, and what ends this
    /// time and again may be a message. Only for receivers that do not say which.
    fn worked(&self) -> bool {
        false
    }

    /// Until when what it has taken over waits, as a quota of the file's is used up; nothing while none does.
    fn held_until(&self) -> Option<Instant> {
        None
    }

    /// What it has used this month, since it was made, of a service that is paid for; nothing if it is free.
    fn used(&self) -> Option<Use> {
        None
    }

    /// Where it connects to, for a [`trial`] that looks for the place at which it fails; nothing if it needs no network.
    ///
    /// # Errors
    /// That cannot be known: it is a secret that is not there.
    fn endpoint(&mut self) -> impl Future<Output = Result<Option<Endpoint>, Failure>> + Send {
        std::future::ready(Ok(None))
    }

    /// Looks once, before it is opened, whether what is to come in over it could, for a [`trial`]; what there is to say of
    /// that, or nothing where nothing is to come in.
    ///
    /// # Errors
    /// It could not.
    fn listen(&mut self) -> impl Future<Output = Result<Option<String>, Failure>> + Send {
        std::future::ready(Ok(None))
    }

    /// What there is to say, for a person who tries it, of an [`open`](Self::open) or a delivery that has just gone well.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Takes over a state that the receiver was told before: for whoever keeps states, and no news.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    fn send_again(&mut self, message: Message) -> Result<(), Failure> {
        self.send(message)
    }

    /// Nothing more comes before something of what is under way is done: what was held back goes now.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Told before anything else that another process has this sink at work, so that this one keeps out of its way at
    /// the receiver: under another name, and without a word on the node's coming and going.
    fn stand_aside(&mut self) {}

    /// Takes leave, as politely as a second allows. What is under way counts as not delivered.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// What became of messages under way, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// So many of the oldest are with the receiver, for good.
    Done(usize),
    /// The receiver will never take the oldest one: the reason, in plain words.
    Refused(String),
    /// Nothing became of any, but something came in.
    Came(Arrival),
}

/// Why a sink cannot deliver just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened, in plain words, without a secret in it.
    pub why: String,
    /// How to go on.
    pub then: Then,
    /// The least wait, if the receiver said one.
    pub after: Option<Duration>,
    /// It went out, and no answer came: the receiver may have taken it.
    pub unsure: bool,
    /// The receiver gave no reason: it may be over what it got.
    pub unexplained: bool,
}

/// How to go on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Try again soon: an outage passes by itself.
    Retry,
    /// Someone has to change something first; it is tried again all the same, but seldom.
    Refused,
    /// The receiver hung up because of something that was sent. One at a time then, until it is found.
    Suspect,
}

/// Someone has to put it there.
impl From<NoSecret> for Failure {
    fn from(missing: NoSecret) -> Self {
        Self::refused(missing.0)
    }
}

impl Failure {
    /// An outage, which passes by itself.
    pub fn retry(why: impl Into<String>) -> Self {
        Self { why: why.into(), then: Then::Retry, after: None, unsure: false, unexplained: false }
    }

    /// Nothing that waiting would heal.
    pub fn refused(why: impl Into<String>) -> Self {
        Self { why: why.into(), then: Then::Refused, after: None, unsure: false, unexplained: false }
    }

    /// The receiver did not like something that was under way.
    pub fn suspect(why: impl Into<String>) -> Self {
        Self { why: why.into(), then: Then::Suspect, after: None, unsure: false, unexplained: false }
    }

    /// The same, of what may have arrived.
    #[must_use]
    pub fn unsure(self) -> Self {
        Self { unsure: true, ..self }
    }

    /// The same, without a reason from the receiver.
    #[must_use]
    pub fn unexplained(self) -> Self {
        Self { unexplained: true, ..self }
    }

    /// The same, and not before so long; a day at most.
    #[must_use]
    pub fn after(self, wait: Option<Duration>) -> Self {
        Self { after: wait.map(|wait| wait.min(LONGEST)), ..self }
    }
}
