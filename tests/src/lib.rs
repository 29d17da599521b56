//! Cases over all packages, and what they need: real brokers, subscribers, houses in processes of their own.

pub mod authority;
pub mod bounces;
pub mod golden;
pub mod house;
pub mod mosquitto;
pub mod shadow;
pub mod subscriber;

use std::time::Duration;

/// How long a test waits for what takes milliseconds: the machine may be slow, and busy with other things. What is
/// promised of times is in the benches, and not here.
pub const PATIENCE: Duration = Duration::from_secs(120);
