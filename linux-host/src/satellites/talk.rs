//! The thread of a satellite: the port on one side, the host's end of the link in the middle, journal and lines on the
//! other.

mod problems;
mod session;

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use campanile_core::link::{Collector, MAX_FRAME, Wall};
use campanile_delivery::SinkName;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::asking::{self, Asked};
use super::port::{self, Port};
use super::view::View;
use super::{Around, Spec};
use crate::boards::SatelliteLines;
use crate::daemon::lines::now;
use crate::daemon::wall::Sample;
use session::Session;

/// A port that cannot be had is tried again after so long, and then after twice as long, up to its
/// [longest](port::longest_pause).
const AGAIN: Duration = Duration::from_secs(1);

/// Bytes that may wait for the line.
const OUT: usize = 2 * MAX_FRAME;

/// So long the satellite is told what is left to be told when the thread is to end: its outputs' safe levels.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// See the [module](self).
pub(super) struct Talk {
    spec: Spec,
    lines: Arc<SatelliteLines>,
    view: View,
    around: Around,
    requests: Receiver<Asked>,
}

impl Talk {
    pub(super) const fn new(
        spec: Spec,
        lines: Arc<SatelliteLines>,
        view: View,
        around: Around,
        requests: Receiver<Asked>,
    ) -> Self {
        Self { spec, lines, view, around, requests }
    }

    /// Speaks with the satellite until its lines [end](SatelliteLines::end).
    pub(super) fn run(self) {
        self.speak();
        self.lines.set_up(false);
    }

    fn speak(&self) {
        let mut session = None;
        let (mut pause, longest) = (AGAIN, port::longest_pause(&self.spec.port));
        let mut said = String::new();
        while !self.lines.is_ended() {
            let why = match self.open(&mut session) {
                Ok((port, session)) => {
                    session.begin(now());
                    let (why, heard) = self.carry(&port, session);
                    session.end();
                    self.tell(false);
                    if heard {
                        (pause, said) = (AGAIN, String::new());
                    }
                    why
                }
                Err(why) => why,
            };
            if self.lines.is_ended() {
                break;
            }
            if why != said {
                tracing::warn!("satellite {}: {why}", self.spec.program.name);
            }
            self.view.change(|status| {
                status.state = format!("retrying in {} s: {why}", pause.as_secs());
                status.up = false;
            });
            said = why;
            self.sleep(None, pause);
            self.requests.try_iter().for_each(asking::turn_away);
            if let Some(session) = &mut session {
                session.idle(now());
            }
            pause = (pause * 2).min(longest);
        }
        if let Some(session) = &mut session {
            session.stop(now());
        }
    }

    /// The port, and the host's end of the link, which lives on when the port does not. A journal that cannot be read now is
    /// tried again as a port is that cannot be had.
    fn open<'s>(&self, session: &'s mut Option<Session>) -> Result<(Port, &'s mut Session), String> {
        let open = match session.take() {
            Some(open) => open,
            None => Session::new(&self.spec.program, &self.around, self.lines.clone(), self.view.clone())?,
        };
        let session = session.insert(open);
        Ok((port::open(&self.spec.port, self.spec.baud)?, session))
    }

    /// Until the port fails or the thread is to end: why, and whether the satellite was there.
    fn carry(&self, port: &Port, session: &mut Session) -> (String, bool) {
        let (mut collector, mut out, mut heard) = (Collector::new(), Vec::with_capacity(OUT), false);
        let mut was_up = false;
        // Those of the connections before count, too.
        let broken_before = self.view.read().broken_frames;
        let result: Result<(), String> = (|| {
            let mut ended = None;
            loop {
                if self.lines.is_ended() {
                    let ended = *ended.get_or_insert_with(std::time::Instant::now);
                    if ended.elapsed() > LAST_WORDS || !session.owes() {
                        return Ok(());
                    }
                }
                let sample = Sample::take(&self.around.zone);
                let wall = Wall { unix: sample.unix, offset: sample.offset, trusted: sample.trusted };
                self.requests.try_iter().for_each(|asked| session.ask(asked));
                session.work(now(), &wall);
                while out.len() < MAX_FRAME {
                    let mut frame = [0; MAX_FRAME];
                    let Some(len) = session.transmit(now(), wall, &mut frame) else { break };
                    out.extend_from_slice(frame.get(..len).unwrap_or_default());
                }
                let sent = if out.is_empty() { 0 } else { port.write(&out)? };
                out.drain(..sent);
                let wait = Duration::from_micros(session.due().since(now()).micros());
                let wait = if ended.is_some() { wait.min(LAST_WORDS) } else { wait };
                self.sleep(Some((port, !out.is_empty())), wait);
                let mut bytes = [0; 1024];
                let read = port.read(&mut bytes)?;
                for &byte in bytes.get(..read).unwrap_or_default() {
                    if let Some(message) = collector.push(byte) {
                        session.receive(now(), message)?;
                    }
                }
                session.heard_all(now(), broken_before.saturating_add(collector.broken()));
                let up = session.is_up();
                heard |= up;
                if up != was_up {
                    was_up = up;
                    self.tell(up);
                }
            }
        })();
        (result.err().unwrap_or_default(), heard)
    }

    /// Tells the house that the satellite came or went.
    fn tell(&self, up: bool) {
        self.lines.set_up(up);
        if let Ok(name) = self.spec.program.name.parse::<SinkName>() {
            // Without its reader the daemon is stopping.
            let _ = self.around.links.send((name, up));
        }
    }

    /// Until a byte comes, the line takes more, somebody wakes the thread, or the time is over.
    fn sleep(&self, port: Option<(&Port, bool)>, most: Duration) {
        let mut fds = Vec::with_capacity(2);
        if let Some((port, writing)) = port {
            let writing = if writing { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::new(port, PollFlags::IN | writing));
        }
        if let Some(event) = self.lines.event() {
            fds.push(PollFd::from_borrowed_fd(event, PollFlags::IN));
        }
        let most = most.min(Duration::from_secs(3600));
        let timeout = Timespec { tv_sec: most.as_secs().cast_signed(), tv_nsec: most.subsec_nanos().into() };
        // Interrupted: somebody looks again.
        let _ = poll(&mut fds, Some(&timeout));
        self.lines.slept();
    }
}
