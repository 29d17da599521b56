//! What a firmware says with defmt: frames of numbers and arguments, whose texts are among the symbols of its ELF file. The
//! syntax of the texts is defmt-parser's; defmt-decoder would bring fifty packages more.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use defmt_parser::{DisplayHint, Fragment, ParserMode, TimePrecision, Type};
use serde::Deserialize;

use super::elf;

/// The form of the frames.
const WIRE_VERSION: &str = "4";
/// A list of things that take no bytes, as those of an empty struct, has no more than these: the length of any other is bounded
/// by what there is of its frame.
const EMPTY_MAX: usize = 64;

/// The texts of a firmware.
pub(super) struct Table {
    /// By their numbers, with what they are for.
    texts: BTreeMap<u16, Symbol>,
    /// How frames say when they were written.
    timestamp: Option<String>,
}

/// A symbol's name, which is JSON.
#[derive(Deserialize)]
struct Symbol {
    tag: String,
    data: String,
}

impl Table {
    /// Of the firmware's file.
    pub(super) fn of(elf: &[u8]) -> Result<Self, String> {
        let (mut texts, mut timestamp, mut version) = (BTreeMap::new(), None, None);
        for (name, value) in elf::symbols(elf)? {
            if let Some(said) = name.trim_matches('"').strip_prefix("_defmt_version_ = ") {
                version = Some(said);
            }
            let Ok(symbol) = serde_json::from_str::<Symbol>(name) else { continue };
            let Ok(number) = u16::try_from(value) else { continue };
            match symbol.tag.as_str() {
                "defmt_timestamp" => timestamp = Some(symbol.data),
                tag if tag.starts_with("defmt_") => drop(texts.insert(number, symbol)),
                _ => {}
            }
        }
        match version {
            Some(WIRE_VERSION) => Ok(Self { texts, timestamp }),
            Some(other) => Err(format!(
                "its defmt has version {other} of its form, and this campanile reads version {WIRE_VERSION}"
            )),
            None => Err("it says nothing with defmt: build the firmware with the feature `defmt`".to_owned()),
        }
    }

    /// A frame as a line, of which nothing is a command to the terminal; `None` if it is another firmware's.
    pub(super) fn line(&self, frame: &[u8]) -> Option<String> {
        let mut args = Args { table: self, bytes: frame };
        let symbol = args.symbol()?;
        let at = match &self.timestamp {
            Some(format) => args.text(format, None)?,
            None => String::new(),
        };
        let text = args.text(&symbol.data, None)?;
        let level = symbol.tag.trim_start_matches("defmt_").to_uppercase();
        args.bytes.is_empty().then(|| printable(&format!("{at} {level:5} {text}")))
    }
}

/// The same text with its control characters as a program would write them.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// What of a frame has not been read yet.
struct Args<'t, 'b> {
    table: &'t Table,
    bytes: &'b [u8],
}

/// An argument.
enum Value {
    Unsigned(u128),
    Signed(i128),
    Bytes(Vec<u8>),
    /// What has no more than one form.
    Text(String),
}

