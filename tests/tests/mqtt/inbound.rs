//! What comes in: commands over a broker, and messages from another house.

use campanile::control::status::{SinkStatus, Status};
use campanile_tests::PATIENCE;
use campanile_tests::house::House;
use campanile_tests::mosquitto::Mosquitto;
use campanile_tests::subscriber::Subscriber;

fn sink(status: &Status) -> &SinkStatus {
    &status.sinks[0]
}

/// A house with a button: a press is a message.
fn garden(broker: &Mosquitto) -> String {
    format!(
        r#"
        node.name = "garden"
        boards.desk.kind = "virtual"
        inputs.button.line = "GPIO14"
        scenarios = [{{ name = "press", when = [{{ input = "button", to = "on" }}], do = [{{ send = "doorbell" }}] }}]
        sinks.home = {{ kind = "mqtt", url = "{}", commands = [] }}
        "#,
        broker.url()
    )
}

/// A house that counts the messages, and does this besides.
fn kitchen(broker: &Mosquitto, besides: &str) -> String {
    format!(
        r#"
        node.name = "kitchen"
        boards.desk.kind = "virtual"
        outputs.chime.line = "GPIO23"
        variables.rings = 0
        scenarios = [{{ name = "ring", when = [{{ message = "doorbell" }}], do = [{{ let = "rings", be = "rings + 1" }}{besides}] }}]
        sinks.home = {{ kind = "mqtt", url = "{}" }}
        "#,
        broker.url()
    )
}

