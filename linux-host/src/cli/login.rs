//! `campanile login x`: lets this program post on an account.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Subcommand;

use super::Failure;
use crate::sinks::http::{Client, Url};
use crate::sinks::oauth::Pair;
use crate::sinks::tls::Tls;
use crate::sinks::web::PATIENCE;
use crate::sinks::x::login;

/// Arguments of `login`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile login x --out /etc/campanile/x.login")]
pub(super) struct Args {
    #[command(subcommand)]
    service: Service,
}

#[derive(Debug, Subcommand)]
enum Service {
    /// Authorise posting to an account on X, with a PIN that X shows
    X(X),
}

/// Arguments of `login x`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile login x --out /etc/campanile/x.login\n\n\
    The consumer key and its secret come from X's developer portal (of an app with read and write permission). They are \
    asked for on a terminal, or read as two lines from standard input, so that they do not show in a list of processes.")]
struct X {
    /// Write the login to this file, which only this user can read (in /etc/campanile the service can too);
    /// `login-file` of the sink names it
    #[arg(long, value_name = "FILE", default_value = "x.login")]
    out: PathBuf,
    /// Another server than X itself, for tests
    #[arg(long, value_name = "URL", default_value = "https://api.x.com", value_parser = Url::parse, hide = true)]
    url: Url,
}

/// Asks, and writes what it was given.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let Service::X(args) = &args.service;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(x(args))
}

async fn x(args: &X) -> Result<(), Failure> {
    let says = |failure: crate::sinks::Failure| Failure::says(failure.why);
    let consumer = Pair { key: ask("consumer key (API key): ")?, secret: ask("consumer secret: ")? };
    let mut client = Client::new(Tls::default(), PATIENCE);
    let keys = login::begin(&mut client, &args.url, consumer).await.map_err(|failure| {
        Failure::says(format!(
            "X rejects this program: {}; check its keys and the clock of this machine",
            failure.why
        ))
    })?;
    say(&format!(
        "Open this page, authorise the program, and copy the PIN:\n  {}\n",
        login::page(&args.url, &keys)
    ))?;
    let pin = ask("PIN: ")?;
    let (keys, user) = login::finish(&mut client, &args.url, keys, &pin).await.map_err(says)?;
    login::write(&args.out, &keys, &user)
        .map_err(|error| Failure::says(format!("cannot write {}: {error}", args.out.display())))?;
    say(&format!(
        "{} is written: this program posts as {user}. In the file:\n\n[sinks.bird]\nkind = \"x\"\nlogin-file = {:?}\n",
        args.out.display(),
        std::path::absolute(&args.out)?,
    ))
}

/// A line of the standard input; a person is told what it is for.
fn ask(what: &str) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        say(what)?;
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    match line.trim() {
        "" => Err(Failure::says(format!("no {} was given", what.trim_end_matches(": ")))),
        line => Ok(line.to_owned()),
    }
}

fn say(words: &str) -> Result<(), Failure> {
    let mut err = io::stderr();
    write!(err, "{words}")?;
    Ok(err.flush()?)
}
