//! What was done to the bytes of a journal, as far as it concerns the part that was asked for.

use std::io::{self, Write};

use campanile_delivery::{Archive, Directory, Newer, Position};
use campanile_sim::replay::Extent;
use serde_json::{Value, json};

/// What is wrong with the bytes.
pub(super) struct Damage {
    /// Parts that cannot be read: the places before and at their ends.
    unreadable: Vec<(Position, Position)>,
    /// Segments whose header was changed, each with the place behind which it begins.
    headers: Vec<(u64, Position)>,
    /// Segments that a later campanile wrote.
    newer: Vec<Newer>,
    /// The last write is not whole: segment and byte.
    torn: Option<(u64, u32)>,
}

impl Damage {
    /// What of a journal's damage is in the part that was read.
    pub(super) fn of(archive: &Archive<Directory>, read: &Extent) -> Self {
        let unreadable = archive.damaged.iter().filter(|(from, to)| read.meets(*from, *to));
        let headers = archive.headers.iter().filter(|(_, behind)| read.meets(*behind, *behind));
        let newer = archive.newer.iter().filter(|newer| read.meets(newer.from, newer.to));
        Self {
            newer: newer.copied().collect(),
            unreadable: unreadable.copied().collect(),
            headers: headers.copied().collect(),
            torn: archive.torn.filter(|_| read.has_the_end()),
        }
    }

    /// Whether the bytes are as they were written.
    pub(super) fn is_none(&self) -> bool {
        self.can_be_read() && self.headers.is_empty()
    }

    /// Whether all that was written can be read.
    pub(super) fn can_be_read(&self) -> bool {
        self.torn.is_none() && self.unreadable.is_empty() && self.newer.is_empty()
    }

    /// Says it, a line each.
    pub(super) fn say(&self, out: &mut impl Write) -> io::Result<()> {
        for (_, behind) in &self.headers {
            writeln!(
                out,
                "  the header of the segment behind {behind} was changed: it is no record, and none is missing by that"
            )?;
        }
        for (from, to) in &self.unreadable {
            // Behind the last place that can be read nobody knows what there was.
            let to = if from == to { String::new() } else { format!(" up to {to}") };
            writeln!(out, "  the journal cannot be read behind {from}{to}: its bytes were changed or lost")?;
        }
        for &Newer { segment, version, known, from, to } in &self.newer {
            let place = match (from == Position::START, from == to) {
                (true, true) => String::new(),
                (true, false) => format!(" up to {to}"),
                (false, true) => format!(" behind {from}"),
                (false, false) => format!(" behind {from} up to {to}"),
            };
            writeln!(
                out,
                "  segment {segment} was written by a later campanile (format {version}, this one knows up to {known}): \
                 for its records{place}, replay with that one"
            )?;
        }
        if let Some((segment, offset)) = self.torn {
            writeln!(
                out,
                "  the journal ends in the middle of a write, in segment {segment} at byte {offset}: the power went \
                 then, or the file was cut"
            )?;
        }
        Ok(())
    }

    /// The same for programs: adds it to an object.
    pub(super) fn add(&self, summary: &mut Value) {
        let unreadable = self.unreadable.iter();
        let unreadable =
            unreadable.map(|(from, to)| json!({ "from": from.to_string(), "to": to.to_string() }));
        summary["damaged"] = unreadable.collect();
        let headers = self.headers.iter();
        let headers =
            headers.map(|(segment, behind)| json!({ "segment": segment, "behind": behind.to_string() }));
        summary["headers"] = headers.collect();
        let newer = self.newer.iter().map(|newer| {
            json!({
                "segment": newer.segment,
                "format": newer.version,
                "known": newer.known,
                "from": newer.from.to_string(),
                "to": newer.to.to_string(),
            })
        });
        summary["newer"] = newer.collect();
        summary["torn"] = self.torn.map(|(segment, byte)| json!({ "segment": segment, "byte": byte })).into();
    }
}
