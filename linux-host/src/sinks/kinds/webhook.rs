//! `kind = "webhook"`.

use std::time::Duration;

use super::Plan;
use super::posts::{sequential, trusting};
use crate::config::file::{self, HeaderSource, Target, WebhookSink, secret};
use crate::sinks::only::Only;
use crate::sinks::quota::Rate;
use crate::sinks::render::Form;
use crate::sinks::sequential::Sequential;
use crate::sinks::template::Template;
use crate::sinks::web::Web;
use crate::sinks::webhook::{Address, Settings, Value};

/// Any HTTP.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sinks) struct Hook {
    settings: Settings,
    quota: Option<Rate>,
    only: Only,
}

impl Plan for Hook {
    type Table = WebhookSink;
    type Sink = Sequential<Web<Settings>>;

    fn new(_: &str, _: &str, table: &WebhookSink) -> Self {
        let hidden = secret(&table.url_file, &table.url_env).map(Address::Hidden);
        let plain = || match &table.url {
            Target::At(url) => url.value.template.clone(),
            Target::Missing | Target::Wrong => Template::default(),
        };
        let headers = table.headers.0.iter().filter_map(|(name, source)| {
            let value = match source {
                HeaderSource::Text(text) => Value::Plain(text.0.clone()),
                HeaderSource::Secret(source) => {
                    Value::Hidden(source.before.clone(), secret(&source.file, &source.env)?)
                }
            };
            Some((name.clone(), value))
        });
        let password = secret(&table.password_file, &table.password_env);
        let user = table.username.as_ref().map(|user| user.value.0.clone());
        let settings = Settings {
            address: hidden.unwrap_or_else(|| Address::Plain(plain())),
            method: table.method.clone(),
            headers: headers.collect(),
            body: table.body.as_ref().map(|body| body.value.0.clone()),
            content_type: table.content_type.value.0.clone(),
            signature: secret(&table.secret_file, &table.secret_env)
                .map(|secret| (secret, table.signature_header.value.0.clone())),
            user: user.zip(password),
            tls: trusting(&table.ca),
            timeout: Duration::from_micros(table.timeout.0.micros()),
        };
        Self { settings, quota: table.quota.map(|quota| quota.0), only: file::only(&table.only) }
    }

    fn make(&self, node: &str) -> (Self::Sink, Form) {
        sequential(Web::new(self.settings.clone()), self.quota, &self.only, node)
    }
}
