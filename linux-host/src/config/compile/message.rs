//! Messages: `{name}` in text and data becomes a place for a value that the engine freezes.

use std::ops::Range;

use campanile_core::decision::Values;
use campanile_core::id::TemplateId;
use campanile_core::program::code::Op;
use campanile_delivery::symbols::{Datum, Kind, Message, Part, Slot};
use serde_json::Value;

use super::super::expr::{Named, Names, suggestion_of_line};
use super::super::file::SendAction;
use super::super::read::{At, Report};
use super::super::source::Diagnostic;
use super::code::bytes;
use super::names::Tables;

/// The messages of all scenarios, each different one once.
#[derive(Default)]
pub(super) struct Messages(Vec<Message>);

/// The expressions behind a `Send`, and what they name.
type Sent = (TemplateId, Vec<Vec<u8>>, Vec<Named>);

impl Messages {
    pub(super) fn all(&self) -> Vec<Message> {
        self.0.clone()
    }

    /// The message of a `send`; `None` after an error.
    pub(super) fn send(
        &mut self,
        send: &SendAction,
        tables: &Tables,
        report: &mut Report<'_>,
    ) -> Option<Sent> {
        let before = report.count();
        let mut values = Frozen { tables, slots: Vec::new(), ops: Vec::new(), named: Vec::new() };
        let text = send.text.as_ref().map(|text| values.parts(text, report));
        let facts = send
            .data
            .iter()
            .flat_map(|data| data.value.0.iter().map(|(key, value)| (&data.span, key, value)));
        let data = facts.map(|(span, key, value)| {
            let datum = match value {
                Value::String(text) => {
                    let text = At { value: text.clone(), span: span.clone() };
                    match values.parts(&text, report).as_slice() {
                        [Part::Value(place)] => Datum::Value(*place),
                        [Part::Text(text)] => Datum::Constant(Value::String(text.clone())),
                        [] => Datum::Constant(value.clone()),
                        parts => Datum::Text(parts.to_vec()),
                    }
                }
                constant => Datum::Constant(constant.clone()),
            };
            (key.clone(), datum)
        });
        let data = data.collect();
        if values.slots.len() > Values::MAX {
            report.push(
                Diagnostic::error(send.span.clone(), format!("{} values in one message", values.slots.len()))
                    .label(format!("up to {} different ones", Values::MAX))
                    .help("send two messages, or leave out what receivers know from the states"),
            );
        }
        if report.count() > before {
            return None;
        }
        let Frozen { slots, ops, named, .. } = values;
        let message = Message { name: send.name.value.0.clone(), values: slots, text, data };
        let place = self.0.iter().position(|known| *known == message).unwrap_or_else(|| {
            self.0.push(message);
            self.0.len() - 1
        });
        match u8::try_from(place) {
            Ok(id) => Some((TemplateId(id), ops, named)),
            Err(_) => {
                report.push(
                    Diagnostic::error(send.name.span.clone(), "more than 256 different messages")
                        .label("one too many"),
                );
                None
            }
        }
    }
}

/// The values of one message.
struct Frozen<'t> {
    tables: &'t Tables,
    slots: Vec<Slot>,
    ops: Vec<Vec<u8>>,
    named: Vec<Named>,
}

impl Frozen<'_> {
    /// Splits a text at its `{name}`s; `{{` and `}}` are braces.
    fn parts(&mut self, text: &At<String>, report: &mut Report<'_>) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(rest) = text.value.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with("{{") && rest.contains("}}") {
                let span = report.part(text, at..at + 2);
                report.push(
                    Diagnostic::warning(span, "text between {{ and }} is sent literally")
                        .label("a brace, no value")
                        .help("{name} stands for a value"),
                );
            }
            if rest.starts_with("{{") || rest.starts_with("}}") {
                plain.push_str(&rest[..1]);
                at += 2;
            } else if let Some(inner) = rest.strip_prefix('{') {
                let Some(len) = inner.find('}') else {
                    self.wrong(text, at..text.value.len(), "a } is missing", report);
                    break;
                };
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                let name = inner[..len].trim();
                parts.extend(self.place(name, text, at + 1..at + 1 + len, report).map(Part::Value));
                at += len + 2;
            } else if rest.starts_with('}') {
                self.wrong(text, at..at + 1, "a } without a {", report);
                at += 1;
            } else {
                let len = rest.find(['{', '}']).unwrap_or(rest.len());
                plain.push_str(&rest[..len]);
                at += len;
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        parts
    }

    fn wrong(&self, text: &At<String>, part: Range<usize>, what: &str, report: &mut Report<'_>) {
        let span = report.part(text, part);
        report.push(
            Diagnostic::error(span, what)
                .label("here")
                .help("{name} stands for a value; braces themselves are {{ and }}"),
        );
    }

    /// The place of a value, a new one if it has none yet.
    fn place(
        &mut self,
        name: &str,
        text: &At<String>,
        part: Range<usize>,
        report: &mut Report<'_>,
    ) -> Option<u8> {
        const WORDS: [(&str, Op); 3] =
            [("hour", Op::Hour {}), ("minute", Op::Minute {}), ("weekday", Op::Weekday {})];
        if let Some(place) = self.slots.iter().position(|slot| slot.name == name) {
            return u8::try_from(place).ok();
        }
        let found = self.tables.find(name);
        let whole = Kind::Number { decimals: 0 };
        let (op, kind) = match found {
            Some(Named::Input(input)) => (Op::Input { input }, Kind::Level),
            Some(Named::Output(output)) => (Op::Output { output }, Kind::Level),
            Some(Named::Sensor(sensor, decimals)) => (Op::Sensor { sensor }, Kind::Number { decimals }),
            Some(Named::Variable(var)) => (Op::Var { var }, whole),
            None => match WORDS.into_iter().find(|(word, _)| *word == name) {
                Some((_, op)) => (op, whole),
                None => {
                    if self.tables.is_whole() {
                        let span = report.part(text, part);
                        report.push(
                            Diagnostic::error(span, format!("unknown name `{name}`"))
                                .label("here")
                                .help(suggestion_of_line(name, &self.tables.all(), self.tables))
                                .may_follow(),
                        );
                    }
                    return None;
                }
            },
        };
        self.named.extend(found);
        self.slots.push(Slot { name: name.to_owned(), kind });
        let link = self.tables.satellite(name).map(|peer| bytes(&Op::WhileUp { peer })).unwrap_or_default();
        self.ops.push([bytes(&op), link, bytes(&Op::End {})].concat());
        u8::try_from(self.slots.len() - 1).ok()
    }
}
