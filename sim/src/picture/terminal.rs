//! A recording as a timeline for a terminal: block characters, as wide as it is told.

use campanile_delivery::symbols::number;

use crate::picture::axis::{heading, source, ticks};
use crate::picture::labels;
use crate::picture::recording::{Lane, Recording, Run, Track, value_at};

/// Levels of a number, from the least to the greatest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The least width of the picture itself.
const LEAST: usize = 20;

/// Draws a recording, in lines of `width` columns at most.
#[must_use]
pub fn draw(recording: &Recording, width: usize) -> String {
    let names: Vec<(String, Vec<char>)> = {
        let label = |lane: &Lane| {
            if matches!(lane.track, Track::Input { .. }) { lane.name.len() + 4 } else { lane.name.len() }
        };
        let column = recording.lanes.iter().map(label).max().unwrap_or(0).min(24);
        let cells = width.saturating_sub(column + 2).max(LEAST);
        let grid = Grid { length: recording.length.max(1), cells: cells as u64 };
        let rows = recording.lanes.iter().flat_map(|lane| rows(lane, &grid));
        let marks = marks(recording, &grid).into_iter().map(|cells| (String::new(), cells));
        let rows = marks.chain(rows);
        let rows: Vec<_> =
            rows.filter(|(name, cells)| !name.is_empty() || cells.iter().any(|c| *c != ' ')).collect();
        let axis = axis(recording, &grid);
        rows.into_iter()
            .chain(axis.into_iter().map(|cells| (String::new(), cells)))
            .map(|(name, cells)| (format!("{:column$}  ", cut(&name, column)), cells))
            .collect()
    };
    let mut text = heading(recording) + "\n";
    text.extend(source(recording).map(|source| source + "\n"));
    for (name, cells) in names {
        let line: String = name.chars().chain(cells).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Times and columns.
struct Grid {
    length: u64,
    cells: u64,
}

impl Grid {
    fn cell(&self, at: u64) -> usize {
        let cell = u128::from(at) * u128::from(self.cells) / u128::from(self.length);
        usize::try_from(cell).unwrap_or(usize::MAX).min(self.cells as usize - 1)
    }

    /// The time at which a column begins.
    fn begin(&self, cell: u64) -> u64 {
        (u128::from(cell) * u128::from(self.length)).div_ceil(u128::from(self.cells)) as u64
    }

    fn blank(&self) -> Vec<char> {
        vec![' '; self.cells as usize]
    }
}

fn rows(lane: &Lane, grid: &Grid) -> Vec<(String, Vec<char>)> {
    let name = lane.name.clone();
    match &lane.track {
        Track::Input { raw, reported, .. } => {
            vec![(format!("{name} raw"), wave(raw, grid)), (name, wave(reported, grid))]
        }
        Track::Output { levels } => vec![(name, wave(levels, grid))],
        Track::Sensor { values, decimals, .. } => vec![(name, curve(values, *decimals, grid))],
        Track::Variable { values } => vec![(name, numbers(values, grid))],
        Track::Scenario { runs, skips } => vec![(name, bars(runs, skips, grid))],
        Track::Message { sends } => {
            let mut cells = grid.blank();
            sends.iter().for_each(|send| cells[grid.cell(send.at)] = '◆');
            vec![(name, cells)]
        }
    }
}

/// A level: low, high, or both within a column.
fn wave(changes: &[(u64, Option<bool>)], grid: &Grid) -> Vec<char> {
    (0..grid.cells)
        .map(|cell| {
            let mut known = known_in(changes, cell, grid);
            let (first, second, third) = (known.next(), known.next(), known.next());
            match (second.or(first), third) {
                (None, _) => ' ',
                (Some(true), None) => '▆',
                (Some(false), None) => '▁',
                // It was somewhere else in between.
                (Some(_), Some(_)) => '▒',
            }
        })
        .collect()
}

/// What was known within a column, from its beginning on: also what was known for a moment only, as nobody knows what
/// comes behind the last record before a power cut.
fn known_in<T: Copy>(
    changes: &[(u64, Option<T>)],
    cell: u64,
    grid: &Grid,
) -> impl DoubleEndedIterator<Item = T> {
    let begin = grid.begin(cell);
    let [at_begin, behind] =
        [changes.partition_point(|(at, _)| *at < begin), changes.partition_point(|(at, _)| *at <= begin)];
    let end = behind + changes[behind..].partition_point(|(at, _)| grid.cell(*at) as u64 <= cell);
    let last = |changes: &[(u64, Option<T>)]| changes.iter().rev().find_map(|(_, value)| *value);
    let first = value_at(changes, begin).or_else(|| last(&changes[at_begin..behind]));
    first.into_iter().chain(changes[behind..end].iter().filter_map(|(_, value)| *value))
}

/// A number as a curve, its greatest and least value behind its name's place.
fn curve(values: &[(u64, Option<i32>)], decimals: u8, grid: &Grid) -> Vec<char> {
    let known = || values.iter().filter_map(|(_, value)| *value);
    let (Some(least), Some(most)) = (known().min(), known().max()) else { return grid.blank() };
    let range = (i64::from(most) - i64::from(least)).max(1);
    let mut cells: Vec<char> = (0..grid.cells)
        .map(|cell| {
            known_in(values, cell, grid)
                .next_back()
                .map_or(' ', |value| BARS[((i64::from(value) - i64::from(least)) * 7 / range) as usize])
        })
        .collect();
    let text = if least == most {
        format!(" {}", number(most, decimals))
    } else {
        format!(" {} to {}", number(least, decimals), number(most, decimals))
    };
    write_at(&mut cells, (grid.cells as usize).saturating_sub(text.chars().count()), &text);
    cells
}

/// A number with its values where they change.
fn numbers(values: &[(u64, Option<i32>)], grid: &Grid) -> Vec<char> {
    let (mut cells, mut free) = (grid.blank(), 0);
    for (at, value) in values {
        let from = grid.cell(*at);
        cells[from.max(free)..].fill(if value.is_some() { '─' } else { ' ' });
        match value.map(|value| value.to_string()) {
            // Two numbers without a space between would be one.
            Some(text) if from >= free => {
                write_at(&mut cells, from, &text);
                free = (from + text.chars().count() + 1).min(cells.len());
            }
            Some(_) => cells[from.max(free) - 1] = '…',
            None => {}
        }
    }
    cells
}

/// Runs as bars, how many where there are several at once; occurrences without a run as crosses.
fn bars(runs: &[Run], skips: &[u64], grid: &Grid) -> Vec<char> {
    let mut counts = vec![0_usize; grid.cells as usize];
    for run in runs {
        let (from, to) = (grid.cell(run.from), run.to.map_or(grid.cells as usize - 1, |to| grid.cell(to)));
        counts[from..=to].iter_mut().for_each(|count| *count += 1);
    }
    let mut cells: Vec<char> = counts.into_iter().map(|count| if count == 0 { ' ' } else { '━' }).collect();
    for run in runs {
        cells[grid.cell(run.from)] = '┣';
    }
    for at in skips {
        cells[grid.cell(*at)] = '×';
    }
    cells
}

/// What concerns the node, in a few rows. Near the end the words stand in front of their place.
fn marks(recording: &Recording, grid: &Grid) -> Vec<Vec<char>> {
    let fits = |at: usize, len: usize| at + len < grid.cells as usize;
    let labels = labels::place(&recording.marks, |mark| {
        let (at, len) = (grid.cell(mark.at), mark.what.to_string().len());
        let from = if fits(at, len) { at } else { at.saturating_sub(len) };
        (from, from + len + 2)
    });
    let mut rows = vec![grid.blank(); labels::rows(&labels)];
    for label in &labels {
        let (at, what) = (grid.cell(label.mark.at), label.mark.what.to_string());
        let text = if fits(at, what.len()) { format!("│{what}") } else { format!("{what}│") };
        write_at(&mut rows[label.row], label.from, &text);
    }
    rows
}

/// A ruler and its labels.
fn axis(recording: &Recording, grid: &Grid) -> [Vec<char>; 2] {
    let (mut ruler, mut labels) = (vec!['─'; grid.cells as usize], grid.blank());
    let mut free = 0;
    for (at, label) in ticks(recording, (grid.cells / 14).max(2)) {
        let cell = grid.cell(at);
        ruler[cell] = '┴';
        let len = label.chars().count();
        let from = cell.saturating_sub(len / 2).min((grid.cells as usize).saturating_sub(len));
        if from >= free {
            write_at(&mut labels, from, &label);
            free = from + len + 1;
        }
    }
    [ruler, labels]
}

fn write_at(cells: &mut [char], from: usize, text: &str) {
    let room = cells.get_mut(from..).unwrap_or_default();
    room.iter_mut().zip(text.chars()).for_each(|(cell, letter)| *cell = letter);
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
