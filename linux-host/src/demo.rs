//! `campanile demo`: a doorbell without hardware, on the daemon that ships.

pub mod scope;
pub mod visitor;
