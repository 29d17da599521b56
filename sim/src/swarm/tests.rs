use std::ops::ControlFlow;

use super::plan::{Deed, Item, JournalPlan, NetFault, NodePlan, SatellitePlan, SinkPlan};
use super::shrink::{Step, shrink};
use super::*;
use crate::house::SatelliteHouse;
use crate::testing::{doorbell, louder, meter};

fn houses() -> Vec<House> {
    vec![doorbell(), House::new(louder(), doorbell().symbols)]
}

/// Some lives of the doorbell; `campanile swarm` tries more.
#[test]
fn the_doorbell_survives() {
    let houses = houses();
    let mut records = 0;
    for seed in 0..20 {
        let outcome = run(&draw(seed, &houses), &houses);
        assert_eq!(outcome.finding, None, "campanile swarm --seeds {seed}");
        records += outcome.records;
    }
    assert!(records > 2_000, "{records} records: nothing happens");
}

#[test]
fn a_seed_gives_the_same_plan_and_another_seed_another() {
    let houses = houses();
    assert_eq!(draw(7, &houses), draw(7, &houses));
    assert_ne!(draw(7, &houses), draw(8, &houses));
}

/// The engine does the same in both houses, at the same times; the names that are kept beside the journal differ.
#[test]
fn what_differs_on_the_disk_alone_is_a_difference_too() {
    let lived = |scenario: &str| {
        let mut house = doorbell();
        house.symbols.scenarios[0] = scenario.into();
        let plan = Plan { seed: 1, until: 2_000_000, nodes: vec![NodePlan::default()], items: Vec::new() };
        let outcome = once(&plan, &[house], true, &|| false).expect("nobody gives it up");
        assert_eq!(outcome.finding, None);
        outcome
    };
    let (one, again, other) = (lived("ring"), lived("ring"), lived("rang"));
    let times = |outcome: &Outcome| outcome.trail.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!((one.records, times(&one)), (other.records, times(&other)));
    assert_eq!(one.trail, again.trail);
    assert_ne!(one.trail, other.trail);
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    let houses = houses();
    for seed in 0..50 {
        let plan = draw(seed, &houses);
        let read: Plan =
            serde_json::from_str(&plan.to_text()).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        assert_eq!(read, plan, "seed {seed}");
        assert_eq!(plan.unknown(&houses), None, "seed {seed}");
    }
}

