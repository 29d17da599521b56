use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::sinks::fields::testing::doorbell;
use crate::sinks::message::Message;
use crate::sinks::quota::Rate;
use crate::sinks::{Failure, Outcome};

/// A receiver that does as it is told, and remembers the numbers it was given.
#[derive(Clone, Default)]
struct Scripted {
    given: Arc<Mutex<Vec<Vec<u64>>>>,
    answers: Arc<Mutex<VecDeque<Result<Verdict, Failure>>>>,
    /// It fails over this one whenever it is given it.
    poison: Option<u64>,
    /// It takes no more than so many as one.
    most: Option<usize>,
}

fn number(message: &Message) -> u64 {
    let object: serde_json::Value = serde_json::from_str(&message.payload).unwrap();
    object["seq"].as_u64().unwrap()
}

impl Receiver for Scripted {
    async fn open(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    async fn deliver(&mut self, messages: &[Message]) -> Result<Verdict, Failure> {
        let numbers: Vec<_> = messages.iter().map(number).collect();
        self.given.lock().unwrap().push(numbers.clone());
        if self.poison.is_some_and(|poison| numbers.contains(&poison)) {
            return Ok(Verdict::Failed("500".into()));
        }
        if self.most.is_some_and(|most| numbers.len() > most) {
            return Ok(Verdict::Refused("413".into()));
        }
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(Verdict::Taken))
    }

    fn remark(&self) -> String {
        format!("{} given", self.given.lock().unwrap().len())
    }
}

fn sink(answers: impl IntoIterator<Item = Result<Verdict, Failure>>) -> (Sequential<Scripted>, Scripted) {
    let scripted =
        Scripted { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Scripted::default() };
    (Sequential::new(scripted.clone(), None), scripted)
}

/// As the driver does it: all behind the cursor goes, and after a failure again.
async fn drive(sink: &mut Sequential<Scripted>, numbers: impl IntoIterator<Item = u64>) -> Vec<Outcome> {
    let mut waiting: VecDeque<_> = numbers.into_iter().map(|n| doorbell("ring", n)).collect();
    let mut outcomes = Vec::new();
    'open: while !waiting.is_empty() {
        sink.open().await.unwrap();
        waiting.iter().for_each(|message| sink.send(message.clone()).unwrap());
        while !waiting.is_empty() {
            let Ok(outcome) = sink.outcome().await else { continue 'open };
            let count = if let Outcome::Done(count) = outcome { count } else { 1 };
            waiting.drain(..count);
            outcomes.push(outcome);
        }
    }
    outcomes
}

#[tokio::test]
async fn one_after_the_other_and_again_after_a_failure() {
    let (mut sink, scripted) = sink([Ok(Verdict::Taken), Err(Failure::retry("away"))]);
    assert_eq!(drive(&mut sink, 1..=3).await, [Outcome::Done(1), Outcome::Done(1), Outcome::Done(1)]);
    assert_eq!(*scripted.given.lock().unwrap(), [[1], [2], [2], [3]]);
}

