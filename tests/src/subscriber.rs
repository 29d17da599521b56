//! A subscriber that misses nothing: its session is kept by the broker, over restarts of the broker too.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, Incoming, MqttOptions, NetworkOptions, QoS, SessionMode};
use serde_json::Value;

use crate::PATIENCE;

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it was read, on the clock of the records.
    pub at_us: u64,
    /// Where.
    pub topic: String,
    /// The bytes.
    pub payload: Vec<u8>,
    /// It was there before the subscription.
    pub retained: bool,
}

impl Received {
    /// The payload as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }
}

/// Collects messages on a thread of its own.
pub struct Subscriber {
    client: Client,
    received: Arc<Mutex<Vec<Received>>>,
    thread: Option<JoinHandle<()>>,
}

impl Subscriber {
    /// Subscribes to a filter, as a user if need be, and waits until the broker has said yes.
    ///
    /// # Panics
    /// The broker does not answer.
    pub fn new(port: u16, filter: &str, login: Option<(&str, &str)>) -> Self {
        // Two of one name would throw each other out.
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("subscriber-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut options = MqttOptions::new(name, ("127.0.0.1", port));
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_session_mode(SessionMode::Persistent).set_keep_alive(5).set_network_options(network);
        options.set_receive_maximum(Some(1000));
        if let Some((user, password)) = login {
            options.set_credentials(user, password.to_owned());
        }
        let (client, mut connection) = Client::builder(options).capacity(1000).build();
        client.subscribe(filter, QoS::AtLeastOnce).expect("a subscription");
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (subscribed, ready) = std::sync::mpsc::channel();
        let collected = Arc::clone(&received);
        let thread = std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Incoming::Publish(publish))) => lock(&collected).push(Received {
                        at_us: campanile_clock::now_us(),
                        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                        payload: publish.payload.to_vec(),
                        retained: publish.retain,
                    }),
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
        ready.recv_timeout(PATIENCE).expect("the broker takes the subscription");
        Self { client, received, thread: Some(thread) }
    }

    /// All that came so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// The last one that came.
    pub fn last(&self) -> Option<Received> {
        lock(&self.received).last().cloned()
    }

    /// How many came so far.
    pub fn count(&self) -> usize {
        lock(&self.received).len()
    }

    /// Waits until something holds of all that came.
    ///
    /// # Panics
    /// It does not within the patience: the text has the end of what came.
    pub fn wait(&self, what: &str, patience: Duration, holds: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let end = Instant::now() + patience;
        loop {
            let received = self.received();
            if holds(&received) {
                return received;
            }
            if Instant::now() > end {
                let tail: Vec<_> = received
                    .iter()
                    .rev()
                    .take(8)
                    .map(|r| format!("{} {}", r.topic, String::from_utf8_lossy(&r.payload)))
                    .collect();
                panic!(
                    "{what}: not after {patience:?}; {} messages came, the last of them {tail:#?}",
                    received.len()
                );
            }
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        if self.client.try_disconnect_now().is_ok()
            && let Some(thread) = self.thread.take()
        {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

fn lock(received: &Mutex<Vec<Received>>) -> MutexGuard<'_, Vec<Received>> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}
