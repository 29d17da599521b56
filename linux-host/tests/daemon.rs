//! The daemon from end to end: the real binary on the virtual board.

#[path = "daemon/ailing.rs"]
mod ailing;
#[path = "daemon/board.rs"]
mod board;
#[path = "daemon/cable.rs"]
mod cable;
#[path = "daemon/clock.rs"]
mod clock;
#[path = "daemon/commands.rs"]
mod commands;
#[path = "daemon/costs.rs"]
mod costs;
#[path = "daemon/disks.rs"]
mod disks;
#[path = "daemon/outages.rs"]
mod outages;
#[path = "daemon/reloads.rs"]
mod reloads;
#[path = "daemon/replays.rs"]
mod replays;
#[path = "daemon/retries.rs"]
mod retries;
#[path = "daemon/running.rs"]
mod running;
#[path = "daemon/satellites.rs"]
mod satellites;
#[path = "daemon/secrets.rs"]
mod secrets;
#[path = "daemon/service.rs"]
mod service;
#[path = "daemon/starts.rs"]
mod starts;
#[path = "daemon/trials.rs"]
mod trials;
#[path = "daemon/webhooks.rs"]
mod webhooks;
