//! `replay --with OTHER.toml`: what another program would have done, as a table.

use std::cmp::Ordering;
use std::io::{self, Write};
use std::path::Path;

use campanile_delivery::{Archive, Directory};
use campanile_sim::replay::{Comparison, Outcome, Piece, Range, Row, Unit, Why, what_if};
use campanile_sim::trace::seconds;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::super::progress::{Progress, line_of};
use super::super::{Failure, check, times};
use super::damage::Damage;
use super::say::{line, number, passed_object, trusted};
use crate::config::{compile, load};
use crate::zone::ZoneOffsets;

/// So many of the moments that differ are listed unless all are asked for.
const LISTED: usize = 10;

/// Compares and says what differs; `all`: every moment of it. A difference is exit code 1, as with `diff`.
pub(super) fn run(
    file: &Path,
    archive: &Archive<Directory>,
    range: &Range,
    all: bool,
    as_json: bool,
) -> Result<(), Failure> {
    let source = load(file).map_err(Failure::says)?;
    let compiled = match compile(&source) {
        Ok(compiled) => compiled,
        Err(found) => return Err(Failure::told(check::say(&source, &found))),
    };
    let zone = match &compiled.settings.timezone {
        Some(name) => {
            TimeZone::get(name).map_err(|error| Failure::says(format!("timezone \"{name}\": {error}")))?
        }
        None => TimeZone::system(),
    };
    // As far back as any journal can reach.
    let offsets = ZoneOffsets::new(&zone, Timestamp::UNIX_EPOCH);
    let house = compiled.simulated();
    let progress = Progress::new(!as_json);
    // Programs count for themselves.
    let moments = if all || as_json { usize::MAX } else { LISTED };
    let comparison =
        what_if(&archive.index, range, &house, Some(offsets.table()), moments, |found, place| {
            let (done, of) = archive.index.bytes_before(place.at);
            progress.show(|spent| line_of(done, of, &format!("{} inputs", number(found.inputs)), spent));
        });
    drop(progress);
    let comparison = comparison.map_err(Failure::says)?;
    let damage = Damage::of(archive, &comparison.extent);
    let mut out = io::stdout().lock();
    let said = if as_json {
        say_json(&damage, &comparison, &mut out)
    } else {
        say_text(file, &damage, &comparison, &mut out)
    };
    if verdict(&damage, &comparison) == "same" { Ok(said?) } else { Err(Failure::told(said)) }
}

/// What came of it, in a word.
fn verdict(damage: &Damage, comparison: &Comparison) -> &'static str {
    if comparison.first.is_none() {
        "nothing"
    } else if comparison.differing > 0 {
        "different"
    } else if comparison.is_whole() && damage.is_none() {
        "same"
    } else {
        "incomplete"
    }
}

fn say_text(file: &Path, damage: &Damage, comparison: &Comparison, out: &mut impl Write) -> io::Result<()> {
    let zone = TimeZone::system();
    let Some(first) = &comparison.first else {
        writeln!(
            out,
            "nothing was compared: there is no start or checkpoint in this range at which another program can take \
             over"
        )?;
        comparison.passed.iter().try_for_each(|piece| writeln!(out, "  {}", line(piece, &zone)))?;
        return damage.say(out);
    };
    let time = |place: &campanile_sim::replay::Place| times::show(place.unix(), trusted(place), &zone);
    writeln!(
        out,
        "{} with {} inputs, from {} ({}) to {} ({}):\n",
        file.display(),
        number(comparison.inputs),
        first.at,
        time(first),
        comparison.last.at,
        time(&comparison.last)
    )?;
    let name =
        file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into());
    table(&comparison.rows, &name, out)?;
    if comparison.unknown > 0 {
        writeln!(
            out,
            "\n{} inputs were of something that {name} has not, by their names",
            number(comparison.unknown)
        )?;
    }
    let has_gaps = !comparison.is_whole() || !damage.can_be_read();
    if has_gaps {
        writeln!(out, "\nnot all of the journal was compared; behind each gap {name} takes over anew:")?;
    } else if !comparison.passed.is_empty() {
        writeln!(out, "\nleft out, as it would be of any journal:")?;
    } else if !damage.is_none() {
        writeln!(out)?;
    }
    comparison.passed.iter().try_for_each(|piece| writeln!(out, "  {}", line(piece, &zone)))?;
    damage.say(out)?;
    match verdict(damage, comparison) {
        "same" => return writeln!(out, "\nno moment differs"),
        "incomplete" if has_gaps => {
            return writeln!(out, "\nno moment differs, as far as it can be compared");
        }
        "incomplete" => return writeln!(out, "\nno moment differs, though the journal was changed"),
        _ => {}
    }
    let shown = comparison.moments.len() as u64;
    let which = if shown < comparison.differing { ", the first ones (--all shows the others)" } else { "" };
    let differ = if comparison.differing == 1 { "moment differs" } else { "moments differ" };
    writeln!(out, "\n{} {differ}{which}:", number(comparison.differing))?;
    for moment in &comparison.moments {
        writeln!(out, "{}  {}", time(&moment.at), seconds(moment.at.time))?;
        moment.journal.iter().try_for_each(|line| writeln!(out, "  - {line}"))?;
        moment.other.iter().try_for_each(|line| writeln!(out, "  + {line}"))?;
    }
    writeln!(out, "  - in the journal, + with {name}")
}

