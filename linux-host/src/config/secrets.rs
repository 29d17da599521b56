//! Secrets that people write into the file by mistake: which parts of it are shown to nobody, whatever is said of them.

pub(super) mod keys;
pub(super) mod pem;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::keys::is_secret;
use super::file::{HeaderSecret, House, Sink};
use super::habits;
use super::read::{KIND, Read};
use crate::secret::{is_path, is_variable};

/// Keys whose value is an address, also without a scheme.
const ADDRESSES: [&str; 2] = ["url", "endpoint"];

/// The table of a webhook's headers.
const HEADERS: &str = "headers";

/// The parts of a text that are shown to nobody, as far as its tables could be made out: in sinks all that stands under
/// keys which no sink has, or where a secret's place belongs and none is; what looks like a secret in tables that nobody
/// knows; and of addresses all but scheme and host.
pub(super) fn of(root: &DeTable<'_>, text: &str) -> Vec<Range<usize>> {
    let mut hidden = Hidden { text, parts: Vec::new() };
    for (key, value) in root.iter() {
        let key: &str = key.get_ref();
        match key {
            "sinks" => hidden.sinks(value),
            key if House::KEYS.contains(&key) => {}
            key => hidden.value(key, !is_secret(key), value),
        }
    }
    hidden.parts
}

/// Where on a line that is not TOML begins what is shown to nobody: behind a key of a secret, or behind the host of an
/// address.
pub(super) fn on_line(line: &str) -> Option<usize> {
    let of_a_key = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let mut behind = None;
    let mut rest = line;
    while let Some(at) = rest.find(of_a_key) {
        let (_, from) = rest.split_at(at);
        let (word, after) = from.split_at(from.find(|letter: char| !of_a_key(letter)).unwrap_or(from.len()));
        rest = after;
        if is_secret(word) {
            behind = Some(line.len() - after.trim_start_matches([' ', '\t', '=', ':']).len());
            break;
        }
    }
    let address = behind_host(line, false).map(|part| part.start);
    behind.into_iter().chain(address).min().filter(|start| *start < line.len())
}

/// What of an address is shown to nobody, if it is one: all behind its host and port, and what is no port.
fn behind_host(written: &str, is_address: bool) -> Option<Range<usize>> {
    const QUOTES: [char; 2] = ['"', '\''];
    let end = written.trim_end_matches(QUOTES).len();
    let begin = match written.find("://") {
        Some(at) => at + "://".len(),
        None if is_address => written.len() - written.trim_start_matches(QUOTES).len(),
        None => return None,
    };
    let rest = written.get(begin..end)?;
    let of_a_place =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':' | '{' | '}');
    let (place, _) = rest.split_at(rest.find(|c: char| !of_a_place(c)).unwrap_or(rest.len()));
    let shown = match place.rsplit_once(':') {
        // Behind the name of a user stands a password.
        _ if rest.contains('@') => 0,
        // A bare [::1] ends in a bracket, so what is behind its last colon is no port.
        Some((host, port)) if !port.ends_with(']') && port.parse::<u16>().is_err() => host.len(),
        _ => place.len(),
    };
    (shown < rest.len()).then_some(begin + shown..end)
}

/// Where the key of a sink says that a secret is.
enum Place {
    /// In a file.
    File,
    /// In the environment.
    Variable,
}

impl Place {
    /// What a key names.
    fn of(key: &str) -> Option<Self> {
        match key {
            "env" => Some(Self::Variable),
            key if key.ends_with("-env") => Some(Self::Variable),
            "file" => Some(Self::File),
            key if key.ends_with("-file") || is_secret(key) => Some(Self::File),
            _ => None,
        }
    }

    /// Whether a text is one, and not the secret itself.
    fn is(&self, text: &str) -> bool {
        match self {
            Self::File => is_path(text),
            Self::Variable => is_variable(text),
        }
    }
}

