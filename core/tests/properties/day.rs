//! Random days: inputs with their times, as the world in front of a runner would feed them.

use campanile_core::id::{
    InputId, Level, MessageId, OutputId, PeerId, ScenarioId, SensorId, TriggerId, VarId,
};
use campanile_core::input::{Input, LevelWhy, Op, Origin, OverrunWhy};
use campanile_core::program::On;
use campanile_core::record::CORE_REV;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};

use crate::house::House;
use crate::tape::Tape;

/// Something to do with an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Hand in.
    Feed(Input),
    /// Only let time pass.
    Pass,
    /// Swap to one of the house's programs.
    Install(usize),
}

/// A deed and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    pub(crate) deed: Deed,
}

/// A new start with what a life before left behind: what `campanile-delivery` recalls, here out of a checkpoint.
pub(crate) fn boot(tape: &mut Tape<'_>, at: Instant, before: &[Restore]) -> Vec<Moment> {
    let off = if tape.chance(8) { None } else { Some(tape.span()) };
    let boot = Input::Boot { boot: 1 << 32, core_rev: CORE_REV, hash: 1, off };
    let mut inputs = vec![boot];
    let kept = before.iter().filter(|item| outlives(item)).map(|&item| Input::Restore { item });
    inputs.extend(kept);
    if tape.chance(12) {
        inputs.push(Input::Restore { item: Restore::Stopped { unix: 1_799_999_990_000_000 } });
    }
    inputs.into_iter().map(|input| Moment { at, deed: Deed::Feed(input) }).collect()
}

pub(crate) const fn outlives(item: &Restore) -> bool {
    matches!(
        item,
        Restore::Command { .. }
            | Restore::Input { .. }
            | Restore::Var { .. }
            | Restore::Trigger { .. }
            | Restore::Run { .. }
            | Restore::Output { .. }
    )
}

/// The readings of a start, and the clock behind them.
pub(crate) fn start(tape: &mut Tape<'_>, house: &House, at: Instant) -> Vec<Moment> {
    let levels = (0..house.inputs.len()).map(|input| Input::Level {
        input: InputId(input as u8),
        level: Level::from_bool(tape.chance(4)),
        why: LevelWhy::Start,
    });
    let mut day: Vec<Moment> = levels.map(|input| Moment { at, deed: Deed::Feed(input) }).collect();
    // A line may not be read before something else happens.
    if tape.chance(3) {
        day.pop();
    }
    day.push(Moment { at, deed: Deed::Feed(clock(tape)) });
    day
}

/// Inputs from `at` on, and three quiet minutes behind them.
pub(crate) fn day(tape: &mut Tape<'_>, house: &House, mut at: Instant, programs: usize) -> Vec<Moment> {
    let mut day = Vec::new();
    while !tape.is_empty() && day.len() < 40 {
        at = at.plus(tape.span());
        let deed = match tape.below(32) {
            0 | 1 => Deed::Pass,
            2 if programs > 1 => Deed::Install(tape.below(programs)),
            3 if tape.chance(4) => Deed::Feed(Input::Stop {}),
            _ => Deed::Feed(input(tape, house, at)),
        };
        // Some stamps are older than what the engine has seen.
        let early = if tape.chance(2) { tape.span() } else { Duration::ZERO };
        day.push(Moment { at: at.minus(early), deed });
    }
    day.push(Moment { at: at.plus(Duration::from_secs(180)), deed: Deed::Pass });
    day
}

fn clock(tape: &mut Tape<'_>) -> Input {
    let unix = 1_800_000_000_000_000 + i64::from(tape.byte()) * 1_000_000;
    Input::Clock { unix, offset: tape.one(&[0, 3_600, -12_600]), trusted: tape.chance(10) }
}

/// Any input that names what the house has; and a few that do not.
pub(crate) fn input(tape: &mut Tape<'_>, house: &House, now: Instant) -> Input {
    let line = InputId(tape.id(house.inputs.len()));
    let level = Level::from_bool(!tape.chance(8));
    match tape.below(24) {
        0..=9 => Input::Edge { input: line, level },
        10 => Input::Level {
            input: line,
            level,
            why: tape.one(&[LevelWhy::Quiet, LevelWhy::Gap, LevelWhy::Start]),
        },
        11..=13 => {
            let value = if tape.chance(3) { None } else { Some(tape.number()) };
            Input::Reading { sensor: SensorId(tape.id(house.sensors.len())), value }
        }
        14..=16 => {
            let origin = tape.one(&[Origin::Local, Origin::Script]);
            Input::Command { origin, id: u32::from(tape.byte()), op: op(tape, house) }
        }
        17 => clock(tape),
        18 => Input::Done { output: OutputId(tape.id(house.outputs.len())), ok: tape.chance(8) },
        19 => {
            let input = if tape.chance(3) { None } else { Some(line) };
            Input::Overrun { input, lost: u32::from(tape.byte()), why: OverrunWhy::Kernel }
        }
        20 => Input::Stall { until: now.plus(tape.span()) },
        21 => Input::Link { peer: PeerId(0), up: tape.chance(8) },
        22 => Input::Late { input: line, level, by: tape.span() },
        _ => {
            let ticks = (0u8..).zip(&house.triggers).filter(|(_, t)| matches!(t.on, On::Schedule { .. }));
            let ticks: Vec<u8> = ticks.map(|(trigger, _)| trigger).collect();
            match ticks.first() {
                Some(&trigger) => Input::Tick { trigger: TriggerId(trigger) },
                None => Input::Edge { input: line, level },
            }
        }
    }
}

fn op(tape: &mut Tape<'_>, house: &House) -> Op {
    let level = Level::from_bool(!tape.chance(6));
    match tape.below(9) {
        0 | 1 => Op::Set { output: OutputId(tape.id(house.outputs.len())), level },
        2 | 3 => Op::Start { scenario: ScenarioId(tape.id(house.scenarios.len())) },
        4 => Op::Stop { scenario: ScenarioId(tape.id(house.scenarios.len())) },
        5 => Op::Let { var: VarId(tape.id(house.variables.len() + 1)), value: tape.number() },
        6 => Op::Play { input: InputId(tape.id(house.inputs.len())), level },
        7 => Op::Message { message: MessageId(tape.id(3)) },
        _ => Op::Expired {},
    }
}
