//! What the judges are shown of a satellite, and when.

use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::RecordId;
use campanile_delivery::satellite::Mirror;

use super::Satellite;
use super::pins::{Pushed, Takeover};
use crate::swarm::judge::replay;
use crate::swarm::judge::starts::Losses;

impl Satellite<'_> {
    /// Shows the judges what is new on the tape.
    pub(super) fn judge(&mut self) -> Result<(), String> {
        for Pushed { line, at, level } in self.life.iter().flat_map(|life| life.pins.pushed()) {
            self.lines.moved(line, at, level);
        }
        let mut tape = self.tape.borrow_mut();
        if let Some(why) = tape.refused.first() {
            return Err(format!("a program is refused: {why:?}"));
        }
        let judged = tape.judged;
        let Some(life) = tape.lives.last() else { return Ok(()) };
        if judged == 0 {
            self.outputs.begin(self.programs.rules(self.running)?);
        }
        let start = tape.lives.len() - 1;
        for (seq, entry) in (1..).zip(&life.entries).skip(judged) {
            if let Some(Record::Input(Input::Install { hash })) = entry.record {
                let takeover = Takeover::of(&self.programs, self.running, hash);
                self.held.renumber(|old| takeover.new_id(old));
                self.lines.leave(takeover.gone())?;
                self.running = hash;
                self.held.installed(self.programs.safe(hash), &self.programs.rules(hash)?.outputs);
            }
            if let Some(Record::Input(Input::Overrun { input: None, lost, .. })) = entry.record {
                self.lines.counts_retired(lost)?;
            }
            let rules = self.programs.rules(self.running)?;
            let names = (rules, self.programs.symbols(self.running));
            self.news.see(self.clock.now(), (start, seq), entry, names);
            self.lines.see(entry, rules)?;
            self.outputs.see(entry, rules)?;
            self.commands.see(entry)?;
            self.steps.see(entry, rules)?;
            self.runs.see(entry, rules)?;
            self.held.see(entry);
        }
        tape.judged = life.entries.len();
        Ok(())
    }

    /// What is at rest is reported as it is, the lines are where the log says they are, and what the house held is safe
    /// when it has been gone for long enough.
    pub(in crate::swarm) fn check_rest(&self) -> Result<(), String> {
        if !self.is_alive() || self.turns.is_asleep() {
            return Ok(());
        }
        let now = self.enter();
        let rules = self.programs.rules(self.running)?;
        let rest = rules.quiet.plus(Duration::from_micros(400_000));
        self.lines.compare(now, rest, rules, |input| self.board.input(input))?;
        self.outputs.compare(|output| self.board.output(output))?;
        self.held.check(now, |output| self.board.output(output))
    }

    /// The last start goes on from what the one before it left.
    pub(in crate::swarm) fn check_start(&self) -> Result<(), String> {
        self.starts.check(&self.tape.borrow(), &self.programs.rulebook)
    }

    /// The last life is executed again. With `until`, on its own clock, it must be whole up to then.
    pub(in crate::swarm) fn check_replay(&self, until: Option<Instant>) -> Result<(), String> {
        if !self.thorough {
            return Ok(());
        }
        let tape = self.tape.borrow();
        let Some(life) = tape.now() else { return Ok(()) };
        replay::life(life, &self.programs.houses, &self.programs.rulebook.programs, until)
    }

    /// What of each start may be missing by now.
    pub(in crate::swarm) fn losses(&self) -> Losses {
        let life = self.life.as_ref().map(|life| life.end.borrow());
        let (gone, tail) = life.map_or((1, None), |end| (end.port.tail, end.port.oldest()));
        self.starts.losses(&self.tape.borrow(), gone, tail, self.supply.has_refused.get())
    }

    /// What its house knows of its inputs is what it reports; what the house wants of an output is so, if the house was
    /// the last to set it.
    pub(in crate::swarm) fn agrees(&self, lines: &Mirror) -> Result<(), String> {
        let symbols = self.symbols().ok_or("it runs no program")?;
        for (id, input) in (0u8..).map(InputId).zip(&symbols.inputs) {
            let (there, here) = (self.held.reported(id), lines.level(&input.name));
            if there != here {
                return Err(format!(
                    "{} is reported as {there:?}, and its house has it as {here:?}",
                    input.name
                ));
            }
        }
        for (id, output) in (0u8..).map(OutputId).zip(&symbols.outputs) {
            let (there, here) = (self.held.set_to(id), lines.wanted(&output.name));
            if there.is_some() && here.is_some() && there != here {
                return Err(format!(
                    "its house, which was the last to set it, wants {} at {here:?}, and it is at {there:?}",
                    output.name
                ));
            }
        }
        Ok(())
    }

    /// The link has been well since then: what happened long enough ago has come to the house.
    pub(in crate::swarm) fn has_told(&self, lines: &Mirror, well: u64) -> Result<(), String> {
        let (now, start) = (self.clock.now(), self.tape.borrow().lives.len().saturating_sub(1));
        let tail = self.life.as_ref().map_or(0, |life| life.end.borrow().port.tail);
        self.news.check(now, well, start, tail)?;
        for (line, input) in self.programs.inputs(self.running) {
            let (there, here) = (self.news.known(now, line), lines.level(input));
            if there.is_some() && there != here {
                return Err(format!(
                    "the link is well, {input} is reported as {there:?}, and its house has it as {here:?}"
                ));
            }
            let told = lines.told(input);
            if there.is_some() && told.is_some() && told != here {
                return Err(format!(
                    "the link is well, {input} is {here:?}, and its house was told {told:?}"
                ));
            }
        }
        Ok(())
    }

    /// Over a link that has been well for a while its house knows the inputs that rest as the last record has them: of the next
    /// record it is to hear. `lines`: none if the link is not well.
    pub(in crate::swarm) fn house_knows(&mut self, lines: Option<&Mirror>) {
        let now = self.clock.now();
        let is_known = |(line, input): &(usize, &str)| {
            // Of an input that it does not read it is told nothing.
            let told = lines.and_then(|lines| lines.told(input));
            told.is_some() && told == self.news.known(now, *line)
        };
        let known = self.programs.inputs(self.running).filter(is_known).map(|(line, _)| line).collect();
        self.news.are_known(known);
    }

    /// The record of which its house is told: which of its starts, in the order in which they were lived, and which record of
    /// that.
    pub(in crate::swarm) fn place(&self, record: RecordId) -> Result<(usize, u64), String> {
        let start = self.tape.borrow().chapter(record.boot.0);
        let start = start
            .ok_or_else(|| format!("its house is told of a start that there was not: {}", record.boot))?;
        Ok((start, record.seq))
    }

    /// Its house is told that an input of this program is at this level.
    pub(in crate::swarm) fn has_said(&self, program: u64, input: &str, level: Level) -> Result<(), String> {
        let line = self.programs.inputs(program).find(|(_, name)| *name == input);
        line.map_or(Ok(()), |(line, _)| self.news.hears_of(self.clock.now(), line, input, level))
    }
}
