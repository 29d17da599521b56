//! A sink over something whose writes block: a file, a pipe. Batches go to a thread of tokio's pool, so that a disk
//! that hangs or a pipe that nobody reads holds up this sink and no other.

use std::io;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};

use super::message::Message;
use super::{Failure, Outcome, Sink};

/// Messages under way at once: their lines are all the memory that this takes.
const WINDOW: usize = 1000;
/// What was written is synced so much later.
const SYNC_AFTER: Duration = Duration::from_secs(1);
/// A farewell does not wait longer for a write.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is written to. All of it may block.
pub trait Target: Send + 'static {
    /// Makes ready for writing.
    ///
    /// # Errors
    /// It cannot be written to now.
    fn open(&mut self) -> io::Result<()>;

    /// Appends whole lines, all or nothing.
    ///
    /// # Errors
    /// Nothing of it counts as written.
    fn write(&mut self, lines: &str) -> io::Result<()>;

    /// Makes what was written survive a power cut, where that means anything.
    ///
    /// # Errors
    /// What was written since the last time may not survive.
    fn sync(&mut self) -> io::Result<()>;

    /// What to tell a person about an error.
    fn explain(error: &io::Error) -> Failure;
}

/// The sink.
#[derive(Debug)]
pub struct Blocking<T: Target> {
    /// Here, or with the job.
    target: Option<T>,
    job: Option<Job<T>>,
    /// Lines that wait for the job to end, and how many they are.
    lines: String,
    waiting: usize,
    /// When what was written is to be synced.
    sync_at: Option<Instant>,
}

#[derive(Debug)]
struct Job<T> {
    handle: JoinHandle<(T, io::Result<()>)>,
    /// How many messages it writes; none for a sync.
    messages: usize,
}

impl<T: Target> Blocking<T> {
    /// Does nothing yet.
    pub const fn new(target: T) -> Self {
        Self { target: Some(target), job: None, lines: String::new(), waiting: 0, sync_at: None }
    }

    fn start(&mut self, messages: usize, work: impl FnOnce(&mut T) -> io::Result<()> + Send + 'static) {
        if let Some(mut target) = self.target.take() {
            let handle = spawn_blocking(move || {
                let result = work(&mut target);
                (target, result)
            });
            self.job = Some(Job { handle, messages });
        }
    }

    /// Waits for the job; how many messages it wrote. May be dropped: the job stays.
    async fn finish(&mut self) -> Result<usize, Failure> {
        let Some(job) = &mut self.job else { return Ok(0) };
        let messages = job.messages;
        let joined = (&mut job.handle).await;
        self.job = None;
        let (target, result) = joined.map_err(|_| Failure::retry("the thread that writes died"))?;
        self.target = Some(target);
        result.map(|()| messages).map_err(|error| T::explain(&error))
    }
}

impl<T: Target> Sink for Blocking<T> {
    async fn open(&mut self) -> Result<usize, Failure> {
        // What an earlier failure left is sent again from the cursor.
        self.lines.clear();
        self.waiting = 0;
        let _ = self.finish().await;
        self.start(0, T::open);
        self.finish().await.map(|_| WINDOW)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        message.put_line(&mut self.lines);
        self.waiting += 1;
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        loop {
            let written = self.finish().await?;
            if written > 0 {
                self.sync_at.get_or_insert_with(|| Instant::now() + SYNC_AFTER);
                return Ok(Outcome::Done(written));
            }
            if self.waiting > 0 {
                let (lines, waiting) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.waiting));
                self.start(waiting, move |target| target.write(&lines));
            } else if let Some(at) = self.sync_at {
                sleep_until(at).await;
                self.sync_at = None;
                self.start(0, T::sync);
            } else {
                std::future::pending::<()>().await;
            }
        }
    }

    async fn close(&mut self) {
        let _ = timeout(PATIENCE, async {
            let _ = self.finish().await;
            self.start(0, T::sync);
            let _ = self.finish().await;
        })
        .await;
    }
}
