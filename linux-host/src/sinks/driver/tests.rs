//! A real journal on a real disk, and receivers of every temper.

mod house;
mod retries;

use std::sync::Mutex;

use super::opening::CLOCK_PATIENCE;
use super::*;
use crate::sinks::Outcome;
use crate::sinks::arrival::Arrival;
use crate::sinks::context::Opening;
use house::{Fake, House, PATIENCE, PROGRAM, until, value};

#[tokio::test]
async fn everything_arrives_once_and_in_order_within_the_window() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..25);
    let sink = Fake::willing();
    let most = Arc::clone(&sink.most);
    let running = house.run(sink);
    assert_eq!(running.values(25).await, (0..25).collect::<Vec<_>>());
    house.count(25..40);
    assert_eq!(running.values(40).await, (0..40).collect::<Vec<_>>());
    assert_eq!(*most.lock().unwrap(), 10, "the window and not more is under way");
    let message = running.got.lock().unwrap()[0].clone();
    assert_eq!(message.topic, "campanile/front-door/variable/rings");
    assert!(
        message.payload.contains(r#""time":"2026-11-21T"#) && message.payload.contains(r#""trusted":true"#)
    );
    let figures = running.figures();
    assert_eq!((figures.state, figures.refused, figures.repeated), (State::Connected, 0, 0));
    running.stop().await;
    assert_eq!(*house.links.lock().unwrap(), [true, false]);
}

#[tokio::test]
async fn nothing_is_sent_without_its_name_however_late_the_journal_tells_the_program() {
    let house = House::open_before_its_start(tempfile::tempdir().unwrap(), 1);
    // As outputs that take their safe levels before the start says what it is.
    house.count(0..1);
    let running = house.run(Fake::willing());
    sleep(CLOCK_PATIENCE + Duration::from_millis(100)).await;
    house.begin();
    running.values(1).await;
    assert_eq!(running.got.lock().unwrap()[0].topic, "campanile/front-door/variable/rings");
    running.stop().await;
}

#[tokio::test]
async fn a_sign_of_life_goes_out_at_once_and_again_and_the_journal_does_not_wait_for_it() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..2);
    let sink = Fake::willing();
    let got = Arc::clone(&sink.got);
    let signs = Signs { heartbeat: Some(Duration::from_millis(20)), figures: None };
    let running = house.run_telling(sink, got, signs);
    let beats = || {
        let got = running.got.lock().unwrap();
        let object = |message: &Message| serde_json::from_str::<serde_json::Value>(&message.payload).unwrap();
        got.iter().filter_map(|message| object(message)["beat"].as_u64()).collect::<Vec<_>>()
    };
    until("three beats", || beats().len() >= 3).await;
    assert_eq!(beats()[..3], [1, 2, 3]);
    until("both records", || running.figures().delivered == 2).await;
    assert_eq!(running.figures().refused, 0);
    running.stop().await;
}

#[tokio::test]
async fn how_it_is_doing_is_kept_as_a_state_told_on_a_change_and_no_record() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..3);
    let sink = Fake::new(|message| match value(message) {
        1 => Ok(Outcome::Refused("not allowed".into())),
        _ => Ok(Outcome::Done(1)),
    });
    let got = Arc::clone(&sink.got);
    let signs = Signs { heartbeat: None, figures: Some(Duration::from_millis(1)) };
    let running = house.run_telling(sink, got, signs);
    let told = || -> Vec<serde_json::Value> {
        let got = running.got.lock().unwrap();
        let figures = got.iter().filter(|message| message.topic == "campanile/front-door/figures/home");
        assert!(figures.clone().all(|message| message.retain));
        figures.map(|message| serde_json::from_str(&message.payload).unwrap()).collect()
    };
    // Two values, and the letter about the third.
    until("the last word", || told().last().is_some_and(|last| last["delivered"] == 3)).await;
    let last = told().pop().unwrap();
    assert_eq!((&last["dead-letters"], &last["lost"], &last["behind"]), (&1.into(), &5.into(), &0.into()));
    assert!(
        last["lag"].as_f64().is_some() && last["node"] == "front-door" && last["sink"] == "home",
        "{last}"
    );
    assert_eq!(running.figures().delivered, 3, "its own figures are none");
    running.stop().await;
}

#[tokio::test]
async fn after_a_failure_all_that_was_not_acknowledged_goes_again() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..20);
    let mut calls = 0;
    let running = house.run(Fake::new(move |_| {
        calls += 1;
        if calls == 8 { Err(Failure::retry("the wire broke")) } else { Ok(Outcome::Done(1)) }
    }));
    assert_eq!(
        running.values(20).await,
        (0..20).collect::<Vec<_>>(),
        "none twice, as none was acknowledged twice"
    );
    assert!(running.figures().repeated > 0);
    running.stop().await;
}

