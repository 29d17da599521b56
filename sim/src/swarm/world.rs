//! The world of a plan: any number of nodes over one virtual time, the ways to their receivers, and what befalls them.
//!
//! Time stands while any node is ready; which of them goes first is drawn. What is due at the time of an item happens
//! before it.

mod bounds;
mod deeds;
mod event;
mod links;
mod news;
mod rot;
mod ways;

use std::collections::BTreeMap;
use std::rc::Rc;

use campanile_clock::Virtual;
use campanile_core::input::{Input, Origin};
use campanile_core::program::image;
use campanile_core::runner::Message;
use campanile_core::time::Duration;
use campanile_delivery::Position;
use campanile_delivery::disk::Faults;

use super::judge::{counts, receipt};
use super::plan::{Item, Plan};
use super::receiver::Answer;
use super::rules::Rulebook;
use super::satellite::programs;
use super::station::{Given, Station, Way};
use super::tape::mix;
use super::{Finding, Outcome};
use crate::house::House;
use crate::prng::Prng;
pub(super) use event::Event;
use links::Outpost;

/// Behind the last fault, besides what debouncing takes: the longest waits of sinks and journal are shorter.
const SETTLE: u64 = 60_000_000;
/// More than any instant takes: behind it somebody will never be done.
const TURNS_AT_ONE_INSTANT: u32 = 1_000_000;
/// What is published so long before the end has arrived by then.
const ARRIVES: u64 = 15_000_000;

pub(super) struct World<'a> {
    clock: &'a Virtual,
    plan: &'a Plan,
    /// Whether nobody waits for it any more.
    is_over: &'a dyn Fn() -> bool,
    stations: Vec<Station<'a>>,
    /// The satellites of all nodes.
    outposts: Vec<Outpost<'a>>,
    events: BTreeMap<(u64, u64), (usize, Event)>,
    said: u64,
    order: Prng,
    quiet: Duration,
    /// See [`Outcome::accounted`].
    accounted: u64,
    /// A print of the history after each step, with its time.
    trail: Vec<(u64, u64)>,
    print: u64,
}

/// Runs a plan on a clock that stands at 0, unless it is given up: `is_over` is asked at every step. Unless it is
/// `thorough`, lives are not executed again.
pub(super) fn run(
    clock: &Virtual,
    plan: &Plan,
    houses: &[House],
    thorough: bool,
    is_over: &dyn Fn() -> bool,
) -> Option<Outcome> {
    let mut outcome = Outcome::default();
    match World::new(clock, plan, houses, is_over) {
        Ok(mut world) => {
            world.stations.iter_mut().for_each(|station| station.thorough = thorough);
            world.outposts.iter_mut().for_each(|outpost| outpost.satellite.thorough = thorough);
            outcome.finding = match world.live() {
                Ok(()) => None,
                Err(Ended::Found(node, what)) => Some(Finding { at: clock.now(), node: Some(node), what }),
                Err(Ended::GivenUp) => return None,
            };
            outcome.accounted = world.accounted;
            outcome.trail = std::mem::take(&mut world.trail);
            outcome.records = world.stations.iter().map(Station::records).sum::<u64>()
                + world.outposts.iter().map(|outpost| outpost.satellite.records()).sum::<u64>();
        }
        Err(what) => outcome.finding = Some(Finding { at: 0, node: None, what }),
    }
    outcome.lived = clock.now();
    Some(outcome)
}

/// A finding of a judge, with the node that it is about.
type Judged<T = ()> = Result<T, (usize, String)>;

/// Why a life ends before its time.
enum Ended {
    /// A finding of a judge, with the node that it is about.
    Found(usize, String),
    /// Nobody waits for it any more.
    GivenUp,
}

impl From<(usize, String)> for Ended {
    fn from((node, what): (usize, String)) -> Self {
        Self::Found(node, what)
    }
}

impl<'a> World<'a> {
    fn new(
        clock: &'a Virtual,
        plan: &'a Plan,
        houses: &[House],
        is_over: &'a dyn Fn() -> bool,
    ) -> Result<Self, String> {
        bounds::check(plan)?;
        let rulebook = Rc::new(Rulebook::new(houses).map_err(|why| format!("no image: {why:?}"))?);
        let hashes: Vec<u64> = houses.iter().map(|house| image::hash(&house.image)).collect();
        let first = *hashes.first().ok_or("a swarm needs a house")?;
        let by_hash = Rc::new(hashes.iter().copied().zip(houses.iter().cloned()).collect());
        let seed = Prng::new(plan.seed);
        let boards = programs(houses)?;
        let files = Rc::from(houses);
        let given =
            Given { houses: &by_hash, program: first, rulebook: &rulebook, files: &files, boards: &boards };
        let station = |(index, node)| Station::new(clock, index, node, &given, &seed);
        let stations = plan.nodes.iter().enumerate().map(station).collect::<Result<Vec<_>, _>>();
        let outposts = links::outposts(clock, plan, houses, &boards, &seed);
        let quiet = boards.iter().map(|programs| programs.quiet()).fold(rulebook.quiet(), Duration::max);
        let mut world = Self {
            clock,
            plan,
            is_over,
            stations: stations.map_err(|why| why.to_string())?,
            outposts,
            events: BTreeMap::new(),
            said: 0,
            order: seed.fork("order"),
            quiet,
            accounted: 0,
            trail: Vec::new(),
            print: 0,
        };
        for (index, item) in plan.items.iter().enumerate() {
            world.at(item.at, usize::from(item.node), Event::Item(index));
        }
        Ok(world)
    }

