//! Puts in order what a [`Scan`] found: damaged parts are set aside under another name, spoiled headers written again,
//! and a torn tail cut off.

use std::io;

use crate::entry::{Damage, Entry};
use crate::name::NodeName;
use crate::scan::Scan;
use crate::segment::{self, Header, bad_name, cut_name};
use crate::storage::{File as _, Storage, put, read_what_is_left};

impl<S: Storage> Scan<S> {
    /// Sets damaged parts aside and cuts a torn tail off; the journal is this node's.
    pub(crate) fn repair(&self, storage: &S, node: &NodeName) -> io::Result<()> {
        for name in &self.unfinished {
            storage.remove(name)?;
        }
        for &id in &self.lost {
            storage.rename(&segment::name(id), &bad_name(id, 0))?;
            storage.sync_names()?;
        }
        for damage in self.damage.iter().filter(|damage| !self.lost.contains(&damage.segment)) {
            let name = if self.is_cut(damage) { cut_name } else { bad_name };
            set_aside(storage, damage, &name(damage.segment, damage.offset))?;
        }
        // Not before what stood there is kept.
        for headless in &self.headless {
            let Entry { id: segment, start, program, unix, .. } = headless.entry;
            let previous_end = headless.previous_end;
            let header = Header { segment, previous_end, node: node.clone(), start, program, unix };
            let file = storage.open(&segment::name(segment))?;
            file.write_at(0, &header.encode())?;
            file.sync()?;
        }
        let Some(last) = &self.last else { return Ok(()) };
        let walk = &last.walk;
        let cut = walk.torn || walk.stray_end > walk.end;
        if cut && (walk.end as usize) < last.bytes.len() {
            let zeros = vec![0; (walk.stray_end.max(walk.end + 1) - walk.end) as usize];
            last.file.write_at(u64::from(walk.end), &zeros)?;
            last.file.sync()?;
        }
        // What a killed process left to the kernel is synced with the first record of this start.
        Ok(())
    }
}

/// Keeps the bytes of a damaged part under this name.
pub(crate) fn set_aside<S: Storage>(storage: &S, damage: &Damage, name: &str) -> io::Result<()> {
    let bytes = read_what_is_left(&storage.open(&segment::name(damage.segment))?)?;
    let part = bytes.get(damage.offset as usize..damage.end as usize).unwrap_or_default();
    put(storage, name, part)
}
