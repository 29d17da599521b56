//! Satellites get other names, other places in the file and other ports, come and go, while the house lives and what befalls
//! it befalls it: the judges of the swarm see to it that both ends know the same again, and that nothing is lost without a word.

use campanile::config::{Source, compile};
use campanile_clock as _;
use campanile_sim::swarm::plan::{Deed, FlashPlan, Item, NodePlan, SatellitePlan};
use campanile_sim::swarm::{Plan, draw, run};
use campanile_sim::world::House;

const HALL: &str = include_str!("../houses/satellites/hall.toml");
const PORCH: &str = include_str!("../houses/satellites/porch.toml");
const SHED: &str = include_str!("../houses/satellites/shed.toml");

const SECOND: u64 = 1_000_000;

/// The house with these satellites.
fn house(satellites: &[&str]) -> House {
    let text = [&[HALL], satellites].concat().concat();
    let compiled = compile(&Source::new("house.toml".to_owned(), text)).expect("a house without errors");
    compiled.simulated()
}

/// Both satellites, each with the other's `one` or `other`.
fn exchanged(one: &str, other: &str) -> House {
    let exchange = |text: &str| text.replace(one, "\0").replace(other, one).replace('\0', other);
    house(&[&exchange(PORCH), &exchange(SHED)])
}

/// Everybody presses each button and steps on each mat, before the other file is there, with it, and when the first is back.
fn in_order(flash: bool) -> Plan {
    let item = |at, satellite, deed| Item { at, node: 0, satellite, deed };
    let touch = |input: &str, on| Deed::Touch { input: input.to_owned(), on, bounce: vec![700, 1_300] };
    let mut items = Vec::new();
    for (begin, swap) in [(3, 8), (11, 19), (22, 30)] {
        for (board, at) in [(0, begin * SECOND), (1, begin * SECOND + 400_000)] {
            for (input, on, at) in
                [("button", true, at), ("mat", true, at + 100_000), ("button", false, at + SECOND)]
            {
                items.push(item(at, Some(board), touch(input, on)));
            }
            items.push(item(at + 2 * SECOND, Some(board), touch("mat", false)));
        }
        items.push(item(begin * SECOND + 10, None, touch("hatch", begin != 11)));
        items.push(item(swap * SECOND, None, Deed::Swap { house: u8::from(swap == 8) }));
    }
    items.sort_by_key(|item| item.at);
    let flash = flash.then_some(FlashPlan { pages: 12, endurance: 0 });
    let board = SatellitePlan { flash, ..SatellitePlan::default() };
    let node = NodePlan { satellites: vec![board.clone(), board], ..NodePlan::default() };
    Plan { seed: 7, until: 31 * SECOND, nodes: vec![node], items }
}

/// Of a drawn life half a minute, in the middle of which the other file comes.
fn drawn(seed: u64, houses: &[House]) -> Plan {
    let mut plan = draw(seed, houses);
    plan.until = plan.until.min(30 * SECOND);
    plan.items.retain(|item| item.at < plan.until);
    let swap = Item { at: plan.until / 2, node: 0, satellite: None, deed: Deed::Swap { house: 1 } };
    plan.items.insert(plan.items.partition_point(|item| item.at < swap.at), swap);
    plan
}

/// Lives in which the other file takes the first one's place.
fn survives(first: House, other: House) {
    assert_ne!(first.satellites, other.satellites);
    let houses = [first, other];
    let plans = [false, true].map(in_order).into_iter().chain((0..3).map(|seed| drawn(seed, &houses)));
    for plan in plans {
        let outcome = run(&plan, &houses);
        assert_eq!(outcome.finding, None, "{}", plan.to_text());
        assert!(outcome.records > 0);
    }
}

#[test]
fn a_satellite_gets_another_name() {
    survives(house(&[PORCH, SHED]), house(&[&PORCH.replace("porch", "gate"), SHED]));
}

/// Its board in the file stays as it was.
#[test]
fn a_satellite_gets_another_name_and_its_lines_stay() {
    let named = |name: &str| {
        let text = PORCH.replace("satellites.porch", &format!("satellites.{name}"));
        let text = text
            .replace("\"porch.", &format!("\"{name}."))
            .replace("link = \"porch\"", &format!("link = \"{name}\""));
        format!("{text}\n[satellites.{name}]\nboard = \"porch\"\n")
    };
    survives(house(&[&named("porch"), SHED]), house(&[&named("gate"), SHED]));
}

#[test]
fn satellites_stand_in_another_order() {
    survives(house(&[PORCH, SHED]), house(&[SHED, PORCH]));
}

#[test]
fn a_satellite_is_new() {
    survives(house(&[PORCH]), house(&[PORCH, SHED]));
}

#[test]
fn the_first_satellite_is_new() {
    survives(house(&[]), house(&[PORCH]));
}

#[test]
fn a_satellite_is_gone() {
    survives(house(&[PORCH, SHED]), house(&[SHED]));
}

#[test]
fn two_satellites_exchange_their_names() {
    survives(house(&[PORCH, SHED]), exchanged("porch", "shed"));
}

/// The programs of the house are the same, and what differs is beside them.
#[test]
fn two_satellites_exchange_their_ports() {
    let (first, other) = (house(&[PORCH, SHED]), exchanged("ttyACM0", "ttyACM1"));
    assert_eq!((&first.image, &first.symbols), (&other.image, &other.symbols));
    survives(first, other);
}

/// A board goes on with the lines that it has under whichever name: the engine there knows them by what the compiler calls them.
#[test]
fn a_satellites_own_lines_do_not_depend_on_its_name() {
    let (first, other) = (house(&[PORCH]), house(&[&PORCH.replace("porch", "gate")]));
    let [one, two] = [&first.satellites[0], &other.satellites[0]].map(|satellite| lines(&satellite.image));
    assert_eq!(one, two);
    assert_ne!(first.satellites[0].image, other.satellites[0].image, "a program says whose it is");
}

fn lines(image: &[u8]) -> Vec<u32> {
    let mut image = campanile_core::program::image::Image::open(image).expect("an image");
    let inputs = (0..image.counts.inputs).collect::<Vec<_>>();
    inputs.iter().map(|_| image.item::<campanile_core::program::InputDef>().expect("an input").line).collect()
}
