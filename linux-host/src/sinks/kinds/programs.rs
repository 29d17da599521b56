//! `kind = "exec"` and `"chime"`.

use std::time::Duration;

use super::Plan;
use super::posts::{messages, sequential};
use crate::config::file::{ChimeSink, ExecSink};
use crate::sinks::only::Only;
use crate::sinks::quota::Rate;
use crate::sinks::render::Form;
use crate::sinks::sequential::Sequential;
use crate::sinks::{chime, exec};

/// A program.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sinks) struct Exec {
    settings: exec::Settings,
    quota: Option<Rate>,
    only: Only,
}

impl Plan for Exec {
    type Table = ExecSink;
    type Sink = Sequential<exec::Exec>;

    fn new(_: &str, _: &str, table: &ExecSink) -> Self {
        let settings = exec::Settings {
            program: table.program.value.0.clone(),
            arguments: table.args.iter().map(|argument| argument.value.0.clone()).collect(),
            timeout: Duration::from_micros(table.timeout.0.micros()),
            max_age: table.max_age.map(|age| Duration::from_micros(age.0.micros())),
        };
        Self { settings, quota: table.quota.map(|quota| quota.0), only: messages(&table.only) }
    }

    fn make(&self, node: &str) -> (Self::Sink, Form) {
        sequential(exec::Exec::new(self.settings.clone()), self.quota, &self.only, node)
    }
}

/// A bell.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sinks) struct Chime {
    settings: chime::Settings,
    only: Only,
}

impl Plan for Chime {
    type Table = ChimeSink;
    type Sink = Sequential<chime::Chime>;

    fn new(_: &str, _: &str, table: &ChimeSink) -> Self {
        let settings = chime::Settings {
            sound: table.sound.value.0.clone(),
            player: chime::Player {
                program: table.player.value.0.clone(),
                arguments: table.player_args.clone(),
            },
            volume: u32::try_from(table.volume.0).unwrap_or(100),
            timeout: Duration::from_micros(table.timeout.0.micros()),
            max_age: Duration::from_micros(table.max_age.0.micros()),
        };
        Self { settings, only: messages(&table.only) }
    }

    fn make(&self, node: &str) -> (Self::Sink, Form) {
        sequential(chime::Chime::new(self.settings.clone()), None, &self.only, node)
    }
}
