//! The rig that holds an emulated board, and takes its log from its serial line. `ci/firmware.sh` calls it, in three ways:
//!
//! - `press`: the board's button is pressed from outside as tests/traces has it, and its chime is watched. Each bouncing press
//!   is one press and one chime, the pin of the chime does what the log says, and the log comes to the same bytes here (I2). A
//!   pin that interrupts does so no more in a storm, and the next press is one again.
//! - `keep`: the board's power is cut, and its flash is all that is left of it: its starts have numbers of their own, its state
//!   goes on, and what was published is in the flash.
//! - `replay`: the board executes the lives of all cases of tests/scenarios, and comes to the bytes that they came to here; and
//!   those of tests/golden, to the bytes that were committed.
//!
//! It prints one line, with figures. What the board sent is left as it came in any case, and a log as text.

mod board;
mod flash;
mod keep;
mod lives;
mod log;
mod machine;
mod qmp;
mod storm;
mod truth;
mod visit;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use campanile_delivery::symbols::Symbols;
use campanile_tests::bounces;

use board::Board;
use lives::Told;
use log::Log;
use machine::{Kept, Machine};
use storm::Storm;
use visit::Visit;

/// So many visits must have come through as they were meant.
const VISITS: usize = 3;
/// Of at most so many.
const TRIES: usize = 60;

const USAGE: &str = "\
usage: rig press BOARD QEMU ELF FOLDER IMAGE STACK-END STACK-START
       rig keep BOARD QEMU ELF FOLDER IMAGE STACK-END STACK-START OTHER-IMAGE
       rig lives FILE
       rig replay BOARD QEMU ELF FOLDER";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match *args.as_slice() {
        ["press", board, qemu, elf, folder, image, end, start] => {
            Held::of(board, qemu, elf, folder).and_then(|held| press(&held, Path::new(image), (end, start)))
        }
        ["keep", board, qemu, elf, folder, image, end, start, other] => Held::of(board, qemu, elf, folder)
            .and_then(|held| keep(&held, Path::new(image), (end, start), Path::new(other))),
        ["lives", file] => write_lives(Path::new(file)),
        ["replay", board, qemu, elf, folder] => {
            Held::of(board, qemu, elf, folder).and_then(|held| replay(&held))
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("rig {}: {why}", args.join(" "));
            ExitCode::FAILURE
        }
    }
}

/// A board in the rig, its program, and where its log is left.
struct Held<'a> {
    board: &'static Board,
    qemu: &'a Path,
    elf: &'a Path,
    folder: &'a Path,
}

impl<'a> Held<'a> {
    fn of(board: &str, qemu: &'a str, elf: &'a str, folder: &'a str) -> Result<Self, String> {
        let board = Board::named(board)?;
        Ok(Self { board, qemu: Path::new(qemu), elf: Path::new(elf), folder: Path::new(folder) })
    }

    fn start(&self, sent: &str) -> Result<Machine, String> {
        Machine::start(self.board, self.qemu, self.elf, self.folder, sent, Kept::Nothing)
    }
}

fn press(held: &Held<'_>, image: &Path, stack: (&str, &str)) -> Result<String, String> {
    let symbols = PathBuf::from(format!("{}.symbols.json", image.display()));
    let symbols =
        Symbols::decode(&read(&symbols)?).map_err(|error| format!("{}: {error}", symbols.display()))?;
    let image = read(image)?;
    let stack = (address(stack.0)?, address(stack.1)?);
    let mut machine = held.start("press.bin")?;
    let played = play(&mut machine);
    let deepest = machine.deepest(stack);
    let bytes = machine.received();
    let chimes = machine.chimes();
    drop(machine);
    // Also if a visit went wrong: then somebody will want to see it.
    let log = Log::of(&bytes)?;
    let text = held.folder.join("press.txt");
    fs::write(&text, log.text(&symbols)).map_err(|error| format!("{}: {error}", text.display()))?;
    let (visits, storm) = played?;
    if let Some(chimes) = chimes.filter(|chimes| *chimes != log.chimes()) {
        let told = log.chimes();
        return Err(format!("the chime's pin went up and down {chimes:?} times, in the log {told:?}"));
    }
    truth::replay(&log, &image)?;
    let altered = truth::alter_each(&log, &image)?;
    let deepest = deepest?;
    if deepest >= stack.1 - stack.0 {
        return Err("the stack has grown into what lies below it".to_owned());
    }
    let edges: usize = visits.iter().map(|visit| visit.edges).sum();
    let storm = storm.map_or(String::new(), |Storm { moves, masks }| {
        format!("a storm of {moves} moves before the last of them, masked {masks} times; ")
    });
    Ok(format!(
        "{} visits with {edges} edges, one press and one chime each; {storm}{} records in {} bytes replay here to the same \
         bytes, and none of {altered} altered ones does; stack {deepest} B of {} B",
        visits.len(),
        log.records.len(),
        log.bytes(),
        stack.1 - stack.0,
    ))
}

