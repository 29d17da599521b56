//! `campanile status`: the house at a glance.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use super::habits::has_colors;
use super::{Failure, StateDir};
use crate::control::client::{Unanswered, ask};
use crate::control::protocol::Operation;
use crate::control::status::Status;
use crate::control::switch::Switch;
use crate::daemon::state_dir;
use crate::sinks::aws_iot::price::Dollars;
use crate::words::count;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: campanile status --json | jq .inputs")]
pub(super) struct Args {
    #[command(flatten)]
    state: StateDir,
    /// Print a JSON line
    #[arg(long)]
    json: bool,
}

/// Asks the daemon and prints what it says.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let status = fetch(args.state)?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &status).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        let color = has_colors(&out);
        write!(out, "{}", render(&status, Paint(color)))?;
    }
    Ok(())
}

/// The status of the daemon on this directory.
pub(super) fn fetch(state: StateDir) -> Result<Status, Failure> {
    let state = state_dir::resolve(state.state).map_err(Failure::says)?;
    of(&state).map_err(Failure::says)
}

/// As above, of a directory that is known.
pub(super) fn of(state: &Path) -> Result<Status, Unanswered> {
    let response = ask(state, Operation::Status {})?;
    response.status.map(|status| *status).ok_or_else(|| {
        Unanswered::NoAnswer(response.error.unwrap_or_else(|| "the daemon gives no status".to_owned()))
    })
}

/// Colours, where somebody sees them.
#[derive(Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn dress(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn good(self, text: &str) -> String {
        self.dress("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.dress("1;31", text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.dress("2", text)
    }

    fn head(self, text: &str) -> String {
        self.dress("1", text)
    }

    /// `on` stands out, `off` does not.
    pub(super) fn switch(self, switch: Option<Switch>) -> String {
        match switch {
            Some(Switch::On) => self.dress("1;33", "on "),
            Some(Switch::Off) => "off".to_owned(),
            None => self.faint("?  "),
        }
    }
}

fn render(status: &Status, paint: Paint) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_head(&mut text, status, paint);
    let _ = write_lines(&mut text, status, paint);
    let _ = write_rest(&mut text, status, paint);
    text
}

fn write_head(text: &mut String, status: &Status, paint: Paint) -> std::fmt::Result {
    let clock = if status.trusted { status.time.clone() } else { format!("{} (clock not set)", status.time) };
    writeln!(
        text,
        "{}  {}  start {}  up {}{}",
        paint.head(&status.node),
        clock,
        status.boot,
        span(status.uptime_s),
        if status.realtime { "" } else { "  no real-time priority" },
    )?;
    writeln!(text, "{}", paint.faint(&format!("{}  program {}", status.file, status.program)))
}

fn write_lines(text: &mut String, status: &Status, paint: Paint) -> std::fmt::Result {
    let width = names(status);
    if !status.inputs.is_empty() {
        writeln!(text, "\n{}", paint.head("inputs"))?;
    }
    for input in &status.inputs {
        write!(text, "  {:width$}  {}", input.name, paint.switch(input.value))?;
        let raw = if input.raw == input.value {
            String::new()
        } else {
            format!("  raw {}", paint.switch(input.raw))
        };
        write!(text, "{raw}  {:>14}", ago(input.changed_s))?;
        let counts =
            [count(input.events, "event"), count(input.edges, "edge"), count(input.bounces, "bounce")];
        write!(text, "  {}", counts.join(", "))?;
        if input.lost > 0 {
            write!(text, ", {}", paint.bad(&format!("{} lost", input.lost)))?;
        }
        writeln!(text, "  {}", paint.faint(&input.line))?;
    }
    if !status.outputs.is_empty() {
        writeln!(text, "\n{}", paint.head("outputs"))?;
    }
    for output in &status.outputs {
        write!(
            text,
            "  {:width$}  {}  {:>14}",
            output.name,
            paint.switch(output.value),
            ago(output.changed_s)
        )?;
        write!(text, "  by {}", output.by)?;
        if output.failed {
            write!(text, "  {}", paint.bad("the hardware refuses"))?;
        }
        writeln!(text, "  {}", paint.faint(&output.line))?;
    }
    if !(status.sensors.is_empty() && status.variables.is_empty()) {
        writeln!(text, "\n{}", paint.head("values"))?;
    }
    for sensor in &status.sensors {
        let value = sensor.value.as_deref().unwrap_or("?");
        writeln!(text, "  {:width$}  {value} {}  {:>14}", sensor.name, sensor.unit, ago(sensor.changed_s))?;
    }
    for variable in &status.variables {
        writeln!(text, "  {:width$}  {}", variable.name, variable.value)?;
    }
    Ok(())
}

