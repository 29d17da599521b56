//! The pin as an oscilloscope would show it: one line of text from the raw edges of an episode.

use std::fmt::Write as _;

/// Characters of one trace.
const WIDTH: usize = 46;
/// A trace is at least this long, so that a clean edge does not look like noise.
const LEAST_US: u64 = 1_000;

/// What levels are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// For terminals that know more than ASCII.
    Unicode,
    /// For the others.
    Ascii,
}

impl Glyphs {
    /// What the environment says about its characters.
    pub fn detect() -> Self {
        let set = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|v| !v.is_empty());
        let utf8 = set.is_some_and(|v| v.to_ascii_lowercase().replace('-', "").contains("utf8"));
        if utf8 { Self::Unicode } else { Self::Ascii }
    }

    const fn level(self, on: bool) -> char {
        match (self, on) {
            (Self::Unicode, true) => '▔',
            (Self::Unicode, false) => '▁',
            (Self::Ascii, true) => '"',
            (Self::Ascii, false) => '_',
        }
    }

    /// A cell in which the line moved, once or more often than the cell can show.
    const fn moved(self, often: bool) -> char {
        match (self, often) {
            (Self::Unicode, false) => '│',
            (Self::Unicode, true) => '┃',
            (Self::Ascii, false) => '|',
            (Self::Ascii, true) => '#',
        }
    }

    /// Between things that happened one after the other.
    pub const fn dot(self) -> &'static str {
        match self {
            Self::Unicode => " · ",
            Self::Ascii => " - ",
        }
    }

    /// Where the decision fell.
    pub const fn mark(self) -> char {
        match self {
            Self::Unicode => '▲',
            Self::Ascii => '^',
        }
    }
}

/// A trace and its scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The line, always of the same width.
    pub line: String,
    /// Microseconds from the first edge to the right end.
    pub span_us: u64,
    /// The cell in which the first edge is.
    lead: usize,
}

impl Trace {
    /// Draws edges: microseconds and the level after it, the first one at zero.
    pub fn draw(edges: &[(u64, bool)], glyphs: Glyphs) -> Self {
        let last = edges.last().map_or(0, |(at, _)| *at);
        let span_us = LEAST_US.max(last + last / 4);
        let lead = WIDTH / 10;
        let cells = WIDTH - lead;
        let mut level = edges.first().is_some_and(|(_, on)| !on);
        let mut line = String::new();
        (0..lead).for_each(|_| line.push(glyphs.level(level)));
        let mut rest = edges.iter().peekable();
        for cell in 0..cells {
            let end = span_us * (cell as u64 + 1) / cells as u64;
            let mut moves = 0;
            while let Some((_, on)) = rest.next_if(|(at, _)| *at < end) {
                level = *on;
                moves += 1;
            }
            line.push(if moves == 0 { glyphs.level(level) } else { glyphs.moved(moves > 1) });
        }
        Self { line, span_us, lead }
    }

    /// A line to stand below, with a mark `at_us` after the first edge, and `words` behind it. What is beyond the right
    /// end is marked at the end.
    pub fn mark(&self, at_us: u64, glyphs: Glyphs, words: &str) -> String {
        let cells = (WIDTH - self.lead) as u64;
        let cell = (at_us * cells / self.span_us).min(cells - 1) as usize + self.lead;
        let mut line = " ".repeat(cell);
        let _ = write!(line, "{}", glyphs.mark());
        // Long words stand in front of the mark, so that lines stay short.
        let len = words.chars().count();
        if cell + len + 2 <= WIDTH || cell < len + 1 {
            let _ = write!(line, " {words}");
            line
        } else {
            format!("{}{words} {}", " ".repeat(cell - len - 1), glyphs.mark())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bouncing_press_looks_like_one() {
        let edges = [(0, true), (120, false), (260, true), (700, false), (760, true)];
        let trace = Trace::draw(&edges, Glyphs::Unicode);
        assert_eq!(trace.span_us, 1_000);
        assert_eq!(trace.line, "▁▁▁▁│▔▔▔▔│▁▁▁▁│▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔│▁│▔▔▔▔▔▔▔▔▔▔");
        let plain = Trace::draw(&edges, Glyphs::Ascii);
        assert_eq!(
            plain.line,
            "____|\"\"\"\"|____|\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"|_|\"\"\"\"\"\"\"\"\"\""
        );
        assert!(plain.line.is_ascii());
    }

    #[test]
    fn all_traces_have_one_width_whatever_happens() {
        let storm: Vec<_> = (0..5_000).map(|i| (i, i % 2 == 0)).collect();
        for edges in [&[][..], &[(0, false)], &[(0, true), (u64::from(u32::MAX), false)], &storm] {
            assert_eq!(Trace::draw(edges, Glyphs::Unicode).line.chars().count(), WIDTH);
        }
    }

    #[test]
    fn a_mark_stands_below_its_time_and_words_never_leave_the_line() {
        let trace = Trace::draw(&[(0, true), (800, true)], Glyphs::Ascii);
        assert_eq!(trace.mark(0, Glyphs::Ascii, "on"), "    ^ on");
        assert_eq!(trace.mark(500, Glyphs::Ascii, "decided"), format!("{}^ decided", " ".repeat(25)));
        let late = trace.mark(30_000, Glyphs::Ascii, "decided after 30 ms");
        assert_eq!((late.len(), late.ends_with("30 ms ^")), (WIDTH, true));
    }
}
