//! A node and its satellites, as far as they are the node's: their journals, and the ends of the links to them.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use campanile_core::input::{Input, Op, Origin};
use campanile_core::link::Wall as LinkWall;
use campanile_core::program::image;
use campanile_core::runner::Message;
use campanile_core::time::Instant;
use campanile_delivery::disk::{Disk, Faults};
use campanile_delivery::satellite::Memory;
use campanile_delivery::{Archive, Index, RecordId};

use super::{Station, journal_options, rules};
use crate::board::{Satellite as Lines, Told};
use crate::house::{House, SatelliteHouse};
use crate::prng::Prng;
use crate::swarm::judge::journal::Words;
use crate::swarm::judge::link::Disks;
use crate::swarm::plan::{JournalPlan, KeptPlan};
use crate::swarm::ports;
use crate::swarm::satellite::Programs;
use crate::swarm::talk::{Broken, Desk, Talk};
use crate::swarm::tape::mix;

/// The journals of satellites have so much room, as a rule: nothing falls to retention, and so what is missing there was
/// lost.
const ROOM: u64 = 4 << 20;

/// What of them outlives the process, and what the process knows of them.
pub(super) struct Outposts {
    /// The files that the node may have, and the place of the one that it has.
    files: Rc<[House]>,
    file: usize,
    /// The one that it is to have as soon as that one's program runs.
    next: Option<usize>,
    /// Talks are to begin, as soon as those that are to end are over.
    changes: bool,
    /// The programs of the boards at each port.
    boards: Vec<Rc<Programs>>,
    /// The disks of their journals, by their names.
    journals: Vec<(String, Arc<Disk>)>,
    /// What the process knows of the lines on each board of a file, whichever program runs.
    lines: BTreeMap<String, Lines>,
    /// And of their starts and records.
    memory: Memory,
    /// What their sessions are made of.
    random: Prng,
    /// Their disks have lost, or kept half of, what they were given: there is damage in the journals.
    spoiled: bool,
    /// Something of what they had taken is another thing now, of all of them alike.
    rotten: bool,
}

impl Outposts {
    pub(super) fn new(files: &Rc<[House]>, boards: &[Rc<Programs>], seed: &Prng) -> Self {
        let disk = |place| Arc::new(Disk::new(seed.fork(&format!("satellite disk {place}")).bits()));
        let names = ports::names(files).into_iter().zip(0..);
        Self {
            files: Rc::clone(files),
            file: 0,
            next: None,
            changes: false,
            boards: boards.to_vec(),
            journals: names.map(|(name, place)| (name.to_owned(), disk(place))).collect(),
            lines: BTreeMap::new(),
            memory: Memory::default(),
            random: seed.fork("sessions"),
            spoiled: false,
            rotten: false,
        }
    }

    /// Their disks are in this trouble from now on.
    pub(super) fn befall(&mut self, faults: &Faults) {
        let Faults { syncs, reads, write_budget, forgets_syncs, one_in, .. } = faults;
        self.spoiled |=
            syncs.is_some() || reads.is_some() || write_budget.is_some() || *forgets_syncs || *one_in > 0;
        self.disks().for_each(|disk| disk.set_faults(faults.clone()));
    }

    pub(super) fn disks(&self) -> impl Iterator<Item = &Disk> {
        self.journals.iter().map(|(_, disk)| &**disk)
    }

    /// The disk of the journal of this name.
    fn disk(&self, name: &str) -> Option<&Arc<Disk>> {
        self.journals.iter().find(|(known, _)| known == name).map(|(_, disk)| disk)
    }

    /// The satellites of the file that the node has, by their ports.
    fn satellites(&self) -> impl Iterator<Item = (usize, &SatelliteHouse)> {
        let ports = ports::ports(&self.files);
        let number = move |of: &SatelliteHouse| ports.iter().position(|port| *port == of.port);
        self.files[self.file].satellites.iter().filter_map(move |of| Some((number(of)?, of)))
    }

    /// Whether this is the program of a file.
    fn is_of(&self, file: usize, program: u64) -> bool {
        image::hash(&self.files[file].image) == program
    }

