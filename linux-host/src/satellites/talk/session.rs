//! What is said to a satellite, and what follows from what it says.

use std::collections::BTreeSet;
use std::sync::Arc;

use campanile_core::decision::{Decision, ReplyResult, Source};
use campanile_core::id::Level;
use campanile_core::input::{COMMAND_TTL, Input, Op, Origin};
use campanile_core::link::{Delivery, Health, Heard, Hello, Host, MAX_FRAME, Verdict, Wall, bundle};
use campanile_core::program::image;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_core::time::{Duration, Instant};
use campanile_delivery::{Boot, StoredProgram};

use super::super::book::Book;
use super::super::lines::SatelliteLines;
use super::super::view::View;
use super::super::words;
use crate::config::SatelliteProgram;
use crate::random;

/// What an input did longer ago is no news any more, as a command would not be.
const YOUNG: Duration = COMMAND_TTL;

/// See the [module](self).
pub(super) struct Session {
    program: SatelliteProgram,
    /// Of the image.
    hash: u64,
    bundle: Vec<u8>,
    book: Book,
    lines: Arc<SatelliteLines>,
    view: View,
    host: Host,
    next_id: u32,
    /// The output that is under way, by the number of its command.
    ordered: Option<(u32, String, Level)>,
    /// The satellite runs the program of this house.
    runs_ours: bool,
    /// The program did not fit, or was refused: it is not tried again before somebody asks.
    refused: bool,
    /// The satellite's clock is so far behind this one.
    behind: Option<Duration>,
    /// What is wrong with its storage.
    health: Option<&'static str>,
    problems: BTreeSet<String>,
}

impl Session {
    pub(super) fn new(
        program: &SatelliteProgram,
        bundle: Vec<u8>,
        book: Book,
        lines: Arc<SatelliteLines>,
        view: View,
    ) -> Result<Self, String> {
        let path = book.path();
        view.change(|status| status.journal = path);
        Ok(Self {
            hash: image::hash(&program.image),
            program: program.clone(),
            bundle,
            book,
            lines,
            view,
            host: Host::new(random::bits32()?),
            next_id: random::bits32()?,
            ordered: None,
            runs_ours: false,
            refused: false,
            behind: None,
            health: None,
            problems: BTreeSet::new(),
        })
    }

    /// The port is open.
    pub(super) fn begin(&mut self, now: Instant) {
        self.host.restart(now);
        self.view.change(|status| status.state = "nothing is heard from it yet".to_owned());
    }

    /// The port is gone.
    pub(super) fn end(&mut self) {
        self.ordered = None;
        self.behind = None;
    }

    pub(super) fn is_up(&self) -> bool {
        self.host.is_up()
    }

    /// Whether the satellite is there, and has still to be told of an output.
    pub(super) fn owes(&self) -> bool {
        self.is_up() && self.runs_ours && self.lines.next_output().is_some()
    }

    /// What the journal owes, also while there is no port.
    pub(super) fn idle(&mut self, now: Instant) {
        self.book.tick(now, None);
    }

    /// The thread ends.
    pub(super) fn stop(&mut self, now: Instant) {
        self.book.tick(now, None);
    }

    /// Looks what is to be said.
    pub(super) fn work(&mut self, now: Instant, wall: &Wall) {
        self.book.tick(now, wall.trusted.then_some(wall.unix));
        self.problem(words::NO_CLOCK.to_owned(), !wall.trusted && self.is_up());
        if self.lines.takes_install() {
            self.refused = false;
            self.host.install(now, bundle::hash(&self.bundle), self.bundle_len());
        }
        if self.host.awaits().is_some() {
            return;
        }
        // Without an answer it is asked for again, under a new number: levels are absolute.
        self.ordered = None;
        if !self.is_up() || !self.runs_ours {
            return;
        }
        let Some((name, level)) = self.lines.next_output() else { return };
        let Some(output) = self.program.symbols.find_output(&name) else {
            return self.lines.done(&name, level);
        };
        self.next_id = self.next_id.wrapping_add(1);
        let op = Op::Set { output, level };
        if self.host.command(now, Origin::Link, self.next_id, op, COMMAND_TTL) {
            self.ordered = Some((self.next_id, name, level));
        }
    }

    fn bundle_len(&self) -> u16 {
        u16::try_from(self.bundle.len()).unwrap_or(u16::MAX)
    }

    pub(super) fn transmit(&mut self, now: Instant, wall: Wall, out: &mut [u8; MAX_FRAME]) -> Option<usize> {
        self.host.transmit(now, wall, &self.bundle, out)
    }

    pub(super) fn due(&self) -> Instant {
        self.host.due().min(self.book.due())
    }

    /// Takes a message; an error if it cannot go on with this satellite.
    pub(super) fn receive(&mut self, now: Instant, message: &[u8]) -> Result<(), String> {
        match self.host.receive(now, message) {
            Some(Heard::Hello(hello)) => self.met(now, &hello)?,
            Some(Heard::OtherVersion { theirs }) => return Err(words::other_version(theirs)),
            Some(Heard::Records(delivery)) => self.take(now, &delivery)?,
            Some(Heard::Reply { id, result }) => self.answered(id, result),
            Some(Heard::Committed { verdict, .. }) => self.installed(verdict),
            Some(Heard::Pong { at }) => {
                self.behind = Some(now.since(at));
                self.view.change(|status| status.uptime_s = Some(at.micros() as f64 / 1e6));
            }
            Some(Heard::Health(health)) => self.feels(&health),
            None => {}
        }
        Ok(())
    }

