//! Decimals, exactly: what a sensor's limits and readings are written as.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::super::read::{Definitions, Node, Read, Report, wrong_kind};
use super::super::source::Diagnostic;
use super::Wrong;

/// A number as it was written: digits and how many of them stand behind the point. Exact, no float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: i64,
    decimals: u8,
}

impl Decimal {
    /// Reads `41.5`, `-3`, `+0.25`.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let fraction = fraction.trim_end_matches('0');
        if whole.is_empty() || fraction.len() > 9 {
            return None;
        }
        let all = [whole, fraction].concat();
        if !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = all.parse::<i64>().ok()?.checked_mul(sign)?;
        Some(Self { digits, decimals: u8::try_from(fraction.len()).ok()? })
    }

    /// In units of the last of so many decimals.
    ///
    /// # Errors
    /// It has more decimals, or is too large.
    pub fn scaled(self, decimals: u8) -> Result<i32, Wrong> {
        let missing = decimals.checked_sub(self.decimals).ok_or_else(|| {
            Wrong::new(
                format!("{self} has {} decimals, the sensor has {decimals}", self.decimals),
                format!("round it, or give the sensor `decimals = {}`", self.decimals),
            )
        })?;
        10i64
            .checked_pow(missing.into())
            .and_then(|factor| self.digits.checked_mul(factor))
            .and_then(|value| i32::try_from(value).ok())
            .ok_or_else(|| {
                let max = campanile_delivery::symbols::number(i32::MAX, decimals);
                Wrong::new(format!("{self} is too large"), format!("the largest number here is {max}"))
            })
    }

    /// A whole number.
    pub fn whole(value: i32) -> Self {
        Self { digits: value.into(), decimals: 0 }
    }

    /// With the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { digits: self.digits.saturating_neg(), ..self }
    }

    /// How many digits it has behind the point.
    pub const fn decimals(self) -> u8 {
        self.decimals
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// The nearest float, for what only shows it.
    pub fn to_f64(self) -> f64 {
        // Digits and a point, which every float parser takes.
        self.to_string().parse().unwrap_or_default()
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (digits, decimals) = (self.digits.unsigned_abs(), u32::from(self.decimals));
        let factor = 10u64.saturating_pow(decimals);
        write!(f, "{}{}", if self.digits < 0 { "-" } else { "" }, digits / factor)?;
        if decimals > 0 {
            write!(f, ".{:0width$}", digits % factor, width = decimals as usize)?;
        }
        Ok(())
    }
}

impl Read for Decimal {
    const WHAT: &'static str = "a number such as 41.5";

    fn read(node: Node<'_>, report: &mut Report<'_>) -> Option<Self> {
        let text = match node.value() {
            DeValue::Integer(value) if value.radix() == 10 => value.as_str(),
            DeValue::Float(value) => value.as_str(),
            _ => {
                wrong_kind::<Self>(node, report);
                return None;
            }
        };
        let read = Self::parse(&text.replace('_', ""));
        if read.is_none() {
            report.push(
                Diagnostic::error(node.span(), format!("{text} is not a plain number"))
                    .label("digits, and at most nine behind the point"),
            );
        }
        read
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "number" })
    }

    fn hint(node: Node<'_>, _: &Report<'_>) -> Option<String> {
        match node.value() {
            DeValue::String(text) if Self::parse(text).is_some() => Some(format!("without quotes: {text}")),
            _ => None,
        }
    }
}
