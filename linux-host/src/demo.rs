//! `campanile demo`: a doorbell without hardware, on the daemon that ships. The pins are played; the loop, the engine,
//! the journal, the sink and its file are those of every other house. It tells what it reads: raw edges and decisions
//! from the journal, deliveries from the file that a receiver would read.

pub mod paint;
mod place;
pub mod scope;
pub mod story;
pub mod visitor;

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use campanile_core::record::Record;
use campanile_core::time::Instant;
use campanile_delivery::{Body, HostRecord, Move, Position, Reader, Storage};

use tokio::signal::unix::{SignalKind, signal};

use crate::boards::VirtualBoard;
use crate::config::{Source, compile};
use crate::daemon::lines::now;
use crate::daemon::loaded::Origin;
use crate::daemon::{self, Daemon};
use crate::words::count;

use paint::{Ink, Paint};
use place::Place;
use scope::Glyphs;
use story::{Story, Totals};
use visitor::Visitor;

/// The house, with a place for where its receiver reads.
const HOUSE: &str = include_str!("demo/house.toml");
/// The receiver's file.
const INBOX: &str = "inbox.jsonl";
/// The story goes on in steps of this length.
const STEP: Duration = Duration::from_millis(10);
/// The visitor stays away for so long before the end, so that every visit is told to its end.
const LAST_CALL: Duration = Duration::from_millis(800);
/// For what is still under way at the end.
const LAST_WAIT: Duration = Duration::from_secs(20);

/// What to show.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long; until Ctrl-C without it.
    pub period: Option<Duration>,
    /// Of the visitor.
    pub seed: u64,
    /// So many times less patience.
    pub speed: f64,
    /// Colours, or not.
    pub paint: Paint,
    /// What pins are drawn with.
    pub glyphs: Glyphs,
}

/// Shows it; whether everything came out as it should.
///
/// # Errors
/// The output or the disk refuses, or the daemon does not start; nothing is left behind.
pub async fn show(options: &Options, out: &mut impl Write) -> io::Result<bool> {
    let place = Place::make()?;
    let inbox = place.path().join(INBOX);
    let text = HOUSE.replace(&format!("\"{INBOX}\""), &format!("{:?}", inbox.display().to_string()));
    let symbols = compile(&Source::new("the demo's house".to_owned(), text.clone()))
        .map_err(|_| io::Error::other("the demo's house does not compile"))?
        .symbols;
    let origin = Origin::Text { name: "the demo's house".to_owned(), text };
    let began = std::time::Instant::now();
    let mut daemon =
        Daemon::start(daemon::Options { origin, state: place.path().join("state"), color: false, began })
            .await
            .map_err(io::Error::other)?;

    introduce(options, out)?;
    let began = now();
    let mut stage = Stage {
        story: Story::new(&symbols, options.glyphs, options.paint, began),
        reader: daemon.index.reader(Position::START),
        inbox: Inbox { path: inbox, file: None, line: String::new() },
        visitor: Visitor::new(options.seed, options.speed).peekable(),
        board: Arc::clone(&daemon.virtual_board),
        began,
        expected: 0,
    };
    let end = options.period.map(|period| tokio::time::Instant::now() + period);
    let until = end.unwrap_or_else(|| tokio::time::Instant::now() + Duration::from_secs(u64::from(u32::MAX)));
    let interrupted = tokio::select! {
        played = stage.play(until, out) => played.map(|()| false),
        stopped = told_to_stop() => stopped,
        () = daemon.broke_down() => Err(io::Error::other("the daemon broke down")),
    };
    if interrupted.as_ref().is_ok_and(|interrupted| *interrupted) {
        // The terminal has shown ^C on a line of its own.
        writeln!(out)?;
    }
    let lasted = now().since(began);
    let finished = match interrupted {
        Ok(_) => stage.finish(out).await,
        Err(error) => Err(error),
    };
    let (totals, expected) = (stage.story.totals, stage.expected);
    drop(stage);
    daemon.stop().await.map_err(io::Error::other)?;
    finished?;
    summarise(options, lasted.micros(), &totals, expected, out)
}

/// Ctrl-C, or a signal to end; whether it was the former.
async fn told_to_stop() -> io::Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map(|()| true),
        _ = terminate.recv() => Ok(false),
    }
}

/// What the story is read from, and the visitor.
struct Stage<'a, S: Storage> {
    story: Story<'a>,
    reader: Reader<S>,
    inbox: Inbox,
    visitor: std::iter::Peekable<Visitor>,
    board: Arc<VirtualBoard>,
    /// When the visitor's day began.
    began: Instant,
    /// Visits that the house should have taken notice of.
    expected: u64,
}

