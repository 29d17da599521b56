//! `kind = "file"` and `kind = "console"`.

use std::path::PathBuf;

use super::Plan;
use crate::config::file::{self, ConsoleSink, FileSink};
use crate::sinks::blocking::Blocking;
use crate::sinks::console::Console;
use crate::sinks::file::JsonLines;
use crate::sinks::message::Renderer;
use crate::sinks::only::Only;
use crate::sinks::render::{self, Form};
use crate::sinks::topics::Topics;

/// JSON lines in a file.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sinks) struct Lines {
    path: PathBuf,
    only: Only,
}

impl Plan for Lines {
    type Table = FileSink;
    type Sink = Blocking<JsonLines>;

    fn new(_: &str, _: &str, file: &FileSink) -> Self {
        Self { path: file.path.value.clone(), only: file::only(&file.only) }
    }

    fn make(&self, node: &str) -> (Self::Sink, Form) {
        let renderer = Renderer::new(node, Topics::default(), self.only.clone());
        (Blocking::new(JsonLines::new(&self.path)), Form::Json(renderer))
    }
}

/// Lines for people on the standard output.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sinks) struct Screen {
    only: Only,
}

impl Plan for Screen {
    type Table = ConsoleSink;
    type Sink = Blocking<Console>;

    fn new(_: &str, _: &str, console: &ConsoleSink) -> Self {
        Self { only: file::only(&console.only) }
    }

    fn make(&self, node: &str) -> (Self::Sink, Form) {
        let shown =
            (self.only != Only::default()).then(|| Renderer::new(node, Topics::default(), self.only.clone()));
        (Blocking::new(Console), Form::Trace(Box::new(render::Lines::new(shown))))
    }
}
