//! The link (I5, I7): what a satellite has recorded is in its house's journal, once and in order, or a word there accounts for
//! it; what the house held out there is safe when the link has died; no command takes effect twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use campanile_core::decision::{By, Decision, Origin, ReplyResult, Source};
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::Input;
use campanile_core::link::PATIENCE;
use campanile_core::program::OutputDef;
use campanile_core::record::Record;
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::{Body, GapWhy, HostRecord, Index, Item, Lagged, Next, Position};

use super::journal::{Floor, Words, examine};
use super::starts::Losses;
use crate::swarm::tape::{Entry, Scroll, Tape};

/// So long behind the end of its patience a satellite may take until what the house held is safe.
const LATE: Duration = Duration::from_millis(500);

/// What the house holds of a satellite, as its log and its file tell it.
#[derive(Default)]
pub(in crate::swarm) struct Held {
    /// Outputs that are to be safe without the link, and their safe levels.
    safe: BTreeMap<OutputId, Level>,
    /// The outputs' lines.
    lines: Vec<u32>,
    /// Outputs that the house wrote last, and how.
    held: BTreeMap<OutputId, Level>,
    /// Inputs as they are reported.
    reported: BTreeMap<InputId, Level>,
    /// When the last byte came from the house.
    heard: Instant,
}

impl Held {
    /// This program runs from now on.
    pub(in crate::swarm) fn installed(&mut self, safe: BTreeMap<OutputId, Level>, outputs: &[OutputDef]) {
        self.safe = safe;
        let lines = outputs.iter().map(|output| output.line).collect();
        let before = std::mem::replace(&mut self.lines, lines);
        // A line that is an output still may be one by another id.
        let held = std::mem::take(&mut self.held);
        self.held = held
            .into_iter()
            .filter_map(|(id, level)| Some((self.id(*before.get(id.index())?)?, level)))
            .collect();
    }

    fn id(&self, line: u32) -> Option<OutputId> {
        let place = self.lines.iter().position(|known| *known == line)?;
        u8::try_from(place).ok().map(OutputId)
    }

    /// Another program has taken over: inputs that it has too are reported as before, by the ids that they have now.
    pub(in crate::swarm) fn renumber(&mut self, new_id: impl Fn(InputId) -> Option<InputId>) {
        let reported = std::mem::take(&mut self.reported);
        self.reported = reported.into_iter().filter_map(|(id, level)| Some((new_id(id)?, level))).collect();
    }

    /// A byte has come from the house.
    pub(in crate::swarm) const fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The level to which the house has set an output, if it was the last to do so.
    pub(in crate::swarm) fn set_to(&self, output: OutputId) -> Option<Level> {
        self.held.get(&output).copied()
    }

    pub(in crate::swarm) fn reported(&self, input: InputId) -> Option<Level> {
        self.reported.get(&input).copied()
    }

    pub(in crate::swarm) fn see(&mut self, entry: &Entry) {
        match entry.record {
            Some(Record::Decision(Decision::Set { output, level, by })) => {
                self.held.remove(&output);
                if by == (By::Command { origin: Origin::Link }) {
                    self.held.insert(output, level);
                }
            }
            Some(Record::Decision(Decision::Event {
                source: Source::Input { input },
                value: Some(value),
                ..
            })) => {
                self.reported.insert(input, Level::from_bool(value != 0));
            }
            Some(Record::Input(Input::Restore { item: Restore::Input { input, reported, .. } })) => {
                self.reported.insert(input, reported);
            }
            _ => {}
        }
    }

    /// What the house held is safe, if nothing has been heard from it for long.
    pub(in crate::swarm) fn check(
        &self,
        now: Instant,
        level: impl Fn(OutputId) -> Option<Level>,
    ) -> Result<(), String> {
        let silent = now.since(self.heard);
        if silent < PATIENCE.plus(LATE) {
            return Ok(());
        }
        for (output, safe) in self.safe.iter().filter(|(output, _)| self.held.contains_key(output)) {
            let is = level(*output);
            if is != Some(*safe) {
                return Err(format!(
                    "the house has been silent for {} us, and {output:?}, which it held, is still {is:?}",
                    silent.micros()
                ));
            }
        }
        Ok(())
    }
}

/// No command takes effect twice, in whichever start of the satellite.
pub(in crate::swarm) fn once_each(tape: &Tape) -> Result<(), String> {
    let mut done = BTreeSet::new();
    for entry in tape.lives.iter().flat_map(|life| &life.entries) {
        if let Some(Record::Decision(Decision::Reply { origin: Origin::Link, id, result: ReplyResult::Done })) =
            entry.record
            && !done.insert(id)
        {
            return Err(format!("command {id} of the house takes effect a second time"));
        }
    }
    Ok(())
}

/// The journal has what satellites wrote in these lives, and nothing else.
pub(in crate::swarm) fn same<'t>(
    journal: &Arc<Index<Disk>>,
    life: impl Fn(u64) -> Option<&'t Scroll>,
) -> Result<(), String> {
    examine(journal, life, &Floor::default(), &mut Words::default()).map(drop)
}

