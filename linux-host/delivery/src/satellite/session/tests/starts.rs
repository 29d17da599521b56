//! The starts that a satellite offers: which the journal takes, and which number each has there.

use super::*;

#[test]
fn starts_that_outlived_are_taken_in_order_and_passed_over_when_they_come_again() {
    use Level::{Off, On};
    let mut bench = Bench::plugged();
    assert_eq!(bench.offers(start(5), true, 4), [Asked::From(1)]);
    assert_eq!(bench.sends(1, &[On]), [Asked::From(2)]);
    // The cable was out: it goes on where it was.
    bench.plug();
    assert_eq!(bench.offers(start(5), true, 4), [Asked::From(2)]);
    assert_eq!(bench.sends(2, &[Off, On]), [Asked::From(4)]);
    assert_eq!(bench.offers(start(6), false, 2), [Asked::From(1)]);
    bench.plug();
    assert_eq!(bench.offers(start(5), true, 4), [Asked::From(4)], "it is there");
    assert_eq!(bench.offers(start(6), false, 2), [Asked::From(1)]);
}

#[test]
fn of_a_start_that_the_journal_has_to_its_end_nothing_is_asked_for() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), true, 4);
    assert_eq!(bench.sends(1, &[Level::On; 3]), [Asked::From(4)]);
    for head in [4, 3] {
        bench.plug();
        assert_eq!(bench.offers(start(5), true, head), [Asked::From(head)]);
    }
}

#[test]
fn a_start_with_a_counter_behind_the_journals_gets_a_number_and_its_records_are_taken() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 4);
    bench.sends(1, &[Level::On; 3]);
    // Another board, which has counted to 2.
    bench.plug();
    let asked = bench.offers(start(1), true, 3);
    let [Asked::Assign(boot)] = asked[..] else { panic!("{asked:?}") };
    assert!(boot > start(5));
    assert_eq!(bench.hello(boot, true, 3), [Asked::From(1)]);
    assert_eq!(bench.sends(1, &[Level::On]), [Asked::From(2)]);
    assert_eq!((bench.session.book().boot(), bench.session.book().last()), (Some(Boot(boot)), 1));
    // It starts once more: the rest of it is taken, and the start behind.
    bench.plug();
    assert_eq!(bench.offers(start(1), true, 3), [Asked::Assign(boot)]);
    assert_eq!(bench.hello(boot, true, 3), [Asked::From(2)]);
    assert_eq!(bench.sends(2, &[Level::On]), [Asked::From(3)]);
    let asked = bench.offers(start(2), false, 2);
    let [Asked::Assign(next)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(bench.hello(next, false, 2), [Asked::From(1)]);
    bench.plug();
    assert_eq!(bench.offers(start(1), true, 3), [Asked::From(3)], "it is there by its other number");
    assert_eq!(bench.session.book().lost(), 0);
}

/// Two boards whose satellites have exchanged their names, and have them back.
#[test]
fn what_a_start_did_as_another_satellite_comes_when_it_is_back_though_the_journal_has_gone_on() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 4);
    bench.sends(1, &[Level::On; 3]);
    bench.plug();
    bench.offers(start(7), false, 2);
    bench.sends(1, &[Level::On]);
    // The first has recorded two more elsewhere, and started anew.
    bench.plug();
    let asked = bench.offers(start(5), true, 6);
    let [Asked::Assign(boot)] = asked[..] else { panic!("{asked:?}") };
    assert!(boot > start(7));
    assert_eq!(bench.hello(boot, true, 6), [Asked::From(1)]);
    assert_eq!(bench.sends(1, &[Level::On; 5]), [Asked::From(6)]);
    bench.plug();
    assert_eq!(bench.offers(start(7), true, 2), [Asked::From(2)], "all of that one is there");
}

#[test]
fn what_a_start_did_that_is_over_is_for_the_journal_alone() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), true, 3);
    assert_eq!(bench.sends_install(1, IMAGE), [Asked::From(2)]);
    assert!(!bench.session.runs_ours() && !bench.session.is_up(), "that was then");
    bench.sends(2, &[Level::On]);
    assert_eq!(bench.moves(), []);
    bench.offers(start(6), false, 2);
    bench.sends(1, &[Level::Off]);
    bench.tells(2, Level::Off);
    assert!(bench.session.runs_ours() && bench.session.is_up());
    assert!(
        matches!(bench.moves()[..], [Move::Found { level: Level::Off, .. }]),
        "as the one that runs has it"
    );
}

#[test]
fn a_number_that_was_lost_on_the_wire_is_given_again_and_no_start_stays_empty() {
    let mut bench = Bench::new();
    // First of a satellite that has no number, then of one whose number the journal has passed.
    for theirs in [0, start(1)] {
        bench.plug();
        let asked = bench.offers(theirs, false, 2);
        let [Asked::Assign(boot)] = asked[..] else { panic!("{asked:?}") };
        bench.plug();
        assert_eq!(bench.offers(theirs, false, 2), [Asked::Assign(boot)], "it has not heard it");
        assert_eq!(bench.hello(boot, false, 2), [Asked::From(1)]);
        assert_eq!(bench.sends(1, &[Level::On]), [Asked::From(2)]);
        // It has heard it: this is another start, or it has no number of its own yet.
        bench.plug();
        let asked = bench.offers(theirs, false, 2);
        let [Asked::Assign(next)] = asked[..] else { panic!("{asked:?}") };
        assert_eq!(next >> 32, (boot >> 32) + 1);
        bench.hello(next, false, 2);
    }
}

#[test]
fn a_start_beyond_all_counting_is_named_and_not_taken() {
    let mut bench = Bench::plugged();
    let highest = u64::from(campanile_core::link::MAX_STARTS);
    assert_eq!(bench.offers(start(highest + 1), false, 2), [], "nothing is asked of it");
    assert_eq!(bench.session.book().boot(), None);
    assert_eq!(bench.offers(start(highest), false, 2), [Asked::From(1)], "the last that is one");
}

#[test]
fn a_smaller_board_gets_nothing_of_what_was_on_its_way_to_the_one_before_it() {
    let mut bench = Bench::new();
    bench.bundle = OTHERS;
    // The second is in the place of the first, and has a start to offer that is over; then the first is there again.
    for (boot, over, room) in [(5, false, 64), (6, true, 0), (7, false, 0), (8, false, 64)] {
        (bench.now, bench.bundle_max, bench.pieces) = (bench.now.plus(Duration::from_secs(1)), room, 0);
        bench.plug();
        assert_eq!(bench.offers(start(boot), over, 2), [Asked::From(1)]);
        let (pieces, progress) = if room > 0 { (1, Some((0, 1))) } else { (0, None) };
        assert_eq!((bench.pieces, bench.session.progress()), (pieces, progress), "start {boot}");
    }
}