#[tokio::test]
async fn a_restart_goes_on_behind_the_cursor_and_repeats_nothing_after_a_proper_stop() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..5);
    let running = house.run(Fake::willing());
    running.values(5).await;
    running.stop().await;
    house.count(5..8);
    let house = Arc::into_inner(house).expect("nobody else holds it");
    drop((house.journal, house.storage));
    let house = House::open(house.dir, 2);
    house.count(8..10);
    let running = house.run(Fake::willing());
    assert_eq!(running.values(5).await, [5, 6, 7, 8, 9], "first what the start before had left");
    running.stop().await;
}

#[tokio::test]
async fn a_damaged_cursor_costs_repeats_and_no_message() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..3);
    let running = house.run(Fake::willing());
    running.values(3).await;
    running.stop().await;
    house.count(3..5);
    let house = Arc::into_inner(house).expect("nobody else holds it");
    drop((house.journal, house.storage));
    std::fs::write(house.dir.path().join("cursor-home"), [7; 8192]).unwrap();
    let house = House::open(house.dir, 2);
    let running = house.run(Fake::willing());
    assert_eq!(running.values(5).await, [0, 1, 2, 3, 4]);
    running.stop().await;
}

#[tokio::test]
async fn what_is_refused_for_good_becomes_a_dead_letter_and_the_rest_goes_on() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..6);
    let running = house.run(Fake::new(|message| match value(message) {
        3 => Ok(Outcome::Refused("not allowed".into())),
        _ => Ok(Outcome::Done(1)),
    }));
    // The dead letter is a message too: its value is a word.
    assert_eq!(running.values(6).await, [0, 1, 2, 4, 5, -1]);
    let letter = running.got.lock().unwrap()[5].clone();
    assert!(
        letter.topic.ends_with("/diagnostics") && letter.payload.contains("not allowed"),
        "{}",
        letter.payload
    );
    assert_eq!(running.figures().refused, 1);
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_at_all_does_not_fill_the_journal_with_letters() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..3);
    let running = house.run(Fake::new(|_| Ok(Outcome::Refused("no".into()))));
    until("all of it is refused", || running.figures().refused >= 6).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(running.figures().refused, 6, "three messages and the three letters about them");
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_up_over_one_message_gets_them_singly_until_it_is_found() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..15);
    let running = house.run(Fake::new(|message| match value(message) {
        4 => Err(Failure::suspect("it hung up")),
        _ => Ok(Outcome::Done(1)),
    }));
    let expected: Vec<_> = (0..15).filter(|value| *value != 4).chain([-1]).collect();
    assert_eq!(running.values(15).await, expected);
    assert_eq!(running.figures().refused, 1);
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_answers_and_hangs_up_time_and_again_over_one_message_is_passed_by_it() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..4);
    let mut sink = Fake::new(|message| match value(message) {
        2 => Err(Failure::retry("it hung up, and says nothing").unexplained()),
        _ => Ok(Outcome::Done(1)),
    });
    sink.works = true;
    let running = house.run(sink);
    assert_eq!(running.values(4).await, [0, 1, 3, -1]);
    let figures = running.figures();
    let why = figures.last_refused.unwrap_or_default();
    assert_eq!((figures.refused, why.as_str()), (1, "it hung up, and says nothing"));
    running.stop().await;
}

#[tokio::test]
async fn what_comes_in_shows_that_the_receiver_works_again() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    /// Something comes in over each connection, and then it ends.
    #[derive(Default)]
    struct Chatty(bool);
    impl Sink for Chatty {
        async fn open(&mut self) -> Result<usize, Failure> {
            self.0 = false;
            Ok(10)
        }
        fn send(&mut self, _: Message) -> Result<(), Failure> {
            Ok(())
        }
        async fn outcome(&mut self) -> Result<Outcome, Failure> {
            if std::mem::replace(&mut self.0, true) {
                return Err(Failure::retry("it restarts"));
            }
            Ok(Outcome::Came(Arrival::message("there", "doorbell", None)))
        }
        async fn close(&mut self) {}
    }
    let running = house.run_telling(Chatty::default(), Arc::default(), Signs::default());
    // By doubling they would take seven minutes.
    until("twenty connections", || house.links.lock().unwrap().iter().filter(|up| **up).count() >= 20).await;
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_keeps_states_is_told_the_last_one_again_by_each_connection() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..3);
    let mut calls = 0;
    let mut sink = Fake::new(move |_| {
        calls += 1;
        if calls == 4 { Err(Failure::retry("it restarts")) } else { Ok(Outcome::Done(1)) }
    });
    sink.keeps_states = true;
    let running = house.run(sink);
    assert_eq!(running.values(3).await, [0, 1, 2]);
    house.quiet(7);
    assert_eq!(running.values(5).await, [0, 1, 2, 2, 7], "and what it had not comes behind that");
    let got = running.got.lock().unwrap().clone();
    assert_eq!(got[2], got[3], "to the byte");
    until("the last is counted", || running.figures().delivered >= 4).await;
    assert_eq!(running.figures().delivered, 4, "once more is no delivery");
    running.stop().await;
}

