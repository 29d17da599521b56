//! The rig that holds a board: an emulated one, whose button is pressed from outside as a switch does it, whose chime
//! is watched, and whose log is taken from its serial line and executed again here. `ci/firmware.sh` calls it.
//!
//! It holds that each bouncing press is one press and one chime, that the pin of the chime does what the log says, and
//! that the log comes to the same bytes here (I2). It prints one line, with figures; the log is left as it came, and as
//! text, in any case.

mod board;
mod log;
mod machine;
mod truth;
mod visit;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use campanile_delivery::symbols::Symbols;
use campanile_sim::prng::Prng;

use board::Board;
use log::Log;
use machine::Machine;
use visit::Visit;

/// So many visits must have come through as they were meant, of at most so many.
const VISITS: (usize, usize) = (3, 20);

const USAGE: &str = "usage: rig BOARD QEMU ELF IMAGE STACK-END STACK-START FOLDER";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [board, qemu, elf, image, stack_end, stack_start, folder] = args.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let stack = (stack_end.as_str(), stack_start.as_str());
    match hold(board, Path::new(qemu), Path::new(elf), Path::new(image), stack, Path::new(folder)) {
        Ok(line) => {
            println!("{board}: {line}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{board}: {why}\nthe log, as far as it came, is in {folder}");
            ExitCode::FAILURE
        }
    }
}

fn hold(
    board: &str,
    qemu: &Path,
    elf: &Path,
    image: &Path,
    stack: (&str, &str),
    folder: &Path,
) -> Result<String, String> {
    let board = Board::named(board)?;
    let symbols = PathBuf::from(format!("{}.symbols.json", image.display()));
    let symbols =
        Symbols::decode(&read(&symbols)?).map_err(|error| format!("{}: {error}", symbols.display()))?;
    let image = read(image)?;
    let stack = (address(stack.0)?, address(stack.1)?);
    let mut machine = Machine::start(board, qemu, elf, folder)?;
    let visits = visit_often(&mut machine);
    let deepest = machine.deepest(stack);
    let bytes = machine.received();
    let chimes = machine.chimes();
    drop(machine);
    // Also if a visit went wrong: then somebody will want to see it.
    let log = leave(&bytes, &symbols, folder)?;
    let visits = visits?;
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
    Ok(format!(
        "{} visits with {edges} edges, one press and one chime each; {} records in {} bytes replay to the same bytes, and \
         none of {altered} altered ones does; stack {} B of {} B",
        visits.len(),
        log.records.len(),
        log.bytes(),
        deepest,
        stack.1 - stack.0,
    ))
}

/// A visit that this machine was too busy to play as it was meant does not count.
fn visit_often(machine: &mut Machine) -> Result<Vec<Visit>, String> {
    let mut place = machine.wait_for("its start", Log::is_ready)?.records.len();
    let mut prng = Prng::new(1).fork("visits");
    let mut visits = Vec::new();
    for _ in 0..VISITS.1 {
        visits.extend(visit::visit(machine, &mut place, &mut prng)?);
        if visits.len() == VISITS.0 {
            // What follows the last of them is in the log, too.
            std::thread::sleep(Duration::from_millis(200));
            let log = machine.wait_for("its log", Log::is_ready)?;
            clocks_agree(&log, machine.age())?;
            return Ok(visits);
        }
    }
    let (most, came) = (VISITS.1, visits.len());
    Err(format!("of {most} visits only {came} were played as switches do: this machine is too busy"))
}

/// The board's clock is not of another order than this machine's, which is a little older.
fn clocks_agree(log: &Log, here: Duration) -> Result<(), String> {
    let there = log.records.last().map_or(Duration::ZERO, |last| Duration::from_micros(last.at.micros()));
    if there > here + here / 100 || there < here / 8 {
        return Err(format!("what took {here:?} here took {there:?} there: is the board's clock set right?"));
    }
    Ok(())
}

/// The log as bytes, and as text.
fn leave(bytes: &[u8], symbols: &Symbols, folder: &Path) -> Result<Log, String> {
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).map_err(|error| format!("{name} cannot be written: {error}"))
    };
    write("uart.bin", bytes)?;
    let log = Log::of(bytes)?;
    write("log.txt", log.text(symbols).as_bytes())?;
    Ok(log)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn address(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).map_err(|_| format!("{text} is no address"))
}