impl<'t> Args<'t, '_> {
    fn take(&mut self, len: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(taken)
    }

    fn unsigned(&mut self, len: usize) -> Option<u128> {
        let mut wide = [0; 16];
        wide.get_mut(..len)?.copy_from_slice(self.take(len)?);
        Some(u128::from_le_bytes(wide))
    }

    fn signed(&mut self, len: usize) -> Option<i128> {
        let unused = u32::try_from(128 - len * 8).ok()?;
        Some(self.unsigned(len)?.cast_signed() << unused >> unused)
    }

    fn len(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned(4)?).ok()
    }

    fn symbol(&mut self) -> Option<&'t Symbol> {
        self.table.texts.get(&u16::try_from(self.unsigned(2)?).ok()?)
    }

    /// A text with its arguments filled in. Numbers that do not say how they want to be written do so as `outer` says.
    fn text(&mut self, format: &str, outer: Option<&DisplayHint>) -> Option<String> {
        let fragments = defmt_parser::parse(format, ParserMode::ForwardsCompatible).ok()?;
        let mut types = BTreeMap::new();
        for fragment in &fragments {
            if let Fragment::Parameter(parameter) = fragment {
                let hint = parameter.hint.as_ref().or(outer);
                types.entry(parameter.index).or_insert((&parameter.ty, hint));
            }
        }
        let mut values = BTreeMap::new();
        for (index, (ty, hint)) in types {
            values.insert(index, self.value(ty, hint)?);
        }
        let mut text = String::new();
        for fragment in &fragments {
            match fragment {
                Fragment::Literal(literal) => text.push_str(literal),
                Fragment::Parameter(parameter) => {
                    values.get(&parameter.index)?.show(parameter.hint.as_ref().or(outer), &mut text);
                }
            }
        }
        Some(text)
    }

    fn value(&mut self, ty: &Type, hint: Option<&DisplayHint>) -> Option<Value> {
        Some(match ty {
            Type::U8 => Value::Unsigned(self.unsigned(1)?),
            Type::U16 => Value::Unsigned(self.unsigned(2)?),
            Type::U32 | Type::Usize => Value::Unsigned(self.unsigned(4)?),
            Type::U64 => Value::Unsigned(self.unsigned(8)?),
            Type::U128 => Value::Unsigned(self.unsigned(16)?),
            Type::I8 => Value::Signed(self.signed(1)?),
            Type::I16 => Value::Signed(self.signed(2)?),
            Type::I32 | Type::Isize => Value::Signed(self.signed(4)?),
            Type::I64 => Value::Signed(self.signed(8)?),
            Type::I128 => Value::Signed(self.signed(16)?),
            Type::Bool => Value::Text((self.unsigned(1)? != 0).to_string()),
            Type::Char => Value::Text(char::from_u32(u32::try_from(self.unsigned(4)?).ok()?)?.to_string()),
            Type::F32 => Value::Text(f32::from_le_bytes(*self.take(4)?.first_chunk()?).to_string()),
            Type::F64 => Value::Text(f64::from_le_bytes(*self.take(8)?.first_chunk()?).to_string()),
            Type::IStr => Value::Text(self.symbol()?.data.clone()),
            Type::Str => {
                let len = self.len()?;
                Value::Text(String::from_utf8(self.take(len)?.to_vec()).ok()?)
            }
            Type::U8Slice => {
                let len = self.len()?;
                Value::Bytes(self.take(len)?.to_vec())
            }
            Type::U8Array(len) => Value::Bytes(self.take(*len)?.to_vec()),
            Type::Debug | Type::Display => {
                let len = self.bytes.iter().position(|byte| *byte == 0xff)?;
                let text = String::from_utf8(self.take(len)?.to_vec()).ok()?;
                self.take(1)?;
                Value::Text(text)
            }
            Type::Format => {
                let symbol = self.symbol()?;
                Value::Text(self.variant(&symbol.data, hint)?)
            }
            Type::FormatSlice => {
                let len = self.len()?;
                Value::Text(self.list(len, hint)?)
            }
            Type::FormatArray(len) => Value::Text(self.list(*len, hint)?),
            Type::FormatSequence => {
                let mut text = String::new();
                while self.bytes.first_chunk()? != &[0, 0] {
                    let symbol = self.symbol()?;
                    text += &self.text(&symbol.data, hint)?;
                }
                self.take(2)?;
                Value::Text(text)
            }
            // Parts of a register: nothing here says them.
            Type::BitField(_) => return None,
        })
    }

    /// Of an enum the variant that it is; all else as it is.
    fn variant(&mut self, format: &str, hint: Option<&DisplayHint>) -> Option<String> {
        let variants = format.matches('|').count();
        if variants == 0 {
            return self.text(format, hint);
        }
        let len = if variants <= 0xff { 1 } else { 2 };
        let variant = usize::try_from(self.unsigned(len)?).ok()?;
        self.text(format.split('|').nth(variant)?, hint)
    }

    /// Things of one kind in a row.
    fn list(&mut self, len: usize, hint: Option<&DisplayHint>) -> Option<String> {
        let symbol = self.symbol()?;
        if len > self.bytes.len().max(EMPTY_MAX) {
            return None;
        }
        let things = (0..len).map(|_| self.variant(&symbol.data, hint)).collect::<Option<Vec<_>>>()?;
        Some(format!("[{}]", things.join(", ")))
    }
}

