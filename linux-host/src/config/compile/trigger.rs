//! Triggers: what each means to the engine, and in words.

use std::ops::Range;

use campanile_core::calendar::Schedule;
use campanile_core::id::Level;
use campanile_core::program::On;
use campanile_core::time::Duration;

use super::super::file::{AtTrigger, CronTrigger, LinkState, SensorTrigger, Trigger};
use super::super::read::{At, Report};
use super::super::scalar::{Decimal, duration_text};
use super::super::source::Diagnostic;
use super::names::Tables;
use crate::schedule_text::{Text, TextError, parse_at, parse_cron};

/// Shorter periods are most likely a mistake of unit.
const BUSY: Duration = Duration::from_millis(10);

/// What a trigger of the file means to the engine: the occasions, what stands behind "by", and the whole in words.
pub(super) fn occasions(
    trigger: &Trigger,
    tables: &Tables,
    schedules: &mut Vec<Schedule>,
    report: &mut Report<'_>,
) -> Vec<(On, String, String)> {
    let one = |on: Option<On>, by: &str, text: String| -> Vec<_> {
        on.map(|on| (on, by.to_owned(), text)).into_iter().collect()
    };
    match trigger {
        Trigger::Input(t) => {
            let hold = t.hold.as_ref().map_or(Duration::ZERO, |hold| hold.value.0);
            let mut text = format!("{}{}", t.input.value, level(t.to));
            if !hold.is_zero() {
                text.push_str(&format!(" for {}", duration_text(hold)));
            }
            let on = tables.input(&t.input, report).map(|input| On::Input { input, to: t.to, hold });
            one(on, &t.input.value, text)
        }
        Trigger::Output(t) => {
            let on = tables.output(&t.output, report).map(|output| On::Output { output, to: t.to });
            one(on, &t.output.value, format!("{}{}", t.output.value, level(t.to)))
        }
        Trigger::Variable(t) => {
            let on = tables.variable(&t.variable, report).map(|var| On::Variable { var });
            one(on, &t.variable.value, t.variable.value.clone())
        }
        Trigger::Sensor(t) => sensor(t, tables, report),
        Trigger::Every(t) => {
            let period = t.period.value.0;
            if period < BUSY {
                report.push(
                    Diagnostic::warning(t.period.span.clone(), "this keeps the machine busy")
                        .label(format!("{} times a second", 1_000_000 / period.micros().max(1))),
                );
            }
            let text = format!("every {}", duration_text(period));
            one(Some(On::Every { period }), &text, text.clone())
        }
        Trigger::At(t) => {
            let text = match &t.days {
                Some(days) => format!("at {} {}", t.time.value.0, days.value.0),
                None => format!("at {}", t.time.value.0),
            };
            one(at(t, schedules, report), &text, text.clone())
        }
        Trigger::Cron(t) => {
            let text = format!("cron {}", t.times.value.0);
            one(cron(t, schedules, report), &text, text.clone())
        }
        Trigger::Link(t) => {
            let Some(peer) = tables.peer(&t.peer, report) else { return Vec::new() };
            let states = match t.to {
                Some(LinkState::Up) => &[true][..],
                Some(LinkState::Down) => &[false],
                None => &[true, false],
            };
            let word = |up| format!("{} {}", t.peer.value, if up { "up" } else { "down" });
            states.iter().map(|&up| (On::Link { peer, up }, t.peer.value.clone(), word(up))).collect()
        }
        Trigger::Message(t) => {
            let name = &t.message.value.0;
            one(tables.message(name).map(|message| On::Message { message }), name, format!("message {name}"))
        }
        Trigger::Started(_) => one(Some(On::Started), "started", "started".to_owned()),
        Trigger::Broken => Vec::new(),
    }
}

const fn level(to: Option<Level>) -> &'static str {
    match to {
        Some(Level::On) => " on",
        Some(Level::Off) => " off",
        None => "",
    }
}

fn sensor(t: &SensorTrigger, tables: &Tables, report: &mut Report<'_>) -> Vec<(On, String, String)> {
    if let Some(at) = t.hysteresis.as_ref().filter(|at| at.value.is_negative()) {
        report.push(Diagnostic::error(at.span.clone(), "a hysteresis below zero").label("zero or more"));
    }
    let Some((sensor, decimals)) = tables.sensor(&t.sensor, report) else { return Vec::new() };
    let mut scaled = |at: &At<Decimal>| match at.value.scaled(decimals) {
        Ok(value) => value,
        Err(wrong) => {
            report.push(wrong.at(at.span.clone()));
            0
        }
    };
    let name = &t.sensor.value;
    let hysteresis = t.hysteresis.as_ref().map_or(0, &mut scaled);
    let mut all = Vec::new();
    if let Some(above) = &t.above {
        let limit = scaled(above);
        let on = On::Above { sensor, limit, hysteresis };
        all.push((on, name.clone(), format!("{name} above {}", above.value)));
    }
    if let Some(below) = &t.below {
        let limit = scaled(below);
        let on = On::Below { sensor, limit, hysteresis };
        all.push((on, name.clone(), format!("{name} below {}", below.value)));
    }
    if all.is_empty() {
        all.push((On::Sensor { sensor }, name.clone(), name.clone()));
    }
    all
}

fn at(t: &AtTrigger, schedules: &mut Vec<Schedule>, report: &mut Report<'_>) -> Option<On> {
    if t.time.is_broken() {
        return None;
    }
    let days = t.days.as_ref().map(|days| (days.value.0.as_str(), &days.span));
    let time = (t.time.value.0.as_str(), &t.time.span);
    let parsed = parse_at(time.0, days.map(|(text, _)| text));
    schedule(parsed, schedules, report, |text| if text == Text::Days { days.unwrap_or(time) } else { time })
}

fn cron(t: &CronTrigger, schedules: &mut Vec<Schedule>, report: &mut Report<'_>) -> Option<On> {
    if t.times.is_broken() {
        return None;
    }
    let text = t.times.value.0.as_str();
    schedule(parse_cron(text), schedules, report, |_| (text, &t.times.span))
}

/// Schedules that are the same share a place in the table.
fn schedule<'t>(
    parsed: Result<Schedule, Vec<TextError>>,
    schedules: &mut Vec<Schedule>,
    report: &mut Report<'_>,
    place: impl Fn(Text) -> (&'t str, &'t Range<usize>),
) -> Option<On> {
    match parsed {
        Ok(schedule) => {
            let known = schedules.iter().position(|known| *known == schedule);
            let place = known.unwrap_or_else(|| {
                schedules.push(schedule);
                schedules.len() - 1
            });
            // Beyond 255 there are too many, which is told of their sum.
            Some(On::Schedule { schedule: u8::try_from(place).unwrap_or(u8::MAX) })
        }
        Err(errors) => {
            for error in errors {
                let (text, span) = place(error.text);
                let span = report.within(span, text, error.span);
                report.push(Diagnostic::error(span, error.what).label("here").help(error.help));
            }
            None
        }
    }
}
