//! Where the groups of a segment lead: followed from one to the next, past what cannot be read, to their end.

use crate::context::program_of;
use crate::entry::{Damage, Entry};
use crate::group::{Block, Found, Frames, Kind, decode};
use crate::host::HostRecord;
use crate::position::{Mark, Position};
use crate::segment::{HEADER_LEN, last_group_end, next_anchor};

/// Where the groups of a segment lead.
#[derive(Debug)]
pub(crate) struct Walk {
    pub end: u32,
    pub chain: Mark,
    pub anchor_at: u32,
    /// The program active at the end.
    pub program: u64,
    /// The last record says that the start stopped in order.
    pub clean: bool,
    /// Something was being written at the end.
    pub torn: bool,
    /// Whole groups that cannot be placed reach up to here.
    pub stray_end: u32,
    pub damage: Vec<Damage>,
}

/// Follows the groups of a segment from the first one, at `entry.end`, to their end, or to the place where the next
/// segment begins: what stands behind that was given up. `bytes` are the segment's from 0.
pub(crate) fn walk(bytes: &[u8], entry: &Entry, until: Option<Position>) -> Walk {
    let segment = entry.id;
    let mut walk = Walk {
        end: entry.end,
        chain: entry.start,
        anchor_at: HEADER_LEN,
        program: entry.program,
        clean: false,
        torn: false,
        stray_end: 0,
        damage: Vec::new(),
    };
    while until.is_none_or(|until| walk.chain.at < until) {
        let rest = bytes.get(walk.end as usize..).unwrap_or_default();
        // A file that ends without a zero has been cut by somebody.
        let found = decode(rest, segment, walk.end);
        match found {
            Found::Group(block) => walk.pass(&block),
            Found::End if walk.clean => break,
            Found::End | Found::Bad => {
                walk.clean = false;
                let Some(last_end) = last_group_end(bytes, segment, walk.end) else {
                    walk.torn = matches!(found, Found::Bad);
                    break;
                };
                let from = walk.chain.at;
                let resume = next_anchor(bytes, segment, walk.end);
                let to = resume.map(|(_, anchor)| anchor.start.at).or(until).unwrap_or(from);
                let end = resume.map_or(last_end, |(at, _)| at);
                walk.damage.push(Damage { segment, offset: walk.end, end, from, to });
                match resume {
                    Some((at, _)) => walk.end = at,
                    None => {
                        walk.stray_end = last_end;
                        break;
                    }
                }
            }
        }
    }
    walk
}

impl Walk {
    fn pass(&mut self, block: &Block<'_>) {
        let start = block.start(Some(self.chain)).unwrap_or(self.chain);
        if let Some(anchor) = block.anchor {
            (self.anchor_at, self.program) = (self.end, anchor.program);
        }
        if block.kind == Kind::Engine {
            self.program =
                Frames(block.body).filter_map(|frame| program_of(&frame)).last().unwrap_or(self.program);
        }
        self.chain = block.end(start);
        self.clean = ends_in_order(block);
        self.end += block.size;
    }
}

fn ends_in_order(block: &Block<'_>) -> bool {
    block.kind == Kind::Host && HostRecord::all(block.body).last() == Some(Some(HostRecord::Stopped))
}
