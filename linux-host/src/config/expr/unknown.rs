//! What to do about a line that nobody knows: one with a dot in its name would be a satellite's.

use super::super::read::suggestion;
use super::super::scalar::check_name;
use super::Names;
use crate::nearest::nearest;

/// What may have been meant by a name, of those that are known and belong there.
pub fn suggestion_of_line(wrong: &str, known: &[&str], names: &dyn Names) -> String {
    let suggested = suggestion(wrong, known.iter().copied());
    let dotted = wrong.rsplit_once('.').filter(|_| nearest(wrong, known.iter().copied()).is_none());
    let Some((_, plain)) = dotted else { return suggested };
    let satellite = satellite_of(wrong).filter(|_| !names.is_satellite());
    let would_be = satellite.map(|satellite| format!("would be a line of [satellites.{satellite}]"));
    match (known.contains(&plain), would_be) {
        (true, None) => format!("use the plain name: `{plain}`, not `{wrong}`"),
        (true, Some(would_be)) => format!("use the plain name: `{plain}`, not `{wrong}`, which {would_be}"),
        (false, None) => suggested,
        (false, Some(would_be)) => format!("{suggested}; `{wrong}` {would_be}"),
    }
}

/// The satellite that a name would be a line of, if there could be one of that name, and such a line.
fn satellite_of(name: &str) -> Option<&str> {
    let (satellite, line) = name.split_once('.')?;
    (check_name(satellite).is_ok() && check_name(line).is_ok()).then_some(satellite)
}
