//! A journal that is only looked at, by whoever replays it, shows it or lists what is in it.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use crate::entry::Damage;
use crate::error::OpenError;
use crate::index::Index;
use crate::name::NodeName;
use crate::position::Position;
use crate::reader::Next;
use crate::scan::{Scan, scan};
use crate::segment::VERSION;
use crate::storage::Storage;

/// A journal that is only looked at: another process may be writing it, or it may be a copy.
pub struct Archive<S: Storage> {
    /// Readers start here.
    pub index: Arc<Index<S>>,
    /// Whose it is; `None` if no header can be read.
    pub node: Option<NodeName>,
    /// Where it ends; `None` if there is none, or nothing of it can be read.
    pub end: Option<Position>,
    /// Whether the last start stopped in order.
    pub clean: bool,
    /// Parts that cannot be read: the places before and at their ends.
    pub damaged: Vec<(Position, Position)>,
    /// Segments whose header was changed, each with the place behind which it begins: no record is missing by that.
    pub headers: Vec<(u64, Position)>,
    /// How many segments there are of which nothing can be read.
    pub lost: usize,
    /// Segments of a later version of the format, which are left out: see [`open_known`](Self::open_known).
    pub newer: Vec<Newer>,
    /// The last write is not whole: segment and byte. So it is for a moment while somebody writes, and after a power
    /// cut or a cut of the file for good.
    pub torn: Option<(u64, u32)>,
}

/// A segment of a later version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer {
    /// Its number.
    pub segment: u64,
    /// Its version.
    pub version: u16,
    /// The latest version that this build knows.
    pub known: u16,
    /// Behind this place it begins, as far as the segment before tells.
    pub from: Position,
    /// Behind this one the next segment does; the same as `from` if there is none.
    pub to: Position,
}

impl<S: Storage> Archive<S> {
    /// Looks at a journal and changes nothing.
    ///
    /// # Errors
    /// The directory cannot be read or was written by a later version.
    pub fn open(storage: &Arc<S>) -> Result<Self, OpenError> {
        let scan = scan(&**storage)?;
        scan.refuse_newer()?;
        Ok(Self::of(storage, scan))
    }

    /// The same without the segments of a later version: whoever looks says that they are [left out](Self::newer).
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn open_known(storage: &Arc<S>) -> Result<Self, OpenError> {
        Ok(Self::of(storage, scan(&**storage)?))
    }

    /// The programs that its records name.
    ///
    /// # Errors
    /// The disk fails.
    pub fn programs(&self) -> io::Result<BTreeSet<u64>> {
        let mut reader = self.index.reader(Position::START);
        let mut named = BTreeSet::new();
        loop {
            match reader.next()? {
                Next::End => break,
                Next::Lagged(_) => {}
                Next::Item(item) => drop(named.insert(item.program)),
            }
        }
        named.remove(&0);
        Ok(named)
    }

    fn of(storage: &Arc<S>, mut scan: Scan<S>) -> Self {
        // Where the last segment cannot be read, the one before it has an end.
        let end = scan.end().map(|end| end.at).max(scan.last_end());
        let last = scan.last.as_ref().zip(scan.segments.back());
        let torn = last.filter(|(last, _)| last.walk.torn).map(|(last, entry)| (entry.id, last.walk.end));
        let newer = scan.damage.iter().filter_map(|&Damage { segment, from, to, .. }| {
            let version = *scan.newer.get(&segment)?;
            Some(Newer { segment, version, known: VERSION, from, to })
        });
        let damage = scan.damage.iter().filter(|damage| !scan.newer.contains_key(&damage.segment));
        let (headers, damaged): (Vec<&Damage>, _) = damage.partition(|damage| damage.is_header());
        Self {
            node: scan.node.take(),
            end,
            clean: scan.last.as_ref().is_some_and(|last| last.walk.clean),
            damaged: damaged.iter().map(|damage| (damage.from, damage.to)).collect(),
            headers: headers.iter().map(|damage| (damage.segment, damage.from)).collect(),
            lost: scan.lost.len() - scan.newer.len(),
            newer: newer.collect(),
            torn,
            index: Arc::new(Index::new(
                Arc::clone(storage),
                scan.segments,
                end.unwrap_or(Position::START),
                None,
            )),
        }
    }
}