fn write_rest(text: &mut String, status: &Status, paint: Paint) -> std::fmt::Result {
    let width = names(status);
    if !status.scenarios.is_empty() {
        writeln!(text, "\n{}", paint.head("scenarios"))?;
    }
    for scenario in &status.scenarios {
        let state = match scenario.running {
            0 => paint.faint("idle     "),
            1 => paint.good("running  "),
            n => paint.good(&format!("{n} running")),
        };
        write!(text, "  {:width$}  {state}  {:>14}", scenario.name, ago(scenario.last_s))?;
        write!(text, "  {}", count(scenario.runs, "run"))?;
        if scenario.skipped > 0 {
            write!(text, ", {} skipped", scenario.skipped)?;
        }
        if scenario.faults > 0 {
            write!(text, ", {}", paint.bad(&count(scenario.faults, "fault")))?;
        }
        writeln!(text)?;
    }
    if !status.sinks.is_empty() {
        writeln!(text, "\n{}", paint.head("sinks"))?;
    }
    for sink in &status.sinks {
        let state = if sink.up { paint.good(&sink.state) } else { paint.bad(&sink.state) };
        let behind = sink.lag.map_or_else(|| "a start".to_owned(), |lag| lag.to_string());
        write!(text, "  {:width$}  {state}  {} delivered, {behind} behind", sink.name, sink.delivered)?;
        if let Some(waited) = sink.lag_s {
            write!(text, " for {}", span(waited))?;
        }
        if sink.bytes > 0 {
            write!(text, ", {} out", bytes(sink.bytes))?;
        }
        if let Some(nanodollars) = sink.nanodollars {
            write!(text, ", about {} this month", Dollars(nanodollars))?;
        }
        if sink.lost > 0 {
            write!(text, ", {}", paint.bad(&format!("{} lost", sink.lost)))?;
        }
        if sink.dead_letters > 0 {
            write!(
                text,
                ", {}",
                paint.bad(&format!("{} refused for good (campanile sink list)", sink.dead_letters))
            )?;
        }
        if sink.taken > 0 {
            write!(text, ", {} came in", sink.taken)?;
        }
        if sink.turned_away > 0 {
            write!(text, ", {}", paint.bad(&format!("{} turned away", sink.turned_away)))?;
        }
        writeln!(text, "  {}", paint.faint(&sink.kind))?;
        if let Some(wait) = sink.quota_s {
            writeln!(
                text,
                "  {:width$}  its quota is used up: the next goes in {}, with all that waits",
                "",
                span(wait)
            )?;
        }
        if let Some(why) = &sink.last_dead_letter {
            writeln!(text, "  {:width$}  refused last: {why}", "")?;
        }
        if let Some(why) = &sink.last_turned_away {
            writeln!(text, "  {:width$}  turned away last: {why}", "")?;
        }
    }
    if !status.satellites.is_empty() {
        writeln!(text, "\n{}", paint.head("satellites"))?;
    }
    for satellite in &status.satellites {
        let line = satellite.glance();
        let line = if satellite.up { paint.good(&line) } else { paint.bad(&line) };
        writeln!(text, "  {:width$}  {line}", satellite.name)?;
        for problem in &satellite.problems {
            writeln!(text, "  {:width$}  {}", "", paint.bad(problem))?;
        }
    }
    let journal = &status.journal;
    writeln!(text, "\n{}", paint.head("journal"))?;
    writeln!(
        text,
        "  record {}, {} of {} in {}, {}, {}  {}",
        journal.seq,
        bytes(journal.bytes),
        bytes(journal.bytes_max),
        count(journal.segments as u64, "segment"),
        count(journal.writes, "write"),
        count(journal.syncs, "sync"),
        paint.faint(&journal.path),
    )?;
    if let Some(why) = &journal.degraded {
        writeln!(
            text,
            "  {}",
            paint.bad(&format!("degraded: {why} ({} in memory)", bytes(journal.memory as u64)))
        )?;
    }
    write_losses(text, status, paint)
}

