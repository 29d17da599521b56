//! `commands = ["set:chime", "start:*"]`: what may be asked for over a sink.

use super::only::matches;

/// What can be asked for: the word in a command's topic, and in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Drive an output.
    Set,
    /// Start a scenario.
    Start,
    /// End a scenario's runs.
    Stop,
    /// Change a variable.
    Let,
    /// Give a sensor its value.
    Feed,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Set, Self::Start, Self::Stop, Self::Let, Self::Feed];

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Let => "let",
            Self::Feed => "feed",
        }
    }

    /// The verb of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }
}

/// What may be asked for: without patterns nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands(Vec<(Verb, String)>);

impl Default for Commands {
    /// Everything.
    fn default() -> Self {
        Self(Verb::ALL.map(|verb| (verb, "*".to_owned())).to_vec())
    }
}

impl Commands {
    /// Those of these patterns: a verb and a name in which `*` stands for anything.
    pub fn new(patterns: impl IntoIterator<Item = (Verb, String)>) -> Self {
        Self(patterns.into_iter().collect())
    }

    /// Reads one pattern, such as `set:chime`.
    ///
    /// # Errors
    /// What is wrong with it, and what a right one looks like.
    pub fn parse(pattern: &str) -> Result<(Verb, String), String> {
        let parts = pattern.split_once(':').filter(|(_, name)| !name.is_empty());
        let parsed = parts.and_then(|(word, name)| Some((Verb::of(word)?, name.to_owned())));
        parsed.ok_or_else(|| {
            let verbs = Verb::ALL.map(|verb| format!("{}:NAME", verb.word()));
            format!("\"{pattern}\" is none of {}; * stands for any part of a name", verbs.join(", "))
        })
    }

    /// Whether this may be asked for.
    pub fn allow(&self, verb: Verb, name: &str) -> bool {
        self.0
            .iter()
            .any(|(allowed, pattern)| *allowed == verb && matches(pattern.as_bytes(), name.as_bytes()))
    }

    /// Whether anything of this kind may be asked for.
    pub fn allow_any(&self, verb: Verb) -> bool {
        self.0.iter().any(|(allowed, _)| *allowed == verb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_allowed_until_a_list_says_what() {
        assert!(Commands::default().allow(Verb::Set, "chime") && Commands::default().allow(Verb::Let, "n"));
        let some = Commands::new(["set:chime", "start:ring*"].map(|text| Commands::parse(text).unwrap()));
        assert!(some.allow(Verb::Set, "chime") && some.allow(Verb::Start, "ring-twice"));
        assert!(!some.allow(Verb::Set, "lamp") && !some.allow(Verb::Stop, "ring"));
        assert!(some.allow_any(Verb::Start) && !some.allow_any(Verb::Let));
        assert!(!Commands::new([]).allow(Verb::Set, "chime"));
    }

    #[test]
    fn refuses_with_words() {
        for wrong in ["toggle:chime", "set", "set:", ""] {
            let error = Commands::parse(wrong).unwrap_err();
            assert!(error.contains("set:NAME") && error.contains("feed:NAME"), "{error}");
        }
    }
}
