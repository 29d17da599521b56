//! I6 and I7 on random days: quiet inputs are reported as they are, no output stays away from its safe level for longer
//! than its `max-on`, safety wins within its instant, and nothing moves an output behind a stop.

use campanile_core::decision::{By, Decision, SafetyWhy};
use campanile_core::effect::Effect;
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::Input;
use campanile_core::program::OutputDef;
use campanile_core::program::image::hash;
use campanile_core::record::Record;
use campanile_core::time::Instant;
use proptest::prelude::*;

use crate::day::{Deed, Moment};
use crate::house::House;
use crate::life::Life;
use crate::story::{START, draw};
use crate::tape::{Tape, cases, tapes};

/// An output as a watchman sees it, who knows the file and reads the log.
#[derive(Clone, Copy, Debug)]
struct Watched {
    def: OutputDef,
    level: Level,
    /// It has to be safe again by then.
    limit: Option<Instant>,
    /// Safety took it then.
    held: Option<Instant>,
}

impl Watched {
    const fn new(def: OutputDef) -> Self {
        Self { def, level: def.safe, limit: None, held: None }
    }

    fn set(&mut self, at: Instant, level: Level, by: By) {
        assert!(
            level == self.def.safe || self.held != Some(at),
            "{by:?} at {at:?}, in the instant of safety: {self:?}"
        );
        if let By::Safety { why: SafetyWhy::MaxOn | SafetyWhy::Fault | SafetyWhy::Stop } = by {
            self.held = Some(at);
        }
        if level != self.level {
            self.level = level;
            self.limit = self.limit_from(at);
        }
    }

    fn limit_from(&self, at: Instant) -> Option<Instant> {
        (self.level != self.def.safe && !self.def.max_on.is_zero()).then(|| at.plus(self.def.max_on))
    }

    fn check(&self, at: Instant) {
        assert!(self.limit.is_none_or(|limit| at <= limit), "away from safe at {at:?}: {self:?}");
    }

    /// Under another program. An output whose rules are others has its full time from now on, at the most.
    fn swapped(self, at: Instant, def: OutputDef) -> Self {
        let same = Self { def, ..self };
        if def == self.def { same } else { Self { limit: same.limit_from(at), ..same } }
    }
}

fn watch(life: &Life, houses: &[House], images: &[Vec<u8>]) {
    let mut outputs: Vec<Watched> = houses[0].outputs.iter().map(|&def| Watched::new(def)).collect();
    for (at, record) in life.records() {
        outputs.iter().for_each(|output| output.check(at));
        match record {
            Record::Decision(Decision::Set { output, level, by }) => {
                outputs[output.index()].set(at, level, by);
            }
            Record::Input(Input::Install { hash: new }) => {
                let program = images.iter().position(|image| hash(image) == new).unwrap();
                let taken = |def: &OutputDef| match outputs.iter().find(|old| old.def.line == def.line) {
                    Some(old) => old.swapped(at, *def),
                    None => Watched::new(*def),
                };
                outputs = houses[program].outputs.iter().map(taken).collect();
            }
            _ => {}
        }
    }
    for (index, output) in (0u8..).zip(&outputs) {
        output.check(life.engine.now());
        let status = life.engine.output(OutputId(index)).unwrap();
        assert_eq!(status.level, output.level, "the log tells of every change");
    }
}

fn outputs_are_safe_in_time(tape: &[u8]) -> Result<(), TestCaseError> {
    let (houses, images, moments) = draw(&mut Tape::new(tape));
    let mut life = Life::load(START, &images, 0);
    moments.iter().for_each(|moment| life.live(moment, &images));
    prop_assume!(!life.restless);
    life.assert_bounded();
    watch(&life, &houses, &images);
    if life.has_stopped() {
        return Ok(());
    }
    // The day ends with three quiet minutes.
    for input in 0..life.engine.inputs() {
        let status = life.engine.input(InputId(input)).unwrap();
        prop_assert_eq!(status.raw, status.reported, "I6 of input {}", input);
    }
    Ok(())
}

fn a_stop_is_the_end(tape: &[u8]) -> Result<(), TestCaseError> {
    let mut tape = Tape::new(tape);
    let when = usize::from(tape.byte());
    let (houses, images, moments) = draw(&mut tape);
    let (before, behind) = moments.split_at(when % moments.len());
    let mut life = Life::load(START, &images, 0);
    before.iter().for_each(|moment| life.live(moment, &images));
    prop_assume!(!life.restless && !life.has_stopped());
    life.effects.clear();
    let safe: Vec<Level> = houses[life.program].outputs.iter().map(|def| def.safe).collect();
    life.live(&Moment { at: life.engine.now(), deed: Deed::Feed(Input::Stop {}) }, &images);
    let driven = life.effects.iter().filter(|effect| matches!(effect, Effect::SetOutput { .. })).count();
    prop_assert_eq!(driven, safe.len(), "every line is driven to safe once more");
    behind.iter().for_each(|moment| life.live(moment, &images));
    for effect in &life.effects {
        if let Effect::SetOutput { output, level } = *effect {
            prop_assert_eq!(level, safe[output.index()], "behind the stop");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn no_output_is_away_from_safe_for_too_long(tape in tapes(500)) {
        outputs_are_safe_in_time(&tape)?;
    }

    #[test]
    fn behind_a_stop_outputs_stay_safe(tape in tapes(400)) {
        a_stop_is_the_end(&tape)?;
    }
}
