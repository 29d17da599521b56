//! `campanile sink list` and `campanile sink retry`: what was set aside, and once more with it.

use std::io::{self, Write};

use campanile_core::record::Record;
use campanile_delivery::{Archive, Body, Directory, Item, SinkName};
use campanile_sim::trace::Trace;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::cli::{Failure, StateDir, times};
use crate::control::client::ask;
use crate::control::protocol::Operation;
use crate::daemon::state_dir;
use crate::nearest::near;
use crate::sinks::aside::{Aside, Letter, Step};
use crate::sinks::context::{Context, Contexts, Opening, time};
use crate::sinks::names::Names;
use crate::words::count;

/// Records looked at in one step; here nobody else waits.
const STEP: usize = 1 << 16;

/// Arguments of `sink list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile sink list home\n\n\
    A message that the receiver rejects for good does not hold up the others. It stays in the journal, with the reason, \
    until retention deletes it. `campanile sink retry` sends it again. Works without a daemon.")]
pub(super) struct List {
    /// Only this sink
    name: Option<SinkName>,
    #[command(flatten)]
    state: StateDir,
    /// Print JSON lines: one object for each message
    #[arg(long)]
    json: bool,
}

/// Arguments of `sink retry`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile sink retry home\n\n\
    The daemon sends all rejected messages of the sink again, oldest first, one at a time between the new ones, with \
    `\"late\":true` in them. A message that is rejected again can be retried again.")]
pub(super) struct Retry {
    /// The sink
    name: String,
    #[command(flatten)]
    state: StateDir,
}

/// Has the daemon send it again.
pub(super) fn retry(args: Retry) -> Result<(), Failure> {
    let state = state_dir::resolve(args.state.state).map_err(Failure::says)?;
    let answer = ask(&state, Operation::SinkRetry { sink: args.name }).map_err(Failure::says)?;
    match answer.error {
        Some(why) => Err(Failure::says(why)),
        None => Ok(writeln!(io::stdout(), "{}", answer.text.unwrap_or_default())?),
    }
}

/// Prints it.
pub(super) fn list(args: List) -> Result<(), Failure> {
    let storage = args.state.look()?;
    let archive = Archive::open(&storage).map_err(Failure::says)?;
    if archive.end.is_none() {
        return Err(Failure::says(format!("there is no journal in {} yet", storage.path().display())));
    }
    let known = campanile_delivery::sinks(&storage)?;
    let sinks = args.name.map_or_else(|| known.clone(), |name| vec![name]);
    let mut teller = Teller::new(&archive);
    let mut out = io::BufWriter::new(io::stdout().lock());
    for sink in sinks {
        let mut aside = Aside::new(&storage, &archive.index, sink.clone()).map_err(Failure::says)?;
        let mut letters = 0_u64;
        loop {
            match aside.step(STEP)? {
                Step::Again => {}
                Step::End => break,
                Step::Letter(letter) => {
                    letters += 1;
                    let what = teller.what(&archive, &mut aside, &letter)?;
                    teller.tell(args.json, &sink, &letter, what, &mut out)?;
                }
            }
        }
        if letters == 0 && !known.contains(&sink) {
            return Err(Failure::Says(unknown(&sink, &known)));
        }
        if !args.json {
            writeln!(out, "{sink}: {} set aside", count(letters, "message"))?;
        }
    }
    Ok(out.flush()?)
}

fn unknown(name: &SinkName, known: &[SinkName]) -> String {
    let known = known.iter().map(SinkName::as_str);
    let all = known.clone().collect::<Vec<_>>().join(", ");
    match near(name.as_str(), known).as_slice() {
        [] if all.is_empty() => format!("no sink \"{name}\" was ever at work here, nor any other"),
        [] => format!("no sink \"{name}\" was ever at work here; there are {all}"),
        near => format!("no sink \"{name}\" was ever at work here; did you mean {}?", near.join(" or ")),
    }
}

/// Says what letters are about.
struct Teller {
    names: Names,
    zone: TimeZone,
}

impl Teller {
    fn new(archive: &Archive<Directory>) -> Self {
        let node = archive.node.as_ref().map_or("", |node| node.as_str());
        Self { names: Names::new(node), zone: TimeZone::system() }
    }

    /// The record that a letter names, as a trace has it; nothing if the journal has it no more.
    fn what(
        &mut self,
        archive: &Archive<Directory>,
        aside: &mut Aside<Directory>,
        letter: &Letter,
    ) -> io::Result<Option<String>> {
        let Some(item) = aside.record(letter.record)? else { return Ok(None) };
        Ok(Some(match &item.body {
            Body::Engine(frame) => {
                let record = frame.record();
                let what = record.as_ref().and_then(|record| self.engine(archive, &item, record));
                what.unwrap_or_else(|| "a record of a kind unknown here".to_owned())
            }
            Body::Host(Some(record)) => record.to_string(),
            Body::Host(None) => "a word of a kind unknown here".to_owned(),
            Body::Checkpoint(_) => "a state as it was then".to_owned(),
        }))
    }

    fn engine(&mut self, archive: &Archive<Directory>, item: &Item<'_>, record: &Record) -> Option<String> {
        let look_up = |boot| Opening::find(&archive.index, boot);
        let Context { program, .. } = Contexts::default().at(item, Some(record), look_up);
        let symbols = self.names.of(&archive.index, program);
        Trace::new().verbose().what(item.time, record, symbols)
    }

    fn tell(
        &self,
        as_json: bool,
        sink: &SinkName,
        letter: &Letter,
        what: Option<String>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Letter { record, why, wall, .. } = letter;
        let (unix, trusted) = time(*wall, letter.time);
        if as_json {
            let line = json!({
                "sink": sink.as_str(), "time": times::rfc3339(unix), "trusted": trusted,
                "boot": record.boot.to_string(), "seq": record.seq, "what": what, "why": why,
            });
            return writeln!(out, "{line}");
        }
        let what = what.as_deref().unwrap_or("gone from the journal");
        writeln!(out, "  {}  {record}  {what}: {why}", times::show(unix, trusted, &self.zone))
    }
}
