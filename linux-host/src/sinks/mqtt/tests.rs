//! Against brokers that no package has: of an older protocol, with limits, with bad manners. The real one is in the
//! end-to-end tests.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::address::Address;
use super::*;
use crate::control::protocol::Operation;
use crate::control::switch::Switch;
use crate::sinks::commands::{Commands, Verb};
use crate::sinks::message::Kind;
use crate::sinks::tls::Tls;
use crate::sinks::topics::Topics;

/// MQTT's packet types, in the high half of the first byte.
const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 8;
const DISCONNECT: u8 = 14;

/// A connection as the broker sees it.
struct Peer(TcpStream);

impl Peer {
    /// The next packet: its type and what follows the length.
    async fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = self.0.read_u8().await.ok()? >> 4;
        let (mut len, mut shift) = (0, 0);
        loop {
            let byte = self.0.read_u8().await.ok()?;
            len |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; len];
        self.0.read_exact(&mut body).await.ok()?;
        Some((kind, body))
    }

    /// The next PUBLISH of QoS 1: topic, packet id, payload.
    async fn publish(&mut self) -> (String, [u8; 2], String) {
        loop {
            let (kind, body) = self.packet().await.expect("a packet");
            if kind == PUBLISH {
                let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                let (topic, rest) = body[2..].split_at(topic);
                // An empty list of properties stands between the packet id and the payload.
                let payload = String::from_utf8(rest[3..].to_vec()).unwrap();
                return (String::from_utf8(topic.to_vec()).unwrap(), [rest[0], rest[1]], payload);
            }
        }
    }

    async fn puback(&mut self, id: [u8; 2], reason: u8) {
        self.0.write_all(&[0x40, 4, id[0], id[1], reason, 0]).await.unwrap();
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }
}

/// A listener, and a sink that is meant for it.
async fn broker() -> (TcpListener, Mqtt) {
    broker_for(&Commands::new([])).await
}

/// The same, for a sink that takes commands.
async fn broker_for(commands: &Commands) -> (TcpListener, Mqtt) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = Settings {
        address: Address::parse(&format!("mqtt://127.0.0.1:{port}")).unwrap(),
        username: None,
        password: None,
        tls: Tls::default(),
        client_id: "campanile-test".into(),
        status_topic: Some("campanile/test/status".into()),
        window: WINDOW,
        listens: false,
    };
    let listening = Listening {
        node: "test".into(),
        topics: Topics::default(),
        commands: commands.clone(),
        listen: Vec::new(),
        heard: Vec::new(),
        earlier: Vec::new(),
        hears: listen::Hears::default(),
    };
    (listener, Mqtt::new(settings, listening, Upkeep::default(), Payloads::default()))
}

/// Takes the connection and its CONNECT, and answers with `connack`.
async fn accept(listener: &TcpListener, connack: &[u8]) -> Peer {
    let mut peer = Peer(listener.accept().await.unwrap().0);
    assert_eq!(peer.packet().await.unwrap().0, CONNECT);
    peer.send(connack).await;
    peer
}

fn message(payload: &str) -> Message {
    Message {
        topic: "campanile/test/input/button".into(),
        payload: payload.into(),
        retain: true,
        kind: Kind::Input,
        every: None,
    }
}

const WELCOME: &[u8] = &[0x20, 3, 0, 0, 0];

#[tokio::test]
async fn a_broker_that_knows_no_version_5_is_told_apart() {
    let (listener, mut sink) = broker().await;
    // "Unacceptable protocol version", as version 3.1.1 says it.
    let (failure, ()) = tokio::join!(sink.open(), async { drop(accept(&listener, &[0x20, 2, 0, 1]).await) });
    let failure = failure.unwrap_err();
    assert!(failure.why.contains("3.1.1"), "{}", failure.why);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (code, words) in [(134, "password"), (135, "user"), (133, "client-id"), (132, "3.1.1")] {
        let (listener, mut sink) = broker().await;
        let connack = [0x20, 3, 0, code, 0];
        let (failure, _peer) = tokio::join!(sink.open(), accept(&listener, &connack));
        let failure = failure.unwrap_err();
        assert_eq!(failure.then, Then::Refused);
        assert!(failure.why.contains(words), "{code}: {}", failure.why);
    }
}

#[tokio::test]
async fn the_window_is_what_the_broker_says_if_that_is_less() {
    let (listener, mut sink) = broker().await;
    // Receive maximum 7.
    let (window, _peer) = tokio::join!(sink.open(), accept(&listener, &[0x20, 6, 0, 0, 3, 0x21, 0, 7]));
    assert_eq!(window, Ok(7));
}

#[tokio::test]
async fn acknowledged_is_done_and_denied_is_refused_in_order() {
    let (listener, mut sink) = broker().await;
    let (window, mut peer) = tokio::join!(sink.open(), accept(&listener, WELCOME));
    assert_eq!(window, Ok(usize::from(WINDOW)));
    for payload in ["a", "b", "c"] {
        sink.send(message(payload)).unwrap();
    }
    let mut seen = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..4 {
        let (_, id, payload) = peer.publish().await;
        ids.push(id);
        seen.push(payload);
    }
    assert_eq!(seen, ["online", "a", "b", "c"]);
    for (id, reason) in ids.into_iter().zip([0, 0, 0x87, 0]) {
        peer.puback(id, reason).await;
    }
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(1)));
    assert!(matches!(sink.outcome().await, Ok(Outcome::Refused(why)) if why.contains("not allowed")));
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(1)));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_without_sending_it() {
    let (listener, mut sink) = broker().await;
    // Maximum packet size 100.
    let (_, mut peer) = tokio::join!(sink.open(), accept(&listener, &[0x20, 8, 0, 0, 5, 0x27, 0, 0, 0, 100]));
    sink.send(message(&"x".repeat(200))).unwrap();
    sink.send(message("small")).unwrap();
    assert!(matches!(sink.outcome().await, Ok(Outcome::Refused(why)) if why.contains("100 bytes")));
    assert_eq!(peer.publish().await.2, "online");
    assert_eq!(peer.publish().await.2, "small");
}

