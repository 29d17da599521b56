//! The time axis: round steps, and what they are called.

use campanile_core::calendar::local_fields;

use crate::picture::recording::Recording;
use crate::span::span;
use crate::trace::local;

/// Steps that people count in, microseconds.
const STEPS: [u64; 31] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    600_000_000,
    1_800_000_000,
    3_600_000_000,
    4 * 3_600_000_000,
    12 * 3_600_000_000,
    24 * 3_600_000_000,
];

/// The ticks of an axis: where, and their labels.
pub(super) fn ticks(recording: &Recording, at_most: u64) -> Vec<(u64, String)> {
    let length = recording.length.max(1);
    let enough = |step: &u64| length / step <= at_most;
    let step = STEPS.into_iter().find(enough).unwrap_or_else(|| {
        // Of weeks and more, whole days.
        let day = 24 * 3_600_000_000;
        (length / at_most.max(1) / day + 1) * day
    });
    // Round times of the clock that is shown, and not of the recording.
    let clock = clock_at(recording, 0);
    let first = (-clock).rem_euclid(i64::try_from(step).unwrap_or(i64::MAX)).unsigned_abs();
    (0..)
        .map(|n| first + n * step)
        .take_while(|at| *at <= length)
        .map(|at| (at, label(recording, at, step)))
        .collect()
}

/// Microseconds of the clock that is shown: local time if it is known, else the engine's.
fn clock_at(recording: &Recording, at: u64) -> i64 {
    let begin = recording.wall.map_or_else(
        || i64::try_from(recording.engine).unwrap_or(i64::MAX),
        |clock| clock.unix.saturating_add(i64::from(clock.offset) * 1_000_000),
    );
    begin.saturating_add_unsigned(at)
}

fn label(recording: &Recording, at: u64, step: u64) -> String {
    let clock = clock_at(recording, at);
    let fraction = |digits: usize| {
        let micros = format!("{:06}", clock.rem_euclid(1_000_000));
        if digits == 0 { String::new() } else { format!(".{}", &micros[..digits]) }
    };
    // So many decimals as tell one tick from the next.
    let digits = (0..6).find(|digits| step.is_multiple_of(10_u64.pow(6 - digits))).unwrap_or(6) as usize;
    if recording.wall.is_none() {
        return format!("{}{} s", clock.div_euclid(1_000_000), fraction(digits));
    }
    let time = local_fields(clock.div_euclid(1_000_000));
    if step >= 24 * 3_600_000_000 {
        return format!("{:04}-{:02}-{:02}", time.year, time.month, time.day);
    }
    if step >= 60_000_000 {
        return format!("{:02}:{:02}", time.hour, time.minute);
    }
    format!("{:02}:{:02}:{:02}{}", time.hour, time.minute, time.second, fraction(digits))
}

/// What the picture is of and from when: its heading.
pub(super) fn heading(recording: &Recording) -> String {
    let span = span(recording.length);
    let from = recording.wall.map_or_else(String::new, |clock| {
        let doubt = if clock.trusted { "" } else { ", by a clock that was not synchronised" };
        format!(" from {}{doubt}", local(clock.unix, clock.offset))
    });
    format!("{}, {span}{from}", recording.node)
}

/// Which records of which program are shown, so that whoever has the journal finds them again.
pub(super) fn source(recording: &Recording) -> Option<String> {
    let (first, last) = recording.records?;
    let last = if first.boot == last.boot { last.seq.to_string() } else { last.to_string() };
    let programs = match recording.programs.as_slice() {
        [] => String::new(),
        [one] => format!(", program {one:016x}"),
        [one, two] => format!(", programs {one:016x} and {two:016x}"),
        [one, .., last] => {
            format!(", {} programs from {one:016x} to {last:016x}", recording.programs.len())
        }
    };
    Some(format!("records {first} to {last}{programs}"))
}