/// The counts, those that differ with the difference.
fn table(rows: &[Row], name: &str, out: &mut impl Write) -> io::Result<()> {
    let head = ["", "", "", "journal", name, ""].map(str::to_owned);
    let mut lines = vec![head];
    let mut before: Option<&Row> = None;
    for row in rows {
        let (kind, what) = row.count.words();
        let again = before.is_some_and(|before| before.count.words().0 == kind && before.name == row.name);
        let amount = |value| amount(row.count.unit(), value);
        let difference = match row.other.cmp(&row.journal) {
            Ordering::Equal => String::new(),
            _ if row.count.unit() == Unit::Level => "differs".to_owned(),
            Ordering::Greater => format!("+{}", amount(row.other - row.journal)),
            Ordering::Less => amount(row.other - row.journal),
        };
        let (kind, thing) = if again { ("", "") } else { (kind, row.name.as_str()) };
        lines.push([
            kind.to_owned(),
            thing.to_owned(),
            what.to_owned(),
            amount(row.journal),
            amount(row.other),
            difference,
        ]);
        before = Some(row);
    }
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for [kind, thing, what, journal, other, difference] in &lines {
        let [a, b, c, d, e, f] = widths;
        let line = format!("{kind:a$}  {thing:b$}  {what:c$}  {journal:>d$}  {other:>e$}  {difference:>f$}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn amount(unit: Unit, value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    match unit {
        Unit::One => format!("{sign}{}", number(value.unsigned_abs())),
        Unit::Microseconds => {
            let tenths = value.unsigned_abs().div_ceil(100_000);
            format!("{sign}{}.{} s", number(tenths / 10), tenths % 10)
        }
        Unit::Level => if value == 0 { "off" } else { "on" }.to_owned(),
    }
}

fn say_json(damage: &Damage, comparison: &Comparison, out: &mut impl Write) -> io::Result<()> {
    for (piece, why) in comparison.passed.iter().filter_map(why) {
        writeln!(out, "{}", passed_object(piece, why))?;
    }
    for row in &comparison.rows {
        let (kind, what) = row.count.words();
        let unit = match row.count.unit() {
            Unit::One => None,
            Unit::Microseconds => Some("us"),
            Unit::Level => Some("level"),
        };
        let line = json!({
            "kind": kind, "name": row.name, "count": what, "journal": row.journal, "other": row.other, "unit": unit,
        });
        writeln!(out, "{line}")?;
    }
    for moment in &comparison.moments {
        let line = json!({
            "boot": moment.at.at.boot.to_string(),
            "at": moment.at.time.micros(),
            "time": times::rfc3339(moment.at.unix()),
            "journal": moment.journal,
            "other": moment.other,
        });
        writeln!(out, "{line}")?;
    }
    let place = |at: campanile_delivery::Position| json!({ "boot": at.boot.to_string(), "seq": at.seq });
    let mut summary = json!({
        "result": verdict(damage, comparison),
        "from": comparison.first.map(|first| place(first.at)),
        "to": place(comparison.last.at),
        "inputs": comparison.inputs,
        "unknown": comparison.unknown,
        "passed": comparison.passed.len(),
        "differing": comparison.differing,
    });
    damage.add(&mut summary);
    writeln!(out, "{summary}")
}

/// Why a piece was not compared.
const fn why(piece: &Piece) -> Option<(&Piece, &Why)> {
    match &piece.outcome {
        Outcome::Passed(why) => Some((piece, why)),
        Outcome::Same | Outcome::Diverged { .. } => None,
    }
}
