use super::*;
use crate::position::Boot;
use proptest::prelude::*;

fn at(seq: u64) -> Position {
    Position { boot: Boot::new(1, 7), seq, host: 1 }
}

fn outbox(window: usize) -> Outbox {
    let options = OutboxOptions { window, ..OutboxOptions::default() };
    let mut outbox = Outbox::new(&options, at(0), 1);
    assert_eq!(outbox.turn(Instant::ZERO), Turn::Rewind(at(0)));
    outbox
}

fn sec(s: u64) -> Instant {
    Instant::ZERO.plus(Duration::from_secs(s))
}

#[test]
fn the_cursor_is_the_prefix_without_a_hole() {
    let mut outbox = outbox(10);
    let tickets: Vec<Ticket> = (1..=3).map(|seq| outbox.sent(at(seq), sec(0))).collect();
    outbox.skipped(at(5));
    assert!(!outbox.acked(tickets[1]) && !outbox.acked(tickets[2]));
    assert_eq!(outbox.cursor(), at(0));
    assert!(outbox.acked(tickets[0]));
    assert_eq!(outbox.cursor(), at(5), "what was skipped is done with the last one");
    assert!(!outbox.acked(tickets[0]), "twice counts once");
    outbox.skipped(at(6));
    assert_eq!(outbox.cursor(), at(6));
    assert_eq!(outbox.lag(at(9), sec(1)).records, Some(3));
}

#[test]
fn a_lost_session_sends_all_behind_the_cursor_again_and_old_notices_do_no_harm() {
    let mut outbox = outbox(10);
    let tickets: Vec<Ticket> = (1..=3).map(|seq| outbox.sent(at(seq), sec(0))).collect();
    outbox.acked(tickets[2]);
    outbox.session_reset();
    assert_eq!(outbox.turn(sec(0)), Turn::Rewind(at(0)));
    let again = outbox.sent(at(1), sec(1));
    assert!(!outbox.acked(tickets[0]) && outbox.refused(tickets[1], "late").is_none());
    assert_eq!(outbox.cursor(), at(0));
    assert!(outbox.acked(again));
    let lag = outbox.lag(at(3), sec(1));
    assert_eq!((lag.delivered, lag.repeated), (2, 1));
}

#[test]
fn a_refusal_is_passed_once_it_is_recorded() {
    let mut outbox = outbox(10);
    let (one, two) = (outbox.sent(at(1), sec(0)), outbox.sent(at(2), sec(0)));
    let letter = outbox.refused(one, "payload too large").unwrap();
    assert_eq!((letter.record, letter.why.as_str()), (at(1), "payload too large"));
    outbox.acked(two);
    assert_eq!(outbox.cursor(), at(0), "not before the journal has it");
    assert!(outbox.recorded(letter.ticket));
    assert_eq!(outbox.cursor(), at(2));
    assert_eq!(outbox.lag(at(2), sec(0)).refused, 1);
}

#[test]
fn failures_wait_longer_and_longer_until_something_gets_through() {
    let mut outbox = outbox(1);
    let mut waits = Vec::new();
    let mut now = sec(0);
    for _ in 0..10 {
        outbox.failed(now);
        let Turn::Wait(Some(until)) = outbox.turn(now) else { panic!("no wait after a failure") };
        waits.push(until.since(now).micros() / 1000);
        now = until;
        assert_eq!(outbox.turn(now), Turn::Rewind(at(0)));
    }
    let bounds = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000];
    for (wait, bound) in waits.iter().zip(bounds) {
        assert!((bound / 2..=bound).contains(wait), "{waits:?}");
    }
    assert_eq!(outbox.lag(at(0), now).tries, 10);
    let ticket = outbox.sent(at(1), now);
    outbox.acked(ticket);
    assert_eq!(outbox.lag(at(0), now).tries, 0);
}

#[test]
fn what_a_receiver_takes_or_refuses_behind_a_hole_shortens_no_wait() {
    let mut outbox = outbox(1);
    for tries in 1..6 {
        outbox.turn(sec(100 * tries));
        let tickets: Vec<_> = (1..=3).map(|seq| outbox.sent(at(seq), sec(100 * tries))).collect();
        assert!(!outbox.acked(tickets[1]) && outbox.refused(tickets[2], "late").is_some());
        outbox.failed(sec(100 * tries));
        assert_eq!(u64::from(outbox.lag(at(3), sec(0)).tries), tries, "the same again each time");
    }
    outbox.turn(sec(1000));
    let ticket = outbox.sent(at(1), sec(1000));
    assert!(outbox.refused(ticket, "late").is_some() && outbox.recorded(ticket));
    assert_eq!(outbox.lag(at(3), sec(0)).tries, 0);
}

