//! The server's stream of events, over server-sent events ("streaming API methods" of Mastodon's documentation, November
//! 2026): the home timeline of the token's own account, in which the posts of those are that it follows.
//!
//! There is no stream of one account; that of everything public would bring a busy server's every post to a doorbell. So
//! what this tells is a reason to look at the timeline, and no more.

use std::collections::VecDeque;
use std::time::Duration;

use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

use super::Settings;
use crate::sinks::Failure;
use crate::sinks::follow::alerts::Alerts;
use crate::sinks::http::events::{Event, Events};
use crate::sinks::http::{Answer, Class, Client, Request, Stream, Url};
use crate::sinks::web::{self, Hidden, Requests as _};

const PATH: &str = "/api/v1/streaming/user";
/// The server says `:thump` every 15 seconds: three of them missed, and the stream is gone.
const SILENCE: Duration = Duration::from_secs(50);

/// The stream.
pub struct Home {
    settings: Settings,
    client: Client,
    /// The number of the account that is followed.
    account: String,
    up: Option<(Stream, Events)>,
    /// Posts that nobody asked for yet.
    heard: VecDeque<Option<String>>,
}

/// What matters of a status.
#[derive(Deserialize)]
struct Status {
    id: String,
    account: Account,
    /// It repeats what somebody else posted.
    reblog: Option<Value>,
}

#[derive(Deserialize)]
struct Account {
    id: String,
}

impl Home {
    /// Does nothing yet.
    pub fn new(settings: Settings, account: String) -> Self {
        let client = settings.client();
        Self { settings, client, account, up: None, heard: VecDeque::new() }
    }

    async fn ask(&mut self, url: Url, hidden: &mut Hidden) -> Result<Result<Stream, Answer>, Failure> {
        let token = hidden.read(&self.settings.token, "the token").await?;
        let mut request = Request::new(Method::GET, url);
        request.headers.insert(AUTHORIZATION, web::secret_header(&format!("Bearer {token}"))?);
        request.headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let mut opened = self.client.stream(request).await.map_err(|failure| hidden.from(failure))?;
        if let Err(answer) = &mut opened {
            answer.body = hidden.without(std::mem::take(&mut answer.body));
        }
        Ok(opened)
    }

    /// Where a server says that its streams are. Many have a host of their own for them, as its documentation says, which can
    /// be anywhere. To follow it there tells nobody what they may not know: the server gave out the token, and had it before it
    /// answered. But nobody on the way may read it either, and nothing of the address is taken but the host: the path stays that
    /// of the stream, and a second redirect is not followed.
    fn elsewhere(&self, answer: &Answer) -> Option<Result<Url, Failure>> {
        if !matches!(answer.status, 301 | 302 | 307 | 308) {
            return None;
        }
        let url = answer.header("location").and_then(|location| Url::parse(location).ok());
        Some(match url {
            Some(url) if url.tls() || !self.settings.url.tls() => Ok(url.at(PATH)),
            Some(url) => Err(Failure::refused(format!(
                "the server says that its stream is at {}, where anyone could read the token",
                url.origin()
            ))),
            None => Err(Failure::refused(format!(
                "the server does not say where its stream is ({})",
                answer.in_words()
            ))),
        })
    }

    fn hear(&mut self, event: &Event) {
        if event.name != "update" {
            return;
        }
        match serde_json::from_str::<Status>(&event.data) {
            Ok(status) if status.account.id == self.account && status.reblog.is_none() => {
                let is_number = status.id.bytes().all(|byte| byte.is_ascii_digit());
                self.heard.push_back(is_number.then_some(status.id));
            }
            Ok(_) => {}
            // It may be one of the account.
            Err(_) => self.heard.push_back(None),
        }
    }
}

impl Alerts for Home {
    async fn open(&mut self) -> Result<(), Failure> {
        (self.up, self.heard) = (None, VecDeque::new());
        let mut hidden = Hidden::default();
        let mut opened = self.ask(self.settings.url.at(PATH), &mut hidden).await?;
        if let Err(answer) = &opened
            && let Some(url) = self.elsewhere(answer)
        {
            opened = self.ask(url?, &mut hidden).await?;
        }
        let stream = opened.map_err(|answer| refusal(&answer))?;
        let kind = stream.head().header("content-type").unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(Failure::refused("the server has no stream there: what it sends is none"));
        }
        self.up = Some((stream, Events::default()));
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            if let Some(post) = self.heard.pop_front() {
                return Ok(post);
            }
            let Some((stream, events)) = &mut self.up else {
                return Err(Failure::retry("no stream is open"));
            };
            let bytes = stream.next(SILENCE).await?;
            let mut complete = Vec::new();
            events.feed(&bytes, |event| complete.push(event));
            complete.iter().for_each(|event| self.hear(event));
        }
    }
}

/// Why there is no stream.
fn refusal(answer: &Answer) -> Failure {
    let words = answer.in_words();
    match answer.status {
        404 => Failure::refused(format!("the server has no stream ({words})")),
        401 | 403 => Failure::refused(format!(
            "the server lets nobody in ({words}): the token has to be allowed read:statuses (Preferences, Development)"
        )),
        _ => match answer.class() {
            Class::Later(after) => Failure::retry(words).after(after),
            Class::Failed => Failure::retry(words),
            _ => Failure::refused(words),
        },
    }
}

#[cfg(test)]
mod tests;
