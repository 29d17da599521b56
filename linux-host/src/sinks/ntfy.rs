//! ntfy: a notification on a phone.

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

/// Beyond so many bytes a server makes an attachment of a text.
const TEXT_MAX: usize = 4096;
/// And so much of it as JSON: the server takes 8,192 bytes in all.
const JSON_MAX: usize = 6144;
/// As much as fits on a phone.
const TITLE_MAX: usize = 250;

/// Where to, and how it looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The server.
    pub url: Url,
    /// What whoever listens has to know.
    pub topic: Topic,
    /// Who may publish there, if not everybody.
    pub token: Option<Secret>,
    /// Above the text.
    pub title: Template,
    /// What is said.
    pub text: Template,
    /// 1 to 5; 3 is usual.
    pub priority: u8,
    /// Words and names of emojis.
    pub tags: Vec<String>,
    /// Whom it trusts.
    pub tls: Tls,
}

/// A topic: without a user it is as good as a password.
#[derive(Clone, Debug, PartialEq)]
pub enum Topic {
    /// As the file says.
    Plain(String),
    /// As a secret.
    Hidden(Secret),
}

impl Requests for Settings {
    fn client(&self) -> Client {
        Client::new(self.tls.clone(), web::PATIENCE)
    }

    async fn request(&self, messages: &[Message], hidden: &mut Hidden) -> Result<Request, Failure> {
        let fields = Fields::of(messages);
        let topic = match &self.topic {
            Topic::Plain(topic) => topic.clone(),
            Topic::Hidden(secret) => hidden.read(secret, "the topic").await?,
        };
        // As JSON, so that a title may have letters that no header has.
        let body = json!({
            "topic": topic,
            "title": web::clipped(&self.title.fill(&fields, Escape::Plain), TITLE_MAX, char::len_utf8),
            "message": clipped(&self.text.fill(&fields, Escape::Plain)),
            "priority": self.priority,
            "tags": self.tags,
        });
        let mut request = Request::new(Method::POST, self.url.clone());
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(secret) = &self.token {
            let token = hidden.read(secret, "the token").await?;
            request.headers.insert(AUTHORIZATION, web::secret_header(&format!("Bearer {token}"))?);
        }
        request.body = Bytes::from(body.to_string());
        Ok(request)
    }
}

/// A text as long as the server takes it, in both of its measures.
fn clipped(text: &str) -> String {
    let in_json = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        '\0'..'\u{20}' => 6,
        _ => c.len_utf8(),
    };
    web::clipped(&web::clipped(text, TEXT_MAX, char::len_utf8), JSON_MAX, in_json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::fields::testing::doorbell;
    use crate::sinks::http::testing::{Reply, Server};
    use crate::sinks::sequential::{Receiver as _, Verdict};
    use crate::sinks::web::Web;

    #[tokio::test]
    async fn a_ring_is_a_notification() {
        let server = Server::with([
            Reply::With(200, "", "{\"id\":\"sPs71M8A2T\"}".into()),
            Reply::With(429, "", "{\"code\":42901,\"http\":429,\"error\":\"limit reached\"}".into()),
        ]);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "tk_hunter2\n").unwrap();
        let mut phone = Web::new(Settings {
            url: Url::parse(&server.url("")).unwrap(),
            topic: Topic::Plain("bell-7f3a".into()),
            token: Some(Secret::File(dir.path().join("token"))),
            title: Template::parse("{node}").unwrap(),
            text: Template::parse("{text} ü").unwrap(),
            priority: 5,
            tags: vec!["bell".into()],
            tls: Tls::default(),
        });
        let long = "x".repeat(5000);
        assert_eq!(phone.deliver(&[doorbell("Someone is at the door", 7)]).await, Ok(Verdict::Taken));
        assert!(phone.deliver(&[doorbell(&long, 8)]).await.unwrap_err().why.contains("limit reached"));
        let asked = server.asked();
        assert_eq!(
            (asked[0].line.as_str(), asked[0].header("authorization")),
            ("POST /", Some("Bearer tk_hunter2"))
        );
        let expected = json!({
            "topic": "bell-7f3a", "title": "front-door", "message": "Someone is at the door ü", "priority": 5,
            "tags": ["bell"],
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&asked[0].body).unwrap(), expected);
        let cut: serde_json::Value = serde_json::from_str(&asked[1].body).unwrap();
        assert_eq!(cut["message"].as_str().unwrap().len(), TEXT_MAX);
        assert!(serde_json::json!(clipped(&"\"\n".repeat(4096))).to_string().len() <= JSON_MAX + 2);
    }
}