#[tokio::test]
async fn what_is_refused_is_passed() {
    let (mut sink, scripted) = sink([Ok(Verdict::Refused("too long".into()))]);
    assert_eq!(drive(&mut sink, 1..=2).await, [Outcome::Refused("too long".into()), Outcome::Done(1)]);
    assert_eq!(*scripted.given.lock().unwrap(), [[1], [2]]);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let (mut sink, scripted) = sink([]);
    sink.open().await.unwrap();
    (1..=3).for_each(|n| sink.send(doorbell("ring", n)).unwrap());
    let mut done = 0;
    while done < 3 {
        tokio::select! {
            biased;
            outcome = sink.outcome() => done += usize::from(outcome == Ok(Outcome::Done(1))),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(*scripted.given.lock().unwrap(), [[1], [2], [3]]);
}

#[tokio::test]
async fn a_message_that_the_receiver_fails_over_is_set_aside_once_the_next_goes_through() {
    let (mut sink, mut scripted) = sink([]);
    scripted.poison = Some(1);
    sink.receiver = Some(scripted.clone());
    let why = "the receiver fails over this one alone: 500".to_owned();
    assert_eq!(drive(&mut sink, 1..=3).await, [Outcome::Refused(why), Outcome::Done(1), Outcome::Done(1)]);
    assert_eq!(*scripted.given.lock().unwrap(), [[1], [1], [1], [1], [1], [2], [3]]);
}

#[tokio::test]
async fn a_message_that_is_forbidden_is_set_aside_once_the_next_is_let_in() {
    let forbidden = || Err(Failure::refused("not allowed (403)"));
    let (mut sink, scripted) = sink((0..5).map(|_| forbidden()));
    let why = "the receiver fails over this one alone: not allowed (403)".to_owned();
    assert_eq!(drive(&mut sink, 1..=3).await, [Outcome::Refused(why), Outcome::Done(1), Outcome::Done(1)]);
    assert_eq!(*scripted.given.lock().unwrap(), [[1], [1], [1], [1], [1], [2], [3]]);
}

#[tokio::test]
async fn a_wrong_password_sets_nothing_aside() {
    let wrong = || Err(Failure::refused("not allowed (401)"));
    let (mut sink, _) = sink((0..14).map(|_| wrong()));
    assert_eq!(drive(&mut sink, 1..=2).await, [Outcome::Done(1), Outcome::Done(1)]);
}

#[tokio::test]
async fn an_outage_sets_nothing_aside() {
    let failed = || Ok(Verdict::Failed("500".into()));
    let (mut sink, scripted) = sink((0..14).map(|_| failed()));
    assert_eq!(drive(&mut sink, 1..=2).await, [Outcome::Done(1), Outcome::Done(1)]);
    let given: Vec<u64> = scripted.given.lock().unwrap().concat();
    assert_eq!(given, [1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 2], "the second is asked in between");
}

#[tokio::test(start_paused = true)]
async fn beyond_the_quota_they_are_one_and_none_is_missing() {
    let scripted = Scripted::default();
    let rate = Rate { count: 3, period: Duration::from_secs(60) };
    let mut sink = Sequential::new(scripted.clone(), Some(Quota::new(rate)));
    let begin = Instant::now();
    let outcomes = drive(&mut sink, 1..=9).await;
    assert_eq!(outcomes, [Outcome::Done(1), Outcome::Done(1), Outcome::Done(7)]);
    assert_eq!(*scripted.given.lock().unwrap(), [vec![1], vec![2], (3..=9).collect::<Vec<_>>()]);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    drive(&mut sink, 10..=12).await;
    assert_eq!(scripted.given.lock().unwrap()[3..], [vec![10, 11, 12]]);
    assert_eq!(begin.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn what_the_receiver_did_not_take_is_not_spent() {
    let scripted = Scripted::default();
    scripted.answers.lock().unwrap().extend((0..9).map(|_| Err(Failure::retry("away"))));
    let rate = Rate { count: 2, period: Duration::from_secs(60) };
    let mut sink = Sequential::new(scripted.clone(), Some(Quota::new(rate)));
    let begin = Instant::now();
    drive(&mut sink, [1]).await;
    drive(&mut sink, [2]).await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
    drive(&mut sink, [3]).await;
    assert_eq!(begin.elapsed().as_secs(), 60);
}

fn gathering(scripted: &Scripted, count: usize) -> Sequential<Scripted> {
    let rate = Rate { count, period: Duration::from_secs(60) };
    Sequential::new(scripted.clone(), Some(Quota::new(rate)))
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_as_one_goes_in_parts() {
    let scripted = Scripted { most: Some(3), ..Scripted::default() };
    let mut sink = gathering(&scripted, 1);
    let outcomes = drive(&mut sink, 1..=7).await;
    assert_eq!(outcomes, [Outcome::Done(2), Outcome::Done(2), Outcome::Done(3)]);
    let given = scripted.given.lock().unwrap();
    let taken: Vec<u64> = given.iter().filter(|numbers| numbers.len() <= 3).flatten().copied().collect();
    assert_eq!(taken, (1..=7).collect::<Vec<_>>(), "{given:?}");
}

#[tokio::test(start_paused = true)]
async fn of_what_was_gathered_only_the_message_that_it_fails_over_is_set_aside() {
    let scripted = Scripted { poison: Some(4), ..Scripted::default() };
    let mut sink = gathering(&scripted, 2);
    let outcomes = drive(&mut sink, 1..=7).await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Refused(_))).count();
    let done: usize = outcomes.iter().map(|o| if let Outcome::Done(n) = o { *n } else { 0 }).sum();
    assert_eq!((refused, done), (1, 6), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn who_refuses_everything_is_asked_hardly_oftener_than_there_are_messages() {
    let scripted = Scripted { most: Some(0), ..Scripted::default() };
    let mut sink = gathering(&scripted, 1);
    let outcomes = drive(&mut sink, 1..=64).await;
    assert_eq!(outcomes, vec![Outcome::Refused("413".into()); 64]);
    assert_eq!(scripted.given.lock().unwrap().len(), 64 + 6);
}

#[tokio::test(start_paused = true)]
async fn what_never_arrived_keeps_no_group_small() {
    let scripted = Scripted::default();
    scripted.answers.lock().unwrap().push_back(Err(Failure::retry("nobody listens")));
    let mut sink = gathering(&scripted, 1);
    sink.open().await.unwrap();
    sink.send(doorbell("ring", 1)).unwrap();
    sink.outcome().await.unwrap_err();
    sink.open().await.unwrap();
    (1..=5).for_each(|n| sink.send(doorbell("ring", n)).unwrap());
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(5)));
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_the_same_goes_again_and_is_counted() {
    let scripted = Scripted::default();
    let lost = || Err(Failure::retry("hung up").unsure());
    scripted.answers.lock().unwrap().extend([lost(), lost()]);
    let mut sink = gathering(&scripted, 1);
    sink.open().await.unwrap();
    (1..=3).for_each(|n| sink.send(doorbell("ring", n)).unwrap());
    let begin = Instant::now();
    for more in [4, 5] {
        sink.outcome().await.unwrap_err();
        sink.open().await.unwrap();
        // More has come meanwhile.
        (1..=more).for_each(|n| sink.send(doorbell("ring", n)).unwrap());
    }
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(3)));
    assert_eq!(*scripted.given.lock().unwrap(), [[1, 2, 3]; 3], "under one key");
    assert_eq!(begin.elapsed().as_secs(), 120, "each may have been taken");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_quota_is_seen_to() {
    let mut sink = gathering(&Scripted::default(), 1);
    sink.open().await.unwrap();
    sink.send(doorbell("ring", 1)).unwrap();
    assert_eq!(sink.held_until(), None, "one is free");
    sink.outcome().await.unwrap();
    assert_eq!(sink.held_until(), None, "nothing waits");
    sink.send(doorbell("ring", 2)).unwrap();
    let held = sink.held_until().unwrap() - Instant::now();
    assert_eq!(held.as_secs(), 60);
    sink.outcome().await.unwrap();
    assert_eq!(sink.held_until(), None);
}