    fn live(&mut self) -> Result<(), Ended> {
        for node in 0..self.stations.len() {
            self.stations[node].begin().map_err(|what| (node, what))?;
        }
        for outpost in &mut self.outposts {
            outpost.satellite.begin().map_err(|what| outpost.about(&what))?;
        }
        self.run_to(self.plan.until)?;
        self.heal()?;
        let end = self.plan.until + SETTLE + 3 * self.quiet.micros();
        self.run_to(end - ARRIVES)?;
        let heads: Vec<Position> = self.stations.iter().map(Station::head).collect();
        let ends: Vec<u64> = self.outposts.iter().map(|outpost| outpost.satellite.last()).collect();
        self.run_to(end)?;
        for (node, head) in heads.into_iter().enumerate() {
            self.check_end(node, head).map_err(|what| (node, what))?;
        }
        for node in 0..self.stations.len() {
            self.check_outposts(node).map_err(|what| (node, what))?;
        }
        for (outpost, end) in ends.into_iter().enumerate() {
            self.check_outpost(outpost, end).map_err(|what| self.outposts[outpost].about(&what))?;
        }
        Ok(())
    }

    /// From now on everything works.
    fn heal(&mut self) -> Judged {
        for station in &mut self.stations {
            station.set_faults(Faults::default(), 0);
            station.trouble = station.trouble.min(self.clock.now());
            let now = station.enter();
            station.release_journal(now);
            station.read_outposts();
            station.ways.iter_mut().for_each(|way| way.receiver.heal());
        }
        for Outpost { wire, satellite, .. } in &mut self.outposts {
            wire.heal();
            satellite.power_lasts();
        }
        Ok(())
    }

    fn check_end(&mut self, node: usize, head: Position) -> Result<(), String> {
        let station = &mut self.stations[node];
        if !station.is_alive() {
            return Err("the node has not come back".to_owned());
        }
        station.check_rest()?;
        let now = station.enter();
        station.check_replay(Some(now.minus(Duration::from_micros(ARRIVES))))?;
        station.check_journal()?;
        let tape = station.node.witness.borrow();
        let receivers = station.ways.iter().map(|way| &way.receiver.received);
        counts::gaps(&station.words, receivers, &tape)?;
        for (way, plan) in station.ways.iter().zip(&station.plan.sinks) {
            let cursor = way.courier.as_ref().map_or(Position::START, |courier| courier.cursor());
            if cursor < head {
                return Err(format!("{} has only got to {cursor} of {head}", way.name));
            }
            let received = &way.receiver.received;
            counts::losses(received, &station.words, &way.name, &tape, !station.lies)?;
            self.accounted += receipt::account(received, &station.words, &way.name, plan.wants, &tape, head)?;
        }
        Ok(())
    }

    pub(super) fn at(&mut self, time: u64, node: usize, event: Event) {
        self.said += 1;
        self.events.insert((time.max(self.clock.now()), self.said), (node, event));
    }

    /// Lets time pass; what is due at `time` itself is done.
    fn run_to(&mut self, time: u64) -> Result<(), Ended> {
        loop {
            if (self.is_over)() {
                return Err(Ended::GivenUp);
            }
            self.settle()?;
            let stations = self.stations.iter().filter_map(Station::due).min();
            let outposts = self.outposts.iter().filter_map(|outpost| outpost.satellite.due()).min();
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let next = [self.clock.next_deadline(), stations, outposts, event].into_iter().flatten().min();
            match next.filter(|next| *next <= time) {
                Some(next) => {
                    self.clock.advance_to(next);
                    // What is due now comes before what happens now, or behind it: of a process that ends, never.
                    if self.order.chance(1, 2) {
                        self.settle()?;
                    }
                    self.happen()?;
                }
                None => {
                    self.clock.advance_to(time);
                    return Ok(());
                }
            }
        }
    }

    /// Every node does what it can, and every satellite, in an order that is drawn, until none can do any more.
    fn settle(&mut self) -> Judged {
        let nodes = self.stations.len();
        let mut turns = 0;
        loop {
            turns += 1;
            if turns > TURNS_AT_ONE_INSTANT {
                return Err((0, "an instant has no end: somebody always has something to do".to_owned()));
            }
            let mut ready: Vec<usize> = Vec::new();
            for node in 0..nodes {
                if self.stations[node].has_work() {
                    ready.push(node);
                }
            }
            for (place, outpost) in self.outposts.iter_mut().enumerate() {
                if outpost.satellite.has_work() {
                    ready.push(nodes + place);
                }
            }
            let next = match ready.as_slice() {
                [] => return Ok(()),
                [only] => *only,
                several => *self.order.pick(several),
            };
            match next.checked_sub(nodes) {
                None => self.turn(next).map_err(|what| (next, what))?,
                Some(outpost) => {
                    self.turn_outpost(outpost).map_err(|what| self.outposts[outpost].about(&what))?;
                }
            }
        }
    }

