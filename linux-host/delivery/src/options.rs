//! What can be chosen about a journal.

use campanile_core::time::Duration;

/// The length of a segment, unless the journal is so small that a tenth of it is less.
pub const SEGMENT_LEN: u32 = 1024 * 1024;

/// The least length of a segment.
const SEGMENT_MIN: u32 = 4096;

/// When a commit is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Before anything of it is published.
    Always,
    /// At most so much later: a power cut may take what was published in that time.
    Within(Duration),
}

/// What happens at the size of the journal to records that some sink has not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// They are dropped, and recorded as such.
    DropOldest,
    /// They are kept; what is new goes on from memory as long as that lasts.
    Keep,
}

/// The choices, with the defaults of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most bytes of all segments and the spare one.
    pub size: u64,
    /// Older segments are deleted; `None` keeps them for ever.
    pub age: Option<Duration>,
    /// When a commit is synced.
    pub sync: Sync,
    /// What happens at `size`.
    pub when_full: WhenFull,
    /// The most bytes that stand in for a disk that takes nothing, and half of that for a disk that has not synced.
    pub memory: usize,
    /// Raw edges that decide nothing may wait so long for company, so that a bounce costs one group and not ten.
    /// Decisions, and all other records, take them along at once, and so many that they fill a group do not wait.
    pub linger: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size: 256 * 1024 * 1024,
            age: None,
            sync: Sync::Within(Duration::from_millis(200)),
            when_full: WhenFull::DropOldest,
            memory: 4 * 1024 * 1024,
            linger: Duration::from_millis(20),
        }
    }
}

impl Options {
    /// The length of the segments to be made: so that retention deletes at most a tenth at a time.
    pub(crate) fn segment_len(&self) -> u32 {
        let tenth = u32::try_from(self.size / 10).unwrap_or(u32::MAX);
        (tenth / SEGMENT_MIN * SEGMENT_MIN).clamp(SEGMENT_MIN, SEGMENT_LEN)
    }

    /// The most segments, the spare one included.
    pub(crate) fn segments_max(&self) -> usize {
        // One is written, one is read, one is spare.
        usize::try_from(self.size / u64::from(self.segment_len())).unwrap_or(usize::MAX).max(3)
    }

    /// The most bytes of records in a group.
    pub(crate) fn body_max(&self) -> usize {
        (self.segment_len() as usize / 4).min(crate::group::MAX_BODY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_journals_have_small_segments() {
        let sized = |size| {
            let options = Options { size, ..Options::default() };
            (options.segment_len(), options.segments_max())
        };
        assert_eq!(sized(256 * 1024 * 1024), (SEGMENT_LEN, 256));
        assert_eq!(sized(1024 * 1024), (102_400, 10));
        assert_eq!(sized(0), (SEGMENT_MIN, 3));
        assert_eq!(sized(u64::MAX).0, SEGMENT_LEN);
    }
}
