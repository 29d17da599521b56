//! Any HTTP: a request for each message, by default its JSON in a POST.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ring::hmac;

use super::Failure;
use super::fields::Fields;
use super::http::{Client, Request, Url};
use super::message::Message;
use super::template::{Escape, Template};
use super::tls::Tls;
use super::web::{self, Hidden, Requests};
use crate::secret::Secret;

/// What a request looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where to.
    pub address: Address,
    /// GET, POST, ...
    pub method: Method,
    /// Besides those that every request has.
    pub headers: Vec<(HeaderName, Value)>,
    /// What is sent; the message's JSON without it.
    pub body: Option<Template>,
    /// How that is to be read.
    pub content_type: String,
    /// What the body is signed with, and the header for it.
    pub signature: Option<(Secret, HeaderName)>,
    /// How a person's password is sent.
    pub user: Option<(String, Secret)>,
    /// Whom it trusts.
    pub tls: Tls,
    /// For an answer.
    pub timeout: Duration,
}

/// Where to.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// As the file says; its places are filled for each message.
    Plain(Template),
    /// It is a secret itself.
    Hidden(Secret),
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// As the file says; its places are filled for each message.
    Plain(Template),
    /// A secret behind some words, such as `Bearer `.
    Hidden(String, Secret),
}

impl Settings {
    async fn url(&self, fields: &Fields, hidden: &mut Hidden) -> Result<Url, Failure> {
        let url = match &self.address {
            Address::Plain(template) => template.fill(fields, Escape::Percent),
            Address::Hidden(secret) => hidden.read(secret, "the URL").await?,
        };
        let url = Url::parse(&url).map_err(Failure::refused)?;
        if let Address::Hidden(_) = self.address {
            // A server knows it by this.
            hidden.add(url.target());
        }
        Ok(url)
    }

    async fn headers(&self, fields: &Fields, body: &str, hidden: &mut Hidden) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, web::header(&self.content_type)?);
        headers.insert(web::IDEMPOTENCY_KEY, web::header(&fields.id())?);
        if let Some((user, secret)) = &self.user {
            let password = hidden.read(secret, "the password").await?;
            let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
            hidden.add(&pair);
            headers.insert(hyper::header::AUTHORIZATION, web::secret_header(&format!("Basic {pair}"))?);
        }
        for (name, value) in &self.headers {
            let value = match value {
                Value::Plain(template) => web::header(&template.fill(fields, Escape::Plain))?,
                Value::Hidden(before, secret) => {
                    let secret = hidden.read(secret, "the secret of a header").await?;
                    web::secret_header(&format!("{before}{secret}"))?
                }
            };
            headers.insert(name, value);
        }
        if let Some((secret, name)) = &self.signature {
            let key = hidden.read(secret, "the secret of the signature").await?;
            headers.insert(name, signature(&key, body));
        }
        Ok(headers)
    }

    fn body(&self, messages: &[Message], fields: &Fields) -> String {
        match (&self.body, messages) {
            (Some(template), _) => {
                template.fill(fields, if self.is_json() { Escape::Json } else { self.escape() })
            }
            (None, [message]) => message.payload.clone(),
            (None, several) => {
                let all: Vec<_> = several.iter().map(|message| message.payload.as_str()).collect();
                let text = serde_json::Value::from(fields.text());
                format!("{{\"text\":{text},\"gathered\":[{}]}}", all.join(","))
            }
        }
    }

    fn is_json(&self) -> bool {
        self.content_type.split(';').next().is_some_and(|kind| kind.trim_end().ends_with("json"))
    }

    fn escape(&self) -> Escape {
        let form = self.content_type.starts_with("application/x-www-form-urlencoded");
        if form { Escape::Percent } else { Escape::Plain }
    }
}

impl Requests for Settings {
    fn client(&self) -> Client {
        Client::new(self.tls.clone(), self.timeout)
    }

    async fn request(&self, messages: &[Message], hidden: &mut Hidden) -> Result<Request, Failure> {
        let fields = Fields::of(messages);
        let url = self.url(&fields, hidden).await?;
        let body = self.body(messages, &fields);
        let headers = self.headers(&fields, &body, hidden).await?;
        Ok(Request { headers, body: Bytes::from(body), ..Request::new(self.method.clone(), url) })
    }
}

/// `sha256=` and the HMAC-SHA256 of the body, in hexadecimal digits, as GitHub made it usual.
fn signature(key: &str, body: &str) -> HeaderValue {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("sha256={digits}")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests;