    /// The node has the file of this program from now on: the one that it was to have, or the one that it has, if that is so.
    fn has_file_of(&mut self, program: u64) {
        let next = self.next.take().filter(|next| self.is_of(*next, program));
        let all = next.into_iter().chain([self.file]).chain(0..self.files.len());
        self.file = { all }.find(|file| self.is_of(*file, program)).unwrap_or(self.file);
    }

    /// The lines on a board of a file.
    fn lines(&mut self, board: &str) -> Lines {
        Rc::clone(self.lines.entry(board.to_owned()).or_default())
    }
}

impl Station<'_> {
    /// Another process begins: it knows nothing of its satellites, and talks to those of its file.
    pub(super) fn meet_satellites(&mut self) -> Result<(), String> {
        self.talks.clear();
        self.outposts.lines.clear();
        self.outposts.memory = Memory::default();
        self.outposts.has_file_of(self.node.program.get());
        // The program that a start begins with may be another file's.
        let files = Rc::clone(&self.outposts.files);
        for SatelliteHouse { board, .. } in files.iter().flat_map(|file| &file.satellites) {
            self.node.board.attach(board, self.outposts.lines(board));
        }
        self.begin_talks()
    }

    /// A reload: another file, counted round, of which the satellites come behind the program. A process that is not there does
    /// not hear of it.
    pub(in crate::swarm) fn reload(&mut self, file: usize, now: Instant) -> Result<(), String> {
        let Outposts { files, next, .. } = &mut self.outposts;
        let file = file % files.len();
        *next = self.node.life.is_some().then_some(file);
        self.node.install(image::hash(&files[file].image));
        self.is_swapped(now)
    }

    /// Looks whether the program of the next file runs: then the loop is told once more who is there, by the names of that one,
    /// and talks go on with those satellites that are in it as they were, and with no others.
    pub(super) fn is_swapped(&mut self, now: Instant) -> Result<(), String> {
        let Some(file) = self.outposts.next.filter(|next| self.outposts.is_of(*next, self.running)) else {
            return Ok(());
        };
        self.outposts.has_file_of(self.running);
        let files = Rc::clone(&self.outposts.files);
        let satellites = &files[file].satellites;
        for SatelliteHouse { name, .. } in satellites {
            let up = self.talks.values().any(|talk| talk.of().name == *name && talk.has_told_up());
            self.met(name, up);
        }
        let ends = self.talks.values_mut().filter(|talk| !satellites.contains(talk.of()));
        ends.for_each(|talk| talk.end(now));
        self.outposts.changes = true;
        self.change_talks(now)
    }

    /// Talks that are over go; when all have gone that were to go, those begin that are new.
    pub(in crate::swarm) fn change_talks(&mut self, now: Instant) -> Result<(), String> {
        while let Some(port) = self.talks.iter().find_map(|(port, talk)| talk.is_over(now).then_some(*port))
            && let Some(talk) = self.talks.remove(&port)
        {
            talk.lines().borrow_mut().set_up(false);
            if talk.has_told_up() {
                self.met(&talk.of().name, false);
            }
        }
        if !self.outposts.changes || self.talks.values().any(Talk::is_ending) {
            return Ok(());
        }
        self.begin_talks()
    }

    /// Begins to talk to the satellites of the file to which nobody talks.
    fn begin_talks(&mut self) -> Result<(), String> {
        self.outposts.changes = false;
        let satellites = self.outposts.satellites().filter(|(port, _)| !self.talks.contains_key(port));
        let new: Vec<_> = satellites.map(|(port, of)| (port, of.clone())).collect();
        for (port, of) in new {
            let program = self.outposts.boards[port].bundle(image::hash(&of.image));
            let program = program.ok_or("a satellite without a program")?.clone();
            let name = of.name.parse().map_err(|why| format!("{}: {why:?}", of.name))?;
            let disk = Arc::clone(self.outposts.disk(&of.name).ok_or("a satellite without a journal")?);
            let kept = self.plan.satellites.get(port).and_then(|satellite| satellite.kept.as_ref());
            let KeptPlan { size, age } = kept.cloned().unwrap_or(KeptPlan { size: ROOM, age: 0 });
            let journal = JournalPlan { size, age, keep: false, ..self.plan.journal.clone() };
            let (lines, random) = (self.outposts.lines(&of.board), Prng::new(self.outposts.random.bits()));
            let (options, memory) = (journal_options(&journal), self.outposts.memory.clone());
            let desk = Desk { of, program, name, disk, options, memory };
            self.talks.insert(port, Talk::new(desk, lines, random));
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

    /// What lies on the disk of the journal changes of the satellite that is at a port.
    pub(in crate::swarm) fn rot_outpost(&mut self, port: usize, change: impl FnOnce(&Disk)) {
        let at_port = self.outposts.satellites().find(|(known, _)| *known == port);
        let Some(disk) = at_port.and_then(|(_, of)| self.outposts.disk(&of.name)).cloned() else { return };
        self.outposts.rotten = true;
        change(&disk);
    }

    /// Somebody reads what there is of the satellites: what has rotted there is found, and told by a word of the journal.
    pub(in crate::swarm) fn read_outposts(&self) {
        let journals = self.talks.values().filter_map(Talk::journal);
        journals.for_each(|journal| Words::default().hear(journal));
    }

    /// The journals of all names that satellites have had, those first that are written.
    pub(in crate::swarm) fn outpost_journals(&self) -> Result<Vec<Arc<Index<Disk>>>, String> {
        let written = |name: &str| self.talks.values().find(|talk| talk.of().name == name)?.journal();
        let index = |(name, disk): &(String, Arc<Disk>)| match written(name) {
            Some(journal) => Ok(Arc::clone(journal.index())),
            None => Archive::open(disk).map(|archive| archive.index).map_err(|why| format!("{name}: {why}")),
        };
        self.outposts.journals.iter().map(index).collect()
    }

    /// What has befallen the journals of satellites.
    pub(in crate::swarm) fn has_done(&self) -> Disks {
        let Outposts { spoiled, rotten, .. } = self.outposts;
        Disks {
            lie: self.lies || rotten,
            spoiled: spoiled || rotten,
            forget: self.plan.satellites.iter().any(|plan| plan.kept.is_some()),
        }
    }

    /// The satellite of this name came, or went.
    pub(in crate::swarm) fn met(&mut self, name: &str, up: bool) {
        if let Some(peer) = self.symbols().and_then(|symbols| symbols.find_peer(name)) {
            self.node.send(Message::Input(Input::Link { peer, up }));
        }
    }

    /// The satellite at a port came, or went.
    pub(in crate::swarm) fn met_at(&mut self, port: usize, up: bool) {
        if let Some(name) = self.talks.get(&port).map(|talk| talk.of().name.clone()) {
            self.met(&name, up);
        }
    }

    /// What a satellite has told of its inputs goes to the loop; gives it.
    pub(in crate::swarm) fn relay(&mut self, port: usize, now: Instant) -> Result<Vec<Told>, String> {
        let Some(talk) = self.talks.get(&port) else { return Ok(Vec::new()) };
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
    pub(in crate::swarm) fn heard(&mut self, port: usize, message: &str, record: RecordId, now: Instant) {
        let Some(talk) = self.talks.get(&port) else { return };
        let message = format!("{}.{message}", talk.of().name);
        let Some(message) = self.symbols().and_then(|symbols| symbols.find_heard(&message)) else { return };
        // The same record has the same number whenever it comes.
        let id = mix(mix(0, &record.boot.0.to_le_bytes()), &record.seq.to_le_bytes()) as u32;
        self.commands.sent(id, now);
        let op = Op::Message { message };
        self.node.send(Message::Command { origin: Origin::Link, id, op, issued: now });
    }

    /// Whether the file that the node has, has a satellite at this port.
    pub(in crate::swarm) fn knows_satellite(&self, port: usize) -> bool {
        self.outposts.satellites().any(|(known, _)| known == port)
    }

    /// Whether an input or an output is one of a satellite's: nobody moves it here.
    pub(in crate::swarm) fn is_elsewhere(&self, board: &str) -> bool {
        let house = self.node.houses.get(&self.running);
        house.is_some_and(|house| house.satellite_on(board).is_some())
    }
}