/// What has been found so far.
struct Hidden<'t> {
    text: &'t str,
    parts: Vec<Range<usize>>,
}

impl Hidden<'_> {
    fn sinks(&mut self, sinks: &Spanned<DeValue<'_>>) {
        match sinks.get_ref() {
            DeValue::Table(sinks) => {
                for (name, sink) in sinks.iter() {
                    let name: &str = name.get_ref();
                    match sink.get_ref() {
                        DeValue::Table(table) => self.sink(table),
                        // A key that stands above the name of its sink.
                        _ => self.value(name, is_known(name, &Sink::keys(None)), sink),
                    }
                }
            }
            // As those write it who take the sinks for a list.
            DeValue::Array(sinks) => {
                for sink in sinks.iter() {
                    match sink.get_ref() {
                        DeValue::Table(table) => self.sink(table),
                        _ => self.parts.push(sink.span()),
                    }
                }
            }
            _ => self.parts.push(sinks.span()),
        }
    }

    fn sink(&mut self, sink: &DeTable<'_>) {
        let kind: Option<&str> = match sink.get(KIND[0]).map(Spanned::get_ref) {
            Some(DeValue::String(kind)) => Some(kind),
            _ => None,
        };
        let keys = Sink::keys(kind);
        for (key, value) in sink.iter() {
            let key: &str = key.get_ref();
            match value.get_ref() {
                DeValue::Table(headers) if key == HEADERS && keys.contains(&HEADERS) => self.headers(headers),
                _ => self.value(key, is_known(key, &keys), value),
            }
        }
    }

    /// Headers have names of the author's own; those that look so have secrets.
    fn headers(&mut self, headers: &DeTable<'_>) {
        for (name, value) in headers.iter() {
            let name: &str = name.get_ref();
            let DeValue::Table(source) = value.get_ref() else {
                self.value(name, !is_secret(name), value);
                continue;
            };
            for (key, value) in source.iter() {
                let key: &str = key.get_ref();
                self.value(key, HeaderSecret::KEYS.contains(&key), value);
            }
        }
    }

    /// What stands under a key, which may be known.
    fn value(&mut self, key: &str, known: bool, value: &Spanned<DeValue<'_>>) {
        let place = Place::of(key);
        match value.get_ref() {
            DeValue::Table(table) => {
                for (inner, value) in table.iter() {
                    let inner: &str = inner.get_ref();
                    // Nothing stands within the place of a secret.
                    self.value(inner, known && place.is_none() && !is_secret(inner), value);
                }
            }
            DeValue::Array(items) => {
                for item in items.iter() {
                    self.value(key, known, item);
                }
            }
            DeValue::String(text) => {
                let is_shown = match place {
                    Some(place) => known && place.is(text),
                    None => known || text.contains("://"),
                };
                let span = value.span();
                if is_shown {
                    let written = self.text.get(span.clone()).unwrap_or_default();
                    let part = behind_host(written, ADDRESSES.contains(&key));
                    self.parts.extend(part.map(|part| span.start + part.start..span.start + part.end));
                } else {
                    self.parts.push(span);
                }
            }
            _ if known && place.is_none() => {}
            _ => self.parts.push(value.span()),
        }
    }
}

