//! Where satellites are. To its house a satellite is its name: its journal goes by that, and what is said of it. A board is what is
//! at the other end of a port: whatever a file calls the satellite there, it is the same microcontroller, with the same flash.
//!
//! So it is in the daemon (`linux-host/src/satellites.rs`). A reload ends the talks with all satellites that are not in every way
//! as before, and begins those that are new; a talk opens the port of its file and the journal of its name, and believes
//! whoever greets there. Nothing on a board says whose it is. Hence:
//!
//! - A satellite with another name begins a journal under that, with the start that its board is in, under the number that the
//!   start has from before, and gets the same program once more, for a program says whose it is. What of its records the board
//!   still has comes once more; what it has not is said to be missing there, and stands in the journal of the old name. That one
//!   stays as it is, and nobody writes it.
//! - Two that exchange their names, or their ports, go on with each other's journals. A start whose number is behind the
//!   journal's gets a new one there.
//! - One that is taken out of the file is told what it has still to be told, for a second; then nobody talks to its board, which
//!   does what its program says, keeps what its flash has room for, and comes back with that.

use crate::house::{House, SatelliteHouse};

/// The ports of all satellites of these houses, in the order in which the houses name them: a number of a port is its place here.
pub(super) fn ports(houses: &[House]) -> Vec<&str> {
    firsts(houses, |satellite| &satellite.port)
}

/// Their names, in the same order.
pub(super) fn names(houses: &[House]) -> Vec<&str> {
    firsts(houses, |satellite| &satellite.name)
}

fn firsts<'h>(houses: &'h [House], of: impl Fn(&'h SatelliteHouse) -> &'h str) -> Vec<&'h str> {
    let mut firsts = Vec::new();
    for item in houses.iter().flat_map(|house| &house.satellites).map(of) {
        if !firsts.contains(&item) {
            firsts.push(item);
        }
    }
    firsts
}

/// What these houses have at a port, each one thing at the most.
pub(super) fn at<'h>(houses: &'h [House], port: &'h str) -> impl Iterator<Item = &'h SatelliteHouse> + Clone {
    houses.iter().flat_map(|house| &house.satellites).filter(move |satellite| satellite.port == port)
}
