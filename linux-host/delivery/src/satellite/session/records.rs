//! The records of a satellite: into the journal, and to the house what of them is news.

use campanile_core::decision::{By, Decision, Source};
use campanile_core::id::{InputId, Level, OutputId};
use campanile_core::input::{COMMAND_TTL, Input, Origin};
use campanile_core::link::Delivery;
use campanile_core::record::{Frame, Record};
use campanile_core::time::{Duration, Instant};

use super::{Session, World};
use crate::satellite::memory::Identity;
use crate::satellite::{BookError, News};
use crate::{RecordId, Storage};

/// What an input did longer ago is no news any more, as a command would not be.
const YOUNG: Duration = COMMAND_TTL;

/// Messages of an unknown age that are held; the oldest gives way.
const HELD: usize = 16;

/// The satellite's clock, as it was heard last.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) showed: Instant,
    pub(super) heard: Instant,
}

/// A message that the satellite sent.
pub(super) struct Sent {
    message: String,
    identity: Identity,
}

impl Clock {
    /// How long ago this was by the satellite's clock; zero for what is later than what it showed.
    const fn age(self, now: Instant, at: Instant) -> Duration {
        self.showed.plus(now.since(self.heard)).since(at)
    }
}

impl<S: Storage> Session<S> {
    /// Takes what it has told of its lines, if all records before this one are there and with them those before that.
    pub(super) fn learn(&mut self, seq: u64, now: Instant, world: &impl World) {
        let Some(lines) = self.lines.take_if(|lines| lines.seq <= seq) else { return };
        if !self.runs_ours {
            return;
        }
        self.knows_lines = true;
        world.lines(|mirror| {
            for (id, input) in (0..).map(InputId).zip(&self.program.symbols.inputs) {
                match lines.input(id) {
                    Some(level) => _ = mirror.saw(&input.name, level, None, now),
                    None => mirror.forget(&input.name),
                }
            }
        });
        for (id, _) in (0..).map(OutputId).zip(&self.program.symbols.outputs) {
            if let Some(level) = lines.output(id) {
                self.held(id, level, world);
            }
        }
        world.stir();
    }

    /// The satellite has an output at this level, by the word of this house.
    fn held(&self, output: OutputId, level: Level, world: &impl World) {
        if let Some(output) = self.program.symbols.outputs.get(output.index()) {
            world.lines(|lines| lines.held(&output.name, level));
        }
    }

    /// An input has moved, by a record of then: that is news if it is young, and the house was not told of it under another name.
    fn moved(
        &self,
        input: &str,
        level: Level,
        (record, at): (RecordId, Instant),
        now: Instant,
        world: &impl World,
    ) {
        let young = self.clock.is_some_and(|clock| clock.age(now, at) < YOUNG);
        let identity = self.memory.identity(record, at);
        let news = Some(record).filter(|_| young && !self.memory.knows(identity));
        if world.lines(|lines| lines.saw(input, level, news, now)) {
            self.memory.note_told(identity, now);
        }
    }

    /// Tells of the messages that are young, once it is known which are; the others are no news, nor is what was told under
    /// another name.
    pub(super) fn judge(&mut self, now: Instant, world: &impl World) {
        let Some(clock) = self.clock else { return };
        for Sent { message, identity } in self.unjudged.drain(..) {
            if clock.age(now, identity.at) < YOUNG && !self.memory.knows(identity) {
                self.memory.note_told(identity, now);
                world.sent(&message, identity.record);
            }
        }
    }

    /// Takes records; there is news if a message is given up that nobody could judge.
    pub(super) fn take(
        &mut self,
        now: Instant,
        delivery: &Delivery<'_>,
        world: &impl World,
    ) -> Result<Option<News<'static>>, BookError> {
        let expected = self.book.last() + 1;
        // A start that is over is offered no more once all of it was acknowledged; of the one that runs the satellite is asked
        // again for what a power cut here took.
        self.book.append(delivery, self.over, now)?;
        self.host.taken(now, delivery.first + delivery.count);
        let Some(boot) = self.book.boot().filter(|_| !self.over) else { return Ok(None) };
        if delivery.first > expected {
            // What is missing would have told of the lines; what was said of them may be as old.
            self.lines.take_if(|lines| lines.seq < delivery.first);
            self.look(now);
            // And of the program, if it has changed there: their ids may be those of other lines.
            self.reads_ours = false;
        }
        if let Some(program) = delivery.program {
            self.reads_ours = program == self.program.hash;
        }
        let (mut at, mut rest) = (delivery.base, delivery.bytes);
        for seq in delivery.first.. {
            let Some((frame, behind)) = Frame::split(rest) else { break };
            self.learn(seq, now, world);
            (at, rest) = (at.plus(frame.dt), behind);
            let record = RecordId { boot, seq };
            match frame.record() {
                Some(Record::Input(Input::Install { hash } | Input::Boot { hash, .. })) => {
                    // Which it runs now is another matter, of which it tells itself.
                    self.reads_ours = hash == self.program.hash;
                }
                Some(Record::Decision(Decision::Event {
                    source: Source::Input { input },
                    value: Some(value),
                    ..
                })) if self.reads_ours => {
                    if let Some(input) = self.program.symbols.inputs.get(input.index()) {
                        self.moved(&input.name, Level::from_bool(value != 0), (record, at), now, world);
                    }
                }
                Some(Record::Decision(Decision::Set {
                    output,
                    level,
                    by: By::Command { origin: Origin::Link },
                })) if self.reads_ours => self.held(output, level, world),
                Some(Record::Decision(Decision::Send { template, .. })) if self.reads_ours => {
                    if let Some(message) = self.program.symbols.messages.get(template.index()) {
                        let (message, identity) = (message.name.clone(), self.memory.identity(record, at));
                        self.unjudged.push_back(Sent { message, identity });
                    }
                }
                _ => {}
            }
        }
        self.learn(delivery.first + delivery.count, now, world);
        self.judge(now, world);
        let given_up = self.unjudged.len().saturating_sub(HELD);
        self.unjudged.drain(..given_up);
        world.stir();
        Ok((given_up > 0).then_some(News::Unjudged { messages: given_up }))
    }
}
