//! The gate in front of the engine for sensors: deadband and minimum interval. What passes is a `Reading`; what does
//! not is held back here and does not cost a record. Sensors are known by their names, so that a value that waits goes
//! on waiting over a swap of programs.

use std::collections::HashMap;

use crate::symbols::{Sensor, number};
use campanile_core::time::{Duration, Instant};

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It enters now.
    Enters,
    /// It changes too little.
    Deadband,
    /// It enters at this time, unless another one takes its place. Whoever is told calls [`Gates::release`] then.
    Later(Instant),
    /// It has taken the place of one that waits already.
    Replaces,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    /// Of the values below.
    decimals: u8,
    value: Option<i32>,
    entered: Option<Instant>,
    /// Came too soon after the one before: the last such value. Somebody sleeps for it.
    held: Option<Option<i32>>,
}

impl Last {
    /// A new program may give the sensor other decimals. To the engine it is another sensor then, of which it knows
    /// nothing.
    fn rescale(&mut self, decimals: u8) {
        if self.decimals == decimals {
            return;
        }
        let old = std::mem::replace(&mut self.decimals, decimals);
        // One that has become too large is as good as unknown.
        let rescaled = |value| scaled(&number(value, old), decimals).ok();
        self.value = None;
        self.held = self.held.map(|held| held.and_then(rescaled));
    }
}

/// The gates of all sensors.
#[derive(Debug, Default)]
pub struct Gates(HashMap<String, Last>);

impl Gates {
    /// A value comes.
    pub fn offer(&mut self, sensor: &Sensor, value: Option<i32>, now: Instant) -> Passage {
        let last = self.0.entry(sensor.name.clone()).or_default();
        last.rescale(sensor.decimals);
        if let (Some(old), Some(new), Some(_)) = (last.value, value, last.entered)
            && new.abs_diff(old) < sensor.deadband.unsigned_abs()
        {
            // It is back where it was: what waited to enter is outdated.
            if let Some(held) = &mut last.held {
                *held = last.value;
            }
            return Passage::Deadband;
        }
        let free = last.entered.map(|entered| entered.plus(Duration::from_micros(sensor.min_interval_us)));
        match free {
            Some(free) if free > now => match last.held.replace(value) {
                None => Passage::Later(free),
                Some(_) => Passage::Replaces,
            },
            _ => {
                *last = Last { value, entered: Some(now), held: None, ..*last };
                Passage::Enters
            }
        }
    }

    /// The time of a value that was held back has come: the value to enter, unless there is none any more.
    pub fn release(&mut self, sensor: &Sensor, now: Instant) -> Option<Option<i32>> {
        let last = self.0.get_mut(&sensor.name)?;
        last.rescale(sensor.decimals);
        let held = last.held.take()?;
        if held == last.value {
            return None;
        }
        *last = Last { value: held, entered: Some(now), held: None, ..*last };
        Some(held)
    }

    /// A program without the others runs now. Gives the names of those of which a value was held back, and is gone.
    pub fn keep_only(&mut self, sensors: &[Sensor]) -> Vec<String> {
        let mut gone = Vec::new();
        self.0.retain(|name, last| {
            let kept = sensors.iter().any(|sensor| sensor.name == *name);
            gone.extend((!kept && last.held.is_some()).then(|| name.clone()));
            kept
        });
        gone
    }

