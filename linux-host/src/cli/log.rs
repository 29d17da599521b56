//! `campanile log`: what happened, from the journal, whether or not a daemon runs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use campanile_delivery::{Archive, Body, Directory, Index, Item, Next, Position};
use campanile_sim::trace::{Trace, seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{Failure, StateDir, times};
use crate::sinks::context::{Context, Contexts, Opening, time};
use crate::sinks::names::Names;

/// With `--follow`, the directory is looked at this often; it is read only when it has changed.
const LOOK: Duration = Duration::from_millis(200);

/// A file that was last written so long ago has no second write under that time.
const SETTLED: Duration = Duration::from_secs(1);

/// Arguments of `log`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile log --since 10min --follow\n\n\
    Each line is the time of day and a line of a trace, which can be pasted into a script of the simulator.")]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) state: StateDir,
    /// Keep running and print new records as they come in
    #[arg(long, short)]
    follow: bool,
    /// Print JSON lines: one object for each record, with all records
    #[arg(long)]
    pub(super) json: bool,
    /// Print raw edges and readings too
    #[arg(long, short)]
    verbose: bool,
    /// Begin at this time: "10min" ago, "07:30", "2026-11-21", "2026-11-21T07:30:00+01:00"
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    since: Option<Timestamp>,
}

impl Args {
    /// The same of another directory.
    pub(super) fn of(self, folder: PathBuf) -> Self {
        Self { state: StateDir { state: Some(folder) }, ..self }
    }

    /// All that comes, as it comes.
    pub(super) fn live(self) -> Self {
        Self { follow: true, verbose: true, ..self }
    }
}

/// Prints the journal.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let storage = args.state.look()?;
    let state = storage.path();
    let mut printer = Printer::new(args);
    let mut seen = None;
    loop {
        let changed = newest(state);
        // The file system's clock is coarse: what was written just now may be followed by more under the same time.
        let fresh = changed.is_some_and(|at| at.elapsed().is_ok_and(|age| age < SETTLED));
        if fresh || seen != Some(changed) {
            let is_first = seen.replace(changed).is_none();
            let archive = Archive::open(&storage).map_err(Failure::says)?;
            if archive.end.is_none() && is_first {
                let none = format!("there is no journal in {} yet", state.display());
                if !args.follow {
                    return Err(Failure::Says(none));
                }
                writeln!(io::stderr(), "{none}: waiting for its first record")?;
            }
            printer.print_new(&archive)?;
        }
        if !args.follow {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// When something in the directory was written last.
fn newest(state: &Path) -> Option<SystemTime> {
    let times =
        std::fs::read_dir(state).ok()?.filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok());
    times.max()
}

struct Printer {
    json: bool,
    since: Option<i64>,
    trace: Trace,
    contexts: Contexts,
    /// Of whoever reads.
    zone: TimeZone,
    place: Position,
    names: Option<Names>,
}

impl Printer {
    fn new(args: &Args) -> Self {
        let trace = Trace::new();
        Self {
            json: args.json,
            since: args.since.map(Timestamp::as_microsecond),
            trace: if args.verbose || args.json { trace.verbose() } else { trace },
            contexts: Contexts::default(),
            zone: TimeZone::system(),
            place: Position::START,
            names: None,
        }
    }

    fn print_new(&mut self, archive: &Archive<Directory>) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let node = archive.node.as_ref().map_or("", |node| node.as_str());
        let mut reader = archive.index.reader(self.place);
        loop {
            match reader.next()? {
                Next::End => break,
                // What is older than the journal is no surprise.
                Next::Lagged(gap) if gap.after != Position::START => {
                    let count = gap.dropped.map_or_else(String::new, |count| format!("{count} "));
                    writeln!(
                        io::stderr(),
                        "{count}records are missing between {} and {}",
                        gap.after,
                        gap.resume
                    )?;
                }
                Next::Lagged(_) => {}
                Next::Item(item) => {
                    self.place = item.at;
                    self.print(&archive.index, node, &item, &mut out)?;
                }
            }
        }
        out.flush()
    }

    fn print(
        &mut self,
        index: &Arc<Index<Directory>>,
        node: &str,
        item: &Item<'_>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let record = match &item.body {
            Body::Engine(frame) => frame.record(),
            Body::Host(_) | Body::Checkpoint(_) => None,
        };
        let Context { wall, program } =
            self.contexts.at(item, record.as_ref(), |boot| Opening::find(index, boot));
        let symbols = self.names.get_or_insert_with(|| Names::new(node)).of(index, program);
        let what = match &item.body {
            Body::Host(host) => host.as_ref().map(ToString::to_string),
            // Every record has to pass the trace: an end names only its run.
            _ => record.as_ref().and_then(|record| self.trace.what(item.time, record, symbols)),
        };
        let Some(what) = what else { return Ok(()) };
        let (unix, trusted) = time(wall, item.time);
        if self.since.is_some_and(|since| unix.is_none_or(|unix| unix < since)) {
            return Ok(());
        }
        if self.json {
            let line = json!({
                "time": times::rfc3339(unix),
                "trusted": trusted,
                "node": node,
                "boot": item.at.boot.to_string(),
                "seq": item.at.seq,
                "at": item.time.micros(),
                "text": what,
            });
            writeln!(out, "{line}")
        } else {
            writeln!(out, "{}  {}  {what}", times::show(unix, trusted, &self.zone), seconds(item.time))
        }
    }
}
