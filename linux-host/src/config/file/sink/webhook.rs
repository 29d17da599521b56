//! `kind = "webhook"`: any HTTP.

use std::path::PathBuf;

use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use toml::de::DeValue;

use super::web::{Filled, Quota};
use super::{Beat, Common, Filters};
use crate::config::read::{At, Definitions, Node, Read, Report, table, words, wrong_kind};
use crate::config::scalar::{S, VariableName, Within, Word, text};
use crate::config::source::Diagnostic;
use crate::sinks::http::Url;
use crate::sinks::template::Template;
use campanile_core::time::Duration;

table! {
    /// Any HTTP: a request for each message.
    pub struct WebhookSink("a sink of kind webhook") {
        /// Where to; `{name}` and the like stand for what the message says.
        "url" url (empty): Target,
        /// A file whose first line is the URL, where that is a secret itself.
        "url-file" url_file (optional): At<PathBuf>,
        /// An environment variable that holds the URL.
        "url-env" url_env (optional): At<VariableName>,
        /// How it is sent.
        "method" method (= "POST"): Method,
        /// Further headers: text, or where a secret is: { file = "..", before = "Bearer " }.
        "headers" headers (empty): Headers,
        /// As whom, with a password.
        "username" username (optional): At<Word>,
        /// A file whose first line is the password.
        "password-file" password_file (optional): At<PathBuf>,
        /// An environment variable that holds the password.
        "password-env" password_env (optional): At<VariableName>,
        /// What is sent; the message's JSON without it.
        "body" body (optional): At<Filled>,
        /// What the body is.
        "content-type" content_type (= "application/json"): At<HeaderText>,
        /// A file whose first line is the key that the body is signed with (HMAC-SHA256).
        "secret-file" secret_file (optional): At<PathBuf>,
        /// An environment variable that holds that key.
        "secret-env" secret_env (optional): At<VariableName>,
        /// Where the signature goes.
        "signature-header" signature_header (= "X-Campanile-Signature"): At<Header>,
        /// Certificates in PEM that the server's may be signed by; the system's without it.
        "ca" ca (optional): At<PathBuf>,
        /// For an answer.
        "timeout" timeout (= "30s"): Within<{ S / 10 }, { 300 * S }>,
        /// At most so many requests in so long; what comes beyond it is gathered into one.
        "quota" quota (optional): Quota,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): At<Beat>,
        /// What it is told, such as "input:*" or "message:doorbell"; everything without it.
        "only" only (empty): Filters,
    }
    rules [
        Rule::excludes("url-file", "url", "a second address", "keep one of `url`, `url-file` and `url-env`"),
        Rule::excludes("url-env", "url", "a second address", "keep one of `url`, `url-file` and `url-env`"),
        Rule::excludes("url-env", "url-file", "a second address", "keep one of `url`, `url-file` and `url-env`"),
        Rule::excludes("password-env", "password-file", "a second password", "keep one of `password-file` and `password-env`"),
        Rule::excludes("secret-env", "secret-file", "a second key", "keep one of `secret-file` and `secret-env`"),
        Rule::needs("username", &["password-file", "password-env"], "needs a password", "add `password-file` or `password-env`"),
        Rule::needs("password-file", &["username"], "of whom?", "add `username`"),
        Rule::needs("password-env", &["username"], "of whom?", "add `username`"),
    ]
}

impl Common for WebhookSink {
    fn only(&self) -> &Filters {
        &self.only
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat.as_ref().map(|every| every.value.0)
    }
}

words!(Method, "a method of HTTP", {
    "GET" => Self::GET, "POST" => Self::POST, "PUT" => Self::PUT, "PATCH" => Self::PATCH, "DELETE" => Self::DELETE,
});

/// An address with places in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What is filled.
    pub template: Template,
    /// One of the addresses it becomes.
    pub such: Url,
}

text!(Link, "a URL such as \"https://hooks.example/bell\"", { "type": "string", "pattern": "^https?://[^@]+$" }, |text| {
    let help = "such as \"https://hooks.example/bell\" or \"http://192.168.1.5:8080/ring?name={name}\"";
    let place = text.split_once("://").map_or(text, |(_, rest)| rest.split(['/', '?']).next().unwrap_or(rest));
    if place.contains('@') {
        let what = "a user or a password in a URL would show in logs and lists of processes";
        return Err(Wrong::new(what, "write `username`, and `password-file` or `password-env`").secret());
    }
    if place.contains('{') {
        return Err(Wrong::new("the host is the same for every message", help));
    }
    let template = Template::parse(text).map_err(|what| Wrong::new(what, places()))?;
    let such = template.fill(&crate::sinks::fields::Fields::of(&[]), crate::sinks::template::Escape::Percent);
    let such = Url::parse(&such).map_err(|what| Wrong::new(what, help))?;
    Ok(Self { template, such })
});

