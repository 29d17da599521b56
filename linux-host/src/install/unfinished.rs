//! What an install leaves behind that was broken off: files that are all there, and a systemd that has not heard of them.

use std::fs;
use std::io;

use super::place::{Owner, Place};

/// The mark of an install that has begun and not come to its end. It is in `/run`: a start of the machine brings what was
/// installed into force by itself, and takes the mark away.
#[derive(Clone, Copy, Debug)]
pub struct Unfinished {
    path: &'static str,
}

impl Unfinished {
    /// The mark in this place, which is one below `/run`.
    pub const fn new(path: &'static str) -> Self {
        Self { path }
    }

    /// Whether an earlier install was broken off.
    ///
    /// # Errors
    /// The mark cannot be looked for.
    pub fn is_left(self, place: &Place) -> io::Result<bool> {
        place.has(self.path)
    }

    /// Before the first change.
    ///
    /// # Errors
    /// The mark cannot be written.
    pub fn begin(self, place: &Place) -> io::Result<()> {
        place.write(self.path, b"", 0o644, Owner::Root)
    }

    /// After the last.
    ///
    /// # Errors
    /// The mark cannot be removed.
    pub fn end(self, place: &Place) -> io::Result<()> {
        fs::remove_file(place.path(self.path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_install_that_came_to_its_end_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path()).unwrap();
        let mark = Unfinished::new("/run/campanile-install");
        assert!(!mark.is_left(&place).unwrap());
        mark.begin(&place).unwrap();
        assert!(mark.is_left(&place).unwrap(), "broken off here");
        mark.begin(&place).unwrap();
        mark.end(&place).unwrap();
        assert!(!mark.is_left(&place).unwrap());
    }
}
