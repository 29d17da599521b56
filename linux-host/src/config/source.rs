//! A text that people wrote, and what is to be said about it: every error at once, each with file, line, column, a
//! caret, what is wrong and what would be right.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

/// A text and where it is from.
#[derive(Clone, Debug)]
pub struct Source {
    /// What to call it: the path as it was given.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// A text in memory.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The line in which a byte stands.
    pub fn line(&self, byte: usize) -> &str {
        let start = self.text.get(..byte).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let rest = self.text.get(start..).unwrap_or_default();
        rest.lines().next().unwrap_or_default()
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before.get(start..).unwrap_or_default().chars().count() + 1)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// It works, and is likely not what was meant.
    Warning,
}

/// One thing that is to be said about a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// Beside the caret.
    pub label: String,
    /// What would be right.
    pub help: Option<String>,
    /// Another place that has to do with it.
    pub other: Option<(Range<usize>, String)>,
    /// It may be no more than what another error left behind.
    pub may_follow: bool,
    /// Secrets that stand in the text, and are shown to nobody.
    pub secrets: Vec<Range<usize>>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            span,
            message: message.into(),
            label: String::new(),
            help: None,
            other: None,
            may_follow: false,
            secrets: Vec::new(),
        }
    }

    /// With a secret that is not shown.
    #[must_use]
    pub fn hide(mut self, secret: Range<usize>) -> Self {
        self.secrets.push(secret);
        self
    }

    /// May be no more than what another error left behind.
    #[must_use]
    pub fn may_follow(self) -> Self {
        Self { may_follow: true, ..self }
    }

    /// A warning at a place.
    pub fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    /// With words beside the caret.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// With what would be right.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// With another place that has to do with it.
    #[must_use]
    pub fn other(self, span: Range<usize>, label: impl Into<String>) -> Self {
        Self { other: Some((span, label.into())), ..self }
    }
}

/// Diagnostics in the order of the text, errors and warnings together, as a person reads them.
pub fn render(source: &Source, diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let source = without_secrets(source, diagnostics);
    let mut text = String::new();
    for diagnostic in diagnostics {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}\n", renderer.render(&[group(&source, diagnostic)]));
    }
    text
}

/// The text with stars for secrets, which may stand on the line of any diagnostic.
fn without_secrets<'s>(source: &'s Source, diagnostics: &[Diagnostic]) -> Cow<'s, Source> {
    let mut shown = Cow::Borrowed(source);
    // Most of them know of all.
    let secrets = diagnostics.iter().flat_map(|diagnostic| &diagnostic.secrets);
    let secrets: BTreeSet<_> = secrets.map(|secret| (secret.start, secret.end)).collect();
    for (start, end) in secrets {
        if let Some(written) = source.text.get(start..end) {
            shown.to_mut().text.replace_range(start..end, &stars(written));
        }
    }
    shown
}

/// As many bytes on as many lines, so that all the rest keeps its place.
fn stars(written: &str) -> String {
    let star = |letter: char| if matches!(letter, '\n' | '\r') { letter } else { '*' };
    written.chars().flat_map(|letter| std::iter::repeat_n(star(letter), letter.len_utf8())).collect()
}

fn group<'a>(source: &'a Source, diagnostic: &'a Diagnostic) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let clip = |span: &Range<usize>| {
        let end = span.end.min(source.text.len());
        span.start.min(end)..end
    };
    let mut primary = AnnotationKind::Primary.span(clip(&diagnostic.span));
    if !diagnostic.label.is_empty() {
        primary = primary.label(&diagnostic.label);
    }
    let mut snippet = Snippet::source(&source.text).path(&source.name).annotation(primary);
    if let Some((span, label)) = &diagnostic.other {
        snippet = snippet.annotation(AnnotationKind::Context.span(clip(span)).label(label));
    }
    let group = level.primary_title(&diagnostic.message).element(snippet);
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    }
}

/// One diagnostic for programs.
pub fn to_json(source: &Source, diagnostic: &Diagnostic) -> Value {
    let (line, column) = source.place(diagnostic.span.start);
    let (end_line, end_column) = source.place(diagnostic.span.end);
    json!({
        "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "file": source.name,
        "line": line,
        "column": column,
        "end-line": end_line,
        "end-column": end_column,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "help": diagnostic.help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_several_lines_leaves_all_the_rest_in_its_place() {
        let source = Source::new("house", "a = \"\"\"hunter2\nhünter2\"\"\" # b\nc = 1\n");
        let end = source.text.find(" #").unwrap();
        let diagnostics = [Diagnostic::error(0..1, "x").hide(4..end).hide(4..7)];
        let shown = without_secrets(&source, &diagnostics);
        assert_eq!(shown.text, "a = **********\n*********** # b\nc = 1\n");
        assert_eq!(shown.text.len(), source.text.len());
    }
}
