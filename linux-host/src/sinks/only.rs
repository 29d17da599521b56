//! `only = ["input:*", "message:doorbell"]`: which messages a sink takes.

use super::message::kind::Kind;

/// The filter of one sink; everything passes one that is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only(Vec<(Kind, String)>);

impl Only {
    /// Reads the file's patterns: a kind, a colon, and a name in which `*` stands for anything.
    ///
    /// # Errors
    /// Which pattern is wrong, and what a right one looks like.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Result<Self, String> {
        patterns.iter().map(|pattern| parse(pattern.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// All of one kind.
    pub fn of(kind: Kind) -> Self {
        Self(vec![(kind, "*".to_owned())])
    }

    /// Whether a message passes.
    pub fn takes(&self, kind: Kind, name: &str) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|(k, pattern)| *k == kind && matches(pattern.as_bytes(), name.as_bytes()))
    }
}

fn parse(pattern: &str) -> Result<(Kind, String), String> {
    // Diagnostics are of the node as a whole and have no names.
    let (kind, name) = pattern.split_once(':').unwrap_or((pattern, "*"));
    match Kind::ALL.into_iter().find(|k| k.word() == kind) {
        Some(k) if k == Kind::Diagnostics || (pattern.contains(':') && !name.is_empty()) => {
            Ok((k, name.to_owned()))
        }
        _ => {
            let kinds = Kind::ALL.map(|k| {
                if k == Kind::Diagnostics { k.word().to_owned() } else { format!("{}:NAME", k.word()) }
            });
            Err(format!("\"{pattern}\" is none of {}; * stands for any part of a name", kinds.join(", ")))
        }
    }
}

/// The greedy match with one point of return: linear in practice, never exponential.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut back) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, n));
                p += 1;
            }
            Some(c) if *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((star, from)) = back else { return false };
                back = Some((star, from + 1));
                p = star + 1;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_what_a_pattern_names() {
        let only = Only::parse(&["input:*", "message:door*ll", "diagnostics"]).unwrap();
        assert!(only.takes(Kind::Input, "button"));
        assert!(only.takes(Kind::Message, "doorbell") && only.takes(Kind::Message, "doorll"));
        assert!(only.takes(Kind::Diagnostics, ""));
        assert!(!only.takes(Kind::Message, "doorbells") && !only.takes(Kind::Message, "bell"));
        assert!(!only.takes(Kind::Output, "chime"));
        assert!(Only::default().takes(Kind::Output, "chime"), "no filter takes everything");
    }

    #[test]
    fn stars_match_any_part() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-", false),
            ("*tank", "water-tank", true),
            ("tank", "tank2", false),
            ("**x", "x", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn refuses_with_words() {
        for wrong in ["inputs:*", "input", "input:", "", ":x"] {
            let error = Only::parse(&[wrong]).unwrap_err();
            assert!(error.contains("input:NAME") && error.contains("diagnostics"), "{error}");
        }
    }

    /// The definition, tried out: a star is nothing, or one more character.
    fn oracle(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => oracle(rest, name) || (!name.is_empty() && oracle(pattern, &name[1..])),
            Some((c, rest)) => name.first() == Some(c) && oracle(rest, &name[1..]),
        }
    }

    proptest::proptest! {
        #[test]
        fn stars_match_as_they_are_defined(pattern in "[ab*]{0,8}", name in "[ab]{0,8}") {
            let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
            proptest::prop_assert_eq!(matches(pattern, name), oracle(pattern, name));
        }
    }
}
