//! What can be wrong with a satellite, told so that a person knows what to do next.

use campanile_core::decision::ReplyResult;
use campanile_core::link::{Health, Hello, Storage, VERSION, Verdict};
use campanile_core::program::verify::LoadError;
use campanile_core::record::CORE_REV;
use campanile_delivery::Boot;
use campanile_delivery::satellite::Misfit;

/// It speaks another version of the link.
pub(super) fn other_version(theirs: u8) -> String {
    let newer = if theirs > VERSION { "this campanile" } else { "the satellite's firmware" };
    format!(
        "it speaks version {theirs} of the link, and this campanile version {VERSION}: bring {newer} up to date"
    )
}

/// The number of its start is none.
pub(super) fn uncountable(boot: Boot) -> String {
    format!(
        "it says that this is its start {}, which no board comes to: its memory is damaged; erase its flash whole and \
         bring its firmware there anew, or replace the board",
        boot.counter()
    )
}

/// What its hello shows to be wrong, though the link works.
pub(super) fn of_hello(hello: &Hello<'_>) -> Option<String> {
    (hello.core_rev != CORE_REV).then(|| {
        format!(
            "its engine is of revision {}, and this one of {CORE_REV}: its log is kept, but `replay` needs the \
             campanile of its release",
            hello.core_rev
        )
    })
}

/// It is another board than the file says.
pub(super) fn of_machine(machine: &str, hello: &Hello<'_>) -> Option<String> {
    (machine != hello.board).then(|| {
        format!(
            "it is a {}, and the file says machine = \"{machine}\": its pins are checked as those of another board",
            hello.board
        )
    })
}

/// Why its program does not fit into it.
pub(super) fn of_misfit(misfit: Misfit) -> String {
    match misfit {
        Misfit::Bundle { bytes, max } => {
            format!(
                "its program takes {bytes} bytes, and it has room for {max}: leave something out of [satellites.*]"
            )
        }
        Misfit::Program(LoadError::TooMany { what, have, max }) => {
            format!("it is too small for its program: {have} {what}, and its engine has room for {max}")
        }
        Misfit::Program(other) => format!("its engine would refuse its program: {other}"),
    }
}

/// Why it did not take its program; nothing if it runs.
pub(super) fn of_verdict(verdict: Verdict) -> Option<&'static str> {
    Some(match verdict {
        Verdict::Runs => return None,
        Verdict::Incomplete => "its program did not arrive whole",
        Verdict::Malformed => "what arrived of its program is damaged, or of another release",
        Verdict::NoRoom => "it is too small for its program",
        Verdict::UnknownLine => {
            "its program names a line that its board has not: its firmware knows lines by name and by number, see \
             LINES in the board's file"
        }
        Verdict::TakenLine => {
            "its program names a line twice, by its name and by its number, or one that its board needs for itself, as \
             for its serial line"
        }
        Verdict::UnknownPull => "its program uses a pull that its board does not have",
        Verdict::Refused => "its engine refuses its program",
        Verdict::Unstored => {
            "its program cannot be written to its flash: the previous one keeps running, and it is tried again"
        }
    })
}

/// Why it does not set an output, and is not asked again.
pub(super) const fn of_unset(result: ReplyResult) -> &'static str {
    match result {
        ReplyResult::Unknown => "its program has no such output",
        _ => "safety forbids it at this moment",
    }
}

/// What is wrong with its storage, and what that has cost.
pub(super) fn of_health(health: &Health) -> Option<String> {
    let (what, advice) = match health.storage {
        Storage::None | Storage::Good => return None,
        Storage::Full => ("its flash is full: it was without this house for long", ""),
        Storage::Worn => (
            "its flash is worn: it has been erased more often than it may, or did not take something",
            "; have another board ready",
        ),
        Storage::Dead => (
            "its flash takes nothing any more: it goes on without, and a reset costs what has not come here by then",
            "; replace the board",
        ),
    };
    let &Health { lost, dropped, .. } = health;
    let cost = match (lost, dropped) {
        (0, 0) => "nothing is lost so far".to_owned(),
        (lost, 0) => format!("it did not take {lost} records"),
        (0, dropped) => format!("{dropped} records were overwritten before they came here"),
        (lost, dropped) => {
            format!("it did not take {lost} records, and {dropped} were overwritten before they came here")
        }
    };
    Some(format!("{what}; {cost}{advice}"))
}

/// Its time of day is not known here.
pub(super) const NO_CLOCK: &str =
    "no clock: the time of day is not synchronised here, so its `at`, `cron` and `hour` wait";

#[cfg(test)]
mod tests {
    use campanile_core::program::refusal::{CodeError, TriggerError, What};

    use super::*;

    #[test]
    fn a_program_that_does_not_fit_is_told_in_words() {
        let of = |error| of_misfit(Misfit::Program(error));
        let runs = LoadError::TooMany { what: What::Runs, have: 9, max: 4 };
        assert_eq!(
            of(runs),
            "it is too small for its program: 9 runs at once, and its engine has room for 4"
        );
        let unknown = TriggerError::Unknown { what: What::Inputs, id: 3 };
        let trigger = LoadError::Trigger { trigger: 2, why: unknown };
        assert_eq!(
            of(trigger),
            "its engine would refuse its program: trigger 2: there is no number 3 among the inputs"
        );
        let code = LoadError::Code { scenario: 1, at: 40, why: CodeError::TooManySteps { have: 700 } };
        assert!(
            of(code).ends_with("scenario 1, byte 40 of its code: 700 steps without a wait are too many"),
            "{}",
            of(code)
        );
    }

    #[test]
    fn what_a_flash_has_cost_is_told_by_its_figures_whatever_the_worst_of_it_is() {
        let told = |storage, lost, dropped| {
            of_health(&Health { storage, lost, dropped, ..Health::NO_STORAGE }).unwrap_or_default()
        };
        assert_eq!(told(Storage::Good, 0, 0), "");
        for storage in [Storage::Full, Storage::Worn, Storage::Dead] {
            let nothing = "nothing is lost so far";
            assert!(told(storage, 0, 0).contains(nothing));
            for (lost, dropped, words) in [(3, 0, "not take 3 records"), (0, 4, "4 records were overwritten")]
            {
                let told = told(storage, lost, dropped);
                assert!(told.contains(words) && !told.contains(nothing), "{told}");
            }
            let both = told(storage, 3, 4);
            assert!(both.contains("not take 3 records, and 4 were overwritten"), "{both}");
        }
    }
}
