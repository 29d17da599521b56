//! A house's end of the link to one satellite: the session that ships, with the thin loop around it that the daemon's
//! thread has. It goes with its process.

use std::sync::Arc;

use campanile_core::link::{Collector, MAX_FRAME, Wall};
use campanile_core::time::{Duration, Instant};
use campanile_delivery::disk::Disk;
use campanile_delivery::satellite::{Book, Mirror, News, Program, Session, World};
use campanile_delivery::{Journal, NodeName, Options, RecordId};

use crate::board::Satellite as Lines;
use crate::prng::Prng;

/// A port that cannot be had is tried again after so long, and then after twice as long, up to the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// See the [module](self).
pub(super) struct Talk {
    session: Session<Disk>,
    collector: Collector,
    around: Around,
    /// The port is closed, and tried again then.
    closed: Option<Instant>,
    pause: Duration,
    /// What the house was told last.
    up: bool,
    /// It can be that there is something to do.
    stirred: bool,
    /// The satellite had still to be told of an output when somebody looked last.
    owed: bool,
}

/// What a turn leads to.
pub(super) struct Said {
    pub(super) frames: Vec<Vec<u8>>,
    /// The satellite came, or went.
    pub(super) up: Option<bool>,
}

struct Around {
    lines: Lines,
    random: Prng,
}

impl World for Around {
    fn lines<R>(&self, look: impl FnOnce(&mut Mirror) -> R) -> R {
        look(&mut self.lines.borrow_mut())
    }

    /// The simulator looks behind every message.
    fn stir(&self) {}

    /// No house of the swarm waits for a message.
    fn sent(&self, _: &str, _: RecordId) {}

    fn random(&mut self) -> Result<u32, String> {
        Ok(self.random.bits() as u32)
    }
}

impl Talk {
    /// As the daemon's thread begins; an error if its disk cannot be read.
    pub(super) fn new(
        program: Program,
        name: &NodeName,
        disk: &Arc<Disk>,
        options: Options,
        lines: Lines,
        random: Prng,
    ) -> Result<Self, String> {
        let book = Book::open(Arc::clone(disk), name.clone(), options).map_err(|error| error.to_string())?;
        let mut around = Around { lines, random };
        let session = Session::new(program, book, &mut around)?;
        Ok(Self {
            session,
            collector: Collector::new(),
            around,
            closed: Some(Instant::ZERO),
            pause: AGAIN.0,
            up: false,
            stirred: true,
            owed: false,
        })
    }

    /// When it has something to do by itself.
    pub(super) fn due(&self) -> Instant {
        // Without a port nothing is said, and the journal is looked after when the port is tried.
        self.closed.unwrap_or_else(|| self.session.due())
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.stirred || self.due() <= now
    }

    /// The house may have come to want something of it.
    pub(super) fn look(&mut self) {
        let owes = self.owes();
        let owed = std::mem::replace(&mut self.owed, owes);
        self.stirred |= owes && !owed;
    }

    pub(super) const fn lines(&self) -> &Lines {
        &self.around.lines
    }

    pub(super) const fn journal(&self) -> Option<&Journal<Disk>> {
        self.session.book().journal()
    }

    pub(super) fn is_up(&self) -> bool {
        self.session.is_up() && self.session.runs_ours()
    }

    /// Whether the satellite has still to be told of an output.
    pub(super) fn owes(&self) -> bool {
        self.session.owes(&self.around)
    }

    /// Does what there is to do.
    pub(super) fn turn(&mut self, now: Instant, wall: Wall, plugged: bool) -> Said {
        self.stirred = false;
        let mut frames = Vec::new();
        if self.closed.is_none() && !plugged {
            self.close(now);
        }
        if self.closed.is_some_and(|again| again <= now) {
            if plugged {
                self.closed = None;
                self.session.begin(now);
            } else {
                self.close(now);
                self.pause = (self.pause.plus(self.pause)).min(AGAIN.1);
            }
        }
        self.session.tick(now, wall.trusted.then_some(wall.unix));
        if self.closed.is_none() {
            self.session.work(now, &self.around);
            let mut frame = [0; MAX_FRAME];
            while let Some(len) = self.session.transmit(now, wall, &mut frame) {
                frames.push(frame[..len].to_vec());
            }
        }
        Said { frames, up: self.tell() }
    }

    fn close(&mut self, now: Instant) {
        if self.closed.replace(now.plus(self.pause)).is_none() {
            self.session.end();
        }
    }

    /// What the house has to be told of the satellite's coming and going.
    fn tell(&mut self) -> Option<bool> {
        let up = self.closed.is_none() && self.session.is_up();
        if up == self.up {
            return None;
        }
        self.up = up;
        if up {
            self.pause = AGAIN.0;
        }
        self.around.lines.borrow_mut().set_up(up);
        Some(up)
    }

    /// Bytes have come.
    ///
    /// # Errors
    /// What is wrong with them, or with the journal.
    pub(super) fn hear(&mut self, now: Instant, bytes: &[u8]) -> Result<Option<bool>, String> {
        if self.closed.is_some() {
            return Ok(None);
        }
        for &byte in bytes {
            let Some(message) = self.collector.push(byte) else { continue };
            let news = self.session.receive(now, message, &mut self.around);
            match news.map_err(|error| format!("the satellite's journal: {error}"))? {
                Some(News::OtherVersion { theirs }) => {
                    return Err(format!("a satellite of version {theirs}"));
                }
                Some(News::Met { brings: Some(Err(misfit)), .. }) => {
                    return Err(format!("the satellite's program does not fit: {misfit:?}"));
                }
                Some(News::Unset { output, result }) => {
                    return Err(format!("the satellite does not set {output}: {result:?}"));
                }
                _ => {}
            }
        }
        self.session.heard_all(now, &self.around);
        self.stirred = true;
        Ok(self.tell())
    }
}
