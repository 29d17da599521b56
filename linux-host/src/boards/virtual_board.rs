//! Lines that live in this process: for the demo, for tests, and for a machine without pins.
//!
//! A line moves when somebody moves it: at once, or at times laid down beforehand, so that a bouncing press has the
//! spacing of a real one however the threads are scheduled. Levels are physical, as on hardware.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_core::id::Level;
use campanile_core::time::Instant;

use super::{
    Active, Board, CONSUMER, InputLine, InputSpec, Line, LineError, LineInfo, OutputLine, OutputSpec, Pull,
    Taken, WakeSlot,
};

/// The most moves of one line that wait to be taken; beyond it the oldest are lost, and counted, as in a kernel's
/// buffer.
const MAX_MOVES: usize = 4096;

/// A board without hardware.
#[derive(Debug, Default)]
pub struct VirtualBoard {
    lines: Mutex<BTreeMap<String, VirtualLine>>,
}

#[derive(Debug, Default)]
struct VirtualLine {
    /// The physical level once all moves are taken that have passed.
    level: bool,
    /// Laid down, in the order of time.
    moves: VecDeque<(Instant, bool)>,
    lost: u32,
    masked: bool,
    output: bool,
    held: bool,
    wake: Option<Arc<WakeSlot>>,
}

impl VirtualLine {
    fn level_at(&self, now: Instant) -> bool {
        self.moves.iter().take_while(|(at, _)| *at <= now).last().map_or(self.level, |&(_, level)| level)
    }
}

impl VirtualBoard {
    /// A board with whatever lines are asked for.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, VirtualLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays down moves of a line: times and physical levels. What was laid down before and is later than the first
    /// of them does not happen: a hand has one finger. An unknown line comes into being.
    pub fn play(&self, line: &str, moves: impl IntoIterator<Item = (Instant, bool)>) {
        let wake = {
            let mut lines = self.lock();
            let line = lines.entry(line.to_owned()).or_default();
            let mut moves = moves.into_iter().peekable();
            if let Some(&(first, _)) = moves.peek() {
                while line.moves.back().is_some_and(|&(at, _)| at > first) {
                    line.moves.pop_back();
                }
            }
            for (at, level) in moves {
                let not_before = line.moves.back().map_or(at, |&(last, _)| last.max(at));
                line.moves.push_back((not_before, level));
                if line.moves.len() > MAX_MOVES {
                    if let Some((_, level)) = line.moves.pop_front() {
                        line.level = level;
                    }
                    line.lost = line.lost.saturating_add(1);
                }
            }
            line.wake.clone()
        };
        if let Some(wake) = wake {
            wake.wake();
        }
    }

    /// The physical level of a line at a time; low if nobody knows the line.
    pub fn level(&self, line: &str, now: Instant) -> bool {
        self.lock().get(line).is_some_and(|line| line.level_at(now))
    }

    fn claim(
        &self,
        name: &str,
        output: bool,
        set_up: impl FnOnce(&mut VirtualLine),
    ) -> Result<(), LineError> {
        let mut lines = self.lock();
        let line = lines.entry(name.to_owned()).or_default();
        if line.held {
            return Err(LineError::Busy {
                line: name.to_owned(),
                chip: "the virtual board".to_owned(),
                by: Some(CONSUMER.to_owned()),
            });
        }
        line.held = true;
        line.output = output;
        set_up(line);
        Ok(())
    }

    fn with<T>(&self, name: &str, f: impl FnOnce(&mut VirtualLine) -> T) -> T {
        f(self.lock().entry(name.to_owned()).or_default())
    }
}

/// A handle that knows the board it came from.
struct Held {
    board: Arc<VirtualBoard>,
    name: String,
}

impl Held {
    fn with<T>(&self, f: impl FnOnce(&mut VirtualLine) -> T) -> T {
        self.board.with(&self.name, f)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.with(|line| {
            line.held = false;
            line.wake = None;
        });
    }
}

impl Board for Arc<VirtualBoard> {
    fn open_input(&self, spec: &InputSpec, wake: &Arc<WakeSlot>) -> Result<Box<dyn InputLine>, LineError> {
        let name = spec.line.to_string();
        self.claim(&name, false, |line| {
            // At rest: where the resistor pulls it, or else released.
            line.level = match spec.pull {
                Pull::Up => true,
                Pull::Down => false,
                Pull::AsIs | Pull::None => spec.active == Active::Low,
            };
            line.wake = Some(wake.clone());
        })?;
        let held = Held { board: self.clone(), name };
        Ok(Box::new(VirtualInput { held, active_low: spec.active == Active::Low }))
    }

    fn open_output(&self, spec: &OutputSpec) -> Result<Box<dyn OutputLine>, LineError> {
        let name = spec.line.to_string();
        self.claim(&name, true, |line| line.level = spec.safe.is_on() != (spec.active == Active::Low))?;
        let held = Held { board: self.clone(), name };
        Ok(Box::new(VirtualOutput { held, active_low: Mutex::new(spec.active == Active::Low) }))
    }

    fn place(&self, line: &Line) -> Option<String> {
        Some(format!("virtual {line}"))
    }

