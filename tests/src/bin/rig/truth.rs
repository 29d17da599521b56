//! One truth: what a board decided is what this machine decides, byte for byte.

use campanile_core::record::Frame;
use campanile_core::time::Instant;
use campanile_sim::replay::Stretch;

use crate::log::Log;

/// Executes the log again.
pub(crate) fn replay(log: &Log, image: &[u8]) -> Result<(), String> {
    let records = log.records.iter().map(|entry| entry.bytes.clone());
    let start = log.records.first().map_or(Instant::ZERO, |first| first.at);
    follow(start, records, image)
        .map_err(|why| format!("the log of the board is not what this machine comes to: {why}"))
}

/// Alters the last byte of one decision after the other, and expects each of these logs to be refused. Gives how many
/// there were.
pub(crate) fn alter_each(log: &Log, image: &[u8]) -> Result<usize, String> {
    let start = log.records.first().map_or(Instant::ZERO, |first| first.at);
    let mut altered = 0;
    for (n, entry) in log.records.iter().enumerate().filter(|(_, entry)| entry.is_decision()) {
        let mut records: Vec<Vec<u8>> = log.records.iter().map(|entry| entry.bytes.clone()).collect();
        if let Some(last) = records[n].last_mut() {
            *last ^= 1;
        }
        if follow(start, records.into_iter(), image).is_ok() {
            return Err(format!("the log replays with record {} altered, too: {:?}", n + 1, entry.record));
        }
        altered += 1;
    }
    Ok(altered)
}

fn follow(start: Instant, records: impl Iterator<Item = Vec<u8>>, image: &[u8]) -> Result<(), String> {
    let mut stretch =
        Stretch::load(start, image).map_err(|why| format!("the program is refused: {why:?}"))?;
    let differs = |why: Box<campanile_sim::replay::Divergence>| {
        format!("record {}, at {} us: {:?}", why.seq, why.time.micros(), why.what)
    };
    let mut at: Option<Instant> = None;
    for bytes in records {
        let (frame, _) = Frame::split(&bytes).ok_or("a record is not whole")?;
        // The first one is at the start, whatever came before it on the board.
        let now = at.map_or(start, |before| before.plus(frame.dt));
        at = Some(now);
        stretch.record(&frame, now).map_err(differs)?;
    }
    stretch.finish().map_err(differs)
}
