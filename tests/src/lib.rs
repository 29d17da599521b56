//! Cases over all packages, and what they need: real brokers, subscribers, houses in processes of their own.

pub mod house;
pub mod mosquitto;
pub mod subscriber;
