//! What a house hears of the inputs of a satellite, and when that is news.

use super::*;

#[test]
fn what_is_old_is_no_news_wherever_a_frame_ends() {
    use Level::{Off, On};
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 2);
    bench.sends(1, &[Off]);
    bench.tells(2, Off);
    assert!(matches!(bench.moves()[..], [Move::Found { level: Off, .. }]));
    // Presses of a night, and then one that is held: the house hears of that, once.
    bench.now = ms(9 * 3_600_000);
    bench.plug();
    bench.offers(start(5), false, 6);
    for (first, level) in [(2, On), (3, Off), (4, On)] {
        bench.sends(first, &[level]);
        assert_eq!(bench.moves(), [], "before all of it is there");
    }
    bench.sends(5, &[Off]);
    bench.tells(6, Off);
    assert_eq!(bench.moves(), [], "it is where it was");
    bench.plug();
    bench.offers(start(5), false, 9);
    bench.tells(9, On);
    bench.sends(6, &[On, Off]);
    assert_eq!(bench.moves(), [], "that was said of a record that has not come yet");
    bench.sends(8, &[On]);
    assert!(matches!(bench.moves()[..], [Move::Edge { level: On, .. }]));
}

#[test]
fn a_satellite_that_runs_for_longer_than_the_house_tells_of_what_is_old_as_such() {
    use Level::{Off, On};
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 1);
    bench.tells(1, Off);
    assert!(matches!(bench.moves()[..], [Move::Found { level: Off, .. }]));
    // The house starts anew, and its clock with it: the bell was rung days ago by the satellite's.
    bench.plug();
    bench.offers(start(5), false, 4);
    bench.says(Message::Pong { at: ms(5 * 86_400_000) });
    bench.sends(1, &[On, Off]);
    bench.sends_message(3);
    bench.tells(4, Off);
    assert_eq!((bench.moves(), bench.house.sent.borrow().len()), (vec![], 0));
    // By a clock that is heard now it is news, and so is what came behind that.
    bench.says(Message::Pong { at: ms(2) });
    bench.now = bench.now.plus(Duration::from_millis(500));
    bench.sends(4, &[On]);
    bench.sends_message(5);
    assert!(matches!(bench.moves()[..], [Move::Edge { level: On, .. }]));
    assert_eq!(bench.house.sent.borrow().len(), 1);
}

#[test]
fn what_came_before_our_program_took_over_is_not_read_by_its_names() {
    use Level::{Off, On};
    let mut bench = Bench::plugged();
    bench.bundle = OTHERS;
    bench.offers(start(5), false, 6);
    bench.says(Message::Pong { at: ms(1) });
    bench.sends_install(1, OTHERS);
    // It takes over, and says so before its records are here.
    assert!(!bench.session.runs_ours());
    bench.session.install(bench.now).unwrap();
    bench.says(Message::Committed { hash: BUNDLE, verdict: Verdict::Runs });
    assert!(bench.session.runs_ours());
    bench.sends(2, &[On, Off]);
    bench.sends_message(4);
    assert_eq!((bench.moves(), bench.house.sent.borrow().len()), (vec![], 0), "of other lines");
    bench.sends_install(5, IMAGE);
    bench.sends(6, &[Off]);
    bench.sends_message(7);
    assert!(matches!(bench.moves()[..], [Move::Found { level: Off, .. }]));
    assert_eq!(bench.house.sent.borrow().len(), 1);
}

#[test]
fn that_another_program_took_over_where_the_record_is_gone_is_said_with_the_next() {
    use Level::{Off, On};
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 9);
    bench.says(Message::Pong { at: ms(1) });
    bench.wrote = None;
    bench.sends_install(1, OTHERS);
    bench.sends(2, &[On]);
    bench.wrote = Some(IMAGE);
    bench.sends_behind_a_gap(8);
    bench.tells(9, Off);
    assert!(matches!(bench.moves()[..], [Move::Found { level: Off, .. }]));
    bench.sends(9, &[On]);
    assert!(matches!(bench.moves()[..], [Move::Edge { level: On, .. }]));
    // Behind the next gap its own is not known: it runs ours again later.
    bench.sends_message(10);
    bench.wrote = None;
    bench.sends_behind_a_gap(20);
    bench.sends_message(21);
    assert_eq!(bench.house.rung(), [10], "the other is no message of ours, for all that anybody knows");
    bench.sends_install(22, IMAGE);
    bench.sends_message(23);
    assert_eq!(bench.house.rung(), [10, 23]);
}

#[test]
fn behind_a_gap_it_is_asked_how_its_lines_are() {
    use Level::{Off, On};
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 2);
    bench.sends(1, &[On]);
    bench.tells(2, On);
    assert!(matches!(bench.moves()[..], [Move::Found { level: On, .. }]));
    assert_eq!(bench.looks, 1);
    // Nobody will hear any more that it was released.
    bench.sends_behind_a_gap(5);
    assert_eq!((bench.looks, bench.moves()), (2, vec![]));
    bench.tells(5, Off);
    assert_eq!(bench.moves(), [], "as old as what is missing");
    bench.now = bench.now.plus(Duration::from_millis(600));
    bench.asked();
    assert_eq!(bench.looks, 3, "so it is asked once more");
    bench.tells(6, Off);
    assert!(matches!(bench.moves()[..], [Move::Edge { level: Off, .. }]));
    bench.now = bench.now.plus(Duration::from_millis(600));
    bench.asked();
    assert_eq!(bench.looks, 3, "it is known");
}
