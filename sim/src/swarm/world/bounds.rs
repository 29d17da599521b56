//! What a plan may ask for: one that somebody has edited is told what is wrong with it, and not lived for ever.

use crate::swarm::plan::{Deed, Plan};

/// More in one item would only take time: what is about to happen is kept edge by edge.
const MOST_EDGES: u32 = 1_000_000;
/// Ten years: more would only take time, and where times have their greatest value a clock stands still, or
/// there is none behind them.
const MOST_TIME: u64 = 10 * 365 * 86_400_000_000;

/// Says what is too much, or about nobody.
pub(super) fn check(plan: &Plan) -> Result<(), String> {
    let time = |what: &str, time| match time {
        ..=MOST_TIME => Ok(()),
        _ => Err(format!("{what} is {time} microseconds, and {MOST_TIME}, ten years, are the most")),
    };
    time("the plan's `until`", plan.until)?;
    for (index, node) in plan.nodes.iter().enumerate() {
        let sinks = node.sinks.iter().map(|sink| ("latency", sink.latency));
        let satellites = node.satellites.iter();
        let satellites = satellites.flat_map(|how| [("interrupt", how.interrupt), ("wake", how.wake)]);
        let own =
            [("slack", node.slack), ("capture", node.capture), ("wake", node.wake), ("clock", node.clock)];
        for (what, of) in own.into_iter().chain(sinks).chain(satellites) {
            time(&format!("the `{what}` of node {index}"), of)?;
        }
    }
    for (index, item) in plan.items.iter().enumerate() {
        if usize::from(item.node) >= plan.nodes.len() {
            return Err(format!("item {index} is about node {}, which there is not", item.node));
        }
        time(&format!("the `at` of item {index}"), item.at)?;
        if let Some((what, span)) = item.deed.clone().time() {
            time(&format!("the `{what}` of item {index}"), *span)?;
        }
        if let Deed::Edges { count, .. } | Deed::Lose { lost: count, .. } = item.deed
            && count > MOST_EDGES
        {
            return Err(format!("item {index} has {count} edges, and {MOST_EDGES} are the most in one"));
        }
    }
    Ok(())
}
