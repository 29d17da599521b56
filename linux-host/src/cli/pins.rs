//! `campanile pins`: every line of this machine, and what the running house makes of its own.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use serde_json::json;

use super::habits::has_colors;
use super::status::Paint;
use super::{Failure, StateDir};
use crate::boards::gpiochip::GpiochipBoard;
use crate::boards::{Board as _, LineError, LineInfo};
use crate::control::client::ask;
use crate::control::protocol::Operation;
use crate::control::status::Status;
use crate::control::switch::Switch;
use crate::daemon::state_dir;

/// How often a live view looks again.
const LOOK: Duration = Duration::from_millis(250);

/// Arguments of `pins`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile pins\n\n\
    Levels are shown for lines of the running house only: reading a free line means requesting it, and releasing it \
    can take the pin away from a serial port or a bus that uses it.")]
pub(super) struct Args {
    #[command(flatten)]
    state: StateDir,
    /// Print once and exit; so it does anyway if the output is not a terminal
    #[arg(long)]
    once: bool,
    /// Print JSON lines, once: one object for each line of the machine or the house
    #[arg(long)]
    json: bool,
}

/// One row.
struct Row {
    place: String,
    name: String,
    info: String,
    raw: Option<Switch>,
    reported: Option<Switch>,
    role: String,
}

/// Shows the lines, live on a terminal.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let state = state_dir::resolve(args.state.state).map_err(Failure::says)?;
    let live = io::stdout().is_terminal() && !args.once && !args.json;
    let paint = Paint(has_colors(&io::stdout()));
    let mut drawn = 0;
    loop {
        // Without a daemon there is no house, and the lines of the machine are there all the same.
        let (house, why_none) = match ask(&state, Operation::Status {}) {
            Ok(response) => (response.status, String::new()),
            Err(why) => (None, format!("; and {why}")),
        };
        let machine = GpiochipBoard::open("auto").and_then(|board| board.lines());
        let (lines, trouble) = match machine {
            Ok(lines) => (lines, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let rows = rows(&lines, house.as_deref());
        if rows.is_empty() {
            let trouble = trouble.unwrap_or(LineError::NoChips);
            return Err(Failure::says(format!("{trouble}{why_none}")));
        }
        let mut out = io::stdout().lock();
        if args.json {
            for row in &rows {
                let (raw, reported) = (row.raw.map(Switch::word), row.reported.map(Switch::word));
                let line = json!({
                    "line": row.place, "name": row.name, "role": row.role, "raw": raw, "reported": reported,
                    "info": row.info,
                });
                writeln!(out, "{line}")?;
            }
            return Ok(());
        }
        if drawn > 0 {
            write!(out, "\x1b[{drawn}A\x1b[J")?;
        }
        let text = table(&rows, paint);
        out.write_all(text.as_bytes())?;
        out.flush()?;
        drawn = text.lines().count();
        if !live {
            return Ok(());
        }
        drop(out);
        std::thread::sleep(LOOK);
    }
}

fn rows(machine: &[LineInfo], house: Option<&Status>) -> Vec<Row> {
    let mut ours = house.map(house_rows).unwrap_or_default();
    let mut rows: Vec<Row> = machine
        .iter()
        .map(|line| {
            let place = format!("{} {}", line.chip, line.offset);
            let fits = |row: &Row| {
                let wanted = row.place.split_once(' ').map_or("", |(_, line)| line);
                wanted == line.name || wanted == line.offset.to_string()
            };
            let ours = line
                .used_by
                .as_deref()
                .filter(|by| *by == crate::boards::CONSUMER)
                .and_then(|_| ours.iter().position(fits))
                .map(|place| ours.swap_remove(place));
            let direction = if line.output { "output" } else { "input" };
            let mut info =
                [direction, &line.flags].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
            let used = line.used_by.as_ref().map(|by| format!("used by \"{by}\""));
            info.extend(used.as_deref());
            Row {
                place,
                name: line.name.clone(),
                info: info.join(", "),
                raw: ours.as_ref().and_then(|row| row.raw),
                reported: ours.as_ref().and_then(|row| row.reported),
                role: ours.map(|row| row.role).unwrap_or_default(),
            }
        })
        .collect();
    // Lines of the house that are no lines of the machine: virtual ones.
    rows.append(&mut ours);
    rows
}

fn house_rows(status: &Status) -> Vec<Row> {
    let inputs = status.inputs.iter().map(|input| Row {
        place: input.line.clone(),
        name: String::new(),
        info: String::new(),
        raw: input.raw,
        reported: input.value,
        role: format!("input {}", input.name),
    });
    let outputs = status.outputs.iter().map(|output| Row {
        place: output.line.clone(),
        name: String::new(),
        info: String::new(),
        raw: output.value,
        reported: output.value,
        role: format!("output {}", output.name),
    });
    inputs.chain(outputs).collect()
}

fn table(rows: &[Row], paint: Paint) -> String {
    let width = |of: fn(&Row) -> &str, least: usize| {
        rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0).max(least)
    };
    let (place, name, role) = (width(|r| &r.place, 4), width(|r| &r.name, 4), width(|r| &r.role, 4));
    let mut text = format!("{:place$}  {:name$}  raw  reported  {:role$}\n", "line", "name", "role");
    for row in rows {
        let level = |switch| if row.role.is_empty() { "   ".to_owned() } else { paint.switch(switch) };
        text.push_str(&format!(
            "{:place$}  {:name$}  {}  {}       {:role$}  {}\n",
            row.place,
            row.name,
            level(row.raw),
            level(row.reported),
            row.role,
            paint.faint(&row.info),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::status::InputStatus;

    fn line(name: &str, offset: u32, used_by: Option<&str>) -> LineInfo {
        LineInfo {
            chip: "gpiochip0".into(),
            offset,
            name: name.into(),
            used_by: used_by.map(Into::into),
            ..LineInfo::default()
        }
    }

    #[test]
    fn lines_of_the_house_stand_beside_those_of_the_machine() {
        let machine = [line("GPIO14", 14, Some("campanile")), line("GPIO15", 15, Some("spi0 CS0"))];
        let input = |name: &str, line: &str| InputStatus {
            name: name.into(),
            line: line.into(),
            value: Some(Switch::On),
            raw: Some(Switch::Off),
            ..InputStatus::default()
        };
        let house = Status {
            inputs: vec![input("button", "pi GPIO14"), input("door", "desk D1")],
            ..Status::default()
        };
        let rows = rows(&machine, Some(&house));
        assert_eq!(rows.len(), 3);
        assert_eq!(
            (rows[0].role.as_str(), rows[0].raw, rows[0].reported),
            ("input button", Some(Switch::Off), Some(Switch::On))
        );
        assert_eq!((rows[1].role.as_str(), rows[1].info.as_str()), ("", "input, used by \"spi0 CS0\""));
        assert_eq!((rows[2].place.as_str(), rows[2].role.as_str()), ("desk D1", "input door"));
        let text = table(&rows, Paint(false));
        assert_eq!(text.lines().count(), 4, "{text}");
    }
}
