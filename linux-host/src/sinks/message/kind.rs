//! The kinds of messages.

/// What a message is about: the word in its topic and in `only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An input's level, debounced.
    Input,
    /// An output's level.
    Output,
    /// A sensor's value.
    Sensor,
    /// A variable's value.
    Variable,
    /// What a scenario sent.
    Message,
    /// Losses and faults.
    Diagnostics,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Input, Self::Output, Self::Sensor, Self::Variable, Self::Message, Self::Diagnostics];

    /// The word in topics and filters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Sensor => "sensor",
            Self::Variable => "variable",
            Self::Message => "message",
            Self::Diagnostics => "diagnostics",
        }
    }

    /// States are retained; what happens once is not.
    pub const fn is_state(self) -> bool {
        matches!(self, Self::Input | Self::Output | Self::Sensor | Self::Variable)
    }
}
