//! The text of schedules: `at = "07:30", days = "mon-fri"` and `cron = "*/5 8-20 * * mon-fri"`.
//!
//! What each text becomes, and when that fires, is [`Schedule`]'s. An error points at bytes of the text, says what is
//! wrong there and what would be right. Reading is strict where cron is silent: a step larger than its field and a
//! date that no year has are refused instead of never firing.
//!
//! Cron text has five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or `jan`-`dec`), weekday
//! (0-7, both ends Sunday, or `sun`-`sat`). Each is a list with commas of `*`, `5`, `1-5`, `*/2`, `1-31/2` or `3/4`
//! (from 3 on, every fourth). A range may wrap: `fri-mon`, `22-6`. Names may be written out and in any case.
//! `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually` stand for what they say. If
//! neither the day of month nor the weekday begins with `*`, either of the two will do.

mod field;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use campanile_core::calendar::{Schedule, ScheduleError};

use crate::nearest::nearest;
use field::{DAY, Fault, Field, HOUR, MINUTE, MONTH, WEEKDAY, WEEKDAY_NAME};

/// What is wrong in the text of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Which text.
    pub text: Text,
    /// The bytes of it that are wrong; empty, at its end, if something is missing.
    pub span: Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: String,
}

/// The texts that make a schedule, by the key that holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// `at`.
    At,
    /// `days`.
    Days,
    /// `cron`.
    Cron,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.help)
    }
}

impl std::error::Error for TextError {}

impl Text {
    fn error(self, fault: Fault) -> TextError {
        TextError { text: self, span: fault.span, what: fault.what, help: fault.help }
    }
}

/// The schedule of `{ at = "07:30" }` or `{ at = "07:30:15", days = "mon-fri,sun" }`; without `days`, every day.
///
/// # Errors
/// What is wrong in either text.
pub fn parse_at(time: &str, days: Option<&str>) -> Result<Schedule, Vec<TextError>> {
    let time = time_of_day(time).map_err(|fault| Text::At.error(fault));
    let mut faults = Vec::new();
    let weekdays = match days {
        None => Schedule::ALL_WEEKDAYS,
        Some(days) => weekday_mask(WEEKDAY_NAME.parse(days, 0, &mut faults)),
    };
    let days = faults.into_iter().map(|fault| Text::Days.error(fault));
    match time {
        Ok((hour, minute, second)) => {
            let errors: Vec<_> = days.collect();
            if errors.is_empty() { Ok(Schedule::at(hour, minute, second, weekdays)) } else { Err(errors) }
        }
        Err(error) => Err(std::iter::once(error).chain(days).collect()),
    }
}

/// The schedule of `{ cron = "*/5 8-20 * * mon-fri" }`.
///
/// # Errors
/// What is wrong in the text, field by field.
pub fn parse_cron(text: &str) -> Result<Schedule, Vec<TextError>> {
    cron(text).map_err(|faults| faults.into_iter().map(|fault| Text::Cron.error(fault)).collect())
}

const TIME_HELP: &str = "write hours and minutes as `07:30`, or with seconds as `07:30:15`";

fn time_of_day(text: &str) -> Result<(u8, u8, u8), Fault> {
    let lowercase = text.to_ascii_lowercase();
    if let Some(clock) = lowercase.strip_suffix("am").or_else(|| lowercase.strip_suffix("pm")) {
        return Err(Fault::new(
            text.len() - 2..text.len(),
            "the day has 24 hours here",
            in_24_hours(clock.trim(), lowercase.ends_with("pm")),
        ));
    }
    let mut at = 0;
    let parts: Vec<_> = text
        .split(':')
        .map(|part| {
            let start = at;
            at += part.len() + 1;
            (start..start + part.len(), part)
        })
        .collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (hour, minute, None),
        [hour, minute, second] => (hour, minute, Some(second)),
        _ => return Err(Fault::new(0..text.len(), format!("`{text}` is not a time of day"), TIME_HELP)),
    };
    let part = |(span, part): &(Range<usize>, &str), digits: Range<usize>, max: u8, name: &str| {
        if !digits.contains(&part.len()) || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::new(span.clone(), format!("`{part}` is not {name} in two digits"), TIME_HELP));
        }
        match part.parse::<u8>() {
            Ok(value) if value <= max => Ok(value),
            _ if *part == "24" => {
                Err(Fault::new(span.clone(), "the day ends at 23:59:59", "midnight is `00:00`"))
            }
            _ => Err(Fault::new(
                span.clone(),
                format!("`{part}` is not {name}"),
                format!("the last one is {max}"),
            )),
        }
    };
    Ok((
        part(hour, 1..3, 23, "an hour")?,
        part(minute, 2..3, 59, "a minute")?,
        second.map_or(Ok(0), |second| part(second, 2..3, 59, "a second"))?,
    ))
}

