//! A device shadow service behind a real broker, written from its public documentation: it merges updates, counts versions,
//! answers, and tells what is desired and not reported. On request it refuses.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, Incoming, MqttOptions, PublishOptions, QoS};
use serde_json::{Map, Value, json};

use crate::PATIENCE;

/// Bytes of a document.
const MOST: usize = 8 * 1024;

/// The service.
pub struct ShadowService {
    client: Client,
    kept: Arc<Mutex<Kept>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Kept {
    things: HashMap<String, Shadow>,
    /// The updates of devices that were accepted, in their order.
    accepted: Vec<Value>,
    /// What the next updates of devices are refused with.
    refuse: VecDeque<u16>,
}

#[derive(Clone, Debug, Default)]
struct Shadow {
    desired: Map<String, Value>,
    reported: Map<String, Value>,
    version: u64,
}

impl Shadow {
    /// What is desired and not so.
    fn delta(&self) -> Map<String, Value> {
        let differs = |(key, value): &(&String, &Value)| self.reported.get(*key) != Some(*value);
        self.desired.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn json(&self) -> Value {
        json!({ "desired": self.desired, "reported": self.reported })
    }
}

impl ShadowService {
    /// Serves all things of a broker that lets everybody in at this port.
    ///
    /// # Panics
    /// The broker does not answer.
    pub fn new(port: u16) -> Self {
        let mut options = MqttOptions::new("shadow-service", ("127.0.0.1", port));
        options.set_keep_alive(5).set_receive_maximum(Some(1000));
        let (client, mut connection) = Client::builder(options).capacity(1000).build();
        for request in ["update", "get"] {
            client
                .subscribe(format!("$aws/things/+/shadow/{request}"), QoS::AtLeastOnce)
                .expect("a subscription");
        }
        let kept = Arc::<Mutex<Kept>>::default();
        let (subscribed, ready) = std::sync::mpsc::channel();
        let (served, answers) = (Arc::clone(&kept), client.clone());
        let thread = std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Incoming::Publish(publish))) => {
                        let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                        for (topic, payload) in serve(&mut lock(&served), &topic, &publish.payload) {
                            answers
                                .try_publish(topic, payload.to_string(), PublishOptions::new(QoS::AtMostOnce))
                                .expect("room");
                        }
                    }
                    Ok(Event::Incoming(Incoming::SubAck(_))) => {
                        // Nobody waits for the later ones.
                        let _ = subscribed.send(());
                    }
                    Ok(_) => {}
                    Err(rumqttc::ConnectionError::RequestsDone) => return,
                    Err(_) => sleep(Duration::from_millis(20)),
                }
            }
        });
        for _ in 0..2 {
            ready.recv_timeout(PATIENCE).expect("the broker takes the subscription");
        }
        Self { client, kept, thread: Some(thread) }
    }

    /// The updates of devices that it accepted so far, in their order.
    pub fn accepted(&self) -> Vec<Value> {
        lock(&self.kept).accepted.clone()
    }

    /// The document of a thing.
    pub fn document(&self, thing: &str) -> Value {
        lock(&self.kept).things.get(thing).map(Shadow::json).unwrap_or_default()
    }

    /// Refuses the next update of a device with this code.
    pub fn refuse(&self, code: u16) {
        lock(&self.kept).refuse.push_back(code);
    }

    /// As an application does: wants something to be so.
    ///
    /// # Panics
    /// The broker is gone.
    pub fn desire(&self, thing: &str, state: &Value) {
        let update = json!({ "state": { "desired": state } }).to_string();
        let topic = format!("$aws/things/{thing}/shadow/update");
        self.client.publish(topic, update, PublishOptions::new(QoS::AtLeastOnce)).expect("the broker");
    }

    /// Waits until something holds of a thing's document.
    ///
    /// # Panics
    /// It does not within the patience.
    pub fn wait(&self, what: &str, thing: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let document = self.document(thing);
            if holds(&document) {
                return document;
            }
            assert!(Instant::now() < end, "{what}: {document:#}");
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for ShadowService {
    fn drop(&mut self) {
        if self.client.try_disconnect_now().is_ok()
            && let Some(thread) = self.thread.take()
        {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

/// The answers to a request, with their topics.
fn serve(kept: &mut Kept, topic: &str, payload: &[u8]) -> Vec<(String, Value)> {
    let mut parts = topic.splitn(5, '/').skip(2);
    let (Some(thing), _, Some(request)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let answer = |what: &str, value: Value| (format!("$aws/things/{thing}/shadow/{what}"), value);
    if request == "get" {
        return vec![match kept.things.get(thing) {
            Some(shadow) => {
                let mut state = shadow.json();
                let delta = shadow.delta();
                if !delta.is_empty() {
                    state["delta"] = delta.into();
                }
                answer("get/accepted", json!({ "state": state, "version": shadow.version, "timestamp": 1 }))
            }
            None => {
                let message = format!("No shadow exists with name: '{thing}'");
                answer("get/rejected", json!({ "code": 404, "message": message, "timestamp": 1 }))
            }
        }];
    }
    let update: Value = serde_json::from_slice(payload).unwrap_or_default();
    let token = &update["clientToken"];
    let rejected = |code: u16, message: &str| {
        let mut value = json!({ "code": code, "message": message, "timestamp": 1 });
        if !token.is_null() {
            value["clientToken"] = token.clone();
        }
        vec![answer("update/rejected", value)]
    };
    let reported = update["state"]["reported"].as_object();
    if reported.is_some()
        && let Some(code) = kept.refuse.pop_front()
    {
        return rejected(code, "as the test wants it");
    }
    let Some(state) = update["state"].as_object() else {
        return rejected(400, "Missing required node: state");
    };
    if payload.len() > MOST {
        return rejected(413, "The payload exceeds the maximum size allowed");
    }
    if reported.is_some() {
        kept.accepted.push(update.clone());
    }
    let shadow = kept.things.entry(thing.to_owned()).or_default();
    for (part, changes) in state {
        let into = if part == "desired" { &mut shadow.desired } else { &mut shadow.reported };
        for (key, value) in changes.as_object().into_iter().flatten() {
            if value.is_null() {
                into.remove(key);
            } else {
                into.insert(key.clone(), value.clone());
            }
        }
    }
    shadow.version += 1;
    let mut accepted = json!({ "state": state, "version": shadow.version, "timestamp": 1 });
    if !token.is_null() {
        accepted["clientToken"] = token.clone();
    }
    let mut answers = vec![answer("update/accepted", accepted)];
    let delta = shadow.delta();
    if !delta.is_empty() {
        answers.push(answer(
            "update/delta",
            json!({ "state": delta, "version": shadow.version, "timestamp": 1 }),
        ));
    }
    answers
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
