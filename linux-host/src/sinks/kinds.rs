//! The kinds of sinks: what each makes of its table of the file. A new kind is a [`Plan`] in a file of its own, and one
//! line below.

mod aws_iot;
mod local;
mod mqtt;
mod posts;
mod programs;
mod webhook;

use std::fmt::Debug;
use std::sync::Arc;

use campanile_delivery::symbols::Symbols;
use campanile_delivery::{SpentFile, Storage};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Sink;
use super::driver::{Driver, RetryRequest, Signs};
use super::figures::{Board, State};
use super::follow::Bookmark;
use super::render::Form;
use super::source::{Around, Source};
use super::trial::Trial;
use crate::config::file;

/// What a sink is to do, as the file says it. Two that are equal do the same: then a reload lets the sink go on.
pub(super) trait Plan: Clone + Debug + PartialEq {
    /// Its table of the file.
    type Table;
    /// What it becomes.
    type Sink: Sink + 'static;

    /// What the table says, for a sink of this name on this node.
    fn new(node: &str, name: &str, table: &Self::Table) -> Self;

    /// What else it takes from the program: a sink of which this changes with a reload begins anew.
    fn learn(&mut self, _: &Symbols) {}

    /// What others of its kind look at is that of the sink that it takes the place of, under the same name.
    fn take_over(&mut self, _: &Self) {}

    /// What this one leaves to a sink of the same kind that stands before it in the file.
    fn yield_to(&mut self, _: &Self) {}

    /// The sink, and what its messages look like.
    fn make(&self, node: &str) -> (Self::Sink, Form);
}

/// Declares the plans of all kinds.
macro_rules! plans {
    ($($variant:ident($plan:ty),)*) => {
        /// What a sink is to do, of whatever kind.
        #[derive(Clone, Debug, PartialEq)]
        pub(super) enum Spec { $($variant(Box<$plan>),)* }

        impl Spec {
            /// What the file says.
            pub(super) fn new(node: &str, name: &str, sink: &file::Sink, symbols: &Symbols) -> Self {
                let mut spec = match sink {
                    $(file::Sink::$variant(table) => Self::$variant(Box::new(Plan::new(node, name, &**table))),)*
                };
                match &mut spec {
                    $(Self::$variant(plan) => plan.learn(symbols),)*
                }
                spec
            }

            /// See [`Plan::take_over`].
            pub(super) fn take_over(&mut self, before: &Self) {
                match (self, before) {
                    $((Self::$variant(plan), Self::$variant(before)) => plan.take_over(before),)*
                    _ => {}
                }
            }

            /// See [`Plan::yield_to`].
            pub(super) fn yield_to(&mut self, earlier: &Self) {
                match (self, earlier) {
                    $((Self::$variant(plan), Self::$variant(earlier)) => plan.yield_to(earlier),)*
                    _ => {}
                }
            }

            /// Makes it and lets it run, as a task of the current runtime.
            pub(super) fn start<S: Storage, A: Around>(&self, post: Post<'_, S, A>) -> JoinHandle<()> {
                match self {
                    $(Self::$variant(plan) => post.take(&**plan),)*
                }
            }

            /// What its messages look like.
            pub(super) fn form(&self, node: &str) -> Form {
                match self {
                    $(Self::$variant(plan) => plan.make(node).1,)*
                }
            }

            /// Makes it and sends one message through it; whether it arrived.
            pub(super) async fn trial(&self, node: &str, trial: Trial<'_>) -> bool {
                match self {
                    $(Self::$variant(plan) => {
                        let (mut sink, form) = plan.make(node);
                        trial.through(&mut sink, form, node).await
                    })*
                }
            }
        }
    };
}

plans! {
    Mqtt(mqtt::Broker),
    AwsIot(aws_iot::Thing),
    Webhook(webhook::Hook),
    Ntfy(posts::Ntfy),
    Mastodon(posts::Mastodon),
    X(posts::X),
    Exec(programs::Exec),
    Chime(programs::Chime),
    File(local::Lines),
    Console(local::Screen),
}

/// Where a sink is to work.
pub(super) struct Post<'a, S: Storage, A: Around> {
    pub(super) node: &'a str,
    pub(super) name: &'a str,
    pub(super) source: Source<S, A>,
    pub(super) board: Board,
    pub(super) signs: Signs,
    pub(super) retries: mpsc::Receiver<RetryRequest>,
    pub(super) bookmark: Bookmark,
}

impl<S: Storage, A: Around> Post<'_, S, A> {
    fn take(self, plan: &impl Plan) -> JoinHandle<()> {
        let Self { node, name, source, board, signs, retries, bookmark } = self;
        let (mut sink, form) = plan.make(node);
        sink.go_on(bookmark);
        let driver = name.parse().map_err(|error| format!("{name}: {error}")).and_then(|name| {
            sink.remember(Arc::new(SpentFile::new(Arc::clone(&source.storage), &name)));
            Driver::new(name, sink, form, node, source, board.clone()).map_err(|error| error.to_string())
        });
        match driver {
            Ok(driver) => tokio::spawn(driver.with_signs(signs).with_retries(retries).run()),
            Err(why) => {
                // The rest of the house goes on; `status` shows it.
                tracing::error!("sink {name} does not run: {why}");
                board.write(|figures| figures.state = State::Broken(why));
                tokio::spawn(std::future::ready(()))
            }
        }
    }
}
