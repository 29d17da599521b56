//! Where the labels of marks stand: in a few rows, none over another.

use crate::picture::recording::Mark;

/// Rows of labels at most.
const ROWS: usize = 3;

/// A label in its place. Lengths are in the unit of the picture: columns or pixels.
pub(super) struct Label<'a, T> {
    pub(super) mark: &'a Mark,
    pub(super) row: usize,
    /// From here to there, what keeps it apart from the next one included.
    pub(super) from: T,
    to: T,
}

/// Gives labels their rows, those that matter more first, so that a start never loses its name to what happened beside
/// it. `span` says from where to where a label reaches. What has no room in any row has no label.
pub(super) fn place<T: Copy + PartialOrd>(
    marks: &[Mark],
    span: impl Fn(&Mark) -> (T, T),
) -> Vec<Label<'_, T>> {
    let mut in_turn: Vec<&Mark> = marks.iter().collect();
    in_turn.sort_by_key(|mark| mark.what);
    let mut placed: Vec<Label<'_, T>> = Vec::new();
    for mark in in_turn {
        let (from, to) = span(mark);
        let taken =
            |row: usize| placed.iter().any(|other| other.row == row && from < other.to && other.from < to);
        if let Some(row) = (0..ROWS).find(|row| !taken(*row)) {
            placed.push(Label { mark, row, from, to });
        }
    }
    placed
}

/// How many rows they take.
pub(super) fn rows<T>(labels: &[Label<'_, T>]) -> usize {
    labels.iter().map(|label| label.row + 1).max().unwrap_or(0)
}