impl Value {
    /// Writes it as the hint says. A `String` takes everything.
    fn show(&self, hint: Option<&DisplayHint>, out: &mut String) {
        let _ = match (self, hint) {
            (Self::Text(text), _) => write!(out, "{text}"),
            (Self::Bytes(bytes), Some(DisplayHint::Ascii)) => write!(out, "b\"{}\"", bytes.escape_ascii()),
            (Self::Bytes(bytes), Some(DisplayHint::Hexadecimal { .. })) => write!(out, "{bytes:02x?}"),
            (Self::Bytes(bytes), _) => write!(out, "{bytes:?}"),
            (
                Self::Unsigned(value),
                Some(DisplayHint::Hexadecimal { alternate, uppercase, zero_pad: width }),
            ) => match (alternate, uppercase) {
                (false, false) => write!(out, "{value:0width$x}"),
                (false, true) => write!(out, "{value:0width$X}"),
                (true, false) => write!(out, "{value:#0width$x}"),
                (true, true) => write!(out, "{value:#0width$X}"),
            },
            (Self::Unsigned(value), Some(DisplayHint::Binary { alternate, zero_pad: width })) => {
                match alternate {
                    false => write!(out, "{value:0width$b}"),
                    true => write!(out, "{value:#0width$b}"),
                }
            }
            (Self::Unsigned(value), Some(DisplayHint::Octal { alternate, zero_pad: width })) => {
                match alternate {
                    false => write!(out, "{value:0width$o}"),
                    true => write!(out, "{value:#0width$o}"),
                }
            }
            (Self::Unsigned(value), Some(DisplayHint::Seconds(precision) | DisplayHint::Time(precision))) => {
                match precision {
                    TimePrecision::Micros => write!(out, "{}.{:06}", value / 1_000_000, value % 1_000_000),
                    TimePrecision::Millis => write!(out, "{}.{:03}", value / 1_000, value % 1_000),
                    TimePrecision::Seconds => write!(out, "{value}"),
                }
            }
            (Self::Unsigned(value), Some(DisplayHint::NoHint { zero_pad })) => {
                write!(out, "{value:0zero_pad$}")
            }
            (Self::Unsigned(value), _) => write!(out, "{value}"),
            (Self::Signed(value), _) => write!(out, "{value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let texts = [
            (1, "defmt_info", "start {=u64:x}, {=bool}, {=str}"),
            (2, "defmt_warn", "program {=u64:#010x}: {}"),
            (3, "defmt_derived", "Runs|Incomplete|Lost({=i16})"),
            (4, "defmt_error", "{1=u8} before {0=[u8]:a}, {1=u8:b}: {2=[?]:x}"),
            (5, "defmt_derived", "P {{ a: {=u8} }}"),
            (6, "defmt_info", "all of {=[?]}"),
            (7, "defmt_derived", "Nothing"),
        ];
        let texts = texts
            .into_iter()
            .map(|(number, tag, data)| (number, Symbol { tag: tag.to_owned(), data: data.to_owned() }));
        Table { texts: texts.collect(), timestamp: Some("{=u64:us}".to_owned()) }
    }

    fn frame(number: u16, args: &[&[u8]]) -> Vec<u8> {
        let at = 1_500_007u64.to_le_bytes();
        [&number.to_le_bytes()[..], &at, &args.concat()].concat()
    }

    #[test]
    fn frames_become_lines() {
        let start = frame(1, &[&0x2fu64.to_le_bytes(), &[1], &[2, 0, 0, 0], b"ok"]);
        assert_eq!(table().line(&start).unwrap(), "1.500007 INFO  start 2f, true, ok");
        let program = frame(2, &[&0xabcdu64.to_le_bytes(), &[3, 0, 2], &(-7i16).to_le_bytes()]);
        assert_eq!(table().line(&program).unwrap(), "1.500007 WARN  program 0x0000abcd: Lost(-7)");
        let list: [&[u8]; 6] = [&[2, 0, 0, 0], b"a\n", &[5], &[2, 0, 0, 0], &[5, 0], &[10, 255]];
        assert_eq!(
            table().line(&frame(4, &list)).unwrap(),
            "1.500007 ERROR 5 before b\"a\\n\", 101: [P { a: a }, P { a: ff }]"
        );
    }

    #[test]
    fn a_list_is_no_longer_than_what_there_is_of_it() {
        let list = |len: u32, thing: u8, things: &[u8]| {
            table().line(&frame(6, &[&len.to_le_bytes(), &[thing, 0], things]))
        };
        assert_eq!(list(2, 7, &[]).unwrap(), "1.500007 INFO  all of [Nothing, Nothing]");
        assert!(list(64, 7, &[]).is_some() && list(200, 5, &[0; 200]).is_some());
        for len in [65, 1_000_000, u32::MAX] {
            assert_eq!(list(len, 7, &[]), None, "{len} things without bytes");
            assert_eq!(list(len, 5, &[0; 64]), None, "{len} things in 64 bytes");
        }
    }

    #[test]
    fn a_text_is_no_command_to_the_terminal() {
        let said = "\u{1b}[2J\r\nok\u{9b}\u{7} \u{fc}";
        let len = u32::try_from(said.len()).unwrap().to_le_bytes();
        let start = frame(1, &[&0u64.to_le_bytes(), &[1], &len, said.as_bytes()]);
        assert_eq!(
            table().line(&start).unwrap(),
            "1.500007 INFO  start 0, true, \\u{1b}[2J\\r\\nok\\u{9b}\\u{7} \u{fc}"
        );
    }

    #[test]
    fn frames_of_another_firmware_are_none() {
        let whole = frame(2, &[&0xabcdu64.to_le_bytes(), &[3, 0, 1]]);
        assert!(table().line(&whole).is_some());
        for cut in 0..whole.len() {
            assert_eq!(table().line(&whole[..cut]), None, "{cut} bytes");
        }
        assert_eq!(table().line(&[whole.as_slice(), &[0]].concat()), None, "a byte too many");
        assert_eq!(table().line(&frame(99, &[])), None);
        assert_eq!(table().line(&frame(2, &[&[0; 8], &[3, 0, 9]])), None, "a variant that is none");
    }
}
