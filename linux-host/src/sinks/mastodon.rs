//! Mastodon: a status on an account.

pub mod stream;
#[cfg(test)]
mod testing;
pub mod timeline;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::json;

use super::Failure;
use super::fields::Fields;
use super::http::{Client, Request, Url};
use super::message::Message;
use super::template::{Escape, Template};
use super::tls::Tls;
use super::web::{self, Hidden, Requests};
use crate::secret::Secret;

/// The characters that every server allows.
const TEXT_MAX: usize = 500;

/// Whose account, and what is said there.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The server.
    pub url: Url,
    /// The account's, with `write:statuses`.
    pub token: Secret,
    /// What is said.
    pub text: Template,
    /// `public`, `unlisted`, `private`, `direct`.
    pub visibility: &'static str,
    /// ISO 639-1.
    pub language: Option<String>,
    /// Whom it trusts.
    pub tls: Tls,
}

impl Requests for Settings {
    fn client(&self) -> Client {
        Client::new(self.tls.clone(), web::PATIENCE)
    }

    async fn request(&self, messages: &[Message], hidden: &mut Hidden) -> Result<Request, Failure> {
        let fields = Fields::of(messages);
        let mut body = json!({
            "status": web::clipped(&self.text.fill(&fields, Escape::Plain), TEXT_MAX, |_| 1),
            "visibility": self.visibility,
        });
        if let Some(language) = &self.language {
            body["language"] = language.as_str().into();
        }
        let token = hidden.read(&self.token, "the token").await?;
        let mut request = Request::new(Method::POST, self.url.at("/api/v1/statuses"));
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers.insert(AUTHORIZATION, web::secret_header(&format!("Bearer {token}"))?);
        // A server knows it for an hour, and gives the first status again instead of making a second.
        request.headers.insert(web::IDEMPOTENCY_KEY, web::header(&fields.id())?);
        request.body = Bytes::from(body.to_string());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use super::*;
    use crate::sinks::fields::testing::doorbell;
    use crate::sinks::http::testing::{Asked, Reply, Server};
    use crate::sinks::sequential::{Receiver as _, Verdict};
    use crate::sinks::web::Web;
    use crate::sinks::{Failure, Then};

    /// As the documentation of Mastodon's API has it: `POST /api/v1/statuses`.
    fn instance() -> Server {
        let statuses: Mutex<HashMap<String, usize>> = Mutex::default();
        Server::start(move |asked: &Asked| {
            let said = |status, error: &str| Reply::With(status, "", json!({ "error": error }).to_string());
            if asked.header("authorization") != Some("Bearer hunter2-token") {
                return said(401, "The access token is invalid");
            }
            assert_eq!(asked.line, "POST /api/v1/statuses");
            let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
            let text = body["status"].as_str().unwrap();
            if text.is_empty() {
                return said(422, "Validation failed: Text can't be blank");
            }
            if text.chars().count() > 500 {
                return said(422, "Validation failed: Text character limit of 500 exceeded");
            }
            let mut statuses = statuses.lock().unwrap();
            let next = statuses.len();
            let id = *statuses.entry(asked.header("idempotency-key").unwrap().to_owned()).or_insert(next);
            Reply::With(
                200,
                "",
                json!({ "id": id.to_string(), "visibility": body["visibility"] }).to_string(),
            )
        })
    }

    fn settings(server: &Server, dir: &tempfile::TempDir, token: &str) -> Settings {
        std::fs::write(dir.path().join("token"), token).unwrap();
        Settings {
            url: Url::parse(&server.url("")).unwrap(),
            token: Secret::File(dir.path().join("token")),
            text: Template::parse("{text}").unwrap(),
            visibility: "unlisted",
            language: Some("de".into()),
            tls: Tls::default(),
        }
    }

    #[tokio::test]
    async fn a_ring_is_one_status_however_often_it_is_sent() {
        let (server, dir) = (instance(), tempfile::tempdir().unwrap());
        let mut account = Web::new(settings(&server, &dir, "hunter2-token"));
        account.open().await.unwrap();
        for seq in [7, 7, 8] {
            assert_eq!(account.deliver(&[doorbell("Jemand klingelt", seq)]).await, Ok(Verdict::Taken));
        }
        let keys: Vec<_> =
            server.asked().iter().map(|asked| asked.header("idempotency-key").unwrap().to_owned()).collect();
        assert_eq!(keys, ["front-door/5-9f3c21aa/7", "front-door/5-9f3c21aa/7", "front-door/5-9f3c21aa/8"]);
        let body: serde_json::Value = serde_json::from_str(&server.asked()[0].body).unwrap();
        assert_eq!(body, json!({ "status": "Jemand klingelt", "visibility": "unlisted", "language": "de" }));
    }

    #[tokio::test]
    async fn what_the_server_does_not_take_is_told_apart() {
        let (server, dir) = (instance(), tempfile::tempdir().unwrap());
        let mut account = Web::new(settings(&server, &dir, "hunter2-token"));
        assert_eq!(account.deliver(&[doorbell(&"ä".repeat(600), 7)]).await, Ok(Verdict::Taken), "it is cut");
        let refused = account.deliver(&[doorbell("", 8)]).await.unwrap();
        assert!(matches!(&refused, Verdict::Refused(why) if why.contains("can't be blank")), "{refused:?}");
        std::fs::write(dir.path().join("token"), "hunter2-old").unwrap();
        let failure: Failure = account.deliver(&[doorbell("ring", 9)]).await.unwrap_err();
        assert_eq!(failure.then, Then::Refused);
        assert!(failure.why.contains("401") && !failure.why.contains("hunter2"), "{failure:?}");
    }
}
