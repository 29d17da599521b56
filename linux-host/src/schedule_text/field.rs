//! One field of a schedule: a list of values, ranges and steps, as a mask.

use std::ops::Range;

use crate::nearest::nearest;

/// Something wrong at `span` of a text; which text, its caller knows.
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) what: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, what: what.into(), help: help.into() }
    }
}

/// What a field may hold.
#[derive(Clone, Copy)]
pub(super) struct Field {
    /// For messages.
    pub(super) name: &'static str,
    /// The article of its name.
    a: &'static str,
    /// The smallest value.
    min: u8,
    /// The largest value.
    max: u8,
    /// After how many values a range that wraps is back where it was.
    cycle: u8,
    /// Names of values from `first_name` on, written out; three letters will do.
    names: &'static [&'static str],
    first_name: u8,
    /// Cron text: numbers, `*` and steps too. Otherwise names, lists and ranges only.
    cron: bool,
}

const DAYS_OF_WEEK: &[&str] = &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const NUMBERS: Field =
    Field { name: "", a: "a", min: 0, max: 0, cycle: 0, names: &[], first_name: 0, cron: true };
pub(super) const MINUTE: Field = Field { name: "minute", max: 59, cycle: 60, ..NUMBERS };
pub(super) const HOUR: Field = Field { name: "hour", a: "an", max: 23, cycle: 24, ..NUMBERS };
pub(super) const DAY: Field = Field { name: "day of the month", min: 1, max: 31, cycle: 31, ..NUMBERS };
pub(super) const MONTH: Field =
    Field { name: "month", min: 1, max: 12, cycle: 12, names: MONTHS, first_name: 1, ..NUMBERS };
/// Bit 0 and bit 7 are both Sunday.
pub(super) const WEEKDAY: Field = Field { name: "weekday", max: 7, cycle: 7, names: DAYS_OF_WEEK, ..NUMBERS };
/// The weekdays of `days`, by name: a 1 there would be Monday to some and Sunday to others.
pub(super) const WEEKDAY_NAME: Field = Field { cron: false, ..WEEKDAY };

impl Field {
    /// The values of the list `text`, bit v for the value v. Spans count from `base`. At least one bit is set, or
    /// there are faults.
    pub(super) fn parse(&self, text: &str, base: usize, faults: &mut Vec<Fault>) -> u64 {
        let mut start = base;
        let mut mask = 0;
        for item in text.split(',') {
            let end = start + item.len();
            let trimmed = item.trim();
            let lead = item.len() - item.trim_start().len();
            let item = if trimmed.is_empty() {
                Err(Fault::new(start..end, self.missing(), self.range_help()))
            } else {
                self.item(trimmed, start + lead)
            };
            match item {
                Ok(values) => mask |= values,
                Err(fault) => faults.push(fault),
            }
            start = end + 1;
        }
        mask
    }

    fn missing(&self) -> String {
        format!("{} {} is missing here", self.a, self.name)
    }

    fn item(&self, item: &str, start: usize) -> Result<u64, Fault> {
        let span = start..start + item.len();
        if !self.cron && (item == "*" || item.contains('/')) {
            let help = "name the days, as in `mon-fri` or `sat,sun`; leave `days` out for every day";
            return Err(Fault::new(span, format!("`{item}` is for cron text"), help));
        }
        let (values, step) = match item.split_once('/') {
            None => (item, None),
            Some((values, step)) => (values, Some(self.step(step, start + values.len() + 1)?)),
        };
        let (first, last) = if values == "*" {
            (self.min, self.max)
        } else if let Some((first, last)) = values.split_once('-') {
            (self.value(first, start)?, self.value(last, start + first.len() + 1)?)
        } else {
            let first = self.value(values, start)?;
            // `3/4` is every fourth from the third on.
            (first, if step.is_some() { self.max } else { first })
        };
        Ok(self.range(first, last, step.unwrap_or(1)))
    }

    /// Every `step`th value from `first` to `last`, around the end if need be.
    fn range(&self, first: u8, last: u8, step: u8) -> u64 {
        let (first, count) = if first <= last {
            (first, last - first)
        } else {
            // A cycle begins with its smallest value: of the two Sundays, 0.
            let first = self.min + (first - self.min) % self.cycle;
            (first, (self.cycle + last - first) % self.cycle)
        };
        let wraps = first + count > self.max;
        (0..=count)
            .step_by(step.into())
            .map(
                |ahead| {
                    if wraps { self.min + (first - self.min + ahead) % self.cycle } else { first + ahead }
                },
            )
            .fold(0, |mask, value| mask | 1 << value)
    }

    fn step(&self, text: &str, start: usize) -> Result<u8, Fault> {
        number(text).filter(|step| (1..=self.max).contains(step)).ok_or_else(|| {
            let what = match text {
                "" => "a step is missing here".to_owned(),
                _ => format!("`{text}` is not a step for the {}", self.name),
            };
            Fault::new(start..start + text.len(), what, format!("a step is a number from 1 to {}", self.max))
        })
    }

    fn value(&self, text: &str, start: usize) -> Result<u8, Fault> {
        let span = start..start + text.len();
        if let Some(value) = self.named(text) {
            return Ok(value);
        }
        if self.cron
            && let Some(value) = number(text).filter(|value| (self.min..=self.max).contains(value))
        {
            return Ok(value);
        }
        let what = if text.is_empty() {
            self.missing()
        } else {
            format!("`{text}` is not {} {}", self.a, self.name)
        };
        Err(Fault::new(span, what, self.help(text)))
    }

    fn named(&self, text: &str) -> Option<u8> {
        let is = |name: &str| name.eq_ignore_ascii_case(text) || name[..3].eq_ignore_ascii_case(text);
        let index = self.names.iter().position(|name| is(name))?;
        u8::try_from(index).ok().map(|index| self.first_name + index)
    }

    /// What could be meant by `text`, which is none of this field's values.
    fn help(&self, text: &str) -> String {
        let special = match text {
            "?" => Some("write `*` for any"),
            "*" => Some("`*` stands alone or with a step, as in `*/5`"),
            _ if self.cron && text.contains('#') => {
                Some("there is no `#`: the second Friday cannot be written")
            }
            "L" | "LW" => Some("there is no `L` for the last day; the first would be `1`"),
            _ => None,
        };
        if let Some(special) = special {
            return special.to_owned();
        }
        match nearest(text, self.names.iter().flat_map(|name| [&name[..3], name])) {
            Some(name) if text.len() > 2 => format!("did you mean `{name}`? {}", self.range_help()),
            _ => self.range_help(),
        }
    }

    fn range_help(&self) -> String {
        let Self { name, a, min, max, .. } = self;
        match (self.names, self.cron) {
            ([], _) => format!("{a} {name} is a number from {min} to {max}"),
            (names, true) => {
                let names: Vec<_> = names.iter().map(|name| &name[..3]).collect();
                format!("{a} {name} is a number from {min} to {max}, or one of {}", names.join(", "))
            }
            (names, false) => {
                let names: Vec<_> = names.iter().map(|name| &name[..3]).collect();
                format!("{a} {name} is one of {}", names.join(", "))
            }
        }
    }
}

/// A number in digits.
fn number(text: &str) -> Option<u8> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}