#[test]
fn window_and_pace_are_kept() {
    let options = OutboxOptions { window: 2, per_second: Some(10), ..OutboxOptions::default() };
    let mut outbox = Outbox::new(&options, at(0), 1);
    outbox.turn(sec(1));
    let mut now = sec(1);
    let first = outbox.sent(at(1), now);
    let paced = now.plus(Duration::from_millis(100));
    assert_eq!(outbox.turn(now), Turn::Wait(Some(paced)));
    now = paced;
    outbox.sent(at(2), now);
    assert_eq!(outbox.turn(sec(9)), Turn::Wait(None), "two are under way");
    outbox.set_window(3);
    assert_eq!(outbox.turn(sec(9)), Turn::Take);
    outbox.set_window(2);
    outbox.acked(first);
    assert_eq!(outbox.turn(sec(9)), Turn::Take);
}

/// What a caller may do, drawn at random.
#[derive(Clone, Debug)]
enum Op {
    Take { wanted: bool },
    Ack(usize),
    Refuse(usize),
    Record(usize),
    Reset,
    Fail,
    Stale,
    Wait,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => any::<bool>().prop_map(|wanted| Op::Take { wanted }),
        6 => (0usize..8).prop_map(Op::Ack),
        1 => (0usize..8).prop_map(Op::Refuse),
        2 => (0usize..8).prop_map(Op::Record),
        1 => Just(Op::Reset),
        1 => Just(Op::Fail),
        1 => Just(Op::Stale),
        2 => Just(Op::Wait),
    ];
    proptest::collection::vec(op, 0..120)
}

proptest! {
    /// Against the obvious: a set of numbers that are done; the cursor is the longest row from 1 on.
    #[test]
    fn as_the_model_says(ops in ops(), window in 1usize..6) {
        let mut outbox = outbox(window);
        let (mut next, mut now) = (1u64, sec(0));
        // Of this session: number, ticket, refused. All that ever was done in it, or skipped.
        let mut under_way: Vec<(u64, Ticket, bool)> = Vec::new();
        let mut done = std::collections::BTreeSet::new();
        let mut old = Vec::new();
        let mut cursor = 0u64;
        for op in ops {
            match op {
                Op::Take { wanted } => match outbox.turn(now) {
                    Turn::Rewind(place) => {
                        prop_assert_eq!(place.seq, cursor);
                        next = cursor + 1;
                    }
                    Turn::Take if wanted => {
                        under_way.push((next, outbox.sent(at(next), now), false));
                        next += 1;
                    }
                    Turn::Take => {
                        outbox.skipped(at(next));
                        done.insert(next);
                        next += 1;
                    }
                    Turn::Wait(_) => {}
                },
                Op::Ack(n) if n < under_way.len() => {
                    let (seq, ticket, refused) = under_way[n];
                    outbox.acked(ticket);
                    if !refused {
                        done.insert(seq);
                        under_way.remove(n);
                        old.push(ticket);
                    }
                }
                Op::Refuse(n) if n < under_way.len() => {
                    let letter = outbox.refused(under_way[n].1, "no");
                    prop_assert_eq!(letter.is_some(), !under_way[n].2);
                    under_way[n].2 = true;
                }
                Op::Record(n) if n < under_way.len() => {
                    let (seq, ticket, refused) = under_way[n];
                    outbox.recorded(ticket);
                    if refused {
                        done.insert(seq);
                        under_way.remove(n);
                        old.push(ticket);
                    }
                }
                Op::Reset | Op::Fail => {
                    if matches!(op, Op::Fail) {
                        outbox.failed(now);
                    } else {
                        outbox.session_reset();
                    }
                    old.extend(under_way.drain(..).map(|(_, ticket, _)| ticket));
                    done.clear();
                    done.extend(1..=cursor);
                    next = u64::MAX;
                }
                Op::Stale => {
                    for &ticket in &old {
                        prop_assert!(!outbox.acked(ticket) && !outbox.recorded(ticket));
                        prop_assert_eq!(outbox.refused(ticket, "no"), None);
                    }
                }
                Op::Wait => now = now.plus(Duration::from_secs(60)),
                Op::Ack(_) | Op::Refuse(_) | Op::Record(_) => {}
            }
            while done.contains(&(cursor + 1)) {
                cursor += 1;
            }
            prop_assert_eq!(outbox.cursor().seq, cursor);
            prop_assert!(under_way.len() <= window);
            let sent = under_way.iter().filter(|(_, _, refused)| !refused).count();
            prop_assert_eq!(outbox.lag(at(cursor), now).in_flight, sent);
        }
    }
}
