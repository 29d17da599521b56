//! Receivers on the web: what their tables alone cannot tell is wrong.

use std::ops::Range;

use super::quota;
use crate::config::file::{HeaderSource, MastodonSink, NtfySink, Target, WebhookSink, XSink};
use crate::config::read::Report;
use crate::config::source::Diagnostic;
use crate::sinks::http::Url;

/// Checks a webhook.
pub(super) fn check_webhook(hook: &WebhookSink, report: &mut Report<'_>) {
    quota::check_heartbeat(hook.quota, hook.heartbeat.as_ref(), report);
    let url = match &hook.url {
        Target::At(url) => url,
        Target::Missing if hook.url_file.is_none() && hook.url_env.is_none() => {
            let help = "add `url`, or `url-file` where the address is a secret itself";
            missing(&hook.span, "a webhook without an address", "url", help, report);
            return;
        }
        Target::Missing | Target::Wrong => return,
    };
    quota::check_address(hook.quota, url, report);
    let password = hook.password_file.is_some() || hook.password_env.is_some();
    let header = hook.headers.0.iter().any(|(_, source)| matches!(source, HeaderSource::Secret(_)));
    check_clear(&url.value.such, &url.span, password || header, report);
    check_ca(&url.value.such, &url.span, hook.ca.as_ref().map(|ca| &ca.span), report);
}

/// Checks a sink of notifications.
pub(super) fn check_ntfy(ntfy: &NtfySink, report: &mut Report<'_>) {
    quota::check_heartbeat(ntfy.quota, ntfy.heartbeat.as_ref(), report);
    if ntfy.topic.is_none() && ntfy.topic_file.is_none() && ntfy.topic_env.is_none() {
        missing(
            &ntfy.span,
            "a notification without a topic",
            "topic",
            "add `topic`, `topic-file` or `topic-env`",
            report,
        );
    }
    let token = ntfy.token_file.is_some() || ntfy.token_env.is_some();
    if !ntfy.url.is_broken() {
        check_clear(&ntfy.url.value.0, &ntfy.url.span, token, report);
        check_ca(&ntfy.url.value.0, &ntfy.url.span, ntfy.ca.as_ref().map(|ca| &ca.span), report);
    }
}

/// Checks an account on Mastodon.
pub(super) fn check_mastodon(mastodon: &MastodonSink, report: &mut Report<'_>) {
    quota::check_heartbeat(mastodon.quota, mastodon.heartbeat.as_ref(), report);
    if mastodon.token_file.is_none() && mastodon.token_env.is_none() {
        let help = "add `token-file` or `token-env`: an access token of the account, with write:statuses";
        missing(&mastodon.span, "an account without a token", "token-file", help, report);
    }
    if !mastodon.url.is_broken() {
        check_clear(&mastodon.url.value.0, &mastodon.url.span, true, report);
        check_ca(&mastodon.url.value.0, &mastodon.url.span, mastodon.ca.as_ref().map(|ca| &ca.span), report);
    }
}

/// Checks an account on X.
pub(super) fn check_x(x: &XSink, report: &mut Report<'_>) {
    quota::check_heartbeat(Some(x.quota), x.heartbeat.as_ref(), report);
    if !x.url.is_broken() {
        check_ca(&x.url.value.0, &x.url.span, x.ca.as_ref().map(|ca| &ca.span), report);
    }
}

fn missing(span: &Range<usize>, what: &str, key: &str, help: &str, report: &mut Report<'_>) {
    let wrong = Diagnostic::error(span.clone(), what).label(format!("needs `{key}`")).help(help);
    report.push(wrong.may_follow());
}

/// A secret that anyone on the way can read.
fn check_clear(url: &Url, span: &Range<usize>, has_secret: bool, report: &mut Report<'_>) {
    if has_secret && !url.tls() && !url.is_local() {
        report.push(
            Diagnostic::warning(span.clone(), "the secret goes over the network in the clear")
                .label("without TLS")
                .help("https:// encrypts"),
        );
    }
}

fn check_ca(url: &Url, span: &Range<usize>, ca: Option<&Range<usize>>, report: &mut Report<'_>) {
    if let Some(ca) = ca.filter(|_| !url.tls()) {
        report.push(
            Diagnostic::error(ca.clone(), "`ca` without TLS")
                .label("checks nothing")
                .other(span.clone(), "no TLS here")
                .help("write https:// in `url`, or leave `ca` out"),
        );
    }
}
