//! Numbers with units: `1h30min`, `256MiB`, `500/s`.

use campanile_core::time::Duration;

use super::Wrong;

/// Units of time, the longest first, each with its microseconds.
const TIME: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// What durations look like.
pub(super) const DURATION_PATTERN: &str = r"^ *([0-9]+(\.[0-9]+)? *(us|ms|s|min|h|d) *)+$";

/// A century: more is a mistake, and sums stay far from the end of 64 bits.
pub(super) const LONGEST_US: u64 = 36_525 * 86_400_000_000;

/// Units of size, each with its bytes.
const BYTES: [(&str, u64); 5] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Reads `800ms`, `1.5s`, `1h30min`: numbers with units, the longer units first.
///
/// # Errors
/// What is wrong, with the units.
pub fn duration(text: &str) -> Result<Duration, Wrong> {
    let units = "write a number and a unit: us, ms, s, min, h or d, such as \"800ms\", \"5s\", \"1h30min\"";
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(Wrong::new("an empty duration", units));
    }
    let (mut sum, mut last) = (0u64, u64::MAX);
    while !rest.is_empty() {
        let (number, behind) = split(rest, |c| !(c.is_ascii_digit() || c == '.'));
        let (unit, behind) = split(behind, |c| c.is_ascii_digit() || c == '.');
        rest = behind;
        if number.is_empty() {
            return Err(Wrong::new(format!("\"{text}\" is not a duration"), units));
        }
        if unit.is_empty() {
            let help = format!("{units}; is \"{text}s\" meant, or \"{text}ms\"?");
            return Err(Wrong::new(format!("\"{text}\" has no unit"), help));
        }
        let Some(&(_, us)) = TIME.iter().find(|(name, _)| *name == unit.trim()) else {
            let help = match unit.trim() {
                "m" => "is it \"min\" or \"ms\"?",
                "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => "milliseconds are \"ms\"",
                "sec" | "secs" | "second" | "seconds" => "seconds are \"s\"",
                ":" => "a duration has units: \"1h30min\", \"5s\"",
                "hour" | "hours" => "hours are \"h\"",
                "day" | "days" => "days are \"d\"",
                "minute" | "minutes" | "mins" => "minutes are \"min\"",
                _ => units,
            };
            return Err(Wrong::new(format!("\"{}\" is not a unit of time", unit.trim()), help));
        };
        if us >= last {
            return Err(Wrong::new(
                format!("\"{text}\" has its units out of order"),
                "the longer unit first, each once, such as \"1h30min\"",
            ));
        }
        last = us;
        let part = times(number, us).ok_or_else(|| {
            let written = format!("{number}{}", unit.trim());
            // Whole units are whole microseconds, unless they are too many to be counted.
            if number.split('.').next().is_some_and(|whole| times(whole, us).is_none()) {
                return Wrong::new(format!("\"{written}\" is longer than a century"), "a shorter time");
            }
            Wrong::new(
                format!("\"{written}\" is not a whole number of microseconds"),
                "a microsecond is the shortest time",
            )
        })?;
        sum = sum.saturating_add(part);
    }
    if sum > LONGEST_US {
        return Err(Wrong::new(format!("\"{text}\" is longer than a century"), "a shorter time"));
    }
    Ok(Duration::from_micros(sum))
}

/// A decimal number of units in whole microseconds, exactly.
fn times(number: &str, us: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let below = us.checked_mul(fraction.parse().ok()?)?;
    let denominator = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    if below % denominator != 0 {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(us)?.checked_add(below / denominator)
}

fn split(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

/// The shortest text that reads as this duration.
pub fn duration_text(span: Duration) -> String {
    let mut rest = span.micros();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, us) in TIME {
        if rest >= us {
            text.push_str(&format!("{}{unit}", rest / us));
            rest %= us;
        }
    }
    text
}

/// Reads `256MiB`.
pub(super) fn size(text: &str) -> Result<u64, Wrong> {
    let units = "write a number and a unit: B, KiB, MiB, GiB or TiB, such as \"256MiB\"";
    let (number, unit) = split(text.trim(), |c| !c.is_ascii_digit());
    let number: u64 = number.parse().map_err(|_| Wrong::new(format!("\"{text}\" is not a size"), units))?;
    let factor = BYTES.iter().find(|(name, _)| *name == unit.trim()).map(|(_, bytes)| *bytes);
    let factor = factor.ok_or_else(|| {
        let what = match unit.trim() {
            "" => format!("\"{text}\" has no unit"),
            unit => format!("\"{unit}\" is not a unit of size"),
        };
        match unit.trim() {
            "KB" | "kB" | "K" | "k" => Wrong::new(what, format!("write \"{number}KiB\"")),
            "MB" | "M" => Wrong::new(what, format!("write \"{number}MiB\"")),
            "GB" | "G" => Wrong::new(what, format!("write \"{number}GiB\"")),
            _ => Wrong::new(what, units),
        }
    })?;
    number.checked_mul(factor).ok_or_else(|| Wrong::new(format!("\"{text}\" is too large"), units))
}

/// The shortest text that reads as this size.
pub(super) fn size_text(bytes: u64) -> String {
    let whole = BYTES.iter().rev().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    let (unit, factor) = whole.unwrap_or(&BYTES[0]);
    format!("{}{unit}", bytes / factor)
}

/// Reads `500/s` and `off`.
pub(super) fn rate(text: &str) -> Result<u16, Wrong> {
    let form = "edges per second from \"1/s\" to \"65535/s\", or \"off\"";
    if text == "off" {
        return Ok(0);
    }
    let rate = text.strip_suffix("/s").and_then(|number| number.trim().parse().ok()).filter(|rate| *rate > 0);
    rate.ok_or_else(|| Wrong::new(format!("\"{text}\" is not a rate"), form))
}