    fn turn(&mut self, node: usize) -> Result<(), String> {
        let station = &mut self.stations[node];
        station.run()?;
        if let Some((power, off)) = station.doomed() {
            // Nothing of what came behind the write has happened.
            return self.die(node, power, off);
        }
        let (print, stopped) = (station.print(), station.stopped()?);
        self.note(node, print);
        if let Some(off) = stopped {
            let at = self.back_at(off);
            self.at(at, node, Event::Begin { power: false });
        }
        self.talks(node)?;
        self.errands(node)
    }

    /// What happens now.
    fn happen(&mut self) -> Judged {
        let now = self.clock.now();
        while let Some(first) = self.events.first_entry()
            && first.key().0 <= now
        {
            let (node, event) = first.remove();
            self.carry_out(node, event).map_err(|what| (node, what))?;
            self.settle()?;
        }
        Ok(())
    }

    fn carry_out(&mut self, node: usize, event: Event) -> Result<(), String> {
        let world = self.clock.now();
        let now = self.stations[node].enter();
        let station = &mut self.stations[node];
        match event {
            Event::Item(index) => {
                let plan = self.plan;
                let Item { deed, satellite, .. } = &plan.items[index];
                self.check_links(node)?;
                let station = &mut self.stations[node];
                if let Some(place) = satellite {
                    return match self.outpost(node, usize::from(*place)) {
                        Some(outpost) => self.befall_outpost(outpost, deed, world),
                        None => Ok(()),
                    };
                }
                station.check_rest()?;
                station.lines.stir(now);
                return self.befall(node, deed, world, now);
            }
            Event::Line { line, event } => {
                let Some(to) = station.stuck.take(line, event, world) else { return Ok(()) };
                let Some(input) = station.input_on(line) else { return Ok(()) };
                if station.node.board.capture(now, input, to) {
                    station.lines.moved(line, now, to);
                    let delay = station.capture_delay();
                    if delay == 0 {
                        station.node.board.reveal(now);
                    } else {
                        self.at(world + delay, node, Event::Reveal(now));
                    }
                }
            }
            Event::ZoneChanges { wall } => {
                if station.wall == Some(wall) {
                    self.tell_time(node);
                }
            }
            Event::Reveal(to) => station.node.board.reveal(to),
            Event::Release { sensor } => {
                let kept = station.symbols().and_then(|symbols| symbols.sensors.get(sensor.index())).cloned();
                if let Some(kept) = kept
                    && let Some(value) = station.gates.release(&kept, now)
                {
                    station.node.send(Message::Input(Input::Reading { sensor, value }));
                }
            }
            Event::Begin { power } => {
                if station.is_alive() {
                    return Ok(());
                }
                if power {
                    station.power_on();
                }
                station.begin()?;
                if !station.is_alive() {
                    // The disk cannot be read: somebody starts it again.
                    self.at(world + 1_000_000, node, Event::Begin { power: false });
                }
            }
            Event::DiskWell => {
                if world >= station.trouble {
                    station.set_faults(Faults::default(), 0);
                }
            }
            Event::JournalGoesOn => {
                if world >= station.lags {
                    station.release_journal(now);
                }
            }
            Event::Mend { output } => station.node.board.set_hardware(output, true),
            Event::Arrive { way, parcel } => self.arrive(node, way, parcel),
            Event::HandOn { way } => return self.hand_on(node, way),
            Event::Rings { ask, id } => station.ask(&ask, id, Origin::Message, now),
            Event::Answered { way, life, connection, ticket, answer } if life == station.life => {
                let journal = station.journal();
                if answer == Answer::Refused {
                    station.release_journal(now);
                }
                let Way { courier, window, .. } = &mut station.ways[way];
                let Some((courier, journal)) = courier.as_mut().zip(journal) else { return Ok(()) };
                window.answered(ticket);
                match answer {
                    Answer::Taken | Answer::Last => courier.acked(ticket, connection, now),
                    Answer::Refused => courier.refused(ticket, &mut journal.borrow_mut(), now),
                    Answer::Broken => {}
                }
                station.floor_up(now);
                return self.errands(node);
            }
            Event::Broken { way, life, connection } if life == station.life => {
                let courier = station.ways[way].courier.as_mut();
                if let Some(courier) = courier.filter(|courier| courier.connection == Some(connection)) {
                    courier.broken(now);
                }
            }
            Event::Answered { .. } | Event::Broken { .. } => {}
            Event::Outpost { outpost, event } => return self.happen_to_outpost(outpost, event, world),
        }
        Ok(())
    }

    /// One more step of the history.
    fn note(&mut self, node: usize, print: u64) {
        let step = mix(mix(self.print, &[node as u8]), &print.to_le_bytes());
        self.print = mix(step, &self.clock.now().to_le_bytes());
        self.trail.push((self.clock.now(), self.print));
    }
}
