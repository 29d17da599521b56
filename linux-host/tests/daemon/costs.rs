//! What a month costs, held against what a daemon has sent.

use serde_json::{Value, json};

use crate::running::{HOUSE, Running, Workplace, poll};

const CLOUD: &str = r#"
[sinks.cloud]
kind = "aws-iot"
endpoint = "a1b2-ats.iot.eu-west-1.amazonaws.com"
certificate = "/nowhere/cert.pem"
key = "/nowhere/key.pem"
only = ["variable:*", "message:*"]
"#;

#[test]
fn what_a_sink_would_have_sent_is_what_it_has_sent() {
    let place = Workplace::new("");
    let lines = place.path("lines.jsonl");
    let house = format!(
        "{HOUSE}[sinks.record]\nkind = \"file\"\npath = {lines:?}\nonly = [\"variable:*\", \"message:*\"]\n"
    );
    place.write(&house);
    let sent = || -> Vec<Value> {
        let text = std::fs::read_to_string(&lines).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let daemon = Running::start(&place);
    // What the start tells goes before the first press.
    poll(|| (sent().len() == 2).then_some(()));
    for rings in 1..=3 {
        daemon.ok(&["press", "button", "--for", "60ms"]);
        poll(|| {
            let bells = sent().iter().filter(|line| line["value"] == "doorbell").count();
            let released = daemon.status()["inputs"][0]["value"] == "off";
            (bells == rings && released).then_some(())
        });
    }
    assert_eq!(daemon.stop(), Some(0));
    let sent = sent();
    let bells = sent.iter().filter(|line| line["value"] == "doorbell").count() as u64;
    let states = sent.len() as u64 - bells;
    assert_eq!((bells, states), (3, 5), "two variables at the start, and one counts the rings");

    // A file that has not run yet: the same journal, and a receiver that takes money.
    let said = cost(&place, &format!("{house}{CLOUD}"));
    let bytes: usize = {
        let rest = |line: &Value| {
            let mut object = line.clone();
            let topic = object.as_object_mut().unwrap().remove("topic").unwrap();
            topic.as_str().unwrap().len() + object.to_string().len()
        };
        sent.iter().map(rest).sum()
    };
    // Less than a day is a day, of which a month has thirty.
    assert_eq!(
        said[0],
        json!({ "sink": "record", "kind": "file", "messages": 30 * (bells + states), "bytes": 30 * bytes })
    );
    let metered = &said[1]["metered"];
    let connection = 4;
    assert_eq!(
        *metered,
        json!({ "minutes": 43_200, "messages": 30 * (bells + 2 * states + connection), "shadow": 30 * (states + 1), "rules": 0 })
    );
    let nanodollars = 43_200 * 80
        + metered["messages"].as_u64().unwrap() * 1_000
        + metered["shadow"].as_u64().unwrap() * 1_250;
    assert_eq!(said[1]["nanodollars"], nanodollars);
    let journal = &said[2]["journal"];
    assert_eq!(journal["starts"], 1);
    let commits = journal["commits"].as_u64().unwrap();
    assert!(commits >= 30 && journal["card-bytes"] == json!([commits * 6_000, commits * 8_000]), "{journal}");
    assert_eq!(said[3]["prices"]["region"], "eu-west-1 (Ireland)");

    // Three messages alone, or in arrays of two.
    let sinks =
        [("alone", ""), ("together", "batch = { most = 2, within = \"1h\" }\n")].map(|(name, batch)| {
            let table = CLOUD.replace("sinks.cloud", &format!("sinks.{name}"));
            let table = table.replace("\"variable:*\", \"message:*\"", "\"message:*\"");
            format!("{table}shadow = false\nthing = \"{name}\"\n{batch}")
        });
    let said = cost(&place, &format!("{HOUSE}{}", sinks.concat()));
    for (said, name, messages) in [(&said[0], "alone", bells), (&said[1], "together", 2)] {
        assert_eq!((&said["sink"], &said["messages"]), (&json!(name), &json!(30 * messages)));
        let metered = 30 * (messages + 1);
        assert_eq!(
            said["metered"],
            json!({ "minutes": 43_200, "messages": metered, "shadow": 0, "rules": 0 })
        );
        assert_eq!(said["nanodollars"], 43_200 * 80 + metered * 1_000);
    }
    let bytes = [0, 1].map(|sink: usize| said[sink]["bytes"].as_u64().unwrap());
    assert!(bytes[0] < bytes[1], "each says its topic in the array, too: {bytes:?}");
}

/// What `campanile cost` says of a file, with the journal that there is.
fn cost(place: &Workplace, house: &str) -> Vec<Value> {
    place.write(house);
    let (file, state) = (place.path("house.toml"), place.path("state"));
    let args = ["cost", file.to_str().unwrap(), "--journal", state.to_str().unwrap(), "--json"];
    let output = place.bare(&args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
