//! A receiver in memory, and what becomes of each message.

use std::collections::VecDeque;

use serde_json::Value;

use super::*;
use crate::sinks::message::Kind;

const LARGEST: usize = 400;

/// Takes what it is sent, and answers as it is told.
#[derive(Debug, Default)]
struct Fake {
    window: usize,
    got: Vec<Message>,
    answers: VecDeque<Outcome>,
}

impl Sink for Fake {
    async fn open(&mut self) -> Result<usize, Failure> {
        Ok(self.window)
    }

    fn send(&mut self, message: Message) -> Result<(), Failure> {
        self.got.push(message);
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        match self.answers.pop_front() {
            Some(outcome) => Ok(outcome),
            None => std::future::pending().await,
        }
    }

    async fn close(&mut self) {}
}

impl Carrier for Fake {
    fn largest(&self, _: &str) -> usize {
        LARGEST
    }

    fn goes_alone(&self, message: &Message) -> bool {
        message.kind == Kind::Output
    }

    fn keeps_topics(&self) -> bool {
        true
    }
}

fn message(kind: Kind, name: &str, seq: u64) -> Message {
    Message {
        topic: format!("t/{name}"),
        payload: format!("{{\"value\":\"{name}\",\"node\":\"n\",\"boot\":\"1-2\",\"seq\":{seq}}}"),
        retain: kind.is_state(),
        kind,
        every: None,
    }
}

async fn batching(window: usize) -> Batching<Fake> {
    let terms = Terms { topic: "t/batch".into(), most: 3, within: Duration::from_secs(2) };
    let mut sink = Batching::new(Fake { window, ..Fake::default() }, Some(terms));
    assert_eq!(sink.open().await, Ok(window * 3));
    sink
}

/// The topic of each message that the receiver got, and the numbers in it.
fn got(sink: &Batching<Fake>) -> Vec<(&str, Vec<u64>)> {
    let numbers = |message: &Message| match serde_json::from_str(&message.payload).unwrap() {
        Value::Array(all) => all.iter().map(|one| one["seq"].as_u64().unwrap()).collect(),
        one => vec![one["seq"].as_u64().unwrap()],
    };
    sink.sink.got.iter().map(|message| (message.topic.as_str(), numbers(message))).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_go_together_when_they_are_enough_or_have_waited_long_enough() {
    let mut sink = batching(10).await;
    for seq in 1..=4 {
        sink.send(message(Kind::Message, "ring", seq)).unwrap();
    }
    assert_eq!(got(&sink), [("t/batch", vec![1, 2, 3])]);
    let array: Value = serde_json::from_str(&sink.sink.got[0].payload).unwrap();
    assert_eq!(array[0].to_string(), r#"{"boot":"1-2","node":"n","seq":1,"topic":"t/ring","value":"ring"}"#);
    let began = Instant::now();
    let waited = tokio::time::timeout(Duration::from_secs(60), sink.outcome()).await;
    assert!(waited.is_err(), "nobody answered");
    assert_eq!(began.elapsed(), Duration::from_secs(60));
    assert_eq!(got(&sink)[1], ("t/batch", vec![4]), "it went all the same");
    sink.sink.answers = [Outcome::Done(1), Outcome::Done(1)].into();
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(3)));
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(1)));
}

#[tokio::test(start_paused = true)]
async fn none_waits_longer_than_it_may_and_a_flush_waits_for_nothing() {
    let mut sink = batching(10).await;
    sink.send(message(Kind::Message, "ring", 1)).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(1999), sink.outcome()).await.is_err());
    assert!(got(&sink).is_empty());
    assert!(tokio::time::timeout(Duration::from_millis(2), sink.outcome()).await.is_err());
    assert_eq!(got(&sink), [("t/batch", vec![1])]);
    sink.send(message(Kind::Message, "ring", 2)).unwrap();
    sink.flush().unwrap();
    assert_eq!(got(&sink)[1], ("t/batch", vec![2]));
}

