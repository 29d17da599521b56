//! A recording as a timeline in SVG: one file without scripts that a bug report can carry, readable on a light and on a
//! dark page. Its size depends on the lanes and not on the length: what is too dense for a pixel is drawn as a block.

mod draw;
mod lane;

use std::fmt::Write as _;

use draw::{Plot, escape, text_width};

use crate::picture::axis::{heading, source, ticks};
use crate::picture::labels;
use crate::picture::recording::{Recording, Track};

/// Pixels from left to right.
const WIDTH: f64 = 1200.0;
/// The column of names.
const NAMES: f64 = 168.0;
const RIGHT: f64 = 24.0;
/// What stays free at the edge.
const EDGE: f64 = 8.0;
const HEADING: f64 = 58.0;
/// A row of the labels of marks.
const MARK_ROW: f64 = 16.0;
const AXIS: f64 = 30.0;
const LEGEND: f64 = 26.0;
/// Ticks at most.
const TICKS: u64 = 10;

const STYLE: &str = "\
text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}
.head{font-size:15px;font-weight:600}.name{font-size:13px;font-weight:600}
.dim{fill:#656d76}.num{font-variant-numeric:tabular-nums}
.page{fill:#fff}.band{fill:#f6f8fa}.grid{stroke:#d8dee4}.base{stroke:#afb8c1}
.raw{stroke:#6e7781;fill:none}.rawblock{fill:#6e7781}
.in{fill:#0969da}.out{fill:#1a7f37}.run{fill:#8250df}.cut{fill:#bf8700}.send{fill:#cf222e}
.box{fill:#eaeef2;stroke:#8c959f}.block{fill:#8c959f}.line{stroke:#bc4c00;fill:none}
.mark{stroke:#9a6700;stroke-dasharray:3 3}.marktext{fill:#9a6700}.skip{stroke:#cf222e}.inside{fill:#fff}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}.dim{fill:#9198a1}
.page{fill:#0d1117}.band{fill:#151b23}.grid{stroke:#2a313c}.base{stroke:#4c5562}
.raw{stroke:#9198a1}.rawblock{fill:#9198a1}
.in{fill:#4493f8}.out{fill:#3fb950}.run{fill:#ab7df8}.cut{fill:#d29922}.send{fill:#f85149}
.box{fill:#212830;stroke:#656c76}.block{fill:#656c76}.line{stroke:#ffa657}
.mark{stroke:#d29922}.marktext{fill:#d29922}.skip{stroke:#f85149}.inside{fill:#0d1117}
}";

/// Draws a recording.
#[must_use]
pub fn draw(recording: &Recording) -> String {
    let plot = Plot::new(NAMES, WIDTH - RIGHT, recording.length);
    let labels = labels::place(&recording.marks, |mark| {
        let (x, width) = (plot.x(mark.at), text_width(&mark.what.to_string()));
        if in_front(x, width) { (x - 12.0 - width, x) } else { (x, x + 12.0 + width) }
    });
    let top = HEADING + labels::rows(&labels) as f64 * MARK_ROW;
    let heights: f64 = recording.lanes.iter().map(|lane| lane::height(&lane.track)).sum();
    let bottom = top + heights;
    let height = bottom + AXIS + LEGEND;
    let mut svg = String::new();
    // Writing into a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"head\" x=\"16\" y=\"26\">{title}</text>\n",
        title = escape(&heading(recording)),
    );
    if let Some(source) = source(recording) {
        let _ = writeln!(svg, "<text class=\"dim num\" x=\"16\" y=\"44\">{}</text>", escape(&source));
    }
    let mut y = top;
    for (number, lane) in recording.lanes.iter().enumerate() {
        let tall = lane::height(&lane.track);
        if number % 2 == 0 {
            let _ = writeln!(svg, "<rect class=\"band\" y=\"{y}\" width=\"{WIDTH}\" height=\"{tall}\"/>");
        }
        y += tall;
    }
    for (at, label) in ticks(recording, TICKS) {
        let x = plot.x(at);
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{x:.1} {top}V{:.1}\"/>\
             <text class=\"dim num\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 5.0,
            bottom + 19.0,
            escape(&label)
        );
    }
    // A mark whose label has no room has its line all the same, if that is not on another.
    let mut lines: Vec<f64> = labels.iter().map(|label| plot.x(label.mark.at)).collect();
    for mark in &recording.marks {
        let x = plot.x(mark.at);
        if lines.iter().all(|line| (line - x).abs() >= 1.0) {
            let _ = writeln!(svg, "<path class=\"mark\" d=\"M{x:.1} {top}V{bottom:.1}\"/>");
            lines.push(x);
        }
    }
    for label in &labels {
        let (x, what) = (plot.x(label.mark.at), label.mark.what.to_string());
        let y = HEADING + (label.row as f64 + 0.7) * MARK_ROW;
        let (place, anchor) =
            if in_front(x, text_width(&what)) { (x - 4.0, "end") } else { (x + 4.0, "start") };
        let _ = writeln!(
            svg,
            "<path class=\"mark\" d=\"M{x:.1} {:.1}V{bottom:.1}\"/>\
             <text class=\"marktext\" x=\"{place:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{what}</text>",
            y - 9.0,
        );
    }
    let mut y = top;
    for lane in &recording.lanes {
        lane::draw(lane, &plot, y, &mut svg);
        y += lane::height(&lane.track);
    }
    legend(recording, bottom + AXIS + 14.0, &mut svg);
    svg.push_str("</svg>\n");
    svg
}

/// At the right edge the words of a mark stand in front of its line: how wide they are is not known exactly.
fn in_front(x: f64, width: f64) -> bool {
    x + 4.0 + width > WIDTH - EDGE
}

/// What the shapes mean; only those that are there.
fn legend(recording: &Recording, y: f64, svg: &mut String) {
    let has = |rank: u8| recording.lanes.iter().any(|lane| lane.track.rank() == rank);
    let cut = recording
        .lanes
        .iter()
        .any(|lane| matches!(&lane.track, Track::Scenario { runs, .. } if runs.iter().any(|run| run.cut)));
    let skips = recording
        .lanes
        .iter()
        .any(|lane| matches!(&lane.track, Track::Scenario { skips, .. } if !skips.is_empty()));
    let entries = [
        (has(0), "<path class=\"raw\" d=\"M0 0h4v-8h4v8h4v-8h2\"/>", "the line, raw"),
        (has(0), "<rect class=\"in\" y=\"-8\" width=\"14\" height=\"8\" rx=\"1\"/>", "debounced"),
        (has(3), "<rect class=\"run\" y=\"-8\" width=\"14\" height=\"8\" rx=\"3\"/>", "a run"),
        (cut, "<rect class=\"cut\" y=\"-8\" width=\"14\" height=\"8\" rx=\"3\"/>", "a run that ended early"),
        (skips, "<path class=\"skip\" d=\"M4 -7l6 6m0 -6l-6 6\"/>", "skipped"),
        (has(4), "<rect class=\"out\" y=\"-8\" width=\"14\" height=\"8\" rx=\"1\"/>", "an output is on"),
        (has(5), "<path class=\"send\" d=\"M7 -9l5 5l-5 5l-5 -5z\"/>", "a message"),
    ];
    let mut x = NAMES;
    for (_, shape, words) in entries.into_iter().filter(|(there, ..)| *there) {
        let _ = writeln!(
            svg,
            "<g transform=\"translate({x:.1} {y:.1})\">{shape}<text class=\"dim\" x=\"19\" y=\"0\">{words}</text></g>"
        );
        x += 19.0 + text_width(words) + 22.0;
    }
}
