//! Lives that were lived elsewhere, executed again by this processor: a life is the log of one start, with the programs
//! that it ran. Its inputs are fed at their times, and what the engine makes of them is sent, each life behind a mark of
//! its own. Whoever sent the lives holds both against each other.
//!
//! Their form, all numbers varints: how many programs, each with its length, the first one to begin with; the log with
//! its length. They follow each other to the end.

use campanile_core::engine::{Engine, Step};
use campanile_core::input::Input;
use campanile_core::log::Cursor;
use campanile_core::program::image;
use campanile_core::record::{FIRST_DECISION, Frame, Record};
use campanile_core::time::Instant;
use campanile_core::wire::Reader;
use heapless::Vec;

use crate::Satellite;
use crate::stream::Stream;

static LIVES: &[u8] = include_bytes!(env!("CAMPANILE_LIVES"));

/// Programs of one life.
const IMAGES: usize = 4;

/// Bytes of log that wait for the serial line while much is due at once.
const UNSENT: u64 = 512;

/// All of them. One with a program that there is no room for is a mark alone. Leaves the engine as new.
pub(crate) async fn run(engine: &mut Engine<Satellite>) {
    let mut r = Reader::new(LIVES);
    while let Some((images, log)) = next(&mut r) {
        let sent = engine.log().head();
        Teller { engine, stream: Stream::new(), sent }.tell(&images, log).await;
        // As a constant, which is not made on the stack first: a small chip has no room for two.
        *engine = const { Engine::new() };
    }
}

/// The programs and the log of the next life.
fn next<'a>(r: &mut Reader<'a>) -> Option<(Vec<&'a [u8], IMAGES>, &'a [u8])> {
    let mut images = Vec::new();
    for _ in 0..r.varint()? {
        images.push(bytes(r)?).ok()?;
    }
    Some((images, bytes(r)?))
}

fn bytes<'a>(r: &mut Reader<'a>) -> Option<&'a [u8]> {
    let len = usize::try_from(r.varint()?).ok()?;
    r.bytes(len)
}

struct Teller<'a> {
    engine: &'a mut Engine<Satellite>,
    stream: Stream,
    /// Up to here the log is sent.
    sent: Cursor,
}

impl Teller<'_> {
    async fn tell(mut self, images: &[&[u8]], log: &[u8]) {
        let (mut rest, mut at) = (log, Instant::ZERO);
        let mut loaded = false;
        while let Some((frame, behind)) = Frame::split(rest) {
            (rest, at) = (behind, at.plus(frame.dt));
            // What the loading decides comes first, at its time.
            if !loaded && images.first().is_none_or(|first| self.engine.load(at, first).is_err()) {
                break;
            }
            loaded = true;
            if frame.kind() < FIRST_DECISION {
                self.settle(at).await;
                self.take(&frame, at, images);
            }
        }
        self.settle(at).await;
        self.send().await;
    }

    /// What the engine refuses is missing in what is sent, and so is seen.
    fn take(&mut self, frame: &Frame<'_>, at: Instant, images: &[&[u8]]) {
        match frame.record() {
            Some(Record::Input(Input::Install { hash })) => {
                let image = images.iter().find(|known| image::hash(known) == hash);
                let _ = image.map(|image| self.engine.install(at, image));
            }
            Some(Record::Input(input)) => {
                let _ = self.engine.handle(at, input);
            }
            _ => {}
        }
    }

    /// Does what is due at or before `at`.
    async fn settle(&mut self, at: Instant) {
        while !matches!(self.engine.poll(at), Step::Idle { .. }) {
            if self.engine.log().head().pos - self.sent.pos > UNSENT {
                self.send().await;
            }
        }
    }

    /// Sends all that the log has, behind a mark if this is the first time.
    async fn send(&mut self) {
        loop {
            let log = self.engine.log();
            self.sent = self.stream.send(&log, self.sent, log.head());
            if self.stream.is_marked() && self.sent == log.head() {
                return;
            }
            self.stream.room().await;
        }
    }
}
