//! What a swarm says: what was found and how to see it again, what was lived, and how to go on.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use campanile_core::time::Duration;
use campanile_sim::span::span;
use campanile_sim::swarm::shrink::Shrunk;
use serde_json::json;

use super::super::progress::took;
use super::Args;
use super::run::Found;
use super::tally::{Tally, a_second};
use crate::config::scalar::duration_text;

/// Says what was found, and how to see it again, before it is shortened: that takes its time.
pub(super) fn finding(found: &Found, args: &Args, out: &mut impl Write) -> io::Result<()> {
    if args.json {
        return Ok(());
    }
    writeln!(out, "seed {} fails:\n{}\nagain: {}", found.seed, found.finding, again(found, args))?;
    out.flush()
}

/// Says the shortest plan that still shows it.
pub(super) fn shortened(found: &Found, shrunk: &Shrunk, args: &Args, out: &mut impl Write) -> io::Result<()> {
    if !args.json {
        let how = if shrunk.is_shortest { "shortened to" } else { "the shortest so far" };
        writeln!(out, "\n{how}:\n{}\n{}", shrunk.plan.to_text(), shrunk.finding)?;
        return if shrunk.is_shortest { Ok(()) } else { writeln!(out, "shorter: {}", shorter(found, args)) };
    }
    let finding = &found.finding;
    let object = json!({
        "result": "failed", "seed": found.seed, "at-us": finding.at, "node": finding.node,
        "what": finding.what, "again": again(found, args), "plan": shrunk.plan, "shortened": shrunk.finding.what,
        "shortest": shrunk.is_shortest,
    });
    writeln!(out, "{object}")
}

/// Says what was lived, and how to go on where there is more.
pub(super) fn summary(tally: &Tally, failed: bool, args: &Args, out: &mut impl Write) -> io::Result<()> {
    let more = (tally.next < args.seeds.0.end).then(|| go_on(tally, args));
    if args.json {
        let object = json!({
            "result": if failed { "failed" } else { "done" }, "seeds": tally.seeds, "next": tally.next,
            "virtual-us": tally.lived.to_string(), "records": tally.records,
            "seconds": tally.took.as_secs_f64(), "interrupted": !failed && more.is_some(), "go-on": more,
        });
        return writeln!(out, "{object}");
    }
    writeln!(
        out,
        "{} {}{}, {} of virtual time, {} records in {}: {} seeds/s",
        tally.seeds,
        if tally.seeds == 1 { "seed" } else { "seeds" },
        if failed { "" } else { " without a finding" },
        span(tally.lived),
        tally.records,
        took(tally.took),
        a_second(tally.rate(tally.took)),
    )?;
    more.map_or(Ok(()), |more| writeln!(out, "to go on: {more}"))
}

/// The command that lives a seed again.
fn again(found: &Found, args: &Args) -> String {
    command("swarm", args) + &format!(" --seeds {}", found.seed)
}

/// The command that shortens it to the end.
fn shorter(found: &Found, args: &Args) -> String {
    command("shrink", args) + &format!(" --seed {}", found.seed)
}

/// The command that goes on where this one ended, at the same pace.
fn go_on(tally: &Tally, args: &Args) -> String {
    let end = args.seeds.0.end;
    let end = if end == u64::MAX { String::new() } else { end.to_string() };
    let mut command = command("swarm", args) + &format!(" --seeds {}..{end}", tally.next);
    if let Some(jobs) = args.jobs {
        command += &format!(" --jobs {jobs}");
    }
    if let Some(limit) = args.limit {
        let limit = Duration::from_micros(u64::try_from(limit.as_micros()).unwrap_or(u64::MAX));
        command += &format!(" --for {}", duration_text(limit));
    }
    if args.json {
        command += " --json";
    }
    command
}

/// A command about the same houses.
fn command(what: &str, args: &Args) -> String {
    let files: Vec<_> = args.files.iter().map(|file| quoted(file)).collect();
    format!("campanile {what} {}", files.join(" "))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+:=@%,".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''")).into()
    }
}
