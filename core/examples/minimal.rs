//! A port on a page: fake hardware, one button, one chime. `cargo run -p campanile-core --example minimal`
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "an example may fail loudly")]
use campanile_clock::{ThreadPark, block_on, now_us};
use campanile_core::capacity::Tiny;
use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::engine::Engine;
use campanile_core::id::{InputId, Level, OutputId, ScenarioId};
use campanile_core::log::{Cursor, EventLog};
use campanile_core::program::{InputDef, On, OutputDef, Parts, ScenarioDef, TriggerDef, image};
use campanile_core::runner::{self, EdgeQueue, Message, Options, Outputs, Recorder, Refused, Start};
use campanile_core::time::{Duration, Instant};
use embassy_futures::join::join;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::Timer;
use std::sync::atomic::{AtomicBool, Ordering};

static PIN: AtomicBool = AtomicBool::new(false);
static EDGES: EdgeQueue<CriticalSectionRawMutex, 16, 1> = EdgeQueue::new(); // filled by the interrupt
static MESSAGES: Channel<CriticalSectionRawMutex, Message, 4> = Channel::new();
struct Board;
impl Outputs for Board {
    fn set(&mut self, output: OutputId, level: Level) -> Result<(), Refused> {
        println!("  line of {output:?} is driven {level:?}"); // write the pin
        Ok(())
    }
    fn read(&mut self, _: InputId) -> Option<Level> {
        Some(Level::from_bool(PIN.load(Ordering::Relaxed))) // read the pin
    }
}
struct Console;
impl Recorder for Console {
    fn record(&mut self, log: &EventLog<'_>, mut from: Cursor) -> Cursor {
        while let Ok(Some((entry, next))) = log.read(from) {
            println!("{:4} {:9} us  {:?}", entry.seq, entry.at.micros(), entry.record);
            from = next;
        }
        from
    }
}

/// Stands for the interrupt of a pin: a press that bounces, then the end of the day.
async fn visitor() {
    for (wait_us, level) in [(5_000, Level::On), (300, Level::Off), (200, Level::On), (90_000, Level::Off)] {
        Timer::after_micros(wait_us).await;
        PIN.store(level.is_on(), Ordering::Relaxed);
        EDGES.push(Instant::from_micros(now_us()), InputId(0), level);
    }
    Timer::after_millis(50).await;
    MESSAGES.send(Message::Stop).await;
}

/// Chime on, 100 ms, chime off, when the button is pressed. Real programs are compiled on a host from a TOML file.
fn program(buf: &mut [u8]) -> &[u8] {
    let debounce = Debounce { press: Algorithm::Defer { t_us: 5_000 }, ..Default::default() };
    let pressed = On::Input { input: InputId(0), to: Some(Level::On), hold: Duration::ZERO };
    let code = [
        1, 0, 1, // Set: output 0, on
        2, 0xa0, 0x8d, 0x06, // Wait: 100,000 us as a varint
        1, 0, 0, // Set: output 0, off; the run ends with the code
    ];
    let parts = Parts {
        inputs: &[InputDef { line: 1, debounce, storm: 500 }],
        outputs: &[OutputDef { line: 2, safe: Level::Off, max_on: Duration::ZERO }],
        triggers: &[TriggerDef { scenario: ScenarioId(0), on: pressed }],
        scenarios: &[ScenarioDef { body: 10, ..Default::default() }], // bytes of its code
        code: &code,
        ..Default::default()
    };
    let len = image::encode(&parts, buf).expect("it fits");
    &buf[..len]
}

fn main() {
    let body = async {
        let (mut engine, mut edges, mut buf) = (Engine::<Tiny>::new(), &EDGES, [0; 128]);
        let (pins, log, at) = (&mut Board, &mut Console, Instant::from_micros(now_us()));
        let begin = Start { image: program(&mut buf), boot: 1 << 32, off: None, clock: None };
        let recorded = runner::start(&mut engine, at, begin, [], pins, log).await.expect("a valid program");
        let options = Options { recorded: Some(recorded), ..Options::INTERRUPTS };
        join(visitor(), runner::run(&mut engine, &mut edges, MESSAGES.receiver(), pins, log, options)).await;
    };
    block_on(body, ThreadPark::new()); // the executor and time driver; on a microcontroller, the HAL's
}
