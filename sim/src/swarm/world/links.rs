//! Satellites and the wires to them: what befalls them, and what arrives.

use std::rc::Rc;

use campanile_clock::Virtual;
use campanile_core::id::{Level, OutputId};
use campanile_core::program::image;
use campanile_core::time::Duration;

use super::deeds::BREAKS;
use super::rot::rot;
use super::{ARRIVES, World};
use crate::house::House;
use crate::prng::Prng;
use crate::swarm::judge::{link, requests::Requests};
use crate::swarm::line::{self, LineEvent, Stuck};
use crate::swarm::plan::{Deed, Plan, WireFault};
use crate::swarm::ports;
use crate::swarm::satellite::{Programs, Satellite};
use crate::swarm::tape::mix;
use crate::swarm::wire::{To, Wire};

/// A satellite, and the wire to its house.
pub(super) struct Outpost<'a> {
    pub(super) node: usize,
    pub(super) port: usize,
    pub(super) name: String,
    pub(super) satellite: Satellite<'a>,
    pub(super) wire: Wire,
    /// What people ask of its program.
    pub(super) requests: Requests,
    /// Lines of it that stick.
    stuck: Stuck,
    /// Neither end, nor the wire, is in trouble any more then.
    pub(super) calm: u64,
}

/// What happens to a satellite, or on its wire.
pub(in crate::swarm) enum Event {
    /// Bytes arrive, if the wire has not been pulled out since.
    Bytes { to: To, plug: u32, bytes: Vec<u8> },
    /// Its serial port may be done with what it was given.
    Sent,
    /// Something happens to a line.
    Line { line: usize, event: LineEvent },
    /// An output's hardware is well again.
    Mend { output: OutputId },
    /// It starts.
    Begin,
    /// The power that was about to fail does not.
    PowerLasts,
}

impl Outpost<'_> {
    /// A finding about it.
    pub(super) fn about(&self, what: &str) -> (usize, String) {
        (self.node, format!("its satellite {}: {what}", self.name))
    }
}

/// All satellites of a plan's nodes.
pub(super) fn outposts<'a>(
    clock: &'a Virtual,
    plan: &Plan,
    houses: &[House],
    programs: &[Rc<Programs>],
    seed: &Prng,
) -> Vec<Outpost<'a>> {
    let mut outposts = Vec::new();
    for (node, node_plan) in plan.nodes.iter().enumerate() {
        for (port, (at, programs)) in ports::ports(houses).into_iter().zip(programs).enumerate() {
            let seed = seed.fork(&format!("satellite {port} of node {node}"));
            let how = node_plan.satellites.get(port).cloned().unwrap_or_default();
            let of: Vec<_> = ports::at(houses, at).collect();
            let linked = of[usize::from(how.linked) % of.len()];
            let mut names: Vec<_> = of.iter().map(|of| of.name.as_str()).collect();
            names.dedup();
            outposts.push(Outpost {
                node,
                port,
                name: names.join(" or "),
                satellite: Satellite::new(clock, how, programs, image::hash(&linked.image), &seed),
                wire: Wire::new(seed.fork("wire")),
                requests: Requests::default(),
                stuck: Stuck::default(),
                calm: 0,
            });
        }
    }
    outposts
}

