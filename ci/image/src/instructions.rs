//! What the engine takes of a Cortex-M0, in instructions: the parts of `core/benches/engine.rs` that budgets speak of, in
//! QEMU, whose clock moves on by a fixed time with every instruction. Run and read by `ci/nostd.sh instructions`.
#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;
use core::ptr;

use campanile_core::debounce::{Algorithm, Debounce};
use campanile_core::engine::{Engine, Step};
use campanile_core::id::{InputId, Level, OutputId, ScenarioId};
use campanile_core::input::{Input, LevelWhy};
use campanile_core::program::code::Step as Code;
use campanile_core::program::{InputDef, On, OutputDef, Parts, ScenarioDef, TriggerDef, image};
use campanile_core::time::{Duration, Instant};
use campanile_core::wire::{Wire, Writer};
use cortex_m_rt::entry;

campanile_core::capacity! {
    /// As the image that is sized.
    Small {
        inputs: 16, outputs: 8, sensors: 2, variables: 8, triggers: 16, schedules: 2, scenarios: 16, runs: 16,
        code: 160, log: 2048,
    }
}

/// TIMER0 of the nRF51822: starts, captures, is 32 bits wide, counts at 16 MHz, and what it captured.
const START: usize = 0x4000_8000;
const CAPTURE0: usize = 0x4000_8040;
const BITMODE: usize = 0x4000_8508;
const PRESCALER: usize = 0x4000_8510;
const CC0: usize = 0x4000_8540;

const GUARDED: Algorithm = Algorithm::Eager { t_us: 20_000, after_us: 1_000 };
/// Its edges come shortly before the line counts as quiet: no reading falls between two of them.
const KEY: Debounce = Debounce { press: GUARDED, release: GUARDED, max_wait_us: 0 };
/// Chatters faster than its guard in `raw`.
const CHATTER: InputId = InputId(3);
const BUTTON: InputId = InputId(2);

#[entry]
fn main() -> ! {
    static mut ENGINE: Engine<Small> = Engine::new();
    write(BITMODE, 3);
    write(PRESCALER, 0);
    write(START, 1);
    report(b"raw", |rounds| raw(ENGINE, rounds));
    report(b"press", |rounds| press(ENGINE, rounds));
    exit()
}

/// Says what so many rounds took, and twice as many, so that the start cancels out: the timer's ticks of both.
fn report(name: &[u8], mut part: impl FnMut(u32)) {
    name.iter().copied().for_each(say);
    for rounds in [100, 200] {
        let before = ticks();
        part(rounds);
        say(b' ');
        number(ticks().wrapping_sub(before));
    }
    say(b'\n');
}

/// Edges that decide nothing.
fn raw(engine: &mut Engine<Small>, rounds: u32) {
    start(engine);
    // Counted up: a multiplication in 64 bits would take as much as a good part of an edge.
    let (mut at, mut level) = (1_000_000, Level::On);
    for _ in 0..rounds {
        feed(engine, Instant::from_micros(at), Input::Edge { input: black_box(CHATTER), level });
        (at, level) = (at + 300, level.opposite());
    }
}

/// From press to end: edge, event, run, two sets with their effects, end.
fn press(engine: &mut Engine<Small>, rounds: u32) {
    start(engine);
    let (mut at, mut level) = (1_000_000, Level::On);
    for _ in 0..rounds {
        feed(engine, Instant::from_micros(at), Input::Edge { input: BUTTON, level });
        settle(engine, Instant::from_micros(at + 2_000));
        (at, level) = (at + 20_500, level.opposite());
    }
}

fn start(engine: &mut Engine<Small>) {
    let steps = [
        Code::Set { output: OutputId(0), level: Level::On },
        Code::Set { output: OutputId(0), level: Level::Off },
    ];
    let mut code = [0; 8];
    let mut w = Writer::new(&mut code);
    steps.iter().for_each(|step| step.put(&mut w));
    let len = w.finish().unwrap_or(0);
    let code = code.get(..len).unwrap_or_default();
    let parts = Parts {
        inputs: &[InputDef { line: 1, debounce: KEY, storm: 0 }; 16],
        outputs: &[OutputDef::default(); 8],
        triggers: &[TriggerDef {
            scenario: ScenarioId(0),
            on: On::Input { input: BUTTON, to: None, hold: Duration::ZERO },
        }],
        scenarios: &[ScenarioDef { body: code.len() as u16, ..Default::default() }],
        code,
        ..Default::default()
    };
    let mut bytes = [0; 512];
    let len = image::encode(&parts, &mut bytes).unwrap_or(0);
    if engine.load(Instant::ZERO, bytes.get(..len).unwrap_or_default()).is_err() {
        b"refused".iter().copied().for_each(say);
        exit();
    }
    settle(engine, Instant::ZERO);
    for input in (0..16).map(InputId) {
        feed(engine, Instant::ZERO, Input::Level { input, level: Level::Off, why: LevelWhy::Start });
    }
    feed(engine, Instant::ZERO, Input::Clock { unix: 0, offset: 0, trusted: false });
}

fn feed(engine: &mut Engine<Small>, at: Instant, input: Input) {
    while engine.handle(at, input).is_err() {
        settle(engine, at);
    }
    settle(engine, at);
}

fn settle(engine: &mut Engine<Small>, now: Instant) {
    while !matches!(engine.poll(now), Step::Idle { .. }) {}
}

fn write(register: usize, value: u32) {
    // SAFETY: the addresses above are writable, aligned, 32-bit registers of the nRF51822; none touches memory.
    unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(register), value) }
}

fn ticks() -> u32 {
    write(CAPTURE0, 1);
    // SAFETY: a readable, aligned, 32-bit register of the nRF51822.
    unsafe { ptr::read_volatile(ptr::with_exposed_provenance(CC0)) }
}

fn number(value: u32) {
    if value >= 10 {
        number(value / 10);
    }
    say(b'0' + (value % 10) as u8);
}

/// Asks QEMU for something: semihosting.
fn ask(what: u32, with: usize) {
    // SAFETY: the host reads what `with` points to, or takes it as a number; a register is all that comes back.
    unsafe { asm!("bkpt 0xab", inout("r0") what => _, in("r1") with) }
}

fn say(byte: u8) {
    const SYS_WRITEC: u32 = 3;
    ask(SYS_WRITEC, ptr::from_ref(&byte).expose_provenance());
}

fn exit() -> ! {
    const SYS_EXIT: u32 = 0x18;
    const APPLICATION_EXIT: usize = 0x2_0026;
    ask(SYS_EXIT, APPLICATION_EXIT);
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    b"panic".iter().copied().for_each(say);
    exit()
}