#[test]
fn a_key_that_nothing_has_is_refused_by_its_name() {
    let read = |item: &str| {
        let text = format!(r#"{{"seed":1,"until":9,"nodes":[],"items":[{item}]}}"#);
        serde_json::from_str::<Plan>(&text).map_err(|why| why.to_string())
    };
    let stall = r#""at":3,"node":0,"deed":"stall","span":8"#;
    assert!(read(&format!("{{{stall}}}")).is_ok());
    assert!(read(&format!(r#"{{{stall},"satellite":1}}"#)).is_ok());
    for key in ["satelite", "spann", "off"] {
        let why = read(&format!(r#"{{{stall},"{key}":1}}"#)).expect_err(key);
        assert!(why.contains(&format!("unknown field `{key}`")), "{why}");
    }
}

#[test]
fn a_name_that_no_house_has_is_found_with_those_that_there_are() {
    let deed = Deed::Touch { input: "buton".into(), on: true, bounce: vec![] };
    let item = Item { at: 0, node: 0, satellite: None, deed };
    let plan = Plan { seed: 0, until: 1, nodes: vec![NodePlan::default()], items: vec![item] };
    let unknown = plan.unknown(&houses()).expect("there is no buton");
    assert_eq!((unknown.item, unknown.what, unknown.name.as_str()), (0, "input", "buton"));
    assert!(unknown.known.contains(&"button".to_owned()) && unknown.elsewhere.is_empty());
}

#[test]
fn a_name_that_is_another_nodes_is_found_with_whose_it_is() {
    let mut house = doorbell();
    let porch = meter();
    let satellite = SatelliteHouse {
        name: "porch".into(),
        board: "porch".into(),
        port: "/dev/ttyACM0".into(),
        image: porch.image,
        symbols: porch.symbols,
        safe_without_link: Vec::new(),
    };
    house.satellites.push(satellite);
    let unknown = |input: &str, satellite| {
        let deed = Deed::Touch { input: input.into(), on: true, bounce: vec![] };
        let item = Item { at: 0, node: 0, satellite, deed };
        let plan = Plan { seed: 0, until: 1, nodes: vec![NodePlan::default()], items: vec![item] };
        plan.unknown(std::slice::from_ref(&house))
    };
    let porch = Some((0, "porch".to_owned()));
    assert_eq!(unknown("meter", None).expect("it is the porch's").elsewhere, std::slice::from_ref(&porch));
    assert_eq!(unknown("button", Some(0)).expect("it is the house's").elsewhere, [None]);
    assert!(unknown("meter", Some(0)).is_none() && unknown("button", None).is_none());
}

/// A house whose program is no program fails always: nothing of the plan is needed for that.
#[test]
fn what_is_not_needed_for_a_failure_is_taken_out() {
    let whole = houses();
    let plan = draw(1, &whole);
    assert!(plan.items.len() > 10);
    let broken = vec![House::new(vec![1, 2, 3], doorbell().symbols)];
    let finding = run(&plan, &broken).finding.expect("no image");
    let mut steps = Vec::new();
    let shrunk = shrink(plan.clone(), finding.clone(), &broken, 500, &mut |step| {
        steps.push(step);
        ControlFlow::Continue(())
    });
    assert_eq!((shrunk.plan.items.len(), shrunk.plan.nodes.len()), (0, 1), "{}", shrunk.plan.to_text());
    assert!(shrunk.finding.what.contains("no image") && shrunk.is_shortest);
    assert_eq!(steps[0], Step { tries: 0, items: plan.items.len() });
    assert!(
        steps.is_sorted_by_key(|step| step.tries) && steps.is_sorted_by(|one, next| one.items >= next.items)
    );
    assert_eq!(steps.len(), shrunk.tries as usize);

    // Whoever has seen enough gets the shortest so far.
    let ends_behind = |tries| {
        let mut watch = |step: Step| {
            if step.tries < tries { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        shrink(plan.clone(), finding.clone(), &broken, 500, &mut watch)
    };
    let (none, one) = (ends_behind(0), ends_behind(1));
    assert_eq!((&none.plan, none.tries, none.is_shortest), (&plan, 0, false));
    assert!(one.plan.items.len() + one.plan.nodes.len() < plan.items.len() + plan.nodes.len());
    assert_eq!((one.tries, one.is_shortest), (1, false));
}

/// In a life that ends with what `deed` does a second after its beginning.
fn a_life_with(deed: Deed) -> Plan {
    let item = Item { at: SECOND, node: 0, satellite: None, deed };
    Plan { seed: 1, until: 2 * SECOND, nodes: vec![NodePlan::default()], items: vec![item] }
}

#[test]
fn a_plan_without_bounds_is_told_so_and_not_lived() {
    let button = || "button".to_owned();
    for deed in [
        Deed::Edges { input: button(), count: 4_000_000_000, every: 1 },
        Deed::Lose { input: button(), lost: 4_000_000_000, on: true },
    ] {
        let finding = run(&a_life_with(deed), &houses()).finding.expect("too many edges");
        assert!(finding.what.contains("item 0 has 4000000000 edges, and 1000000 are the most"), "{finding}");
    }
    let plan = || a_life_with(Deed::Stall { span: 1 });
    let with = |node| Plan { nodes: vec![node], ..plan() };
    let late = NodePlan { clock: u64::MAX, ..NodePlan::default() };
    let far = SinkPlan { latency: u64::MAX, ..SinkPlan::default() };
    let slow = SatellitePlan { interrupt: u64::MAX, ..SatellitePlan::default() };
    let mut never = plan();
    never.items[0].at = u64::MAX;
    for (plan, what) in [
        (Plan { until: u64::MAX, ..plan() }, "the plan's `until`"),
        (with(late), "the `clock` of node 0"),
        (with(NodePlan { sinks: vec![far], ..NodePlan::default() }), "the `latency` of node 0"),
        (with(NodePlan { satellites: vec![slow], ..NodePlan::default() }), "the `interrupt` of node 0"),
        (never, "the `at` of item 0"),
        (a_life_with(Deed::Stall { span: u64::MAX }), "the `span` of item 0"),
        (a_life_with(Deed::Kill { off: u64::MAX }), "the `off` of item 0"),
    ] {
        let finding = run(&plan, &houses()).finding.expect(what);
        let words = format!("{what} is 18446744073709551615 microseconds");
        assert!(finding.what.starts_with(&words) && finding.what.ends_with(", are the most"), "{finding}");
    }
}

#[test]
fn a_life_that_nobody_waits_for_any_more_is_given_up_on_its_way() {
    let (plan, asked) = (draw(1, &houses()), Cell::new(0));
    let ends_behind = |steps| {
        asked.set(0);
        run_unless(&plan, &houses(), &|| asked.replace(asked.get() + 1) == steps)
    };
    assert!(ends_behind(100).is_none() && asked.get() == 101, "asked at every step, and not again");
    let whole = ends_behind(u64::MAX).expect("it comes to its end");
    assert!(asked.get() > 1_000, "{}", asked.get());
    assert_eq!((whole.finding, whole.records), (None, run(&plan, &houses()).records));
    // The second of its two runs, too.
    let steps = asked.get();
    assert!(ends_behind(steps - 1).is_none());
}

/// A sink that waits longer, before it tries again, than a life does at its end.
#[test]
fn a_finding_is_told_also_when_nobody_waits_for_its_second_run() {
    let slow = SinkPlan { retry: HOUR, ..SinkPlan::default() };
    let node = NodePlan { sinks: vec![slow], ..NodePlan::default() };
    let away = Deed::Net { sink: 0, fault: NetFault::Dead, span: SECOND };
    let plan = Plan { nodes: vec![node], ..a_life_with(away) };
    let steps = Cell::new(0_u64);
    let count = || {
        steps.set(steps.get() + 1);
        false
    };
    let first = once(&plan, &houses(), true, &count).expect("nobody gives it up");
    let finding = first.finding.expect("nothing arrives");
    assert!(finding.what.contains("has only got to"), "{finding}");

    let left = Cell::new(steps.get());
    let is_over = || left.replace(left.get().saturating_sub(1)) == 0;
    let told = run_unless(&plan, &houses(), &is_over).and_then(|outcome| outcome.finding);
    assert_eq!((told, left.get()), (Some(finding), 0));
    assert!(is_over(), "nobody has waited since the first run ended");
}

/// The engine knows a line by its board's hardware: a door that stands open still does under a program that calls its board
/// something else.
#[test]
fn a_board_with_another_name_has_the_same_lines() {
    let mut renamed = House::new(louder(), doorbell().symbols);
    renamed.symbols.inputs.iter_mut().for_each(|input| input.board = "loft".into());
    renamed.symbols.outputs.iter_mut().for_each(|output| output.board = "loft".into());
    let item = |at, deed| Item { at, node: 0, satellite: None, deed };
    let open = Deed::Touch { input: "door".into(), on: true, bounce: vec![] };
    let items = vec![item(SECOND, open), item(2 * SECOND, Deed::Swap { house: 1 })];
    let plan = Plan { seed: 1, until: 4 * SECOND, nodes: vec![NodePlan::default()], items };
    assert_eq!(run(&plan, &[doorbell(), renamed]).finding, None);
}

const SECOND: u64 = 1_000_000;
const HOUR: u64 = 3_600 * SECOND;

/// A receiver is away for a day, in every second hour of which there is a second with a thousand events; the journal has so much
/// room. The receiver comes back in the middle of it all, with its process killed on the way.
fn a_day_without_a_receiver(room: u64) -> Outcome {
    let item = |at, deed| Item { at, node: 0, satellite: None, deed };
    let away = Deed::Net { sink: 0, fault: NetFault::Dead, span: 24 * HOUR };
    let burst = |hour| {
        let deed = Deed::Edges { input: "meter".into(), count: 1_000, every: 1_000 };
        item(hour * HOUR + 2 * SECOND, deed)
    };
    let mut items: Vec<Item> = (0..25).step_by(2).map(burst).collect();
    items.extend([item(SECOND, away), item(11 * HOUR, Deed::Kill { off: SECOND })]);
    items.sort_by_key(|item| item.at);
    let sink = SinkPlan { window: 100, ..SinkPlan::default() };
    let journal = JournalPlan { size: room, ..JournalPlan::default() };
    let node = NodePlan { journal, sinks: vec![sink], ..NodePlan::default() };
    let plan = Plan { seed: 1, until: 25 * HOUR, nodes: vec![node], items };
    run(&plan, &[meter()])
}

/// Nothing lost without a word, all in order, each duplicate known by its place: the judges see to that.
#[test]
fn what_a_receiver_missed_in_a_day_comes_when_it_is_back() {
    let roomy = a_day_without_a_receiver(8 << 20);
    assert_eq!(roomy.finding, None);
    assert!(roomy.records > 26_000, "{} records", roomy.records);
    assert_eq!(roomy.accounted, 0, "there was room for everything");

    let tight = a_day_without_a_receiver(96 << 10);
    assert_eq!(tight.finding, None);
    assert!((10_000..26_000).contains(&tight.accounted), "{} records fell to retention", tight.accounted);
}
