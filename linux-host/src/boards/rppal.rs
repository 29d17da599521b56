//! The registers of a Raspberry Pi through rppal, for those who have it in use; `gpiochip` does the same on every
//! model. Retired by its authors in 2025, so behind a feature.
//!
//! rppal calls back on a thread of its own for each input. What it says goes into a bounded queue; what does not fit
//! is lost and counted. Drives other than push-pull do not exist here, and lines are numbers or `GPIOn`.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campanile_core::id::Level;
use campanile_core::time::Instant;
use rppal::gpio::{self, Bias, Gpio, InputPin, OutputPin, Trigger};

use super::{
    Active, Board, Drive, InputLine, InputSpec, Line, LineError, LineInfo, OutputLine, OutputSpec, Pull,
    Taken, WakeSlot,
};

/// Edges of one line that wait for the loop.
const MAX_EDGES: usize = 1024;

/// The lines of the header, by their Broadcom numbers.
const HEADER: std::ops::RangeInclusive<u8> = 0..=27;

/// The Pi's own pins.
pub struct RppalBoard(Gpio);

impl RppalBoard {
    /// Maps the registers.
    ///
    /// # Errors
    /// This is no Raspberry Pi that rppal knows, or this user may not.
    pub fn open() -> Result<Self, LineError> {
        let explain = |e| LineError::Io {
            what: "open the Raspberry Pi's GPIO registers",
            source: std::io::Error::other(e),
        };
        Gpio::new().map(Self).map_err(explain)
    }

    fn number(line: &Line) -> Option<u8> {
        let number = match line {
            Line::Offset(offset) => u8::try_from(*offset).ok(),
            Line::Name(name) => name.strip_prefix("GPIO").and_then(|digits| digits.parse().ok()),
        };
        number.filter(|number| HEADER.contains(number))
    }

    fn pin(&self, line: &Line) -> Result<gpio::Pin, LineError> {
        let number = Self::number(line).ok_or_else(|| LineError::NoSuchLine {
            line: line.to_string(),
            searched: "the header, whose lines are GPIO0 to GPIO27".to_owned(),
            nearest: Vec::new(),
        })?;
        self.0.get(number).map_err(|error| match error {
            gpio::Error::PinUsed(_) => {
                LineError::Busy { line: line.to_string(), chip: "the header".to_owned(), by: None }
            }
            other => failed(line, "open", &other),
        })
    }
}

fn failed(line: &Line, what: &'static str, error: &gpio::Error) -> LineError {
    LineError::Failed { line: line.to_string(), what, why: error.to_string() }
}

impl Board for RppalBoard {
    fn open_input(&self, spec: &InputSpec, wake: &Arc<WakeSlot>) -> Result<Box<dyn InputLine>, LineError> {
        let mut pin = self.pin(&spec.line)?.into_input();
        // With `as-is`, rppal would switch the pull off when it lets go of the pin.
        pin.set_reset_on_drop(spec.pull != Pull::AsIs);
        set_pull(&mut pin, spec.pull);
        let shared = Arc::new(Shared {
            edges: Mutex::default(),
            active_low: AtomicBool::new(spec.active == Active::Low),
            wake: wake.clone(),
        });
        let theirs = shared.clone();
        pin.set_async_interrupt(Trigger::Both, None, move |event| theirs.push(event))
            .map_err(|e| failed(&spec.line, "watch", &e))?;
        Ok(Box::new(RppalInput { pin, shared, masked: false }))
    }

    fn open_output(&self, spec: &OutputSpec) -> Result<Box<dyn OutputLine>, LineError> {
        if spec.drive != Drive::PushPull {
            let why = "rppal knows push-pull only; take the board kind \"gpiochip\"".to_owned();
            return Err(LineError::Unsupported { line: spec.line.to_string(), what: "driven so", why });
        }
        let pin = self.pin(&spec.line)?;
        let active_low = spec.active == Active::Low;
        let high = spec.safe.is_on() != active_low;
        let mut pin = if high { pin.into_output_high() } else { pin.into_output_low() };
        pin.set_reset_on_drop(false);
        Ok(Box::new(RppalOutput(Mutex::new((pin, active_low)))))
    }

