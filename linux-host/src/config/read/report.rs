//! What is found while a text is read.

use std::ops::{Range, RangeInclusive};

use super::super::source::{Diagnostic, Severity, Source};
use super::At;

/// What has been found in a text so far.
pub struct Report<'s> {
    /// The text.
    pub source: &'s Source,
    found: Vec<Diagnostic>,
    syntax: Vec<Diagnostic>,
    /// Lines that are not TOML: what stands on them was guessed.
    broken: Vec<RangeInclusive<usize>>,
    /// Parts of the text that are shown to nobody.
    hidden: Vec<Range<usize>>,
}

impl<'s> Report<'s> {
    /// Nothing found yet.
    pub const fn new(source: &'s Source) -> Self {
        Self { source, found: Vec::new(), syntax: Vec::new(), broken: Vec::new(), hidden: Vec::new() }
    }

    /// Takes note.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Takes note of what is not TOML; beside it nothing else is said of its lines.
    pub fn push_syntax(&mut self, diagnostic: Diagnostic) {
        self.broken.push(self.lines(&diagnostic.span));
        self.syntax.push(diagnostic);
    }

    /// Shows parts of the text to nobody, whatever is said of them.
    pub fn hide(&mut self, parts: Vec<Range<usize>>) {
        self.hidden.extend(parts);
    }

    /// How many diagnostics there are so far.
    pub const fn count(&self) -> usize {
        self.found.len()
    }

    /// Whether nothing has been said about this part of the text.
    pub fn is_clean(&self, part: &Range<usize>) -> bool {
        !self.found.iter().any(|found| part.start <= found.span.start && found.span.end <= part.end)
    }

    /// Whether there is an error.
    pub fn has_errors(&self) -> bool {
        !self.syntax.is_empty() || self.found.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Where a part of a string's content stands: `part` counts bytes of the content. The whole value where escapes
    /// make the places differ.
    pub fn part(&self, text: &At<String>, part: Range<usize>) -> Range<usize> {
        self.within(&text.span, &text.value, part)
    }

    /// The same, of a value that stands at `span`.
    pub fn within(&self, span: &Range<usize>, content: &str, part: Range<usize>) -> Range<usize> {
        let quoted = self.source.text.get(span.clone()).unwrap_or_default();
        match quoted.find(content) {
            Some(at) if !content.is_empty() => span.start + at + part.start..span.start + at + part.end,
            _ => span.clone(),
        }
    }

    fn lines(&self, span: &Range<usize>) -> RangeInclusive<usize> {
        self.source.place(span.start).0..=self.source.place(span.end).0
    }

    /// The warnings, in the order of the text.
    ///
    /// # Errors
    /// The errors, in the order of the text, if there are any. Without the warnings, of which some would be wrong
    /// themselves, and without what an error of syntax may have caused.
    pub fn finish(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let wrong = self.has_errors();
        // Also those that only a diagnostic knows which is not told.
        let mut hidden = std::mem::take(&mut self.hidden);
        hidden
            .extend(self.found.iter().chain(&self.syntax).flat_map(|diagnostic| diagnostic.secrets.clone()));
        let guessed = |diagnostic: &Diagnostic| {
            let mine = self.lines(&diagnostic.span);
            let on_broken =
                self.broken.iter().any(|lines| lines.contains(mine.start()) || mine.contains(lines.start()));
            on_broken || diagnostic.may_follow && !self.broken.is_empty()
        };
        let told = |diagnostic: &Diagnostic| {
            !wrong || diagnostic.severity == Severity::Error && !guessed(diagnostic)
        };
        let mut found: Vec<_> = self.found.iter().filter(|diagnostic| told(diagnostic)).cloned().collect();
        found.append(&mut self.syntax);
        found.sort_by_key(|diagnostic| diagnostic.span.start);
        found.iter_mut().for_each(|diagnostic| diagnostic.secrets.clone_from(&hidden));
        if wrong { Err(found) } else { Ok(found) }
    }
}