/// A time of the twelve-hour clock as it is written here, or an example.
fn in_24_hours(clock: &str, afternoon: bool) -> String {
    let (hour, minute) = clock.split_once(':').unwrap_or((clock, "00"));
    match hour.parse::<u8>() {
        Ok(hour @ 1..=12) => format!("write `{:02}:{minute}`", hour % 12 + if afternoon { 12 } else { 0 }),
        _ => "`7:30pm` is `19:30`".to_owned(),
    }
}

/// The aliases, and the text that each stands for.
const ALIASES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

fn cron(text: &str) -> Result<Schedule, Vec<Fault>> {
    let words = words(text);
    if let [(span, word), ..] = words.as_slice()
        && word.starts_with('@')
    {
        return match expansion(text, span, word, words.len()) {
            Ok(expansion) => cron(expansion),
            Err(fault) => Err(vec![fault]),
        };
    }
    let [minute, hour, day, month, weekday] = words.as_slice() else {
        return Err(vec![wrong_count(text, &words)]);
    };
    let mut faults = Vec::new();
    let mut parse =
        |field: &Field, (span, word): &(Range<usize>, &str)| field.parse(word, span.start, &mut faults);
    let schedule = Schedule {
        minutes: parse(&MINUTE, minute),
        hours: narrow(parse(&HOUR, hour)),
        days: narrow(parse(&DAY, day)),
        months: narrow(parse(&MONTH, month)),
        weekdays: weekday_mask(parse(&WEEKDAY, weekday)),
        second: 0,
        either_day: !day.1.starts_with('*') && !weekday.1.starts_with('*'),
        repeating: minute.1.starts_with('*') || hour.1.starts_with('*'),
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let fault = match schedule.check() {
        Ok(()) => return Ok(schedule),
        Err(ScheduleError::Never) => Fault::new(
            day.0.start..month.0.end,
            "no month chosen here has such a day: it would never fire",
            "February has 28 or 29 days; April, June, September and November have 30",
        ),
        // Each field gave at least one value of its range, so this arm is for errors of a later core.
        Err(other) => Fault::new(0..text.len(), other.to_string(), "change the field that is named"),
    };
    Err(vec![fault])
}

/// What an alias stands for.
fn expansion(text: &str, span: &Range<usize>, word: &str, words: usize) -> Result<&'static str, Fault> {
    let known = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(word));
    let help = match (known, word.to_ascii_lowercase().as_str()) {
        (Some((_, expansion)), _) if words == 1 => return Ok(expansion),
        (Some((alias, _)), _) => {
            return Err(Fault::new(
                span.end..text.len(),
                format!("`{alias}` stands alone"),
                "remove what follows",
            ));
        }
        (None, "@reboot") => "for the start of the program the trigger is `{ started = true }`".to_owned(),
        (None, "@every") => "for a period the trigger is `{ every = \"5min\" }`".to_owned(),
        (None, word) => {
            let known = ALIASES.map(|(alias, _)| alias);
            let meant = nearest(word, known).map(|near| format!("did you mean `{near}`? "));
            format!("{}there are {}", meant.unwrap_or_default(), known.join(", "))
        }
    };
    Err(Fault::new(span.clone(), format!("`{word}` is not a schedule"), help))
}

fn wrong_count(text: &str, words: &[(Range<usize>, &str)]) -> Fault {
    const FIELDS: &str = "the five fields are minute, hour, day of the month, month and weekday";
    match words.get(5) {
        Some((sixth, _)) => Fault::new(
            sixth.start..text.trim_end().len(),
            format!("{} fields instead of five", words.len()),
            format!("{FIELDS}; there is none for seconds or years (`at = \"07:30:15\"` has seconds)"),
        ),
        None => {
            let missing =
                [MINUTE, HOUR, DAY, MONTH, WEEKDAY].map(|field| field.name)[words.len()..].join(", ");
            Fault::new(text.len()..text.len(), format!("missing: {missing}"), format!("{FIELDS}; `*` is any"))
        }
    }
}

/// The words of a text with the bytes they take.
fn words(text: &str) -> Vec<(Range<usize>, &str)> {
    text.split_ascii_whitespace()
        .map(|word| {
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            (start..start + word.len(), word)
        })
        .collect()
}

/// Sunday, the 0 and the 7 of cron, is the 7 of [`Schedule`].
fn weekday_mask(mask: u64) -> u8 {
    narrow(mask & !1 | (mask & 1) << 7)
}

/// A mask of values that its field has bounded.
fn narrow<T: TryFrom<u64>>(mask: u64) -> T {
    let Ok(mask) = T::try_from(mask) else { unreachable!("a field gives bits of its range only: {mask:#x}") };
    mask
}
