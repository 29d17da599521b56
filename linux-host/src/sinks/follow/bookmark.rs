//! How far a timeline has been followed.

use std::sync::{Arc, Mutex, PoisonError};

/// The last post of a timeline that was handed over, for as long as the daemon runs: a sink that a reload makes anew goes
/// on behind it. Clones are the same bookmark.
#[derive(Clone, Debug, Default)]
pub struct Bookmark(Arc<Mutex<Option<Mark>>>);

#[derive(Debug)]
struct Mark {
    /// Numbers of one timeline mean nothing in another.
    timeline: String,
    post: String,
}

impl Bookmark {
    /// The post reached in this timeline, if it is the one that was followed.
    pub(super) fn get(&self, timeline: &str) -> Option<String> {
        let mark = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mark.as_ref().filter(|mark| mark.timeline == timeline).map(|mark| mark.post.clone())
    }

    /// Nobody follows a timeline now.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// It was followed up to here.
    pub(super) fn set(&self, timeline: &str, post: String) {
        let mark = Mark { timeline: timeline.to_owned(), post };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }
}