    /// The process is gone, and its memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A number as people write it, as an integer of so many decimals.
///
/// # Errors
/// It is no number, has more decimals than the sensor, or is too large; in words.
pub fn scaled(text: &str, decimals: u8) -> Result<i32, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.is_empty() || digits.ends_with('.') {
        return Err(format!("\"{text}\" is not a number such as 41.5"));
    }
    // Digits beyond the sensor's own are rounded, half away from zero: a thermometer may be more talkative.
    let decimals = usize::from(decimals);
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(decimals).collect();
    let round = fraction.as_bytes().get(decimals).is_some_and(|digit| *digit >= b'5');
    let magnitude =
        format!("{whole}{kept}").parse::<i64>().ok().and_then(|value| value.checked_add(i64::from(round)));
    let value = magnitude.map(|value| if negative { -value } else { value });
    value.and_then(|value| i32::try_from(value).ok()).ok_or_else(|| {
        format!("{text} is too large: with {decimals} decimals, values go up to {}", {
            number(i32::MAX, u8::try_from(decimals).unwrap_or(0))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tank() -> Sensor {
        Sensor { name: "tank".into(), unit: "cm".into(), decimals: 1, deadband: 5, min_interval_us: 1000 }
    }

    fn at(us: u64) -> Instant {
        Instant::from_micros(us)
    }

    #[test]
    fn small_changes_stay_out_and_add_up() {
        let mut gates = Gates::default();
        let mut offer = |value, now| gates.offer(&tank(), Some(value), at(now));
        assert_eq!(offer(100, 0), Passage::Enters);
        assert_eq!(offer(104, 5000), Passage::Deadband);
        assert_eq!(offer(105, 6000), Passage::Enters);
        assert_eq!(offer(101, 9000), Passage::Deadband);
    }

    #[test]
    fn a_value_that_comes_too_soon_enters_later_and_the_last_one_wins() {
        let mut gates = Gates::default();
        assert_eq!(gates.offer(&tank(), Some(100), at(0)), Passage::Enters);
        assert_eq!(gates.offer(&tank(), Some(200), at(10)), Passage::Later(at(1000)));
        assert_eq!(gates.offer(&tank(), Some(300), at(20)), Passage::Replaces);
        assert_eq!(gates.release(&tank(), at(1000)), Some(Some(300)));
        assert_eq!(gates.release(&tank(), at(1001)), None);
        assert_eq!(gates.offer(&tank(), None, at(1002)), Passage::Later(at(2000)), "a loss is news");
        assert_eq!(gates.offer(&tank(), Some(300), at(1003)), Passage::Deadband, "and it is over");
        assert_eq!(gates.release(&tank(), at(2000)), None);
    }

    #[test]
    fn a_value_that_waits_outlives_a_swap_and_is_said_to_be_gone_with_its_sensor() {
        let mut gates = Gates::default();
        assert_eq!(gates.offer(&tank(), Some(100), at(0)), Passage::Enters);
        assert_eq!(gates.offer(&tank(), Some(215), at(10)), Passage::Later(at(1000)));
        let finer = Sensor { decimals: 2, ..tank() };
        assert!(gates.keep_only(std::slice::from_ref(&finer)).is_empty());
        assert_eq!(gates.release(&finer, at(1000)), Some(Some(2150)), "21.5 with the new decimals");
        let finest = Sensor { decimals: 3, ..tank() };
        assert_eq!(
            gates.offer(&finest, Some(21_501), at(2000)),
            Passage::Enters,
            "the engine knows it no more"
        );
        assert_eq!(gates.offer(&finer, Some(2150), at(3000)), Passage::Enters);
        assert_eq!(gates.offer(&finer, Some(0), at(3010)), Passage::Later(at(4000)));
        assert_eq!(gates.keep_only(&[]), ["tank"]);
        assert_eq!(gates.release(&finer, at(4000)), None);
    }

    #[test]
    fn numbers_are_exact_and_rounded_to_the_sensors_decimals() {
        assert_eq!(scaled("41.5", 1), Ok(415));
        assert_eq!(scaled("41", 1), Ok(410));
        assert_eq!(scaled("-0.04", 2), Ok(-4));
        assert_eq!(scaled("20.125", 2), Ok(2013));
        assert_eq!(scaled("-20.125", 2), Ok(-2013));
        for wrong in ["", "-", "4,5", "1e3", "4.", ".5", "99999999999", "٣"] {
            assert!(scaled(wrong, 1).is_err(), "{wrong}");
        }
    }
}
