//! The one bounded way into the loop for everything that is not an edge.

use std::sync::Arc;

use campanile_core::runner::Message;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::{Channel, Receiver};

/// Messages that wait for the loop; beyond them a sender waits.
pub const INTAKE: usize = 64;

/// The receiving end, for the runner.
pub type Messages<'a> = Receiver<'a, CriticalSectionRawMutex, Message, INTAKE>;

/// Sends into the loop; cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<Channel<CriticalSectionRawMutex, Message, INTAKE>>);

impl Default for Intake {
    fn default() -> Self {
        Self(Arc::new(Channel::new()))
    }
}

impl Intake {
    /// Sends, waiting for room.
    pub async fn send(&self, message: Message) {
        self.0.send(message).await;
    }

    /// Sends if there is room; whether there was.
    pub fn try_send(&self, message: Message) -> bool {
        self.0.try_send(message).is_ok()
    }

    /// The runner's end.
    pub fn messages(&self) -> Messages<'_> {
        self.0.receiver()
    }
}
