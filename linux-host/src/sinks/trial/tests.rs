use std::net::TcpListener;

use campanile_core::time::Instant as Moment;

use super::*;
use crate::sinks::message::Renderer;
use crate::sinks::only::Only;
use crate::sinks::topics::Topics;

/// A sink whose receiver does as it is told.
#[derive(Default)]
struct Scripted {
    endpoint: Option<Endpoint>,
    listens: Option<Result<String, Failure>>,
    open: Option<Failure>,
    outcome: Option<Outcome>,
    aside: bool,
    sent: Vec<Message>,
    closed: bool,
}

impl Sink for Scripted {
    async fn open(&mut self) -> Result<usize, Failure> {
        self.open.take().map_or(Ok(10), Err)
    }
    fn send(&mut self, message: Message) -> Result<(), Failure> {
        self.sent.push(message);
        Ok(())
    }
    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        Ok(self.outcome.take().unwrap_or(Outcome::Done(1)))
    }
    async fn endpoint(&mut self) -> Result<Option<Endpoint>, Failure> {
        Ok(self.endpoint.clone())
    }
    async fn listen(&mut self) -> Result<Option<String>, Failure> {
        self.listens.take().transpose()
    }
    fn stand_aside(&mut self) {
        self.aside = true;
    }
    async fn close(&mut self) {
        self.closed = true;
    }
}

fn json(only: &[&str]) -> Form {
    Form::Json(Renderer::new("porch", Topics::default(), Only::parse(only).unwrap()))
}

/// Tries it; what was said, a line a step, and whether it arrived.
fn tried(sink: &mut Scripted, form: Form, beside: bool) -> (Vec<String>, bool) {
    let mut said = Vec::new();
    let mut say = |step: Step, _: Duration, result: Result<&str, &str>| {
        let (Ok(words) | Err(words)) = result;
        said.push(format!("{} {} {words}", step.word(), if result.is_ok() { "ok" } else { "failed" }));
    };
    let wall = Wall { at: Moment::from_micros(0), unix: 0, trusted: true };
    let trial = Trial { wall, beside, say: &mut say };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let arrived = runtime.block_on(trial.through(sink, form, "porch"));
    (said, arrived)
}

fn at(port: u16) -> Option<Endpoint> {
    Some(Endpoint { host: "127.0.0.1".to_owned(), port, tls: None })
}

#[test]
fn each_step_is_told_and_the_message_is_one_of_the_documented_kind_whatever_the_filter() {
    let mut sink = Scripted::default();
    let (said, arrived) = tried(&mut sink, json(&["input:*"]), false);
    assert!(arrived && sink.closed && !sink.aside);
    let payload = &sink.sent[0].payload;
    let sent = format!("published ok campanile/porch/message/test, {} bytes", payload.len());
    assert_eq!(said, ["opened ok 10 messages at once", sent.as_str(), "acknowledged ok it is there"]);
    let object: serde_json::Value = serde_json::from_str(payload).unwrap();
    assert_eq!((&object["value"], &object["node"]), (&"test".into(), &"porch".into()));
    assert_eq!(object["time"], "1970-01-01T00:00:00.000000Z");
    assert!(object["text"].as_str().unwrap().contains("test of this sink"), "{object}");
}

#[test]
fn beside_a_daemon_a_sink_stands_aside() {
    let mut sink = Scripted::default();
    assert!(tried(&mut sink, json(&[]), true).1);
    assert!(sink.aside);
}

#[test]
fn a_refusal_of_any_step_is_told_with_its_reason_and_ends_the_trial() {
    let mut sink =
        Scripted { open: Some(Failure::refused("wrong password: see there")), ..Scripted::default() };
    let (said, arrived) = tried(&mut sink, json(&[]), false);
    assert_eq!((said, arrived), (vec!["opened failed wrong password: see there".to_owned()], false));
    assert!(sink.closed && sink.sent.is_empty());
    let refused = Outcome::Refused("not allowed to publish".into());
    let mut sink = Scripted { outcome: Some(refused), ..Scripted::default() };
    let (said, arrived) = tried(&mut sink, json(&[]), false);
    assert_eq!(said.last().unwrap(), "acknowledged failed not allowed to publish");
    assert!(!arrived);
}

#[test]
fn a_name_without_an_address_and_a_port_without_a_listener_are_told_apart() {
    let endpoint = Some(Endpoint { host: "no-such-host.invalid".into(), port: 1883, tls: None });
    let (said, _) = tried(&mut Scripted { endpoint, ..Scripted::default() }, json(&[]), false);
    assert!(said.len() == 1 && said[0].starts_with("resolved failed nobody knows an address of"), "{said:?}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut sink = Scripted { endpoint: at(port), ..Scripted::default() };
    let (said, arrived) = tried(&mut sink, json(&[]), false);
    assert_eq!(said[..2], ["resolved ok 127.0.0.1".to_owned(), format!("connected ok 127.0.0.1:{port}")]);
    assert!(arrived);
    // One that the system gives to nobody.
    let (said, _) = tried(&mut Scripted { endpoint: at(1), ..Scripted::default() }, json(&[]), false);
    assert_eq!(said.len(), 2);
    assert!(said[1].starts_with("connected failed nobody listens at 127.0.0.1:1"), "{said:?}");
}

#[test]
fn what_could_not_come_in_is_told_and_the_message_goes_out_all_the_same() {
    let listens = Some(Ok("the posts can be read".to_owned()));
    let (said, arrived) = tried(&mut Scripted { listens, ..Scripted::default() }, json(&[]), false);
    assert!(arrived && said.len() == 4 && said[0] == "followed ok the posts can be read", "{said:?}");
    let listens = Some(Err(Failure::refused("there is no account bell")));
    let (said, arrived) = tried(&mut Scripted { listens, ..Scripted::default() }, json(&[]), false);
    assert!(!arrived && said[0] == "followed failed there is no account bell", "{said:?}");
    assert_eq!(said.last().unwrap(), "acknowledged ok it is there");
}
