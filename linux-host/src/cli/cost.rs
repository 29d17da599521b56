//! `campanile cost FILE`: what a month comes to, in messages, in money where a receiver takes it, and in writes to the card.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use campanile_core::time::{Duration, Instant};
use campanile_delivery::{Archive, Directory, Item, Next, Position};
use serde_json::json;

use super::check::say;
use super::{Failure, StateDir};
use crate::config::file::{Sink, Sync};
use crate::config::{Compiled, compile, load};
use crate::daemon::state_dir;
use crate::sinks::aws_iot::price::{AS_OF, REGION, SOURCE, Use, scaled};
use crate::sinks::context::{Contexts, Opening, time};
use crate::sinks::message::Kind;
use crate::sinks::tally::{Count, Tally};
use crate::words::count;

/// A month, in days.
const MONTH: u64 = 30;
const MINUTES_A_DAY: u64 = 24 * 60;
const DAY_US: u64 = MINUTES_A_DAY * 60 * 1_000_000;
/// What a commit of the journal writes to a card, in bytes: the data, and what the file system and the card add to it.
const COMMIT: (u64, u64) = (6_000, 8_000);

/// Arguments of `cost`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: campanile cost house.toml                     (with the journal of this machine's daemon)
Example: campanile cost house.toml --journal pi --days 7

The estimate assumes that a month will be like the journal, and counts what every sink of the file would have sent of it; \
so it also works for a file that has not run yet. A journal of less than a day counts as a day. Without a journal, only \
connections and periodic messages are counted.")]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// State directory or a copy of one [default: this machine's]
    #[arg(long, value_name = "DIR", conflicts_with = "state")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    state: StateDir,
    /// Use the last N days of the journal
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// Print JSON lines: one object for each sink, one for the journal, one for the prices
    #[arg(long)]
    json: bool,
}

/// What a month comes to.
struct Month {
    /// Without a journal none.
    seen: Option<Seen>,
    sinks: Vec<(String, &'static str, Count)>,
}

struct Seen {
    /// Microseconds.
    span: u64,
    /// Starts of the daemon in it.
    starts: u64,
    /// Commits of the journal in it.
    commits: u64,
}

/// Counts and prints.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let source = load(&args.file).map_err(Failure::says)?;
    let compiled = match compile(&source) {
        Ok(compiled) => compiled,
        Err(found) => return Err(Failure::told(say(&source, &found))),
    };
    let archive = open(args)?;
    let month = estimate(&compiled, archive.as_ref(), u64::from(args.days))?;
    if args.json { say_json(&month) } else { say_table(&month) }?;
    Ok(())
}

/// The journal, if there is one; one that was asked for has to be there.
fn open(args: &Args) -> Result<Option<Archive<Directory>>, Failure> {
    let asked = args.journal.is_some() || args.state.state.is_some();
    let state = match &args.journal {
        Some(journal) => journal.clone(),
        None => state_dir::resolve(args.state.state.clone()).map_err(Failure::says)?,
    };
    let archive = Directory::open_read_only(&state)
        .map_err(|error| error.to_string())
        .and_then(|storage| Archive::open(&Arc::new(storage)).map_err(|error| error.to_string()));
    match archive {
        Ok(archive) if archive.end.is_some() => Ok(Some(archive)),
        Ok(_) if asked => Err(Failure::says(format!("there is no journal in {}", state.display()))),
        Err(error) if asked => Err(Failure::says(error)),
        // The file may be for another machine.
        Ok(_) | Err(_) => Ok(None),
    }
}

fn estimate(compiled: &Compiled, archive: Option<&Archive<Directory>>, days: u64) -> io::Result<Month> {
    let settings = &compiled.settings;
    let none = Count::default();
    let (seen, counts) = match archive {
        Some(archive) => {
            let (seen, counts) = look(compiled, archive, days)?;
            (Some(seen), counts)
        }
        None => (None, vec![none; settings.sinks.len()]),
    };
    let span = seen.as_ref().map_or(DAY_US, |seen| seen.span.max(DAY_US));
    let starts = seen.as_ref().map(|seen| seen.starts);
    let sinks = settings.sinks.iter().zip(counts).map(|((name, sink), seen)| {
        let scale = |count| scaled(count, MONTH * DAY_US, span);
        let mut month = Count {
            messages: scale(seen.messages),
            bytes: scale(seen.bytes),
            used: seen.used.scaled(MONTH * DAY_US, span),
        };
        again(compiled, sink, &mut month);
        if let Sink::AwsIot(aws) = sink {
            let connections = starts.map_or(1, scale);
            month.used += Use::connection(aws.shadow).scaled(connections, 1);
            month.used.minutes = MONTH * MINUTES_A_DAY;
        }
        (name.clone(), sink.kind(), month)
    });
    Ok(Month { sinks: sinks.collect(), seen })
}

/// What is told again after a time, which no journal has.
fn again(compiled: &Compiled, sink: &Sink, month: &mut Count) {
    let mut add = |every: Duration, one: Count| {
        let times = MONTH * DAY_US / every.micros().max(1);
        month.messages = month.messages.saturating_add(times);
        month.bytes = month.bytes.saturating_add(times.saturating_mul(one.bytes));
        month.used += one.used.scaled(times, 1);
    };
    let only = crate::config::file::only(sink.common().only());
    for input in compiled.symbols.inputs.iter().filter(|input| only.takes(Kind::Input, &input.name)) {
        if let Some(every) = input.report.every() {
            add(every, Tally::<Directory>::again(sink, true));
        }
    }
    if let Some(every) = sink.common().heartbeat() {
        add(every, Tally::<Directory>::again(sink, false));
    }
}

