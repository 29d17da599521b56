//! The loop: the runner of the core on an OS thread of its own, with real-time priority where that is allowed.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use campanile_core::capacity::Host;
use campanile_core::engine::Engine;
use campanile_core::input::Input;
use campanile_core::program::verify::LoadError;
use campanile_core::restore::Restore;
use campanile_core::runner::{self, Options, Start};
use campanile_core::time::Duration;
use tokio::sync::oneshot;

use super::house::House;
use super::inlet::Inlet;
use super::intake::Intake;
use super::lines::{Lines, now};
use super::park::{LinePark, Pulse};
use super::pins::{LineEdges, LineOutputs};
use super::programs::Program;
use super::recorder::Recorder;
use crate::zone::ZoneOffsets;

/// The name of the loop's thread: the safety net listens to its panics.
pub const THREAD: &str = "campanile-loop";

/// Above all ordinary work, below the kernel's interrupt threads (50).
const PRIORITY: i32 = 10;

/// What a loop begins with.
pub struct Setup {
    /// The program that it loads: the one that runs, or the one that ran before.
    pub first: Arc<Program>,
    /// This start.
    pub boot: u64,
    /// How long the node was off, if anyone knows.
    pub off: Option<Duration>,
    /// The time of day.
    pub clock: Input,
    /// What outlived the last run, in ids of `first`.
    pub kept: Vec<Restore>,
    /// The open lines of `first`.
    pub lines: Lines,
    /// When local time changes.
    pub zone: ZoneOffsets,
    /// The programs.
    pub house: Arc<House>,
    /// Where the log goes.
    pub inlet: Arc<Inlet>,
    /// Where messages come from.
    pub intake: Intake,
    /// Told once the loop turns.
    pub started: oneshot::Sender<Running>,
}

/// A loop that turns.
#[derive(Debug)]
pub struct Running {
    /// It has real-time priority.
    pub realtime: bool,
    /// Its pulse.
    pub pulse: Pulse,
}

/// Why a loop did not even begin.
#[derive(Debug)]
pub enum LoopError {
    /// The engine refuses the program.
    Program(LoadError),
    /// The system has no descriptor left for it.
    Io(std::io::Error),
}

impl std::fmt::Display for LoopError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Program(error) => write!(f, "the engine refuses the program: {error}"),
            Self::Io(error) => write!(f, "the loop cannot sleep: {error}"),
        }
    }
}

/// Runs until a `Stop`; outputs are safe then.
///
/// # Errors
/// It did not begin.
pub fn run(setup: Setup) -> Result<(), LoopError> {
    let Setup { first, boot, off, clock, kept, lines, zone, house, inlet, intake, started } = setup;
    let realtime = take_priority();
    let lines = Rc::new(RefCell::new(lines));
    let park = LinePark::new(lines.clone()).map_err(LoopError::Io)?;
    let pulse = park.pulse();
    let mut engine = Box::new(Engine::<Host>::new());
    let mut edges = LineEdges(lines.clone());
    let mut outputs = LineOutputs { lines, house: house.clone() };
    let mut recorder = Recorder::new(inlet, house);
    campanile_clock::block_on(
        async {
            let start = Start { image: &first.image, boot, off, clock: Some(clock) };
            let recorded = runner::start(&mut engine, now(), start, kept, &mut outputs, &mut recorder)
                .await
                .map_err(LoopError::Program)?;
            // Whoever waits for it may be gone.
            let _ = started.send(Running { realtime, pulse });
            let options = Options { zone: Some(zone.table()), recorded: Some(recorded), ..Options::LINUX };
            runner::run(&mut *engine, &mut edges, intake.messages(), &mut outputs, &mut recorder, options)
                .await;
            Ok(())
        },
        park,
    )
}

