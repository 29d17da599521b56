//! One lane of the timeline.

use std::fmt::Write as _;

use campanile_delivery::symbols::number;

use super::draw::{Part, Plot, bar, escape, fit, text_width, words};
use crate::picture::recording::{Lane, Run, Send, Track, spans};

/// Rows of runs that are drawn at most; more share the last one.
const RUN_ROWS: usize = 4;
const RUN_ROW: f64 = 15.0;
const PAD: f64 = 7.0;
/// No line of a number is shorter.
const LEAST: f64 = 3.0;

/// How tall a lane is.
pub(super) fn height(track: &Track) -> f64 {
    match track {
        Track::Input { .. } => 52.0,
        Track::Sensor { .. } => 56.0,
        Track::Variable { .. } | Track::Message { .. } => 34.0,
        Track::Scenario { runs, .. } => {
            let rows = rows(runs).into_iter().max().map_or(1, |row| row + 1);
            (2.0 * PAD + rows as f64 * RUN_ROW).max(34.0)
        }
        Track::Output { .. } => 34.0,
    }
}

/// Draws a lane whose top is at `y`.
pub(super) fn draw(lane: &Lane, plot: &Plot, y: f64, svg: &mut String) {
    let tall = height(&lane.track);
    let kind = match &lane.track {
        Track::Input { .. } => "input".to_owned(),
        Track::Sensor { unit, .. } if unit.is_empty() => "sensor".to_owned(),
        Track::Sensor { unit, .. } => format!("sensor, {unit}"),
        Track::Variable { .. } => "variable".to_owned(),
        Track::Scenario { .. } => "scenario".to_owned(),
        Track::Output { .. } => "output".to_owned(),
        Track::Message { .. } => "message".to_owned(),
    };
    let middle = y + tall / 2.0;
    words(svg, "name", 16.0, middle - 1.0, &fit(&lane.name, 140.0));
    words(svg, "dim", 16.0, middle + 12.0, &kind);
    match &lane.track {
        Track::Input { raw, reported, bounces } => {
            raw_line(raw, plot, y + 8.0, y + 20.0, svg);
            levels(reported, "in", plot, y + 26.0, y + 44.0, svg);
            tell_bounces(bounces, reported, plot, y + 39.0, svg);
        }
        Track::Sensor { values, decimals, .. } => sensor(values, *decimals, plot, y + 9.0, y + 47.0, svg),
        Track::Variable { values } => variable(values, plot, y + 8.0, y + 26.0, svg),
        Track::Scenario { runs, skips } => scenario(runs, skips, plot, y + PAD, svg),
        Track::Output { levels: changes } => levels(changes, "out", plot, y + 8.0, y + 26.0, svg),
        Track::Message { sends } => messages(sends, plot, middle, svg),
    }
}

/// The raw line: a wave, and blocks where it bounces faster than can be drawn.
fn raw_line(changes: &[(u64, Option<bool>)], plot: &Plot, top: f64, bottom: f64, svg: &mut String) {
    let mut path = String::new();
    let mut pen: Option<f64> = None;
    for part in plot.parts(spans(changes, plot.end())) {
        match part {
            Part::Span(from, to, on) => {
                let y = if on { top } else { bottom };
                match pen {
                    Some(before) if (before - from).abs() < 0.05 => {
                        let _ = write!(path, "V{y:.1}H{to:.1}");
                    }
                    _ => {
                        let _ = write!(path, "M{from:.1} {y:.1}H{to:.1}");
                    }
                }
                pen = Some(to);
            }
            Part::Dense(from, to) => {
                bar(svg, "rawblock", from, to, top, bottom - top, 0.0);
                pen = None;
            }
        }
    }
    if !path.is_empty() {
        let _ = writeln!(svg, "<path class=\"raw\" d=\"{path}\"/>");
    }
}

/// A level: a bar while it is on, a line while it is off, nothing while nobody knows.
fn levels(
    changes: &[(u64, Option<bool>)],
    class: &str,
    plot: &Plot,
    top: f64,
    bottom: f64,
    svg: &mut String,
) {
    let mut base = String::new();
    for part in plot.parts(spans(changes, plot.end())) {
        match part {
            Part::Span(from, to, true) => bar(svg, class, from, to, top, bottom - top, 2.0),
            Part::Span(from, to, false) => {
                let _ = write!(base, "M{from:.1} {bottom:.1}H{to:.1}");
            }
            Part::Dense(from, to) => bar(svg, class, from, to, top, bottom - top, 0.0),
        }
    }
    if !base.is_empty() {
        let _ = writeln!(svg, "<path class=\"base\" d=\"{base}\"/>");
    }
}

/// How many bounces a report suppressed, behind it, where there is room until the next one.
fn tell_bounces(
    bounces: &[(u64, u16)],
    reported: &[(u64, Option<bool>)],
    plot: &Plot,
    y: f64,
    svg: &mut String,
) {
    for (at, count) in bounces {
        let next = reported.partition_point(|(time, _)| time <= at);
        let room = reported.get(next).map_or(plot.right, |(time, _)| plot.x(*time)) - plot.x(*at);
        let text = if *count == 1 { "1 bounce".to_owned() } else { format!("{count} bounces") };
        if text_width(&text) + 8.0 <= room {
            let on = next.checked_sub(1).and_then(|at| reported.get(at)?.1).unwrap_or_default();
            let class = if on { "inside" } else { "dim" };
            words(svg, class, plot.x(*at) + 5.0, y, &text);
        }
    }
}