impl World<'_> {
    /// The place among all of what is at a port of a node, counted round.
    pub(super) fn outpost(&self, node: usize, port: usize) -> Option<usize> {
        let of_node = self.outposts.iter().filter(|outpost| outpost.node == node).count();
        let port = port.checked_rem(of_node)?;
        self.outposts.iter().position(|outpost| outpost.node == node && outpost.port == port)
    }

    fn at_outpost(&mut self, time: u64, outpost: usize, event: Event) {
        let node = self.outposts[outpost].node;
        self.at(time, node, super::Event::Outpost { outpost, event });
    }

    /// A satellite does what it can.
    pub(super) fn turn_outpost(&mut self, outpost: usize) -> Result<(), String> {
        let satellite = &mut self.outposts[outpost].satellite;
        satellite.run()?;
        let (print, frames) = (satellite.print(), satellite.sent());
        self.note(self.stations.len() + outpost, print);
        if !frames.is_empty() {
            self.carry(outpost, To::House, frames);
            self.at_outpost(self.outposts[outpost].wire.busy(To::House), outpost, Event::Sent);
        }
        self.mourn(outpost)
    }

    /// Where the power has failed in the middle of a write, nothing of what came behind it has happened.
    fn mourn(&mut self, outpost: usize) -> Result<(), String> {
        let Some(off) = self.outposts[outpost].satellite.doomed() else { return Ok(()) };
        self.outposts[outpost].satellite.end()?;
        let at = self.back_at(off);
        self.at_outpost(at, outpost, Event::Begin);
        Ok(())
    }

    /// A node's ends of the links to its satellites do what there is to do.
    pub(super) fn talks(&mut self, node: usize) -> Result<(), String> {
        let world = self.clock.now();
        let ports: Vec<usize> = self.stations[node].talks.keys().copied().collect();
        for port in ports {
            let Some(outpost) = self.outpost(node, port) else { continue };
            let plugged = self.outposts[outpost].wire.is_plugged(world);
            let station = &mut self.stations[node];
            let (now, wall) = (station.enter(), station.link_wall());
            let Some(talk) = station.talks.get_mut(&port).filter(|talk| talk.is_due(now)) else { continue };
            let said = talk.turn(now, wall, plugged);
            let Some(said) = station.forgive(said)? else { continue };
            if let Some(up) = said.up {
                station.met_at(port, up);
            }
            self.relay(node, port, now)?;
            self.answer(outpost)?;
            self.carry(outpost, To::Satellite, said.frames);
        }
        let station = &mut self.stations[node];
        let now = station.enter();
        station.change_talks(now)
    }

    fn carry(&mut self, outpost: usize, to: To, frames: Vec<Vec<u8>>) {
        let world = self.clock.now();
        for frame in frames {
            let wire = &mut self.outposts[outpost].wire;
            let (plug, arrivals) = (wire.plug, wire.carry(world, to, frame));
            for (at, bytes) in arrivals {
                self.at_outpost(at, outpost, Event::Bytes { to, plug, bytes });
            }
        }
    }

    pub(super) fn happen_to_outpost(
        &mut self,
        outpost: usize,
        event: Event,
        world: u64,
    ) -> Result<(), String> {
        let Outpost { node, port, satellite, wire, stuck, .. } = &mut self.outposts[outpost];
        match event {
            Event::Bytes { plug, .. } if plug != wire.plug => {}
            Event::Bytes { to: To::Satellite, bytes, .. } => satellite.hear(&bytes),
            Event::Bytes { to: To::House, plug, bytes } => {
                let (node, port) = (*node, *port);
                let thaws = self.stations[node].thaws();
                if thaws > world {
                    // The kernel keeps them for a process that stands still.
                    self.at_outpost(thaws, outpost, Event::Bytes { to: To::House, plug, bytes });
                    return Ok(());
                }
                return self.hear(node, port, &bytes);
            }
            Event::Sent if wire.busy(To::House) > world => {}
            Event::Sent => satellite.has_sent(),
            Event::Line { line, event } => {
                if let Some(to) = stuck.take(line, event, world) {
                    satellite.moves(line, to);
                }
            }
            Event::Mend { output } => satellite.set_hardware(output, true),
            Event::Begin => {
                let node = *node;
                satellite.begin()?;
                self.ruffle(node, Some(outpost), 0);
                return self.mourn(outpost);
            }
            Event::PowerLasts => satellite.power_lasts(),
        }
        Ok(())
    }

    /// A node is in trouble for so long, or only the way to this satellite of it.
    pub(super) fn ruffle(&mut self, node: usize, only: Option<usize>, span: u64) {
        let calm = self.clock.now() + span;
        for (place, outpost) in self.outposts.iter_mut().enumerate() {
            if outpost.node == node && only.is_none_or(|only| only == place) {
                outpost.calm = outpost.calm.max(calm);
            }
        }
    }

    /// Bytes have come to a node from one of its satellites.
    fn hear(&mut self, node: usize, port: usize, bytes: &[u8]) -> Result<(), String> {
        let station = &mut self.stations[node];
        let now = station.enter();
        let print = mix(station.print(), bytes);
        let Some(talk) = station.talks.get_mut(&port) else { return Ok(()) };
        let heard = talk.hear(now, bytes);
        if let Some(Some(up)) = station.forgive(heard)? {
            station.met_at(port, up);
        }
        self.relay(node, port, now)?;
        self.ring(node, port, now)?;
        if let Some(outpost) = self.outpost(node, port) {
            self.answer(outpost)?;
        }
        self.note(node, print);
        self.talks(node)
    }

    /// Something befalls a satellite, or its wire.
    pub(super) fn befall_outpost(&mut self, outpost: usize, deed: &Deed, world: u64) -> Result<(), String> {
        let Outpost { node, port, satellite, wire, .. } = &mut self.outposts[outpost];
        let node = *node;
        satellite.check_rest()?;
        satellite.stir();
        match deed {
            Deed::Touch { input, .. } | Deed::Stick { input, .. } | Deed::Edges { input, .. } => {
                let Some(line) = satellite.line(input) else { return Ok(()) };
                for (at, event) in line::events(deed, satellite.level(line), world, self.plan.until) {
                    self.at_outpost(at, outpost, Event::Line { line, event });
                }
            }
            Deed::Lose { input, lost, on } => {
                if let Some(line) = satellite.line(input) {
                    satellite.loses(line, *lost, Level::from_bool(*on));
                }
            }
            Deed::Jam { output, span } => {
                let Some(output) = satellite.symbols().and_then(|symbols| symbols.find_output(output)) else {
                    return Ok(());
                };
                satellite.set_hardware(output, false);
                self.at_outpost(world + span, outpost, Event::Mend { output });
            }
            Deed::Kill { off } | Deed::Cut { off, .. } => {
                satellite.end()?;
                let at = self.back_at(*off);
                self.at_outpost(at, outpost, Event::Begin);
            }
            Deed::Command { ask, late, .. } => {
                self.request(outpost, ask, *late);
                return self.talks(node);
            }
            Deed::Flash { fault } => satellite.spoils_flash(*fault),
            Deed::Rot { of, segment, byte } => {
                let port = *port;
                self.stations[node].rot_outpost(port, |disk| rot(disk, None, *of, *segment, *byte));
            }
            Deed::Exchange { off } => {
                satellite.end()?;
                satellite.is_exchanged();
                let at = self.back_at(*off);
                self.at_outpost(at, outpost, Event::Begin);
            }
            Deed::Break { bytes, off, .. } => {
                satellite.breaks(*bytes, *off);
                self.at_outpost(world + BREAKS, outpost, Event::PowerLasts);
            }
            Deed::Wire { fault, span } => {
                wire.befall(world, *fault, *span);
                let late = if let WireFault::Late(most) = fault { u64::from(*most) } else { 0 };
                self.ruffle(node, Some(outpost), span + late);
            }
            // What only a house has.
            _ => {}
        }
        Ok(())
    }

    /// The journals of a node's satellites have what its boards wrote, and nothing else.
    pub(super) fn check_outposts(&self, node: usize) -> Result<(), String> {
        let tapes = self.outposts.iter().filter(|outpost| outpost.node == node);
        let tapes: Vec<_> = tapes.map(|outpost| outpost.satellite.tape.borrow()).collect();
        let life = |boot| tapes.iter().find_map(|tape| tape.life(boot));
        self.stations[node].outpost_journals()?.iter().try_for_each(|journal| link::same(journal, life))
    }

    /// Both ends have settled, and the journals of its names have what the satellite recorded up to `last`.
    pub(super) fn check_outpost(&mut self, outpost: usize, last: u64) -> Result<(), String> {
        let Outpost { node, port, satellite, requests, .. } = &self.outposts[outpost];
        if !satellite.is_alive() {
            return Err("it has not come back".to_owned());
        }
        satellite.check_rest()?;
        let now = satellite.enter();
        satellite.check_start()?;
        satellite.check_replay(Some(now.minus(Duration::from_micros(ARRIVES))))?;
        let tape = satellite.tape.borrow();
        link::once_each(&tape)?;
        let station = &self.stations[*node];
        let Some(talk) = station.talks.get(port) else {
            // Nobody has to, if the file has none at this port.
            let is_known = station.knows_satellite(*port);
            return if is_known { Err("its house does not talk to it".to_owned()) } else { Ok(()) };
        };
        // A flash that does not take the house's program leaves it with the one that it has, which the house is told.
        let is_found = talk.is_up() || talk.is_there() && satellite.flash_refuses();
        if !is_found {
            return Err("its house has not found it again".to_owned());
        }
        let journal = talk.journal().ok_or("its house has no journal of it")?;
        requests.check(&tape)?;
        if talk.owes_answers() {
            return Err("somebody asked something of it, and was never told what became of that".to_owned());
        }
        let others =
            self.outposts.iter().enumerate().filter(|(other, it)| *other != outpost && it.node == *node);
        let others: Vec<_> = others.map(|(_, other)| other.satellite.tape.borrow()).collect();
        let disks = station.has_done();
        let is_anothers = |boot| others.iter().any(|tape| tape.life(boot).is_some());
        let journals = link::Journals::read(&station.outpost_journals()?, disks, &is_anothers)?;
        let accounted = journals.arrived(&tape, &satellite.losses(), last)?;
        drop(others);
        if let Some(degraded) = journal.degraded() {
            return Err(format!("its journal has not recovered: {degraded:?}"));
        }
        if talk.is_up() {
            if talk.owes() {
                return Err("its house has not told it of an output".to_owned());
            }
            satellite.agrees(&talk.lines().borrow())?;
        }
        drop(tape);
        self.accounted += accounted;
        Ok(())
    }
}
