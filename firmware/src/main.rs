//! Campanile on a microcontroller: the unchanged core and event loop, a program with its wiring, compiled on a host and
//! linked in, and a [board](board). The log goes out over the serial port. README.md explains how to port it to another
//! board.
#![no_std]
#![no_main]

mod board;
mod choice;
mod clock;
mod edges;
mod executor;
mod lines;
#[cfg(feature = "link")]
mod link;
mod machine;
mod parts;
#[cfg_attr(feature = "link", allow(dead_code, reason = "the link takes the log"))]
mod recorder;
mod register;
#[cfg(feature = "replay")]
mod replay;
mod serial;
mod storage;
#[cfg_attr(feature = "link", allow(dead_code, reason = "the link takes the log"))]
mod stream;
#[cfg(feature = "link")]
mod trace;
mod wiring;

use core::cell::RefCell;

use board::{Board as _, This};
use campanile_core::engine::Engine;
use campanile_core::link::Verdict;
use campanile_core::program::image;
use campanile_core::runner::{self, Message, Options, Start};
use choice::Choice;
#[cfg(feature = "link")]
use choice::PassedOver;
use embassy_executor::Spawner;
use embassy_executor::raw::Executor;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use lines::Lines;
#[cfg(not(feature = "link"))]
use recorder::Recorder;
use static_cell::{ConstStaticCell, StaticCell};
use storage::Storage;

/// Inputs and outputs that a program may have.
const INPUTS: usize = 16;
const OUTPUTS: usize = 8;

campanile_core::capacity! {
    /// What the firmware has room for. A program that needs more is refused at the start.
    Satellite {
        inputs: INPUTS, outputs: OUTPUTS, sensors: 2, variables: 8, triggers: 16, schedules: 2, scenarios: 16, runs: 16,
        code: 160, log: <This as board::Board>::LOG,
    }
}

/// The program that is linked in, with its wiring.
static BUNDLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bundle"));

/// What goes in besides edges: what comes over the link.
static MESSAGES: Channel<CriticalSectionRawMutex, Message, 4> = Channel::new();
static ENGINE: ConstStaticCell<Engine<Satellite>> = ConstStaticCell::new(Engine::new());
static EXECUTOR: StaticCell<Executor> = StaticCell::new();

/// Called by the machine's entry, with interrupts switched off.
fn main() -> ! {
    let store = storage::open();
    let engine = ENGINE.take();
    let choice = choice::connect(store.as_ref(), &engine.room());
    This::start();
    clock::on_alarm();
    machine::listen();
    executor::run(EXECUTOR.init(Executor::new(core::ptr::null_mut())), |spawner| {
        spawn(spawner, engine, store, choice);
    })
}

/// Apart, so that the task is on the stack while it is put into its place, and no longer.
#[inline(never)]
fn spawn(spawner: Spawner, engine: &'static mut Engine<Satellite>, store: Option<Storage>, choice: Choice) {
    // The one task has its place: the only error there is.
    if let Ok(task) = node(engine, store, choice) {
        spawner.spawn(task);
    }
}

/// The node's life. Without storage it has no number of starts of its own: it says 0, and whoever takes the log gives
/// it one.
#[embassy_executor::task]
async fn node(engine: &'static mut Engine<Satellite>, mut store: Option<Storage>, choice: Choice) {
    #[cfg(feature = "replay")]
    replay::run(engine).await;
    #[cfg(feature = "link")]
    if let Some(PassedOver { program, why }) = choice.passed_over {
        trace::info!("program {=u64:016x} is refused: {}", program, why);
    }
    let Some(wanted) = choice.image else {
        // There is nothing to keep safe.
        return stream::refuse(choice.passed_over.map_or(Verdict::Malformed, |program| program.why));
    };
    let recalled = store.as_mut().and_then(|store| storage::remember(store, engine));
    let before = recalled.and_then(|recalled| storage::bundle_of(store.as_ref(), recalled.program));
    // What the state is of goes on first, and the wanted program takes over from it.
    let image = match before.map(|bundle| (choice::check(&bundle, &engine.room()), bundle.image)) {
        Some((Ok(wiring), image)) if image != wanted => {
            wiring.connect();
            let _ = MESSAGES.try_send(Message::Install { hash: image::hash(wanted) });
            image
        }
        _ => wanted,
    };
    let recalled = recalled.filter(|recalled| recalled.program == image::hash(image));
    let boot = store.as_mut().map_or(0, |store| store.begin_next(This::random(), image::hash(image)));
    let store = store.map(RefCell::new);
    let kept = store.as_ref().map(|store| storage::items(store, recalled)).into_iter().flatten();
    #[cfg(not(feature = "link"))]
    let recorder = &mut Recorder::new(store.as_ref(), boot);
    #[cfg(feature = "link")]
    let recorder = &mut link::Link::new(store.as_ref(), boot, engine.room());
    let lines = &mut Lines;
    let start = Start { image, boot, off: None, clock: None };
    let Ok(recorded) = runner::start(engine, clock::now(), start, kept, lines, recorder).await else {
        // It was checked: the engine takes it.
        return stream::refuse(Verdict::Refused);
    };
    let options = Options { recorded: Some(recorded), ..Options::INTERRUPTS };
    runner::run(engine, &mut edges::taken(), MESSAGES.receiver(), lines, recorder, options).await;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    machine::restart()
}
