//! Keys that somebody has put into the file as they are: lines of PEM, whether or not they stand where TOML has text.

use std::ops::Range;

const BEGIN: &str = "-----BEGIN";
const END: &str = "-----END";

/// So many letters of Base64 has a line of a key at least, but for its last; most have 64.
const LONG: usize = 40;

/// The lines of keys, those that follow one another as one. Without its beginning or its end a key is known by its lines.
pub(in crate::config) fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let (mut start, mut within, mut goes_on) = (0, false, false);
    for line in text.split_inclusive('\n') {
        let behind = start + line.len();
        let begin = line.find(BEGIN);
        within |= begin.is_some() && text.get(start..).is_some_and(|rest| rest.contains(END));
        let letters = base64(line).filter(|letters| !letters.is_empty());
        let is_long = letters.is_some_and(is_long);
        if within || begin.is_some() || is_long || goes_on && letters.is_some() {
            let from = start + begin.unwrap_or(0);
            match blocks.last_mut().filter(|block| block.end == from) {
                Some(block) => block.end = behind,
                None => blocks.push(from..behind),
            }
        }
        // The last line of a key may be of any length.
        goes_on = is_long || begin.is_some();
        within &= !line.contains(END);
        start = behind;
    }
    blocks
}

/// The letters of a line that has nothing but Base64.
fn base64(line: &str) -> Option<&str> {
    let around = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | ',' | '\\');
    let letters = line.trim_matches(around).trim_end_matches('=');
    let of_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    letters.bytes().all(of_base64).then_some(letters)
}

/// Whether letters of Base64 are as many and as mixed as no name or topic of a house has them.
fn is_long(letters: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| letters.as_bytes().iter().any(kind);
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    letters.len() >= LONG && (is_mixed || letters.bytes().all(|letter| letter.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a text.
    fn shown(text: &str) -> String {
        let mut left = text.to_owned();
        blocks(text).into_iter().rev().for_each(|block| left.replace_range(block, ""));
        left
    }

    #[test]
    fn a_key_is_hidden_from_its_beginning_to_its_end_whatever_stands_between() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow\nhunter==\n-----END RSA PRIVATE KEY-----\"\n";
        assert_eq!(shown(&format!("[a]\nkey = \"{key}b = 1\n")), "[a]\nkey = \"b = 1\n");
        assert_eq!(blocks(key).len(), 1, "as one");
    }

    #[test]
    fn without_beginning_or_end_it_is_known_by_its_lines() {
        let line = "  MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+/zL1gdAFr88hb2\n";
        assert_eq!(shown(&format!("a = 1\n{line}{line}b = 2\n")), "a = 1\nb = 2\n");
        assert_eq!(shown(&format!("-----BEGIN PRIVATE KEY-----\n\"{line}\nb = 2")), "\nb = 2");
        assert_eq!(shown(&format!("a = 1\n{line}08swordfish==\nb = 2\n")), "a = 1\nb = 2\n", "its last line");
    }

    #[test]
    fn a_key_of_another_kind_is_known_by_its_letters() {
        for key in [
            "hunterAgEAswordfishSM49AgEGCCqGSM49AwEHBG0=",
            "0badc0de5ca1ab1e0badc0de5ca1ab1e0badc0de5ca1ab1e",
        ] {
            assert_eq!(shown(&format!("a = 1\n{key}\n[b]\n")), "a = 1\n[b]\n");
        }
    }

    #[test]
    fn what_a_house_has_on_its_lines_is_shown() {
        for text in [
            "[satellites.porch.inputs]\n",
            "name = \"front-door\"\n",
            "button\n",
            "\"wohnzimmerlichtschalter\",\n",
            "\"Wohnzimmerlampe2\",\n\"lamp\",\n",
            "\"homeassistant/livingroom/lamp/brightness\",\n",
            "-----END PRIVATE KEY\n\"lamp\",\n",
            "discovery=\n",
            "{ set = \"a\" },\n",
        ] {
            assert_eq!(shown(text), text);
        }
    }
}
