//! The doorbell that is measured: a button (`asym 20ms 30ms`), a chime, a scenario that counts and sounds.

use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::id::{InputId, Level, OutputId, ScenarioId, VarId};
use campanile_core::program::code::{Op, Step};
use campanile_core::program::{InputDef, Mode, On, OutputDef, Parts, ScenarioDef, TriggerDef, VarDef, image};
use campanile_core::time::Duration;
use campanile_core::wire::{Wire, Writer};
use campanile_delivery::symbols::{Active, Drive, Input, Line, Output, Pull, Report, Symbols, Trigger};
use campanile_sim::world::House;

/// Gaps between the edges of a press and of a release, in microseconds, as switches make them: 16 edges a ring.
pub(crate) const RING: [u64; 16] =
    [1_000_000, 310, 140, 620, 95, 205, 340, 110, 180, 90_000, 450, 260, 130, 520, 75, 160];

/// The doorbell.
pub(crate) fn doorbell() -> House {
    House::new(program(), symbols())
}

fn put(code: &mut Vec<u8>, item: &impl Wire) {
    let mut bytes = [0; 32];
    let mut writer = Writer::new(&mut bytes);
    item.put(&mut writer);
    let len = writer.finish().expect("an instruction fits");
    code.extend_from_slice(&bytes[..len]);
}

fn program() -> Vec<u8> {
    let (chime, rings) = (OutputId(0), VarId(0));
    let mut body = Vec::new();
    put(&mut body, &Step::Let { var: rings });
    put(&mut body, &Op::Var { var: rings });
    put(&mut body, &Op::Const { value: 1 });
    put(&mut body, &Op::Add {});
    put(&mut body, &Op::End {});
    put(&mut body, &Step::Set { output: chime, level: Level::On });
    put(&mut body, &Step::Wait { span: Duration::from_millis(800) });
    put(&mut body, &Step::Set { output: chime, level: Level::Off });
    let debounce = Debounce {
        press: Algorithm::Eager { t_us: 20_000, after_us: 1_000 },
        release: Algorithm::Defer { t_us: 30_000 },
        max_wait_us: 0,
    };
    let on = On::Input { input: InputId(0), to: Some(Level::On), hold: Duration::ZERO };
    let scenario = ScenarioDef {
        hash: image::hash(&body) as u32,
        body: u16::try_from(body.len()).expect("a short body"),
        mode: Mode::Restart,
        ..ScenarioDef::default()
    };
    let parts = Parts {
        inputs: &[InputDef { line: 1, debounce, storm: 0 }],
        outputs: &[OutputDef { line: 2, safe: Level::Off, max_on: Duration::from_secs(5) }],
        variables: &[VarDef { name: 3, initial: 0 }],
        triggers: &[TriggerDef { scenario: ScenarioId(0), on }],
        scenarios: &[scenario],
        code: &body,
        ..Parts::default()
    };
    let mut bytes = [0; 512];
    let len = image::encode(&parts, &mut bytes).expect("it fits");
    bytes[..len].to_vec()
}

fn symbols() -> Symbols {
    let mut symbols = Symbols::new("figures");
    symbols.inputs.push(Input {
        name: "button".into(),
        board: "pi".into(),
        line: Line::Offset(1),
        active: Active::High,
        pull: Pull::AsIs,
        class: "button".into(),
        durable: false,
        report: Report::default(),
    });
    symbols.outputs.push(Output {
        name: "chime".into(),
        board: "pi".into(),
        line: Line::Offset(2),
        active: Active::High,
        drive: Drive::PushPull,
        safe: Level::Off,
    });
    symbols.variables.push("rings".into());
    symbols.scenarios.push("ring".into());
    symbols.triggers.push(Trigger { scenario: ScenarioId(0), by: "button".into(), text: "button on".into() });
    symbols
}
