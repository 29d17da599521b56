//! What all receivers on the web have in common: what their answers mean, and that no secret comes back in words.

use std::future::Future;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;

use super::Failure;
use super::endpoint::Endpoint;
use super::http::{Answer, Class, Client, Request};
use super::message::Message;
use super::sequential::{Receiver, Verdict};
use crate::secret::Secret;

/// The same for each try of one message, and of no other.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// For an answer, where the file says nothing else.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What is sent to a receiver on the web.
pub trait Requests: Send + 'static {
    /// How it is reached.
    fn client(&self) -> Client;

    /// The request for a message, for several that a quota has gathered, or for none: then only what does not depend on
    /// them matters. Every secret in it is read through `hidden`.
    ///
    /// # Errors
    /// A secret is not there, or something cannot be said in a request.
    fn request(
        &self,
        messages: &[Message],
        hidden: &mut Hidden,
    ) -> impl Future<Output = Result<Request, Failure>> + Send;

    /// What an answer means, where this receiver means something else by it than others.
    fn judge(&self, _: &Answer) -> Option<Result<Verdict, Failure>> {
        None
    }
}

/// A receiver on the web.
#[derive(Debug)]
pub struct Web<R> {
    requests: R,
    client: Client,
    /// Of the last step.
    remark: String,
}

impl<R: Requests> Web<R> {
    /// Does nothing yet.
    pub fn new(requests: R) -> Self {
        Self { client: requests.client(), requests, remark: String::new() }
    }
}

impl<R: Requests + Sync> Receiver for Web<R> {
    async fn open(&mut self) -> Result<(), Failure> {
        let mut hidden = Hidden::default();
        let request = self.requests.request(&[], &mut hidden).await?;
        // No more of the address: its path may be a secret.
        self.remark = format!("{} goes to {}", request.method, request.url.origin());
        self.client.connect(&request.url).await.map_err(|failure| hidden.from(failure))
    }

    async fn deliver(&mut self, messages: &[Message]) -> Result<Verdict, Failure> {
        let mut hidden = Hidden::default();
        let request = self.requests.request(messages, &mut hidden).await?;
        let mut answer = self.client.send(request).await.map_err(|failure| hidden.from(failure))?;
        // Before it is cut: the half of a secret would not be recognised.
        answer.body = hidden.without(answer.body);
        self.remark = answer.status_in_words();
        self.requests.judge(&answer).unwrap_or_else(|| judge(&answer))
    }

    async fn endpoint(&mut self) -> Result<Option<Endpoint>, Failure> {
        let url = self.requests.request(&[], &mut Hidden::default()).await?.url;
        Ok(Some(Endpoint {
            host: url.host().to_owned(),
            port: url.port(),
            tls: url.tls().then(|| self.client.tls().clone()),
        }))
    }

    fn remark(&self) -> String {
        self.remark.clone()
    }
}

/// The secrets of one request, to be taken out of whatever is said about it: a server may repeat what it was sent.
#[derive(Default)]
pub struct Hidden(Vec<String>);

impl Hidden {
    /// Reads a secret.
    ///
    /// # Errors
    /// It is not there.
    pub async fn read(&mut self, secret: &Secret, what: &str) -> Result<String, Failure> {
        let text = secret.read(what).await?;
        self.add(&text);
        Ok(text)
    }

    /// Something that is made from a secret.
    pub fn add(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }

    /// The same failure without them.
    pub fn from(&self, failure: Failure) -> Failure {
        Failure { why: self.without(failure.why), ..failure }
    }

    /// The same text without them.
    pub fn without(&self, mut text: String) -> String {
        for secret in &self.0 {
            // One of a letter or two would take every word apart, and protects nothing.
            if secret.len() > 3 && text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "***");
            }
        }
        text
    }
}

/// What an answer means for what was sent.
fn judge(answer: &Answer) -> Result<Verdict, Failure> {
    let words = answer.in_words();
    match answer.class() {
        Class::Done => Ok(Verdict::Taken),
        Class::Later(after) => Err(Failure::retry(words).after(after)),
        Class::Failed => {
            Ok(Verdict::Failed(format!("the receiver failed ({words}): its own log says over what")))
        }
        Class::NotAllowed => Err(Failure::refused(match answer.status {
            300..=399 => format!("the address has moved ({words}): change it in the file"),
            _ => format!("not allowed ({words}): see the secret, and what it may do there"),
        })),
        Class::Never => Ok(Verdict::Refused(match answer.status {
            404 | 410 => format!("nothing is there ({words}): is the address right?"),
            405 => {
                format!(
                    "the address does not accept this request ({words}): is it the right one, and its method?"
                )
            }
            _ => words,
        })),
    }
}

/// Asks for something, and reads the JSON of the answer.
///
/// # Errors
/// There is none: soon, or when someone has changed something.
pub async fn json<T: DeserializeOwned>(
    client: &mut Client,
    request: Request,
    hidden: &Hidden,
) -> Result<T, Failure> {
    let most = request.answer_max;
    let mut answer = client.send(request).await.map_err(|failure| hidden.from(failure))?;
    let is_cut = answer.body.len() >= most;
    // Before it is cut: the half of a secret would not be recognised.
    answer.body = hidden.without(answer.body);
    match answer.class() {
        Class::Done => serde_json::from_str(&answer.body).map_err(|error| {
            Failure::refused(if is_cut {
                format!("the answer is longer than the {} KiB that are read of it", most >> 10)
            } else {
                format!("the answer is not JSON of the documented form: {error}")
            })
        }),
        Class::Later(after) => Err(Failure::retry(answer.in_words()).after(after)),
        Class::Failed => Err(Failure::retry(answer.in_words())),
        Class::NotAllowed | Class::Never => Err(Failure::refused(answer.in_words())),
    }
}

/// The number of something in an answer.
pub fn id(object: &serde_json::Value) -> Option<String> {
    object["id"].as_str().filter(|id| is_id(id)).map(str::to_owned)
}

/// Whether this is a number, in digits: it goes into addresses.
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// A header's value. What cannot stand there, as a line's end, becomes a blank.
///
/// # Errors
/// It cannot be one at all.
pub fn header(text: &str) -> Result<HeaderValue, Failure> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    HeaderValue::from_bytes(text.trim().as_bytes())
        .map_err(|_| Failure::refused("a header has no such value"))
}

/// A header's value that is shown nowhere.
///
/// # Errors
/// The secret has a line's end or the like in it.
pub fn secret_header(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Failure::refused("a secret has a letter in it that no header can have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A text of at most so much, as a letter weighs; where something is missing, it ends in an ellipsis.
pub fn clipped(text: &str, most: usize, weight: impl Fn(char) -> usize) -> String {
    const END: char = '\u{2026}';
    if text.chars().map(&weight).sum::<usize>() <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(weight(END));
    let fits = |c: &char| {
        let fits = weight(*c) <= left;
        left = left.saturating_sub(if fits { weight(*c) } else { left });
        fits
    };
    let mut out: String = text.chars().take_while(fits).collect();
    out.truncate(out.trim_end().len());
    out.push(END);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_letters() {
        assert_eq!(clipped("abc", 3, |_| 1), "abc");
        assert_eq!(clipped("abcd", 3, |_| 1), "ab\u{2026}");
        assert_eq!(clipped("ab cd", 4, |_| 1), "ab\u{2026}", "no blank before the ellipsis");
        assert_eq!(clipped("ääää", 7, char::len_utf8), "ää\u{2026}");
    }
}
