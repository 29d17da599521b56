//! Which keys people write secrets under.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use crate::nearest::nearest;

/// What keys of secrets have in them, wherever it stands.
const WITHIN: [&str; 7] = ["secret", "token", "passw", "apikey", "credential", "bearer", "authoriz"];

/// What keys of secrets have as a word of their own.
const WORDS: [&str; 9] = ["pass", "passphrase", "pwd", "pw", "key", "keys", "auth", "login", "cookie"];

/// What a word of a key was meant to be, if it is near enough.
const MEANT: [&str; 6] = ["password", "passwd", "passphrase", "secret", "token", "credential"];

/// Whether people write a secret under such a key.
pub(in crate::config) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let mut words = key.split(|letter: char| !letter.is_ascii_alphanumeric());
    let says = |word: &str| WORDS.contains(&word) || word.len() > 3 && nearest(word, MEANT).is_some();
    WITHIN.iter().any(|part| key.contains(part)) || words.any(says)
}

/// All that stands in a value, as it is shown to nobody.
pub(in crate::config) fn leaves(value: &Spanned<DeValue<'_>>) -> Vec<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(table) => table.iter().flat_map(|(_, value)| leaves(value)).collect(),
        DeValue::Array(items) => items.iter().flat_map(leaves).collect(),
        _ => vec![value.span()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::Sink;

    #[test]
    fn keys_of_secrets_are_told_from_others_by_their_words() {
        for key in [
            "password",
            "pasword",
            "passwort",
            "pass",
            "secret",
            "consumer-secret",
            "access-token",
            "tokn",
            "apiKey",
            "API_KEY",
            "key",
            "auth",
            "Authorization",
            "x-api-key",
            "credentials",
            "login",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in
            ["keyboard", "passage", "monkey", "host", "topic", "server", "listen", "certificate", "name"]
        {
            assert!(!is_secret(key), "{key}");
        }
        // Of those that sinks have, only places of secrets look so.
        for key in Sink::keys(None) {
            let place = key == "key" || key.ends_with("-file") || key.ends_with("-env");
            assert!(place || !is_secret(key), "{key}");
        }
    }
}
