//! Whole lives of the doorbell of `firmware/doorbell.toml`, whose button moves as `tests/traces/doorbell.csv` has it: three starts,
//! with power cuts between them, one in the middle of a ring. `tests/golden/doorbell` is the journal that they left, committed once:
//! every processor comes to these bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use campanile::config::script::open;
use campanile_core::input::Input;
use campanile_core::record::Record;
use campanile_delivery::{Archive, Body, Directory, File as _, Next, Position, Storage};
use campanile_sim::world::Options;

use crate::bounces::visits;

/// Zeros that stay behind the last record: without any the journal would have been cut off there.
const END: usize = 64;

/// One start of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// What it wrote.
    pub log: Vec<u8>,
    /// The programs that it ran, the first one first.
    pub images: Vec<Vec<u8>>,
}

/// Where the journal is.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/doorbell")
}

/// The lives, as they were committed.
///
/// # Errors
/// The journal cannot be read, in words.
pub fn lives() -> Result<Vec<Life>, String> {
    let folder = folder();
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let storage = Arc::new(Directory::open_read_only(&folder).map_err(|error| said(&error))?);
    of(&storage).map_err(|why| said(&why))
}

/// The lives in a journal.
///
/// # Errors
/// It cannot be read, in words.
pub fn of<S: Storage>(storage: &Arc<S>) -> Result<Vec<Life>, String> {
    let archive = Archive::open(storage).map_err(|error| error.to_string())?;
    let mut reader = archive.index.reader(Position::START);
    let mut lives = BTreeMap::<_, (Vec<u8>, Vec<u64>)>::new();
    loop {
        match reader.next().map_err(|error| error.to_string())? {
            Next::Item(item) => {
                let Body::Engine(frame) = item.body else { continue };
                let (log, programs) = lives.entry(item.at.boot).or_default();
                log.extend_from_slice(frame.bytes);
                if let Some(Record::Input(Input::Boot { hash, .. } | Input::Install { hash })) =
                    frame.record()
                {
                    programs.push(hash);
                }
            }
            Next::Lagged(_) => return Err("records are missing".to_owned()),
            Next::End => break,
        }
    }
    let image = |hash: &u64| match archive.index.program(*hash) {
        Ok(Some(program)) => Ok(program.image.clone()),
        Ok(None) => Err(format!("the program {hash:016x} is not there")),
        Err(error) => Err(error.to_string()),
    };
    let life = |(log, programs): (Vec<u8>, Vec<u64>)| {
        Ok(Life { log, images: programs.iter().map(image).collect::<Result<_, String>>()? })
    };
    lives.into_values().map(life).collect()
}

/// The files of the journal that the simulator leaves of these lives, without most of the zeros behind them.
///
/// # Errors
/// The simulator does not live them, in words.
pub fn live() -> Result<BTreeMap<String, Vec<u8>>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let script = folder.path().join("doorbell.toml");
    std::fs::write(&script, case()).map_err(|error| error.to_string())?;
    let case = open(&script, None).map_err(|error| error.to_string())?;
    let (_, disk) = case.play_and_keep(&Options::default()).map_err(|error| error.to_string())?;
    let names = disk.list().map_err(|error| error.to_string())?;
    let read = |name: String| {
        let file = disk.open(&name)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
        file.read_at(0, &mut bytes)?;
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(if used > 0 { used + END } else { 0 });
        Ok((name, bytes))
    };
    let files: Result<BTreeMap<_, _>, std::io::Error> = names.into_iter().map(read).collect();
    let mut files = files.map_err(|error| error.to_string())?;
    // The spare segment.
    files.retain(|_, bytes| !bytes.is_empty());
    Ok(files)
}

/// The house, and what happens to it.
fn case() -> String {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/doorbell.toml");
    let cut = |at: &str, off: &str| format!("  {{ at = \"{at}\", restart = \"{off}\" }},\n");
    // The second time the chime still sounds for the third visit.
    let steps = [
        visited(0, 3),
        cut("9s", "8s"),
        visited(20_000_000, 3),
        cut("24300ms", "5s"),
        visited(31_000_000, 1),
    ];
    let steps = steps.concat();
    format!("wish = \"\"\nhouse = {house:?}\nuntil = \"40s\"\nsteps = [\n{steps}]\nexpect = \"\"\n")
}

/// The first visits of the trace, which begins then, as steps of a case.
fn visited(from_us: u32, count: usize) -> String {
    let mut steps = String::new();
    for visit in visits().into_iter().take(count) {
        let pressed = from_us + visit.at;
        for (at, to, bounces) in [(pressed, "on", visit.press), (pressed + visit.held, "off", visit.release)]
        {
            let step = format!("at = \"{at}us\", input = \"button\", to = \"{to}\", bounce = {bounces:?}");
            let _ = writeln!(steps, "  {{ {step} }},");
        }
    }
    steps
}
