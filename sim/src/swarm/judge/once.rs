//! What a house hears of a satellite as it happens, it hears at most once: of each record of each start of a board, under
//! whichever names and numbers it came. That it hears of it at all, [`news`](super::news) knows.

use std::collections::BTreeMap;

/// Young presses and messages that a house was told of.
#[derive(Default)]
pub(in crate::swarm) struct Once {
    /// Which life of the house was told last, by the place of the start and the record's number in it: the next life knows of
    /// nothing that was told before it.
    lives: BTreeMap<(usize, u64), u32>,
}

impl Once {
    /// This life of the house is told of a record.
    pub(in crate::swarm) fn hears(
        &mut self,
        life: u32,
        record: (usize, u64),
        what: &str,
    ) -> Result<(), String> {
        match self.lives.insert(record, life) {
            Some(before) if before == life => {
                Err(format!("its house is told of {what} twice: record {} of start {}", record.1, record.0))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_life_of_a_house_is_told_of_a_record_once() {
        let mut once = Once::default();
        assert_eq!(once.hears(1, (2, 7), "rang"), Ok(()));
        assert_eq!(once.hears(1, (2, 8), "rang"), Ok(()), "another record");
        assert_eq!(once.hears(1, (3, 7), "rang"), Ok(()), "of another start");
        assert_eq!(once.hears(2, (2, 7), "rang"), Ok(()), "in another life");
        assert!(once.hears(2, (2, 7), "rang").unwrap_err().contains("rang twice: record 7 of start 2"));
    }
}