/// Whether a sink has such a key, or people try it for one that it has.
fn is_known(key: &str, keys: &[&str]) -> bool {
    let is_habit = || !is_secret(key) && habits::refused("a sink", key).is_some();
    KIND.contains(&key) || keys.contains(&key) || is_habit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::syntax::parse;
    use crate::config::{Source, read::Report};

    #[test]
    fn of_an_address_scheme_host_and_port_are_shown() {
        for (written, shown) in [
            ("\"https://hooks.example/bell?key=hunter2\"", "\"https://hooks.example\""),
            ("\"https://hooks.example:8443/{name}\"", "\"https://hooks.example:8443\""),
            ("'mqtts://broker.example:hunter2'", "'mqtts://broker.example'"),
            ("\"https://h x/hunter2\"", "\"https://h\""),
            ("\"https://me:hunter2@hooks.example/\"", "\"https://\""),
            ("\"http://[::1]:81/x\"", "\"http://[::1]:81\""),
            ("\"http://[::1]\"", "\"http://[::1]\""),
            ("\"hooks.example/hunter2\"", "\"hooks.example\""),
            ("\"broker.example\"", "\"broker.example\""),
        ] {
            let mut left = written.to_owned();
            if let Some(part) = behind_host(written, true) {
                left.replace_range(part, "");
            }
            assert_eq!(left, shown, "{written}");
        }
        assert_eq!(behind_host("\"of/hunter2\"", false), None, "no address");
    }

    #[test]
    fn what_stands_behind_a_secrets_key_is_hidden_on_a_broken_line_too() {
        let shown = |line: &'static str| on_line(line).map_or(line, |start| &line[..start]);
        assert_eq!(shown("password = hunter2"), "password = ");
        assert_eq!(shown("a = { b = 1, api-key: \"hunter2"), "a = { b = 1, api-key: ");
        assert_eq!(shown("url = https://x.example/hunter2"), "url = https://x.example");
        assert_eq!(shown("name = front-door"), "name = front-door");
    }

    /// The text of a house without what is shown to nobody.
    fn shown(text: &str) -> String {
        let source = Source::new("house", text);
        let mut report = Report::new(&source);
        let root = parse(&mut report);
        let mut left = source.text.clone();
        for part in of(root.get_ref(), &source.text) {
            let stars = "*".repeat(part.len());
            left.replace_range(part, &stars);
        }
        left
    }

    #[test]
    fn harmless_keys_and_places_of_secrets_are_shown() {
        for text in [
            "[inputs]\nkey = { line = \"token\" }\n[variables]\nsecret = 5\n",
            "[sinks.key]\nkind = \"mqtt\"\nurl = \"mqtts://broker.example:8883\"\nkey = \"/etc/campanile/key.pem\"\n",
            "[sinks.a]\nkind = \"webhook\"\nheaders = { Authorization = { file = \"/etc/x\", before = \"Bearer \" } }\n",
            "[sinks.a]\nkind = \"mastodon\"\ntoken-env = \"TOKEN\"\nfollow = { account = \"bell\" }\n",
            "[sinks.a]\ntype = \"mqtt\"\nhost = \"192.168.1.5\"\nport = 1883\n",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn mistakes_are_hidden_wherever_they_stand() {
        for text in [
            "[sinks.a]\nkind = \"x\"\nconsumer-secret = \"hunter2\"\n",
            "[sinks.a]\nkind = \"mqtt\"\nwhatever = [\"hunter2\"]\n",
            "[sinks.a]\nkind = \"mqtt\"\npassword-file = { file = \"/hunter2\" }\n",
            "[sinks.a]\nkind = \"mqtt\"\npassword-env = \"hunter2\"\n",
            "[sinks.a]\nkind = \"webhook\"\nheaders = { X-Room = { value = \"hunter2\" } }\n",
            "[sinks.a]\nkind = \"webhook\"\nheaders = { X-Api-Key = \"hunter2\" }\n",
            "[sinks.a.auth]\nname = \"hunter2\"\n",
            "[sinks]\na = { kind = \"kafka\", pw = \"hunter2\" }\n",
            "[[sinks]]\nkind = \"mqtt\"\ntoken = \"hunter2\"\n",
            "[sinks]\ntoken = \"hunter2\"\n",
            "sinks = \"hunter2\"\n",
            "mqtt = { host = \"broker.example\", password = \"hunter2\" }\n",
            "hook = \"https://hooks.example/hunter2\"\n",
        ] {
            assert!(!shown(text).contains("hunter2"), "{}", shown(text));
        }
    }
}
