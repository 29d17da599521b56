//! Scenarios that are sure to start each other for ever within one instant (I8). What depends on a condition, or on
//! what triggers fire, ends at the engine's limit with a fault.

use std::collections::HashMap;
use std::ops::Range;

use super::super::file::{Action, House, ModeWord, Scenario};
use super::super::read::Report;
use super::super::source::Diagnostic;

/// What a scenario starts whenever it runs, by place, and where it says so.
type Starts = Vec<(usize, Range<usize>)>;

/// Says which scenarios start themselves again, directly or by others.
pub(super) fn check(house: &House, report: &mut Report<'_>) {
    let scenarios = house.scenarios();
    let mut places = HashMap::new();
    for (place, scenario) in scenarios.iter().enumerate() {
        places.entry(scenario.name.value.0.as_str()).or_insert(place);
    }
    let starts: Vec<Starts> = scenarios.iter().map(|scenario| starts(scenario, &places)).collect();
    let reached: Vec<Vec<bool>> = (0..scenarios.len()).map(|from| reached(from, &starts)).collect();
    for (place, scenario) in scenarios.iter().enumerate() {
        let back = |other: usize| reached[place][other] && reached[other][place];
        // Of those that start each other, the first is told.
        if !back(place) || (0..place).any(back) {
            continue;
        }
        let way = starts[place].iter().find(|(target, _)| *target == place || reached[*target][place]);
        let Some((target, span)) = way else { continue };
        let name = &scenario.name.value.0;
        let what = if *target == place {
            format!("`{name}` starts itself again, without a wait")
        } else {
            format!(
                "`{name}` starts `{}`, which leads back to it without a wait",
                scenarios[*target].name.value.0
            )
        };
        report.push(
            Diagnostic::error(span.clone(), what)
                .label("for ever, within one instant")
                .help("put { wait = \"1s\" } in front of it, or `repeat` what is to be done again"),
        );
    }
}

fn starts(scenario: &Scenario, places: &HashMap<&str, usize>) -> Starts {
    // A run that waits is still there when it is started again; only `restart` begins anew then.
    let again = scenario.mode.value == ModeWord::Restart || !scenario.actions.iter().any(Action::waits);
    if scenario.condition.is_some() || !again {
        return Vec::new();
    }
    let surely = scenario.actions.iter().take_while(|action| {
        matches!(action, Action::Set(_) | Action::Let(_) | Action::Send(_) | Action::Start(_))
    });
    surely
        .filter_map(|action| match action {
            Action::Start(start) => {
                places.get(start.scenario.value.as_str()).map(|place| (*place, start.span.clone()))
            }
            _ => None,
        })
        .collect()
}

fn reached(from: usize, starts: &[Starts]) -> Vec<bool> {
    let mut reached = vec![false; starts.len()];
    let mut next = vec![from];
    while let Some(place) = next.pop() {
        for (target, _) in &starts[place] {
            if !std::mem::replace(&mut reached[*target], true) {
                next.push(*target);
            }
        }
    }
    reached
}