#[tokio::test]
async fn the_last_state_of_a_batch_is_kept_under_its_topic_and_done_with_the_batch() {
    let mut sink = batching(10).await;
    for (seq, name) in [(1, "door"), (2, "lamp"), (3, "door")] {
        sink.send(message(Kind::Input, name, seq)).unwrap();
    }
    assert_eq!(got(&sink), [("t/lamp", vec![2]), ("t/door", vec![3]), ("t/batch", vec![1, 2, 3])]);
    assert_eq!(sink.sink.got.iter().map(|message| message.retain).collect::<Vec<_>>(), [true, true, false]);
    sink.sink.answers = [Outcome::Done(1), Outcome::Refused("no".into()), Outcome::Done(1)].into();
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(3)), "the array says for all of them");
}

#[tokio::test]
async fn what_goes_by_itself_or_again_goes_behind_what_was_gathered() {
    let mut sink = batching(10).await;
    sink.send(message(Kind::Message, "ring", 1)).unwrap();
    sink.send(message(Kind::Output, "lamp", 2)).unwrap();
    sink.send(message(Kind::Message, "ring", 3)).unwrap();
    sink.send_again(message(Kind::Input, "door", 1)).unwrap();
    let order = [("t/batch", vec![1]), ("t/lamp", vec![2]), ("t/batch", vec![3]), ("t/door", vec![1])];
    assert_eq!(got(&sink), order);
    sink.sink.answers = [Outcome::Done(3), Outcome::Refused("no".into())].into();
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(3)));
    assert_eq!(sink.outcome().await, Ok(Outcome::Refused("no".into())));
}

#[tokio::test]
async fn a_batch_is_never_larger_than_the_receiver_takes() {
    let mut sink = batching(10).await;
    let long = |seq| {
        let mut message = message(Kind::Message, "ring", seq);
        message.payload = message.payload.replace("ring", &"r".repeat(130));
        message
    };
    for seq in 1..=4 {
        sink.send(long(seq)).unwrap();
    }
    sink.flush().unwrap();
    assert_eq!(got(&sink), [("t/batch", vec![1, 2]), ("t/batch", vec![3, 4])]);
    assert!(sink.sink.got.iter().all(|message| message.payload.len() <= LARGEST));
}

#[tokio::test]
async fn of_a_batch_that_is_refused_each_message_is_refused() {
    let mut sink = batching(10).await;
    for seq in 1..=3 {
        sink.send(message(Kind::Message, "ring", seq)).unwrap();
    }
    sink.send(message(Kind::Output, "lamp", 4)).unwrap();
    sink.sink.answers = [Outcome::Refused("no".into()), Outcome::Done(1)].into();
    for _ in 1..=3 {
        assert_eq!(sink.outcome().await, Ok(Outcome::Refused("no".into())));
    }
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(1)));
}

#[tokio::test]
async fn no_more_is_under_way_than_the_receiver_takes_at_once() {
    let mut sink = batching(1).await;
    for (seq, name) in [(1, "door"), (2, "lamp"), (3, "door")] {
        sink.send(message(Kind::Input, name, seq)).unwrap();
    }
    assert_eq!(sink.sink.got.len(), 1);
    sink.sink.answers = [Outcome::Done(1), Outcome::Done(1), Outcome::Done(1)].into();
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(3)));
    assert_eq!(sink.sink.got.len(), 3);
}

#[tokio::test]
async fn without_terms_each_goes_by_itself() {
    let mut sink = Batching::new(Fake { window: 2, ..Fake::default() }, None);
    assert_eq!(sink.open().await, Ok(2));
    sink.send(message(Kind::Input, "door", 1)).unwrap();
    sink.send(message(Kind::Message, "ring", 2)).unwrap();
    assert_eq!(got(&sink), [("t/door", vec![1]), ("t/ring", vec![2])]);
}
