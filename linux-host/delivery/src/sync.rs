//! When and where the journal syncs.
//!
//! A sync takes a card 5 to 25 ms. What has to be on disk before it is published waits for that; everything else does
//! not: within the window the sync runs on a thread of its own, if there is one, while the journal goes on writing to the
//! same file and publishing. A failure gives the segment up all the same, with all that came after the last good sync.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration as StdDuration;

use campanile_core::time::{Duration, Instant};

use crate::options::{Options, Sync};
use crate::storage::{File, Storage};
use crate::writer::Writer;

/// How often to look whether a sync in the background is done.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A disk that does not answer for so long counts as failed.
const PATIENCE: StdDuration = StdDuration::from_secs(60);

/// What a power cut would take, and what is done about it.
pub(crate) struct Durability<F> {
    /// Since when there is something that no sync has begun to cover.
    since: Option<Instant>,
    /// The next commit syncs before it publishes.
    must: bool,
    /// A sync begins at most so much later.
    window: Duration,
    /// More than this may not be kept for the case that a sync fails.
    memory: usize,
    helper: Option<Helper<F>>,
}

/// A thread that syncs one file at a time.
struct Helper<F> {
    jobs: Sender<Arc<F>>,
    done: Receiver<io::Result<()>>,
    under_way: Option<UnderWay>,
}

/// The sync under way.
#[derive(Clone, Copy)]
struct UnderWay {
    segment: u64,
    /// It covers the segment up to here.
    end: u32,
    /// And so many groups at the front of the tail.
    groups: usize,
    look: Instant,
}

impl<F> Durability<F> {
    pub(crate) fn new(options: &Options) -> Self {
        let window = match options.sync {
            Sync::Always => Duration::ZERO,
            Sync::Within(window) => window,
        };
        Self { since: None, must: false, window, memory: options.memory / 2, helper: None }
    }

    /// Something was handed to the kernel.
    pub(crate) fn note_written(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// The next commit syncs before it publishes.
    pub(crate) fn require(&mut self) {
        self.must = true;
    }

    /// Everything taken so far is where it has to be.
    pub(crate) fn satisfied(&mut self) {
        self.must = false;
    }

    /// The segment was given up: what was written does not count any more.
    pub(crate) fn forget(&mut self) {
        self.since = None;
    }

    /// Whether a power cut would take nothing.
    pub(crate) fn is_synced(&self) -> bool {
        self.since.is_none() && self.helper.as_ref().is_none_or(|helper| helper.under_way.is_none())
    }
}

impl<F: File> Helper<F> {
    fn start() -> io::Result<Self> {
        let (jobs, todo) = channel::<Arc<F>>();
        let (report, done) = channel();
        thread::Builder::new().name("journal-sync".to_owned()).spawn(move || {
            for file in todo {
                if report.send(file.sync()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs, done, under_way: None })
    }
}

impl<F: File> Durability<F> {
    /// Syncs of the window run on a thread of their own from now on.
    pub(crate) fn use_helper(&mut self) -> io::Result<()> {
        self.helper = Some(Helper::start()?);
        Ok(())
    }

    /// When there is something to sync, or to look after.
    pub(crate) fn due(&self) -> Option<Instant> {
        let look = self.under_way().map(|under_way| under_way.look);
        look.or_else(|| self.since.map(|since| since.plus(self.window)))
    }

    /// Syncs what is due: before the publishing what has to be, the rest in the background if it can.
    pub(crate) fn sync_if_due<S: Storage<File = F>>(
        &mut self,
        writer: &mut Writer<S>,
        now: Instant,
    ) -> io::Result<()> {
        let Some(since) = self.since else { return Ok(()) };
        let crowded = writer.index.lock().tail.unsynced_bytes() > self.memory;
        if self.must || self.window.is_zero() || crowded {
            return self.sync_now(writer);
        }
        if since.plus(self.window) > now || self.under_way().is_some() {
            return Ok(());
        }
        if self.hand_over(writer, now) { Ok(()) } else { self.sync_now(writer) }
    }

    /// Syncs everything that was written.
    pub(crate) fn sync_now<S: Storage<File = F>>(&mut self, writer: &mut Writer<S>) -> io::Result<()> {
        self.await_helper(writer)?;
        writer.sync()?;
        let mut state = writer.index.lock();
        // It leaves the memory, so readers have to find it on the disk.
        writer.show(&mut state);
        state.tail.mark_synced();
        drop(state);
        self.since = None;
        Ok(())
    }

    /// Takes the result of a sync in the background, if it is there.
    pub(crate) fn look_after<S: Storage<File = F>>(
        &mut self,
        writer: &mut Writer<S>,
        now: Instant,
    ) -> io::Result<()> {
        let Some(helper) = self.helper.as_mut().filter(|helper| helper.under_way.is_some()) else {
            return Ok(());
        };
        match helper.done.try_recv() {
            Ok(result) => self.take_result(writer, result),
            Err(TryRecvError::Empty) => {
                if let Some(under_way) = helper.under_way.as_mut() {
                    under_way.look = now.plus(LOOK_EVERY);
                }
                Ok(())
            }
            Err(TryRecvError::Disconnected) => self.lose_helper(writer),
        }
    }

    fn under_way(&self) -> Option<&UnderWay> {
        self.helper.as_ref()?.under_way.as_ref()
    }

    /// Begins a sync of what is written on the other thread; false without one.
    fn hand_over<S: Storage<File = F>>(&mut self, writer: &mut Writer<S>, now: Instant) -> bool {
        let Some((helper, active)) = self.helper.as_mut().zip(writer.active.as_ref()) else {
            return false;
        };
        if helper.jobs.send(Arc::clone(&active.file)).is_err() {
            self.helper = None;
            return false;
        }
        let groups = writer.index.lock().tail.written();
        let look = now.plus(LOOK_EVERY);
        helper.under_way = Some(UnderWay { segment: active.id, end: active.end, groups, look });
        self.since = None;
        writer.syncs += 1;
        true
    }

    /// Waits for the sync under way: a second one at the same time could hide the first one's failure.
    fn await_helper<S: Storage<File = F>>(&mut self, writer: &mut Writer<S>) -> io::Result<()> {
        let Some(helper) = self.helper.as_ref().filter(|helper| helper.under_way.is_some()) else {
            return Ok(());
        };
        match helper.done.recv_timeout(PATIENCE) {
            Ok(result) => self.take_result(writer, result),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.lose_helper(writer),
        }
    }

    fn take_result<S: Storage<File = F>>(
        &mut self,
        writer: &mut Writer<S>,
        result: io::Result<()>,
    ) -> io::Result<()> {
        let under_way = self.helper.as_mut().and_then(|helper| helper.under_way.take());
        let active = writer.active.as_mut();
        let Some((under_way, active)) =
            under_way.zip(active).filter(|(job, active)| job.segment == active.id)
        else {
            // Of a segment that was given up since; all of it has been written elsewhere.
            return Ok(());
        };
        match result {
            Ok(()) => {
                active.synced = under_way.end;
                writer.index.lock().tail.mark_first_synced(under_way.groups);
                Ok(())
            }
            Err(error) => {
                writer.abandon();
                Err(error)
            }
        }
    }

    /// The other thread is gone or hangs: its file cannot be trusted.
    fn lose_helper<S: Storage<File = F>>(&mut self, writer: &mut Writer<S>) -> io::Result<()> {
        self.helper = None;
        writer.abandon();
        Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not finish its sync"))
    }
}
