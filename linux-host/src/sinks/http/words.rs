//! Why there was no answer, in plain words.

use std::io;

use crate::sinks::{Failure, tls};

/// A connection to `origin` failed.
pub(super) fn of_connecting(error: &io::Error, origin: &str) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::retry(format!("nobody listens at {origin}")),
        io::ErrorKind::TimedOut => Failure::retry(format!("{origin} does not answer")),
        _ => Failure::retry(format!("cannot connect to {origin}: {error}")),
    }
}

/// TLS with `origin` failed.
pub(super) fn of_tls(error: &io::Error, origin: &str) -> Failure {
    match tls::words::find(error) {
        Some(error) => tls::words::of(error),
        None => Failure::retry(format!("TLS with {origin}: {error}: is it a port for https?")),
    }
}

/// The server at `origin` spoke, or fell silent, in a way that is no answer.
pub(super) fn of_exchange(error: &hyper::Error, origin: &str) -> Failure {
    if error.is_parse() {
        return Failure::refused(format!("{origin} does not speak HTTP: is the port right?")).unsure();
    }
    if error.is_canceled() || error.is_closed() {
        // One that says something before it was asked is broken off with too.
        return Failure::retry(format!("{origin} broke off before it was asked: is the port right?"));
    }
    let why = if error.is_incomplete_message() {
        format!("{origin} hung up without an answer")
    } else {
        format!("{origin}: {error}")
    };
    Failure::retry(why).unsure()
}
