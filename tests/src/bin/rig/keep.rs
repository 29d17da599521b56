//! What a board with storage keeps: its power is cut at any moment, and its flash is all that is left of it. Each start has
//! a number of its own, the state goes on, and what was published is in the flash.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use campanile_core::decision::Decision;
use campanile_core::id::{Level, VarId};
use campanile_core::input::Input;
use campanile_core::link::Storage;
use campanile_core::link::bundle::{self, Bundle};
use campanile_core::program::image;
use campanile_core::record::{Frame, Record};
use campanile_core::restore::Restore;
use campanile_flash::{Item, Store};
use campanile_sim::prng::Prng;

use crate::board::Part;
use crate::flash::Saved;
use crate::log::Log;
use crate::machine::{Kept, Machine};
use crate::truth;

/// So often the board is reset, ...
const RESETS: u64 = 8;
/// ... and with what follows, in which its power is cut.
const CUTS: u64 = 16;

/// Pages of a slot: as the firmware has them.
const SLOT_PAGES: usize = 4;

/// The lines of a doorbell's bundle, at most.
const LINES_MAX: usize = 100;

/// The doorbell's only output.
const OUTPUTS: usize = 1;

/// The doorbell's only variable.
const RINGS: VarId = VarId(0);

/// What a life has shown on the serial line.
struct Life {
    boot: u64,
    /// How often it had rung, as the life was told at its start; `None` if that was cut off.
    found: Option<i32>,
    /// How often it had rung at the end, as far as that was published.
    left: Option<i32>,
    log: Log,
}

