//! Colours, where the output is a terminal that wants them.

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// A heading.
    Bold,
    /// What matters less.
    Dim,
    /// The pin.
    Pin,
    /// The debouncer.
    Debounce,
    /// The scenarios.
    Scenario,
    /// The receiver.
    Delivered,
    /// Something is wrong.
    Wrong,
}

/// Paints, or does not.
#[derive(Clone, Copy, Debug)]
pub struct Paint(pub bool);

impl Paint {
    /// The text in this ink.
    pub fn ink(self, ink: Ink, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Pin => "36",
            Ink::Debounce => "33",
            Ink::Scenario => "35",
            Ink::Delivered => "32",
            Ink::Wrong => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
