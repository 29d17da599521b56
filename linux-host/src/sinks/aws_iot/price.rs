//! What AWS IoT Core costs, by what is metered ("AWS IoT Core pricing" and "additional metering details",
//! <https://aws.amazon.com/iot-core/pricing/>, as they were in November 2026).
//!
//! Metered are minutes of connection; messages in both directions by 5 KB, CONNECT and SUBSCRIBE among them, and not
//! AWS' own acknowledgements, pings and DISCONNECT; operations of the device shadow by 1 KB, besides the messages that carry
//! them; and of Basic Ingest rules and their actions by 5 KB, but no message.

use std::fmt;
use std::ops::{Add, AddAssign};

/// Where these prices hold; other regions are up to twice as dear.
pub const REGION: &str = "eu-west-1 (Ireland)";
/// When they held.
pub const AS_OF: &str = "November 2026";
/// Where they are from.
pub const SOURCE: &str = "https://aws.amazon.com/iot-core/pricing/";

/// Nanodollars: 0.08 dollars a million.
const MINUTE: u64 = 80;
/// 1.00 a million, of the first billion.
const MESSAGE: u64 = 1_000;
/// 1.25 a million.
const SHADOW: u64 = 1_250;
/// 0.15 a million for the rule, and as much for one action. AWS' own page has this price only in a table that a script fills, so it
/// was not read there; it is what others who wrote of it in 2025 and 2026 say.
const RULE: u64 = 150 + 150;

/// A message is metered by so many bytes.
const BLOCK: u64 = 5 * 1024;
/// A shadow's operation is.
const SHADOW_BLOCK: u64 = 1024;

/// What was, or will be, used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Minutes of connection.
    pub minutes: u64,
    /// Messages of 5 KB.
    pub messages: u64,
    /// Operations of the device shadow, of 1 KB.
    pub shadow: u64,
    /// Rules set off by Basic Ingest, with one action each.
    pub rules: u64,
}

impl Use {
    /// A connection from its beginning on: CONNECT, and with a shadow SUBSCRIBE, the question how it stands and the answer.
    pub const fn connection(shadow: bool) -> Self {
        let (messages, shadow) = if shadow { (4, 1) } else { (1, 0) };
        Self { minutes: 0, messages, shadow, rules: 0 }
    }

    /// A message of so many bytes with its topic.
    pub fn message(bytes: usize) -> Self {
        Self { messages: blocks(bytes, BLOCK), ..Self::default() }
    }

    /// A message of so many bytes that goes to a rule by Basic Ingest.
    pub fn rule(bytes: usize) -> Self {
        Self { rules: blocks(bytes, BLOCK), ..Self::default() }
    }

    /// A change of the shadow of so many bytes, and its answer, which has about as many.
    pub fn change(bytes: usize) -> Self {
        Self { messages: 2 * blocks(bytes, BLOCK), shadow: blocks(bytes, SHADOW_BLOCK), ..Self::default() }
    }

    /// So many times this, in `month` of what was seen in `seen`, rounded up.
    #[must_use]
    pub fn scaled(self, month: u64, seen: u64) -> Self {
        let scale = |count: u64| scaled(count, month, seen);
        Self {
            minutes: scale(self.minutes),
            messages: scale(self.messages),
            shadow: scale(self.shadow),
            rules: scale(self.rules),
        }
    }

    /// What it costs, without taxes and what is free in the first year.
    pub fn price(self) -> Dollars {
        let Self { minutes, messages, shadow, rules } = self;
        let parts = [(minutes, MINUTE), (messages, MESSAGE), (shadow, SHADOW), (rules, RULE)];
        Dollars(parts.iter().map(|(count, price)| count.saturating_mul(*price)).fold(0, u64::saturating_add))
    }
}

/// So many of what was seen, in a month of it, rounded up.
pub fn scaled(count: u64, month: u64, seen: u64) -> u64 {
    let exact = (u128::from(count) * u128::from(month)).div_ceil(u128::from(seen.max(1)));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

fn blocks(bytes: usize, block: u64) -> u64 {
    (bytes as u64).div_ceil(block).max(1)
}

impl Add for Use {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            minutes: self.minutes.saturating_add(other.minutes),
            messages: self.messages.saturating_add(other.messages),
            shadow: self.shadow.saturating_add(other.shadow),
            rules: self.rules.saturating_add(other.rules),
        }
    }
}

impl AddAssign for Use {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// An amount of money, in nanodollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(pub u64);

/// Rounded up to a hundredth of a cent.
impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.div_ceil(100_000);
        write!(f, "${}.{:04}", parts / 10_000, parts % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_price_list_comes_to_its_sums() {
        // A device connected for 30 days that sends 325 messages a day, of which 100 change the shadow and 200 set off a
        // rule with one action; the list counts no answers.
        let month = Use { minutes: 43_200, messages: 325 * 30, shadow: 100 * 30, rules: 200 * 30 };
        assert_eq!(Use { messages: 0, shadow: 0, rules: 0, ..month }.price(), Dollars(3_456_000));
        assert_eq!(Use { minutes: 0, shadow: 0, rules: 0, ..month }.price(), Dollars(9_750_000));
        assert_eq!(Use { minutes: 0, messages: 0, rules: 0, ..month }.price(), Dollars(3_750_000));
        assert_eq!(Use { minutes: 0, messages: 0, shadow: 0, ..month }.price(), Dollars(1_800_000));
    }

    #[test]
    fn metered_by_the_block_and_at_least_one() {
        assert_eq!(Use::message(0).messages, 1);
        assert_eq!([5 * 1024, 5 * 1024 + 1].map(|bytes| Use::message(bytes).messages), [1, 2]);
        let change = Use::change(1025);
        assert_eq!((change.messages, change.shadow), (2, 2));
        assert_eq!((Use::rule(100).messages, Use::rule(100).rules), (0, 1), "Basic Ingest has no messages");
    }

    #[test]
    fn money_and_months_are_rounded_up() {
        assert_eq!(Dollars(3_456_000).to_string(), "$0.0035");
        assert_eq!(Dollars(1).to_string(), "$0.0001");
        assert_eq!(Dollars(12_345_678_900_000).to_string(), "$12345.6789");
        assert_eq!(scaled(7, 30, 1), 210);
        assert_eq!(scaled(1, 30, 400), 1);
        assert_eq!(scaled(u64::MAX, 30, 1), u64::MAX);
    }
}
