//! Control: what somebody outside can ask of a running house, who may, and how the answer comes back.
//!
//! [`protocol`] has the operations, [`access`] who may, [`service`] carries them out. The [`socket`] is the way in for
//! the command line; a gateway is another one, with the same operations and the same check.

pub mod access;
pub mod client;
mod clients;
mod place;
pub mod protocol;
pub mod service;
pub mod socket;
pub mod status;
pub mod switch;
