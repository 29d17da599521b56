//! A node and its satellites, as far as they are the node's: their journals, and the ends of the links to them.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use campanile_core::input::{Input, Op, Origin};
use campanile_core::link::Wall as LinkWall;
use campanile_core::program::image;
use campanile_core::runner::Message;
use campanile_core::time::Instant;
use campanile_delivery::RecordId;
use campanile_delivery::disk::{Disk, Faults};

use super::{Station, journal_options, rules};
use crate::board::{Satellite as Lines, Told};
use crate::prng::Prng;
use crate::swarm::judge::journal::Words;
use crate::swarm::judge::link::Disks;
use crate::swarm::plan::{JournalPlan, KeptPlan};
use crate::swarm::satellite::Programs;
use crate::swarm::talk::{Broken, Desk, Talk};
use crate::swarm::tape::mix;

/// The journals of satellites have so much room, as a rule: nothing falls to retention, and so what is missing there was
/// lost.
const ROOM: u64 = 4 << 20;

/// What of them outlives the process.
pub(super) struct Outposts {
    shelves: Vec<(Rc<Programs>, Arc<Disk>)>,
    /// What the process knows of the lines on each board, whichever program runs.
    lines: BTreeMap<String, Lines>,
    /// What their sessions are made of.
    random: Prng,
    /// Their disks have lost, or kept half of, what they were given: there is damage in the journals.
    spoiled: bool,
    /// Something of what they had taken is another thing now, of all of them alike.
    rotten: bool,
}

impl Outposts {
    pub(super) fn new(satellites: &[Rc<Programs>], seed: &Prng) -> Self {
        let disk = |place| Arc::new(Disk::new(seed.fork(&format!("satellite disk {place}")).bits()));
        let shelves = satellites.iter().zip(0..).map(|(programs, place)| (Rc::clone(programs), disk(place)));
        let (shelves, lines) = (shelves.collect(), BTreeMap::new());
        Self { shelves, lines, random: seed.fork("sessions"), spoiled: false, rotten: false }
    }

    /// Their disks are in this trouble from now on.
    pub(super) fn befall(&mut self, faults: &Faults) {
        let Faults { syncs, reads, write_budget, forgets_syncs, one_in, .. } = faults;
        self.spoiled |=
            syncs.is_some() || reads.is_some() || write_budget.is_some() || *forgets_syncs || *one_in > 0;
        self.disks().for_each(|disk| disk.set_faults(faults.clone()));
    }

    pub(super) fn disks(&self) -> impl Iterator<Item = &Disk> {
        self.shelves.iter().map(|(_, disk)| &**disk)
    }
}

