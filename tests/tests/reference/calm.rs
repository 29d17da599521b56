//! Calm stories: houses that do not drive themselves round in circles, so that their days come to the rarer things -- a
//! stall that swallows moments, a repeat of a command, a swap in the middle of a wait, a power cut behind one.

use campanile_core::id::ScenarioId;
use campanile_core::input::{Input, Op, Origin};
use campanile_core::program::code::Step;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};

use crate::day::{Deed, Moment, boot, day, start};
use crate::house::{Act, House};
use crate::life::Life;
use crate::story::START;
use crate::tape::Tape;

/// The images of up to three programs, and two days under them, perhaps behind a third one and a power cut.
pub(crate) fn draw(tape: &mut Tape<'_>) -> (Vec<Vec<u8>>, Vec<Moment>) {
    let mut house = House::draw(&mut tape.part(160));
    calm_house(&mut house);
    let mut houses = vec![house.clone()];
    for _ in 0..tape.below(3) {
        let mut other = house.redraw(&mut tape.part(60));
        calm_house(&mut other);
        houses.push(other);
    }
    let images: Vec<Vec<u8>> = houses.iter().map(House::image).collect();
    let mut moments = Vec::new();
    if tape.chance(9) {
        let left = left_behind(&mut tape.part(90), &house, &images);
        moments = boot(tape, START, &left);
    }
    moments.extend(start(tape, &house, START));
    moments.extend(calm_day(&mut tape.part(160), &house, START, images.len()));
    let evening = moments.last().map_or(START, |moment| moment.at);
    moments.extend(calm_day(tape, &house, evening, images.len()));
    (images, moments)
}

/// What a day before leaves: the power goes somewhere in it.
fn left_behind(tape: &mut Tape<'_>, house: &House, images: &[Vec<u8>]) -> Vec<Restore> {
    let mut before = Life::load(START, images, 0);
    let mut moments = start(tape, house, START);
    let cut = usize::from(tape.byte());
    moments.extend(calm_day(tape, house, START, 1));
    moments.truncate(1 + cut % moments.len());
    moments.iter().for_each(|moment| before.live(moment, images));
    before.checkpoint()
}

fn calm_day(tape: &mut Tape<'_>, house: &House, from: Instant, programs: usize) -> Vec<Moment> {
    let mut moments = day(tape, house, from, programs);
    let stops = moments.len().is_multiple_of(16);
    moments.retain(|moment| stops || moment.deed != Deed::Feed(Input::Stop {}));
    for moment in &mut moments {
        match &mut moment.deed {
            // Few numbers: some commands come twice.
            Deed::Feed(Input::Command { id, .. }) => *id %= 24,
            Deed::Feed(Input::Stall { until }) => *until = swallowing(*until),
            _ => {}
        }
    }
    moments.into_iter().flat_map(|moment| insisted(moment, house)).collect()
}

/// A stall that swallows moments of an `every`; often it ends in the very instant of one.
fn swallowing(until: Instant) -> Instant {
    const PERIOD: u64 = 2_000_000;
    let until = until.plus(Duration::from_secs(7));
    let passed = until.since(START).micros();
    if passed.is_multiple_of(4_000) {
        START.plus(Duration::from_micros(passed / PERIOD * PERIOD))
    } else {
        until
    }
}

/// An output fails as soon as it is driven, and whoever drove it tries once more.
fn insisted(moment: Moment, house: &House) -> Vec<Moment> {
    let Deed::Feed(Input::Done { output, ok: false }) = moment.deed else { return vec![moment] };
    let level = house.outputs[output.index()].safe.opposite();
    let drive = |id| {
        let input = Input::Command { origin: Origin::Gateway, id, op: Op::Set { output, level } };
        Moment { deed: Deed::Feed(input), ..moment }
    };
    vec![drive(1), moment, drive(2)]
}

/// Nobody starts one that came before, and nobody waits for nothing.
fn calm_house(house: &mut House) {
    for (number, plan) in house.scenarios.iter_mut().enumerate() {
        plan.body = std::mem::take(&mut plan.body).into_iter().map(|act| calm_act(act, number)).collect();
    }
}

fn calm_act(act: Act, number: usize) -> Act {
    let all = |acts: Vec<Act>| acts.into_iter().map(|act| calm_act(act, number)).collect();
    match act {
        Act::Plain(Step::Start { scenario: ScenarioId(other) }, _) if usize::from(other) <= number => {
            Act::Plain(Step::Wait { span: Duration::from_millis(30) }, vec![])
        }
        Act::Plain(Step::Wait { span }, exprs) => {
            Act::Plain(Step::Wait { span: span.plus(Duration::from_millis(1)) }, exprs)
        }
        Act::If(condition, then, other) => Act::If(condition, all(then), all(other)),
        Act::Repeat(count, body) => Act::Repeat(count, all(body)),
        other => other,
    }
}
