//! What a house hears of the messages of a satellite, and when that is news.

use super::*;

#[test]
fn a_message_that_was_sent_just_now_is_told_once() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), true, 2);
    bench.says(Message::Pong { at: bench.now });
    bench.sends_message(1);
    bench.offers(start(6), false, 1);
    bench.says(Message::Pong { at: ms(0) });
    bench.tells(1, Level::Off);
    bench.sends_message(1);
    bench.sends_message(1);
    bench.sends_message(2);
    // One of long ago comes when the cable is in again.
    bench.now = ms(3_600_000);
    bench.plug();
    bench.offers(start(6), false, 4);
    bench.says(Message::Pong { at: ms(3_600_000) });
    bench.sends_message(3);
    let doorbell = |seq| ("doorbell".to_owned(), RecordId { boot: Boot(start(6)), seq });
    assert_eq!(*bench.house.sent.borrow(), [doorbell(1), doorbell(2)]);
}

#[test]
fn a_message_waits_until_it_is_known_how_old_it_is() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 3);
    bench.tells(1, Level::Off);
    bench.sends_message(1);
    assert!(bench.house.rung().is_empty());
    // The cable is out before its clock was heard.
    bench.plug();
    bench.offers(start(5), false, 3);
    bench.sends_message(2);
    bench.says(Message::Pong { at: ms(30_001) });
    assert_eq!(bench.house.rung(), [2], "the first is 30 s old");
    bench.says(Message::Pong { at: ms(30_001) });
    assert_eq!(bench.house.rung(), [2], "told once");
}

#[test]
fn of_messages_of_an_unknown_age_the_newest_wait() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 20);
    bench.tells(1, Level::Off);
    (1..20).for_each(|seq| drop(bench.sends_message(seq)));
    assert_eq!(bench.unjudged, 3);
    bench.says(Message::Pong { at: ms(20) });
    assert_eq!(bench.house.rung(), (4..20).collect::<Vec<_>>());
}

#[test]
fn what_waits_of_a_start_is_not_judged_by_the_clock_of_the_next() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 2);
    bench.tells(1, Level::Off);
    bench.sends_message(1);
    bench.plug();
    bench.offers(start(6), false, 1);
    bench.says(Message::Pong { at: ms(1) });
    assert!(bench.house.rung().is_empty());
}

#[test]
fn a_house_that_starts_anew_goes_on_reading_by_the_program_that_its_journal_ends_with() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 2);
    for (program, seq) in [(IMAGE, 1), (OTHERS, 3)] {
        bench.sends_install(seq, program);
        bench.start_house_anew();
        bench.plug();
        bench.offers(start(5), false, seq + 2);
        // It runs another by now.
        bench.wrote = None;
        bench.says(Message::Pong { at: ms(1) });
        bench.sends_message(seq + 1);
    }
    assert_eq!(bench.house.rung(), [2]);
}

#[test]
fn who_wrote_what_comes_behind_a_gap_is_not_guessed_from_what_came_before_it() {
    for anew in [false, true] {
        let mut bench = Bench::plugged();
        bench.offers(start(5), false, 21);
        bench.says(Message::Pong { at: ms(1) });
        bench.sends_install(1, IMAGE);
        // Another took over in the gap, and ours again later.
        bench.wrote = None;
        bench.sends_behind_a_gap(20);
        if anew {
            bench.start_house_anew();
        }
        bench.plug();
        bench.offers(start(5), false, 24);
        bench.says(Message::Pong { at: ms(1) });
        bench.wrote = None;
        bench.sends_message(21);
        bench.sends_install(22, IMAGE);
        bench.sends_message(23);
        assert_eq!(bench.house.rung(), [23], "{anew}");
    }
}