    fn place(&self, line: &Line) -> Option<String> {
        Self::number(line).map(|number| format!("rppal {number}"))
    }

    fn lines(&self) -> Result<Vec<LineInfo>, LineError> {
        let describe = |number: u8| {
            let pin = self.0.get(number).ok();
            LineInfo {
                chip: "header".to_owned(),
                offset: u32::from(number),
                name: format!("GPIO{number}"),
                used_by: pin.is_none().then(String::new),
                output: pin.as_ref().is_some_and(|pin| pin.mode() == gpio::Mode::Output),
                level: pin.as_ref().map(|pin| pin.read() == gpio::Level::High),
                flags: pin.map(|pin| pin.mode().to_string()).unwrap_or_default(),
            }
        };
        Ok(HEADER.map(describe).collect())
    }
}

fn set_pull(pin: &mut InputPin, pull: Pull) {
    match pull {
        Pull::AsIs => {}
        Pull::Up => pin.set_bias(Bias::PullUp),
        Pull::Down => pin.set_bias(Bias::PullDown),
        Pull::None => pin.set_bias(Bias::Off),
    }
}

/// What the callback's thread and the loop share.
struct Shared {
    edges: Mutex<Edges>,
    active_low: AtomicBool,
    wake: Arc<WakeSlot>,
}

#[derive(Default)]
struct Edges {
    queue: VecDeque<(Instant, Level)>,
    seen: Option<u32>,
    lost: u32,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Edges> {
        self.edges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn logical(&self, high: bool) -> Level {
        Level::from_bool(high != self.active_low.load(Ordering::Relaxed))
    }

    fn push(&self, event: gpio::Event) {
        let at = Instant::from_micros(u64::try_from(event.timestamp.as_micros()).unwrap_or(u64::MAX));
        let level = self.logical(event.trigger == Trigger::RisingEdge);
        {
            let mut edges = self.lock();
            let gap = edges.seen.map_or(0, |seen| event.seqno.wrapping_sub(seen.wrapping_add(1)));
            edges.seen = Some(event.seqno);
            edges.lost = edges.lost.saturating_add(gap);
            if edges.queue.len() == MAX_EDGES {
                edges.queue.pop_front();
                edges.lost = edges.lost.saturating_add(1);
            }
            edges.queue.push_back((at, level));
        }
        self.wake.wake();
    }
}

struct RppalInput {
    pin: InputPin,
    shared: Arc<Shared>,
    masked: bool,
}

impl InputLine for RppalInput {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn take(&mut self, now: Instant, give: &mut dyn FnMut(Taken)) -> Result<(), LineError> {
        let mut edges = self.shared.lock();
        if edges.lost > 0 {
            let at = edges.queue.front().map_or(now, |&(at, _)| at);
            give(Taken::Lost { at, count: std::mem::take(&mut edges.lost) });
        }
        for (at, level) in edges.queue.drain(..) {
            if !self.masked {
                give(Taken::Edge { at, level });
            }
        }
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        self.shared.lock().queue.front().map(|&(at, _)| at)
    }

    fn level(&self) -> Result<Level, LineError> {
        Ok(self.shared.logical(self.pin.is_high()))
    }

    fn reconfigure(&mut self, spec: &InputSpec) -> Result<(), LineError> {
        set_pull(&mut self.pin, spec.pull);
        self.shared.active_low.store(spec.active == Active::Low, Ordering::Relaxed);
        Ok(())
    }

    fn mask(&mut self, masked: bool) {
        // rppal would have to stop and start its thread; dropping the edges here costs less.
        self.masked = masked;
    }
}

struct RppalOutput(Mutex<(OutputPin, bool)>);

impl OutputLine for RppalOutput {
    fn set(&self, level: Level) -> Result<(), LineError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let high = level.is_on() != state.1;
        state.0.write(if high { gpio::Level::High } else { gpio::Level::Low });
        Ok(())
    }

    fn reconfigure(&self, spec: &OutputSpec, level: Level) -> Result<(), LineError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = spec.active == Active::Low;
        self.set(level)
    }
}
