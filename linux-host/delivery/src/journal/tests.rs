//! The journal on a disk that tests make fail; what holds for any disk is in [`model`](super::model).

mod damage;
mod damage_alive;
mod failing;
mod headers;
mod life;
mod room;
mod syncing;
mod taking;
mod torn;
mod waiting;

use std::io::ErrorKind;

use campanile_core::id::Level;
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_core::restore::Restore;

use super::*;
use crate::archive::Archive;
use crate::disk::{Disk, Faults, PowerCut};
use crate::options::{Sync, WhenFull};
use crate::reader::{Lagged, Next};
use crate::segment;
use crate::storage::get;
use crate::testing::*;

fn disk() -> Arc<Disk> {
    Arc::new(Disk::new(7))
}

/// A journal in its first start, and what it records.
fn begin(options: Options) -> (Arc<Disk>, Journal<Disk>, Engine) {
    let disk = disk();
    let (journal, _) = open(&disk, options).unwrap();
    (disk, journal, Engine::default())
}