    fn met(&mut self, now: Instant, hello: &Hello<'_>) -> Result<(), String> {
        let boot = Boot(hello.boot);
        if hello.over && !self.book.takes(boot) {
            // The journal has begun a later start: it has this one, or can take it no more.
            self.host.pull(now, hello.head);
            return Ok(());
        }
        if self.book.boot() != Some(boot) {
            // Another start, another clock.
            self.behind = None;
        }
        let known = hello.boot != 0 && self.book.takes(boot) && {
            self.book.resume(boot, now)?;
            // Records that it does not know to have written: it claims a number that is not its own.
            self.book.last() < hello.head
        };
        if !known {
            // Its hello comes again, with the number.
            let boot = self.book.begin(now)?;
            self.host.assign(now, boot.0);
            return Ok(());
        }
        let stored =
            StoredProgram { image: self.program.image.clone(), symbols: self.program.symbols.encode() };
        self.book.keep_program(self.hash, &stored);
        self.host.pull(now, self.book.last() + 1);
        self.view.change(|status| {
            status.machine = hello.board.to_owned();
            status.boot = boot.to_string();
        });
        tracing::info!("satellite {}: start {boot} of a {} is here", self.program.name, hello.board);
        self.problems.clear();
        self.health = None;
        self.problems.extend(words::of_hello(hello));
        self.lines.set_up(true);
        self.runs_ours = hello.bundle == bundle::hash(&self.bundle);
        if self.runs_ours {
            self.recall(now);
        } else if !self.refused {
            match words::fits(&self.program.image, self.bundle.len(), hello) {
                Ok(()) => self.host.install(now, bundle::hash(&self.bundle), self.bundle_len()),
                Err(why) => self.refuse(why),
            }
        }
        Ok(())
    }

    /// What the journal knows of the inputs, of a start that goes on.
    fn recall(&self, now: Instant) {
        let Some((program, items)) = self.book.recall() else { return };
        for item in items.into_iter().filter(|_| program == self.hash) {
            if let Restore::Input { input, reported, .. } = item
                && let Some(input) = self.program.symbols.inputs.get(input.index())
            {
                self.lines.saw(&input.name, reported, false, now);
            }
        }
    }

    fn refuse(&mut self, why: String) {
        self.refused = true;
        self.problem(why, true);
    }

    /// Takes note of a problem, or of its end.
    fn problem(&mut self, what: String, there: bool) {
        if !there {
            self.problems.remove(&what);
        } else if self.problems.insert(what.clone()) {
            tracing::warn!("satellite {}: {what}", self.program.name);
        }
    }

    fn feels(&mut self, health: &Health) {
        let feels = words::of_health(health);
        let before = std::mem::replace(&mut self.health, feels).filter(|before| feels != Some(*before));
        before.into_iter().for_each(|before| self.problem(before.to_owned(), false));
        feels.into_iter().for_each(|wrong| self.problem(wrong.to_owned(), true));
    }

    fn take(&mut self, now: Instant, delivery: &Delivery<'_>) -> Result<(), String> {
        self.book.append(delivery, now)?;
        self.host.taken(now, delivery.first + delivery.count);
        let (mut at, mut rest) = (delivery.base, delivery.bytes);
        while let Some((frame, behind)) = Frame::split(rest) {
            (at, rest) = (at.plus(frame.dt), behind);
            match frame.record() {
                Some(Record::Input(Input::Install { hash } | Input::Boot { hash, .. })) => {
                    self.runs_ours = hash == self.hash;
                }
                Some(Record::Decision(Decision::Event {
                    source: Source::Input { input },
                    value: Some(value),
                    ..
                })) if self.runs_ours => {
                    if let Some(input) = self.program.symbols.inputs.get(input.index()) {
                        let young = self.behind.is_some_and(|behind| now.since(at.plus(behind)) < YOUNG);
                        self.lines.saw(&input.name, Level::from_bool(value != 0), young, now);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Everything that came in one go has been received.
    pub(super) fn heard_all(&mut self, now: Instant, broken: u32) {
        if self.is_up() {
            self.lines.settle(now);
        }
        let degraded = self.book.degraded();
        self.problems.retain(|problem| !problem.starts_with(DISK));
        self.problems.extend(degraded.map(|why| format!("{DISK}: {why}")));
        let problems: Vec<String> = self.problems.iter().cloned().collect();
        self.view.change(|status| {
            status.up = self.host.is_up();
            if status.up {
                status.state = "connected".to_owned();
            } else if status.state == "connected" {
                status.state = "nothing is heard from it any more".to_owned();
            }
            status.seq = self.book.last();
            status.lost = self.book.lost();
            status.broken_frames = broken;
            status.program = if self.runs_ours { format!("{:016x}", self.hash) } else { String::new() };
            status.installing = self.host.progress();
            status.problems = problems;
        });
    }

    fn answered(&mut self, id: u32, result: ReplyResult) {
        let Some((_, name, level)) = self.ordered.take_if(|(ordered, ..)| *ordered == id) else { return };
        match result {
            ReplyResult::Done | ReplyResult::Duplicate => self.lines.done(&name, level),
            // Late: it is asked for again.
            ReplyResult::Expired => {}
            ReplyResult::Refused | ReplyResult::Unknown => {
                tracing::warn!("satellite {}: it does not set {name}: {result:?}", self.program.name);
                self.lines.done(&name, level);
            }
        }
    }

    fn installed(&mut self, verdict: Verdict) {
        match words::of_verdict(verdict) {
            Some(why) => self.refuse(why.to_owned()),
            None => {
                self.runs_ours = true;
                tracing::info!("satellite {}: program {:016x} runs there", self.program.name, self.hash);
            }
        }
    }
}

/// What problems of the journal begin with.
const DISK: &str = "its journal goes on from memory";