#[tokio::test]
async fn a_broken_connection_fails_what_is_under_way_after_what_was_acknowledged() {
    let (listener, mut sink) = broker().await;
    let (_, mut peer) = tokio::join!(sink.open(), accept(&listener, WELCOME));
    sink.send(message("a")).unwrap();
    sink.send(message("b")).unwrap();
    for _ in 0..2 {
        let (_, id, _) = peer.publish().await;
        peer.puback(id, 0).await;
    }
    peer.publish().await;
    drop(peer);
    assert_eq!(sink.outcome().await, Ok(Outcome::Done(1)));
    let failure = sink.outcome().await.unwrap_err();
    assert_eq!(failure.then, Then::Retry);
    assert!(sink.send(message("c")).is_err(), "until the next open");
}

#[tokio::test]
async fn a_broker_that_hangs_up_over_a_message_makes_it_suspect() {
    let (listener, mut sink) = broker().await;
    let (_, mut peer) = tokio::join!(sink.open(), accept(&listener, WELCOME));
    sink.send(message("a")).unwrap();
    peer.publish().await;
    // DISCONNECT, not authorised.
    peer.send(&[0xe0, 2, 0x87, 0]).await;
    assert_eq!(sink.outcome().await.unwrap_err().then, Then::Suspect);
}

#[tokio::test]
async fn close_says_offline_and_disconnects() {
    let (listener, mut sink) = broker().await;
    let (_, mut peer) = tokio::join!(sink.open(), accept(&listener, WELCOME));
    let broker = async {
        for word in ["online", "offline"] {
            let (topic, id, payload) = peer.publish().await;
            assert_eq!((topic.as_str(), payload.as_str()), ("campanile/test/status", word));
            peer.puback(id, 0).await;
        }
        assert_eq!(peer.packet().await.unwrap().0, DISCONNECT);
    };
    tokio::join!(sink.close(), broker);
}

#[tokio::test]
async fn nobody_there_is_an_outage() {
    let (listener, mut sink) = broker().await;
    drop(listener);
    let failure = sink.open().await.unwrap_err();
    assert_eq!(failure, Failure::retry("nobody listens at its `url`: is the broker up?"));
}

/// A PUBLISH of QoS 0.
fn publication(topic: &str, payload: &str) -> Vec<u8> {
    let mut packet = vec![0x30, u8::try_from(2 + topic.len() + 1 + payload.len()).unwrap(), 0];
    packet.push(u8::try_from(topic.len()).unwrap());
    packet.extend([topic.as_bytes(), &[0], payload.as_bytes()].concat());
    packet
}

#[tokio::test]
async fn what_comes_in_is_read_and_what_it_may_not_listen_to_is_said() {
    let commands = Commands::new([(Verb::Set, "*".to_owned()), (Verb::Let, "*".to_owned())]);
    let (listener, mut sink) = broker_for(&commands).await;
    let (_, mut peer) = tokio::join!(sink.open(), accept(&listener, WELCOME));
    let subscribe = loop {
        let (kind, body) = peer.packet().await.unwrap();
        if kind == SUBSCRIBE {
            break body;
        }
    };
    let text = String::from_utf8_lossy(&subscribe);
    assert!(text.contains("campanile/test/set/+") && text.contains("campanile/test/let/+"), "{text}");
    // The first is granted, the second forbidden.
    peer.send(&[0x90, 5, subscribe[0], subscribe[1], 0, 1, 0x87]).await;
    let Ok(Outcome::Came(said)) = sink.outcome().await else { panic!("nothing was said") };
    assert_eq!(said.from, "campanile/test/let/+");
    assert!(matches!(&said.what, What::Unclear(why) if why.contains("access list")), "{said:?}");
    peer.send(&publication("campanile/other/set/chime", "on")).await;
    peer.send(&publication("campanile/test/set/chime", "on")).await;
    let Ok(Outcome::Came(came)) = sink.outcome().await else { panic!("nothing came") };
    assert_eq!(came.from, "campanile/test/set/chime");
    let set = Operation::Set { output: "chime".into(), to: Switch::On };
    assert!(matches!(&came.what, What::Wish(wish) if wish.operation == set), "{came:?}");
}

#[tokio::test]
async fn what_comes_faster_than_it_is_read_is_counted() {
    let (listener, mut sink) = broker_for(&Commands::default()).await;
    let (_, mut peer) = tokio::join!(sink.open(), accept(&listener, WELCOME));
    for _ in 0..1000 {
        peer.send(&publication("campanile/test/let/rings", "1")).await;
    }
    let mut came = 0;
    while came < 1000 {
        let Ok(Outcome::Came(arrival)) = sink.outcome().await else { panic!("it ended") };
        came += match arrival.what {
            What::Lost(count) => count,
            _ => 1,
        };
    }
    assert_eq!(came, 1000);
}
