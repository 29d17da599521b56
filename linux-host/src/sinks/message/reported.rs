//! What the file adds to the states of inputs (`report`), and which names stand in a device shadow.

use std::collections::BTreeSet;

use campanile_core::id::{InputId, Level};
use campanile_delivery::symbols::Symbols;
use serde_json::{Map, Value};

use super::Kind;
use crate::config::scalar::OURS;
use crate::sinks::only::Only;

/// What the file adds to the state of an input at a level.
pub(super) fn added(symbols: &Symbols, input: InputId, level: Level) -> Map<String, Value> {
    let mut map =
        symbols.inputs.get(input.index()).map(|input| input.report.at(level).clone()).unwrap_or_default();
    // Also of a program that an earlier version took: nothing takes the place of what a receiver relies on.
    map.retain(|key, _| !OURS.contains(&key.as_str()));
    map
}

/// The names under which an input stands in a device shadow at a level: what the file adds, or its own.
fn of(symbols: &Symbols, input: InputId, level: Level) -> Vec<String> {
    let added = added(symbols, input, level);
    if added.is_empty() {
        vec![symbols.input(input).to_owned()]
    } else {
        added.into_iter().map(|(key, _)| key).collect()
    }
}

/// The names under which it stood at the other level, and no more.
pub(super) fn gone(symbols: &Symbols, input: InputId, level: Level) -> Vec<String> {
    let here = of(symbols, input, level);
    let mut there = of(symbols, input, Level::from_bool(!level.is_on()));
    there.retain(|name| !here.contains(name));
    there
}

/// All names under which the states of a program stand in a device shadow, as far as a sink is told them.
pub(in crate::sinks) fn names(symbols: &Symbols, only: &Only) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (place, input) in symbols.inputs.iter().enumerate() {
        let Ok(id) = u8::try_from(place).map(InputId) else { continue };
        if only.takes(Kind::Input, &input.name) {
            names.extend([Level::On, Level::Off].into_iter().flat_map(|level| of(symbols, id, level)));
        }
    }
    let others = [
        (Kind::Output, symbols.outputs.iter().map(|output| &*output.name).collect::<Vec<_>>()),
        (Kind::Sensor, symbols.sensors.iter().map(|sensor| &*sensor.name).collect()),
        (Kind::Variable, symbols.variables.iter().map(|name| &**name).collect()),
    ];
    for (kind, all) in others {
        names.extend(all.into_iter().filter(|name| only.takes(kind, name)).map(str::to_owned));
    }
    names
}
