//! What a house sees of the world: visitors, doors, meters, broken contacts, sensors, people who ask for things, and the
//! time of day.

use super::{SECOND, Scene};
use crate::bounce::Model;
use crate::prng::Prng;
use crate::swarm::plan::{Ask, Deed, Item};

const HOUR: u64 = 3_600 * SECOND;

/// The end of 2026, UTC, in seconds since 1970.
const YEAR_ENDS: i64 = 1_798_761_600;

impl Scene<'_> {
    pub(super) fn stimuli(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        self.visits(prng, items);
        if prng.chance(1, 2) {
            self.trouble(prng, items);
        }
        if prng.chance(1, 2) {
            self.corners(prng, items);
        }
        if prng.chance(2, 3) {
            self.sensors(prng, items);
        }
        if prng.chance(1, 2) {
            self.commands(prng, items);
        }
        if prng.chance(1, 2) {
            self.clocks(prng, items);
        }
        for peer in &self.house.symbols.peers {
            for _ in 0..prng.below(3) {
                let (at, up) = (self.moment(prng), prng.chance(2, 3));
                self.put(items, at, Deed::Link { peer: peer.clone(), up });
            }
        }
    }

    pub(super) fn an_input(&self, prng: &mut Prng) -> Option<String> {
        // Nobody is here who could move those of a satellite.
        let inputs = self.house.symbols.inputs.iter();
        let inputs: Vec<_> = inputs.filter(|input| self.house.satellite_on(&input.board).is_none()).collect();
        (!inputs.is_empty()).then(|| prng.pick(&inputs).name.clone())
    }

    /// Presses and openings: contacts that bounce as measured, held for times that mean something.
    pub(super) fn visits(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        let (mut at, mut crosstalk) = (self.moment(prng), prng.fork("crosstalk"));
        for _ in 0..prng.between(2, 24) {
            let Some(input) = self.an_input(prng) else { return };
            let model = *prng.pick(&[None, Some(Model::Switch), Some(Model::Reed), Some(Model::Wet)]);
            let mut on = true;
            for _ in 0..prng.between(1, 4) {
                let bounce = model.map_or_else(Vec::new, |model| model.draw(on, prng));
                self.put(items, at, Deed::Touch { input: input.clone(), on, bounce });
                self.crosstalk(&mut crosstalk, at, &input, items);
                at += self.span(prng, (20 * SECOND).max(self.until / 100));
                on = !on;
            }
            at = if prng.chance(1, 3) { at + self.span(prng, 60 * SECOND) } else { self.moment(prng) };
        }
    }

    /// A line beside one that moves may have a spike of 42 to 166 ns: both edges in one tick, or across two.
    fn crosstalk(&self, prng: &mut Prng, at: u64, moves: &str, items: &mut Vec<Item>) {
        let spike = |input, prng: &mut Prng| Deed::Edges { input, count: 2, every: prng.below(2) as u32 };
        if prng.chance(1, 6)
            && let Some(input) = self.an_input(prng).filter(|beside| beside != moves)
        {
            self.put(items, at, spike(input, prng));
        }
    }

    /// Lines that do what no switch should.
    pub(super) fn trouble(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        for _ in 0..prng.between(1, 4) {
            let (Some(input), at) = (self.an_input(prng), self.moment(prng)) else { return };
            let edges = |count: u64, every: u64| Deed::Edges {
                input: input.clone(),
                count: count as u32,
                every: every as u32,
            };
            let deed = match prng.below(10) {
                // A spike without any neighbour.
                0 | 1 => edges(2, prng.below(2)),
                // A meter, at kHz.
                2 => edges(prng.between(50, 400), prng.between(300, 1_500)),
                // A contact that chatters, an odd number of times too.
                3 | 4 => edges(prng.between(3, 60), prng.between(200, 30_000)),
                // A cable that picks up a radio: more than the storm guard lets pass.
                5 => edges(prng.between(270, 1_500), prng.between(5, 300)),
                // One that sticks: whoever lets go of it, it stays.
                6 | 7 => Deed::Stick {
                    input,
                    on: prng.chance(3, 4),
                    span: self.span(prng, (60 * SECOND).max(self.until / 4)),
                },
                _ => Deed::Lose { input, lost: prng.between(1, 40) as u32, on: prng.chance(1, 2) },
            };
            self.put(items, at, deed);
        }
    }

    /// What seldom happens by itself: a line that moves while it is locked and stays there, several deadlines on one
    /// instant, more messages than the loop's inlet holds.
    fn corners(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        for _ in 0..prng.between(1, 4) {
            let at = self.moment(prng);
            match prng.below(8) {
                0..=2 => self.flick(prng, at, items),
                3..=6 => self.meeting(prng, at, items),
                _ => self.flood(prng, at, items),
            }
        }
    }

    /// There and back, and there it stays: all of it while the line is debounced.
    fn flick(&self, prng: &mut Prng, at: u64, items: &mut Vec<Item>) {
        let Some((input, span)) = self.a_debounce(prng) else { return };
        let (first, back) = (prng.chance(1, 2), prng.between(1, span.max(2)));
        // From rest.
        for (at, on) in [(at.saturating_sub(2 * SECOND), !first), (at, first), (at + back, !first)] {
            self.put(items, at, Deed::Touch { input: input.clone(), on, bounce: Vec::new() });
        }
    }

    /// Some things that are due at the same instant.
    fn meeting(&self, prng: &mut Prng, at: u64, items: &mut Vec<Item>) {
        for _ in 0..prng.between(2, 5) {
            let limited = self.house.symbols.outputs.iter().zip(&self.rules.outputs);
            let limited: Vec<_> = limited.filter(|(_, output)| !output.max_on.is_zero()).collect();
            if !limited.is_empty() && prng.chance(1, 2) {
                let (output, def) = *prng.pick(&limited);
                let ask = Ask::Set(output.name.clone(), true);
                let id = 2_000_000 + items.len() as u32;
                self.put(items, at.saturating_sub(def.max_on.micros()), Deed::Command { ask, id, late: 0 });
            } else if let Some((input, span)) = self.a_debounce(prng) {
                let deed = Deed::Touch { input, on: prng.chance(3, 4), bounce: Vec::new() };
                self.put(items, at.saturating_sub(span), deed);
            }
        }
    }

    /// An input, and a span of its debouncing.
    fn a_debounce(&self, prng: &mut Prng) -> Option<(String, u64)> {
        let debounced = self.house.symbols.inputs.iter().zip(&self.rules.debounces);
        let debounced: Vec<_> = debounced.filter(|(_, spans)| !spans.is_empty()).collect();
        let (input, spans) = (!debounced.is_empty()).then(|| *prng.pick(&debounced))?;
        Some((input.name.clone(), *prng.pick(spans)))
    }

    fn flood(&self, prng: &mut Prng, at: u64, items: &mut Vec<Item>) {
        let Some(ask) = self.an_ask(prng) else { return };
        self.put(items, at, Deed::Stall { span: prng.between(2, SECOND) });
        for _ in 0..prng.between(60, 80) {
            let id = 3_000_000 + items.len() as u32;
            self.put(items, at + 1, Deed::Command { ask: ask.clone(), id, late: 0 });
        }
    }

    /// Values that drift, jump, and vanish.
    fn sensors(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        for sensor in &self.house.symbols.sensors {
            let (mut at, mut value) = (self.moment(prng), prng.between(0, 4_000) as i32 - 1_000);
            for _ in 0..prng.below(30) {
                value = match prng.below(8) {
                    0 => prng.between(0, 40_000) as i32 - 10_000,
                    1 => *prng.pick(&[i32::MAX, i32::MIN, 0]),
                    _ => value.saturating_add(prng.between(0, 200) as i32 - 100),
                };
                let value = (!prng.chance(1, 10)).then_some(value);
                self.put(items, at, Deed::Feed { sensor: sensor.name.clone(), value });
                at += self.span(prng, (30 * SECOND).max(self.until / 20));
            }
        }
    }

    /// People who ask; some twice, some too late.
    fn commands(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        let mut id = 0;
        for _ in 0..prng.between(1, 12) {
            let Some(ask) = self.an_ask(prng) else { return };
            if id == 0 || !prng.chance(1, 6) {
                id += 1;
            }
            let late = if prng.chance(1, 10) { prng.between(29, 31) * SECOND } else { 0 };
            let at = self.moment(prng);
            if let Ask::Press(input, true) = &ask {
                // Whoever plays an input lets go of it again.
                let off = at + self.span(prng, 5 * SECOND);
                let ask = Ask::Press(input.clone(), false);
                self.put(items, off, Deed::Command { ask, id: id + 1_000, late: 0 });
            }
            self.put(items, at, Deed::Command { ask, id, late });
        }
    }

    pub(super) fn an_ask(&self, prng: &mut Prng) -> Option<Ask> {
        let symbols = &self.house.symbols;
        let mut asks = Vec::new();
        if !symbols.outputs.is_empty() {
            let output = prng.pick(&symbols.outputs).name.clone();
            asks.push(Ask::Set(output, prng.chance(2, 3)));
        }
        if !symbols.scenarios.is_empty() {
            let scenario = prng.pick(&symbols.scenarios).clone();
            asks.push(if prng.chance(2, 3) { Ask::Start(scenario) } else { Ask::Stop(scenario) });
        }
        if !symbols.variables.is_empty() {
            let value = *prng.pick(&[0, 1, 2, -1, 99, i32::MAX, i32::MIN]);
            asks.push(Ask::Let(prng.pick(&symbols.variables).clone(), value));
        }
        if let Some(input) = self.an_input(prng) {
            asks.push(Ask::Press(input, true));
        }
        (!asks.is_empty()).then(|| prng.pick(&asks).clone())
    }

    /// The clock is set, steps in both directions, and is doubted. Often a few seconds before some full minute.
    fn clocks(&self, prng: &mut Prng, items: &mut Vec<Item>) {
        // A day in 2026, and sometimes the night in which clocks change or the year ends.
        let minute = match prng.below(4) {
            0 if !self.nights.is_empty() => *prng.pick(&self.nights) / 60 - prng.below(150) as i64,
            1 => (YEAR_ENDS / 60) - prng.below(90) as i64,
            _ => (20_454 + prng.below(400) as i64) * 1_440 + prng.below(1_440) as i64,
        };
        let mut unix = minute * 60 * 1_000_000 - prng.below(20 * SECOND) as i64;
        let mut at = if prng.chance(1, 2) { 0 } else { self.moment(prng) };
        for _ in 0..prng.between(1, 4) {
            self.put(items, at, Deed::Clock { unix, trusted: prng.chance(3, 4) });
            let passes = self.span(prng, self.until);
            at += passes;
            unix += passes as i64 + clock_step(prng);
        }
    }
}

/// How far a clock that is set was wrong, forwards or backwards: a little, or altogether, as one that nobody has set is.
fn clock_step(prng: &mut Prng) -> i64 {
    let most = *prng.pick(&[0, SECOND / 2, 3 * SECOND, 90 * SECOND, HOUR, 3 * HOUR, 40 * 24 * HOUR]);
    let step = prng.below(most + 1) as i64;
    if prng.chance(1, 2) { -step } else { step }
}