#[tokio::test]
async fn a_state_that_the_receiver_hangs_up_over_is_not_told_again() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..3);
    let mut calls = 0;
    let hung_up = Arc::<Mutex<u32>>::default();
    let counted = Arc::clone(&hung_up);
    let mut sink = Fake::new(move |message| {
        calls += 1;
        match (value(message), calls) {
            (7, 4) => Err(Failure::retry("it restarts")),
            // What it took before, it has been forbidden since.
            (2, _) if calls > 4 => {
                *counted.lock().unwrap() += 1;
                Err(Failure::suspect("it hung up"))
            }
            _ => Ok(Outcome::Done(1)),
        }
    });
    sink.keeps_states = true;
    let running = house.run(sink);
    assert_eq!(running.values(3).await, [0, 1, 2]);
    house.quiet(7);
    assert_eq!(running.values(4).await, [0, 1, 2, 7]);
    assert_eq!(*hung_up.lock().unwrap(), 2, "with others behind it, and alone");
    assert_eq!(running.figures().refused, 0, "nothing was lost by it");
    running.stop().await;
}

#[tokio::test]
async fn a_sink_that_begins_in_the_middle_of_a_start_is_told_the_state_by_a_checkpoint() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..3);
    let running = house.run(Fake::willing());
    assert_eq!(running.values(3).await, [0, 1, 2]);
    running.stop().await;
    let running = house.run(Fake::willing());
    assert_eq!(running.values(1).await, [2]);
    let message = running.got.lock().unwrap()[0].clone();
    assert!(message.payload.contains(r#""seq":5,"host":2"#), "an identity of its own: {}", message.payload);
    house.checkpoint();
    house.count(3..4);
    assert_eq!(running.values(2).await, [2, 3], "told is told");
    running.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_what_is_under_way_but_not_for_a_receiver_that_is_stuck() {
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    house.count(0..30);
    let running = house.run(Fake::willing());
    let got = Arc::clone(&running.got);
    running.stop().await;
    // It was told to stop before it began, or took all: never half of it.
    assert!([0, 30].contains(&got.lock().unwrap().len()));

    struct Stuck;
    impl Sink for Stuck {
        async fn open(&mut self) -> Result<usize, Failure> {
            Ok(10)
        }
        fn send(&mut self, _: Message) -> Result<(), Failure> {
            Ok(())
        }
        async fn outcome(&mut self) -> Result<Outcome, Failure> {
            std::future::pending().await
        }
        async fn close(&mut self) {}
    }
    let running = house.run_any(Stuck, Arc::default());
    until("as many as it takes", || running.figures().under_way == 10).await;
    tokio::time::timeout(PATIENCE, running.stop()).await.expect("the farewell has an end");
}

/// What retention or damage has taken of the beginning must not keep a sink waiting that a reload starts.
#[test]
fn a_start_without_its_beginning_is_known_by_what_is_left() {
    use std::os::unix::fs::FileExt as _;
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    for value in 1..=500 {
        house.count(value..=value);
    }
    let segment = house.dir.path().join(format!("{:016x}.segment", 1));
    let file = std::fs::File::options().write(true).open(segment).unwrap();
    file.write_all_at(&[0xee; 600], 128).unwrap();
    let opening = Opening::find(house.journal.lock().unwrap().index(), house.boot);
    assert_eq!(opening.program, Some(PROGRAM));
}

#[tokio::test]
async fn what_comes_in_is_handed_on_until_it_is_a_storm_and_every_one_is_counted() {
    /// As many messages as another node sends in a loop, and what nobody understands.
    struct Talker(u64);
    const STORM: u64 = 20_000;
    impl Sink for Talker {
        async fn open(&mut self) -> Result<usize, Failure> {
            Ok(10)
        }
        fn send(&mut self, _: Message) -> Result<(), Failure> {
            Ok(())
        }
        async fn outcome(&mut self) -> Result<Outcome, Failure> {
            self.0 += 1;
            match self.0 {
                n @ 1..=STORM if n.is_multiple_of(2) => {
                    Ok(Outcome::Came(Arrival::message("there", "doorbell", None)))
                }
                1..=STORM => Ok(Outcome::Came(Arrival::unclear("there", "\"maybe\" is neither on nor off"))),
                _ => std::future::pending().await,
            }
        }
        async fn close(&mut self) {}
    }
    let house = House::open(tempfile::tempdir().unwrap(), 1);
    let running = house.run_any(Talker(0), Arc::default());
    until("all of it came", || {
        house.wishes.lock().unwrap().len() as u64 + running.figures().turned_away == STORM
    })
    .await;
    let (taken, figures) = (house.wishes.lock().unwrap().len() as u64, running.figures());
    let burst = campanile_core::storm::BURST;
    assert!((burst / 2..STORM / 4).contains(&taken), "{taken} of a storm");
    let why = figures.last_turned_away.unwrap();
    assert!(why.contains("more came in than 20 a second") || why.contains("\"maybe\""), "{why}");
    running.stop().await;
}
