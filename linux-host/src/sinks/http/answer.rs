//! What a server answered, and what that means for what was sent.

use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, RETRY_AFTER};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// An answer, read to its end or to the limit.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 100 to 999.
    pub status: u16,
    headers: HeaderMap,
    /// The beginning of the body; bytes that are no UTF-8 are replaced.
    pub body: String,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It is with the server: 2xx.
    Done,
    /// Try later, with the least wait that the server wants: 408, 425, 429, 503.
    Later(Option<Duration>),
    /// The server failed over it, or over something of its own: the other 5xx.
    Failed,
    /// Someone has to change something: 401, 403, and 3xx, which says that the address is another.
    NotAllowed,
    /// It will never be taken: the other 4xx.
    Never,
}

impl Answer {
    /// A status, headers and what has been read of the body.
    pub const fn new(status: u16, headers: HeaderMap, body: String) -> Self {
        Self { status, headers, body }
    }

    /// What it means.
    pub fn class(&self) -> Class {
        match self.status {
            200..=299 => Class::Done,
            408 | 425 | 429 | 503 => Class::Later(self.retry_after(Timestamp::now())),
            300..=399 | 401 | 403 => Class::NotAllowed,
            400..=499 => Class::Never,
            _ => Class::Failed,
        }
    }

    /// A header's value, if it is plain text.
    pub fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.get(HeaderName::from_static(name))?.to_str().ok()
    }

    /// `Retry-After`: seconds, or a date.
    fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let then = rfc2822::DateTimeParser::new().parse_timestamp(text.replace("GMT", "+0000")).ok()?;
        Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
    }

    /// The status for people, such as `404 Not Found`.
    pub fn status_in_words(&self) -> String {
        let status = hyper::StatusCode::from_u16(self.status).ok();
        let reason = status.and_then(|status| status.canonical_reason()).unwrap_or("an unknown status");
        format!("{} {reason}", self.status)
    }

    /// The answer for people: the status, and what the server said, on one line of at most 160 characters.
    pub fn in_words(&self) -> String {
        let status = self.status_in_words();
        let said: String = self.body.split_whitespace().collect::<Vec<_>>().join(" ");
        let said: String = said.chars().filter(|c| !c.is_control()).take(160).collect();
        // A page for a browser says nothing here.
        if said.is_empty() || said.starts_with('<') { status } else { format!("{status}: {said}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry: Option<&'static str>) -> Answer {
        let headers = retry.map(|value| (RETRY_AFTER, value.parse().unwrap())).into_iter().collect();
        Answer { status, headers, body: String::new() }
    }

    #[test]
    fn every_status_has_a_meaning() {
        for (status, class) in [
            (200, Class::Done),
            (204, Class::Done),
            (301, Class::NotAllowed),
            (400, Class::Never),
            (401, Class::NotAllowed),
            (403, Class::NotAllowed),
            (404, Class::Never),
            (408, Class::Later(None)),
            (413, Class::Never),
            (422, Class::Never),
            (425, Class::Later(None)),
            (429, Class::Later(None)),
            (500, Class::Failed),
            (502, Class::Failed),
            (503, Class::Later(None)),
            (999, Class::Failed),
        ] {
            assert_eq!(answer(status, None).class(), class, "{status}");
        }
    }

    #[test]
    fn the_wait_is_seconds_or_a_date() {
        assert_eq!(answer(429, Some("7")).class(), Class::Later(Some(Duration::from_secs(7))));
        let now: Timestamp = "2026-11-21T07:28:00Z".parse().unwrap();
        let date = answer(503, Some("Sat, 21 Nov 2026 07:30:00 GMT"));
        assert_eq!(date.retry_after(now), Some(Duration::from_secs(120)));
        assert_eq!(date.retry_after("2027-01-01T00:00:00Z".parse().unwrap()), Some(Duration::ZERO));
        assert_eq!(answer(429, Some("soon")).class(), Class::Later(None));
    }

    #[test]
    fn what_the_server_said_is_one_short_line() {
        let said = |body: &str| Answer { body: body.into(), ..answer(422, None) }.in_words();
        assert_eq!(said("{\"error\":\n\"too long\"}"), "422 Unprocessable Entity: {\"error\": \"too long\"}");
        assert_eq!(said("<html>.."), "422 Unprocessable Entity");
        assert_eq!(said(&"ä".repeat(500)).chars().filter(|c| *c == 'ä').count(), 160);
    }
}
