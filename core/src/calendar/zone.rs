//! Time zones as offsets from UTC and the moments at which they change.

/// A stretch of time with one offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Seconds east of UTC: local time = UTC + this.
    pub offset_s: i32,
    /// How it began; `None` if it always was so.
    pub since: Option<Change>,
    /// When it ends, seconds since 1970; `None` if never. The next period starts at this second.
    pub until: Option<i64>,
}

/// The moment at which an offset came into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Seconds since 1970.
    pub at: i64,
    /// The offset before, seconds east of UTC.
    pub before_s: i32,
}

/// A time zone.
pub trait Zone {
    /// The period that contains `unix_s`: `since.at <= unix_s < until`.
    fn period_at(&self, unix_s: i64) -> Period;
}

/// A [`Zone`] as a table of offset changes, which the host takes from its time zone database. Before the first entry
/// and after the last the offset stays as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneTable<'a> {
    first_offset_s: i32,
    changes: &'a [(i64, i32)],
}

impl<'a> ZoneTable<'a> {
    /// UTC.
    pub const UTC: Self = Self { first_offset_s: 0, changes: &[] };

    /// The largest offset from UTC that is accepted, in seconds: 26 hours, more than any zone has or had.
    pub const MAX_OFFSET_S: i32 = 26 * 3600;

    /// `first_offset_s` is in force before the first of `changes`, each of which is (seconds since 1970, seconds east
    /// of UTC from then on).
    ///
    /// `None` if the times do not rise strictly, or an offset is beyond [`MAX_OFFSET_S`](Self::MAX_OFFSET_S).
    #[must_use]
    pub fn new(first_offset_s: i32, changes: &'a [(i64, i32)]) -> Option<Self> {
        let in_range = |offset: &i32| (-Self::MAX_OFFSET_S..=Self::MAX_OFFSET_S).contains(offset);
        let rising = changes.is_sorted_by(|(earlier, _), (later, _)| earlier < later);
        let offsets = changes.iter().all(|(_, offset)| in_range(offset)) && in_range(&first_offset_s);
        (rising && offsets).then_some(Self { first_offset_s, changes })
    }
}

impl Zone for ZoneTable<'_> {
    fn period_at(&self, unix_s: i64) -> Period {
        let (past, coming) = self
            .changes
            .split_at_checked(self.changes.partition_point(|(at, _)| *at <= unix_s))
            .unwrap_or((self.changes, &[]));
        let until = coming.first().map(|(at, _)| *at);
        match past {
            [] => Period { offset_s: self.first_offset_s, since: None, until },
            [.., (_, before_s), (at, offset_s)] => {
                Period { offset_s: *offset_s, since: Some(Change { at: *at, before_s: *before_s }), until }
            }
            [(at, offset_s)] => Period {
                offset_s: *offset_s,
                since: Some(Change { at: *at, before_s: self.first_offset_s }),
                until,
            },
        }
    }
}
