//! The lives of all cases in tests/scenarios, lived by the simulator here, and those of tests/golden: for a board that
//! executes them again. Their form is that of `firmware/src/replay.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use campanile::config::script::open;
use campanile_core::input::Input;
use campanile_core::program::image;
use campanile_core::record::{Frame, Record};
use campanile_core::wire::Writer;
use campanile_sim::world::Options;
use campanile_tests::golden;

/// More programs than this has no life of a board.
const IMAGES: usize = 4;

/// One start of a node.
pub(crate) struct Life {
    /// The case, and which start of it.
    pub(crate) name: String,
    /// The programs that it ran, the first one first.
    images: Vec<Vec<u8>>,
    /// What it wrote.
    pub(crate) log: Vec<u8>,
}

/// All lives, in the order of the cases' names, and the golden ones.
pub(crate) fn lives() -> Result<Vec<Life>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut cases: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    cases.sort();
    let mut lives = Vec::new();
    for path in cases {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let case = open(&path, None).map_err(|error| format!("{name}: {error}"))?;
        let outcome = case.play(&Options::default()).map_err(|error| format!("{name}: {error}"))?;
        let houses = case.others.iter().map(|(_, house)| house).chain([&case.house]);
        let images: BTreeMap<u64, &Vec<u8>> =
            houses.map(|house| (image::hash(&house.image), &house.image)).collect();
        for (number, log) in (1..).zip(outcome.logs) {
            let name = format!("{name}, start {number}");
            let images: Option<Vec<_>> =
                programs(&log).iter().map(|hash| images.get(hash).copied()).collect();
            let images = images.ok_or_else(|| format!("{name}: it names a program that the case has not"))?;
            if !images.is_empty() && images.len() <= IMAGES {
                lives.push(Life { name, images: images.into_iter().cloned().collect(), log });
            }
        }
    }
    // Not lived again: these bytes were committed.
    for (number, golden::Life { log, images }) in (1..).zip(golden::lives()?) {
        lives.push(Life { name: format!("tests/golden, start {number}"), images, log });
    }
    Ok(lives)
}

/// The hashes of the programs that a log names, in their order.
fn programs(mut log: &[u8]) -> Vec<u64> {
    let mut hashes = Vec::new();
    while let Some((frame, rest)) = Frame::split(log) {
        log = rest;
        if let Some(Record::Input(Input::Boot { hash, .. } | Input::Install { hash })) = frame.record() {
            hashes.push(hash);
        }
    }
    hashes
}

/// The file for a board.
pub(crate) fn encode(lives: &[Life]) -> Vec<u8> {
    let mut file = Vec::new();
    for life in lives {
        varint(life.images.len(), &mut file);
        for bytes in life.images.iter().chain([&life.log]) {
            varint(bytes.len(), &mut file);
            file.extend_from_slice(bytes);
        }
    }
    file
}

fn varint(value: usize, into: &mut Vec<u8>) {
    let mut bytes = [0; 10];
    let mut w = Writer::new(&mut bytes);
    w.varint(value as u64);
    let len = w.finish().unwrap_or(0);
    into.extend_from_slice(&bytes[..len]);
}

/// What a board has made of the lives.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Came to the same bytes.
    pub(crate) same: usize,
    /// Records in them.
    pub(crate) records: usize,
    /// The board has no room for their programs.
    pub(crate) too_large: usize,
}

/// Alters the last byte of one life after the other, and expects that what a board sent is not the same as any of these.
pub(crate) fn alter_each(lives: &mut [Life], stream: &[u8]) -> Result<usize, String> {
    for n in 0..lives.len() {
        let alter = |life: &mut Life| life.log.last_mut().map(|last| *last ^= 1);
        alter(&mut lives[n]);
        if compare(lives, stream).is_ok() {
            return Err(format!("{}: nobody sees that it was altered", lives[n].name));
        }
        alter(&mut lives[n]);
    }
    Ok(lives.len())
}

/// Holds what came over the serial line against the lives. `None`: not all of it has come.
pub(crate) fn compare(lives: &[Life], mut stream: &[u8]) -> Result<Option<Told>, String> {
    let mut told = Told::default();
    for life in lives {
        // A mark: the first record of a start follows.
        match stream.split_at_checked(3) {
            Some(([0, 1, 0], rest)) => stream = rest,
            Some((other, _)) => return Err(format!("{}: the board began it with {other:?}", life.name)),
            None => return Ok(None),
        }
        let mut log = life.log.as_slice();
        match stream.first() {
            None => return Ok(None),
            Some(0) => {
                told.too_large += 1;
                continue;
            }
            Some(_) => told.same += 1,
        }
        let mut number = 0;
        // Behind the end of the log the board may go on in the middle of an instant; no record begins with a zero.
        while stream.first() != Some(&0) {
            let Some((found, rest)) = Frame::split(stream) else { return Ok(None) };
            stream = rest;
            let Some((expected, rest)) = Frame::split(log) else { continue };
            (log, number) = (rest, number + 1);
            if expected.bytes != found.bytes {
                return Err(format!(
                    "{}, record {number}: here {:?} after {} us, on the board {:?} after {} us",
                    life.name,
                    expected.record(),
                    expected.dt.micros(),
                    found.record(),
                    found.dt.micros()
                ));
            }
        }
        if !log.is_empty() {
            return Err(format!("{}: the board ended behind record {number}", life.name));
        }
        told.records += number;
    }
    Ok(Some(told))
}