/// Cuts the power, again and again; gives what to say of it. `start` starts the board with this flash, and says where its
/// serial line goes.
pub(crate) fn keep(
    part: Part,
    image: &[u8],
    folder: &Path,
    start: impl Fn(Kept<'_>, u64) -> Result<Machine, String>,
) -> Result<String, String> {
    let file = folder.join("flash.bin");
    let mut prng = Prng::new(7).fork("cuts");
    let (mut rings, mut boots, mut published) = ((0, 0), Vec::new(), 0);
    let mut machine = start(Kept::Blank, 0)?;
    let mut from = 0;
    for cut in 1..=CUTS {
        // Every fourth time the start itself is cut off.
        if cut % 4 == 0 {
            sleep(Duration::from_micros(prng.below(120_000)));
        } else {
            machine.wait_until("a start", |received| {
                let log = Log::of(received.get(from..).unwrap_or_default())?;
                Ok(log.has_started().then_some(()))
            })?;
            machine.press(Level::On)?;
            sleep(Duration::from_millis(60));
            machine.press(Level::Off)?;
            // In the middle of whatever the board does then.
            sleep(Duration::from_micros(prng.below(300_000)));
        }
        machine.power()?.ask(r#"{"execute": "stop"}"#)?;
        machine.save(part, &file)?;
        let received = machine.received();
        if let Some(life) = Life::of(received.get(from..).unwrap_or_default())? {
            truth::replay(&life.log, image)?;
            rings = life.follows(rings, &boots)?;
            boots.push(life.boot);
            published += life.log.records.len();
            holds(&file, &life)?;
        }
        // A reset leaves the flash as it is; after a power cut another machine has what was saved of it.
        from = if cut <= RESETS {
            machine.power()?.ask(r#"{"execute": "system_reset"}"#)?;
            machine.power()?.ask(r#"{"execute": "cont"}"#)?;
            received.len()
        } else {
            drop(machine);
            machine = start(Kept::Saved(&file), cut)?;
            0
        };
    }
    Ok(format!(
        "reset or without power {CUTS} times: {} starts with a number each, {published} records published and in the flash, \
         rung {} times and counted on",
        boots.len(),
        rings.0,
    ))
}

/// Has another program take over, as one that was installed over a link does at the next start: the state goes on under it.
/// Gives what to say of it, and how deep the stack was. `other` rings ten times where the first one rings once.
pub(crate) fn swap(
    part: Part,
    (image, other, elf): (&[u8], &[u8], &[u8]),
    stack: (u64, u64),
    folder: &Path,
    start: impl Fn(Kept<'_>, u64) -> Result<Machine, String>,
) -> Result<String, String> {
    let file = folder.join("flash.bin");
    let mut saved = Saved::read(&file)?;
    install(&mut saved, &[lines_of(image, elf)?, other].concat())?;
    saved.write(&file)?;
    let mut machine = start(Kept::Saved(&file), CUTS + 1)?;
    let hash = image::hash(other);
    let took_over = Record::Input(Input::Install { hash });
    machine.wait_for("the other program", |log| log.records.iter().any(|entry| entry.record == took_over))?;
    machine.press(Level::On)?;
    let log = machine.wait_for("a ring", |log| rings(log).next().is_some())?;
    machine.press(Level::Off)?;
    let life = Life::of(&machine.received())?.ok_or("it has no number")?;
    let (found, now) = (life.found.unwrap_or(0), rings(&log).next().unwrap_or(0));
    if now != found + 10 {
        return Err(format!("it had rung {found} times, and under the other program {now} times"));
    }
    machine.save(part, &file)?;
    let store = Store::open(Saved::read(&file)?, SLOT_PAGES).ok_or("the flash is too small")?;
    if store.programs()[0].is_none_or(|program| program.hash != bundle::hash(program.bytes)) {
        return Err("the program is not in the flash any more".to_owned());
    }
    let deepest = machine.deepest(stack)?;
    if deepest >= stack.1 - stack.0 {
        return Err("the stack has grown into what lies below it".to_owned());
    }
    Ok(format!(
        "another program takes over, and counts {found} rings on; stack {deepest} B of {} B",
        stack.1 - stack.0
    ))
}

fn rings(log: &Log) -> impl Iterator<Item = i32> + '_ {
    log.records.iter().filter_map(|entry| match entry.record {
        Record::Decision(Decision::Let { var: RINGS, value }) => Some(value),
        _ => None,
    })
}

/// What stands in front of the image in the bundle that is linked in.
fn lines_of<'a>(image: &[u8], elf: &'a [u8]) -> Result<&'a [u8], String> {
    let places = elf.windows(image.len()).enumerate().filter(|(_, bytes)| *bytes == image);
    for (end, _) in places {
        for begin in end.saturating_sub(LINES_MAX)..end {
            let bytes = &elf[begin..end + image.len()];
            if Bundle::open(bytes).is_some_and(|bundle| bundle.image == image) {
                return Ok(&elf[begin..end]);
            }
        }
    }
    Err("the program is not linked in".to_owned())
}

/// The hash of the image in a stored bundle.
fn image_of(bundle: &[u8]) -> Option<u64> {
    Some(image::hash(Bundle::open(bundle)?.image))
}

/// As a link does it.
fn install(saved: &mut Saved, house: &[u8]) -> Result<(), String> {
    let mut store = Store::open(saved, SLOT_PAGES).ok_or("the flash is too small")?;
    let hash = bundle::hash(house);
    let failed = |why| format!("the program is not stored: {why:?}");
    store.stage(house.len(), hash, None, image_of).map_err(failed)?;
    store.write_program(hash, 0, house).map_err(failed)?;
    store.commit(hash).map_err(failed)
}

impl Life {
    /// `None` if it was over before it had said who it is.
    fn of(bytes: &[u8]) -> Result<Option<Self>, String> {
        let log = Log::of(bytes)?;
        // Only what the loading of the program decided stands in front of it.
        let boot = log.records.iter().take(OUTPUTS + 1).find_map(|entry| match entry.record {
            Record::Input(Input::Boot { boot, .. }) => Some(boot),
            _ => None,
        });
        let Some(boot) = boot else {
            return if log.has_started() { Err("a life has no number".to_owned()) } else { Ok(None) };
        };
        let records = || log.records.iter().map(|entry| entry.record);
        let started = log.has_started();
        let found = records().find_map(|record| match record {
            Record::Input(Input::Restore { item: Restore::Var { var: RINGS, value } }) => Some(value),
            _ => None,
        });
        let mut left = records().filter_map(|record| match record {
            Record::Decision(Decision::Let { var: RINGS, value }) => Some(value),
            _ => None,
        });
        let (found, left) = (found.or_else(|| started.then_some(0)), left.next_back());
        Ok(Some(Self { boot, found, left, log }))
    }

    /// Goes on from what was left before: what was published at least, and what was not published yet at most. Gives the
    /// same of this one.
    fn follows(&self, (least, most): (i32, i32), boots: &[u64]) -> Result<(i32, i32), String> {
        let boot = self.boot;
        if boots.iter().any(|before| before >> 32 >= boot >> 32) || boot >> 32 == 0 {
            return Err(format!("the number {boot:#x} is not higher than those before: {boots:x?}"));
        }
        let Some(found) = self.found else { return Ok((least, most)) };
        if found < least || found > most {
            return Err(format!("it had rung {least} to {most} times, and the next start knows of {found}"));
        }
        let left = self.left.unwrap_or(found);
        // One press a life, and a contact that bounces may ring twice.
        Ok((left, found + 2))
    }
}

/// Everything that was published is in the flash.
fn holds(file: &Path, life: &Life) -> Result<(), String> {
    let store = Store::open(Saved::read(file)?, SLOT_PAGES).ok_or("the flash is too small")?;
    let health = store.health();
    if health.storage != Storage::Good {
        return Err(format!("the flash is not well: {health:?}"));
    }
    let mut place = store.seek(life.boot, 1);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    while let Some((at, item, behind)) = store.next(place) {
        if let (Item::Records(mut bytes), true) = (item, at.boot == life.boot) {
            while let Some((frame, rest)) = Frame::split(bytes) {
                kept.push(frame.bytes.to_vec());
                bytes = rest;
            }
        }
        place = behind;
    }
    let published = &life.log.records;
    match published.iter().zip(&kept).position(|(entry, kept)| entry.bytes != *kept) {
        None if published.len() <= kept.len() => Ok(()),
        None => {
            Err(format!("{} records were published, and {} are in the flash", published.len(), kept.len()))
        }
        Some(n) => Err(format!("record {} was published otherwise than it is in the flash", n + 1)),
    }
}
