//! What a house promises, read back from its image: the judges know the file and not the engine.

use std::collections::BTreeMap;

use campanile_core::calendar::Schedule;
use campanile_core::debounce::Algorithm;
use campanile_core::id::{InputId, TriggerId};
use campanile_core::program::image::{Image, hash};
use campanile_core::program::verify::{LoadError, check_code};
use campanile_core::program::{InputDef, On, OutputDef, ScenarioDef, SensorDef, TriggerDef, VarDef};
use campanile_core::time::Duration;

use crate::house::House;
use crate::oracle::reference::{Programs, programs};

/// What one program promises.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) outputs: Vec<OutputDef>,
    /// The line of each input: equal numbers are the same line, also under another program.
    pub(super) lines: Vec<usize>,
    /// An input that has not moved for so long is reported as it is.
    pub(super) quiet: Duration,
    /// What each input's debouncing takes, in microseconds.
    pub(super) debounces: Vec<Vec<u64>>,
    /// The values of the variables at the first start.
    pub(super) initial: Vec<i32>,
    /// The steps of the longest slice of any scenario, between two waits.
    pub(super) slice: u32,
    /// Its scenarios, with how many runs of each there may be.
    pub(super) scenarios: Vec<ScenarioDef>,
    /// When each trigger that is an `at` or a `cron` is to come.
    pub(super) schedules: Vec<Option<Schedule>>,
    /// Which triggers are an `every`.
    recurs: Vec<bool>,
    /// Spans that it names, in microseconds.
    spans: Vec<u64>,
}

/// Programs by the hash of their image.
pub(super) struct Rulebook {
    rules: BTreeMap<u64, Rules>,
    /// For the reference.
    pub(super) programs: Programs,
    /// How many lines there are.
    pub(super) lines: usize,
    /// So many sensors every program has.
    pub(super) sensors: u8,
    /// The shortest period of all that recurs, in microseconds.
    pub(super) busiest: u64,
}

impl Rulebook {
    pub(super) fn new(houses: &[House]) -> Result<Self, LoadError> {
        let mut known = BTreeMap::new();
        let mut rules = BTreeMap::new();
        let (mut busiest, mut sensors) = (u64::MAX, u8::MAX);
        for house in houses {
            let mut image = Image::open(&house.image)?;
            let counts = image.counts;
            sensors = sensors.min(counts.sensors);
            let inputs: Vec<InputDef> = (0..counts.inputs).map(|_| image.item()).collect::<Result<_, _>>()?;
            let outputs: Vec<OutputDef> =
                (0..counts.outputs).map(|_| image.item()).collect::<Result<_, _>>()?;
            (0..counts.sensors).try_for_each(|_| image.item::<SensorDef>().map(drop))?;
            let initial = (0..counts.variables).map(|_| Ok(image.item::<VarDef>()?.initial));
            let initial = initial.collect::<Result<Vec<i32>, LoadError>>()?;
            let (mut spans, mut recurs, mut scheduled) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..counts.triggers {
                let on = image.item::<TriggerDef>()?.on;
                recurs.push(matches!(on, On::Every { .. }));
                scheduled.push(match on {
                    On::Schedule { schedule } => Some(schedule),
                    _ => None,
                });
                match on {
                    On::Input { hold, .. } => spans.push(hold.micros()),
                    On::Every { period } => {
                        spans.push(period.micros());
                        busiest = busiest.min(period.micros());
                    }
                    _ => {}
                }
            }
            let schedules: Vec<Schedule> =
                (0..counts.schedules).map(|_| image.item()).collect::<Result<_, _>>()?;
            let schedules =
                scheduled.into_iter().map(|at| schedules.get(usize::from(at?)).copied()).collect();
            let (slice, scenarios) = load(image)?;
            let debounces: Vec<Vec<u64>> = inputs.iter().map(debounce_spans).collect();
            spans.extend(debounces.iter().flatten());
            spans.extend(outputs.iter().map(|output| output.max_on.micros()));
            spans.retain(|span| *span > 0);
            let lines = inputs.iter().map(|input| {
                let next = known.len();
                *known.entry(input.line).or_insert(next)
            });
            let lines = lines.collect();
            let quiet = inputs.iter().map(quiet).fold(Duration::ZERO, Duration::max);
            let program = Rules {
                outputs,
                lines,
                quiet,
                debounces,
                initial,
                slice,
                scenarios,
                schedules,
                recurs,
                spans,
            };
            rules.insert(hash(&house.image), program);
        }
        let programs = programs(houses.iter().map(|house| house.image.as_slice()))?;
        Ok(Self { rules, programs, lines: known.len(), sensors, busiest })
    }

    pub(super) fn of(&self, program: u64) -> Option<&Rules> {
        self.rules.get(&program)
    }

    /// Spans that any program names, in microseconds.
    pub(super) fn spans(&self) -> Vec<u64> {
        self.rules.values().flat_map(|rules| rules.spans.iter().copied()).collect()
    }

    /// The longest time that any program needs until it reports what is.
    pub(super) fn quiet(&self) -> Duration {
        self.rules.values().map(|rules| rules.quiet).fold(Duration::ZERO, Duration::max)
    }
}

impl Rules {
    pub(super) fn line(&self, input: InputId) -> Option<usize> {
        self.lines.get(input.index()).copied()
    }

    /// Whether a trigger is an `every`.
    pub(super) fn recurs(&self, trigger: TriggerId) -> bool {
        self.recurs.get(trigger.index()).is_some_and(|recurs| *recurs)
    }
}

/// The steps of the longest slice, as the load check counts them, and the scenarios. Behind the schedules.
fn load(mut image: Image<'_>) -> Result<(u32, Vec<ScenarioDef>), LoadError> {
    let counts = image.counts;
    let scenarios = (0..counts.scenarios).map(|_| image.item::<ScenarioDef>());
    let scenarios = scenarios.collect::<Result<Vec<_>, _>>()?;
    let mut code = image.code()?;
    let mut take = |len: u16| {
        let (taken, rest) = code.split_at_checked(len.into()).ok_or(LoadError::Truncated)?;
        code = rest;
        Ok(taken)
    };
    let mut longest = 0;
    for (scenario, def) in (0..).zip(&scenarios) {
        let (condition, body) = (take(def.condition)?, take(def.body)?);
        let slice = check_code(condition, body, &counts).map_err(|(at, why)| LoadError::Code {
            scenario,
            at: u16::try_from(at).unwrap_or(u16::MAX),
            why,
        })?;
        longest = longest.max(slice);
    }
    Ok((longest, scenarios))
}

/// At the latest behind the last edge: the rest of a lock-out, then the other edge's algorithm, then a reading.
fn quiet(input: &InputDef) -> Duration {
    let (press, release) = (input.debounce.press.span(), input.debounce.release.span());
    press.plus(release).plus(press.max(release)).plus(Duration::from_millis(5))
}

fn debounce_spans(input: &InputDef) -> Vec<u64> {
    let guard = |algorithm| match algorithm {
        Algorithm::Eager { after_us, .. } => u64::from(after_us),
        _ => 0,
    };
    let (press, release) = (input.debounce.press, input.debounce.release);
    let mut spans = vec![press.span().micros(), release.span().micros(), guard(press), guard(release)];
    spans.retain(|span| *span > 0);
    spans
}