fn write_losses(text: &mut String, status: &Status, paint: Paint) -> std::fmt::Result {
    let losses: Vec<_> = status.losses.entries().into_iter().filter(|(_, count)| *count > 0).collect();
    if losses.is_empty() {
        return writeln!(text, "\n{}", paint.good("nothing lost"));
    }
    writeln!(text, "\n{}", paint.head("lost"))?;
    for (what, count) in losses {
        writeln!(text, "  {}", paint.bad(&format!("{count} {what}")))?;
    }
    Ok(())
}

/// The longest name, for the columns.
fn names(status: &Status) -> usize {
    let inputs = status.inputs.iter().map(|x| &x.name).chain(status.outputs.iter().map(|x| &x.name));
    let values = status.sensors.iter().map(|x| &x.name).chain(status.variables.iter().map(|x| &x.name));
    let rest = status.scenarios.iter().map(|x| &x.name).chain(status.sinks.iter().map(|x| &x.name));
    let rest = rest.chain(status.satellites.iter().map(|x| &x.name));
    inputs.chain(values).chain(rest).map(|name| name.chars().count()).max().unwrap_or(0).max(8)
}

fn span(seconds: f64) -> String {
    campanile_sim::span::span((seconds * 1e6) as u64)
}

fn ago(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), |seconds| format!("{} ago", span(seconds)))
}

fn bytes(count: u64) -> String {
    match count {
        n if n < 1 << 10 => format!("{n} B"),
        n if n < 1 << 20 => format!("{:.1} KiB", n as f64 / 1024.0),
        n => format!("{:.1} MiB", n as f64 / 1048576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::status::{InputStatus, JournalStatus, Losses};
    use crate::satellites::view::SatelliteStatus;

    fn status() -> Status {
        Status {
            node: "door".into(),
            inputs: vec![InputStatus {
                name: "button".into(),
                value: Some(Switch::On),
                bounces: 12,
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn a_house_that_is_well_says_so() {
        let text = render(&status(), Paint(false));
        assert!(text.contains("button    on"), "{text}");
        assert!(text.contains("12 bounces") && text.contains("nothing lost"), "{text}");
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn losses_and_a_degraded_journal_stand_out() {
        let journal = JournalStatus { degraded: Some("no space left".into()), ..Default::default() };
        let losses = Losses { kernel: 3, ..Default::default() };
        let text = render(&Status { journal, losses, ..status() }, Paint(true));
        assert!(text.contains("\x1b[1;31m3 edges lost in the kernel"), "{text}");
        assert!(text.contains("\x1b[1;31mdegraded: no space left"), "{text}");
        assert!(!text.contains("nothing lost"));
    }

    #[test]
    fn everything_that_is_wrong_with_a_satellite_is_named_on_a_line_of_its_own() {
        let problems = ["its flash is worn", "no clock", "it is a test board"];
        let porch = SatelliteStatus {
            name: "porch".into(),
            state: "connected".into(),
            up: true,
            problems: problems.map(str::to_owned).into(),
            ..Default::default()
        };
        let text = render(&Status { satellites: vec![porch], ..status() }, Paint(false));
        let lines: Vec<_> =
            text.lines().skip_while(|line| !line.starts_with("  porch     connected")).collect();
        assert_eq!(lines[1..4], problems.map(|problem| format!("            {problem}")), "{text}");
    }
}
