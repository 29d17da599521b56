//! How a sink is doing, as a state that the broker keeps.

use campanile_tests::PATIENCE;
use campanile_tests::house::House;
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::{Received, Subscriber};
use serde_json::Value;

use crate::{counting, retained, whole};

const FIGURES: &str = "campanile/porch/figures/home";

#[test]
fn lag_and_losses_are_a_state_that_an_outage_shows_in_and_that_goes_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let subscriber = Subscriber::new(broker.port, "campanile/#", None);
    let file = |more: &str| counting(&broker.url(), more);
    let (with, without) = (file("figures = \"1s\""), file(""));
    let mut house = House::new(dir.path(), &with);
    house.start();
    let told = |received: &[Received]| -> Vec<Value> {
        received.iter().filter(|message| message.topic == FIGURES).map(Received::json).collect()
    };
    let received = subscriber.wait("the figures", PATIENCE, |received| told(received).len() >= 3);
    let last = told(&received).pop().unwrap();
    assert_eq!((&last["node"], &last["sink"], &last["lost"]), (&"porch".into(), &"home".into(), &0.into()));
    assert!(last["delivered"].as_u64() > Some(0) && last["lag"].is_number(), "{last}");
    broker.stop();
    house.wait("the outage shows", |status| status.sinks[0].lag > Some(1_300) && !status.sinks[0].up);
    broker.start();
    // A change every five milliseconds, of three records each: the first of them has waited for all of that.
    let lag = |figures: &Value| figures["lag"].as_f64().unwrap();
    subscriber.wait("the lag", PATIENCE, |received| told(received).iter().any(|told| lag(told) >= 1.9));
    subscriber
        .wait("its end", PATIENCE, |received| told(received).last().is_some_and(|last| lag(last) < 1.0));
    let kept: Value = serde_json::from_slice(&retained(&broker, 3)[FIGURES]).unwrap();
    assert_eq!(kept["node"], "porch", "{kept}");
    house.reload(&without);
    let is_cleared = |received: &[Received]| {
        received.iter().rfind(|message| message.topic == FIGURES).is_some_and(|last| last.payload.is_empty())
    };
    subscriber.wait("nothing is kept", PATIENCE, is_cleared);
    house.stop();
    whole(&subscriber.received());
}
