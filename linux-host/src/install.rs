//! Campanile as a service of this machine, or of an image: what there has to be, a list of [`Step`](step::Step)s, each of
//! which knows whether it is done already. So an install can be repeated, and `--dry-run` says the same list.

pub mod accounts;
pub mod place;
pub mod service;
pub mod step;
pub mod tunnel;
pub mod unfinished;
