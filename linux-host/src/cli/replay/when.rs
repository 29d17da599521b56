//! A moment of a journal: a time, or a record.

use campanile_sim::replay::Bound;

use super::super::times;

/// A moment of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When(pub(super) Bound);

/// The first moment of a range.
pub(super) fn from(text: &str) -> Result<When, String> {
    parse(text, 0)
}

/// The last moment of a range.
pub(super) fn until(text: &str) -> Result<When, String> {
    parse(text, u64::MAX)
}

/// A record is `5/1042` or `5-9f3c21aa/1042`; `5/` is the whole start, of which `whole` is the record that is meant.
fn parse(text: &str, whole: u64) -> Result<When, String> {
    if let Some((start, seq)) = text.split_once('/') {
        let counter = start.split_once('-').map_or(start, |(counter, _)| counter);
        let seq = if seq.is_empty() { Some(whole) } else { seq.parse().ok() };
        return match (counter.parse(), seq) {
            (Ok(start), Some(seq)) => Ok(When(Bound::Record { start, seq })),
            _ => Err("a record is a start and its number in it, like \"5/1042\"; \"5/\" is all of a start"
                .to_owned()),
        };
    }
    match times::parse(text) {
        Ok(time) => Ok(When(Bound::Unix(time.as_microsecond()))),
        Err(error) => Err(format!("{error}, and a record is \"5/1042\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_times() {
        let record = |start, seq| Ok(When(Bound::Record { start, seq }));
        assert_eq!(from("5/1042"), record(5, 1042));
        assert_eq!(until("5-9f3c21aa/1042"), record(5, 1042));
        assert_eq!((from("5/"), until("5/")), (record(5, 0), record(5, u64::MAX)));
        assert_eq!(from("2026-11-21T07:30:00+01:00"), Ok(When(Bound::Unix(1_795_242_600_000_000))));
        assert!(from("x/1").unwrap_err().contains("5/1042"));
        assert!(from("yesterday").unwrap_err().contains("10min"));
    }
}
