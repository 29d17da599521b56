//! What all commands do alike: how they read a span, and when they use colours.

use std::io::IsTerminal;
use std::str::FromStr;
use std::time::Duration;

use crate::config::scalar;

/// A span on the command line: as in the file, and `10m` is ten minutes too, as everywhere on a command line.
///
/// # Errors
/// It is none; in words.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let mut text = text.to_owned();
    if text.strip_suffix('m').is_some_and(|count| count.ends_with(|c: char| c.is_ascii_digit())) {
        text.push_str("in");
    }
    scalar::duration(&text).map(|span| Duration::from_micros(span.micros())).map_err(|wrong| {
        let (what, help) = wrong.into_words();
        format!("{what}: {help}")
    })
}

/// A whole number on the command line.
///
/// # Errors
/// It is none, or out of the type's bounds; in words.
pub(super) fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "this is not a whole number, or it is too large or too small".to_owned())
}

/// Whether what goes there may have colours: it is a terminal, and nobody asked for none
/// (<https://no-color.org>: a variable that is there and not empty).
pub(super) fn has_colors(to: &impl IsTerminal) -> bool {
    to.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_asked_for_in_words() {
        assert_eq!((number("4711"), number("-3")), (Ok(4711_u64), Ok(-3_i32)));
        for wrong in
            [number::<u64>("-1").map(drop), number::<u32>("ten").map(drop), number::<u8>("256").map(drop)]
        {
            assert!(wrong.unwrap_err().starts_with("this is not a whole number"));
        }
    }

    #[test]
    fn spans_of_the_file_and_of_the_command_line() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("10min", 600), ("1h30m", 5400), ("2h", 7200)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(span("800ms"), Ok(Duration::from_millis(800)));
        for wrong in ["", "m", "10", "ten", "10mm"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
