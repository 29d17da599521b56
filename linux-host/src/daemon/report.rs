//! The parts of the status that are not in the records: this process, its journal, its clock.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use campanile_delivery::satellite::Outcome;
use campanile_delivery::{Boot, Degraded, Directory};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};

use super::house::House;
use super::inlet::Inlet;
use super::lines::now;
use super::loaded::Origin;
use crate::control::service::StatusSource;
use crate::control::status::{JournalStatus, SinkStatus, Status};
use crate::nearest::unknown;
use crate::satellites::asking::{Asker, Unknown, Wish};
use crate::satellites::{Reinstall, Satellites};
use crate::sinks::driver::{Retried, RetryRequest};
use crate::sinks::figures::State;
use crate::sinks::start::{Glance, Showcase};

/// The journal's thread may be in the middle of a slow write.
const PATIENCE: Duration = Duration::from_secs(2);

/// For what is sent again, which is before a client gives up; it goes on after that.
const RETRY_PATIENCE: Duration = Duration::from_secs(10);

/// See the [module](self).
pub struct Report {
    /// This start.
    pub boot: Boot,
    /// When the process began.
    pub began: Instant,
    /// The loop has real-time priority.
    pub realtime: bool,
    /// The file.
    pub origin: Origin,
    /// The state directory.
    pub state: PathBuf,
    /// The node's zone.
    pub zone: TimeZone,
    /// The house.
    pub house: Arc<House>,
    /// The way to the journal.
    pub inlet: Arc<Inlet>,
    /// The sinks.
    pub sinks: Showcase<Directory>,
    /// The satellites.
    pub satellites: Arc<Satellites>,
}

impl StatusSource for Report {
    fn install(&self, satellite: &str) -> Reinstall {
        self.satellites.install(satellite)
    }

    fn ask(
        &self,
        satellite: &str,
        by: Asker,
        wish: Wish<'_>,
    ) -> Option<Result<oneshot::Receiver<Outcome>, Unknown>> {
        self.satellites.ask(satellite, by, wish)
    }

    fn why_away(&self, satellite: &str) -> Option<String> {
        self.satellites.why_away(satellite)
    }

    async fn retry(&self, sink: &str) -> Result<String, String> {
        let none = |all: Vec<String>| unknown("sink", sink, all.iter().map(String::as_str));
        retry(&self.sinks.retries(sink).map_err(none)?).await
    }

    async fn fill(&self, status: &mut Status) {
        status.version = env!("CARGO_PKG_VERSION").to_owned();
        status.boot = self.boot.to_string();
        status.uptime_s = self.began.elapsed().as_secs_f64();
        status.realtime = self.realtime;
        status.file = self.origin.name();
        status.program =
            self.house.running().map(|program| format!("{:016x}", program.hash)).unwrap_or_default();
        let wall = self.house.mirror().wall(now());
        if let Some((unix, _, trusted)) = wall {
            status.trusted = trusted;
            let time = Timestamp::from_microsecond(unix).unwrap_or(Timestamp::UNIX_EPOCH);
            status.time = time.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        }
        status.sinks = self.sinks.glance().into_iter().map(sink).collect();
        status.satellites = self.satellites.glance();
        status.journal.path = self.state.display().to_string();
        match tokio::time::timeout(PATIENCE, self.inlet.ask()).await {
            Ok(Ok(journal)) => {
                let counts = journal.counts;
                status.journal = JournalStatus {
                    path: std::mem::take(&mut status.journal.path),
                    bytes: journal.bytes,
                    bytes_max: journal.bytes_max,
                    segments: journal.segments,
                    seq: journal.head.seq,
                    degraded: journal.degraded.as_ref().map(words),
                    memory: journal.memory,
                    writes: journal.writes,
                    syncs: journal.syncs,
                };
                (status.losses.journal, status.losses.dropped) = (counts.lost, counts.dropped);
                status.losses.damaged = counts.damaged;
            }
            _ => {
                status.journal.degraded =
                    Some("the disk is so slow that the journal does not answer".to_owned())
            }
        }
    }
}

/// Asks a sink for what it has set aside; what became of it, in a sentence either way.
async fn retry(asked: &mpsc::Sender<RetryRequest>) -> Result<String, String> {
    let (answer, retried) = oneshot::channel();
    if asked.try_send(answer).is_err() {
        return Err("it is at that already, or does not run: see `campanile status`".to_owned());
    }
    match tokio::time::timeout(RETRY_PATIENCE, retried).await {
        Ok(Ok(Retried { failed: Some(why), .. })) => Err(format!("broken off: {why}; ask for it again")),
        Ok(Ok(retried)) => Ok(retried.to_string()),
        Ok(Err(_)) => Err("the sink stopped before it was done; ask for it again".to_owned()),
        Err(_) => Ok("it goes as soon as the sink is connected; its end will be in the log".to_owned()),
    }
}

fn sink(glance: Glance) -> SinkStatus {
    let Glance { name, kind, figures } = glance;
    SinkStatus {
        name,
        kind: kind.to_owned(),
        state: figures.state.to_string(),
        up: figures.state == State::Connected,
        lag: figures.behind,
        lag_s: figures.oldest.map(|since| since.elapsed().as_secs_f64()),
        delivered: figures.delivered,
        dead_letters: figures.refused,
        last_dead_letter: figures.last_refused,
        quota_s: figures
            .held_until
            .and_then(|until| until.checked_duration_since(Instant::now().into()))
            .map(|wait| wait.as_secs_f64()),
        lost: figures.lost,
        bytes: figures.bytes,
        nanodollars: figures.used.map(|used| used.price().0),
        taken: figures.taken,
        turned_away: figures.turned_away,
        last_turned_away: figures.last_turned_away,
    }
}

fn words(degraded: &Degraded) -> String {
    let since = now().since(degraded.since).micros() / 1_000_000;
    let retry = degraded.retry.since(now()).micros() / 1_000_000;
    format!(
        "{}; from memory for {since} s, tried {} times, again in {retry} s",
        degraded.error, degraded.tries
    )
}
