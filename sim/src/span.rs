//! A span of time for people.

/// A number of microseconds in a unit that leaves it readable, to a tenth if there are fewer than ten: `1.5 s`, `87 min`,
/// `3 days`. What is left out is cut off, so that no span is shown longer than it is.
#[must_use]
pub fn span(us: u64) -> String {
    // Nobody divides by sixty in the head: a minute and a half is 90 s.
    const UNITS: [(u64, u64, &str); 6] = [
        (31_557_600_000_000, 2, "years"),
        (86_400_000_000, 2, "days"),
        (3_600_000_000, 2, "h"),
        (60_000_000, 2, "min"),
        (1_000_000, 1, "s"),
        (1_000, 1, "ms"),
    ];
    let fits = |&(unit, least, _): &(u64, u64, &str)| us / unit >= least;
    let (unit, _, name) = UNITS.into_iter().find(fits).unwrap_or((1, 0, "µs"));
    let (whole, tenth) = (us / unit, us % unit * 10 / unit);
    if whole < 10 && tenth > 0 { format!("{whole}.{tenth} {name}") } else { format!("{whole} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_long_as_they_look() {
        for (us, text) in [
            (0, "0 µs"),
            (1, "1 µs"),
            (999, "999 µs"),
            (1_000, "1 ms"),
            (9_990, "9.9 ms"),
            (999_999, "999 ms"),
            (1_500_000, "1.5 s"),
            (9_200_000, "9.2 s"),
            (12_900_000, "12 s"),
            (119_999_999, "119 s"),
            (150_000_000, "2.5 min"),
            (7_200_000_000, "2 h"),
            (172_800_000_000, "2 days"),
            (729 * 86_400_000_000, "729 days"),
            (100_000_000_000_000, "3.1 years"),
            (u64::MAX, "584542 years"),
        ] {
            assert_eq!(span(us), text, "{us}");
        }
    }
}
