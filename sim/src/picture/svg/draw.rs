//! From times to pixels, and what is the same in all lanes.

use std::fmt::Write as _;

/// Where times lie.
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) right: f64,
    length: f64,
}

/// A part of a lane: drawn as it is, or too dense for that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part<T> {
    /// A value holds from here to there.
    Span(f64, f64, T),
    /// It changes more often than a pixel can show.
    Dense(f64, f64),
}

impl Plot {
    pub(super) fn new(left: f64, right: f64, length: u64) -> Self {
        Self { left, right, length: length.max(1) as f64 }
    }

    /// The last time.
    pub(super) fn end(&self) -> u64 {
        self.length as u64
    }

    /// The pixel of a time.
    pub(super) fn x(&self, at: u64) -> f64 {
        self.left + (at as f64 / self.length).min(1.0) * (self.right - self.left)
    }

    /// The spans of a value as they can be drawn: those that are narrower than a pixel are taken together.
    pub(super) fn parts<T: Copy>(&self, spans: impl Iterator<Item = (u64, u64, T)>) -> Vec<Part<T>> {
        let mut parts: Vec<Part<T>> = Vec::new();
        for (from, to, value) in spans {
            let (from, to) = (self.x(from), self.x(to));
            match parts.last_mut() {
                Some(Part::Dense(_, end)) if to - from < 1.0 && from - *end < 1.0 => *end = to,
                Some(Part::Span(first, end, _))
                    if to - from < 1.0 && *end - *first < 1.0 && from - *end < 1.0 =>
                {
                    let first = *first;
                    parts.pop();
                    parts.push(Part::Dense(first, to));
                }
                _ => parts.push(Part::Span(from, to, value)),
            }
        }
        parts
    }
}

/// About how wide a text of 11 pixels is.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.1
}

/// As much of a text as has room; empty if that is too little.
pub(super) fn fit(text: &str, room: f64) -> String {
    if text_width(text) <= room {
        return text.to_owned();
    }
    let chars = (room / 6.1) as usize;
    if chars < 4 {
        return String::new();
    }
    text.chars().take(chars - 1).chain(['…']).collect()
}

/// For text and attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Not allowed in XML, however it is written.
            '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}')
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// A rectangle that can be seen, however short the time.
pub(super) fn bar(svg: &mut String, class: &str, from: f64, to: f64, y: f64, height: f64, round: f64) {
    let width = (to - from).max(1.5);
    let round = round.min(width / 2.0);
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
    );
}

/// Words at a place, if there are any.
pub(super) fn words(svg: &mut String, class: &str, x: f64, y: f64, text: &str) {
    if !text.is_empty() {
        let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(text));
    }
}
