//! `kind = "exec"` and `"chime"`: programs of this machine. Each is told what scenarios send, if the file does not say more.

use std::path::PathBuf;

use super::web::{Filled, Quota};
use super::{Beat, Common, Filters};
use crate::config::read::{At, table};
use crate::config::scalar::{H, Int, S, Within, text};
use campanile_core::time::Duration;

table! {
    /// A program for each message; never a shell.
    pub struct ExecSink("a sink of kind exec") {
        /// The program, with its whole path.
        "program" program (required): At<Program>,
        /// Its arguments, each one whatever is filled in.
        "args" args (empty): Vec<At<Filled>>,
        /// A program that takes longer is ended, with what it started.
        "timeout" timeout (= "10s"): Within<{ S / 10 }, { H }>,
        /// A message that is older says nothing any more: a dead letter; without it all are told.
        "max-age" max_age (optional): Within<{ S }, { 8760 * H }>,
        /// At most so many in so long; what comes beyond it is gathered into one.
        "quota" quota (optional): Quota,
        /// A sign of life with figures, so often; none without it.
        "heartbeat" heartbeat (optional): At<Beat>,
        /// What it is told; "message:*" without it.
        "only" only (empty): Filters,
    }
}

table! {
    /// A sound for each message.
    pub struct ChimeSink("a sink of kind chime") {
        /// What is played: a WAV file, with its whole path.
        "sound" sound (required): At<Sound>,
        /// What plays it: a program that takes WAV on its standard input, with its whole path.
        "player" player (= "/usr/bin/aplay"): At<Program>,
        /// The player's arguments.
        "player-args" player_args (empty): Vec<String>,
        /// In percent.
        "volume" volume (= 100): Int<0, 100>,
        /// A sound that takes longer is ended.
        "timeout" timeout (= "30s"): Within<{ S / 10 }, { H }>,
        /// A message that is older is no reason to ring: a dead letter.
        "max-age" max_age (= "1min"): Within<{ S }, { 8760 * H }>,
        /// What it is told; "message:*" without it.
        "only" only (empty): Filters,
    }
}

impl Common for ExecSink {
    fn only(&self) -> &Filters {
        &self.only
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat.as_ref().map(|every| every.value.0)
    }
}

impl Common for ChimeSink {
    fn only(&self) -> &Filters {
        &self.only
    }
}

/// A file with its whole path: where something is looked for is nobody's choice but the author's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(pub PathBuf);

text!(Program, "the whole path of a file, such as \"/usr/local/bin/ring\"", { "type": "string", "pattern": "^/." }, |text| {
    if text.starts_with('/') && text.len() > 1 {
        return Ok(Self(text.into()));
    }
    let what = if text.contains(' ') { "a command line is not a program" } else { "the path must be absolute" };
    Err(Wrong::new(what, "such as \"/usr/local/bin/ring\"; arguments go into `args`, one by one"))
}, broken: Self(PathBuf::new()));

/// A sound with its whole path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound(pub PathBuf);

text!(Sound, "the whole path of a WAV file, such as \"/etc/campanile/bell.wav\"", { "type": "string", "pattern": "^/." }, |text| {
    if text.starts_with('/') && text.len() > 1 {
        return Ok(Self(text.into()));
    }
    Err(Wrong::new("the path must be absolute", "such as \"/etc/campanile/bell.wav\""))
}, broken: Self(PathBuf::new()));
