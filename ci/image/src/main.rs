//! The engine on a Cortex-M0 with nothing around it: sixteen pins are polled, outputs driven, the log
//! sent byte for byte. It exists to be sized and to be searched for panics, so it does all that a port
//! does with the engine, and nothing in it can panic. A real port uses the runner.
#![no_std]
#![no_main]

mod board;

use campanile_core::effect::Effect;
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::log::Cursor;
use campanile_core::time::Instant;
use cortex_m_rt::entry;

#[cfg(feature = "doorbell")]
campanile_core::capacity! {
    /// A doorbell, and nothing else.
    Small {
        inputs: 4, outputs: 4, sensors: 1, variables: 4, triggers: 4, schedules: 1, scenarios: 4, runs: 4,
        code: 64, log: 512,
    }
}

#[cfg(feature = "house")]
campanile_core::capacity! {
    /// A small house.
    Small {
        inputs: 32, outputs: 16, sensors: 8, variables: 32, triggers: 64, schedules: 8, scenarios: 32, runs: 32,
        code: 1024, log: 8192,
    }
}

#[cfg(not(any(feature = "doorbell", feature = "house")))]
campanile_core::capacity! {
    /// What the budget is for: 16 inputs, 16 scenarios, 2 KiB of log. Each scenario needs a run, a trigger, and the ten bytes
    /// of code that pulse an output.
    Small {
        inputs: 16, outputs: 8, sensors: 2, variables: 8, triggers: 16, schedules: 2, scenarios: 16, runs: 16,
        code: 160, log: 2048,
    }
}

/// Pins 0 to 15 are inputs, those from here on outputs.
const FIRST_OUTPUT: u32 = 16;

#[entry]
fn main() -> ! {
    static mut ENGINE: Engine<Small> = Engine::new();
    #[cfg(feature = "panicking")]
    may_panic();
    let mut node = Node { engine: ENGINE, clock: board::Clock::start(), sent: Cursor::default() };
    node.start();
    let mut before = board::pins();
    loop {
        let pins = board::pins();
        node.settle();
        for (id, input) in (0u8..16).map(|id| (id, InputId(id))) {
            let mask = 1u32.checked_shl(u32::from(id)).unwrap_or(0);
            if (pins ^ before) & mask != 0 {
                node.feed(Input::Edge { input, level: Level::from_bool(pins & mask != 0) });
            }
        }
        before = pins;
        node.send_log();
    }
}

struct Node {
    engine: &'static mut Engine<Small>,
    clock: board::Clock,
    sent: Cursor,
}

impl Node {
    fn start(&mut self) {
        // Without a program the node waits for one: inputs are refused and nothing is driven.
        let _ = self.engine.load(Instant::ZERO, board::program());
        self.sent = self.engine.log().tail();
        let pins = board::pins();
        for id in 0u8..16 {
            let on = pins & 1u32.checked_shl(u32::from(id)).unwrap_or(0) != 0;
            self.feed(Input::Level { input: InputId(id), level: Level::from_bool(on), why: LevelWhy::Start });
        }
        self.feed(Input::Clock { unix: 0, offset: 0, trusted: false });
    }

    /// What is due by now.
    fn settle(&mut self) -> Instant {
        let now = Instant::from_micros(self.clock.now());
        loop {
            match self.engine.poll(now) {
                Step::Do(Effect::SetOutput { output, level }) => {
                    board::drive(FIRST_OUTPUT.saturating_add(u32::from(output.0)), level.is_on());
                }
                // The pins are read all the time: there is no edge that could have been lost.
                Step::Do(_) | Step::Again => {}
                Step::Idle { .. } => return now,
            }
        }
    }

    fn feed(&mut self, input: Input) {
        let now = self.settle();
        // Refused is what the program has no place for: this image wires all pins, the program some.
        let _ = self.engine.handle(now, input);
    }

    fn send_log(&mut self) {
        let mut bytes = [0; 64];
        match self.engine.log().copy(self.sent, &mut bytes) {
            Ok((len, next)) => {
                bytes.get(..len).unwrap_or_default().iter().copied().for_each(board::send);
                self.sent = next;
            }
            Err(lagged) => self.sent = lagged.resume,
        }
    }
}

/// An index that the compiler cannot see to be in bounds.
#[cfg(feature = "panicking")]
fn may_panic() {
    let table = core::hint::black_box([1u8, 2, 3]);
    core::hint::black_box(table[core::hint::black_box(1usize)]);
}

/// Never inlined: if anything in the image can panic, this symbol is there to be found.
#[panic_handler]
#[inline(never)]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
