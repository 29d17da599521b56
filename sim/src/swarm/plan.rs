//! A plan: everything that a seed draws, as data. Running a plan is a pure function of it, so that a life that went
//! wrong is shortened by taking things out of its plan, and a plan in a file is the whole of a bug report.
//!
//! Times are microseconds of the world's clock, from its beginning; spans too. Inputs, outputs and so on have their
//! names, so that a plan outlives a change of the house, and a person can read it.

mod deed;
mod node;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use campanile_delivery::symbols::Symbols;

pub use deed::{Ask, Deed, DiskFault, FlashFault, Leaves, NetFault, Rots, WireFault};
pub use node::{
    FlashPlan, JournalPlan, KeptPlan, NodePlan, Ring, SatellitePlan, SinkPlan, Waiting, Wants, ZonePlan,
};

use super::ports;
use crate::house::House;

/// A life of some nodes and all that befalls them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// Of what is left to chance while it runs: who goes first, how long a wake-up takes, which sectors survive.
    pub seed: u64,
    /// Until then stimuli and faults; behind it everything works, and has to settle.
    pub until: u64,
    /// The nodes, each a copy of the house.
    pub nodes: Vec<NodePlan>,
    /// What happens, in the order of time.
    pub items: Vec<Item>,
}

/// Something that happens at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Item {
    /// When.
    pub at: u64,
    /// To which node.
    pub node: u8,
    /// To the board at this port of it, in the order in which the houses name them, counted round; else to the node itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub satellite: Option<u8>,
    /// What. All that is not above is its, and what it does not know it refuses.
    #[serde(flatten)]
    pub deed: Deed,
}

/// A name that no house has where a plan has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Which item names it, from 0.
    pub item: usize,
    /// What it should be.
    pub what: &'static str,
    /// The name.
    pub name: String,
    /// The names that there are.
    pub known: Vec<String>,
    /// Who has it all the same: the house itself, or which of its satellites, by number and name.
    pub elsewhere: Vec<Option<(usize, String)>>,
}

impl Plan {
    /// The first name that none of the houses has where it is asked for.
    #[must_use]
    pub fn unknown(&self, houses: &[House]) -> Option<Unknown> {
        self.items.iter().enumerate().find_map(|(item, Item { deed, satellite, .. })| {
            let (what, name) = deed.names()?;
            let symbols: Vec<&Symbols> = match satellite {
                None => houses.iter().map(|house| &house.symbols).collect(),
                Some(place) => {
                    let ports = ports::ports(houses);
                    let place = usize::from(*place).checked_rem(ports.len());
                    place
                        .iter()
                        .flat_map(|place| ports::at(houses, ports[*place]))
                        .map(|it| &it.symbols)
                        .collect()
                }
            };
            let known: Vec<String> = symbols.into_iter().flat_map(|symbols| names(symbols, what)).collect();
            (!known.iter().any(|known| known == name)).then(|| {
                let elsewhere: BTreeSet<_> = houses
                    .iter()
                    .flat_map(|house| owners(house, &ports::ports(houses), what, name))
                    .collect();
                let (name, elsewhere) = (name.to_owned(), elsewhere.into_iter().collect());
                Unknown { item, what, name, known, elsewhere }
            })
        })
    }

    /// As JSON, with a line for each item.
    #[must_use]
    pub fn to_text(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("  {}", json(node))).collect();
        let items: Vec<String> = self.items.iter().map(|item| format!("  {}", json(item))).collect();
        let list = |lines: Vec<String>| {
            if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", lines.join(",\n")) }
        };
        let (seed, until) = (self.seed, self.until);
        format!("{{\"seed\":{seed},\"until\":{until},\"nodes\":{},\"items\":{}}}", list(nodes), list(items))
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| unreachable!("plain data: {error}"))
}

/// Who has something of this sort and name: a house itself, and its satellites by number and name.
fn owners(house: &House, ports: &[&str], what: &str, name: &str) -> Vec<Option<(usize, String)>> {
    let has = |symbols: &Symbols| names(symbols, what).iter().any(|known| known == name);
    let satellites = house.satellites.iter().filter(|satellite| has(&satellite.symbols));
    let satellites = satellites.filter_map(|satellite| {
        let place = ports.iter().position(|port| *port == satellite.port)?;
        Some(Some((place, satellite.name.clone())))
    });
    has(&house.symbols).then_some(None).into_iter().chain(satellites).collect()
}

/// All names of one sort.
fn names(symbols: &Symbols, what: &str) -> Vec<String> {
    match what {
        "input" => symbols.inputs.iter().map(|input| input.name.clone()).collect(),
        "output" => symbols.outputs.iter().map(|output| output.name.clone()).collect(),
        "sensor" => symbols.sensors.iter().map(|sensor| sensor.name.clone()).collect(),
        "variable" => symbols.variables.clone(),
        "scenario" => symbols.scenarios.clone(),
        _ => symbols.peers.clone(),
    }
}
