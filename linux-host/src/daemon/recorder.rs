//! What the runner hands its log to: the journal's inlet.

use std::sync::Arc;

use campanile_core::input::Input;
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::verify::LoadError;
use campanile_core::record::{MAX_RECORD, Record};
use campanile_core::restore::Restore;
use campanile_core::runner;
use campanile_core::time::Duration;

use super::house::House;
use super::inlet::{Inlet, Parcel};
use super::programs::Program;

/// The loop's end of the inlet.
pub struct Recorder {
    inlet: Arc<Inlet>,
    house: Arc<House>,
    checkpoint: Vec<u8>,
    /// The program that the engine was last asked to install.
    asked: Option<Arc<Program>>,
}

impl Recorder {
    /// Records of this house go into this inlet.
    pub const fn new(inlet: Arc<Inlet>, house: Arc<House>) -> Self {
        Self { inlet, house, checkpoint: Vec::new(), asked: None }
    }
}

impl runner::Recorder for Recorder {
    fn record(&mut self, log: &EventLog<'_>, from: Cursor) -> Cursor {
        self.inlet.copy(log, from)
    }

    async fn room(&mut self) {
        self.inlet.room().await;
    }

    fn checkpoint(&mut self, item: Restore) {
        let mut bytes = [0; MAX_RECORD];
        if let Some(len) = Record::Input(Input::Restore { item }).encode(Duration::ZERO, &mut bytes) {
            self.checkpoint.extend_from_slice(&bytes[..len]);
        }
    }

    fn checkpoint_done(&mut self) {
        self.inlet.put(Parcel::Checkpoint(std::mem::take(&mut self.checkpoint)));
    }

    fn image(&mut self, hash: u64) -> Option<&[u8]> {
        self.asked = self.house.programs.get(hash);
        self.asked.as_ref().map(|program| program.image.as_slice())
    }

    fn install_failed(&mut self, hash: u64, why: LoadError) {
        self.house.installed(hash, Err(why));
    }
}
