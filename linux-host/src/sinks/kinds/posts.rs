//! `kind = "ntfy"`, `"mastodon"`, `"x"`.

use std::path::PathBuf;
use std::time::Duration;

use super::Plan;
use crate::config::file::{Filters, FollowTable, MastodonSink, NtfySink, XSink, only, secret};
use crate::config::read::At;
use crate::secret::Secret;
use crate::sinks::follow::{Follow, Following};
use crate::sinks::message::{Kind, Renderer};
use crate::sinks::only::Only;
use crate::sinks::quota::{Quota, Rate};
use crate::sinks::render::Form;
use crate::sinks::sequential::{Receiver, Sequential};
use crate::sinks::tls::Tls;
use crate::sinks::topics::Topics;
use crate::sinks::web::{Requests, Web};
use crate::sinks::{mastodon, ntfy, x};

/// Where people read: with these settings, so often, of this.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sinks) struct Post<S> {
    settings: S,
    follow: Option<Follow>,
    quota: Option<Rate>,
    only: Only,
}

pub(in crate::sinks) type Ntfy = Post<ntfy::Settings>;
pub(in crate::sinks) type Mastodon = Post<mastodon::Settings>;
pub(in crate::sinks) type X = Post<x::Settings>;

impl<S: Requests + Clone + Sync> Post<S> {
    fn sink(&self, node: &str) -> (Sequential<Web<S>>, Form) {
        sequential(Web::new(self.settings.clone()), self.quota, &self.only, node)
    }
}

impl Plan for Ntfy {
    type Table = NtfySink;
    type Sink = Sequential<Web<ntfy::Settings>>;

    fn new(_: &str, _: &str, table: &NtfySink) -> Self {
        let plain = || table.topic.as_ref().map(|topic| ntfy::Topic::Plain(topic.value.0.clone()));
        let topic = secret(&table.topic_file, &table.topic_env).map(ntfy::Topic::Hidden).or_else(plain);
        let settings = ntfy::Settings {
            url: table.url.value.0.clone(),
            // The compiler has seen to it that there is one.
            topic: topic.unwrap_or_else(|| ntfy::Topic::Plain(String::new())),
            token: secret(&table.token_file, &table.token_env),
            title: table.title.0.clone(),
            text: table.text.0.clone(),
            priority: table.priority.0,
            tags: table.tags.iter().map(|tag| tag.0.clone()).collect(),
            tls: trusting(&table.ca),
        };
        Self { settings, follow: None, quota: table.quota.map(|quota| quota.0), only: messages(&table.only) }
    }

    fn make(&self, node: &str) -> (Self::Sink, Form) {
        self.sink(node)
    }
}

impl Plan for Mastodon {
    type Table = MastodonSink;
    type Sink = Following<Sequential<Web<mastodon::Settings>>, mastodon::timeline::Statuses>;

    fn new(_: &str, _: &str, table: &MastodonSink) -> Self {
        let token = secret(&table.token_file, &table.token_env);
        let settings = mastodon::Settings {
            url: table.url.value.0.clone(),
            // The compiler has seen to it that there is one.
            token: token.unwrap_or_else(|| Secret::Variable(String::new())),
            text: table.text.0.clone(),
            visibility: table.visibility.0,
            language: table.language.as_ref().map(|language| language.value.0.clone()),
            tls: trusting(&table.ca),
        };
        Self {
            settings,
            follow: follow(&table.follow),
            quota: table.quota.map(|quota| quota.0),
            only: messages(&table.only),
        }
    }

    fn make(&self, node: &str) -> (Self::Sink, Form) {
        let (sink, form) = self.sink(node);
        let timeline = |follow: &Follow| {
            (mastodon::timeline::Statuses::new(self.settings.clone(), &follow.account), follow.clone())
        };
        (Following::new(sink, self.follow.as_ref().map(timeline)), form)
    }
}

impl Plan for X {
    type Table = XSink;
    type Sink = Following<Sequential<Web<x::Settings>>, x::timeline::Posts>;

    fn new(_: &str, _: &str, table: &XSink) -> Self {
        let settings = x::Settings {
            url: table.url.value.0.clone(),
            login: table.login_file.value.clone(),
            text: table.text.0.clone(),
            tls: trusting(&table.ca),
        };
        Self {
            settings,
            follow: follow(&table.follow),
            quota: Some(table.quota.0),
            only: messages(&table.only),
        }
    }

    fn make(&self, node: &str) -> (Self::Sink, Form) {
        let (sink, form) = self.sink(node);
        let timeline = |follow: &Follow| {
            (x::timeline::Posts::new(self.settings.clone(), &follow.account), follow.clone())
        };
        (Following::new(sink, self.follow.as_ref().map(timeline)), form)
    }
}

/// A sink over a receiver that takes one delivery after the other.
pub(super) fn sequential<R: Receiver>(
    receiver: R,
    quota: Option<Rate>,
    only: &Only,
    node: &str,
) -> (Sequential<R>, Form) {
    let renderer = Renderer::new(node, Topics::default(), only.clone());
    (Sequential::new(receiver, quota.map(Quota::new)), Form::Json(renderer))
}

/// Whom the file follows.
fn follow(table: &Option<FollowTable>) -> Option<Follow> {
    let table = table.as_ref()?;
    Some(Follow {
        account: table.account.0.clone(),
        message: table.message.0.clone(),
        containing: table.containing.as_ref().map(|word| word.0.clone()),
        every: Duration::from_micros(table.every.0.micros()),
    })
}

/// What the file says, or what scenarios send: states are nothing to be read by people.
pub(super) fn messages(filters: &Filters) -> Only {
    if filters.0.is_empty() { Only::of(Kind::Message) } else { only(filters) }
}

/// The authorities that the file names.
pub(super) fn trusting(ca: &Option<At<PathBuf>>) -> Tls {
    Tls { ca: ca.as_ref().map(|path| path.value.clone()), ..Tls::default() }
}
