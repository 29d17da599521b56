//! What a replay found, for people and for programs.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use campanile_delivery::{Archive, Directory};
use campanile_sim::replay::{Outcome, Piece, Place, Report, Why, Words};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::{Failure, progress::took, times};
use super::damage::Damage;

/// More pieces that are the same are counted and not listed.
const LISTED: usize = 12;

/// From so many records on it is said how fast they went.
const MEASURED: u64 = 100_000;

/// Says it, and whether all is well.
pub(super) fn say(
    path: &Path,
    archive: &Archive<Directory>,
    report: &Report,
    spent: Duration,
    as_json: bool,
) -> Result<(), Failure> {
    let damage = Damage::of(archive, &report.extent);
    let mut out = io::stdout().lock();
    let said = if as_json {
        say_json(archive, &damage, report, spent, &mut out)
    } else {
        say_text(path, archive, &damage, report, spent, &mut out)
    };
    if is_well(&damage, report) { Ok(said?) } else { Err(Failure::told(said)) }
}

fn is_well(damage: &Damage, report: &Report) -> bool {
    report.is_same() && damage.is_none() && report.records > 0
}

fn say_text(
    path: &Path,
    archive: &Archive<Directory>,
    damage: &Damage,
    report: &Report,
    spent: Duration,
    out: &mut impl Write,
) -> io::Result<()> {
    let zone = TimeZone::system();
    let node = archive.node.as_ref().map_or("an unknown node", |node| node.as_str());
    writeln!(out, "{}: the journal of {node}", path.display())?;
    let same = report.pieces.iter().filter(|piece| piece.outcome == Outcome::Same).count();
    for piece in &report.pieces {
        if same <= LISTED || piece.outcome != Outcome::Same {
            writeln!(out, "  {}", line(piece, &zone))?;
        }
    }
    if same > LISTED {
        let records: u64 = report
            .pieces
            .iter()
            .filter(|piece| piece.outcome == Outcome::Same)
            .map(|piece| piece.records)
            .sum();
        writeln!(out, "  {same} other pieces, {} records: the same", number(records))?;
    }
    damage.say(out)?;
    for piece in &report.pieces {
        if let Outcome::Diverged { stretch, at, divergence } = &piece.outcome {
            let words = Words::of(&archive.index, *stretch, at, divergence)?;
            let time = times::show(at.unix(), trusted(at), &zone);
            writeln!(out, "\nrecord {} differs, at {time}:\n{words}", at.at)?;
        }
    }
    if report.pieces.is_empty() {
        let (first, last) = (archive.index.oldest(), archive.index.head());
        writeln!(
            out,
            "nothing was replayed: none of its records is in that range; they are from {first} to {last}"
        )?;
        let nearest = &report.nearest;
        return nearest.unix().map_or(Ok(()), |unix| {
            let time = times::show(Some(unix), trusted(nearest), &zone);
            writeln!(out, "the nearest one is {}, at {time}", nearest.at)
        });
    }
    if report.records == 0 {
        return writeln!(out, "nothing was replayed");
    }
    let verdict = match (report.divergences().count(), is_well(damage, report)) {
        (0, true) => "the same bytes".to_owned(),
        (0, false) if report.is_same() && damage.can_be_read() => {
            "the same bytes, though the journal was changed".to_owned()
        }
        (0, false) => "the same bytes, as far as it can be replayed".to_owned(),
        (1, _) => "1 difference".to_owned(),
        (n, _) => format!("{n} differences"),
    };
    let (records, stretches) = (number(report.records), number(report.stretches));
    let of = if report.stretches == 1 { "stretch" } else { "stretches" };
    write!(out, "{verdict}: {records} records of {stretches} {of} in {}", took(spent))?;
    // Of less there is nothing to measure.
    if report.records < MEASURED { writeln!(out) } else { writeln!(out, ", {}", rate(report, spent)) }
}

/// One piece of the journal in a line.
pub(super) fn line(piece: &Piece, zone: &TimeZone) -> String {
    let (first, last) = (&piece.first, &piece.last);
    let places = if first.at.boot == last.at.boot {
        format!("{} to {}", first.at, last.at.seq)
    } else {
        format!("{} to {}", first.at, last.at)
    };
    let time = |place: &Place| times::show(place.unix(), trusted(place), zone);
    let what = match &piece.outcome {
        Outcome::Same => "the same".to_owned(),
        Outcome::Diverged { at, .. } => format!("differs from {} on", at.at.seq),
        Outcome::Passed(why) => format!("not replayed: {why}"),
    };
    // The clock of a start is known behind its first records only.
    let times = match (first.unix(), last.unix()) {
        (None, None) => String::new(),
        (None, Some(_)) => format!("  to {}", time(last)),
        _ => format!("  {} to {}", time(first), time(last)),
    };
    format!("{places}{times}  {what}")
}

fn say_json(
    archive: &Archive<Directory>,
    damage: &Damage,
    report: &Report,
    spent: Duration,
    out: &mut impl Write,
) -> io::Result<()> {
    for piece in &report.pieces {
        let mut line = piece_object(piece);
        match &piece.outcome {
            Outcome::Same => line["result"] = "same".into(),
            Outcome::Passed(why) => line = passed_object(piece, why),
            Outcome::Diverged { stretch, at, divergence } => {
                let words = Words::of(&archive.index, *stretch, at, divergence)?;
                line["result"] = "different".into();
                line["difference"] = json!({
                    "place": place(at),
                    "expected": words.expected,
                    "found": words.found,
                    "before": words.before,
                });
            }
        }
        writeln!(out, "{line}")?;
    }
    let result = match (report.divergences().count(), is_well(damage, report)) {
        (0, true) => "same",
        (0, false) => "incomplete",
        _ => "different",
    };
    let mut summary = json!({
        "result": result,
        "node": archive.node.as_ref().map(|node| node.as_str()),
        "records": report.records,
        "bytes": report.bytes,
        "inputs": report.inputs,
        "stretches": report.stretches,
        "checkpoints": report.checkpoints,
        "seconds": spent.as_secs_f64(),
    });
    damage.add(&mut summary);
    writeln!(out, "{summary}")
}

fn place(place: &Place) -> Value {
    json!({
        "boot": place.at.boot.to_string(),
        "seq": place.at.seq,
        "at": place.time.micros(),
        "time": times::rfc3339(place.unix()),
        "trusted": trusted(place),
    })
}

/// One piece of the journal as an object, without what became of it.
fn piece_object(piece: &Piece) -> Value {
    json!({
        "from": place(&piece.first),
        "to": place(&piece.last),
        "program": (piece.program != 0).then(|| format!("{:016x}", piece.program)),
        "records": piece.records,
    })
}

/// A piece that was passed over, as an object.
pub(super) fn passed_object(piece: &Piece, why: &Why) -> Value {
    let mut line = piece_object(piece);
    line["result"] = "passed".into();
    line["why"] = why.to_string().into();
    line
}

/// Whether the clock was synchronised there.
pub(super) fn trusted(place: &Place) -> bool {
    place.wall.is_some_and(|wall| wall.trusted)
}

/// How fast it goes.
pub(super) fn rate(report: &Report, spent: Duration) -> String {
    let seconds = spent.as_secs_f64().max(1e-6);
    format!(
        "{:.1} MB/s, {:.1} million records/s",
        report.bytes as f64 / seconds / 1e6,
        report.records as f64 / seconds / 1e6
    )
}

/// With a blank between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
