//! What the kinds of sinks that speak HTTP, or run something, have in common.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::read::At;
use crate::config::scalar::{VariableName, duration, text};
use crate::secret::Secret;
use crate::sinks::quota::Rate;
use crate::sinks::template::{PLACES, Template};

/// A text with places such as `{name}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled(pub Template);

text!(Filled, "a text, with places such as {name}", { "type": "string" }, |text| {
    Template::parse(text).map(Self).map_err(|what| Wrong::new(what, places()))
}, broken: Self(Template::default()));

/// What can stand between braces, in words.
pub(super) fn places() -> String {
    format!("allowed placeholders: {{{}}}, {{data.KEY}}", PLACES.join("}, {"))
}

/// At most so many deliveries in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota(pub Rate);

/// The longest period, and the most in it.
const LONGEST: Duration = Duration::from_secs(90 * 86_400);
const MOST: usize = campanile_delivery::SPENT_MAX;

text!(Quota, "a quota such as \"50/d\"", { "type": "string", "pattern": "^[0-9]+ */ *[0-9a-z. ]+$" }, |text| {
    let help = "a count per period: \"50/d\", \"5/min\", \"500/30d\"";
    let no = || Wrong::new(format!("\"{text}\" is not a quota"), help);
    let (count, period) = text.split_once('/').ok_or_else(no)?;
    let count = count.trim().parse().map_err(|_| no())?;
    let period = period.trim();
    let period = if period.starts_with(|c: char| c.is_ascii_digit()) { period.to_owned() } else { format!("1{period}") };
    let period = Duration::from_micros(duration(&period).map_err(|_| no())?.micros());
    if count == 0 || count > MOST {
        return Err(Wrong::new(format!("a quota of {count}"), format!("from 1 to {MOST}")));
    }
    if period < Duration::from_secs(1) || period > LONGEST {
        return Err(Wrong::new("the period of a quota is from 1s to 90d", help));
    }
    Ok(Self(Rate { count, period }))
});

/// Where the secret is that two keys name, `..-file` and `..-env`.
pub fn secret(file: &Option<At<PathBuf>>, variable: &Option<At<VariableName>>) -> Option<Secret> {
    let file = file.as_ref().map(|path| Secret::File(path.value.clone()));
    file.or_else(|| variable.as_ref().map(|name| Secret::Variable(name.value.0.clone())))
}