/// Asks for real-time priority for this thread; whether it was given.
fn take_priority() -> bool {
    let parameters = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: `parameters` is valid for the call and no longer; 0 names the calling thread.
    let given = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) } == 0;
    if !given {
        tracing::info!(
            "no real-time priority for the loop: edges keep their kernel stamps, reactions may be late under load \
             (CAP_SYS_NICE or LimitRTPRIO= gives it)"
        );
    }
    given
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::boards::{BoardSpec, InputLine, InputSpec, LineError, Taken, WakeSlot};
    use crate::daemon::board_set::BoardSet;
    use crate::daemon::lines::OpenInput;
    use crate::daemon::loaded::Origin;
    use crate::daemon::safety::SafetyNet;
    use crate::daemon::wall::Sample;
    use crate::daemon::wiring::Wiring;
    use campanile_core::id::{Level, OutputId};
    use campanile_core::input::{Op, Origin as From};
    use campanile_core::runner::Message;
    use campanile_core::time::Instant;

    const HOUSE: &str = r#"
        node.name = "test"
        boards.desk.kind = "virtual"
        inputs.button.line = "A"
        outputs.relay.line = "B"
    "#;

    /// A line whose driver has a bug, which shows once it is told so. It is looked at again and again.
    struct Broken(Arc<AtomicBool>);

    impl InputLine for Broken {
        fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
            None
        }
        fn take(&mut self, _: Instant, _: &mut dyn FnMut(Taken)) -> Result<(), LineError> {
            assert!(!self.0.load(Ordering::Relaxed), "on purpose");
            Ok(())
        }
        fn due(&self) -> Option<Instant> {
            Some(now().plus(Duration::from_millis(1)))
        }
        fn level(&self) -> Result<Level, LineError> {
            Ok(Level::Off)
        }
        fn reconfigure(&mut self, _: &InputSpec) -> Result<(), LineError> {
            Ok(())
        }
        fn mask(&mut self, _: bool) {}
    }

    #[test]
    fn a_panic_in_the_loop_ends_it_with_the_outputs_safe() {
        let origin = Origin::Text { name: "test".into(), text: HOUSE.into() };
        let loaded = origin.load(false).unwrap();
        let program = loaded.program.clone();
        let (mut boards, wake, net) = (BoardSet::default(), Arc::<WakeSlot>::default(), SafetyNet::default());
        let (mut inputs, outputs) =
            boards.open(&Wiring::default(), &program.wiring, &wake).unwrap().into_parts();
        let board = boards.virtual_board().clone();
        let broken = Arc::<AtomicBool>::default();
        let spec = inputs.remove(0).spec;
        inputs.push(OpenInput { board: BoardSpec::Virtual, spec, line: Box::new(Broken(broken.clone())) });
        net.on_panic_of(THREAD);
        let (house, intake) = (Arc::new(House::new(&program)), Intake::default());
        let (started, mut running) = oneshot::channel();
        let setup = Setup {
            first: program,
            boot: 1,
            off: None,
            clock: Sample::take(&loaded.zone).input(),
            kept: Vec::new(),
            lines: Lines::new(inputs, outputs, wake, net),
            zone: ZoneOffsets::new(&loaded.zone, jiff::Timestamp::now()),
            house,
            inlet: Arc::default(),
            intake: intake.clone(),
            started,
        };
        let thread = std::thread::Builder::new().name(THREAD.into()).stack_size(8 << 20);
        let thread = thread.spawn(move || run(setup)).unwrap();
        let op = Op::Set { output: OutputId(0), level: Level::On };
        assert!(intake.try_send(Message::Command { origin: From::Local, id: 1, op, issued: now() }));
        while !board.level("B", now()) {
            assert!(!thread.is_finished(), "the loop ended before its time");
            std::thread::yield_now();
        }
        broken.store(true, Ordering::Relaxed);
        assert!(thread.join().is_err(), "the loop went on");
        assert!(running.try_recv().is_ok());
        assert!(!board.level("B", now()), "the output stayed on");
    }
}