/// `url`, which may be missing where a secret has it.
#[derive(Clone, Debug, Default)]
pub enum Target {
    /// It is not there.
    #[default]
    Missing,
    /// It is wrong, and that has been said.
    Wrong,
    /// It is there.
    At(At<Link>),
}

impl Read for Target {
    const WHAT: &'static str = Link::WHAT;

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        At::read(node, report).map(Self::At)
    }

    fn schema(definitions: &mut Definitions) -> Value {
        Link::schema(definitions)
    }

    fn hint(node: Node<'_>, report: &Report<'_>) -> Option<String> {
        Link::hint(node, report)
    }

    fn broken() -> Option<Self> {
        Some(Self::Wrong)
    }
}

fn places() -> String {
    super::web::places()
}

/// A header's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Header(pub HeaderName);

text!(Header, "the name of a header", { "type": "string", "pattern": "^[A-Za-z0-9_-]+$" }, |text| {
    text.parse().map(Self).map_err(|_| Wrong::new(format!("\"{text}\" is not a valid header name"), "letters, digits and -, such as \"X-Signature\""))
}, broken: Self(HeaderName::from_static("x")));

/// A header's value.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderText(pub String);

text!(HeaderText, "the value of a header", { "type": "string", "pattern": "[^ ]" }, |text| {
    if text.trim().is_empty() || HeaderValue::from_str(text).is_err() {
        return Err(Wrong::new("this is not a valid header value", "one line of plain letters, such as \"application/json\""));
    }
    Ok(Self(text.to_owned()))
}, broken: Self(String::new()));

/// What stands behind a header: text, or where a secret is.
#[derive(Clone, Debug)]
pub enum HeaderSource {
    /// As it is, with its places filled.
    Text(Filled),
    /// A secret.
    Secret(HeaderSecret),
}

table! {
    /// A secret for a header.
    pub struct HeaderSecret("a secret for a header") {
        /// A file whose first line is the secret.
        "file" file (optional): At<PathBuf>,
        /// An environment variable that holds it.
        "env" env (optional): At<VariableName>,
        /// What stands before it, such as "Bearer ".
        "before" before (= ""): String,
    }
    rules [Rule::excludes("env", "file", "a second secret", "keep one of `file` and `env`")]
}

/// Headers by name.
#[derive(Clone, Debug, Default)]
pub struct Headers(pub Vec<(HeaderName, HeaderSource)>);

/// Headers whose value is a secret, or set by someone else.
const SECRETS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
const OURS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

impl Read for Headers {
    const WHAT: &'static str = "a table of headers such as { X-Room = \"hall\" }";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let DeValue::Table(table) = node.value() else {
            wrong_kind::<Self>(node, report);
            return None;
        };
        let mut headers = Vec::new();
        for (key, value) in table {
            let (name, span) = (key.get_ref().to_ascii_lowercase(), key.span());
            let Ok(header) = name.parse::<HeaderName>() else {
                report.push(
                    Diagnostic::error(span, format!("\"{name}\" is not a valid header name"))
                        .label("here")
                        .help("letters, digits and -, such as \"X-Room\""),
                );
                continue;
            };
            if OURS.contains(&name.as_str()) {
                report.push(
                    Diagnostic::error(span, format!("`{name}` is set for every request"))
                        .label("leave it out"),
                );
                continue;
            }
            let value = Node::from(value);
            let source = match value.value() {
                DeValue::Table(_) => HeaderSecret::read(value, report).and_then(|secret| {
                    if secret.file.is_none() && secret.env.is_none() {
                        report.push(
                            Diagnostic::error(value.span(), "this secret has no source")
                                .label("here")
                                .help("add `file` or `env`"),
                        );
                        return None;
                    }
                    Some(HeaderSource::Secret(secret))
                }),
                _ if SECRETS.contains(&name.as_str()) => {
                    report.push(
                        Diagnostic::error(value.span(), "secrets do not belong in this file")
                            .label("here")
                            .help("write { file = \"..\", before = \"Bearer \" }, or `env` for `file`")
                            .hide(value.span()),
                    );
                    None
                }
                _ => Filled::read(value, report).map(HeaderSource::Text),
            };
            headers.extend(source.map(|source| (header, source)));
        }
        Some(Self(headers))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let (text, secret) = (Filled::schema(definitions), HeaderSecret::schema(definitions));
        json!({ "type": "object", "additionalProperties": { "anyOf": [text, secret] } })
    }

    fn broken() -> Option<Self> {
        Some(Self::default())
    }
}
