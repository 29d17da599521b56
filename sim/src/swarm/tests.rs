use super::plan::{Deed, Item, NodePlan};
use super::shrink::shrink;
use super::*;
use crate::testing::{doorbell, louder};

fn houses() -> Vec<House> {
    vec![doorbell(), House { image: louder(), symbols: doorbell().symbols }]
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
fn a_name_that_no_house_has_is_found_with_those_that_there_are() {
    let deed = Deed::Touch { input: "buton".into(), on: true, bounce: vec![] };
    let item = Item { at: 0, node: 0, deed };
    let plan = Plan { seed: 0, until: 1, nodes: vec![NodePlan::default()], items: vec![item] };
    let unknown = plan.unknown(&houses()).expect("there is no buton");
    assert_eq!((unknown.item, unknown.what, unknown.name.as_str()), (0, "input", "buton"));
    assert!(unknown.known.contains(&"button".to_owned()));
}

/// A house whose program is no program fails always: nothing of the plan is needed for that.
#[test]
fn what_is_not_needed_for_a_failure_is_taken_out() {
    let whole = houses();
    let plan = draw(1, &whole);
    assert!(plan.items.len() > 10);
    let broken = vec![House { image: vec![1, 2, 3], symbols: doorbell().symbols }];
    let finding = run(&plan, &broken).finding.expect("no image");
    let shrunk = shrink(plan, finding, &broken, 500);
    assert_eq!((shrunk.plan.items.len(), shrunk.plan.nodes.len()), (0, 1), "{}", shrunk.plan.to_text());
    assert!(shrunk.finding.what.contains("no image"));
}
