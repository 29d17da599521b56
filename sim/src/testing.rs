//! A doorbell put together by hand, for tests that need no compiler of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use campanile_core::calendar::Schedule;
use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::id::{InputId, Level, OutputId, ScenarioId, VarId};
use campanile_core::program::code::{Op, Step};
use campanile_core::program::{
    AfterRestart, InputDef, Mode, On, OutputDef, Parts, ScenarioDef, TriggerDef, VarDef, image,
};
use campanile_core::time::{Duration, Instant};
use campanile_core::wire::{Wire, Writer};
use campanile_delivery::disk::Disk;
use campanile_delivery::symbols::{self, Active, Drive, Line, Pull, Report, Symbols};

use crate::bounce::Model;
use crate::script::{Action, Bounce, Command, Script, Step as ScriptStep};
use crate::world::{House, Options, play_and_keep};

fn put(code: &mut Vec<u8>, item: &impl Wire) {
    let mut bytes = [0; 32];
    let mut w = Writer::new(&mut bytes);
    item.put(&mut w);
    let len = w.finish().expect("an instruction fits");
    code.extend_from_slice(&bytes[..len]);
}

/// A button (`asym 20ms 30ms`), a door (`defer 10ms`), a chime (`max-on` 5 s) and a lamp. A press counts in `rings` and
/// sounds the chime for 800 ms; the door lights the lamp while it is open; the lamp blinks every 250 ms; at 07:30 the
/// chime sounds too.
pub(crate) fn doorbell() -> House {
    House::new(image_with(800, 1, [1, 2]), names())
}

/// The same doorbell, but that the chime sounds for two seconds.
pub(crate) fn louder() -> Vec<u8> {
    image_with(2_000, 1, [1, 2])
}

/// The same doorbell, but that each press counts so much in `rings`.
pub(crate) fn counting_by(each: i32) -> Vec<u8> {
    image_with(800, each, [1, 2])
}

/// The same doorbell with other lines for its inputs.
pub(crate) fn rewired() -> Vec<u8> {
    image_with(800, 1, [5, 6])
}

fn image_with(chime_ms: u64, each: i32, lines: [u32; 2]) -> Vec<u8> {
    let (chime, lamp, rings) = (OutputId(0), OutputId(1), VarId(0));
    let ring = {
        let mut code = Vec::new();
        put(&mut code, &Step::Let { var: rings });
        put(&mut code, &Op::Var { var: rings });
        put(&mut code, &Op::Const { value: each });
        put(&mut code, &Op::Add {});
        put(&mut code, &Op::End {});
        put(&mut code, &Step::Set { output: chime, level: Level::On });
        put(&mut code, &Step::Wait { span: Duration::from_millis(chime_ms) });
        put(&mut code, &Step::Set { output: chime, level: Level::Off });
        code
    };
    let light = |level| {
        let mut code = Vec::new();
        put(&mut code, &Step::Set { output: lamp, level });
        code
    };
    let (on, off) = (light(Level::On), light(Level::Off));
    let scenario = |body: &[u8], mode| ScenarioDef {
        hash: image::hash(body) as u32,
        condition: 0,
        body: body.len() as u16,
        mode,
        after_restart: AfterRestart::Cancel,
    };
    let input = |input, to| On::Input { input: InputId(input), to: Some(to), hold: Duration::ZERO };
    let parts = Parts {
        inputs: &[
            InputDef {
                line: lines[0],
                debounce: Debounce {
                    press: Algorithm::Eager { t_us: 20_000, after_us: 1_000 },
                    release: Algorithm::Defer { t_us: 30_000 },
                    max_wait_us: 0,
                },
                storm: 500,
            },
            InputDef {
                line: lines[1],
                debounce: Debounce {
                    press: Algorithm::Defer { t_us: 10_000 },
                    release: Algorithm::Defer { t_us: 10_000 },
                    max_wait_us: 0,
                },
                storm: 500,
            },
        ],
        outputs: &[
            OutputDef { line: 3, safe: Level::Off, max_on: Duration::from_secs(5) },
            OutputDef { line: 4, safe: Level::Off, max_on: Duration::ZERO },
        ],
        variables: &[VarDef { name: 5, initial: 0 }],
        triggers: &[
            TriggerDef { scenario: ScenarioId(0), on: input(0, Level::On) },
            TriggerDef { scenario: ScenarioId(1), on: input(1, Level::On) },
            TriggerDef { scenario: ScenarioId(2), on: input(1, Level::Off) },
            TriggerDef { scenario: ScenarioId(2), on: On::Every { period: Duration::from_millis(250) } },
            TriggerDef { scenario: ScenarioId(0), on: On::Schedule { schedule: 0 } },
        ],
        schedules: &[Schedule::at(7, 30, 0, Schedule::ALL_WEEKDAYS)],
        scenarios: &[
            scenario(&ring, Mode::Restart),
            scenario(&on, Mode::Single),
            scenario(&off, Mode::Single),
        ],
        code: &[ring.as_slice(), &on, &off].concat(),
        ..Parts::default()
    };
    let mut bytes = [0; 512];
    let len = image::encode(&parts, &mut bytes).expect("the program fits");
    bytes[..len].to_vec()
}

