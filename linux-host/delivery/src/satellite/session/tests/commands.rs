//! What a satellite is told to do: outputs first, then what people ask for.

use super::*;

#[test]
fn what_it_told_of_an_output_does_not_undo_what_it_was_commanded_since() {
    use Level::{Off, On};
    for (result, again) in [(ReplyResult::Done, false), (ReplyResult::Expired, true)] {
        let mut bench = Bench::plugged();
        bench.offers(start(5), false, 3);
        bench.says(Message::Lines(Lines { seq: 3, inputs: 0, inputs_on: 0, outputs: 1, outputs_on: 0 }));
        bench.house.lines(|lines| lines.set("lamp", On));
        bench.session.work(bench.now, &bench.house);
        bench.asked();
        let id = bench.commanded.take().unwrap();
        bench.says(Message::Reply { id, result });
        bench.sends(1, &[On, Off]);
        let lamp = bench.house.lines(|lines| lines.next_output());
        assert_eq!(lamp, again.then(|| ("lamp".to_owned(), On)), "{result:?}");
    }
}

#[test]
fn what_is_asked_of_its_program_is_asked_once_of_who_is_there_and_has_an_outcome_always() {
    let mut bench = Bench::new();
    assert_eq!(bench.is_to_start(1), None);
    assert_eq!(bench.session.take_outcome(), Some((1, Outcome::Away)), "nobody was ever there");
    bench.plug();
    bench.offers(start(5), false, 1);
    let id = bench.is_to_start(2).unwrap();
    assert_eq!(bench.is_to_start(3), None, "one at a time");
    bench.says(Message::Reply { id, result: ReplyResult::Done });
    assert_eq!(bench.session.take_outcome(), Some((2, Outcome::Answered(ReplyResult::Done))));
    assert!(bench.works().is_some(), "the next one is");
    bench.plug();
    assert_eq!(bench.session.take_outcome(), Some((3, Outcome::Unanswered)), "it may have been carried out");
    bench.offers(start(6), false, 1);
    assert_eq!(bench.works(), None, "and so is not asked for again behind a start of the satellite");
    bench.bundle = OTHERS;
    bench.plug();
    bench.offers(start(7), false, 1);
    assert_eq!(bench.is_to_start(4), None);
    assert_eq!(bench.session.take_outcome(), Some((4, Outcome::Away)), "it runs another program");
    assert_eq!(bench.session.take_outcome(), None);
}

#[test]
fn an_output_comes_before_what_is_asked_and_what_is_too_much_is_turned_away() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 1);
    bench.house.lines(|lines| lines.set("lamp", Level::On));
    for ticket in 0..17 {
        bench.session.ask(ticket, Op::Start { scenario: ScenarioId(0) }, bench.now);
    }
    let lamp = bench.works().unwrap();
    bench.says(Message::Reply { id: lamp, result: ReplyResult::Done });
    assert_eq!(bench.session.take_outcome(), Some((16, Outcome::Crowded)));
    assert_eq!(bench.session.take_outcome(), None, "the first answer was the lamp's");
    for ticket in 0..16 {
        let id = bench.works().unwrap();
        bench.says(Message::Reply { id, result: ReplyResult::Done });
        assert_eq!(bench.session.take_outcome(), Some((ticket, Outcome::Answered(ReplyResult::Done))));
    }
}

#[test]
fn what_waits_behind_an_output_that_is_never_answered_expires_all_the_same() {
    let mut bench = Bench::plugged();
    bench.offers(start(5), false, 1);
    bench.house.lines(|lines| lines.set("lamp", Level::On));
    assert!(bench.works().is_some());
    assert_eq!(bench.is_to_start(1), None);
    // It is there, and says nothing to what it is told.
    for second in 1..=40 {
        bench.now = ms(1 + second * 1_000);
        bench.says(Message::Pong { at: bench.now });
        bench.works();
    }
    let late = Outcome::Answered(ReplyResult::Expired);
    assert_eq!(bench.session.take_outcome(), Some((1, late)));
}