/// Counts what the sinks of a file would have sent of the end of a journal.
fn look(compiled: &Compiled, archive: &Archive<Directory>, days: u64) -> io::Result<(Seen, Vec<Count>)> {
    let (settings, index) = (&compiled.settings, &archive.index);
    let mut last = None;
    let mut clock = Contexts::default();
    read(archive, |item| last = unix(&mut clock, archive, item).or(last))?;
    let since = last.map(|last| last.saturating_sub_unsigned(days * DAY_US));

    let mut tallies: Vec<_> = settings
        .sinks
        .iter()
        .map(|(name, sink)| Tally::new(index, &settings.node, name, sink, &compiled.symbols))
        .collect();
    let window = match settings.journal.sync.value {
        Sync::Always => 0,
        Sync::Every(window) => window.micros(),
    };
    let mut clock = Contexts::default();
    let (mut first, mut boot, mut committed) = (None, None, Instant::ZERO);
    let mut seen = Seen { span: 0, starts: 0, commits: 0 };
    read(archive, |item| {
        let now = unix(&mut clock, archive, item);
        let counts = since.is_none_or(|since| now.is_some_and(|now| now >= since));
        for tally in &mut tallies {
            tally.see(item, counts);
        }
        if !counts {
            return;
        }
        first = first.or(now);
        if boot != Some(item.at.boot) {
            (boot, seen.starts, committed) = (Some(item.at.boot), seen.starts + 1, Instant::ZERO);
        }
        if committed == Instant::ZERO || item.time.since(committed).micros() > window {
            (seen.commits, committed) = (seen.commits + 1, item.time);
        }
    })?;
    if let (Some(first), Some(last)) = (first, last) {
        seen.span = u64::try_from(last.saturating_sub(first)).unwrap_or(0);
    }
    Ok((seen, tallies.into_iter().map(Tally::end).collect()))
}

/// Every item of a journal; what is missing in it cannot be counted.
fn read(archive: &Archive<Directory>, mut each: impl FnMut(&Item<'_>)) -> io::Result<()> {
    let mut reader = archive.index.reader(Position::START);
    loop {
        match reader.next()? {
            Next::End => return Ok(()),
            Next::Lagged(_) => {}
            Next::Item(item) => each(&item),
        }
    }
}

/// The time of an item, if it is known.
fn unix(clock: &mut Contexts, archive: &Archive<Directory>, item: &Item<'_>) -> Option<i64> {
    let record = match &item.body {
        campanile_delivery::Body::Engine(frame) => frame.record(),
        _ => None,
    };
    let context = clock.at(item, record.as_ref(), |boot| Opening::find(&archive.index, boot));
    time(context.wall, item.time).0
}

fn say_json(month: &Month) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (name, kind, Count { messages, bytes, used }) in &month.sinks {
        let mut line = json!({ "sink": name, "kind": kind, "messages": messages, "bytes": bytes });
        if *used != Use::default() {
            line["metered"] = json!({
                "minutes": used.minutes, "messages": used.messages, "shadow": used.shadow, "rules": used.rules
            });
            line["nanodollars"] = used.price().0.into();
        }
        writeln!(out, "{line}")?;
    }
    if let Some(seen) = &month.seen {
        let commits = commits(seen);
        let line = json!({
            "journal": { "seconds": seen.span / 1_000_000, "starts": seen.starts, "commits": commits,
                         "card-bytes": [commits * COMMIT.0, commits * COMMIT.1] }
        });
        writeln!(out, "{line}")?;
    }
    let line =
        json!({ "prices": { "of": "AWS IoT Core", "region": REGION, "as-of": AS_OF, "source": SOURCE } });
    writeln!(out, "{line}")
}

fn say_table(month: &Month) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let from = match &month.seen {
        Some(seen) if seen.span >= DAY_US => format!("{} of journal", count(seen.span / DAY_US, "day")),
        Some(_) => "less than a day of journal, taken as a day".to_owned(),
        None => "the file alone: there is no journal to count events in".to_owned(),
    };
    writeln!(out, "in {MONTH} days, from {from}")?;
    let width = month.sinks.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).max("journal".len());
    for (name, kind, Count { messages, bytes, used }) in &month.sinks {
        writeln!(out, "  {name:width$}  {kind}: {}, {}", count(*messages, "message"), size(*bytes))?;
        if *used != Use::default() {
            writeln!(
                out,
                "  {:width$}  about {}: {} connected, {}, {} of the shadow, {}",
                "",
                used.price(),
                count(used.minutes, "minute"),
                count(used.messages, "metered message"),
                count(used.shadow, "operation"),
                count(used.rules, "rule"),
            )?;
        }
    }
    if let Some(seen) = &month.seen {
        let commits = commits(seen);
        let (least, most) = (size(commits * COMMIT.0), size(commits * COMMIT.1));
        writeln!(
            out,
            "  {:width$}  {}, {least} to {most} written to the card",
            "journal",
            count(commits, "commit")
        )?;
    }
    if month.sinks.iter().any(|(_, _, count)| count.used != Use::default()) {
        writeln!(
            out,
            "prices of AWS IoT Core in {REGION}, {AS_OF}, without taxes and the free tier: {SOURCE}"
        )?;
    }
    Ok(())
}

/// In a month.
fn commits(seen: &Seen) -> u64 {
    scaled(seen.commits, MONTH * DAY_US, seen.span.max(DAY_US))
}

fn size(bytes: u64) -> String {
    match bytes {
        n if n < 1_000 => format!("{n} B"),
        n if n < 1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        n => format!("{:.1} MB", n as f64 / 1e6),
    }
}
