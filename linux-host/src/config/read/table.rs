//! Tables of known keys, tables told apart by a key or a word, and single words.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::habits;
use super::super::secrets::keys;
use super::super::source::Diagnostic;
use super::{Node, Others, Read, Report, Rule, suggestion, wrong_kind};
use crate::nearest::nearest;

type Entry<'a> = (&'a Spanned<Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

/// The entries of a table as the author wrote them: ids follow the file, not the alphabet.
pub(super) fn in_order<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// A table of known keys while it is read.
pub struct Table<'a> {
    table: &'a DeTable<'a>,
    entries: Vec<Entry<'a>>,
    what: &'static str,
    span: Range<usize>,
    known: &'static [&'static str],
    rules: &'static [Rule],
    others: Others,
    /// It has its name from a header.
    named: bool,
}

impl<'a> Table<'a> {
    /// Opens a table, or says that it is none.
    pub fn open<T: Read>(node: Node<'a>, report: &mut Report<'_>) -> Option<Self> {
        match node.value() {
            DeValue::Table(table) => Some(Self {
                table,
                entries: in_order(table),
                what: T::WHAT,
                span: node.span(),
                known: T::KEYS,
                rules: T::RULES,
                named: ["an input", "an output", "a sensor"].contains(&T::WHAT),
                others: node.others,
            }),
            _ => {
                wrong_kind::<T>(node, report);
                None
            }
        }
    }

    fn get(&self, key: &str) -> Option<Node<'a>> {
        self.entries.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| (*value).into())
    }

    /// Whether nobody else knows a key.
    fn is_unknown(&self, key: &str) -> bool {
        !self.known.contains(&key)
            && match self.others {
                Others::None => true,
                Others::These(keys) => !keys.contains(&key),
                Others::AllUnknown => false,
            }
    }

    /// Whether a key was meant by one that nobody knows.
    fn is_meant(&self, key: &str) -> bool {
        let mut unknown = self.entries.iter().filter(|(name, _)| self.is_unknown(name.get_ref()));
        unknown.any(|(name, _)| match habits::refused(self.what, name.get_ref()) {
            Some(habit) => habit.meant == key,
            None => nearest(name.get_ref(), self.known.iter().copied()) == Some(key),
        })
    }

    /// A key that must be there.
    pub fn required<T: Read>(&self, key: &'static str, report: &mut Report<'_>) -> Option<T> {
        match self.get(key) {
            Some(node) => T::read(node, report).or_else(T::broken),
            // What was meant by another key is told there.
            None if self.is_meant(key) => T::broken(),
            None => {
                report.push(
                    Diagnostic::error(self.span.clone(), format!("`{key}` is missing in {}", self.what))
                        .label(format!("needs `{key}`: {}", T::WHAT))
                        .may_follow(),
                );
                T::broken()
            }
        }
    }

    /// A key that may be there.
    pub fn optional<T: Read>(&self, key: &'static str, report: &mut Report<'_>) -> Option<Option<T>> {
        Some(self.get(key).and_then(|node| T::read(node, report)))
    }

    /// A key with a default, written as in the file.
    pub fn default<T: Read>(
        &self,
        key: &'static str,
        default: &'static str,
        report: &mut Report<'_>,
    ) -> Option<T> {
        let stands_for = match self.get(key) {
            None => self.span.clone(),
            Some(node) => match T::read(node, report) {
                Some(read) => return Some(read),
                None => 0..0,
            },
        };
        let value = DeValue::parse(default).ok()?.into_inner();
        let Range { start, end } = stands_for;
        T::read(Node { value: &value, start, end, others: Others::None }, report)
    }

    /// A key that means "nothing" when it is not there.
    pub fn empty<T: Read + Default>(&self, key: &'static str, report: &mut Report<'_>) -> Option<T> {
        Some(self.get(key).and_then(|node| T::read(node, report).or_else(T::broken)).unwrap_or_default())
    }

    /// Refuses every key that nobody knows, and those that do not go together.
    pub fn close(self, report: &mut Report<'_>) {
        for wrong in self.rules.iter().filter_map(|rule| rule.check(self.table)) {
            report.push(wrong);
        }
        for (key, value) in &self.entries {
            let (name, span) = (key.get_ref(), key.span());
            if !self.is_unknown(name) {
                continue;
            }
            let diagnostic = Diagnostic::error(span, format!("unknown key `{name}` in {}", self.what));
            let near = nearest(name, self.known.iter().copied());
            if keys::is_secret(name) {
                report.hide(keys::leaves(value));
            }
            if habits::is_secret(self.what, name, near) {
                let help = habits::instead_of_secret(name, self.known);
                report.push(diagnostic.label("not here").help(help));
                continue;
            }
            report.push(match (habits::refused(self.what, name), near, value.get_ref()) {
                (Some(habit), ..) => diagnostic.label("not here").help(habit.help),
                (None, None, DeValue::Table(_)) if self.named => {
                    let help = "a point in a header begins a table within: names have none, such as [outputs.hall-lamp]";
                    diagnostic.label("unknown key").help(help)
                }
                _ => diagnostic.label("unknown key").help(suggestion(name, self.known.iter().copied())),
            });
        }
    }

    /// Which of these keys is there; the first if several are. Says it if none is.
    pub fn head(
        node: Node<'_>,
        what: &'static str,
        heads: &'static [&'static str],
        report: &mut Report<'_>,
    ) -> Option<usize> {
        let DeValue::Table(table) = node.value() else {
            report.push(
                Diagnostic::error(node.span(), format!("expected {what}, found {}", node.kind()))
                    .label(format!("this is {}", node.kind()))
                    .help(format!("{{ KEY = .. }}, with one of: {}", heads.join(", "))),
            );
            return None;
        };
        let head = heads.iter().position(|head| table.contains_key(*head));
        if head.is_none() {
            let keys = in_order(table);
            let near = keys.iter().find_map(|(key, _)| {
                let refused = habits::refused(what, key.get_ref()).map(|habit| habit.help.to_owned());
                let meant = || {
                    nearest(key.get_ref(), heads.iter().copied())
                        .map(|head| format!("did you mean `{head}`?"))
                };
                refused.or_else(meant).map(|help| (key.span(), help))
            });
            let (span, help) =
                near.unwrap_or_else(|| (node.span(), format!("it has one of: {}", heads.join(", "))));
            report.push(
                Diagnostic::error(span, format!("expected {what}")).label("of no known kind").help(help),
            );
        }
        head
    }
}

