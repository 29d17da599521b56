//! One line: as it was opened, how it is doing, and what stands in for one that could not be had.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use campanile_core::id::Level;
use campanile_core::time::{Duration, Instant};

use super::trouble::Trouble;
use crate::boards::{BoardSpec, InputLine, InputSpec, Line, LineError, OutputLine, OutputSpec, Taken};

/// An input that failed is tried again after so long, and then after twice as long, up to the longest.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// An open input and where it came from.
pub struct OpenInput {
    /// Its board.
    pub board: BoardSpec,
    /// As it is configured.
    pub spec: InputSpec,
    /// The line.
    pub line: Box<dyn InputLine>,
}

/// An open output and where it came from.
pub struct OpenOutput {
    /// Its board.
    pub board: BoardSpec,
    /// As it is configured.
    pub spec: OutputSpec,
    /// The line.
    pub line: Arc<dyn OutputLine>,
}

/// An input of the lines that run.
pub(super) struct Watched {
    pub(super) open: OpenInput,
    /// With its edges.
    trouble: Trouble,
    /// With its level.
    unread: Trouble,
    /// It failed, and is not asked before this.
    again: Option<Instant>,
    /// How long it was left alone the last time.
    wait: Duration,
}

impl Watched {
    pub(super) fn new(open: OpenInput) -> Self {
        let (trouble, unread) = (Trouble::default(), Trouble::default());
        Self { open, trouble, unread, again: None, wait: Duration::ZERO }
    }

    /// Stands in for a line that could not be had, so that the others keep their ids.
    pub(super) fn missing(board: &BoardSpec, spec: &InputSpec) -> Self {
        let line = Box::new(Missing(spec.line.clone()));
        let open = OpenInput { board: board.clone(), spec: spec.clone(), line };
        Self { again: Some(Instant::NEVER), ..Self::new(open) }
    }

    pub(super) fn is_of(&self, board: &BoardSpec, line: &Line) -> bool {
        self.open.board == *board && self.open.spec.line == *line
    }

    /// Whether it gives edges, as far as anybody knows.
    pub(super) const fn is_well(&self) -> bool {
        self.again.is_none()
    }

    /// When it has to be looked at.
    pub(super) fn due(&self) -> Option<Instant> {
        self.again.map_or_else(|| self.open.line.due(), Instant::to_option)
    }

    /// Takes what has happened.
    pub(super) fn take(&mut self, now: Instant, give: &mut dyn FnMut(Taken)) {
        match self.open.line.take(now, give) {
            Ok(()) => self.wait = Duration::ZERO,
            Err(error) => self.leave_alone(&error, now),
        }
    }

    /// If it failed and its time has come: its level, if that can be read. From then on it is watched again.
    pub(super) fn try_again(&mut self, now: Instant) -> Option<Level> {
        self.again.filter(|again| *again <= now)?;
        match self.open.line.level() {
            Ok(level) => {
                self.again = None;
                if self.trouble.is_over() {
                    tracing::info!("line {} is watched again", self.open.spec.line);
                }
                Some(level)
            }
            Err(error) => {
                self.leave_alone(&error, now);
                None
            }
        }
    }

    fn leave_alone(&mut self, error: &LineError, now: Instant) {
        let (first, longest) = TRY_AGAIN;
        self.wait = self.wait.plus(self.wait).clamp(first, longest);
        self.again = Some(now.plus(self.wait));
        if let Some(times) = self.trouble.happens(now) {
            tracing::error!("{error}; it is not watched until it can be read again{}", again(times));
        }
    }

    /// Reads the level. What fails here is no reason not to watch for edges.
    pub(super) fn read(&mut self, now: Instant) -> Option<Level> {
        if !self.is_well() {
            return None;
        }
        match self.open.line.level() {
            Ok(level) => {
                if self.unread.is_over() {
                    tracing::info!("line {} can be read again", self.open.spec.line);
                }
                Some(level)
            }
            Err(error) => {
                if let Some(times) = self.unread.happens(now) {
                    tracing::warn!("{error}{}", again(times));
                }
                None
            }
        }
    }
}

/// An output of the lines that run.
pub(super) struct Driven {
    pub(super) board: BoardSpec,
    pub(super) spec: OutputSpec,
    /// None: the program that has it never runs on the lines, see [`Lines::ghost`](super::Lines::ghost).
    pub(super) line: Option<Arc<dyn OutputLine>>,
    pub(super) level: Level,
    trouble: Trouble,
}

impl Driven {
    pub(super) fn new(open: OpenOutput) -> Self {
        Self { line: Some(open.line), ..Self::ghost(&open.board, &open.spec) }
    }

    pub(super) fn ghost(board: &BoardSpec, spec: &OutputSpec) -> Self {
        let (board, spec) = (board.clone(), spec.clone());
        Self { level: spec.safe, board, spec, line: None, trouble: Trouble::default() }
    }

    /// See [`Watched::missing`].
    pub(super) fn missing(board: &BoardSpec, spec: &OutputSpec) -> Self {
        Self { line: Some(Arc::new(Missing(spec.line.clone()))), ..Self::ghost(board, spec) }
    }

    pub(super) fn is_of(&self, board: &BoardSpec, line: &Line) -> bool {
        self.board == *board && self.spec.line == *line
    }

    pub(super) fn drive(&mut self, level: Level) -> Result<(), LineError> {
        if let Some(line) = &self.line {
            line.set(level)?;
        }
        self.level = level;
        Ok(())
    }
}

impl Driven {
    /// Drives it, and says now and then what the hardware refuses.
    pub(super) fn set(&mut self, level: Level, now: Instant) -> Result<(), LineError> {
        let driven = self.drive(level);
        match &driven {
            Ok(()) if self.trouble.is_over() => tracing::info!("line {} can be driven again", self.spec.line),
            Ok(()) => {}
            Err(error) => {
                if let Some(times) = self.trouble.happens(now) {
                    tracing::error!("{error}{}", again(times));
                }
            }
        }
        driven
    }
}

/// What is added if it was not said each time.
fn again(times: u64) -> String {
    if times > 1 { format!(" ({times} times since this was said last)") } else { String::new() }
}

/// A line that could not be had.
struct Missing(Line);

impl InputLine for Missing {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn take(&mut self, _: Instant, _: &mut dyn FnMut(Taken)) -> Result<(), LineError> {
        Err(LineError::not_open(&self.0))
    }

    fn level(&self) -> Result<Level, LineError> {
        Err(LineError::not_open(&self.0))
    }

    fn reconfigure(&mut self, _: &InputSpec) -> Result<(), LineError> {
        Err(LineError::not_open(&self.0))
    }

    fn mask(&mut self, _: bool) {}
}

impl OutputLine for Missing {
    fn set(&self, _: Level) -> Result<(), LineError> {
        Err(LineError::not_open(&self.0))
    }

    fn reconfigure(&self, _: &OutputSpec, _: Level) -> Result<(), LineError> {
        Err(LineError::not_open(&self.0))
    }
}
