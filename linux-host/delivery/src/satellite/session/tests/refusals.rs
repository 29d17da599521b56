//! A program that a flash or a disk does not take now, and takes later.

use super::*;
use crate::disk::Faults;

impl Bench {
    /// Of a satellite that runs another program than the house has for it, and so is sent that one.
    fn with_another_program() -> Self {
        let mut bench = Self::new();
        bench.bundle = OTHERS;
        bench.plug();
        bench.offers(start(5), false, 2);
        bench
    }

    /// So much later, and the satellite was there meanwhile: how many pieces of a program it is sent now.
    fn is_sent_after(&mut self, wait: Duration) -> usize {
        (self.now, self.pieces) = (self.now.plus(wait), 0);
        // Silence for so long is an end of the session, which is the host's to notice.
        self.says(Message::Pong { at: self.now });
        self.works();
        self.pieces
    }

    fn says_verdict(&mut self, verdict: Verdict) {
        self.says(Message::Committed { hash: BUNDLE, verdict });
    }

    /// The program of this house, as its journal has it.
    fn kept(&self) -> Option<crate::StoredProgram> {
        self.session.book().journal().unwrap().index().program(IMAGE).unwrap()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn one_that_its_flash_did_not_take_is_sent_again_after_waits_that_double() {
    let mut bench = Bench::with_another_program();
    assert_eq!(bench.pieces, 1);
    for wait in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
        bench.says_verdict(Verdict::Unstored);
        assert_eq!(bench.is_sent_after(SECOND), 0);
        assert_eq!(bench.is_sent_after(Duration::from_secs(wait - 2)), 0, "before {wait} s");
        assert_eq!(bench.is_sent_after(SECOND), 1, "after {wait} s");
    }
    bench.says_verdict(Verdict::Runs);
    assert!(bench.session.runs_ours());
    assert_eq!(bench.is_sent_after(Duration::from_secs(7200)), 0, "it has it");
}

#[test]
fn one_that_was_refused_for_good_is_not_sent_again() {
    let mut bench = Bench::with_another_program();
    bench.says_verdict(Verdict::UnknownLine);
    assert_eq!(bench.is_sent_after(Duration::from_secs(7200)), 0);
}

#[test]
fn another_start_and_a_person_begin_with_the_shortest_wait() {
    let mut bench = Bench::with_another_program();
    for another in [6, 7, 0] {
        for wait in [60, 120] {
            bench.says_verdict(Verdict::Unstored);
            assert_eq!(bench.is_sent_after(Duration::from_secs(wait - 1)), 0);
            assert_eq!(bench.is_sent_after(SECOND), 1);
        }
        bench.says_verdict(Verdict::Unstored);
        if another == 0 {
            bench.session.install(bench.now).unwrap();
        } else {
            bench.plug();
            bench.offers(start(another), false, 2);
        }
    }
    bench.asked();
    bench.says_verdict(Verdict::Unstored);
    assert_eq!((bench.is_sent_after(Duration::from_secs(59)), bench.is_sent_after(SECOND)), (0, 1));
}

#[test]
fn one_that_a_full_disk_did_not_keep_is_kept_when_there_is_room() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 2);
    let name = bench.disk.list().unwrap().into_iter().find(|name| name.starts_with("program-")).unwrap();
    bench.disk.remove(&name).unwrap();
    bench.disk.set_faults(Faults { room: Some(0), ..Faults::default() });
    bench.plug();
    bench.offers(start(5), false, 2);
    let ask = |bench: &mut Bench, wait: u64| {
        bench.now = bench.now.plus(Duration::from_secs(wait));
        bench.session.tick(bench.now, None);
        bench.kept().is_some()
    };
    assert!(bench.session.due() <= bench.now.plus(SECOND), "the thread looks");
    assert!(!ask(&mut bench, 1), "there is no room yet");
    bench.disk.set_faults(Faults::default());
    assert!(!ask(&mut bench, 1), "the wait has doubled");
    assert!(ask(&mut bench, 1));
    bench.disk.remove(&name).unwrap();
    assert!(!ask(&mut bench, 3600), "it is done");
}
