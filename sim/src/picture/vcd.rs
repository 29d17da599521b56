//! A recording as a value change dump (IEEE 1364), for GTKWave, Surfer, PulseView and all other wave viewers.
//!
//! | in the recording | scope | variables |
//! |---|---|---|
//! | an input | `inputs` | wires `NAME` (debounced) and `NAME.raw` |
//! | a sensor | `sensors` | real `NAME`, NaN while it is lost |
//! | a variable | `variables` | integer `NAME` |
//! | a scenario | `scenarios` | wire `NAME`: it runs; 8 bits `NAME.runs` if ever more than one did |
//! | an output | `outputs` | wire `NAME` |
//! | a message | `messages` | wire `NAME`: 1 for a microsecond |
//!
//! What nobody knows is `x`. The unit is the microsecond, and 0 is the beginning of the recording.

use std::io::{self, Write};

use vcd::{IdCode, ReferenceIndex, TimescaleUnit, Value, VarType, Writer};

use crate::picture::axis::{heading, source};
use crate::picture::recording::{Lane, Recording, Run, Track};

/// Writes a recording.
///
/// # Errors
/// The output fails.
pub fn write(recording: &Recording, out: impl Write) -> io::Result<()> {
    let mut out = Writer::new(out);
    out.comment(&format!(
        "campanile {}, microseconds from {} us of the engine's clock",
        heading(recording),
        recording.engine
    ))?;
    if let Some(source) = source(recording) {
        out.comment(&source)?;
    }
    out.timescale(1, TimescaleUnit::US)?;
    out.add_module(&recording.node)?;
    let mut changes = Vec::new();
    for (scope, rank) in
        [("inputs", 0), ("sensors", 1), ("variables", 2), ("scenarios", 3), ("outputs", 4), ("messages", 5)]
    {
        let mut lanes = recording.lanes.iter().filter(|lane| lane.track.rank() == rank).peekable();
        if lanes.peek().is_some() {
            out.add_module(scope)?;
            for lane in lanes {
                declare(&mut out, lane, &mut changes)?;
            }
            out.upscope()?;
        }
    }
    out.upscope()?;
    out.enddefinitions()?;
    // Of one time, in the order of the lanes.
    changes.sort_by_key(|change| change.at);
    let mut now = None;
    for change in &changes {
        if now != Some(change.at) {
            out.timestamp(change.at)?;
            now = Some(change.at);
        }
        change.write(&mut out)?;
    }
    if now.is_none_or(|now| now < recording.length) {
        out.timestamp(recording.length)?;
    }
    out.flush()
}

/// A change of a variable.
struct Change {
    at: u64,
    id: IdCode,
    value: To,
}

/// What a variable changes to.
enum To {
    Bit(Option<bool>),
    Bits(Option<u32>, u32),
    Real(f64),
}

impl Change {
    fn write(&self, out: &mut Writer<impl Write>) -> io::Result<()> {
        match self.value {
            To::Bit(bit) => out.change_scalar(self.id, bit.map_or(Value::X, Value::from)),
            To::Bits(Some(bits), width) => {
                out.change_vector(self.id, (0..width).rev().map(|bit| Value::from(bits >> bit & 1 != 0)))
            }
            To::Bits(None, width) => out.change_vector(self.id, (0..width).map(|_| Value::X)),
            To::Real(value) => out.change_real(self.id, value),
        }
    }
}

/// Declares the variables of a lane and notes their changes. Each has a value at the beginning.
fn declare(out: &mut Writer<impl Write>, lane: &Lane, changes: &mut Vec<Change>) -> io::Result<()> {
    let name = lane.name.as_str();
    match &lane.track {
        Track::Input { raw, reported, .. } => {
            let id = out.add_wire(1, name)?;
            all(changes, id, reported, To::Bit);
            let id = out.add_wire(1, &format!("{name}.raw"))?;
            all(changes, id, raw, To::Bit);
        }
        Track::Output { levels } => {
            let id = out.add_wire(1, name)?;
            all(changes, id, levels, To::Bit);
        }
        Track::Sensor { values, decimals, .. } => {
            let id = out.add_var(VarType::Real, 64, name, None)?;
            let scale = 10_f64.powi(i32::from(*decimals));
            all(changes, id, values, |value: Option<i32>| {
                To::Real(value.map_or(f64::NAN, |value| f64::from(value) / scale))
            });
        }
        Track::Variable { values } => {
            let id = out.add_var(VarType::Integer, 32, name, None)?;
            all(changes, id, values, |value: Option<i32>| To::Bits(value.map(i32::cast_unsigned), 32));
        }
        Track::Scenario { runs, .. } => {
            let counts = counts(runs);
            let id = out.add_wire(1, name)?;
            let running: Vec<_> = counts.iter().map(|(at, count)| (*at, Some(*count > 0))).collect();
            all(changes, id, &running, To::Bit);
            if counts.iter().any(|(_, count)| *count > 1) {
                let bits = Some(ReferenceIndex::Range(7, 0));
                let id = out.add_var(VarType::Reg, 8, &format!("{name}.runs"), bits)?;
                let counts: Vec<_> = counts.iter().map(|(at, count)| (*at, Some(*count))).collect();
                all(changes, id, &counts, |count| To::Bits(count, 8));
            }
        }
        Track::Message { sends } => {
            let id = out.add_wire(1, name)?;
            let mut pulses = vec![(0, Some(false))];
            for send in sends {
                // Two of one microsecond are one pulse; of neighbours, one that is longer.
                pulses.pop_if(|(at, up)| *up == Some(false) && *at == send.at && send.at > 0);
                if pulses.last() != Some(&(send.at, Some(true))) {
                    pulses.push((send.at, Some(true)));
                }
                pulses.push((send.at + 1, Some(false)));
            }
            all(changes, id, &pulses, To::Bit);
        }
    }
    Ok(())
}

fn all<T: Copy>(
    changes: &mut Vec<Change>,
    id: IdCode,
    of: &[(u64, Option<T>)],
    to: impl Fn(Option<T>) -> To,
) {
    if of.first().is_none_or(|(at, _)| *at > 0) {
        changes.push(Change { at: 0, id, value: to(None) });
    }
    changes.extend(of.iter().map(|(at, value)| Change { at: *at, id, value: to(*value) }));
}

/// How many runs there are, from when on. One that takes no time is there for a microsecond.
fn counts(runs: &[Run]) -> Vec<(u64, u32)> {
    let mut steps: Vec<(u64, bool)> = Vec::with_capacity(2 * runs.len());
    steps.extend(runs.iter().map(|run| (run.from, true)));
    steps.extend(runs.iter().filter_map(|run| Some((run.to?.max(run.from + 1), false))));
    steps.sort_unstable();
    let (mut counts, mut count) = (vec![(0, 0_u32)], 0);
    for (at, begins) in steps {
        count = if begins { count + 1 } else { count - 1 };
        // Of one time the last counts.
        counts.pop_if(|(time, _)| *time == at);
        counts.push((at, count));
    }
    counts
}