/// A number over time: steps between its least and its greatest value.
fn sensor(values: &[(u64, Option<i32>)], decimals: u8, plot: &Plot, top: f64, bottom: f64, svg: &mut String) {
    let known = || values.iter().filter_map(|(_, value)| *value);
    let (Some(least), Some(most)) = (known().min(), known().max()) else { return };
    let range = f64::from(most) - f64::from(least);
    let y = |value: i32| {
        if range > 0.0 {
            bottom - (f64::from(value) - f64::from(least)) / range * (bottom - top)
        } else {
            (top + bottom) / 2.0
        }
    };
    let mut path = String::new();
    let mut pen: Option<(f64, f64)> = None;
    let mut spans = spans(values, plot.end()).peekable();
    while let Some((from, to, value)) = spans.next() {
        let is_last = spans.peek().is_none_or(|(next, ..)| *next != to);
        let (from, to, y) = (plot.x(from), plot.x(to), y(value));
        match pen {
            // Of steps within half a pixel the last one counts.
            Some((x, before))
                if (x - from).abs() < 0.05 && (to - from >= 0.5 || (before - y).abs() >= 0.5) =>
            {
                let _ = write!(path, "V{y:.1}H{to:.1}");
            }
            Some((x, _)) if (x - from).abs() < 0.05 => {}
            _ => {
                // One reading, and nobody knows anything behind it: it is seen all the same.
                let to = if is_last { to.max(from + LEAST) } else { to };
                let _ = write!(path, "M{from:.1} {y:.1}H{to:.1}");
            }
        }
        pen = Some((to, y));
    }
    let _ = writeln!(svg, "<path class=\"line\" d=\"{path}\"/>");
    let label = |value: i32, y: f64, svg: &mut String| {
        let text = number(value, decimals);
        let _ = writeln!(
            svg,
            "<text class=\"dim num\" x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{text}</text>",
            plot.left - 6.0
        );
    };
    if range > 0.0 {
        label(most, top + 5.0, svg);
        label(least, bottom + 3.0, svg);
    } else {
        label(most, (top + bottom) / 2.0 + 4.0, svg);
    }
}

/// A variable: a box with each of its values.
fn variable(values: &[(u64, Option<i32>)], plot: &Plot, top: f64, bottom: f64, svg: &mut String) {
    for part in plot.parts(spans(values, plot.end())) {
        match part {
            Part::Span(from, to, value) => {
                bar(svg, "box", from, to, top, bottom - top, 3.0);
                let text = value.to_string();
                if text_width(&text) + 8.0 <= to - from {
                    words(svg, "num", from + 5.0, bottom - 5.0, &text);
                }
            }
            Part::Dense(from, to) => bar(svg, "block", from, to, top, bottom - top, 0.0),
        }
    }
}

/// Runs as bars, those at the same time below each other; occurrences without a run as crosses.
fn scenario(runs: &[Run], skips: &[u64], plot: &Plot, top: f64, svg: &mut String) {
    let mut last = [f64::NEG_INFINITY; RUN_ROWS];
    for (run, row) in runs.iter().zip(rows(runs)) {
        let (from, to) = (plot.x(run.from), run.to.map_or(plot.right, |to| plot.x(to)));
        // What ends before the pixel is over would hide behind the bar before.
        if to - last[row] >= 0.5 {
            let class = if run.cut { "cut" } else { "run" };
            bar(svg, class, from, to, top + row as f64 * RUN_ROW, RUN_ROW - 2.0, 4.0);
            last[row] = to.max(from + 1.5);
        }
    }
    let mut before = f64::NEG_INFINITY;
    for at in skips {
        let x = plot.x(*at);
        if x - before >= 2.0 {
            let _ =
                writeln!(svg, "<path class=\"skip\" d=\"M{:.1} {:.1}l6 6m0 -6l-6 6\"/>", x - 3.0, top + 4.0);
            before = x;
        }
    }
}

/// The row of each run: the first that is free.
fn rows(runs: &[Run]) -> Vec<usize> {
    let mut free = [0_u64; RUN_ROWS];
    runs.iter()
        .map(|run| {
            let row = free.iter().position(|until| *until <= run.from).unwrap_or(RUN_ROWS - 1);
            free[row] = run.to.unwrap_or(u64::MAX);
            row
        })
        .collect()
}

/// Messages as diamonds, with as much of their words as has room, and all of them where the pointer rests.
fn messages(sends: &[Send], plot: &Plot, y: f64, svg: &mut String) {
    let mut before = f64::NEG_INFINITY;
    for (number, send) in sends.iter().enumerate() {
        let x = plot.x(send.at);
        let room = sends.get(number + 1).map_or(plot.right, |next| plot.x(next.at) - 8.0) - x - 10.0;
        let (apart, text) = (x - before >= 1.0, fit(&send.text, room));
        if !apart && text.is_empty() {
            continue;
        }
        svg.push_str("<g>");
        if !send.text.is_empty() {
            let _ = write!(svg, "<title>{}</title>", escape(&send.text));
        }
        if apart {
            let _ = write!(svg, "<path class=\"send\" d=\"M{x:.1} {:.1}l6 6l-6 6l-6 -6z\"/>", y - 6.0);
            before = x;
        }
        words(svg, "", x + 10.0, y + 4.0, &text);
        svg.push_str("</g>\n");
    }
}
