//! The deeds of a plan, carried out. What names something that the program of the moment has not does nothing: a swap
//! may have taken it away, and a plan that is shortened may have lost the swap.

use std::io;

use campanile_core::id::Level;
use campanile_core::input::{Input, Op, Origin};
use campanile_core::runner::Message;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::{Faults, PowerCut};
use campanile_delivery::gate::Passage;
use campanile_delivery::symbols::Symbols;

use super::rot::rot;
use super::{Event, World};
use crate::swarm::line;
use crate::swarm::plan::{Ask, Deed, DiskFault, Leaves, NetFault, Rots};
use crate::swarm::station::{Station, Wall};

/// So long a node waits for the write in which it is to end.
pub(super) const BREAKS: u64 = 10_000_000;

impl World<'_> {
    pub(super) fn befall(
        &mut self,
        node: usize,
        deed: &Deed,
        world: u64,
        now: Instant,
    ) -> Result<(), String> {
        match deed {
            Deed::Stall { span } | Deed::Disk { span, .. } => self.ruffle(node, None, *span),
            Deed::Break { .. } => self.ruffle(node, None, BREAKS),
            _ => {}
        }
        let station = &mut self.stations[node];
        match deed {
            Deed::Touch { input, .. } | Deed::Stick { input, .. } | Deed::Edges { input, .. } => {
                let Some(line) = station.line(input) else { return Ok(()) };
                let from = station.input_on(line).and_then(|input| station.node.board.input(input));
                for (at, event) in line::events(deed, from.unwrap_or_default(), world, self.plan.until) {
                    self.at(at, node, Event::Line { line, event });
                }
            }
            Deed::Lose { input, lost, on } => {
                let Some(line) = station.line(input) else { return Ok(()) };
                let Some(input) = station.input_on(line) else { return Ok(()) };
                if station.node.board.lose(now, input, *lost, Level::from_bool(*on)) {
                    station.lines.lost(line, now, *lost);
                }
            }
            Deed::Feed { sensor, value } => {
                let Some(symbols) = station.symbols() else { return Ok(()) };
                let Some(sensor) = symbols.find_sensor(sensor) else { return Ok(()) };
                let Some(kept) = symbols.sensors.get(sensor.index()).cloned() else { return Ok(()) };
                match station.gates.offer(&kept, *value, now) {
                    Passage::Enters => {
                        station.node.send(Message::Input(Input::Reading { sensor, value: *value }));
                    }
                    Passage::Deadband | Passage::Replaces => {}
                    Passage::Later(at) => {
                        let at = station.world(at);
                        self.at(at, node, Event::Release { sensor });
                    }
                }
            }
            Deed::Command { ask, id, late } => {
                station.ask(ask, *id, Origin::Script, now.minus(Duration::from_micros(*late)));
            }
            Deed::Clock { unix, trusted } => {
                station.wall = Some(Wall { at: world, unix: *unix, trusted: *trusted });
                self.tell_time(node);
            }
            Deed::Link { peer, up } => {
                let Some(peer) = station.symbols().and_then(|symbols| symbols.find_peer(peer)) else {
                    return Ok(());
                };
                station.node.send(Message::Input(Input::Link { peer, up: *up }));
            }
            Deed::Swap { house } => {
                station.reload(usize::from(*house), now)?;
            }
            Deed::Kill { off } => self.die(node, None, *off)?,
            Deed::Cut { off, leaves } => self.die(node, Some(power_cut(*leaves)), *off)?,
            Deed::Stop { off } => {
                station.node.send(Message::Stop);
                station.stopping = Some(*off);
            }
            Deed::Break { bytes, off, power } => {
                let faults = Faults { ends_after: Some(u64::from(*bytes)), ..Faults::default() };
                station.set_faults(faults, world + BREAKS);
                station.doom = Some((power.map(power_cut), *off));
                self.at(world + BREAKS, node, Event::DiskWell);
            }
            Deed::Stall { span } => station.stall(world + span),
            Deed::Lag { span, room } => {
                station.hold_journal(world + span, *room as usize);
                self.at(world + span, node, Event::JournalGoesOn);
            }
            Deed::Jam { output, span } => {
                let Some(symbols) = station.symbols() else { return Ok(()) };
                let Some(output) = symbols.find_output(output) else { return Ok(()) };
                if symbols
                    .outputs
                    .get(output.index())
                    .is_some_and(|output| station.is_elsewhere(&output.board))
                {
                    return Ok(());
                }
                station.node.board.set_hardware(output, false);
                self.at(world + span, node, Event::Mend { output });
            }
            Deed::Disk { fault, span } => {
                station.floor.void |= *fault == DiskFault::Forgets;
                station.lies = true;
                station.set_faults(faults(*fault), world + span);
                self.at(world + span, node, Event::DiskWell);
            }
            Deed::Rot { of, segment, byte } => {
                station.hear();
                // All else has a second copy, or can be had from elsewhere.
                let is_journal = matches!(of, Rots::Segment | Rots::Checkpoint);
                station.rotten |= is_journal;
                station.floor.void |= is_journal;
                let journal = station.journal();
                let journal = journal.as_ref().map(|journal| journal.borrow());
                rot(&station.node.disk, journal.as_deref(), *of, *segment, *byte);
            }
            Deed::Net { sink, fault, span } => self.net(node, *sink, *fault, *span),
            // They are about a satellite.
            Deed::Wire { .. } | Deed::Flash { .. } | Deed::Exchange { .. } => {}
        }
        Ok(())
    }

    /// The process dies, with or without the power, and comes back.
    pub(super) fn die(&mut self, node: usize, power: Option<PowerCut>, off: u64) -> Result<(), String> {
        let station = &mut self.stations[node];
        let came = station.is_alive() || power.is_some();
        station.end(power)?;
        if came {
            let at = self.back_at(off);
            self.at(at, node, Event::Begin { power: power.is_some() });
        }
        Ok(())
    }

    /// When a node is back that is to be off for so long: at the end of all faults at the latest.
    pub(super) fn back_at(&self, off: u64) -> u64 {
        let now = self.clock.now();
        (now + off).min(self.plan.until.max(now + 1))
    }

    /// The node's loop is told the time of day, and will be when local time changes.
    pub(super) fn tell_time(&mut self, node: usize) {
        let station = &mut self.stations[node];
        let (Some(clock), Some(wall)) = (station.shows(), station.wall) else { return };
        station.node.send(Message::Input(clock));
        if let Some(at) = station.zone_changes() {
            self.at(at, node, Event::ZoneChanges { wall });
        }
    }

    fn net(&mut self, node: usize, sink: u8, fault: NetFault, span: u64) {
        let world = self.clock.now();
        let station = &mut self.stations[node];
        let (ways, life) = (station.ways.len(), station.life);
        let Some(place) = usize::from(sink).checked_rem(ways) else { return };
        let way = &mut station.ways[place];
        if let Some(connection) = way.receiver.befall(world, fault, span) {
            self.at(world, node, Event::Broken { way: place, life, connection });
        }
    }
}

