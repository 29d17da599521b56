use campanile_delivery::{Boot, Outbox, OutboxOptions};

use super::*;

fn letter(seq: u64, word: u8) -> Letter {
    let at = Position { boot: Boot(1), seq, host: 0 };
    Letter { at, time: Instant::from_micros(seq), body: Content::Engine(vec![word]) }
}

/// Over the connection that there is.
fn parcel(receiver: &Receiver, seq: u64, word: u8) -> Parcel {
    let ticket = Outbox::new(&OutboxOptions::default(), Position::START, 1)
        .sent(Position { boot: Boot(1), seq, host: 0 }, Instant::ZERO);
    Parcel { life: 1, connection: receiver.connection, ticket, letter: letter(seq, word) }
}

fn take(receiver: &mut Receiver, seq: u64, word: u8) -> Result<Answer, String> {
    let parcel = parcel(receiver, seq, word);
    receiver.take(0, &parcel, 0)
}

/// A receiver that has the letters 1 and 5, of two connections.
fn receiver() -> Receiver {
    let mut receiver = Receiver::new(10, Prng::new(1));
    for seq in [1, 5] {
        assert!(receiver.connect(0).is_some());
        assert_eq!(take(&mut receiver, seq, 1), Ok(Answer::Taken));
    }
    assert!(receiver.connect(0).is_some());
    receiver
}

#[test]
fn what_comes_again_is_the_same_and_what_comes_late_was_passed() {
    assert_eq!(take(&mut receiver(), 1, 1), Ok(Answer::Taken));
    assert!(take(&mut receiver(), 1, 2).is_err_and(|why| why.contains("other words")));
    assert!(take(&mut receiver(), 3, 1).is_err_and(|why| why.contains("for the first time")));
    let mut told = receiver();
    told.passes((0, 2, 0, true), (0, 3, 0, true));
    assert_eq!(take(&mut told, 3, 1), Ok(Answer::Taken), "it was told that this is gone");
    assert!(take(&mut told, 4, 1).is_err(), "and nothing else");
}

/// A receiver with letters 6 to 8 in its session, of which it has handed on none.
fn with_three_waiting() -> Receiver {
    let mut receiver = receiver();
    for seq in 6..9 {
        let parcel = parcel(&receiver, seq, 1);
        assert!(receiver.accept(0, parcel).is_ok());
    }
    receiver
}

/// All that it hands on by then.
fn handed_on(receiver: &mut Receiver, now: u64) -> Vec<u64> {
    let mut handed_on = Vec::new();
    while let Some(parcel) = receiver.next(now) {
        assert_eq!(receiver.take(now, &parcel, 0), Ok(Answer::Taken));
        handed_on.push(parcel.letter.at.seq);
    }
    handed_on
}

#[test]
fn a_session_outlives_a_connection_for_as_long_as_it_is_kept() {
    for (away, kept) in [(KEPT, vec![6, 7, 8]), (KEPT + 1, vec![])] {
        let mut receiver = with_three_waiting();
        let broken = receiver.befall(0, NetFault::Dead, away);
        assert_eq!(broken, Some(3));
        assert_eq!((handed_on(&mut receiver, away - 1), receiver.connect(away - 1)), (vec![], None));
        assert_ne!(receiver.connect(away), broken);
        assert_eq!(handed_on(&mut receiver, away), kept);
        assert_eq!(take(&mut receiver, 6, 1), Ok(Answer::Taken), "it is sent again");
        assert_eq!(receiver.received.repeats, u64::from(!kept.is_empty()));
    }
}

#[test]
fn who_forgets_says_so_to_whoever_goes_on() {
    let mut receiver = with_three_waiting();
    assert_eq!(receiver.befall(0, NetFault::Forgets, 9), None, "the connection stands");
    assert!(handed_on(&mut receiver, 9).is_empty());
    let late = parcel(&receiver, 9, 1);
    assert_eq!(receiver.accept(9, late), Err(Forgotten));
    assert!(receiver.connect(9).is_some());
    let again = parcel(&receiver, 6, 1);
    assert!(receiver.accept(9, again).is_ok());
    assert_eq!(handed_on(&mut receiver, 9), [6]);
}
