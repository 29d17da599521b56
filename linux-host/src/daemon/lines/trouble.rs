//! Something that fails again and again: said the first time, now and then while it lasts, and when it is over.

use campanile_core::time::{Duration, Instant};

/// It is said again after so long.
const SAY_AGAIN: Duration = Duration::from_secs(600);

/// One thing that may fail.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// When it was said last.
    said: Option<Instant>,
    /// How often it happened since.
    unsaid: u64,
    /// It was said, and it is not over yet.
    lasts: bool,
}

impl Trouble {
    /// It fails. If it is to be said: how often it has happened since that was done last, this time included.
    pub(super) fn happens(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        // Also if it was over in between: what comes and goes fills no log.
        if self.said.is_some_and(|said| now.since(said) < SAY_AGAIN) {
            return None;
        }
        (self.said, self.lasts) = (Some(now), true);
        Some(std::mem::take(&mut self.unsaid))
    }

    /// It works. Whether that is to be said: once, if the failure was.
    pub(super) fn is_over(&mut self) -> bool {
        std::mem::take(&mut self.lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_at_first_after_a_while_and_when_it_is_over() {
        let mut trouble = Trouble::default();
        let at = |s: u64| Instant::from_micros(s * 1_000_000);
        assert!(!trouble.is_over());
        assert_eq!(
            (trouble.happens(at(1)), trouble.happens(at(2)), trouble.happens(at(600))),
            (Some(1), None, None)
        );
        assert_eq!(trouble.happens(at(601)), Some(3));
        assert!(trouble.is_over() && !trouble.is_over(), "once");
        assert_eq!(trouble.happens(at(602)), None, "it comes and goes");
        assert!(!trouble.is_over(), "and nobody was told that it came");
        assert_eq!(trouble.happens(at(1300)), Some(2));
    }
}