fn names() -> Symbols {
    let mut symbols = Symbols::new("front-door");
    for (offset, name) in [(14, "button"), (15, "door")] {
        symbols.inputs.push(symbols::Input {
            name: name.into(),
            board: "pi".into(),
            line: Line::Offset(offset),
            active: Active::Low,
            pull: Pull::Up,
            class: name.into(),
            durable: false,
            report: Report::default(),
        });
    }
    for (offset, name) in [(23, "chime"), (24, "lamp")] {
        symbols.outputs.push(symbols::Output {
            name: name.into(),
            board: "pi".into(),
            line: Line::Offset(offset),
            active: Active::High,
            drive: Drive::PushPull,
            safe: Level::Off,
        });
    }
    symbols.variables.push("rings".into());
    symbols.scenarios.extend(["ring", "light", "dark"].map(String::from));
    for (scenario, by) in [(0, "button"), (1, "door"), (2, "door"), (2, "every 250ms"), (0, "at 07:30")] {
        symbols.triggers.push(symbols::Trigger {
            scenario: ScenarioId(scenario),
            by: by.into(),
            text: by.into(),
        });
    }
    symbols.peers.push("home".into());
    symbols
}

/// One input without any debouncing or storm guard, and nothing that it sets off.
pub(crate) fn meter() -> House {
    let none = Debounce { press: Algorithm::None, release: Algorithm::None, max_wait_us: 0 };
    let parts = Parts { inputs: &[InputDef { line: 1, debounce: none, storm: 0 }], ..Parts::default() };
    let mut image = [0; 128];
    let len = image::encode(&parts, &mut image).expect("the program fits");
    let mut symbols = names();
    symbols.inputs.truncate(1);
    symbols.inputs[0].name = "meter".into();
    for names in [&mut symbols.variables, &mut symbols.scenarios] {
        names.clear();
    }
    symbols.outputs.clear();
    symbols.triggers.clear();
    House::new(image[..len].to_vec(), symbols)
}

/// A script of these steps, each at its millisecond.
pub(crate) fn script(seed: u64, until_ms: u64, steps: Vec<(u64, Action)>) -> Script {
    let steps = steps.into_iter().map(|(at_ms, action)| {
        let at = Instant::from_micros(at_ms * 1_000);
        ScriptStep { at, action }
    });
    Script { seed, until: Duration::from_millis(until_ms), steps: steps.collect(), ..Script::default() }
}

pub(crate) fn input(name: &str, to: Level, bounce: Bounce) -> Action {
    Action::Input { input: name.into(), to, bounce }
}

/// Visits, a restart, a kill, a stall, a storm, a swap, a lost edge, broken hardware: whatever can happen to a house.
pub(crate) fn eventful(seed: u64) -> Script {
    let switch = || Bounce::Drawn(Model::Switch);
    let mut steps = Vec::new();
    for visit in 0..30 {
        steps.push((100 + visit * 700, input("button", Level::On, switch())));
        steps.push((250 + visit * 700, input("button", Level::Off, switch())));
        steps.push((300 + visit * 700, input("door", Level::On, Bounce::Drawn(Model::Reed))));
        steps.push((600 + visit * 700, input("door", Level::Off, Bounce::Drawn(Model::Wet))));
    }
    let storm = |every_us, edges| Action::Storm {
        input: "button".into(),
        edges,
        every: Duration::from_micros(every_us),
    };
    steps.extend([
        (1_000, Action::Clock { unix: 1_795_000_000_000_000, offset: 3600, trusted: true }),
        (2_000, storm(100, 2_000)),
        (3_100, Action::Stall { span: Duration::from_millis(900) }),
        (4_200, Action::Kill { off: Duration::from_millis(300) }),
        (6_000, Action::Swap { house: "louder".into() }),
        (7_050, Action::Restart { off: Duration::from_secs(1), known: true }),
        (9_000, Action::Lose { input: "door".into(), edges: 3, to: Level::On }),
        (9_500, Action::Hardware { output: "chime".into(), works: false }),
        (10_500, Action::Hardware { output: "chime".into(), works: true }),
        (11_000, Action::Link { peer: "home".into(), up: true }),
        (12_000, Action::Swap { house: "doorbell".into() }),
        (12_100, storm(150, 20_000)),
        (15_400, Action::Restart { off: Duration::from_secs(2), known: false }),
        (
            19_000,
            Action::Command {
                command: Command::Press { input: "button".into(), span: None },
                id: None,
                late: Duration::ZERO,
            },
        ),
    ]);
    steps.sort_by_key(|(at, _)| *at);
    script(seed, 22_000, steps)
}

/// The disk of a node with an eventful life behind it.
pub(crate) fn journal(seed: u64) -> Arc<Disk> {
    let louder = House { image: louder(), ..doorbell() };
    let others = BTreeMap::from([("louder".to_owned(), louder), ("doorbell".to_owned(), doorbell())]);
    let played = play_and_keep(&eventful(seed), &doorbell(), &others, &Options::default());
    played.expect("the script plays").1
}