#[test]
fn a_press_in_one_house_rings_in_another_once_also_after_outages_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let (garden, kitchen) =
        (garden(&broker), kitchen(&broker, r#", { pulse = "chime", for = "50ms" }, { send = "doorbell" }"#));
    let mut garden = House::new(&dir.path().join("garden"), &garden);
    let mut kitchen = House::new(&dir.path().join("kitchen"), &kitchen);
    kitchen.start();
    garden.start();
    let rings = |kitchen: &House, count: i32| {
        // To its end: a ring that comes while it lasts is skipped, and a house is back within that time.
        let is_over = |status: &Status| status.scenarios.iter().all(|scenario| scenario.running == 0);
        kitchen.wait("it rings", |status| status.variables[0].value >= count && is_over(status));
    };
    kitchen.wait("it listens", |status| sink(status).up);
    garden.press("button");
    rings(&kitchen, 1);

    broker.stop();
    broker.start();
    for house in [&kitchen, &garden] {
        house.wait("it is back", |status| sink(status).up);
    }
    garden.press("button");
    rings(&kitchen, 2);

    garden.kill();
    garden.start();
    garden.press("button");
    rings(&kitchen, 3);
    let status = kitchen.status();
    // Whatever was delivered twice after the kill rang once; and what the kitchen sends under that name is not for it.
    assert_eq!((status.variables[0].value, sink(&status).taken), (3, 3), "{}", kitchen.log());
    assert_eq!(sink(&status).turned_away, 0);
    garden.stop();
    kitchen.stop();
}

#[test]
fn commands_are_carried_out_as_far_as_the_file_allows_and_the_rest_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let porch = format!(
        r#"
        node.name = "porch"
        boards.desk.kind = "virtual"
        outputs.chime.line = "GPIO23"
        outputs.lamp.line = "GPIO24"
        variables.rings = 0
        sensors.tank.decimals = 1
        scenarios = [{{ name = "double", do = [{{ let = "rings", be = "rings * 2" }}] }}]
        sinks.home = {{ kind = "mqtt", url = "{}", commands = ["set:lamp", "let:*", "start:*", "feed:tank"] }}
        "#,
        broker.url()
    );
    let mut porch = House::new(dir.path(), &porch);
    porch.start();
    porch.wait("it listens", |status| sink(status).up);
    let say = |topic: &str, payload: &str| broker.publish(&format!("campanile/porch/{topic}"), payload);
    say("set/lamp", "ON");
    say("let/rings", r#"{"value": 3, "id": 7}"#);
    say("start/double", "PRESS");
    say("let/rings", r#"{"value": 3, "id": 7}"#);
    say("feed/tank", "41.5");
    // A number fed to a sensor is the engine's a moment after it was taken.
    let status = porch.wait("all of it", |status| {
        sink(status).taken == 5 && status.sensors[0].value.as_deref() == Some("41.5")
    });
    assert_eq!(status.variables[0].value, 6, "a repeat is known by its number");
    assert_eq!(status.outputs[1].value.map(|value| value.word()), Some("on"));

    for (topic, payload, words) in [
        ("set/chime", "on", "not allowed over this sink: see `commands`"),
        ("set/lamp", "toggle", "\"toggle\" is neither on nor off"),
        ("let/ring", "1", "no variable \"ring\"; did you mean rings?"),
        ("let/rings", "many", "is not a 32-bit integer"),
    ] {
        let before = sink(&porch.status()).turned_away;
        say(topic, payload);
        let status = porch.wait(words, |status| sink(status).turned_away > before);
        let said = sink(&status).last_turned_away.clone().unwrap_or_default();
        assert!(said.starts_with(&format!("campanile/porch/{topic}: ")) && said.contains(words), "{said}");
        assert!(porch.log().contains(words), "{}", porch.log());
    }
    assert_eq!(porch.status().outputs[0].value.map(|value| value.word()), Some("off"));

    // What the broker kept for those who come later was asked for before this one came.
    broker.retain("campanile/porch/let/rings", "100");
    porch.wait("the one that came now", |status| status.variables[0].value == 100);
    say("let/rings", "1");
    porch.wait("another", |status| status.variables[0].value == 1);
    porch.stop();
    porch.start();
    let subscriber = Subscriber::new(broker.port, "campanile/porch/variable/rings", None);
    porch.wait("it listens", |status| sink(status).up);
    say("start/double", "");
    let received = subscriber.wait("the answer", PATIENCE, |received| {
        received.last().is_some_and(|message| message.json()["value"] == 2)
    });
    assert!(received.iter().all(|message| message.json()["value"] != 100));
    porch.stop();
}

#[test]
fn of_two_sinks_at_one_broker_one_carries_out_what_comes_and_says_that_the_node_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::open(dir.path());
    let house = |sinks: &str| {
        format!(
            r#"
            node.name = "porch"
            boards.desk.kind = "virtual"
            variables.rings = 0
            [[scenarios]]
            name = "ring"
            when = [{{ message = "doorbell" }}]
            do = [{{ let = "rings", be = "rings + 1" }}]
            {sinks}
            "#
        )
    };
    let url = broker.url();
    let first = format!("[sinks.home]\nkind = \"mqtt\"\nurl = \"{url}\"\n");
    let second = format!(
        "[sinks.archive]\nkind = \"mqtt\"\nurl = \"{url}\"\nbatch = {{}}\nlisten = [\"gate/+\", \"campanile/+/message/+\"]\n"
    );
    let mut porch = House::new(dir.path(), &house(&format!("{first}{second}")));
    porch.start();
    let both = |status: &Status| status.sinks.iter().all(|sink| sink.up);
    porch.wait("both listen", |status| both(status) && status.sinks.len() == 2);
    let rings = |count: i32| porch.wait("a ring", |status| status.variables[0].value >= count);
    // Without a number of their own: a second time would be one more.
    broker.publish("campanile/gate/message/doorbell", "pressed");
    rings(1);
    broker.publish("gate/doorbell", "pressed");
    rings(2);
    broker.publish("campanile/porch/start/ring", "");
    let status = rings(3);
    assert_eq!(status.variables[0].value, 3, "{}", porch.log());
    // It is counted a moment after it was carried out.
    let taken = |status: &Status| status.sinks.iter().map(|sink| sink.taken).collect::<Vec<_>>();
    porch.wait("all of it is counted", |status| taken(status) == [2, 1]);

    // The second one goes, and the node is still there.
    let presence = Subscriber::new(broker.port, "campanile/porch/status", None);
    porch.reload(&house(&first));
    porch.wait("one is gone", |status| both(status) && status.sinks.len() == 1);
    broker.publish("campanile/porch/let/rings", "10");
    porch.wait("the first is at work", |status| status.variables[0].value == 10);
    assert!(presence.received().iter().all(|message| message.payload == b"online"));
    // The first one goes, and the second says that the node is there.
    porch.reload(&house(&format!("{first}{second}")));
    porch.wait("both", |status| both(status) && status.sinks.len() == 2);
    porch.reload(&house(&second));
    porch.wait("the second", |status| both(status) && status.sinks.len() == 1);
    presence.wait("it is there", PATIENCE, |received| {
        received.last().is_some_and(|last| last.payload == b"online")
    });
    broker.publish("campanile/porch/let/rings", "20");
    porch.wait("the second carries out", |status| status.variables[0].value == 20);
    porch.stop();
}

#[test]
fn a_press_rings_also_while_the_other_house_or_the_broker_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::open(dir.path());
    let (garden, kitchen) = (garden(&broker), kitchen(&broker, ""));
    let mut garden = House::new(&dir.path().join("garden"), &garden);
    let mut kitchen = House::new(&dir.path().join("kitchen"), &kitchen);
    kitchen.start();
    garden.start();
    let rings = |kitchen: &House, count: i32| {
        kitchen.wait("it rings", |status| status.variables[0].value >= count);
    };
    kitchen.wait("it listens", |status| sink(status).up);
    garden.press("button");
    rings(&kitchen, 1);
    for outage in 1..=3 {
        broker.stop();
        garden.press("button");
        broker.start();
        rings(&kitchen, 1 + outage);
    }
    // The listener is away.
    kitchen.stop();
    garden.press("button");
    garden.wait("it is told", |status| sink(status).lag == Some(0));
    kitchen.start();
    rings(&kitchen, 5);
    assert_eq!(kitchen.status().variables[0].value, 5, "and none twice: {}", kitchen.log());
    garden.stop();
    kitchen.stop();
}
