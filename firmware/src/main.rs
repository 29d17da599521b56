//! Campanile on a microcontroller: the core and its loop as they are, a program with its wiring that was compiled on a
//! host and linked in, and a [board](board). The log goes out over the serial line. How to bring it to another board is in
//! README.md.
#![no_std]
#![no_main]

mod board;
mod clock;
mod edges;
mod executor;
mod lines;
mod machine;
mod parts;
mod recorder;
mod register;
#[cfg(feature = "replay")]
mod replay;
mod serial;
mod wiring;

use board::{Board as _, This};
use campanile_core::engine::Engine;
use campanile_core::link::Verdict;
use campanile_core::link::bundle::Bundle;
use campanile_core::program::verify::LoadError;
use campanile_core::runner::{self, Message, Options, Start};
use embassy_executor::raw::Executor;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use lines::Lines;
use recorder::Stream;
use static_cell::{ConstStaticCell, StaticCell};
use wiring::Wiring;

/// Inputs and outputs that a program may have.
const INPUTS: usize = 16;
const OUTPUTS: usize = 8;

campanile_core::capacity! {
    /// What the firmware has room for. A program that needs more is refused at the start.
    Satellite {
        inputs: INPUTS, outputs: OUTPUTS, sensors: 2, variables: 8, triggers: 16, schedules: 2, scenarios: 16, runs: 16,
        code: 160, log: 2048,
    }
}

/// The program that is linked in, with its wiring.
static BUNDLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bundle"));

/// What goes in besides edges. Nobody sends yet: there is no link.
static MESSAGES: Channel<CriticalSectionRawMutex, Message, 1> = Channel::new();
static ENGINE: ConstStaticCell<Engine<Satellite>> = ConstStaticCell::new(Engine::new());
static EXECUTOR: StaticCell<Executor> = StaticCell::new();

/// Called by the machine's entry, with interrupts switched off.
fn main() -> ! {
    let program = connect(BUNDLE);
    This::start();
    clock::ring();
    machine::listen();
    let engine = ENGINE.take();
    executor::run(EXECUTOR.init(Executor::new(core::ptr::null_mut())), |spawner| {
        // The one task has its place: the only error there is.
        if let Ok(task) = node(engine, program) {
            spawner.spawn(task);
        }
    })
}

/// Sets up the pins of a program, and gives its image.
fn connect(bundle: &'static [u8]) -> Result<&'static [u8], Verdict> {
    let bundle = Bundle::open(bundle).ok_or(Verdict::Malformed)?;
    Wiring::of(&bundle)?.connect();
    Ok(bundle.image)
}

/// The node's life. Without storage it has no number of starts of its own: it says 0, and whoever takes the log gives
/// it one.
#[embassy_executor::task]
async fn node(engine: &'static mut Engine<Satellite>, program: Result<&'static [u8], Verdict>) {
    #[cfg(feature = "replay")]
    replay::run(engine).await;
    let (lines, stream) = (&mut Lines, &mut Stream::new());
    let image = match program {
        Ok(image) => image,
        // There is nothing to keep safe.
        Err(why) => return recorder::refuse(why),
    };
    let start = Start { image, boot: 0, off: None, clock: None };
    let recorded = match runner::start(engine, clock::now(), start, [], lines, stream).await {
        Ok(recorded) => recorded,
        // The outputs stay safe.
        Err(LoadError::TooMany { .. }) => return recorder::refuse(Verdict::NoRoom),
        Err(_) => return recorder::refuse(Verdict::Refused),
    };
    let options = Options { recorded: Some(recorded), ..Options::INTERRUPTS };
    runner::run(engine, &mut &edges::EDGES, MESSAGES.receiver(), lines, stream, options).await;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    machine::restart()
}
