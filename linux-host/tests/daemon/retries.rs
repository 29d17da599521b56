//! What a receiver on the web refused for good, listed and sent again by hand.

use serde_json::Value;

use crate::running::{HOUSE, PATIENCE, Running, Workplace, poll};
use crate::webhooks::server;

#[test]
fn what_a_webhook_refused_is_listed_with_its_reason_and_sent_again() {
    let (url, asked) = server(&["422 Unprocessable", "200 OK", "200 OK"]);
    let sink =
        format!("[sinks.hook]\nkind = \"webhook\"\nurl = \"{url}/bell\"\nonly = [\"message:doorbell\"]\n");
    let place = Workplace::new(&format!("{HOUSE}{sink}"));
    let daemon = Running::start(&place);
    // Each is told before the next: a press in between would begin the run anew.
    let press = || {
        daemon.ok(&["press", "button", "--for", "60ms"]);
        asked.recv_timeout(PATIENCE).unwrap()
    };
    let (first, second) = (press(), press());
    let told = |request: (String, String)| serde_json::from_str::<Value>(&request.1).unwrap();
    assert_eq!(told(second)["text"], "Someone is at the door (2)", "the rest goes on");
    let key = |head: &str| {
        head.lines().find_map(|line| line.strip_prefix("idempotency-key: ")).expect("a key").to_owned()
    };
    let (first_key, first) = (key(&first.0), told(first));
    poll(|| (daemon.status()["sinks"][0]["dead-letters"] == 1).then_some(()));
    assert!(daemon.ok(&["status"]).contains("1 refused for good (campanile sink list)"));

    let listed = poll(|| Some(daemon.ok(&["sink", "list", "hook"])).filter(|text| text.contains("hook: 1")));
    assert!(listed.contains("doorbell") && listed.contains("422 Unprocessable"), "{listed}");
    let line: Value = serde_json::from_str(&daemon.ok(&["sink", "list", "--json"])).unwrap();
    assert_eq!((&line["sink"], &line["seq"], &line["boot"]), (&"hook".into(), &first["seq"], &first["boot"]));

    assert_eq!(daemon.ok(&["sink", "retry", "hook"]), "1 delivered, 0 refused again\n");
    let (head, body) = asked.recv_timeout(PATIENCE).unwrap();
    let late: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&late["seq"], &late["time"]), (&first["seq"], &first["time"]));
    assert_eq!((&late["late"], &late["text"]), (&true.into(), &"Someone is at the door (1)".into()));
    assert_eq!(key(&head), first_key, "to the receiver it is the same");
    assert_eq!(daemon.ok(&["sink", "list"]), "hook: 0 messages set aside\n");
    assert_eq!(daemon.ok(&["sink", "retry", "hook"]), "nothing was set aside\n");
    let (said, code) = daemon.fails(&["sink", "retry", "hok"]);
    assert!(said.contains("no sink \"hok\"; did you mean hook?"), "{said}");
    assert_eq!(code, Some(1));
    let (said, code) = daemon.fails(&["sink", "list", "hok"]);
    assert!(said.contains("no sink \"hok\" was ever at work here; did you mean hook?"), "{said}");
    assert_eq!(code, Some(1));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(place.ok(&["sink", "list"]), "hook: 0 messages set aside\n", "without a daemon too");
}