/// What the journals of a house's satellites have of a board, which may have been known by each of their names.
pub(in crate::swarm) struct Journals<'a> {
    theirs: Vec<There>,
    disks: Disks,
    /// Whether a number is one of another board's starts.
    is_anothers: &'a dyn Fn(u64) -> bool,
}

/// What a journal has, and what it says of the rest.
#[derive(Default)]
struct There {
    /// Numbers of records, by start.
    records: BTreeMap<u64, BTreeSet<u64>>,
    words: Vec<(Position, HostRecord)>,
    /// Up to there everything has gone for room, or for its age.
    oldest: Position,
}

/// What has befallen the disks on which a house has its journals.
#[derive(Clone, Copy)]
pub(in crate::swarm) struct Disks {
    /// They have been in trouble: what they had taken may be gone.
    pub(in crate::swarm) lie: bool,
    /// They have lost, or kept half of, what they were given: there is damage in the journals.
    pub(in crate::swarm) spoiled: bool,
    /// What is too much or too old goes from there.
    pub(in crate::swarm) forget: bool,
}

/// What a journal says of a record that it has not.
enum Word {
    Gap(GapWhy),
    /// It had it, and the disk has spoiled it.
    Damage,
}

impl There {
    /// `spoiled`: the disk has done things behind which a journal finds damage where it reads.
    fn read(journal: &Arc<Index<Disk>>, spoiled: bool) -> Result<Self, String> {
        let mut there = Self { oldest: journal.oldest(), ..Self::default() };
        let mut reader = journal.reader(Position::START);
        loop {
            match reader.next().map_err(|error| format!("the journal cannot be read: {error}"))? {
                Next::End => return Ok(there),
                Next::Item(Item { at, body: Body::Engine(_), .. }) => {
                    if !there.records.entry(at.boot.0).or_default().insert(at.seq) {
                        return Err(format!("{at} is in the journal twice"));
                    }
                }
                Next::Item(Item { at, body: Body::Host(Some(word)), .. }) => there.words.push((at, word)),
                // Damage in an older segment is found by whoever reads it, and told there and then.
                Next::Lagged(Lagged { after, resume, from_memory: false, .. }) if spoiled => {
                    there.words.push((after, HostRecord::Damaged { from: after, to: resume }));
                }
                Next::Item(_) | Next::Lagged(_) => {}
            }
        }
    }

    /// The word on a missing record.
    fn word(&self, boot: u64, seq: u64) -> Option<Word> {
        self.words.iter().find_map(|(at, word)| match word {
            HostRecord::JournalGap { from, to, why, .. }
                if at.boot.0 == boot && *from <= seq && seq <= *to =>
            {
                Some(Word::Gap(*why))
            }
            HostRecord::Damaged { from, to }
                if (from.boot.0, from.seq) < (boot, seq) && (boot, seq) <= (to.boot.0, to.seq) =>
            {
                Some(Word::Damage)
            }
            _ => None,
        })
    }

    /// Whether it has a record of a life.
    fn has(&self, life: &Scroll, seq: u64) -> bool {
        self.of(life).any(|records| records.contains(&seq))
    }

    /// The records of a life, by the numbers that it has had.
    fn of(&self, life: &Scroll) -> impl Iterator<Item = &BTreeSet<u64>> {
        self.numbers(life).filter_map(|number| self.records.get(&number))
    }

    /// The numbers of a life by which it has records of it.
    fn numbers(&self, life: &Scroll) -> impl Iterator<Item = u64> {
        life.numbers.iter().copied().filter(|number| self.records.contains_key(number))
    }

    /// Whether nothing of it has gone: the start is there with which it began.
    fn is_whole(&self) -> bool {
        self.words.iter().any(|(_, word)| matches!(word, HostRecord::Started { previous: None, .. }))
    }

    /// The starts that it has begun.
    fn begun(&self) -> impl Iterator<Item = u64> {
        let starts = self.words.iter().filter(|(_, word)| matches!(word, HostRecord::Started { .. }));
        starts.map(|(at, _)| at.boot.0)
    }
}

impl<'a> Journals<'a> {
    pub(in crate::swarm) fn read(
        journals: &[Arc<Index<Disk>>],
        disks: Disks,
        is_anothers: &'a dyn Fn(u64) -> bool,
    ) -> Result<Self, String> {
        let theirs = journals.iter().map(|journal| There::read(journal, disks.spoiled));
        Ok(Self { theirs: theirs.collect::<Result<_, _>>()?, disks, is_anothers })
    }

    /// Whether a later start has begun in one of them: later as they were lived, for a disk that forgets lets two have one
    /// counter.
    fn goes_on(&self, tape: &Tape, place: usize) -> bool {
        self.theirs.iter().flat_map(|there| &there.words).any(|(at, word)| {
            let is_later = match tape.chapter(at.boot.0) {
                Some(chapter) => chapter > place,
                // The satellite never heard of its number.
                None => !(self.is_anothers)(at.boot.0),
            };
            is_later && matches!(word, HostRecord::Started { .. })
        })
    }

