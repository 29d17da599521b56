//! X: a post on an account, signed with OAuth 1.0a.
//!
//! X refuses a text that was posted before, so each ends in its time and its number: two rings are two posts. And a post
//! whose answer got lost is refused as a repeat when it goes again: so it is there.

pub mod login;
pub mod timeline;

use std::path::PathBuf;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::Failure;
use super::fields::Fields;
use super::http::{Answer, Client, Request, Url};
use super::message::Message;
use super::oauth::{self, Moment};
use super::sequential::Verdict;
use super::template::{Escape, Template};
use super::tls::Tls;
use super::web::{self, Hidden, Requests};

/// Of a post, in X's own measure.
const TEXT_MAX: usize = 280;

/// Whose account, and what is said there.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The server; another one only for tests.
    pub url: Url,
    /// What `campanile login x` wrote.
    pub login: PathBuf,
    /// What is said.
    pub text: Template,
    /// Whom it trusts.
    pub tls: Tls,
}

impl Requests for Settings {
    fn client(&self) -> Client {
        Client::new(self.tls.clone(), web::PATIENCE)
    }

    async fn request(&self, messages: &[Message], hidden: &mut Hidden) -> Result<Request, Failure> {
        let fields = Fields::of(messages);
        let keys = login::read(&self.login, hidden).await?;
        let url = self.url.at("/2/tweets");
        let header = oauth::authorization("POST", &url, &keys, &[], &moment()?);
        let mut request = Request::new(Method::POST, url);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers.insert(AUTHORIZATION, web::secret_header(&header)?);
        request.body = Bytes::from(json!({ "text": text(&self.text, &fields) }).to_string());
        Ok(request)
    }

    fn judge(&self, answer: &Answer) -> Option<Result<Verdict, Failure>> {
        match answer.status {
            // As no two messages have one text, this one is there.
            403 if answer.body.contains("duplicate content") => Some(Ok(Verdict::Taken)),
            401 => Some(Err(Failure::refused(format!(
                "X lets nobody in ({}): is this clock right? else `campanile login x` once more",
                answer.in_words()
            )))),
            429 => {
                let reset = answer.header("x-rate-limit-reset").and_then(|reset| reset.parse().ok());
                let wait = reset.map(|reset: i64| reset.saturating_sub(Timestamp::now().as_second()).max(1));
                let wait = wait.map(|seconds| Duration::from_secs(seconds.cast_unsigned()));
                Some(Err(Failure::retry(answer.in_words()).after(wait)))
            }
            _ => None,
        }
    }
}

/// For the signature of one request.
pub(super) fn moment() -> Result<Moment, Failure> {
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| Failure::retry("the system has no random numbers"))?;
    let nonce = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Moment { timestamp: Timestamp::now().as_second(), nonce })
}

/// What is posted: like no other post of this node.
fn text(template: &Template, fields: &Fields) -> String {
    let place = |key: &str| fields.get(key).unwrap_or_default();
    let boot = place("boot");
    let (start, beat) = (boot.split('-').next().unwrap_or_default(), place("beat"));
    let number =
        if beat.is_empty() { format!("#{start}-{}", place("seq")) } else { format!("#{start}-beat-{beat}") };
    let end = match fields.onset() {
        Some(onset) => {
            format!(" \u{b7} {} {number}", onset.to_zoned(TimeZone::system()).strftime("%F %T"))
        }
        None => format!(" \u{b7} {number}"),
    };
    let said = template.fill(fields, Escape::Plain);
    let room = TEXT_MAX - end.chars().map(weight).sum::<usize>();
    web::clipped(&said, room.saturating_sub(short_links(&said)), weight) + &end
}

/// Every link counts as one of X's own, which it becomes: how much more that is than the letters of the short ones.
fn short_links(text: &str) -> usize {
    let links =
        text.split_whitespace().filter(|word| word.starts_with("http://") || word.starts_with("https://"));
    links.map(|link| LINK.saturating_sub(link.chars().count())).sum()
}

/// What X counts for a link.
const LINK: usize = 23;

/// As X counts: most letters of European languages and common punctuation are one, the rest two.
const fn weight(c: char) -> usize {
    match c as u32 {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