impl<S: Storage> Stage<'_, S> {
    async fn play(&mut self, until: tokio::time::Instant, out: &mut impl Write) -> io::Result<()> {
        while tokio::time::Instant::now() < until {
            if until.saturating_duration_since(tokio::time::Instant::now()) > LAST_CALL {
                self.visit();
            }
            self.tell(out)?;
            tokio::time::sleep(STEP).await;
        }
        Ok(())
    }

    /// Until nothing is under way any more, of all that was read: what comes into the journal after the last look is
    /// neither due nor delivered here.
    async fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        let end = tokio::time::Instant::now() + LAST_WAIT;
        let is_over = |stage: &Self| stage.story.is_told() && stage.story.totals.events >= stage.expected;
        loop {
            self.tell(out)?;
            if is_over(self) || tokio::time::Instant::now() >= end {
                return Ok(());
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// Lets the visitor move the contacts, a little ahead, so that their timing is the board's. Where this process was
    /// kept from it, the visitor comes later, as nobody moves a contact in the past.
    fn visit(&mut self) {
        let (now, ahead) = (now(), micros(2 * STEP));
        while let Some(act) = self.visitor.next_if(|act| self.began.plus(micros(act.at)) <= now.plus(ahead)) {
            self.began = self.began.plus(now.since(self.began.plus(micros(act.at))));
            let start = self.began.plus(micros(act.at));
            self.story.say(start, act.text);
            self.expected += u64::from(act.counts);
            let moves =
                act.moves.iter().map(|(us, level)| (start.plus(micros(Duration::from_micros(*us))), *level));
            self.board.play(act.contact.line(), moves);
        }
    }

    fn tell(&mut self, out: &mut impl Write) -> io::Result<()> {
        while !matches!(self.reader.advance()?, Move::End) {
            let Some(item) = self.reader.item() else { continue };
            match item.body {
                Body::Engine(frame) => {
                    let record: Option<Record> = frame.record();
                    record.iter().for_each(|record| self.story.record(item.time, record));
                }
                Body::Host(Some(word)) => self.story.word(matches!(
                    word,
                    HostRecord::Torn { .. }
                        | HostRecord::Damaged { .. }
                        | HostRecord::JournalGap { .. }
                        | HostRecord::Dropped { .. }
                        | HostRecord::DeadLetter { .. }
                )),
                Body::Checkpoint(_) => self.story.checkpoint(),
                Body::Host(None) => {}
            }
        }
        while let Some(line) = self.inbox.next()? {
            self.story.delivered(now(), &line);
        }
        let lines = self.story.tell(now());
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        if lines.is_empty() { Ok(()) } else { out.flush() }
    }
}

/// The receiver: whole lines of a file that grows.
struct Inbox {
    path: PathBuf,
    file: Option<BufReader<File>>,
    line: String,
}

impl Inbox {
    fn next(&mut self) -> io::Result<Option<String>> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(BufReader::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &mut self.file else { return Ok(None) };
        file.read_line(&mut self.line)?;
        if !self.line.ends_with('\n') {
            // The rest of it comes later.
            return Ok(None);
        }
        let line = std::mem::take(&mut self.line);
        Ok(Some(line.trim_end().to_owned()))
    }
}

fn micros(span: Duration) -> campanile_core::time::Duration {
    campanile_core::time::Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

fn introduce(options: &Options, out: &mut impl Write) -> io::Result<()> {
    let paint = options.paint;
    let legend = [
        (Ink::Pin, "pin", "what the contact did, as an oscilloscope would show it"),
        (Ink::Debounce, "debounce", "what the engine made of it, and when"),
        (Ink::Scenario, "scenario", "what the house did then"),
        (Ink::Delivered, "delivered", "what a receiver has got, from the journal on disk"),
    ];
    writeln!(out, "{}", paint.ink(Ink::Bold, "A front door with a bell, a door contact and a chime."))?;
    writeln!(out, "The pins are played; daemon, journal and delivery are the real ones. Ctrl-C ends it.")?;
    writeln!(out)?;
    for (ink, what, meaning) in legend {
        writeln!(out, "  {} {}", paint.ink(ink, &format!("{what:<10}")), paint.ink(Ink::Dim, meaning))?;
    }
    out.flush()
}

/// The figures, and whether they are as they should be.
fn summarise(
    options: &Options,
    lasted_us: u64,
    totals: &Totals,
    expected: u64,
    out: &mut impl Write,
) -> io::Result<bool> {
    let paint = options.paint;
    let lost = totals.lost + totals.due.saturating_sub(totals.delivered);
    let right = lost == 0 && totals.events == expected && totals.delivered == totals.due;
    let row = |what: &str, figure: u64, meaning: &str| {
        format!(
            "  {} {figure:>5}  {}",
            paint.ink(Ink::Dim, &format!("{what:<10}")),
            paint.ink(Ink::Dim, meaning)
        )
    };
    writeln!(out)?;
    writeln!(out, "{}", paint.ink(Ink::Bold, &format!("After {:.1} s", lasted_us as f64 / 1e6)))?;
    writeln!(out, "{}", row("visits", expected, "moves of a contact that were meant"))?;
    writeln!(out, "{}", row("edges", totals.edges, "raw level changes on the pins"))?;
    writeln!(out, "{}", row("events", totals.events, "what was left of them, one for each visit"))?;
    let bounces = totals.edges.saturating_sub(totals.events);
    writeln!(
        out,
        "{}",
        row(
            "suppressed",
            bounces,
            &format!("bounces, and {} with both edges", count(totals.ignored, "spike"))
        )
    )?;
    let slowest = totals.slowest_press.micros() as f64 / 1e3;
    writeln!(
        out,
        "{}",
        row(
            "runs",
            totals.runs,
            &format!("of scenarios; a press was decided after {slowest:.1} ms at the latest")
        )
    )?;
    writeln!(
        out,
        "{}",
        row("delivered", totals.delivered, &format!("messages, of {} that were due", totals.due))
    )?;
    let ink = if lost == 0 { Ink::Delivered } else { Ink::Wrong };
    writeln!(out, "  {} {}", paint.ink(Ink::Dim, "lost      "), paint.ink(ink, &format!("{lost:>5}")))?;
    if !right {
        writeln!(
            out,
            "{}",
            paint.ink(Ink::Wrong, "These figures do not agree: please report it with the seed.")
        )?;
    }
    writeln!(out)?;
    writeln!(out, "Next: `campanile init` writes a file for this machine, `campanile run FILE` runs it.")?;
    out.flush()?;
    Ok(right)
}
