//! Templates: text with places such as `{name}`, which a message fills.

use super::fields::Fields;

/// What can stand between braces, besides `data.KEY`.
pub const PLACES: [&str; 13] =
    ["node", "kind", "name", "value", "text", "time", "clock", "boot", "seq", "id", "count", "since", "late"];

/// A text whose places were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// How what is filled in is written, so that it stays one value whatever is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    Plain,
    /// Within the quotes of a JSON string.
    Json,
    /// A part of a URL or of a form.
    Percent,
}

impl Template {
    /// Reads a template. A brace that begins no place, as those of JSON, is a brace.
    ///
    /// # Errors
    /// A word between braces that has no meaning.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut plain = String::new();
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            match place(from) {
                Some(word) => {
                    if !PLACES.contains(&word) && !word.starts_with("data.") {
                        return Err(format!("{{{word}}} cannot be used here"));
                    }
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(Part::Place(word.to_owned()));
                    rest = &from[word.len() + 2..];
                }
                None => {
                    plain.push('{');
                    rest = &from[1..];
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Whether it begins so, whatever it is filled with.
    pub fn begins_with(&self, letter: char) -> bool {
        matches!(self.0.first(), Some(Part::Text(text)) if text.starts_with(letter))
    }

    /// Whether it is just this text, whatever it is filled with.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.0.as_slice(), [Part::Text(only)] if only == text)
    }

    /// Whether this place is in it.
    pub fn has(&self, place: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Place(word) if word == place))
    }

    /// Whether it is the same for every message.
    pub fn is_fixed(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The text, filled; a place that a message has nothing for is empty.
    pub fn fill(&self, fields: &Fields, escape: Escape) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place(place) => escape.put(&fields.get(place).unwrap_or_default(), &mut out),
            }
        }
        out
    }
}

/// The word of a place that a text begins with.
fn place(text: &str) -> Option<&str> {
    let (word, _) = text.strip_prefix('{')?.split_once('}')?;
    let of_a_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(of_a_word)).then_some(word)
}

impl Escape {
    fn put(self, value: &str, out: &mut String) {
        match self {
            Self::Plain => out.push_str(value),
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            }
            Self::Percent => percent(value, out),
        }
    }
}

/// RFC 3986: everything but the unreserved letters.
pub fn percent(value: &str, out: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::fields::testing::doorbell;

    fn filled(text: &str, escape: Escape) -> String {
        Template::parse(text).unwrap().fill(&Fields::of(&[doorbell("a \"b\" & ü", 7)]), escape)
    }

    #[test]
    fn places_are_filled_so_that_a_value_stays_a_value() {
        assert_eq!(filled("{name}: {text} ({seq})", Escape::Plain), "doorbell: a \"b\" & ü (7)");
        assert_eq!(
            filled("{\"t\":\"{text}\",\"n\":{}}", Escape::Json),
            "{\"t\":\"a \\\"b\\\" & ü\",\"n\":{}}"
        );
        assert_eq!(filled("/{name}?t={text}", Escape::Percent), "/doorbell?t=a%20%22b%22%20%26%20%C3%BC");
        assert_eq!(filled("{data.who}|{data.nobody}|{", Escape::Plain), "anna||{");
        assert_eq!(filled("{text}", Escape::Json), "a \\\"b\\\" & ü");
    }

    #[test]
    fn a_quote_at_the_edge_is_kept() {
        let fields = Fields::of(&[doorbell("\"x\"", 1)]);
        assert_eq!(Template::parse("{text}").unwrap().fill(&fields, Escape::Json), "\\\"x\\\"");
    }

    #[test]
    fn a_word_without_a_meaning_is_refused() {
        assert_eq!(Template::parse("{nmae}").unwrap_err(), "{nmae} cannot be used here");
        assert!(Template::parse("{\"a\": {}}").unwrap().is_fixed());
        assert!(!Template::parse("{name}").unwrap().is_fixed());
    }

    proptest::proptest! {
        #[test]
        fn json_stays_json_whatever_is_filled_in(text in ".{0,40}") {
            let filled = Template::parse("{\"a\":\"{text}\"}").unwrap().fill(&Fields::of(&[doorbell(&text, 1)]), Escape::Json);
            let read: serde_json::Value = serde_json::from_str(&filled).unwrap();
            proptest::prop_assert_eq!(read["a"].as_str(), Some(text.as_str()));
        }
    }
}