    fn lines(&self) -> Result<Vec<LineInfo>, LineError> {
        let now = Instant::from_micros(campanile_clock::now_us());
        let describe = |(offset, (name, line)): (u32, (&String, &VirtualLine))| LineInfo {
            chip: "virtual".to_owned(),
            offset,
            name: name.clone(),
            used_by: line.held.then(|| CONSUMER.to_owned()),
            output: line.output,
            level: Some(line.level_at(now)),
            flags: String::new(),
        };
        Ok((0..).zip(self.lock().iter()).map(describe).collect())
    }
}

struct VirtualInput {
    held: Held,
    active_low: bool,
}

impl VirtualInput {
    fn logical(&self, physical: bool) -> Level {
        Level::from_bool(physical != self.active_low)
    }
}

impl InputLine for VirtualInput {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn take(&mut self, now: Instant, give: &mut dyn FnMut(Taken)) -> Result<(), LineError> {
        let active_low = self.active_low;
        self.held.with(|line| {
            if line.lost > 0 {
                let at = line.moves.front().map_or(now, |&(at, _)| at.min(now));
                give(Taken::Lost { at, count: std::mem::take(&mut line.lost) });
            }
            while let Some(&(at, level)) = line.moves.front() {
                if at > now {
                    break;
                }
                line.moves.pop_front();
                // A line that does not move has no edge.
                if std::mem::replace(&mut line.level, level) != level && !line.masked {
                    give(Taken::Edge { at, level: Level::from_bool(level != active_low) });
                }
            }
        });
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.held.with(|line| line.moves.front().map(|&(at, _)| at))
    }

    fn level(&self) -> Result<Level, LineError> {
        let now = Instant::from_micros(campanile_clock::now_us());
        Ok(self.logical(self.held.with(|line| line.level_at(now))))
    }

    fn reconfigure(&mut self, spec: &InputSpec) -> Result<(), LineError> {
        self.active_low = spec.active == Active::Low;
        Ok(())
    }

    fn mask(&mut self, masked: bool) {
        self.held.with(|line| line.masked = masked);
    }
}

struct VirtualOutput {
    held: Held,
    active_low: Mutex<bool>,
}

impl OutputLine for VirtualOutput {
    fn set(&self, level: Level) -> Result<(), LineError> {
        let active_low = *self.active_low.lock().unwrap_or_else(PoisonError::into_inner);
        self.held.with(|line| line.level = level.is_on() != active_low);
        Ok(())
    }

    fn reconfigure(&self, spec: &OutputSpec, level: Level) -> Result<(), LineError> {
        *self.active_low.lock().unwrap_or_else(PoisonError::into_inner) = spec.active == Active::Low;
        self.set(level)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Drive, Line};
    use super::*;

    fn at(us: u64) -> Instant {
        Instant::from_micros(us)
    }

    fn button(active: Active) -> InputSpec {
        InputSpec { line: Line::Name("button".into()), pull: Pull::AsIs, active }
    }

    fn take(line: &mut dyn InputLine, now: u64) -> Vec<Taken> {
        let mut all = Vec::new();
        line.take(at(now), &mut |taken| all.push(taken)).unwrap();
        all
    }

    #[test]
    fn moves_come_at_their_time_with_their_own_stamps_and_logical_levels() {
        let board = VirtualBoard::new();
        let mut line = board.open_input(&button(Active::Low), &Arc::default()).unwrap();
        board.play("button", [(at(10), false), (at(15), true), (at(20), false)]);
        assert_eq!(line.due(), Some(at(10)));
        assert_eq!(
            take(&mut *line, 15),
            [Taken::Edge { at: at(10), level: Level::On }, Taken::Edge { at: at(15), level: Level::Off }]
        );
        assert_eq!(take(&mut *line, 20), [Taken::Edge { at: at(20), level: Level::On }]);
        assert_eq!(line.due(), None);
    }

    #[test]
    fn a_later_hand_takes_the_place_of_what_was_laid_down() {
        let board = VirtualBoard::new();
        let mut line = board.open_input(&button(Active::High), &Arc::default()).unwrap();
        board.play("button", [(at(10), true), (at(100), false)]);
        board.play("button", [(at(50), false)]);
        assert_eq!(take(&mut *line, 1000).len(), 2);
        assert!(!board.level("button", at(1000)));
    }

    #[test]
    fn too_many_moves_are_lost_and_counted() {
        let board = VirtualBoard::new();
        let mut line = board.open_input(&button(Active::High), &Arc::default()).unwrap();
        board.play("button", (0..MAX_MOVES as u64 + 10).map(|i| (at(i), i % 2 == 0)));
        let taken = take(&mut *line, 1_000_000);
        assert_eq!(taken[0], Taken::Lost { at: at(10), count: 10 });
        assert_eq!(taken.len(), 1 + MAX_MOVES);
    }

    #[test]
    fn one_holder_at_a_time_and_the_safe_level_from_the_first_moment() {
        let board = VirtualBoard::new();
        let spec = OutputSpec {
            line: Line::Name("relay".into()),
            active: Active::Low,
            drive: Drive::PushPull,
            safe: Level::Off,
        };
        let output = board.open_output(&spec).unwrap();
        assert!(board.level("relay", at(0)), "off is high");
        output.set(Level::On).unwrap();
        assert!(!board.level("relay", at(0)));
        assert!(matches!(board.open_output(&spec), Err(LineError::Busy { .. })));
        drop(output);
        board.open_output(&spec).unwrap();
    }
}
