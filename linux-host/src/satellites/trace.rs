//! What the firmwares of satellites say of themselves, for `link monitor --elf`: a file beside the journal with the latest
//! of it. Its form is that of [`Message::Trace`](campanile_core::link::Message::Trace).

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// At this length it begins anew.
const MOST: u64 = 256 * 1024;

/// The file of a satellite, in the folder of all satellites.
pub fn path(folder: &Path, satellite: &str) -> PathBuf {
    folder.join(format!("{satellite}.defmt"))
}

/// Takes it.
pub(super) struct Trace {
    path: PathBuf,
    /// `None` until something comes.
    file: Option<(File, u64)>,
}

impl Trace {
    pub(super) fn new(folder: &Path, satellite: &str) -> Self {
        Self { path: path(folder, satellite), file: None }
    }

    pub(super) fn append(&mut self, frames: &[u8]) {
        // Nobody depends on it: a disk that is full is said elsewhere.
        if self.write(frames).is_err() {
            self.file = None;
        }
    }

    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        let (mut file, len) = match self.file.take() {
            Some((file, len)) if len < MOST => (file, len),
            _ => (File::create(&self.path)?, 0),
        };
        file.write_all(frames)?;
        self.file = Some((file, len + frames.len() as u64));
        Ok(())
    }
}
