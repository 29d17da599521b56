//! The form of a trace here, read by the tests and by the build of the firmware.

/// The moves of a contact that is open before the first and behind the last: when, in microseconds, and whether it is closed
/// then.
///
/// # Errors
/// There is none, which line is none of a trace, or it ends with a contact that is closed.
pub(crate) fn moves(text: &str) -> Result<Vec<(u32, bool)>, String> {
    let mut moves: Vec<(u32, bool)> = Vec::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    // Behind what is for people the columns have their names.
    for (place, line) in lines.skip(1) {
        let (last, closed) = moves.last().copied().unwrap_or_default();
        let next = read(line).filter(|&(us, closes)| us > last && closes != closed);
        moves.push(next.ok_or_else(|| format!("line {}: no move behind the one before: {line}", place + 1))?);
    }
    match moves.last() {
        Some((_, false)) => Ok(moves),
        Some((_, true)) => Err("it ends with a contact that is closed".to_owned()),
        None => Err("it has no moves".to_owned()),
    }
}

fn read(line: &str) -> Option<(u32, bool)> {
    let (us, closed) = line.split_once(',')?;
    let closed = match closed {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    Some((us.parse().ok()?, closed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_has_moves_that_alternate_and_no_other_lines() {
        assert_eq!(moves("# a\nus,closed\n5,1\n7,0\n"), Ok(vec![(5, true), (7, false)]));
        for wrong in [
            "",
            "# a\nus,closed\n",
            "us,closed\n5,1\n",
            "us,closed\n5,0\n",
            "us,closed\n5,1\n5,0\n",
            "us,closed\n5,1\n6,1\n",
            "us,closed\n\n",
            "us,closed\n5,1x\n",
        ] {
            assert!(moves(wrong).is_err(), "{wrong:?}");
        }
    }
}