/// The key that tells the tables of a `kinds!` apart.
pub const KIND: &[&str] = &["kind"];

/// The word under `kind`.
pub fn kind<T: Read>(
    node: Node<'_>,
    words: &'static [&'static str],
    default: Option<&'static str>,
    report: &mut Report<'_>,
) -> Option<&'static str> {
    let DeValue::Table(table) = node.value() else {
        wrong_kind::<T>(node, report);
        return None;
    };
    let Some(kind) = table.get(KIND[0]) else {
        let meant = in_order(table).into_iter().find_map(|(key, _)| {
            habits::refused(T::WHAT, key.get_ref()).filter(|habit| habit.meant == KIND[0]).map(|_| key.span())
        });
        if let Some(span) = meant {
            report.push(
                Diagnostic::error(span, format!("`kind` is missing in {}", T::WHAT))
                    .label("write `kind`")
                    .help(format!("one of: {}", words.join(", "))),
            );
        } else if default.is_none() {
            report.push(
                Diagnostic::error(node.span(), format!("`kind` is missing in {}", T::WHAT))
                    .label("needs `kind`")
                    .help(format!("one of: {}", words.join(", ")))
                    .may_follow(),
            );
        }
        return default;
    };
    word::<T>(kind.into(), words, report)
}

/// One of a few words, or an error with the choices.
pub fn word<T: Read>(
    node: Node<'_>,
    words: &'static [&'static str],
    report: &mut Report<'_>,
) -> Option<&'static str> {
    let DeValue::String(text) = node.value() else {
        wrong_kind::<T>(node, report);
        return None;
    };
    let word = words.iter().find(|word| **word == text.as_ref()).copied();
    if word.is_none() {
        let meant = habits::meant(text).filter(|meant| words.contains(meant));
        let help = match meant.or_else(|| nearest(text, words.iter().copied())) {
            Some(near) if words.len() > 8 => format!("did you mean \"{near}\"?"),
            Some(near) => format!("did you mean \"{near}\"? one of: {}", words.join(", ")),
            None => format!("one of: {}", words.join(", ")),
        };
        report.push(
            Diagnostic::error(node.span(), format!("\"{text}\" is not {}", T::WHAT))
                .label("not one of the choices")
                .help(help),
        );
    }
    word
}