impl Station<'_> {
    /// Another process begins, which knows nothing of its satellites.
    pub(super) fn forget_satellites(&mut self) {
        self.talks.clear();
        self.outposts.lines.clear();
    }

    /// From now on it talks to the satellites of a program, and to no others: each talk is a new one, about the same lines.
    pub(in crate::swarm) fn talk_to_satellites(&mut self, program: u64) -> Result<(), String> {
        for (place, talk) in std::mem::take(&mut self.talks).into_iter().enumerate() {
            talk.lines().borrow_mut().set_up(false);
            if talk.has_told_up() {
                self.met(place, false);
            }
        }
        let Some(house) = self.node.houses.get(&program) else { return Ok(()) };
        for (place, (satellite, (programs, disk))) in
            house.satellites.iter().zip(&self.outposts.shelves).enumerate()
        {
            let lines = Rc::clone(self.outposts.lines.entry(satellite.board.clone()).or_default());
            self.node.board.attach(&satellite.board, Rc::clone(&lines));
            let bundle = programs.bundle(image::hash(&satellite.image));
            let bundle = bundle.ok_or("a satellite without a program")?.clone();
            let name = satellite.name.parse().map_err(|why| format!("{}: {why:?}", satellite.name))?;
            let kept = self.plan.satellites.get(place).and_then(|satellite| satellite.kept.as_ref());
            let KeptPlan { size, age } = kept.cloned().unwrap_or(KeptPlan { size: ROOM, age: 0 });
            let journal = JournalPlan { size, age, keep: false, ..self.plan.journal.clone() };
            let options = journal_options(&journal);
            let random = Prng::new(self.outposts.random.bits());
            let desk = Desk { program: bundle, name, disk: Arc::clone(disk), options };
            self.talks.push(Talk::new(desk, lines, random));
        }
        Ok(())
    }

    /// The time of day, as satellites are told; before it is set, as a machine has it that has no clock of its own.
    pub(in crate::swarm) fn link_wall(&self) -> LinkWall {
        match self.shows() {
            Some(Input::Clock { unix, offset, trusted }) => LinkWall { unix, offset, trusted },
            _ => {
                let unix = i64::try_from(self.clock.now()).unwrap_or(i64::MAX);
                LinkWall { unix, offset: 0, trusted: false }
            }
        }
    }

    /// What a talk could not do is a finding, unless it is about its journal and the disk is in trouble.
    pub(in crate::swarm) fn forgive<T>(&self, said: Result<T, Broken>) -> Result<Option<T>, String> {
        match said {
            Ok(said) => Ok(Some(said)),
            Err(Broken::Journal(_)) if self.clock.now() <= self.trouble => Ok(None),
            Err(broken) => Err(broken.to_string()),
        }
    }

    /// What lies on the disk of a satellite's journal changes.
    pub(in crate::swarm) fn rot_outpost(&mut self, place: usize, change: impl FnOnce(&Disk)) {
        let Some((_, disk)) = self.outposts.shelves.get(place) else { return };
        self.outposts.rotten = true;
        change(disk);
    }

    /// Somebody reads what there is of the satellites: what has rotted there is found, and told by a word of the journal.
    pub(in crate::swarm) fn read_outposts(&self) {
        let journals = self.talks.iter().filter_map(Talk::journal);
        journals.for_each(|journal| Words::default().hear(journal));
    }

    /// What has befallen the journal of a satellite.
    pub(in crate::swarm) fn has_done(&self, place: usize) -> Disks {
        let Outposts { spoiled, rotten, .. } = self.outposts;
        let plan = self.plan.satellites.get(place);
        Disks {
            lie: self.lies || rotten,
            spoiled: spoiled || rotten,
            forget: plan.is_some_and(|plan| plan.kept.is_some()),
        }
    }

    /// A satellite came, or went.
    pub(in crate::swarm) fn met(&mut self, place: usize, up: bool) {
        let name = self.node.houses.get(&self.running).and_then(|house| house.satellites.get(place));
        let Some(name) = name.map(|satellite| satellite.name.clone()) else { return };
        if let Some(peer) = self.symbols().and_then(|symbols| symbols.find_peer(&name)) {
            self.node.send(Message::Input(Input::Link { peer, up }));
        }
    }

    /// What a satellite has told of its inputs goes to the loop; gives it.
    pub(in crate::swarm) fn relay(&mut self, place: usize, now: Instant) -> Result<Vec<Told>, String> {
        let Some(talk) = self.talks.get(place) else { return Ok(Vec::new()) };
        let told = self.node.board.relay(talk.lines());
        let rules = rules(&self.rulebook, self.running)?;
        for Told { input, at, level, .. } in told.iter().filter(|told| told.moved) {
            if let Some(line) = rules.line(*input) {
                self.lines.moved(line, *at, *level);
            }
        }
        self.lines.stir(now);
        Ok(told)
    }

    /// A satellite has sent a message: it goes to the loop, if a trigger waits for it.
    pub(in crate::swarm) fn heard(&mut self, place: usize, message: &str, record: RecordId, now: Instant) {
        let satellites = self.node.houses.get(&self.running).map(|house| &house.satellites);
        let Some(satellite) = satellites.and_then(|satellites| satellites.get(place)) else { return };
        let message = format!("{}.{message}", satellite.name);
        let Some(message) = self.symbols().and_then(|symbols| symbols.find_heard(&message)) else { return };
        // The same record has the same number whenever it comes.
        let id = mix(mix(0, &record.boot.0.to_le_bytes()), &record.seq.to_le_bytes()) as u32;
        self.commands.sent(id, now);
        let op = Op::Message { message };
        self.node.send(Message::Command { origin: Origin::Link, id, op, issued: now });
    }

    /// Whether the program that runs has a satellite in this place.
    pub(in crate::swarm) fn knows_satellite(&self, place: usize) -> bool {
        self.node.houses.get(&self.running).is_some_and(|house| place < house.satellites.len())
    }

    /// Whether an input or an output is one of a satellite's: nobody moves it here.
    pub(in crate::swarm) fn is_elsewhere(&self, board: &str) -> bool {
        let house = self.node.houses.get(&self.running);
        house.is_some_and(|house| house.satellite_on(board).is_some())
    }
}
