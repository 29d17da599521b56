//! Keeps a sink's cursor on disk, off the threads that must not wait for a disk.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use campanile_core::time::Instant;
use campanile_delivery::{Cursor, CursorFile, Index, SinkName, Storage};
use tokio::task::{JoinHandle, spawn_blocking};

/// The cursor of one sink.
pub(super) struct Keeper<S: Storage> {
    sink: SinkName,
    index: Arc<Index<S>>,
    /// Here, or with the job.
    file: Option<CursorFile<S>>,
    job: Option<JoinHandle<(CursorFile<S>, io::Result<()>)>>,
    place: Cursor,
    /// The last write was refused: said once.
    refused: bool,
}

impl<S: Storage> Keeper<S> {
    /// For a cursor that stands at `place`.
    pub(super) fn new(sink: SinkName, index: Arc<Index<S>>, file: CursorFile<S>, place: Cursor) -> Self {
        index.set_place(&sink, place);
        Self { sink, index, file: Some(file), job: None, place, refused: false }
    }

    /// Moves the cursor; [`tend`](Self::tend) writes it.
    pub(super) fn set(&mut self, place: Cursor) {
        self.place = place;
        if let Some(file) = &mut self.file {
            file.set(place);
        }
    }

    /// Writes the cursor when that is due, and then returns; waits for ever if there is nothing to write. May be
    /// dropped: what it began goes on.
    pub(super) async fn tend(&mut self) {
        if self.job.is_none() {
            let Some(due) = self.file.as_ref().and_then(CursorFile::due) else {
                return std::future::pending().await;
            };
            tokio::time::sleep(until(due)).await;
            let Some(mut file) = self.file.take() else { return };
            self.job = Some(spawn_blocking(move || {
                let saved = file.save(now());
                (file, saved)
            }));
        }
        self.finish().await;
    }

    /// Writes and syncs the cursor for the last time.
    pub(super) async fn close(mut self) {
        self.finish().await;
        let Some(file) = self.file.take() else { return };
        let closed = spawn_blocking(move || file.close(now())).await;
        match closed {
            Ok(Ok(())) => self.index.set_place(&self.sink, self.place),
            Ok(Err(error)) => self.complain(&error),
            Err(_) => {}
        }
    }

    async fn finish(&mut self) {
        let Some(job) = &mut self.job else { return };
        let joined = job.await;
        self.job = None;
        // Only a panic takes the file away, and it ends the process.
        let Ok((mut file, saved)) = joined else { return };
        match saved {
            Ok(()) => {
                self.refused = false;
                if let Some(place) = file.place() {
                    self.index.set_place(&self.sink, place);
                }
            }
            Err(error) => self.complain(&error),
        }
        file.set(self.place);
        self.file = Some(file);
    }

    fn complain(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.refused, true) {
            tracing::warn!(
                "{}: the place reached cannot be written: {error}; a restart will repeat messages",
                self.sink
            );
        }
    }
}

/// Monotonic time, as the journal counts it.
pub(super) fn now() -> Instant {
    Instant::from_micros(campanile_clock::now_us())
}

/// From now to then.
pub(super) fn until(then: Instant) -> Duration {
    Duration::from_micros(then.since(now()).micros())
}