impl Station<'_> {
    /// Somebody asks for something.
    pub(super) fn ask(&mut self, ask: &Ask, id: u32, origin: Origin, issued: Instant) {
        let Some(op) = self.symbols().and_then(|symbols| op(symbols, ask)) else { return };
        self.commands.sent(id, issued);
        self.node.send(Message::Command { origin, id, op, issued });
    }
}

pub(super) fn op(symbols: &Symbols, ask: &Ask) -> Option<Op> {
    Some(match ask {
        Ask::Set(output, on) => {
            Op::Set { output: symbols.find_output(output)?, level: Level::from_bool(*on) }
        }
        Ask::Start(scenario) => Op::Start { scenario: symbols.find_scenario(scenario)? },
        Ask::Stop(scenario) => Op::Stop { scenario: symbols.find_scenario(scenario)? },
        Ask::Let(variable, value) => Op::Let { var: symbols.find_variable(variable)?, value: *value },
        Ask::Press(input, on) => Op::Play { input: symbols.find_input(input)?, level: Level::from_bool(*on) },
    })
}

const fn power_cut(leaves: Leaves) -> PowerCut {
    match leaves {
        Leaves::Nothing => PowerCut::Nothing,
        Leaves::Bytes(bytes) => PowerCut::Bytes(bytes as usize),
        Leaves::Sectors => PowerCut::Sectors,
    }
}

fn faults(fault: DiskFault) -> Faults {
    match fault {
        DiskFault::Full => Faults {
            writes: Some(io::ErrorKind::StorageFull),
            room: Some(0),
            names: Some(io::ErrorKind::StorageFull),
            ..Faults::default()
        },
        DiskFault::ReadOnly => Faults::read_only(),
        DiskFault::Tears(bytes) => Faults { write_budget: Some(bytes.into()), ..Faults::default() },
        DiskFault::Syncs => Faults { syncs: Some(io::ErrorKind::Other), ..Faults::default() },
        DiskFault::Reads => Faults { reads: Some(io::ErrorKind::Other), ..Faults::default() },
        DiskFault::Forgets => Faults { forgets_syncs: true, ..Faults::default() },
        DiskFault::Flaky(one_in) => Faults { one_in: one_in.into(), ..Faults::default() },
    }
}
