//! The journal's thread: takes what the loop recorded, writes it, and then tells everybody who waits for it.

use std::sync::Arc;

use campanile_core::runner::Message;
use campanile_delivery::{Directory, Journal, Unwritten};

use super::house::{House, Seen};
use super::inlet::{Inlet, Parcel};
use super::intake::Intake;
use super::lines::now;
use super::unkept::Unkept;

/// What the journal's thread works with.
pub struct JournalThread {
    /// Open, with this start's number.
    pub journal: Journal<Directory>,
    /// Where records come from.
    pub inlet: Arc<Inlet>,
    /// Where news go to.
    pub house: Arc<House>,
    /// Where checkpoints are asked for.
    pub intake: Intake,
    /// See [`Program::durable`](super::programs::Program::durable).
    pub durable: u64,
}

impl JournalThread {
    /// Works until the inlet is closed, then closes the journal.
    ///
    /// # Errors
    /// The disk did not take the end of the journal: what is lost.
    pub fn run(mut self) -> Result<(), Unwritten> {
        if let Err(error) = self.journal.sync_in_background() {
            tracing::warn!("no thread for the journal's syncs: {error}; records wait while the disk syncs");
        }
        let (mut asked, mut wanted) = (false, false);
        let mut unkept = Unkept::default();
        let mut degraded = false;
        while let Some(parcels) = self.inlet.take(self.journal.due()) {
            let (mut seen, mut words, mut asks) = (Vec::new(), Vec::new(), Vec::new());
            for parcel in parcels {
                match parcel {
                    Parcel::Records(batch) => {
                        let batch = batch.as_batch();
                        let news = self.house.observe(&batch, &mut self.durable);
                        if let Err(error) = self.journal.append(&batch, news.durable, now()) {
                            tracing::error!("the journal refuses records: {error}");
                        }
                        seen.push(news);
                    }
                    Parcel::Checkpoint(items) => {
                        asked = false;
                        if let Err(error) = self.journal.checkpoint(&items, now()) {
                            tracing::error!("the journal refuses a checkpoint: {error}");
                        }
                    }
                    Parcel::Host(record, written) => {
                        self.journal.record(&record, now());
                        words.push(written);
                    }
                    Parcel::Program(hash, program) => {
                        unkept.add(hash, program).into_iter().for_each(say_unkept)
                    }
                    Parcel::Ask(answer) => asks.push(answer),
                }
            }
            unkept.keep(&mut self.journal);
            self.journal.tick(now());
            self.say_health(&mut degraded);
            for written in words {
                // Whoever asked may be gone.
                let _ = written.send(());
            }
            // Answered last: whoever has the answer finds what was put in before the question published.
            for answer in asks {
                let _ = answer.send(self.journal.status());
            }
            // Behind a swap the old state's ids mean nothing any more, and behind a start the receivers have to learn
            // what no record says, such as a variable that nobody changed: the state is wanted at once.
            wanted |= seen.iter().any(|news| news.started || news.installed.is_some());
            seen.iter().for_each(|news| self.tell(news));
            if (wanted || self.journal.wants_checkpoint()) && !asked {
                asked = self.intake.try_send(Message::Checkpoint);
                wanted = !asked;
            }
        }
        unkept.hashes().for_each(say_unkept);
        self.journal.close(now())
    }

    /// Says once that the disk refuses, and once that it takes records again.
    fn say_health(&self, said: &mut bool) {
        let now = self.journal.degraded();
        if now.is_some() == *said {
            return;
        }
        *said = now.is_some();
        match now {
            Some(why) => tracing::error!(
                "the journal goes on from memory: {}; pins and sinks go on, and `campanile status` shows more",
                why.error
            ),
            None => tracing::info!("the journal is on the disk again"),
        }
    }

    fn tell(&self, news: &Seen) {
        self.house.answer(&news.answers);
        if let Some(hash) = news.installed {
            self.house.installed(hash, Ok(()));
        }
    }
}

/// What has been recorded under it can be replayed only with the file that it was compiled from.
fn say_unkept(hash: u64) {
    tracing::warn!("the disk does not take program {hash:016x}: a replay of what it did needs its file");
}