    /// The word on a record that none of them has.
    fn word(&self, life: &Scroll, seq: u64) -> Option<Word> {
        let numbers = life.numbers.iter();
        numbers.flat_map(|number| self.theirs.iter().map(|there| there.word(*number, seq))).flatten().next()
    }

    /// Whether it may have gone for room, or for its age.
    fn is_forgotten(&self, tape: &Tape, place: usize, seq: u64) -> bool {
        let is_before = |there: &There| {
            let oldest = there.oldest;
            match tape.chapter(oldest.boot.0) {
                Some(life) => (place, seq) <= (life, oldest.seq),
                // What is left begins with another board's start.
                None => tape.lives[place].numbers.iter().any(|number| *number < oldest.boot.0),
            }
        };
        self.disks.forget && self.theirs.iter().any(|there| !there.is_whole() && is_before(there))
    }

    /// A journal has a start under one number, unless the disk had lost the end of it when a later one had begun, or the board had
    /// another name in between.
    fn once(&self, tape: &Tape, life: &Scroll) -> Result<(), String> {
        for there in &self.theirs {
            let mut numbers: Vec<u64> = there.numbers(life).collect();
            numbers.sort_unstable();
            let is_cut = |(first, second): (u64, u64)| {
                (self.disks.lie || self.disks.spoiled)
                    && there.begun().any(|boot| first < boot && boot < second)
            };
            let mut pairs = numbers.windows(2).map(|pair| (pair[0], pair[1]));
            if !pairs.all(|pair| is_cut(pair) || self.was_away(there, tape, life, pair)) {
                return Err(format!("the start {:x} of the satellite has two numbers", life.own));
            }
        }
        Ok(())
    }

    /// Whether a board had another name between two numbers of a start in a journal: it was given a number there, or meanwhile
    /// another board had this name, or a start before it came behind it, which had come to the other name first.
    fn was_away(&self, there: &There, tape: &Tape, life: &Scroll, (first, second): (u64, u64)) -> bool {
        let elsewhere = |boot: u64| {
            let mut others = self.theirs.iter().filter(|other| !std::ptr::eq(*other, there));
            others.any(|other| other.begun().any(|begun| begun == boot))
        };
        let came_late = |boot: u64| {
            let (before, at) = (tape.life(boot), tape.chapter(boot));
            at < tape.chapter(first)
                && before.is_some_and(|life| life.numbers.iter().any(|boot| elsewhere(*boot)))
        };
        let between = |boot: &u64| first < *boot && *boot < second;
        life.numbers.iter().any(|boot| (between(boot) || *boot == second) && elsewhere(*boot))
            || there.begun().filter(between).any(|boot| (self.is_anothers)(boot) || came_late(boot))
    }

    /// Every record that the satellite wrote in a start that has a number is in a journal of its house, or a word there
    /// accounts for it. `last`: how many of the last start have to be there. Gives how many are accounted for by words.
    pub(in crate::swarm) fn arrived(&self, tape: &Tape, losses: &Losses, last: u64) -> Result<u64, String> {
        let mut accounted = 0;
        for (place, life) in tape.lives.iter().enumerate().filter(|(_, life)| life.boot != 0) {
            self.once(tape, life)?;
            let end = if place + 1 == tape.lives.len() {
                last
            } else {
                let end = self.end(tape, place, losses)?;
                accounted += life.head().saturating_sub(end);
                end
            };
            for seq in (1..=end).filter(|seq| !self.theirs.iter().any(|there| there.has(life, *seq))) {
                accounted += 1;
                let what = format!("record {seq} of the satellite's start {:x}", life.boot);
                match self.word(life, seq) {
                    None if self.is_forgotten(tape, place, seq) => {}
                    None => {
                        let record = life.entry(seq).map(|entry| entry.record);
                        return Err(format!(
                            "{what} is not in its journal, and no word accounts for it: {record:?}"
                        ));
                    }
                    Some(Word::Gap(GapWhy::Overrun))
                        if losses.gone.get(place).is_some_and(|gone| seq >= *gone) =>
                    {
                        return Err(format!(
                            "{what} is said to be lost, and the satellite has had it all along"
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(accounted)
    }

    /// How many records of a start that is over have to be there: of one that was cut off, what had not come over by then is
    /// lost with it.
    fn end(&self, tape: &Tape, place: usize, losses: &Losses) -> Result<u64, String> {
        let life = &tape.lives[place];
        if !self.goes_on(tape, place) {
            return Ok(life.head());
        }
        let came =
            self.theirs.iter().flat_map(|there| there.of(life)).filter_map(|records| records.last()).max();
        let came = came.copied().unwrap_or(0);
        let left = losses.left.get(place).copied().flatten().filter(|_| !self.disks.lie);
        // What fell to the ring behind all that came has no word, for it would stand behind nothing.
        let left = left.map(|left| if losses.gone[place] > left { came.min(left) } else { left });
        match left {
            Some(left) if came > left => Err(format!(
                "start {:x} of the satellite ends at record {left}, and its house has {came}",
                life.boot
            )),
            _ => Ok(left.unwrap_or(came)),
        }
    }
}
