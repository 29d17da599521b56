//! Boards whose satellites exchange their names: what the house was told under one is no news under the other.

use Level::{Off, On};

use super::*;

/// The start of a board is there, which has written records up to this one and tells how its button is; the number that it is
/// given, if it is.
fn greets(bench: &mut Bench, boot: u64, head: u64, button: Level) -> Option<u64> {
    bench.plug();
    let given = match bench.offers(boot, false, head)[..] {
        [Asked::Assign(given)] => Some(given),
        _ => None,
    };
    if let Some(given) = given {
        assert_eq!(bench.hello(given, false, head), [Asked::From(1)]);
    }
    bench.says(Message::Pong { at: bench.now });
    bench.tells(head, button);
    given
}

#[test]
fn what_was_told_under_one_name_is_no_news_under_another_and_what_is_new_is() {
    let mut bench = Bench::new();
    // Under the other name there was another board, which has counted further.
    let first = bench.is_named_anew(Arc::new(Disk::new(2)));
    greets(&mut bench, start(9), 1, Off);
    bench.sends_install(1, OTHERS);
    let second = bench.is_named_anew(first);
    bench.moves();
    assert_eq!(greets(&mut bench, start(5), 1, Off), None);
    bench.sends_install(1, IMAGE);
    bench.sends(2, &[On, Off]);
    bench.sends_message(4);
    assert_eq!((bench.moves().len(), bench.house.rung().len()), (2, 1));

    let first = bench.is_named_anew(second);
    let given = greets(&mut bench, start(5), 5, Off).expect("the journal has begun a later one");
    bench.sends_install(1, IMAGE);
    bench.sends(2, &[On, Off]);
    bench.sends_message(4);
    assert_eq!((bench.moves(), bench.house.rung().len()), (vec![], 1));
    bench.sends(5, &[On]);
    bench.sends_message(6);
    assert_eq!((bench.moves().len(), bench.house.rung().len()), (1, 2));

    // The number stays with it when the first name is back.
    bench.is_named_anew(first);
    assert_eq!(greets(&mut bench, given, 7, On), None);
    bench.sends_install(1, IMAGE);
    bench.sends(2, &[On, Off]);
    bench.sends_message(4);
    bench.sends(5, &[On]);
    bench.sends_message(6);
    assert_eq!((bench.moves(), bench.house.rung().len()), (vec![], 2));
    bench.sends(7, &[Off]);
    bench.sends_message(8);
    assert_eq!((bench.moves().len(), bench.house.rung().len()), (1, 3));

    let starts: Vec<_> = bench.house.sent.borrow().iter().map(|(_, at)| at.boot).collect();
    assert_eq!(starts, [Boot(start(5)); 3], "it is one start");
}

#[test]
fn a_board_that_claims_the_number_of_another_start_is_not_taken_for_it() {
    let mut bench = Bench::new();
    greets(&mut bench, start(5), 1, Off);
    bench.sends_install(1, IMAGE);
    bench.sends_message(2);
    bench.sends_message(3);
    // It has lost the end of it, and writes another.
    let given = greets(&mut bench, start(5), 2, Off).expect("the journal has more of it");
    bench.sends_install(1, IMAGE);
    bench.sends_message(2);
    let told: Vec<_> = bench.house.sent.borrow().iter().map(|(_, at)| *at).collect();
    let record = |boot, seq| RecordId { boot: Boot(boot), seq };
    assert_eq!(told, [record(start(5), 2), record(start(5), 3), record(given, 2)]);
}
