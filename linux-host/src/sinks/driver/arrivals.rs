//! What comes in: counted, held back in a storm, handed to the daemon.

use std::time::Duration;

use campanile_core::slots::Empty as _;
use campanile_core::storm::Guard;
use campanile_core::time::Instant as Moment;
use campanile_delivery::Storage;
use tokio::time::Instant;

use super::Driver;
use crate::sinks::Sink;
use crate::sinks::arrival::{Arrival, What};
use crate::sinks::keeper::now;
use crate::sinks::source::Around;

/// So many a second in the long run, with bursts of [`BURST`](campanile_core::storm::BURST): more than any house asks
/// for, and less than keeps a loop busy that two nodes have built between them.
const RATE: u16 = 20;

/// A storm is told of once in this time.
const TELL: Duration = Duration::from_secs(60);

/// The guard in front of the daemon.
pub(super) struct Gate {
    guard: Guard,
    /// Nothing passes before this.
    shut: Moment,
    /// When the last storm was told of.
    told: Option<Instant>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { guard: Guard::EMPTY, shut: Moment::ZERO, told: None }
    }
}

impl Gate {
    /// Whether what comes in now may pass. Behind the first that may not, nothing may for a while.
    fn admits(&mut self, now: Moment) -> bool {
        if now < self.shut {
            return false;
        }
        let admitted = self.guard.admit(now, RATE);
        if !admitted {
            self.shut = self.guard.masked_until(RATE);
        }
        admitted
    }
}

impl<K: Sink, S: Storage, A: Around> Driver<K, S, A> {
    /// Something came in.
    pub(super) fn arrive(&mut self, Arrival { from, what }: Arrival) {
        match what {
            What::Wish(wish) => {
                let taken = self.gate.admits(now())
                    && self.source.around.arrive(&self.name, &from, wish, &self.board);
                if !taken {
                    self.too_many(1);
                }
            }
            // Under the guard too: whoever may publish must not fill the log.
            What::Unclear(_) if !self.gate.admits(now()) => self.too_many(1),
            What::Unclear(why) => {
                tracing::warn!("{}: {from}: {why}", self.name);
                self.board.turn_away(format!("{from}: {why}"));
            }
            What::Lost(count) => self.too_many(count),
        }
    }

    fn too_many(&mut self, count: u64) {
        let why = format!("more came in than {RATE} a second in the long run");
        let now = Instant::now();
        if self.gate.told.is_none_or(|told| now.duration_since(told) > TELL) {
            self.gate.told = Some(now);
            tracing::warn!("{}: {why}: the rest is dropped and counted, see `campanile status`", self.name);
        }
        self.board.write(|figures| {
            figures.turned_away += count;
            figures.last_turned_away = Some(why);
        });
    }
}
