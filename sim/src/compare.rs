//! Compares a trace with the expected one and says where they part.
//!
//! Lines are compared by their words: how many blanks stand between them does not count, so that a line seen in the
//! field (whose columns may be wider) can be pasted into a case. Empty lines and lines that begin with `#` are not
//! expected to appear. What comes after the last expected line is a difference, as is what is missing.

use std::fmt;

/// How many lines before the difference are shown.
const CONTEXT: usize = 4;

/// Where a trace parts from the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which expected line, counted from 1 without comments and empty lines.
    pub line: usize,
    /// What should be there; `None`: nothing more.
    pub expected: Option<String>,
    /// What is there; `None`: nothing more.
    pub found: Option<String>,
    /// The lines before, which agree; the last few.
    pub before: Vec<String>,
}

/// The first difference, if there is one.
#[must_use]
pub fn first_difference(expected: &str, found: &str) -> Option<Difference> {
    let expected: Vec<&str> = meaningful(expected);
    let found: Vec<&str> = meaningful(found);
    let at = (0..expected.len().max(found.len()))
        .find(|&at| !same(expected.get(at).copied(), found.get(at).copied()))?;
    Some(Difference {
        line: at + 1,
        expected: expected.get(at).map(ToString::to_string),
        found: found.get(at).map(ToString::to_string),
        before: found[at.saturating_sub(CONTEXT)..at].iter().map(ToString::to_string).collect(),
    })
}

fn meaningful(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.split_whitespace().eq(other.split_whitespace()),
        (None, None) => true,
        _ => false,
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the trace differs at line {}:", self.line)?;
        for line in &self.before {
            writeln!(f, "    {line}")?;
        }
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => writeln!(f, "  - {expected}\n  + {found}")?,
            (Some(expected), None) => {
                writeln!(f, "  - {expected}\n  + (nothing more: the trace ends too soon)")?;
            }
            (None, Some(found)) => writeln!(f, "  - (nothing more was expected)\n  + {found}")?,
            (None, None) => {}
        }
        write!(f, "  - expected, + found")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str =
        "0.002500  button on           onset 0.000000\n0.002500  chime on            by ring\n";

    #[test]
    fn blanks_comments_and_empty_lines_do_not_count() {
        let expected = "# the press\n\n  0.002500 button on onset 0.000000\n0.002500\tchime on by ring";
        assert_eq!(first_difference(expected, TRACE), None);
    }

    #[test]
    fn a_changed_line_is_shown_with_what_came_before() {
        let difference =
            first_difference(&TRACE.replace("chime on", "chime off"), TRACE).expect("they differ");
        assert_eq!(difference.line, 2);
        let text = difference.to_string();
        assert!(text.contains("- 0.002500  chime off"), "{text}");
        assert!(text.contains("+ 0.002500  chime on"), "{text}");
        assert!(text.contains("    0.002500  button on"), "{text}");
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_are_differences() {
        let (first, _) = TRACE.split_once('\n').expect("two lines");
        assert!(first_difference(TRACE, first).expect("too short").to_string().contains("ends too soon"));
        assert!(
            first_difference(first, TRACE)
                .expect("too long")
                .to_string()
                .contains("nothing more was expected")
        );
        assert_eq!(first_difference("", ""), None);
    }
}
