//! `kind = "ntfy"`, `"mastodon"`, `"x"`: where people read. Each is told what scenarios send, if the file does not say
//! more.

use std::path::PathBuf;

use super::web::{Filled, Quota};
use super::{Beat, Common, Filters};
use crate::config::read::{At, table, words};
use crate::config::scalar::{H, Name, S, Text, VariableName, Within, Word, text};
use crate::sinks::http::Url;
use campanile_core::time::Duration;

table! {
    /// ntfy: a notification on a phone.
    pub struct NtfySink("a sink of kind ntfy") {
        /// The server.
        "url" url (= "https://ntfy.sh"): At<Site>,
        /// What whoever listens has to know: without users it is as good as a password.
        "topic" topic (optional): At<Word>,
        /// A file whose first line is the topic.
        "topic-file" topic_file (optional): At<PathBuf>,
        /// An environment variable that holds the topic.
        "topic-env" topic_env (optional): At<VariableName>,
        /// A file whose first line is an access token.
        "token-file" token_file (optional): At<PathBuf>,
        /// An environment variable that holds the token.
        "token-env" token_env (optional): At<VariableName>,
        /// What stands above the text.
        "title" title (= "{node}"): Filled,
        /// What is said.
        "text" text (= "{text}"): Filled,
        /// How urgent it is.
        "priority" priority (= "default"): Priority,
        /// Words and names of emojis, such as "bell".
        "tags" tags (empty): Vec<Word>,
        /// Certificates in PEM that the server's may be signed by; the system's without it.
        "ca" ca (optional): At<PathBuf>,
        /// At most so many in so long; what comes beyond it is gathered into one.
        "quota" quota (optional): Quota,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): At<Beat>,
        /// What it is told; "message:*" without it.
        "only" only (empty): Filters,
    }
    rules [
        Rule::excludes("topic-file", "topic", "a second topic", "keep one of `topic`, `topic-file` and `topic-env`"),
        Rule::excludes("topic-env", "topic", "a second topic", "keep one of `topic`, `topic-file` and `topic-env`"),
        Rule::excludes("topic-env", "topic-file", "a second topic", "keep one of `topic`, `topic-file` and `topic-env`"),
        Rule::excludes("token-env", "token-file", "a second token", "keep one of `token-file` and `token-env`"),
    ]
}

table! {
    /// Mastodon: a status on an account.
    pub struct MastodonSink("a sink of kind mastodon") {
        /// The account's server.
        "url" url (required): At<Site>,
        /// A file whose first line is an access token with write:statuses (Preferences, Development).
        "token-file" token_file (optional): At<PathBuf>,
        /// An environment variable that holds the token.
        "token-env" token_env (optional): At<VariableName>,
        /// What is said.
        "text" text (= "{text}"): Filled,
        /// Who sees it.
        "visibility" visibility (= "private"): Visibility,
        /// Of the text, such as "de".
        "language" language (optional): At<Word>,
        /// Certificates in PEM that the server's may be signed by; the system's without it.
        "ca" ca (optional): At<PathBuf>,
        /// At most so many in so long; what comes beyond it is gathered into one.
        "quota" quota (optional): Quota,
        /// Whose posts are messages here.
        "follow" follow (optional): FollowTable,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): At<Beat>,
        /// What it is told; "message:*" without it.
        "only" only (empty): Filters,
    }
    rules [Rule::excludes("token-env", "token-file", "a second token", "keep one of `token-file` and `token-env`")]
}

table! {
    /// X: a post on an account.
    pub struct XSink("a sink of kind x") {
        /// What `campanile login x` wrote.
        "login-file" login_file (required): At<PathBuf>,
        /// What is said; the time and a number follow, as X takes no text twice.
        "text" text (= "{text}"): Filled,
        /// The server.
        "url" url (= "https://api.x.com"): At<Site>,
        /// Certificates in PEM that the server's may be signed by; the system's without it.
        "ca" ca (optional): At<PathBuf>,
        /// At most so many in so long; what comes beyond it is gathered into one.
        "quota" quota (= "17/d"): Quota,
        /// Whose posts are messages here.
        "follow" follow (optional): FollowTable,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): At<Beat>,
        /// What it is told; "message:*" without it.
        "only" only (empty): Filters,
    }
}

table! {
    /// An account whose posts are messages here.
    pub struct FollowTable("an account to follow") {
        /// The account: "bell", or "bell@social.example" of another server.
        "account" account (required): Account,
        /// The message that a post stands for: a trigger waits for it.
        "message" message (required): Name,
        /// Only posts with this in their text.
        "containing" containing (optional): Word,
        /// How often the account is looked at, whatever else tells of posts.
        "every" every (= "1min"): Within<{ 10 * S }, { 24 * H }>,
    }
}

/// The name of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(pub Text);

text!(Account, "the name of an account", { "type": "string", "pattern": "^@?[A-Za-z0-9_.-]+(@[A-Za-z0-9.:-]+)?$" }, |text| {
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | ':');
    if text.trim_start_matches('@').is_empty() || !text.chars().all(of_a_name) {
        return Err(Wrong::new(format!("\"{text}\" is not a valid account name"), "such as \"bell\" or \"bell@social.example\""));
    }
    Ok(Self(text.to_owned()))
}, broken: Self(Text::new()));

/// Declares what the tables of this file have in common with all.
macro_rules! common {
    ($($table:ty => $brings:expr),*) => {
        $(impl Common for $table {
            fn only(&self) -> &Filters {
                &self.only
            }

            fn heartbeat(&self) -> Option<Duration> {
                self.heartbeat.as_ref().map(|every| every.value.0)
            }

            fn brings_messages(&self) -> bool {
                let brings: fn(&Self) -> bool = $brings;
                brings(self)
            }
        })*
    };
}

common!(NtfySink => |_| false, MastodonSink => |sink| sink.follow.is_some(), XSink => |sink| sink.follow.is_some());

/// How urgent a notification is, 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority(pub u8);

words!(Priority, "a priority", {
    "min" => Self(1), "low" => Self(2), "default" => Self(3), "high" => Self(4), "max" => Self(5),
});

/// Who sees a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visibility(pub &'static str);

words!(Visibility, "a visibility", {
    "public" => Self("public"), "unlisted" => Self("unlisted"), "private" => Self("private"), "direct" => Self("direct"),
});

/// A server, without a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Site(pub Url);

text!(Site, "the address of a server such as \"https://social.example\"", { "type": "string", "pattern": "^https?://[^@/?#]+/?$" }, |text| {
    let help = "scheme and host, such as \"https://social.example\"";
    if text.contains('@') {
        let what = "a user or a password in a URL would show in logs and lists of processes";
        return Err(Wrong::new(what, "write `token-file` or `token-env`").secret());
    }
    let url = Url::parse(text).map_err(|what| Wrong::new(what, help))?;
    if url.target() != "/" {
        return Err(Wrong::new("only the server belongs here, without a path", help));
    }
    Ok(Self(url))
}, broken: Self(Url::nowhere()));
