//! A daemon under its service manager: signals in, readiness and signs of life out.

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use super::{Daemon, Options};

/// Runs a house until SIGTERM, SIGINT or SIGQUIT; SIGHUP reloads it.
///
/// # Errors
/// It did not start, broke down, or did not stop in order; for a person.
pub async fn run(options: Options) -> Result<(), String> {
    let mut signals = Signals::new().map_err(|error| format!("the system gives no signals: {error}"))?;
    let mut daemon = Daemon::start(options).await?;
    tell(&[NotifyState::Ready]);
    let life = tokio::spawn(signs_of_life(daemon.pulse.clone()));
    // Beside the signals: a reload may wait long for a disk, and a stop does not wait for it.
    let mut reloads = JoinSet::new();
    loop {
        tokio::select! {
            () = daemon.broke_down() => break,
            Some(_) = reloads.join_next() => {
                if reloads.is_empty() {
                    tell(&[NotifyState::Ready]);
                }
            }
            signal = signals.next() => {
                if let Some(name) = signal {
                    tracing::info!("{name}: stopping");
                    break;
                }
                tell(&[NotifyState::Reloading]);
                // Its outcome is in the log; whoever sends a signal does not wait for an answer.
                let service = daemon.service.clone();
                reloads.spawn(async move { service.reload().await });
            }
        }
    }
    tell(&[NotifyState::Stopping]);
    let stopped = daemon.stop().await;
    life.abort();
    if stopped.is_ok() {
        tracing::info!("stopped in order");
    }
    stopped
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    reload: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    /// The next one: the name of one that stops, or nothing for the one that reloads.
    async fn next(&mut self) -> Option<&'static str> {
        tokio::select! {
            _ = self.terminate.recv() => Some("SIGTERM"),
            _ = self.interrupt.recv() => Some("SIGINT"),
            _ = self.quit.recv() => Some("SIGQUIT"),
            _ = self.reload.recv() => None,
        }
    }
}

/// Without systemd there is nobody to tell, and that is no error.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager does not listen: {error}");
    }
}

/// Feeds systemd's watchdog as long as the loop turns.
async fn signs_of_life(pulse: super::park::Pulse) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let mut seen = pulse.feel();
    loop {
        tokio::time::sleep(patience / 4).await;
        let now = pulse.feel();
        if now != seen {
            tell(&[NotifyState::Watchdog]);
        }
        // It was woken just now: by the next look it has turned, or it hangs.
        seen = now;
    }
}