fn keep(held: &Held<'_>, image: &Path, stack: (&str, &str), other: &Path) -> Result<String, String> {
    let part = held.board.store.ok_or("QEMU has no flash for what it keeps")?;
    let (image, other, elf) = (read(image)?, read(other)?, read(held.elf)?);
    let stack = (address(stack.0)?, address(stack.1)?);
    let start = |flash: Kept<'_>, n: u64| {
        let sent = format!("keep-{n}.bin");
        Machine::start(held.board, held.qemu, held.elf, held.folder, &sent, flash)
    };
    let kept = keep::keep(part, &image, held.folder, start)?;
    let swapped = keep::swap(part, (&image, &other, &elf), stack, held.folder, start)?;
    Ok(format!("{kept}; {swapped}"))
}

fn write_lives(file: &Path) -> Result<String, String> {
    let lives = lives::lives()?;
    let bytes = lives::encode(&lives);
    fs::write(file, &bytes).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(format!("{} lives in {} bytes", lives.len(), bytes.len()))
}

fn replay(held: &Held<'_>) -> Result<String, String> {
    let mut lives = lives::lives()?;
    let mut machine = held.start("replay.bin")?;
    let Told { same, records, too_large } =
        machine.wait_until("the end of the lives", |received| lives::compare(&lives, received))?;
    if too_large > 0 {
        return Err(format!("it has no room for the programs of {too_large} lives"));
    }
    let altered = lives::alter_each(&mut lives, &machine.received())?;
    Ok(format!(
        "{same} lives of the cases and of tests/golden, {records} records, come to the same bytes there, and to none of {altered} altered ones"
    ))
}

/// Visits, and where the pin interrupts a storm in front of one more.
fn play(machine: &mut Machine) -> Result<(Vec<Visit>, Option<Storm>), String> {
    let mut place = machine.wait_for("its start", Log::is_ready)?.records.len();
    let mut visits = visit_often(machine, &mut place, VISITS)?;
    let mut storm = None;
    if machine.interrupts() {
        storm = Some(storm::storm(machine, &mut place)?);
        visits.extend(visit_often(machine, &mut place, 1)?);
    }
    // What follows the last of them is in the log, too.
    std::thread::sleep(Duration::from_millis(200));
    let log = machine.wait_for("its log", Log::is_ready)?;
    clocks_agree(&log, machine.age())?;
    Ok((visits, storm))
}

/// So many visits. One that this machine was too busy to play as it was meant does not count.
fn visit_often(machine: &mut Machine, place: &mut usize, wanted: usize) -> Result<Vec<Visit>, String> {
    let trace = bounces::visits();
    let mut visits = Vec::new();
    for moves in trace.iter().cycle().take(TRIES) {
        visits.extend(visit::visit(machine, place, moves)?);
        if visits.len() == wanted {
            return Ok(visits);
        }
    }
    let came = visits.len();
    Err(format!("of {TRIES} visits only {came} were played as switches do: this machine is too busy"))
}

/// The board's clock is not of another order than this machine's, which is a little older.
fn clocks_agree(log: &Log, here: Duration) -> Result<(), String> {
    let there = log.records.last().map_or(Duration::ZERO, |last| Duration::from_micros(last.at.micros()));
    if there > here + here / 100 || there < here / 8 {
        return Err(format!("what took {here:?} here took {there:?} there: is the board's clock set right?"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn address(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).map_err(|_| format!("{text} is no address"))
}
